//! Folders that outlast a power failure: a file is found afterwards only if the folder that names it is on disk, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::FileError;

/// Folders that are to be synced at the end of a run, below the output folder of that run.
///
/// Static, because the writers of files are many and know nothing of the run that they are part of.
static LATER: Mutex<BTreeMap<PathBuf, BTreeSet<PathBuf>>> = Mutex::new(BTreeMap::new());

/// As long as this lives, folders at and below an output folder are synced together by [`SyncAtEnd::sync`].
///
/// A sync of a folder waits for the journal. On a busy disk one after each of the sample's 58 files took a fifth of the
/// whole backfill, and one a folder at the end half of that; on an idle disk neither shows. Each file is synced before it
/// gets its name, so a power failure before the end loses whole files and leaves none in part.
#[derive(Debug)]
pub(crate) struct SyncAtEnd {
    top: PathBuf,
}

impl SyncAtEnd {
    /// For the output folder of a run.
    pub(crate) fn below(top: &Path) -> Self {
        later().insert(top.to_owned(), BTreeSet::new());
        Self { top: top.to_owned() }
    }

    /// Syncs each folder in which names have changed since.
    pub(crate) fn sync(&self) -> Result<(), FileError> {
        let folders = later().get_mut(&self.top).map(std::mem::take).unwrap_or_default();
        // One that is not there any more has nothing to sync.
        let sync = |folder: PathBuf| match sync_now(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::new("write", &folder, error)),
            _ => Ok(()),
        };
        folders.into_par_iter().try_for_each(sync)
    }
}

impl Drop for SyncAtEnd {
    fn drop(&mut self) {
        later().remove(&self.top);
    }
}

fn later() -> MutexGuard<'static, BTreeMap<PathBuf, BTreeSet<PathBuf>>> {
    LATER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a folder, and those above it that are missing.
pub(crate) fn make_folder(folder: &Path) -> Result<(), FileError> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    let failed = |e| FileError::new("create the folder", folder, e);
    fs::create_dir_all(folder).map_err(failed)?;
    missing.into_iter().try_for_each(|made| sync_folder(folder_of(made))).map_err(failed)
}

/// The folder that something lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs the names in a folder to disk: at once, or at the end of the run that writes there.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if let Some((_, folders)) = later().iter_mut().find(|(top, _)| folder.starts_with(top)) {
        folders.insert(folder.to_owned());
        return Ok(());
    }
    sync_now(folder)
}

/// Some file systems cannot sync a folder (network and FUSE mounts answer EINVAL or ENOTSUP), and a folder that may be
/// written to and not listed cannot be opened. The files are whole all the same, and the run goes on: what a power failure
/// leaves is then up to the file system. What a disk reports, such as EIO, is an error.
fn sync_now(folder: &Path) -> io::Result<()> {
    match open_and_sync(folder) {
        Err(error) if !is_of_the_disk(error.kind()) => Ok(()),
        synced => synced,
    }
}

const fn is_of_the_disk(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    !matches!(kind, InvalidInput | PermissionDenied | Unsupported)
}

#[cfg(unix)]
fn open_and_sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened like a file.
#[cfg(not(unix))]
fn open_and_sync(_: &Path) -> io::Result<()> {
    Ok(())
}
