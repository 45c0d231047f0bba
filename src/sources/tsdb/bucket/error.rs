//! Errors of blocks in buckets.

use std::io;
use std::path::PathBuf;

use crate::places::PlaceError;
use crate::sources::tsdb::block::BlockError;
use crate::time::format_instant;

/// Why the blocks of a bucket cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BucketError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Block(#[from] BlockError),
    /// There is nothing at the address.
    #[error("{address} has no objects: check bucket and prefix")]
    Nothing { address: String },
    #[error(
        "{address} has no blocks: of a bucket, --from reads the blocks of Thanos or of a tenant of Mimir; copy dumps, archives and data directories to disk first"
    )]
    NoBlocks { address: String },
    #[error("{address} has the blocks of {count} tenants: name one, such as {address}/{first} (there are {tenants})")]
    Tenants {
        address: String,
        count: usize,
        first: String,
        /// All names, or the first ones and how many there are more.
        tenants: String,
    },
    /// All blocks are left out.
    #[error("{address} has no block to read: {notes}")]
    NothingLeft {
        address: String,
        /// What is left out, and why.
        notes: String,
    },
    #[error(
        "{address} has no block with samples {wanted}: its blocks are from {} to {}; change --start and --end",
        format_instant(*.first_ms), format_instant(*.last_ms)
    )]
    OutOfRange {
        address: String,
        /// The range in words.
        wanted: String,
        /// When the blocks begin and end.
        first_ms: i64,
        last_ms: i64,
    },
    /// Blocks were replaced during several attempts to list them.
    #[error(
        "blocks in {address} were replaced while they were listed, {attempts} times in a row: try again in a minute"
    )]
    Changing { address: String, attempts: usize },
    /// The disk has no room for the chunks that were fetched, for example.
    #[error("cannot write parts of the bucket's blocks to a temporary file in {} ({source}): free space there, or set TMPDIR to another folder", .dir.display())]
    Temporary { dir: PathBuf, source: io::Error },
}
