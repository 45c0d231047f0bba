//! What was fetched of a block, in a temporary file.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use super::BucketError;
use crate::sources::tsdb::block::Positioned;

/// A file without a name in the folder for temporary files, created when something is first written. The operating system
/// removes it when it is closed, even if the process is killed.
#[derive(Debug, Default)]
pub(super) struct Temporary {
    file: OnceLock<Positioned>,
    end: AtomicU64,
}

impl Temporary {
    fn file(&self) -> Result<&Positioned, BucketError> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        // Of two threads that create one at once, one file is dropped.
        let created = tempfile::tempfile().map_err(failed)?;
        Ok(self.file.get_or_init(|| Positioned::new(created)))
    }

    /// Sets a place for this many bytes aside.
    pub(super) fn reserve(&self, bytes: u64) -> u64 {
        self.end.fetch_add(bytes, Ordering::Relaxed)
    }

    pub(super) fn write(&self, at: u64, bytes: &[u8]) -> Result<(), BucketError> {
        self.file()?.write_all_at(bytes, at).map_err(failed)
    }

    pub(super) fn read(&self, at: u64, buffer: &mut [u8]) -> Result<(), BucketError> {
        self.file()?.read_exact_at(buffer, at).map_err(failed)
    }
}

fn failed(source: io::Error) -> BucketError {
    BucketError::Temporary { dir: std::env::temp_dir(), source }
}

/// Which ranges of a file are in the temporary file, and where.
#[derive(Debug, Default)]
pub(super) struct Kept(RwLock<BTreeMap<u64, Extent>>);

#[derive(Clone, Copy, Debug)]
struct Extent {
    /// End of the range in the file.
    end: u64,
    /// Where it begins in the temporary file.
    at: u64,
}

/// How many earlier extents may overlap the place that is looked for. A miss costs a request, nothing more.
const LOOK_BACK: usize = 4;

impl Kept {
    /// Adds a range that is in the temporary file from `at` on.
    pub(super) fn add(&self, range: &Range<u64>, at: u64) {
        let mut extents = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if extents.get(&range.start).is_none_or(|known| known.end < range.end) {
            extents.insert(range.start, Extent { end: range.end, at });
        }
    }

    /// Forgets all ranges.
    pub(super) fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Where a range begins in the temporary file; `None` if it is not there as a whole.
    pub(super) fn find(&self, range: &Range<u64>) -> Option<u64> {
        let extents = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut before = extents.range(..=range.start).rev().take(LOOK_BACK);
        let (start, extent) = before.find(|(_, extent)| range.end <= extent.end)?;
        Some(extent.at + (range.start - start))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn what_was_fetched_is_found_whole_or_not_at_all() {
        let (temporary, kept) = (Temporary::default(), Kept::default());
        for (start, bytes) in [(100, &b"abcdefghij"[..]), (105, b"fgh"), (100, b"ab"), (300, b"xyz")] {
            let at = temporary.reserve(bytes.len() as u64);
            temporary.write(at, bytes).unwrap();
            kept.add(&(start..start + bytes.len() as u64), at);
        }
        let text = |range: Range<u64>| {
            let mut read = vec![0; (range.end - range.start) as usize];
            temporary.read(kept.find(&range)?, &mut read).unwrap();
            String::from_utf8(read).ok()
        };
        assert_eq!(text(100..110).as_deref(), Some("abcdefghij"));
        assert_eq!(text(106..110).as_deref(), Some("ghij"));
        assert_eq!(text(105..107).as_deref(), Some("fg"));
        assert_eq!(text(301..303).as_deref(), Some("yz"));
        for absent in [99..101, 109..111, 110..111, 299..301, 0..1] {
            assert_eq!(kept.find(&absent), None, "{absent:?}");
        }
    }
}
