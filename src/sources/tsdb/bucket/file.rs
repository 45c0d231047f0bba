//! The files of a block in a bucket, read by ranges.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::joined::{joined, pieces};
use super::kept::{Kept, Temporary};
use super::permits::Permits;
use super::{BucketError, Files, REQUESTS};
use crate::places::{Store, each_at_once};
use crate::sources::tsdb::block::{BlockError, BytesRead, Positions, Storage};

/// Bytes that a request reads at least: it takes the same time as one for a few bytes.
const LEAST: u64 = 32 << 10;

/// Bytes of a table that one request reads.
const PIECE: u64 = 4 << 20;

/// The files of one block.
#[derive(Debug)]
pub(super) struct BlockFiles {
    pub(super) store: Store,
    pub(super) permits: Arc<Permits>,
    /// The folder of the block, as errors name it.
    pub(super) dir: PathBuf,
    /// The path of the folder in the store.
    pub(super) path: String,
    pub(super) files: Arc<Files>,
    /// Holds the chunks that were fetched, while the block is open.
    pub(super) chunks: Arc<Temporary>,
}

impl BlockFiles {
    /// The path in the folder of the block, with slashes.
    fn inside(&self, path: &Path) -> String {
        let parts = path.strip_prefix(&self.dir).unwrap_or(path).iter().map(|part| part.to_string_lossy());
        parts.collect::<Vec<_>>().join("/")
    }
}

impl Storage for BlockFiles {
    fn open(&self, path: &Path, read: &BytesRead) -> Result<Box<dyn Positions>, BlockError> {
        let name = self.inside(path);
        let Some(size) = self.files.get(&name).copied() else {
            return Err(BlockError::Io { file: path.to_owned(), source: io::ErrorKind::NotFound.into() });
        };
        let is_chunks = name.starts_with("chunks/");
        let temporary = if is_chunks { Arc::clone(&self.chunks) } else { Arc::default() };
        let path = if self.path.is_empty() { name } else { format!("{}/{name}", self.path) };
        Ok(Box::new(BucketFile {
            store: self.store.clone(),
            permits: Arc::clone(&self.permits),
            path,
            size,
            read: read.clone(),
            temporary: RwLock::new(temporary),
            kept: Kept::default(),
            fetching: Mutex::default(),
        }))
    }

    fn names(&self, folder: &Path) -> Result<Vec<String>, BlockError> {
        let prefix = self.inside(folder) + "/";
        let inside = self.files.keys().filter_map(|path| path.strip_prefix(&prefix));
        Ok(inside.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }
}

/// A file of a block. Its size is that of the listing.
#[derive(Debug)]
struct BucketFile {
    store: Store,
    permits: Arc<Permits>,
    path: String,
    size: u64,
    read: BytesRead,
    temporary: RwLock<Arc<Temporary>>,
    kept: Kept,
    /// One thread fetches at a time, so that no two fetch the same.
    fetching: Mutex<()>,
}

impl BucketFile {
    /// Requests a range, and does something with its bytes while the permit for them is held.
    fn request<T>(
        &self,
        range: Range<u64>,
        then: impl FnOnce(&[u8]) -> Result<T, BucketError>,
    ) -> Result<T, BucketError> {
        self.permits.within(|| {
            let bytes = self.store.read_range(&self.path, range)?;
            self.read.add(bytes.len() as u64);
            then(&bytes)
        })
    }

    fn temporary(&self) -> Arc<Temporary> {
        Arc::clone(&self.temporary.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, range: &Range<u64>, bytes: &[u8]) -> Result<(), BucketError> {
        let temporary = self.temporary();
        let at = temporary.reserve(bytes.len() as u64);
        temporary.write(at, bytes)?;
        self.kept.add(range, at);
        Ok(())
    }

    fn read_into(&self, buffer: &mut [u8], offset: u64) -> Result<(), BucketError> {
        let wanted = offset..offset + buffer.len() as u64;
        if wanted.is_empty() {
            return Ok(());
        }
        if let Some(at) = self.kept.find(&wanted) {
            return self.temporary().read(at, buffer);
        }
        let range = offset..wanted.end.max(self.size.min(offset + LEAST));
        self.request(range.clone(), |bytes| {
            buffer.copy_from_slice(&bytes[..buffer.len()]);
            if range.end > wanted.end { self.keep(&range, bytes) } else { Ok(()) }
        })
    }

    fn fetch_all(&self, ranges: &mut dyn Iterator<Item = Range<u64>>) -> Result<(), BucketError> {
        let _turn = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        let temporary = self.temporary();
        let missing = joined(ranges.filter(|range| self.kept.find(range).is_none()).collect());
        let placed: Vec<(Range<u64>, u64)> =
            missing.into_iter().map(|range| (range.clone(), temporary.reserve(range.end - range.start))).collect();
        let requests: Vec<(u64, Range<u64>)> = placed
            .iter()
            .flat_map(|(range, at)| pieces(range).map(move |piece| (at + piece.start - range.start, piece)))
            .collect();
        each_at_once(&requests, REQUESTS, |(at, piece)| {
            self.request(piece.clone(), |bytes| temporary.write(*at, bytes))
        })?;
        placed.iter().for_each(|(range, at)| self.kept.add(range, *at));
        Ok(())
    }
}

impl Positions for BucketFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), BlockError> {
        self.read_into(buffer, offset).map_err(remote)
    }

    fn piece(&self) -> u64 {
        PIECE
    }

    fn fetch(&self, ranges: &mut dyn Iterator<Item = Range<u64>>) -> Result<(), BlockError> {
        self.fetch_all(ranges).map_err(remote)
    }

    fn forget(&self) {
        self.kept.clear();
        *self.temporary.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }
}

fn remote(error: BucketError) -> BlockError {
    BlockError::Remote(Box::new(error))
}
