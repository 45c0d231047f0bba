//! Reports which files have got their final names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::below::Below;

type Tell = Arc<dyn Fn(&Path) + Send + Sync>;

/// The function that is called with each file below a folder.
static CALLED: Below<Tell> = Below::new();

/// While this exists, a function is called with each file below a folder that was committed.
#[derive(Debug)]
pub(crate) struct OnCommit {
    top: PathBuf,
}

impl OnCommit {
    /// `tell` is called on the thread that wrote the file, and may wait.
    pub(crate) fn below(top: &Path, tell: impl Fn(&Path) + Send + Sync + 'static) -> Self {
        CALLED.set(top, Arc::new(tell));
        Self { top: top.to_owned() }
    }
}

impl Drop for OnCommit {
    fn drop(&mut self) {
        CALLED.remove(&self.top);
    }
}

/// Reports a file that has its final name now.
pub(super) fn committed(path: &Path) {
    // Not called while others wait: other files are committed meanwhile.
    if let Some(tell) = CALLED.of(path, |tell| Arc::clone(tell)) {
        tell(path);
    }
}
