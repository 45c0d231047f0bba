//! Moves files within a file system.

use std::fs;
use std::path::Path;

use super::FileError;
use super::elsewhere::bring_here;
use super::folder::{folder_of, make_folder, sync_folder};

/// Moves a file within a file system, atomically replaces an existing file, and syncs the target folder. Creates
/// the target folder if it is missing.
pub(crate) fn move_file(from: &Path, to: &Path) -> Result<(), FileError> {
    // Under another name, the content would not be found.
    bring_here(from)?;
    make_folder(folder_of(to))?;
    fs::rename(from, to).and_then(|()| sync_folder(folder_of(to))).map_err(|e| FileError::new("write", to, e))
}
