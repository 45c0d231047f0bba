//! A file that only one run holds at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::FileError;
use super::folder::folder_of;

/// How often somebody else may take the file away between our opening and locking it.
const TRIES: u32 = 100;

/// A file that is locked as long as this lives, and then goes. The kernel unlocks it when the process dies.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

/// Why there is no lock.
pub(crate) enum NoLock {
    /// Another run has it.
    Taken,
    /// The file system has none.
    Unsupported(io::Error),
    /// Nothing can be written there.
    Failed(FileError),
}

impl Lock {
    /// Locks a file, and makes it where it is missing; `make_folder` makes what is above it, as often as it takes.
    pub(crate) fn take(path: &Path, make_folder: impl Fn(&Path) -> Result<(), FileError>) -> Result<Self, NoLock> {
        let folder = folder_of(path);
        for _ in 0..TRIES {
            make_folder(folder).map_err(NoLock::Failed)?;
            let file = match File::options().write(true).create(true).truncate(false).open(path) {
                // The run that had made the folder has just taken it away.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(|e| NoLock::Failed(FileError::new("write to", folder, e)))?,
            };
            match file.try_lock() {
                Ok(()) if is_still(path, &file) => return Ok(Self { path: path.to_owned(), _file: file }),
                // The run that had it has ended in between, and took the file with it.
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
        // Removed while it is locked: whoever waits with it open finds another file, or none, and tries again.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether the file that is open is the one that others find under its name.
#[cfg(unix)]
fn is_still(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |meta: fs::Metadata| (meta.dev(), meta.ino());
    match (fs::metadata(path), file.metadata()) {
        (Ok(found), Ok(ours)) => identity(found) == identity(ours),
        _ => false,
    }
}

/// Elsewhere a file that is open cannot be taken away.
#[cfg(not(unix))]
fn is_still(_: &Path, _: &File) -> bool {
    true
}
