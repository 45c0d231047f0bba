//! Removes unpacked data directories of runs that were killed and could not remove them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The names of folders begin with this.
pub(super) const PREFIX: &str = "etcd-heatmap-";

/// A file in the folder. It is locked while the folder is used: the lock ends with the run, however that ends.
const LOCK: &str = "in-use";

/// Marks a new folder as used until the file is dropped. `None` if the file system has no locks.
pub(super) fn claim(dir: &Path) -> io::Result<Option<File>> {
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
pub(super) fn remove_all(parent: &Path) {
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
        remove_all(scratch.path());
        let mut left: Vec<String> = fs::read_dir(scratch.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["backup", "etcd-heatmap-other", "etcd-heatmap-used"]);
        drop(held);
        remove_all(scratch.path());
        assert!(!path("etcd-heatmap-used").exists());
    }
}
