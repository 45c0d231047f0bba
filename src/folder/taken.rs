//! Takes an output folder for a run: locks out other runs, and removes temporary files
//! that killed runs left behind.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tracing::debug;

use super::{FolderError, Owned};
use crate::files::{FileError, Lock, NoLock, SyncAtEnd, make_folder};

/// The lock file. It is removed after the run, so that a finished folder contains only results.
const LOCK: &str = ".etcd-heatmap.lock";

/// The right to write to an output folder: dropping this value releases the lock. The kernel also releases the
/// lock if the process dies.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    /// `None` if the file system does not support locks.
    lock: Option<Lock>,
    /// Delays the syncs of this folder and its subfolders until the end of the run.
    names: SyncAtEnd,
    /// The folders that did not exist before the run, innermost first. Dropping the `OutputFolder` removes
    /// those that are still empty.
    made: Vec<PathBuf>,
}

impl OutputFolder {
    /// Creates the folder if necessary and locks it. Then removes the temporary files that a killed run left behind, if
    /// they are of a kind in `ours`.
    ///
    /// Also returns a note for the user if the file system does not support locks. Fails while another run holds the
    /// lock, or if `path` is a file.
    pub(crate) fn take(path: &Path, ours: &[Owned]) -> Result<(Self, Option<String>), FolderError> {
        check_folder(path)?;
        let made = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists());
        let made = made.map(Path::to_owned).collect();
        let mut folder = Self { lock: None, names: SyncAtEnd::below(path), made };
        let mut note = None;
        match Lock::take(&path.join(LOCK), make_folder) {
            Ok(lock) => {
                debug!(folder = %path.display(), "locked");
                folder.lock = Some(lock);
            }
            Err(NoLock::Taken) => return Err(FolderError::InUse(path.to_owned())),
            Err(NoLock::Failed(error)) => return Err(error.into()),
            Err(NoLock::Unsupported(error)) => {
                note = Some(format!(
                    "{} cannot be locked ({error}): do not start another run that writes to it",
                    path.display()
                ));
            }
        }
        ours.iter().try_for_each(|kind| kind.remove_partial(path))?;
        Ok((folder, note))
    }

    /// Syncs all folders with new entries, so that the files survive a power failure.
    pub(crate) fn sync(&self) -> Result<(), FileError> {
        self.names.sync()
    }
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        self.lock = None;
        // `remove_dir` only removes empty folders, so folders with files stay.
        for folder in &self.made {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Fails if `out` exists but is not a folder, so that the error is reported before the first query.
/// Does not create the folder.
pub(crate) fn check_folder(out: &Path) -> Result<(), FileError> {
    match fs::metadata(out) {
        Ok(found) if !found.is_dir() => Err(FileError::new("write to", out, ErrorKind::NotADirectory.into())),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    const OURS: [Owned; 1] = [Owned::Daily { folder: "history", file: "readings.parquet" }];

    fn take(path: &Path) -> Result<OutputFolder, FolderError> {
        OutputFolder::take(path, &OURS).map(|(folder, _)| folder)
    }

    #[test]
    fn a_folder_is_locked_once_and_removed_if_empty() {
        let scratch = Scratch::new();
        let path = scratch.path().join("a/audit");
        let first = take(&path).unwrap();
        assert!(take(&path).unwrap_err().to_string().contains("another run"));
        drop(first);
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
        let again = take(&path).unwrap();
        fs::write(path.join("x"), "x").unwrap();
        drop(again);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }

    #[test]
    fn temporary_files_of_killed_runs_are_removed_and_other_files_stay() {
        let scratch = Scratch::new();
        let day = scratch.path().join("history/date=2026-10-01");
        fs::create_dir_all(&day).unwrap();
        for name in [".readings.parquet.partial", ".mine.partial", "readings.parquet"] {
            fs::write(day.join(name), "x").unwrap();
        }
        // A lock file of a killed run must not block the folder.
        fs::write(scratch.path().join(LOCK), "").unwrap();
        drop(take(scratch.path()).unwrap());
        let mut left: Vec<_> = fs::read_dir(&day).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".mine.partial", "readings.parquet"]);
        assert!(!scratch.path().join(LOCK).exists());
    }
}
