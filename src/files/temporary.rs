//! Temporary folders: of an archive that is unpacked, or in place of a folder in a bucket. What a killed run left is removed
//! by the next one.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// The names of folders begin with this.
const PREFIX: &str = "etcd-heatmap-";

/// A file in the folder. It is locked while the folder is used: the lock ends with the run, however that ends.
const LOCK: &str = "in-use";

/// A temporary folder, removed on drop.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    // Removed before the lock ends.
    dir: TempDir,
    _used: Option<File>,
}

impl TemporaryFolder {
    /// Creates a folder in `parent`.
    pub(crate) fn within(parent: &Path) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        let used = claim(dir.path())?;
        Ok(Self { dir, _used: used })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Keeps the folder after the run.
    pub(crate) fn keep(&mut self) {
        self.dir.disable_cleanup(true);
        // Without its lock file, no later run takes it for one that is left over.
        let _ = fs::remove_file(self.path().join(LOCK));
    }
}

/// Marks a new folder as used until the file is dropped. `None` if the file system has no locks.
fn claim(dir: &Path) -> io::Result<Option<File>> {
    let new = dir.join("in-use.new");
    let file = File::create_new(&new)?;
    if file.try_lock().is_err() {
        return Ok(None);
    }
    // Locked before it has its name, so that no other run finds it unlocked.
    fs::rename(new, dir.join(LOCK))?;
    Ok(Some(file))
}

/// Removes the folders in `parent` that no run uses any more.
pub(crate) fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_unpacked = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_unpacked
            && let Ok(lock) = File::open(entry.path().join(LOCK))
            && lock.try_lock().is_ok()
        {
            // What another user left cannot be removed, and need not be.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn only_folders_that_no_run_uses_are_removed() {
        let scratch = Scratch::new();
        let path = |name: &str| scratch.path().join(name);
        for name in ["etcd-heatmap-killed", "etcd-heatmap-used", "etcd-heatmap-other", "backup"] {
            fs::create_dir(path(name)).unwrap();
        }
        drop(claim(&path("etcd-heatmap-killed")).unwrap());
        let held = claim(&path("etcd-heatmap-used")).unwrap();
        drop(claim(&path("backup")).unwrap());
        remove_abandoned(scratch.path());
        let mut left: Vec<String> = fs::read_dir(scratch.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["backup", "etcd-heatmap-other", "etcd-heatmap-used"]);
        drop(held);
        remove_abandoned(scratch.path());
        assert!(!path("etcd-heatmap-used").exists());
    }
}
