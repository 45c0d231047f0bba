//! A lock file that one run holds at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::FileError;
use super::folder::folder_of;

/// Maximum attempts, in case another run removes the file each time between opening and locking it.
const TRIES: u32 = 100;

/// A file that is locked while this exists, and removed afterwards. The kernel unlocks it when the process dies.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

/// Why the lock could not be taken.
pub(crate) enum NoLock {
    /// Another run holds the lock.
    Taken,
    /// The file system does not support locks.
    Unsupported(io::Error),
    /// The lock file or its folder cannot be written.
    Failed(FileError),
}

impl Lock {
    /// Locks a file, and creates it if it is missing. `make_folder` creates the file's folder; it
    /// may be called several times.
    pub(crate) fn take(path: &Path, make_folder: impl Fn(&Path) -> Result<(), FileError>) -> Result<Self, NoLock> {
        let folder = folder_of(path);
        for _ in 0..TRIES {
            make_folder(folder).map_err(NoLock::Failed)?;
            let file = match File::options().write(true).create(true).truncate(false).open(path) {
                // The folder vanished after `make_folder`, because another run that had created it removed it
                // at its end: try again.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(|e| NoLock::Failed(FileError::new("write to", folder, e)))?,
            };
            match file.try_lock() {
                Ok(()) if is_still(path, &file) => return Ok(Self { path: path.to_owned(), _file: file }),
                // The previous holder removed this file before we locked it: open and lock a new one.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(NoLock::Taken),
                Err(TryLockError::Error(error)) => {
                    let _ = fs::remove_file(path);
                    return Err(NoLock::Unsupported(error));
                }
            }
        }
        Err(NoLock::Taken)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Remove the file before releasing its lock: a run that already has it open then finds in `is_still` that it
        // is gone, and tries again.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether the open file is still the file at `path`.
#[cfg(unix)]
fn is_still(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |meta: fs::Metadata| (meta.dev(), meta.ino());
    match (fs::metadata(path), file.metadata()) {
        (Ok(found), Ok(ours)) => identity(found) == identity(ours),
        _ => false,
    }
}

/// On systems other than Unix, the file at `path` is assumed to be the open one.
#[cfg(not(unix))]
fn is_still(_: &Path, _: &File) -> bool {
    true
}
