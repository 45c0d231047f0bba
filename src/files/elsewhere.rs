//! Files that stand for contents elsewhere, such as in a bucket, until a command needs them.
//!
//! Such a file has a name and none of its content. Code that opens, hashes or moves a file that may be one of these asks here
//! first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{FileError, FileStat};

/// Where the contents of files are.
pub(crate) trait Contents: Send + Sync {
    /// Size and hash of the content of a file; `None` if the file has its content.
    fn stat(&self, path: &Path) -> Option<FileStat>;
    /// The end of the content of a file; `None` if the file has its content, or its end is not known.
    fn end(&self, path: &Path) -> Result<Option<End>, FileError>;
    /// Replaces a file that stands for a content by one that has it. Does nothing with other files.
    fn bring(&self, path: &Path) -> Result<(), FileError>;
}

/// The last bytes of a content.
pub(crate) struct End {
    pub(crate) bytes: Vec<u8>,
    /// The size of the whole content.
    pub(crate) of: u64,
}

/// Where the contents of the files below a folder are; the key is the folder.
///
/// Static, because files are read in many places that have no handle of the run.
static ELSEWHERE: Mutex<BTreeMap<PathBuf, Arc<dyn Contents>>> = Mutex::new(BTreeMap::new());

/// While this exists, files below a folder may stand for contents elsewhere.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    top: PathBuf,
}

impl Elsewhere {
    pub(crate) fn below(top: &Path, contents: Arc<dyn Contents>) -> Self {
        elsewhere().insert(top.to_owned(), contents);
        Self { top: top.to_owned() }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        elsewhere().remove(&self.top);
    }
}

fn elsewhere() -> MutexGuard<'static, BTreeMap<PathBuf, Arc<dyn Contents>>> {
    ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Not while the list is locked: other files are read meanwhile.
fn contents_of(path: &Path) -> Option<Arc<dyn Contents>> {
    elsewhere().iter().find(|(top, _)| path.starts_with(top)).map(|(_, contents)| Arc::clone(contents))
}

/// Size and hash of a content that is elsewhere; `None` if the file has its content.
pub(crate) fn stat_elsewhere(path: &Path) -> Option<FileStat> {
    contents_of(path)?.stat(path)
}

/// The end of a content that is elsewhere; `None` if the file has its content, or the end is not known.
pub(crate) fn end_elsewhere(path: &Path) -> Result<Option<End>, FileError> {
    contents_of(path).map_or(Ok(None), |contents| contents.end(path))
}

/// Makes sure that a file has its content.
pub(crate) fn bring_here(path: &Path) -> Result<(), FileError> {
    contents_of(path).map_or(Ok(()), |contents| contents.bring(path))
}
