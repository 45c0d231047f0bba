//! Blocks in a bucket, where Thanos and Mimir keep them: read by ranges of their files, never whole.
//!
//! A block is listed once. Of its index, the tables and the entries of the wanted series are read; of its chunks, the ranges
//! of the wanted series. Ranges that are near each other are one request, and several requests run at once. What was fetched
//! lies in a temporary file while the block is open, so that neither memory nor requests grow with the days that need it.

mod error;
mod file;
mod joined;
mod kept;
mod layout;
mod listing;
mod marks;
mod mimir;
mod permits;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use error::BucketError;

use super::block::{Block, BlockFolder, BlockMeta, BytesRead};
use crate::places::{Address, PlaceError, Store};
use file::BlockFiles;
use layout::Layout;
use permits::Permits;

pub(in crate::sources::tsdb) use listing::unselected_note;

/// Requests for parts of files that run at once; each holds up to [`joined::LARGEST`] bytes in memory.
const REQUESTS: usize = 8;

/// The files of a block: the path of each in the folder of the block, and its size in bytes.
type Files = BTreeMap<String, u64>;

/// A folder of blocks in a bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    store: Store,
    layout: Layout,
    /// The folder with the blocks, as an address.
    address: String,
    /// Blocks without samples in this half-open range of milliseconds are not looked into.
    range_ms: Range<i64>,
    permits: Arc<Permits>,
    /// The descriptions that were read; they never change.
    metas: Mutex<BTreeMap<String, BlockMeta>>,
    /// The files of the blocks of the last listing.
    files: Mutex<BTreeMap<PathBuf, Arc<Files>>>,
}

/// What a bucket has to read.
#[derive(Debug, Default)]
pub(in crate::sources::tsdb) struct Contents {
    /// Blocks to read, by their first millisecond.
    pub(in crate::sources::tsdb) blocks: Vec<BlockFolder>,
    /// What is left out, and why.
    pub(in crate::sources::tsdb) notes: Vec<String>,
}

impl Bucket {
    /// Finds the blocks at an address: a folder of blocks, one block, or the folder of the only tenant of Mimir.
    pub(crate) fn open(address: &Address, range_ms: Range<i64>) -> Result<Self, BucketError> {
        let store = Store::open(address)?;
        let layout = layout::find(&store)?;
        let address = if layout.root().is_empty() { address.to_string() } else { address.of(layout.root()) };
        let (metas, files, permits) = (Mutex::default(), Mutex::default(), Arc::new(Permits::new(REQUESTS)));
        Ok(Self { store, layout, address, range_ms, permits, metas, files })
    }

    /// The address of the folder with the blocks.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Opens a block of the last listing.
    pub(in crate::sources::tsdb) fn open_block(&self, folder: &BlockFolder) -> Result<Block, BucketError> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(&folder.dir).cloned();
        let files = files.ok_or_else(|| PlaceError::NotFound(folder.dir.display().to_string()))?;
        let path = self.layout.path_of(&self.name_of(&folder.dir));
        let (store, permits) = (self.store.clone(), Arc::clone(&self.permits));
        let storage = BlockFiles { store, permits, dir: folder.dir.clone(), path, files, chunks: Arc::default() };
        Ok(Block::open_in(&(Arc::new(storage) as _), folder.dir.clone(), folder.meta.clone(), BytesRead::default())?)
    }

    /// Where a block is, for errors.
    fn dir_of(&self, name: &str) -> PathBuf {
        if name.is_empty() { PathBuf::from(&self.address) } else { PathBuf::from(format!("{}/{name}", self.address)) }
    }

    fn name_of(&self, dir: &Path) -> String {
        let name = dir.strip_prefix(&self.address).ok().and_then(Path::to_str);
        name.unwrap_or_default().to_owned()
    }
}
