//! The folder that a run writes to: one run at a time, and nothing half-written from a run before.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tracing::debug;

use super::{FolderError, Owned};
use crate::files::{FileError, Lock, NoLock};

/// What is locked. It goes with the run, so that a folder that is done holds nothing but results.
const LOCK: &str = ".etcd-heatmap.lock";

/// The right to write to a folder, as long as it lives. The kernel takes it back when the process dies.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    /// `None` where the file system has no locks.
    lock: Option<Lock>,
    /// Folders that were made for it, the innermost first.
    made: Vec<PathBuf>,
}

impl OutputFolder {
    /// Creates the folder if it is missing, locks it, and removes what a killed run left half-written of our files.
    ///
    /// Returns a note as well where the file system has no locks. Fails while another run holds the folder, or where a
    /// file stands in its place.
    pub(crate) fn take(path: &Path, ours: &[Owned]) -> Result<(Self, Option<String>), FolderError> {
        check_folder(path)?;
        let made = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists());
        let mut folder = Self { lock: None, made: made.map(Path::to_owned).collect() };
        let mut note = None;
        match Lock::take(&path.join(LOCK), make) {
            Ok(lock) => {
                debug!(folder = %path.display(), "locked");
                folder.lock = Some(lock);
            }
            Err(NoLock::Taken) => return Err(FolderError::InUse(path.to_owned())),
            Err(NoLock::Failed(error)) => return Err(error.into()),
            Err(NoLock::Unsupported(error)) => {
                note = Some(format!(
                    "{} cannot be locked ({error}): do not start another run that writes there",
                    path.display()
                ));
            }
        }
        ours.iter().try_for_each(|kind| kind.remove_partial(path))?;
        Ok((folder, note))
    }
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        self.lock = None;
        // A run that wrote nothing leaves nothing; a folder with something in it stays.
        for folder in &self.made {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Refuses a path that cannot become an output folder, before anything is asked of a server. The folder itself comes
/// with the first file.
pub(crate) fn check_folder(out: &Path) -> Result<(), FileError> {
    match fs::metadata(out) {
        Ok(found) if !found.is_dir() => Err(FileError::new("write to", out, ErrorKind::NotADirectory.into())),
        _ => Ok(()),
    }
}

fn make(folder: &Path) -> Result<(), FileError> {
    fs::create_dir_all(folder).map_err(|e| FileError::new("create the folder", folder, e))
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
    fn a_folder_is_taken_once_and_leaves_nothing() {
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
    fn leftovers_of_our_names_go_and_no_other_file() {
        let scratch = Scratch::new();
        let day = scratch.path().join("history/date=2026-10-01");
        fs::create_dir_all(&day).unwrap();
        for name in [".readings.parquet.partial", ".mine.partial", "readings.parquet"] {
            fs::write(day.join(name), "x").unwrap();
        }
        // A lock that a killed run left is nobody's.
        fs::write(scratch.path().join(LOCK), "").unwrap();
        drop(take(scratch.path()).unwrap());
        let mut left: Vec<_> = fs::read_dir(&day).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".mine.partial", "readings.parquet"]);
        assert!(!scratch.path().join(LOCK).exists());
    }
}
