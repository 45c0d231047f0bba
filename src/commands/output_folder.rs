//! The folder that a run writes to: one run at a time, and nothing half-written from a run before.

use std::fs;
use std::path::{Path, PathBuf};

use super::lock::{Lock, NoLock};
use super::progress::Reporter;
use super::score::SINGLE;
use super::{CommandError, check_folder};
use crate::export::MANIFEST;
use crate::history::{FileError, remove_partial_files};

/// What is locked. It goes with the run, so that a folder that is done holds nothing but results.
const LOCK: &str = ".etcd-heatmap.lock";

/// The right to write to a folder, as long as it lives. The kernel takes it back when the process dies.
#[derive(Debug)]
pub(super) struct OutputFolder {
    /// `None` where the file system has no locks.
    lock: Option<Lock>,
    /// Folders that were made for it, the innermost first.
    made: Vec<PathBuf>,
}

impl OutputFolder {
    /// Makes the folder where it is missing, locks it, and removes what a killed run left half-written.
    pub(super) fn take(path: &Path, reporter: &Reporter) -> Result<Self, CommandError> {
        check_folder(path)?;
        let made = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists());
        let mut folder = Self { lock: None, made: made.map(Path::to_owned).collect() };
        match Lock::take(&path.join(LOCK), make) {
            Ok(lock) => folder.lock = Some(lock),
            Err(NoLock::Taken) => return Err(CommandError::InUse(path.to_owned())),
            Err(NoLock::Failed(error)) => return Err(error.into()),
            Err(NoLock::Unsupported(error)) => reporter.note(&format!(
                "{} cannot be locked ({error}): do not start another run that writes there",
                path.display()
            )),
        }
        remove_leftovers(path)?;
        Ok(folder)
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

fn make(folder: &Path) -> Result<(), FileError> {
    fs::create_dir_all(folder).map_err(|e| FileError::new("create the folder", folder, e))
}

/// Removes the temporary files of a run that was killed, those of our names only.
fn remove_leftovers(out: &Path) -> Result<(), FileError> {
    remove_partial_files(out, |name| name == MANIFEST || SINGLE.contains(&name))?;
    remove_partial_files(&out.join("openmetrics"), |name| name.starts_with("etcd_score-") && name.ends_with(".om"))?;
    for (kind, file) in [("history", "readings.parquet"), ("scores", "scores.parquet")] {
        for entry in fs::read_dir(out.join(kind)).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("date=") {
                remove_partial_files(&entry.path(), |name| name == file)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn take(path: &Path) -> Result<OutputFolder, CommandError> {
        OutputFolder::take(path, &Reporter::new(true))
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
