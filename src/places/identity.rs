//! Tells a file from one that has replaced it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::files::FileError;

/// What differs as soon as a file is replaced by another one: files get their names whole, by renaming, so that a new content
/// is a new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    bytes: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Identity {
    pub(super) fn of(path: &Path) -> Result<Self, FileError> {
        let file = fs::metadata(path).map_err(|error| FileError::new("read", path, error))?;
        Ok(Self { bytes: file.len(), modified: file.modified().ok(), inode: inode(&file) })
    }

    /// The size of the file.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(unix)]
fn inode(file: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(file)
}

/// Not known here: size and time must do.
#[cfg(not(unix))]
fn inode(_file: &fs::Metadata) -> u64 {
    0
}
