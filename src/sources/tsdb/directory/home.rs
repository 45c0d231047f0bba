//! Where the blocks of a data directory are: on disk, or in a bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{DirectoryError, Replica, is_block, labels};
use crate::sources::tsdb::block::{Block, BlockFolder, BlockFolders, BlockMeta};
use crate::sources::tsdb::bucket::Bucket;

/// A folder of blocks.
#[derive(Clone, Debug)]
pub(super) enum Home {
    /// A data directory or a single block.
    Disk(PathBuf),
    Bucket(Arc<Bucket>),
}

impl Home {
    /// The blocks to read; of blocks of replicas, those of this one.
    pub(super) fn list(&self, replica: Option<&Replica>) -> Result<Vec<BlockFolder>, DirectoryError> {
        match self {
            Self::Disk(dir) => list(dir, replica),
            Self::Bucket(bucket) => choose(Path::new(bucket.address()), bucket.list()?.blocks, replica),
        }
    }

    /// Opens a block that was listed. On disk, its files then stay readable even if a server removes the block.
    pub(super) fn open(&self, folder: &BlockFolder) -> Result<Block, DirectoryError> {
        match self {
            Self::Disk(_) => {
                let block = Block::open(&folder.dir)?;
                block.open_chunks()?;
                Ok(block)
            }
            Self::Bucket(bucket) => Ok(bucket.open_block(folder)?),
        }
    }

    /// Whether each read is a request, so that reads are planned.
    pub(super) fn is_far(&self) -> bool {
        matches!(self, Self::Bucket(_))
    }
}

/// The blocks on disk to read. If the directory is itself a block, that one.
pub(super) fn list(dir: &Path, replica: Option<&Replica>) -> Result<Vec<BlockFolder>, DirectoryError> {
    let folders = match is_block(dir) {
        true => BlockFolders::of(vec![BlockFolder { dir: dir.to_owned(), meta: BlockMeta::read(dir)? }]).current,
        false => BlockFolders::read(dir)?.current,
    };
    choose(dir, folders, replica)
}

/// The blocks of a replica, if one is asked for. Fails if blocks of replicas overlap.
pub(super) fn choose(
    dir: &Path,
    mut folders: Vec<BlockFolder>,
    replica: Option<&Replica>,
) -> Result<Vec<BlockFolder>, DirectoryError> {
    if let Some(replica) = replica {
        folders = replica.choose(dir, folders)?;
    }
    labels::refuse_replicas(&folders)?;
    Ok(folders)
}
