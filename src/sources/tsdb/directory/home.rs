//! Where the blocks of a data directory are: on disk, or in a bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{DirectoryError, Which, is_block, labels};
use crate::sources::tsdb::block::{Block, BlockFolder, BlockFolders, BlockMeta};
use crate::sources::tsdb::bucket::{Bucket, Contents};

/// A folder of blocks.
#[derive(Clone, Debug)]
pub(super) enum Home {
    /// A data directory or a single block.
    Disk(PathBuf),
    Bucket(Arc<Bucket>),
}

impl Home {
    /// The blocks to read.
    pub(super) fn list(&self, which: &Which) -> Result<Vec<BlockFolder>, DirectoryError> {
        match self {
            Self::Disk(dir) => list(dir, which),
            Self::Bucket(bucket) => Ok(list_bucket(bucket, which)?.blocks),
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

/// The blocks of a bucket to read, and notes about those that are left out.
pub(super) fn list_bucket(bucket: &Bucket, which: &Which) -> Result<Contents, DirectoryError> {
    let Contents { blocks, notes } = bucket.list(&|external| which.may_select(external))?;
    Ok(Contents { blocks: choose(Path::new(bucket.address()), blocks, which)?, notes })
}

/// The blocks on disk to read. If the directory is itself a block, that one.
pub(super) fn list(dir: &Path, which: &Which) -> Result<Vec<BlockFolder>, DirectoryError> {
    selected(dir, all(dir)?, which)
}

/// Those of the blocks that are to be read.
pub(super) fn selected(
    dir: &Path,
    mut folders: Vec<BlockFolder>,
    which: &Which,
) -> Result<Vec<BlockFolder>, DirectoryError> {
    folders.retain(|folder| which.may_select(&folder.meta.thanos.labels));
    choose(dir, folders, which)
}

/// The blocks on disk that have no wanted series by their external labels.
pub(super) fn unselected(dir: &Path, which: &Which) -> Result<Vec<BlockFolder>, DirectoryError> {
    let mut folders = all(dir)?;
    folders.retain(|folder| !which.may_select(&folder.meta.thanos.labels));
    Ok(folders)
}

/// The blocks on disk that no other block replaces.
pub(super) fn all(dir: &Path) -> Result<Vec<BlockFolder>, DirectoryError> {
    Ok(match is_block(dir) {
        true => BlockFolders::of(vec![BlockFolder { dir: dir.to_owned(), meta: BlockMeta::read(dir)? }]).current,
        false => BlockFolders::read(dir)?.current,
    })
}

/// The blocks of a replica, if one is asked for. Fails if blocks of replicas overlap.
fn choose(dir: &Path, mut folders: Vec<BlockFolder>, which: &Which) -> Result<Vec<BlockFolder>, DirectoryError> {
    if let Some(replica) = &which.replica {
        folders = replica.choose(dir, folders)?;
    }
    labels::refuse_replicas(&folders)?;
    Ok(folders)
}
