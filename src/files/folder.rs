//! Creates and syncs folders: a file survives a power failure only if its folder was synced after the file.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::FileError;
use super::below::Below;

/// The folders below a run's output folder that it must sync at its end.
static LATER: Below<BTreeSet<PathBuf>> = Below::new();

/// While this exists, syncs of folders at and below an output folder are deferred to [`SyncAtEnd::sync`].
///
/// Syncing a folder waits for the journal of the file system. On a busy disk, a sync after each of the 58 files
/// of `backfill --sample` took a fifth of the run, and one sync per folder at the end took a tenth; on an idle
/// disk neither is noticeable. Each file is synced before it is renamed, so a power failure can lose complete
/// files but cannot leave partial ones.
#[derive(Debug)]
pub(crate) struct SyncAtEnd {
    top: PathBuf,
}

impl SyncAtEnd {
    /// Starts to defer the syncs of `top` and of the folders below it.
    pub(crate) fn below(top: &Path) -> Self {
        LATER.set(top, BTreeSet::new());
        Self { top: top.to_owned() }
    }

    /// Syncs each folder whose entries have changed.
    pub(crate) fn sync(&self) -> Result<(), FileError> {
        let folders = LATER.at(&self.top, std::mem::take).unwrap_or_default();
        // A folder that was removed needs no sync.
        let sync = |folder: PathBuf| match sync_now(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::new("write", &folder, error)),
            _ => Ok(()),
        };
        folders.into_par_iter().try_for_each(sync)
    }
}

impl Drop for SyncAtEnd {
    fn drop(&mut self) {
        LATER.remove(&self.top);
    }
}

/// Creates a folder and its missing parents, and syncs the folders that contain new ones.
pub(crate) fn make_folder(folder: &Path) -> Result<(), FileError> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    let failed = |e| FileError::new("create the folder", folder, e);
    fs::create_dir_all(folder).map_err(failed)?;
    missing.into_iter().try_for_each(|made| sync_folder(folder_of(made))).map_err(failed)
}

/// The folder that contains `path`.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs the entries of a folder to disk: now, or at the end of the run that writes there.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    match LATER.of(folder, |folders| folders.insert(folder.to_owned())) {
        Some(_) => Ok(()),
        None => sync_now(folder),
    }
}

/// Syncs a folder and fails only on errors of the disk, such as EIO.
///
/// Some file systems cannot sync a folder (network and FUSE mounts return EINVAL or ENOTSUP), and a folder
/// without read permission cannot be opened. These errors are ignored: all files are complete, but after a power
/// failure some may be missing.
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

/// Systems other than Unix cannot open a folder as a file, so nothing is synced.
#[cfg(not(unix))]
fn open_and_sync(_: &Path) -> io::Result<()> {
    Ok(())
}
