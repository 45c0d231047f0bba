//! An output folder: its manifest, its cells read back, and what its files are called.

mod manifest;
mod owned;
mod read_cells;
mod taken;
mod written;

pub use manifest::ManifestBlock;
pub(crate) use manifest::{MANIFEST, Manifest, ManifestMember, ManifestOpenMetrics};
pub(crate) use owned::{HISTORY, Owned, REPLACEMENT};
pub(crate) use read_cells::read_cells;
pub(crate) use taken::{OutputFolder, check_folder};
pub use written::Written;

use std::path::PathBuf;

use crate::files::FileError;

/// The file of all cells.
pub(crate) const CELLS: &str = "heatmap.parquet";

/// An output folder that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Two runs in one folder.
    #[error("another run is writing into {}: wait until it ends, or choose another --out", .0.display())]
    InUse(PathBuf),
    /// A manifest that is no manifest, or is cut off.
    #[error("{} is broken ({reason}): score the history again to write a new one", .path.display())]
    BrokenManifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A manifest in a layout that only a later version knows.
    #[error(
        "{} was written by etcd-heatmap {version}, which is later than this version ({}): update etcd-heatmap", .path.display(),
        env!("CARGO_PKG_VERSION")
    )]
    LaterManifest {
        /// The file.
        path: PathBuf,
        /// The version that wrote it.
        version: String,
    },
    /// No cells, or a file that holds something else in their place.
    #[error("{} holds no cells ({reason}): score the history, with parquet among --formats", .path.display())]
    NoCells {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}
