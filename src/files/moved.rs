//! Moving a file to where another may be.

use std::fs;
use std::path::Path;

use super::FileError;

/// Moves a file within a file system; it replaces a file that is there at once.
pub(crate) fn move_file(from: &Path, to: &Path) -> Result<(), FileError> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|e| FileError::new("create the folder", folder, e))?;
    }
    fs::rename(from, to).map_err(|e| FileError::new("write", to, e))
}
