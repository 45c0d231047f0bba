//! Moves finished blocks into the data directory, with one rename per block.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{DataDir, ImportError, StagedBlock, owner};
use crate::files::sync_folder;

/// Suffix of unfinished blocks; Prometheus removes such folders at startup.
const UNFINISHED: &str = "tmp-for-creation";

/// Moves the blocks into the data directory. Returns the directory's owner if the blocks cannot be given to that user.
pub(crate) fn place(data: &DataDir, blocks: &[StagedBlock]) -> Result<Option<String>, ImportError> {
    let mut stranger = None;
    for block in blocks {
        match owner::give_all(&block.path, data.meta()) {
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => stranger = Some(owner::of(data.meta())),
            given => given.map_err(ImportError::io("change the owner of", &block.path))?,
        }
        sync_all(&block.path).map_err(ImportError::io("write", &block.path))?;
    }
    for block in blocks {
        put(data, block)?;
    }
    sync_folder(data.path()).map_err(ImportError::io("write to", data.path()))?;
    Ok(stranger)
}

fn put(data: &DataDir, block: &StagedBlock) -> Result<(), ImportError> {
    let to = data.path().join(block.ulid.to_string());
    match fs::rename(&block.path, &to) {
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {}
        renamed => return renamed.map_err(ImportError::io("write", &to)),
    }
    let copy = to.with_extension(UNFINISHED);
    let copied = remove(&copy)
        .and_then(|()| copy_tree(&block.path, &copy))
        .and_then(|()| match owner::give_all(&copy, data.meta()) {
            // The warning about the owner has been printed already.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            given => given,
        })
        .and_then(|()| sync_all(&copy))
        .and_then(|()| fs::rename(&copy, &to));
    copied.map_err(|e| {
        let _ = remove(&copy);
        ImportError::io("write", &to)(e)
    })
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() { copy_tree(&from, &to)? } else { fs::copy(from, to).map(|_| ())? }
    }
    Ok(())
}

/// Syncs all files and folders below a folder, then the folder itself.
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync_all(&path)? } else { File::open(&path)?.sync_all()? }
    }
    sync_folder(folder)
}
