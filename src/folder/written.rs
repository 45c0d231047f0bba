//! A file of an output folder, as its manifest lists it.

use std::path::Path;

use tracing::info;

use crate::files::{FileError, FileStat};

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Written {
    /// Relative to the output folder, with `/` between its parts.
    pub path: String,
    /// Rows, samples or cells in it.
    pub rows: u64,
    /// Size and hash.
    #[serde(flatten)]
    pub stat: FileStat,
}

impl Written {
    /// A file below the output folder `out`.
    pub(crate) fn new(out: &Path, path: &Path, rows: u64, stat: FileStat) -> Self {
        info!(file = %path.display(), rows, bytes = stat.bytes, "wrote");
        Self { path: relative(out, path), rows, stat }
    }

    /// A file that was written earlier; reads it for its hash.
    pub(crate) fn read(out: &Path, path: &Path, rows: u64) -> Result<Self, FileError> {
        Ok(Self { path: relative(out, path), rows, stat: FileStat::read(path)? })
    }
}

fn relative(out: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(out).unwrap_or(path);
    let parts: Vec<_> = relative.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
