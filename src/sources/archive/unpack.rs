//! Writes a data directory of an archive to a temporary folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use super::error::ArchiveError;
use super::names;
use super::stoppable::Stoppable;
use super::walk::{Entry, Stop, Type, walk};
use crate::files::{TemporaryFolder, free_space, remove_abandoned};

/// Bytes that are copied at once.
const BUFFER: usize = 128 << 10;

/// A data directory of Prometheus in an archive.
#[derive(Clone, Debug)]
pub struct ArchivedData {
    archive: PathBuf,
    /// Normalized path in the archive; empty for the top.
    root: String,
    /// Paths in the data directory, and sizes in bytes.
    files: BTreeMap<String, u64>,
    /// Normalized paths in the archive of files that are hard links, by those of the entries with their content.
    links: BTreeMap<String, Vec<String>>,
}

/// An unpacked data directory. It is removed on drop.
#[derive(Debug)]
pub struct Unpacked {
    data: PathBuf,
    _folder: TemporaryFolder,
}

impl Unpacked {
    /// The data directory.
    pub fn path(&self) -> &Path {
        &self.data
    }
}

impl ArchivedData {
    pub(super) fn new(
        archive: PathBuf,
        root: String,
        files: BTreeMap<String, u64>,
        linked: Vec<(String, String)>,
    ) -> Self {
        let mut links: BTreeMap<String, Vec<String>> = BTreeMap::new();
        linked.into_iter().for_each(|(path, target)| links.entry(target).or_default().push(path));
        Self { archive, root, files, links }
    }

    /// The archive.
    pub fn archive(&self) -> &Path {
        &self.archive
    }

    /// The path of the data directory in the archive; empty if that is all of it.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// How many bytes [`Self::unpack`] writes.
    pub fn bytes(&self) -> u64 {
        self.files.values().fold(0, |sum, size| sum.saturating_add(*size))
    }

    /// How many files [`Self::unpack`] writes.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Writes the files to a new folder in `parent`, or in the folder for temporary files. Fails before the first byte if
    /// the file system has too little space. Removes what killed runs left there.
    pub fn unpack(&self, parent: Option<&Path>) -> Result<Unpacked, ArchiveError> {
        self.unpack_unless(&|| false, parent)
    }

    /// Like [`Self::unpack`], and fails as soon as the run is stopped.
    pub fn unpack_unless(
        &self,
        is_stopped: &dyn Fn() -> bool,
        parent: Option<&Path>,
    ) -> Result<Unpacked, ArchiveError> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        remove_abandoned(&parent);
        if let Some(free) = free_space(&parent).filter(|free| *free < self.bytes()) {
            return Err(ArchiveError::NoSpace { file: self.archive.clone(), dir: parent, needed: self.bytes(), free });
        }
        let write = |source| ArchiveError::Write { file: parent.clone(), source };
        let folder = TemporaryFolder::within(&parent).map_err(write)?;
        let data = folder.path().join("data");
        fs::create_dir(&data).map_err(write)?;
        let mut missing = self.files.clone();
        let visit = &mut |entry: &Entry, content: &mut dyn Read| {
            self.entry(&data, entry, &mut Stoppable { content, is_stopped }, &mut missing)
        };
        let nested = walk(&self.archive, visit).map_err(Stop::into_error)?;
        // Files may be missing after the place where an archive in the archive was cut.
        if let Some(nested) = nested.into_iter().find(|nested| nested.has(&self.root)) {
            return Err(nested.error);
        }
        missing.into_keys().next().map_or(Ok(Unpacked { data, _folder: folder }), |entry| Err(self.changed(entry)))
    }

    fn entry(
        &self,
        dir: &Path,
        entry: &Entry,
        content: &mut dyn Read,
        missing: &mut BTreeMap<String, u64>,
    ) -> Result<(), ArchiveError> {
        let Some(path) = names::normalize(&entry.path) else { return Ok(()) };
        let linked = self.links.get(&path).map(Vec::as_slice).unwrap_or_default();
        let own = (!matches!(entry.entry_type, Type::HardLink(_))).then_some(&path);
        let inside = own.into_iter().chain(linked).filter_map(|path| self.inside(path));
        let mut first: Option<PathBuf> = None;
        for inside in inside {
            let surveyed = missing.remove(&inside);
            if entry.entry_type != Type::File || surveyed != Some(entry.size) {
                return Err(self.changed(entry.path.clone()));
            }
            // Has only components that `names` knows: none leads out of the folder.
            let target = dir.join(inside);
            match &first {
                None => {
                    let name = PathBuf::from(format!("{}: {}", self.archive.display(), entry.path));
                    copy(&target, content, entry.size, &name)?;
                }
                Some(first) => link(first, &target)?,
            }
            first = first.or(Some(target));
        }
        Ok(())
    }

    /// The path in the data directory of a file with this normalized path in the archive; `None` if it is elsewhere.
    fn inside(&self, path: &str) -> Option<String> {
        match names::kind(path) {
            names::Kind::Data(root, inside) if root == self.root => Some(inside),
            _ => None,
        }
    }

    fn changed(&self, entry: String) -> ArchiveError {
        ArchiveError::Changed { file: self.archive.clone(), entry }
    }
}

/// Gives an unpacked file a second name.
fn link(first: &Path, target: &Path) -> Result<(), ArchiveError> {
    let write = |source: io::Error| ArchiveError::Write { file: target.to_owned(), source };
    fs::create_dir_all(target.parent().unwrap_or(target)).map_err(write)?;
    fs::hard_link(first, target).map_err(write)
}

/// Writes the content of an entry, whose name is for messages, to a new file.
fn copy(target: &Path, content: &mut dyn Read, size: u64, name: &Path) -> Result<(), ArchiveError> {
    let write = |source: io::Error| ArchiveError::Write { file: target.to_owned(), source };
    fs::create_dir_all(target.parent().unwrap_or(target)).map_err(write)?;
    let mut file = File::create_new(target).map_err(write)?;
    let (mut buffer, mut left) = (vec![0; BUFFER], size);
    while left > 0 {
        let wanted = left.min(BUFFER as u64) as usize;
        let read = match content.read(&mut buffer[..wanted]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                let problem = error.to_string();
                return Err(ArchiveError::Damaged { file: name.to_owned(), read: size - left, problem });
            }
            Ok(read) if read > 0 => read,
            _ => return Err(ArchiveError::Truncated { file: name.to_owned(), read: size - left }),
        };
        file.write_all(&buffer[..read]).map_err(write)?;
        left -= read as u64;
    }
    Ok(())
}
