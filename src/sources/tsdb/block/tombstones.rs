//! Tombstones: times of series that were deleted, and whose samples are still in the chunks.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::bytes::Cursor;
use super::error::BlockError;
use super::file::{BlockFile, BytesRead, CRC_SIZE};
use super::header::Header;
use super::storage::Storage;

/// Magic number and version, in bytes. The CRC32C does not cover them.
const HEADER_SIZE: u64 = 5;

const HEADER: Header = Header {
    magic: 0x0130_BA30,
    version: 1,
    size: HEADER_SIZE,
    what: "the header of the tombstones",
    kind: "file of tombstones",
    format: "tombstones",
};

/// Deleted times, both ends included, in milliseconds.
pub(super) type Interval = (i64, i64);

/// Deleted times of each series.
#[derive(Debug, Default)]
pub(super) struct Tombstones(BTreeMap<u64, Vec<Interval>>);

impl Tombstones {
    /// Reads `tombstones` in the folder of a block. Blocks of some writers have none.
    pub(super) fn read(storage: &dyn Storage, dir: &Path, read: &BytesRead) -> Result<Self, BlockError> {
        let file = match BlockFile::open_in(storage, dir.join("tombstones"), read) {
            Err(BlockError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            file => file?,
        };
        HEADER.check(&file)?;
        let length = file.size().saturating_sub(HEADER_SIZE + CRC_SIZE);
        let bytes = file.read_checked(HEADER_SIZE, length, "the tombstones")?;
        let mut cursor = Cursor::new(&bytes, HEADER_SIZE, &file);
        let mut intervals: BTreeMap<u64, Vec<Interval>> = BTreeMap::new();
        while cursor.left() > 0 {
            let reference = cursor.uvarint()?;
            let interval = (cursor.varint()?, cursor.varint()?);
            intervals.entry(reference).or_default().push(interval);
        }
        intervals.values_mut().for_each(join);
        Ok(Self(intervals))
    }

    /// Deleted times of the series with this reference, in ascending order and apart from each other.
    pub(super) fn of(&self, reference: u64) -> &[Interval] {
        self.0.get(&reference).map_or(&[], Vec::as_slice)
    }
}

/// Sorts intervals and joins those that touch.
fn join(intervals: &mut Vec<Interval>) {
    intervals.retain(|(first, last)| first <= last);
    intervals.sort_unstable();
    intervals.dedup_by(|later, earlier| {
        let touches = later.0 <= earlier.1.saturating_add(1);
        if touches {
            earlier.1 = earlier.1.max(later.1);
        }
        touches
    });
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::storage::Disk;
    use super::*;
    use crate::scratch::Scratch;

    fn read(header: &[u8], content: &[u8]) -> Result<Tombstones, BlockError> {
        let scratch = Scratch::new();
        let bytes = [header, content, &crc32c::crc32c(content).to_be_bytes()].concat();
        scratch.write("tombstones", &bytes);
        Tombstones::read(&Disk, scratch.path(), &BytesRead::default())
    }

    const HEADER: [u8; 5] = [0x01, 0x30, 0xba, 0x30, 1];

    #[test]
    fn intervals_of_a_series_are_sorted_and_joined() {
        // Series 5: 10 to 12, 1 to 2, 13 to 20, 3 to 1 (nothing), 11 to 14; series 300: everything from -1 on.
        let mut content = vec![5, 20, 24, 5, 2, 4, 5, 26, 40, 5, 6, 2, 5, 22, 28, 0xac, 2, 1];
        content.extend([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
        let tombstones = read(&HEADER, &content).unwrap();
        assert_eq!(tombstones.of(5), [(1, 2), (10, 20)]);
        assert_eq!(tombstones.of(300), [(-1, i64::MAX)]);
        assert_eq!(tombstones.of(6), []);
    }

    #[test]
    fn a_missing_file_is_empty_and_a_damaged_one_an_error() {
        let scratch = Scratch::new();
        assert!(Tombstones::read(&Disk, scratch.path(), &BytesRead::default()).unwrap().0.is_empty());
        assert!(read(&HEADER, &[]).unwrap().0.is_empty());
        for (header, content, problem) in [
            (&[1, 0x30, 0xba, 0x31, 1][..], &[][..], "begins with 0130ba31 instead of 0130ba30"),
            (&[1, 0x30, 0xba, 0x30, 2], &[], "has tombstones format 2, and only format 1"),
            (&HEADER, &[5, 20], "tombstones at byte 7: an integer is longer"),
            (&HEADER[..4], &[], "has tombstones format 0"),
        ] {
            let text = read(header, content).err().unwrap().to_string();
            assert!(text.contains(problem), "{text}");
        }
        scratch.write("tombstones", &[HEADER.as_slice(), &[0; 3]].concat());
        assert!(matches!(
            Tombstones::read(&Disk, scratch.path(), &BytesRead::default()),
            Err(BlockError::Truncated { .. })
        ));
    }
}
