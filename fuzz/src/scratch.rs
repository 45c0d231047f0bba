//! Temporary folders.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The file system in memory of Linux. Disks take several times as long for thousands of files a second.
const MEMORY: &str = "/dev/shm";

/// A new folder, which is removed on drop.
pub fn folder() -> TempDir {
    tempfile::tempdir_in(parent()).expect("the folder for temporary files is writable")
}

/// The folder for temporary files: in memory if that is possible.
pub fn parent() -> PathBuf {
    let memory = Path::new(MEMORY);
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}
