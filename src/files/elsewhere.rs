//! Files that stand for contents elsewhere, such as in a bucket, until a command needs them.
//!
//! Such a file has a name and none of its content. Code that opens, hashes or moves a file that may be one of these asks here
//! first.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::below::Below;
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

/// Where the contents of the files below a folder are.
static ELSEWHERE: Below<Arc<dyn Contents>> = Below::new();

/// While this exists, files below a folder may stand for contents elsewhere.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    top: PathBuf,
}

impl Elsewhere {
    pub(crate) fn below(top: &Path, contents: Arc<dyn Contents>) -> Self {
        ELSEWHERE.set(top, contents);
        Self { top: top.to_owned() }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        ELSEWHERE.remove(&self.top);
    }
}

/// Not asked while others wait: other files are read meanwhile.
fn contents_of(path: &Path) -> Option<Arc<dyn Contents>> {
    ELSEWHERE.of(path, |contents| Arc::clone(contents))
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
