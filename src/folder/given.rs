//! The folder that a user names to be read.

use std::path::Path;

use super::{CELLS, FolderError, MANIFEST};
use crate::history::HISTORY_FOLDER;

/// Fails if `path` is a file, or a folder inside an output folder, such as its `history/`. Accepts a path that does
/// not exist: reading its files then reports the error.
pub(crate) fn check_given(path: &Path) -> Result<(), FolderError> {
    let is_file = path.is_file();
    if !is_file && (!path.is_dir() || path.join(MANIFEST).is_file() || is_output(path)) {
        return Ok(());
    }
    // The last ancestor of a relative path is the empty path, which stands for the working directory.
    let around = path.ancestors().skip(1).map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p });
    match around.take(DEEPEST).find(|folder| folder.join(MANIFEST).is_file() && is_output(folder)) {
        Some(folder) => Err(FolderError::Inside { path: path.to_owned(), folder: folder.to_owned() }),
        None if is_file => Err(FolderError::NotAFolder(path.to_owned())),
        None => Ok(()),
    }
}

/// How many folders to look at above a path: a file such as `history/date=2026-10-01/readings.parquet` is three
/// levels below its output folder.
const DEEPEST: usize = 3;

fn is_output(folder: &Path) -> bool {
    folder.join(CELLS).is_file() || folder.join(HISTORY_FOLDER).is_dir()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_file_or_folder_inside_an_output_folder_is_refused_with_the_name_of_that_folder() {
        let scratch = Scratch::new();
        let audit = scratch.path().join("audit");
        let day = audit.join("history/date=2026-10-01");
        std::fs::create_dir_all(&day).unwrap();
        for file in ["manifest.json", "report.html", "history/date=2026-10-01/readings.parquet"] {
            std::fs::write(audit.join(file), "x").unwrap();
            let error = check_given(&audit.join(file)).unwrap_err().to_string();
            assert!(error.ends_with(&format!("use {}", audit.display())), "{error}");
        }
        for folder in ["history", "history/date=2026-10-01"] {
            let error = check_given(&audit.join(folder)).unwrap_err().to_string();
            assert!(error.contains("is inside an output folder"), "{error}");
        }
        assert!(check_given(&audit).is_ok());
        assert!(check_given(scratch.path()).is_ok(), "a folder that is not ours may be empty");
        assert!(check_given(&scratch.path().join("missing")).is_ok());
        let other = scratch.path().join("notes.txt");
        std::fs::write(&other, "x").unwrap();
        assert!(check_given(&other).unwrap_err().to_string().contains("is a file"));
    }
}
