//! Objects of which a working copy has only the end, until a command needs the whole content.
//!
//! A file with a note stands for such an object. It has no part of the content that a reader could take for the whole: the end
//! lies in another folder, and is found only by asking for an end.

use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tracing::debug;

use super::identity::Identity;
use super::known::{Known, KnownObjects, locked};
use super::{Found, PlaceError, Store};
use crate::files::{Contents, End, FileError, FileStat};

/// The end of a file that a command needs, as a rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    /// The size to begin with: the first that are longer take two requests each. Shorter files are fetched whole.
    pub(crate) usual: u64,
    /// The size that a file with this end needs; `None` if its end is of no use.
    pub(crate) size: fn(&[u8]) -> Option<u64>,
}

/// The beginning of a file that stands for an object.
const NOTE: &str = "This file stands for an object that etcd-heatmap has not fetched yet: ";

/// The objects that are not fetched.
pub(super) struct Unfetched {
    pub(super) store: Store,
    /// The working copy.
    pub(super) folder: PathBuf,
    /// The folder for their ends.
    pub(super) ends: PathBuf,
    pub(super) known: KnownObjects,
    /// The size of the longest end so far: ends of one folder are alike.
    pub(super) longest: AtomicU64,
}

impl Unfetched {
    /// Fetches the end of an object, and makes a file that stands for it. `false` if all of the object must be fetched: its
    /// end is of no use, or its hash was not recorded.
    pub(super) fn stand_in(&self, found: &Found, ending: Ending) -> Result<bool, PlaceError> {
        if found.bytes <= ending.usual {
            return Ok(false);
        }
        let asked = ending.usual.max(self.longest.load(Ordering::Relaxed)).min(found.bytes);
        let (mut end, recorded) = self.store.read_end(found, asked)?;
        let (Some(sha256), Some(size)) = (recorded, (ending.size)(&end)) else { return Ok(false) };
        if size >= found.bytes {
            return Ok(false);
        }
        self.longest.fetch_max(size, Ordering::Relaxed);
        if size > asked {
            (end, _) = self.store.read_end(found, size)?;
        }
        write(&self.ends.join(&found.path), &end)?;
        let file = self.folder.join(&found.path);
        write(&file, format!("{NOTE}{}\n", self.store.shown(&found.path)).as_bytes())?;
        let identity = Identity::of(&file)?;
        if let Some(known) = locked(&self.known).get_mut(&found.path) {
            (known.file, known.is_fetched) = (Some(identity), false);
            known.content = Some(FileStat { bytes: found.bytes, sha256 });
        }
        Ok(true)
    }

    /// The path of a file in the working copy, and what is known of the object for which it stands; `None` if it has its
    /// content.
    fn unfetched<T>(&self, file: &Path, of: impl FnOnce(&Known) -> T) -> Option<(String, T)> {
        let path = file.strip_prefix(&self.folder).ok()?.to_str()?;
        let known = locked(&self.known);
        let known = known.get(path).filter(|known| known.stands_in(file))?;
        Some((path.to_owned(), of(known)))
    }

    fn fetch(&self, file: &Path, found: &Found) -> Result<(), PlaceError> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let partial = file.with_file_name(format!(".{name}.{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        self.store.fetch(found, &partial)?;
        let mut known = locked(&self.known);
        let known = known.get_mut(&found.path);
        // Another thread may have fetched or replaced the file meanwhile.
        let Some(known) = known.filter(|known| known.stands_in(file)) else {
            fs::remove_file(&partial).map_err(|error| FileError::new("remove", &partial, error))?;
            return Ok(());
        };
        fs::rename(&partial, file).map_err(|error| FileError::new("write", file, error))?;
        // Of the file with its new name.
        (known.file, known.is_fetched) = (Some(Identity::of(file)?), true);
        debug!(path = found.path, bytes = found.bytes, "fetched");
        Ok(())
    }

    /// Removes the files that still stand for objects.
    pub(super) fn remove(&self) {
        for (path, known) in locked(&self.known).iter() {
            let file = self.folder.join(path);
            if known.stands_in(&file) {
                // Best effort: the file holds nothing.
                let _ = fs::remove_file(file);
            }
        }
    }
}

impl Contents for Unfetched {
    fn stat(&self, file: &Path) -> Option<FileStat> {
        self.unfetched(file, |known| known.content.clone())?.1
    }

    fn end(&self, file: &Path) -> Result<Option<End>, FileError> {
        let Some((path, of)) = self.unfetched(file, |known| known.found.bytes) else { return Ok(None) };
        let end = self.ends.join(path);
        let bytes = fs::read(&end).map_err(|error| FileError::new("read", &end, error))?;
        Ok(Some(End { bytes, of }))
    }

    fn bring(&self, file: &Path) -> Result<(), FileError> {
        match self.unfetched(file, |known| known.found.clone()) {
            Some((_, found)) => self.fetch(file, &found).map_err(FileError::elsewhere),
            // A note must not count as a damaged day, which would be pulled again.
            None if matches!(stands_for_an_object(file), Ok(true)) => {
                let path = file.strip_prefix(&self.folder).unwrap_or(file).to_string_lossy();
                let reason = "the file that stands for it was changed by another program".to_owned();
                Err(FileError::elsewhere(PlaceError::Failed { address: self.store.shown(&path), done: "read", reason }))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Unfetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unfetched").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn write(file: &Path, content: &[u8]) -> Result<(), FileError> {
    make_parent(file)?;
    fs::write(file, content).map_err(|error| FileError::new("write", file, error))
}

/// Creates the folder of a file.
pub(super) fn make_parent(file: &Path) -> Result<(), FileError> {
    let Some(parent) = file.parent() else { return Ok(()) };
    fs::create_dir_all(parent).map_err(|error| FileError::new("create the folder", parent, error))
}

/// Whether a file only stands for an object, perhaps under another name.
pub(super) fn stands_for_an_object(file: &Path) -> Result<bool, FileError> {
    let failed = |error| FileError::new("read", file, error);
    let mut begin = [0; NOTE.len()];
    match File::open(file).map_err(failed)?.read_exact(&mut begin) {
        Ok(()) => Ok(begin == NOTE.as_bytes()),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(failed(error)),
    }
}
