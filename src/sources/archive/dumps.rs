//! Dumps in folders and archives, read where they are.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::ArchiveError;
use super::names;
use super::walk::{Entry, Stop, walk};

/// A dump.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DumpFile {
    /// The archive that has it, if one does.
    pub archive: Option<PathBuf>,
    /// The path, in the archive if there is one.
    pub path: PathBuf,
    /// Size in bytes, compressed if it is; 0 if not known.
    pub bytes: u64,
}

impl DumpFile {
    pub(super) fn in_folder(path: PathBuf) -> Self {
        let bytes = path.metadata().map_or(0, |metadata| metadata.len());
        Self { archive: None, path, bytes }
    }

    pub(super) fn in_archive(archive: &Path, path: &str, bytes: u64) -> Self {
        Self { archive: Some(archive.to_owned()), path: PathBuf::from(path), bytes }
    }
}

/// The path, after that of the archive.
impl fmt::Display for DumpFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(archive) = &self.archive {
            write!(formatter, "{}: ", archive.display())?;
        }
        write!(formatter, "{}", self.path.display())
    }
}

/// One or several dumps.
#[derive(Clone, Debug)]
pub struct Dumps {
    files: Vec<DumpFile>,
}

impl Dumps {
    pub(super) fn new(files: Vec<DumpFile>) -> Self {
        Self { files }
    }

    /// The dumps, in the order in which they are read.
    pub fn files(&self) -> &[DumpFile] {
        &self.files
    }

    /// Reads all dumps, each archive once. They may be compressed. Stops at the first error.
    pub fn for_each<E: From<ArchiveError>>(
        &self,
        mut read: impl FnMut(&DumpFile, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        for group in self.files.chunk_by(|one, other| one.archive.is_some() && one.archive == other.archive) {
            match &group[0] {
                DumpFile { archive: Some(archive), .. } => read_group(archive, group, &mut read)?,
                dump => {
                    let io = |source| ArchiveError::Io { file: dump.path.clone(), source };
                    read(dump, &mut File::open(&dump.path).map_err(io)?)?;
                }
            }
        }
        Ok(())
    }
}

/// Reads dumps of one archive.
fn read_group<E: From<ArchiveError>>(
    archive: &Path,
    group: &[DumpFile],
    read: &mut impl FnMut(&DumpFile, &mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let mut missing: Vec<&DumpFile> = group.iter().collect();
    let visit = &mut |entry: &Entry, content: &mut dyn Read| {
        // An archive can have a path twice, of which one is empty or a link and was not chosen.
        let is_entry = |dump: &&DumpFile| dump.path == Path::new(&entry.path) && dump.bytes == entry.size;
        let Some(index) = missing.iter().position(is_entry) else { return Ok(()) };
        read(missing.remove(index), content)
    };
    let nested = walk(archive, visit).map_err(Stop::into_error)?;
    let path = |dump: &DumpFile| names::normalize(&dump.path.to_string_lossy()).unwrap_or_default();
    if let Some(nested) = nested.into_iter().find(|nested| group.iter().any(|dump| nested.has(&path(dump)))) {
        return Err(nested.error.into());
    }
    match missing.first() {
        None => Ok(()),
        Some(dump) => {
            let entry = dump.path.display().to_string();
            Err(ArchiveError::Changed { file: archive.to_owned(), entry }.into())
        }
    }
}
