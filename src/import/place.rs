//! Moves finished blocks into the data directory. Each block appears there with one rename.

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
            // `place` has already noted that it cannot change the owner, and its caller prints a warning.
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::import::Ulid;
    use crate::scratch::Scratch;

    /// Creates the folder of a block, with a file in a subfolder.
    fn block(folder: &Path) {
        fs::create_dir_all(folder.join("chunks")).unwrap();
        fs::write(folder.join("meta.json"), "{}").unwrap();
        fs::write(folder.join("chunks/000001"), "samples").unwrap();
    }

    #[test]
    fn staged_blocks_are_moved_into_the_data_directory_under_their_names() {
        let scratch = Scratch::new();
        let (data, staged) = (scratch.path().join("data"), scratch.path().join("staged"));
        fs::create_dir(&data).unwrap();
        block(&staged);
        let ulid = Ulid::of_file(1_469_918_176_385, "abc");
        let stranger = place(&DataDir::open(&data).unwrap(), &[StagedBlock { path: staged.clone(), ulid }]).unwrap();
        assert_eq!(stranger, None, "our own data directory");
        assert_eq!(fs::read(data.join(ulid.to_string()).join("chunks/000001")).unwrap(), b"samples");
        assert!(!staged.exists());
    }

    #[test]
    fn a_block_that_cannot_be_moved_is_an_error() {
        let scratch = Scratch::new();
        fs::create_dir(scratch.path().join("data")).unwrap();
        let data = DataDir::open(&scratch.path().join("data")).unwrap();
        let block = StagedBlock { path: scratch.path().join("none"), ulid: Ulid::of_file(0, "abc") };
        assert!(put(&data, &block).is_err());
        assert!(place(&data, &[block]).is_err());
    }

    #[test]
    fn a_copied_folder_has_all_files_and_a_removed_one_is_gone() {
        let scratch = Scratch::new();
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
        block(&from);
        copy_tree(&from, &to).unwrap();
        assert_eq!(fs::read(to.join("chunks/000001")).unwrap(), b"samples");
        assert_eq!(fs::read(to.join("meta.json")).unwrap(), b"{}");
        remove(&to).unwrap();
        assert!(!to.exists());
        remove(&to).unwrap();
        assert!(remove(&from.join("meta.json")).is_err(), "a file is not a folder");
    }
}
