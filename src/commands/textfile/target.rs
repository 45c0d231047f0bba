//! The file that node_exporter reads: renamed into place and, with `--every`, removed when its writer ends.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::now;
use super::standing::{Standing, is_within};
use crate::commands::CommandError;
use crate::commands::progress::Reporter;
use crate::files::{FileError, WholeFile};
use crate::files::{Lock, NoLock};
use crate::outputs::last_success;

/// The file to write, and the lock that reserves it.
pub(super) struct Target {
    path: PathBuf,
    /// `None` on a file system without locks.
    _lock: Option<Lock>,
}

impl Target {
    /// Locks the file, so that no second loop writes it.
    pub(super) fn new(path: &Path, reporter: &Reporter) -> Result<Self, CommandError> {
        if path.extension().is_none_or(|extension| extension != "prom") {
            reporter.note(&format!("{} does not end in .prom: node_exporter will not read it", path.display()));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let lock = match Lock::take(&path.with_file_name(format!(".{name}.lock")), must_exist) {
            Ok(lock) => Some(lock),
            Err(NoLock::Taken) => return Err(CommandError::Written(path.to_owned())),
            Err(NoLock::Failed(error)) => return Err(error.into()),
            Err(NoLock::Unsupported(_)) => None,
        };
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Replaces the file. Before its first success, a writer keeps the file of an earlier writer while the last success
    /// recorded in that file is at most `max_age` ago.
    pub(super) fn put(&self, standing: &Standing, now: f64, max_age: Duration) -> Result<(), CommandError> {
        let is_left = || {
            let left = fs::read_to_string(&self.path).ok();
            left.and_then(|text| last_success(&text)).is_some_and(|at| is_within(now - at, max_age))
        };
        if standing.has_succeeded() || !is_left() {
            WholeFile::write_for_all(&self.path, standing.text(now).as_bytes())?;
        }
        Ok(())
    }

    /// Removes the file, if it is still there.
    pub(super) fn remove(&self) -> Result<(), FileError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(FileError::new("remove", &self.path, error)),
            _ => Ok(()),
        }
    }
}

/// Fails if the folder is missing: node_exporter would not read from a folder created here.
pub(in crate::commands) fn must_exist(folder: &Path) -> Result<(), FileError> {
    if folder.is_dir() { Ok(()) } else { Err(FileError::new("write to", folder, ErrorKind::NotFound.into())) }
}

/// Checks that the file records a successful evaluation within `--max-age`.
pub(super) fn check(path: &Path, max_age: Duration) -> Result<(), CommandError> {
    let text = fs::read_to_string(path).map_err(|e| FileError::new("read", path, e))?;
    let path = path.to_owned();
    let at = last_success(&text).ok_or_else(|| CommandError::NoSuccess(path.clone()))?;
    let age = now() - at;
    if is_within(age, max_age) {
        return Ok(());
    }
    Err(CommandError::Stale {
        path,
        seconds: age.ceil() as i64,
        max_age: humantime::format_duration(max_age).to_string(),
    })
}
