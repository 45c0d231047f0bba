//! An output folder: its manifest, the names of its files, the lock of the run that writes to it, and reading
//! its cells back from `heatmap.parquet`.
//!
//! The modules `history` and `outputs` write the contents of the files; this module decides
//! which files belong to etcd-heatmap.

mod given;
mod listed;
mod manifest;
mod owned;
mod read_cells;
mod shards;
mod taken;
mod written;

pub(crate) use given::check_given;
pub(crate) use listed::Listed;
pub use manifest::ManifestBlock;
pub(crate) use manifest::{MANIFEST, Manifest, ManifestAnnotations, ManifestMember, ManifestOpenMetrics};
pub(crate) use owned::{HISTORY, Owned, REPLACEMENT};
pub(crate) use read_cells::{read_cells, read_packed_cells};
pub(crate) use shards::{is_in_shard, is_in_source, shard_folder, shards_in, source_folder};
pub(crate) use taken::{OutputFolder, check_folder};
pub use written::Written;

use std::path::PathBuf;

use crate::files::FileError;

/// The name of the Parquet file that contains all cells.
pub(crate) const CELLS: &str = "heatmap.parquet";

/// Why an output folder cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another run holds the lock of the folder.
    #[error("another run is writing to {}: wait until it ends, or choose another --out", .0.display())]
    InUse(PathBuf),
    /// A file where a folder is expected.
    #[error("{} is a file: name a folder that 'etcd-heatmap backfill --out' or 'pull --out' wrote", .0.display())]
    NotAFolder(PathBuf),
    /// A file or folder that lies inside an output folder.
    #[error("{} is inside an output folder, not the folder itself: use {}", .path.display(), .folder.display())]
    Inside {
        /// The path that was given.
        path: PathBuf,
        /// The output folder.
        folder: PathBuf,
    },
    /// A `manifest.json` of another program.
    #[error("{} is not a manifest of etcd-heatmap ({reason}): use another folder, or move that file away", .path.display())]
    ForeignManifest {
        /// The path of the file.
        path: PathBuf,
        /// Why it cannot be ours.
        reason: &'static str,
    },
    /// A manifest of an earlier version that this version cannot read.
    #[error(
        "{} was written by etcd-heatmap {version}, an older version, and cannot be read ({reason}): score the history again to write a new one",
        .path.display()
    )]
    OldManifest {
        /// The path of the manifest.
        path: PathBuf,
        /// The etcd-heatmap version that wrote it.
        version: String,
        /// Why it cannot be read, such as a missing field.
        reason: String,
    },
    /// A manifest that is truncated or lacks fields.
    #[error("{} is broken ({reason}): score the history again to write a new one", .path.display())]
    BrokenManifest {
        /// The path of the broken manifest.
        path: PathBuf,
        /// The error message of the JSON parser.
        reason: String,
    },
    /// A manifest in a format of a later version.
    #[error(
        "{} was written by etcd-heatmap {version}, which is newer than this version ({}): update etcd-heatmap", .path.display(),
        env!("CARGO_PKG_VERSION")
    )]
    LaterManifest {
        /// The path of the newer manifest.
        path: PathBuf,
        /// The etcd-heatmap version that wrote the manifest.
        version: String,
    },
    /// A folder without readable cells: `heatmap.parquet` is missing or has unexpected columns or values, or the
    /// manifest lacks the settings of cells.
    #[error("{} holds no cells that can be read ({reason}): score the history with parquet in --formats", .path.display())]
    NoCells {
        /// The path of `heatmap.parquet`, or of the manifest if that lacks the settings of cells.
        path: PathBuf,
        /// What is wrong with the file.
        reason: String,
    },
}
