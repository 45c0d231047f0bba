//! Finds the samples in what a user gives: a data directory of Prometheus, a dump, an archive with one of them, or a folder
//! such as a must-gather of OpenShift.
//!
//! [`recognize`] reads everything once, writes nothing, and chooses by this rule:
//!
//! 1. The data directory with the most bytes that has blocks. Those of replicas have mostly the same samples; a snapshot in a
//!    data directory has a part of them, and is only chosen alone.
//! 2. All dumps that are named like one (`*.openmetrics`, `*.om`, also with `.gz` or `.zst`). The spool merges them.
//! 3. The data directory with the most bytes that has only a write-ahead log.
//! 4. All files that begin like a dump.
//!
//! Archives in a folder are read only if the folder has none of these itself. Archives in archives are read, but not those
//! in them. Notes name what was found and not chosen.
//!
//! Links are never followed in folders, and never created from archives. Dumps in archives are read where they are. A data
//! directory in an archive is written to a temporary folder by [`ArchivedData::unpack`]: only files that Prometheus reads,
//! under names that this module makes, never more bytes than [`ArchivedData::bytes`].

mod choose;
mod dumps;
mod error;
mod folder;
mod names;
mod stoppable;
mod survey;
mod unpack;
mod walk;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use dumps::{DumpFile, Dumps};
pub use error::ArchiveError;
pub(in crate::sources) use stoppable::Stoppable;
pub use unpack::{ArchivedData, Unpacked};

use survey::Survey;

/// What the path of a user is.
#[derive(Clone, Debug)]
pub enum Found {
    /// A data directory of Prometheus that can be read where it is.
    DataDirectory(PathBuf),
    /// A data directory of Prometheus in an archive.
    ArchivedData(ArchivedData),
    /// One or several dumps.
    Dumps(Dumps),
}

/// What was found, and what else a user should know.
#[derive(Clone, Debug)]
pub struct Recognized {
    /// What to read.
    pub found: Found,
    /// Sentences about what is there and is not read.
    pub notes: Vec<String>,
}

/// Finds out what a path is. Reads archives once, completely.
pub fn recognize(path: &Path) -> Result<Recognized, ArchiveError> {
    let io = |source| ArchiveError::Io { file: path.to_owned(), source };
    let mut survey = Survey::default();
    let metadata = std::fs::metadata(path).map_err(io)?;
    if metadata.is_dir() {
        folder::survey(path, &mut survey)?;
        return choose::choose(path, survey);
    }
    // What was read from a pipe could not be read again: it can only be a dump.
    if metadata.is_file() && walk::is_archive(path)? {
        survey.archive(path)?;
        return choose::choose(path, survey);
    }
    let file = DumpFile::in_folder(path.to_owned());
    Ok(Recognized { found: Found::Dumps(Dumps::new(vec![file])), notes: Vec::new() })
}
