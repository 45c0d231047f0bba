//! What is in archives and folders.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::dumps::DumpFile;
use super::error::ArchiveError;
use super::names::{self, Kind};
use super::walk::{Entry, Stop, Type, walk};
use crate::sources::dump::looks_like_dump;

/// Bytes of a file that are read to see whether it is a dump.
pub(super) const SNIFFED: u64 = 8 << 10;

/// Most names of files that are kept for messages.
const MOST_NAMES: usize = 1000;

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Data directories, by archive and path in it; without archive by their path.
    pub(super) data: BTreeMap<(Option<PathBuf>, String), DataFiles>,
    /// Files that are named like dumps.
    pub(super) dumps: Vec<DumpFile>,
    /// Files that begin like dumps.
    pub(super) alike: Vec<DumpFile>,
    /// First components of paths, for messages.
    pub(super) names: BTreeSet<String>,
    /// Archives and folders that cannot be read to their end.
    pub(super) failed: Vec<ArchiveError>,
    /// Sentences about what is not read.
    pub(super) notes: Vec<String>,
}

/// A data directory.
#[derive(Debug, Default)]
pub(super) struct DataFiles {
    /// Paths in it, and sizes in bytes.
    pub(super) files: BTreeMap<String, u64>,
    /// Normalized paths in the archive of files that are hard links to others, with those others.
    pub(super) links: Vec<(String, String)>,
    /// Why it cannot be unpacked: path in the archive, and a predicate.
    pub(super) refused: Option<(String, String)>,
}

impl DataFiles {
    pub(super) fn bytes(&self) -> u64 {
        self.files.values().fold(0, |sum: u64, size| sum.saturating_add(*size))
    }

    pub(super) fn has_blocks(&self) -> bool {
        self.files.keys().any(|name| name.ends_with("/meta.json"))
    }
}

impl Survey {
    /// Adds what is in an archive.
    pub(super) fn archive(&mut self, file: &Path) -> Result<(), ArchiveError> {
        let visit = &mut |entry: &Entry, content: &mut dyn Read| {
            self.entry(file, entry, content);
            Ok::<(), ArchiveError>(())
        };
        let nested = walk(file, visit).map_err(Stop::into_error)?;
        self.failed.extend(nested.into_iter().map(|nested| nested.error));
        Ok(())
    }

    /// Keeps a name for messages.
    pub(super) fn name(&mut self, name: &str) {
        if self.names.len() < MOST_NAMES {
            self.names.insert(name.to_owned());
        }
    }

    fn entry(&mut self, file: &Path, entry: &Entry, content: &mut dyn Read) {
        let Some(path) = names::normalize(&entry.path) else {
            self.notes.push(format!("{}: {:?} leads out of the archive and is not read", file.display(), entry.path));
            return;
        };
        // Two components: the first one is often the same for all.
        self.name(&path.split('/').take(2).collect::<Vec<_>>().join("/"));
        match names::kind(&path) {
            Kind::Data(root, inside) => self.data_file(file, &path, (root, inside), entry),
            Kind::Dump if entry.entry_type == Type::File => {
                self.dumps.push(DumpFile::in_archive(file, &entry.path, entry.size));
            }
            Kind::Dump => self.notes.push(format!("{}: {path} is not a plain file and is not read", file.display())),
            Kind::Archive | Kind::Other if entry.entry_type == Type::File => {
                let mut start = Vec::new();
                // An archive that is cut gives an error for the next entry.
                let _ = content.take(SNIFFED).read_to_end(&mut start);
                if looks_like_dump(&start) {
                    self.alike.push(DumpFile::in_archive(file, &entry.path, entry.size));
                }
            }
            Kind::Archive | Kind::Other => {}
        }
    }

    /// The size in bytes of a file of a data directory that came before, by its normalized path in the archive.
    fn size_of(&self, file: &Path, path: &str) -> Option<u64> {
        let Kind::Data(root, inside) = names::kind(path) else { return None };
        self.data.get(&(Some(file.to_owned()), root))?.files.get(&inside).copied()
    }

    fn data_file(&mut self, file: &Path, path: &str, (root, inside): (String, String), entry: &Entry) {
        // The blocks of a snapshot are hard links.
        let linked = match &entry.entry_type {
            Type::HardLink(target) => names::normalize(target),
            _ => None,
        };
        let size = linked.as_deref().and_then(|target| self.size_of(file, target));
        let data = self.data.entry((Some(file.to_owned()), root)).or_default();
        let problem = match &entry.entry_type {
            Type::File => None,
            Type::HardLink(_) if size.is_some() => {
                data.links.extend(linked.map(|target| (path.to_owned(), target)));
                None
            }
            Type::HardLink(target) => Some(format!("is a link to {target:?}: pack again with tar --hard-dereference")),
            Type::Link(target) => Some(format!("is a link to {target:?}: pack again with tar --hard-dereference")),
            Type::Sparse => Some("is a sparse file: pack again without tar --sparse".to_owned()),
            Type::Special => Some("is a device or pipe: pack the data directory of Prometheus again".to_owned()),
        };
        let size = size.unwrap_or(entry.size);
        let twice = data.files.insert(inside, size).is_some();
        let twice = twice.then(|| "is there twice: pack the data directory of Prometheus again".to_owned());
        let problem = problem.or(twice).map(|problem| (entry.path.clone(), problem));
        data.refused = data.refused.take().or(problem);
    }
}
