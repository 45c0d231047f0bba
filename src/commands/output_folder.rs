//! The folder that a run writes to: one run at a time, and nothing half-written from a run before.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::progress::Reporter;
use super::{CommandError, check_folder};
use crate::history::{FileError, remove_partial_files};

/// What is locked. It goes with the run, so that a folder that is done holds nothing but results.
const LOCK: &str = ".etcd-heatmap.lock";
/// How often somebody else may take the file away between our opening and locking it.
const TRIES: u32 = 100;

/// The right to write to a folder, as long as it lives. The kernel takes it back when the process dies.
#[derive(Debug)]
pub(super) struct OutputFolder {
    path: PathBuf,
    /// `None` where the file system has no locks.
    lock: Option<File>,
    /// Folders that were made for it, the innermost first.
    made: Vec<PathBuf>,
}

impl OutputFolder {
    /// Makes the folder where it is missing, locks it, and removes what a killed run left half-written.
    pub(super) fn take(path: &Path, reporter: &Reporter) -> Result<Self, CommandError> {
        check_folder(path)?;
        let made = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists());
        let mut folder = Self { path: path.to_owned(), lock: None, made: made.map(Path::to_owned).collect() };
        match lock(path) {
            Ok(file) => folder.lock = Some(file),
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
        // Removed while it is locked: whoever waits with it open finds another file, or none, and tries again.
        if self.lock.is_some() {
            let _ = fs::remove_file(self.path.join(LOCK));
        }
        // A run that wrote nothing leaves nothing; a folder with something in it stays.
        for folder in &self.made {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Why there is no lock.
enum NoLock {
    /// Another run has it.
    Taken,
    /// The file system has none.
    Unsupported(io::Error),
    /// Nothing can be written there.
    Failed(FileError),
}

fn lock(folder: &Path) -> Result<File, NoLock> {
    let path = folder.join(LOCK);
    for _ in 0..TRIES {
        fs::create_dir_all(folder).map_err(|e| NoLock::Failed(FileError::new("create the folder", folder, e)))?;
        let file = match File::options().write(true).create(true).truncate(false).open(&path) {
            // The run that had made the folder has just taken it away.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            opened => opened.map_err(|e| NoLock::Failed(FileError::new("write to", folder, e)))?,
        };
        match file.try_lock() {
            Ok(()) if is_still(&path, &file) => return Ok(file),
            // The run that had it has ended in between, and took the file with it.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NoLock::Taken),
            Err(TryLockError::Error(error)) => {
                let _ = fs::remove_file(&path);
                return Err(NoLock::Unsupported(error));
            }
        }
    }
    Err(NoLock::Taken)
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

/// Removes the temporary files of a run that was killed, those of our names only.
fn remove_leftovers(out: &Path) -> Result<(), FileError> {
    remove_partial_files(out, |name| {
        ["manifest.json", "heatmap.parquet", "heatmap.csv", crate::export::COMPARISON].contains(&name)
    })?;
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
