//! Tells whoever asks which files have got their final names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Tell = Arc<dyn Fn(&Path) + Send + Sync>;

/// Who is told of the files below a folder; the key is the folder.
///
/// Static, because files are written in many places that have no handle of the run.
static TOLD: Mutex<BTreeMap<PathBuf, Tell>> = Mutex::new(BTreeMap::new());

/// While this exists, a function is called with each file below a folder that was committed.
#[derive(Debug)]
pub(crate) struct OnCommit {
    top: PathBuf,
}

impl OnCommit {
    /// `tell` is called on the thread that wrote the file, and may wait.
    pub(crate) fn below(top: &Path, tell: impl Fn(&Path) + Send + Sync + 'static) -> Self {
        told().insert(top.to_owned(), Arc::new(tell));
        Self { top: top.to_owned() }
    }
}

impl Drop for OnCommit {
    fn drop(&mut self) {
        told().remove(&self.top);
    }
}

fn told() -> MutexGuard<'static, BTreeMap<PathBuf, Tell>> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells of a file that has its final name now.
pub(super) fn committed(path: &Path) {
    let tell = told().iter().find(|(top, _)| path.starts_with(top)).map(|(_, tell)| Arc::clone(tell));
    // Not while the list is locked: other files are committed meanwhile.
    if let Some(tell) = tell {
        tell(path);
    }
}
