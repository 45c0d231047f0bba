//! What the manifest records about a file.

use std::path::Path;

use tracing::info;

use crate::files::{FileError, FileStat};

/// A file of an output folder, as the manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Written {
    /// Path with `/` as separator, relative to the output folder. The path of a history file is relative to the folder
    /// that contains `history/`, which may be another one.
    pub path: String,
    /// The number of rows, samples or cells in the file, depending on its kind.
    pub rows: u64,
    /// Size in bytes and hash.
    #[serde(flatten)]
    pub stat: FileStat,
}

impl Written {
    /// The manifest entry of a new file; `path` is below the output folder `out`.
    pub(crate) fn new(out: &Path, path: &Path, rows: u64, stat: FileStat) -> Self {
        info!(file = %path.display(), rows, bytes = stat.bytes, "wrote");
        Self { path: Self::relative(out, path), rows, stat }
    }

    /// The manifest entry of an existing file, which is read to compute its hash.
    pub(crate) fn read(out: &Path, path: &Path, rows: u64) -> Result<Self, FileError> {
        Ok(Self { path: Self::relative(out, path), rows, stat: FileStat::read(path)? })
    }

    /// The path as an entry has it.
    pub(super) fn relative(out: &Path, path: &Path) -> String {
        let relative = path.strip_prefix(out).unwrap_or(path);
        let parts: Vec<_> = relative.components().map(|c| c.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    }
}
