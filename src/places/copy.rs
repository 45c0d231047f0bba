//! A folder on disk that stands for a place in a bucket while a command runs.
//!
//! What the command needs is fetched at its start. Files that it writes are sent at its end, and those of the history as soon
//! as each is whole, so that a killed run has sent what it had pulled. Every object is written only if the one that is there
//! is the one that was there at the start: two runs cannot mix their files, and no lock is needed that a killed run could
//! leave behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::at_once::all_at_once;
use super::early::Early;
use super::identity::Identity;
use super::known::{Known, KnownObjects, is_settled, locked, put};
use super::shown::show;
use super::unfetched::{Ending, Unfetched, make_parent};
use super::{Address, Expected, Found, PlaceError, Store};
use crate::files::{Elsewhere, FileError, FileStat, TemporaryFolder, free_space, remove_abandoned};

/// Objects that are sent or fetched at once. Each takes up to [`super::upload`]'s two parts of memory.
const AT_ONCE: usize = 4;

/// Ends of objects that are fetched at once: they are small, and such requests mostly wait.
const ENDS_AT_ONCE: usize = 16;

/// A folder on disk that stands for a place in a bucket.
#[derive(Debug)]
pub(crate) struct WorkingCopy {
    store: Store,
    temporary: TemporaryFolder,
    folder: PathBuf,
    known: KnownObjects,
    unfetched: Arc<Unfetched>,
    /// While this exists, readers of files find those that are not fetched.
    _elsewhere: Elsewhere,
    /// Whether the command writes to the place.
    writes: bool,
    early: Option<Early>,
}

/// Takes paths out of the content of an index.
type Without = dyn Fn(&[u8], &BTreeSet<String>) -> Option<Vec<u8>>;

/// The object that lists all others: it is written last.
pub(crate) struct Index<'a> {
    /// Its path, such as `manifest.json`.
    pub(crate) path: &'a str,
    /// The content of an index without these paths; `None` if it lists none of them.
    pub(crate) without: &'a Without,
}

/// What a working copy has of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Held {
    /// A file with its content.
    Content,
    /// A file that stands for an object, and its end: the content is fetched when the command needs it.
    End(Ending),
    /// An empty file, for an object that the command never reads, but may replace or remove.
    Name,
    Nothing,
}

/// What a run has sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// Whether the store ignores or refuses conditions, so that two runs can overwrite each other's files.
    pub(crate) is_unguarded: bool,
}

impl WorkingCopy {
    /// Lists a place, and fetches what the copy is to hold of it. `writes` is whether the command writes to it.
    pub(crate) fn of(address: &Address, writes: bool, held: &dyn Fn(&str) -> Held) -> Result<Self, PlaceError> {
        let store = Store::open(address)?;
        let listed = store.list("")?;
        let parent = std::env::temp_dir();
        remove_abandoned(&parent);
        let created = |error| FileError::new("create a folder in", &parent, error);
        let temporary = TemporaryFolder::within(&parent).map_err(created)?;
        let folder = temporary.path().join("copy");
        fs::create_dir(&folder).map_err(created)?;
        show(&folder, &address.to_string());
        let known: KnownObjects = Arc::new(Mutex::new(listed.iter().map(Known::seen).collect()));
        let ends = temporary.path().join("ends");
        let unfetched = Arc::new(Unfetched {
            store: store.clone(),
            folder: folder.clone(),
            ends,
            known: Arc::clone(&known),
            longest: AtomicU64::new(0),
        });
        let elsewhere = Elsewhere::below(&folder, Arc::clone(&unfetched) as _);
        let copy = Self { store, temporary, folder, known, unfetched, _elsewhere: elsewhere, writes, early: None };
        copy.fill(&listed, held)?;
        Ok(copy)
    }

    /// Fetches what the copy is to hold of these objects.
    fn fill<'l>(&self, listed: &'l [Found], held: &dyn Fn(&str) -> Held) -> Result<(), PlaceError> {
        let (mut whole, mut ends) = (Vec::new(), Vec::new());
        for found in listed {
            match held(&found.path) {
                Held::Content => whole.push(found),
                Held::End(ending) => ends.push((found, ending)),
                Held::Name => self.hold(found, create)?,
                Held::Nothing => {}
            }
        }
        let more = Mutex::new(Vec::new());
        let stand_in = |(found, ending): &(&'l Found, Ending)| {
            if !self.unfetched.stand_in(found, *ending)? {
                more.lock().unwrap_or_else(PoisonError::into_inner).push(*found);
            }
            Ok(())
        };
        let first = |(error, _): (PlaceError, usize)| error;
        all_at_once(&ends, ENDS_AT_ONCE, stand_in).map_err(first)?;
        whole.extend(more.into_inner().unwrap_or_else(PoisonError::into_inner));
        let (needed, dir) = (whole.iter().map(|found| found.bytes).sum(), std::env::temp_dir());
        if let Some(free) = free_space(&dir).filter(|free| *free < needed) {
            return Err(PlaceError::NoSpace { address: self.store.address().to_string(), dir, needed, free });
        }
        let fetch = |found: &&Found| {
            self.hold(found, |file| {
                self.store.fetch(found, file)?;
                Ok(self.writes.then(|| FileStat::read(file)).transpose()?)
            })
        };
        all_at_once(&whole, AT_ONCE, fetch).map_err(first)
    }

    /// Makes the file of an object; `make` returns its content, as far as that matters.
    fn hold(
        &self,
        found: &Found,
        make: impl FnOnce(&Path) -> Result<Option<FileStat>, PlaceError>,
    ) -> Result<(), PlaceError> {
        let file = self.folder.join(&found.path);
        make_parent(&file)?;
        let content = make(&file)?;
        let identity = Identity::of(&file)?;
        if let Some(known) = locked(&self.known).get_mut(&found.path) {
            (known.file, known.content) = (Some(identity), content);
        }
        Ok(())
    }

    /// The folder on disk.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Sends the files that `early` accepts as soon as each is whole. `tell` is called with the first failure; such files are
    /// sent again at the end.
    pub(crate) fn send_early(
        &mut self,
        early: impl Fn(&str) -> bool + Send + Sync + 'static,
        tell: impl Fn(&PlaceError) + Send + Sync + 'static,
    ) {
        self.early = Some(Early::start(&self.store, &self.folder, &self.known, early, tell));
    }

    /// Sends what the command has written, and removes what it has removed. The `index` is written last; while other objects
    /// change, the one that is there lists none of them. Keeps the folder if an object cannot be sent.
    pub(crate) fn publish(mut self, index: &Index<'_>) -> Result<Sent, PlaceError> {
        if let Some(early) = self.early.take() {
            early.end();
        }
        match self.send(index) {
            Ok(sent) => Ok(sent),
            Err((cause, 0)) => Err(cause),
            Err((cause, left)) => {
                self.unfetched.remove();
                let kept = self.temporary.path().join("unsent");
                let kept = fs::rename(&self.folder, &kept).map_or(self.folder, |()| kept);
                self.temporary.keep();
                Err(PlaceError::Unsent { cause: Box::new(cause), left, kept })
            }
        }
    }

    /// The error has the number of files that were not sent.
    fn send(&self, index: &Index<'_>) -> Result<Sent, (PlaceError, usize)> {
        let Changes { mut changed, gone } = self.changes().map_err(|error| (error, 0))?;
        let all = changed.len();
        if all + gone.len() == 0 {
            return Ok(self.sent());
        }
        let has_index = changed.remove(index.path);
        let touched: BTreeSet<String> = changed.union(&gone).cloned().collect();
        self.begin(index, &touched).map_err(|error| (error, all))?;
        let changed: Vec<String> = changed.into_iter().collect();
        all_at_once(&changed, AT_ONCE, |path| self.put(path))
            .map_err(|(error, left)| (error, left + usize::from(has_index)))?;
        if has_index {
            self.put(index.path).map_err(|error| (error, 1))?;
            self.store.check_conditions(index.path).map_err(|error| (error, 0))?;
        }
        let gone: Vec<String> = gone.into_iter().collect();
        all_at_once(&gone, AT_ONCE, |path| self.remove(path)).map_err(|(error, _)| (error, 0))?;
        Ok(self.sent())
    }

    fn sent(&self) -> Sent {
        let known = locked(&self.known);
        let sent = known.values().filter(|known| known.is_sent);
        let none = Sent { is_unguarded: !self.store.has_conditions(), ..Sent::default() };
        sent.fold(none, |sum, one| Sent { files: sum.files + 1, bytes: sum.bytes + one.found.bytes, ..sum })
    }

    /// Takes the objects that are about to change out of the index that is there.
    fn begin(&self, index: &Index<'_>, touched: &BTreeSet<String>) -> Result<(), PlaceError> {
        let Some(known) = locked(&self.known).get(index.path).map(|known| known.found.clone()) else { return Ok(()) };
        let there = self.store.read(index.path)?;
        let Some(content) = (index.without)(&there, touched) else { return Ok(()) };
        let found = self.store.put(index.path, Bytes::from(content), &Expected::Version(known.tag))?;
        if let Some(known) = locked(&self.known).get_mut(index.path) {
            known.found = found;
        }
        Ok(())
    }

    fn put(&self, path: &str) -> Result<(), PlaceError> {
        put(&self.store, &self.folder, &self.known, path)
    }

    fn remove(&self, path: &str) -> Result<(), PlaceError> {
        self.store.remove(path)?;
        locked(&self.known).remove(path);
        Ok(())
    }

    /// What differs between the folder and the place.
    fn changes(&self) -> Result<Changes, PlaceError> {
        let mut there = BTreeMap::new();
        files(&self.folder, "", &mut there)?;
        let mut changed = BTreeSet::new();
        for (path, identity) in &there {
            if !is_settled(&self.known, path, &self.folder.join(path), identity)? {
                changed.insert(path.clone());
            }
        }
        let known = locked(&self.known);
        let is_gone = |(path, known): &(&String, &Known)| known.file.is_some() && !there.contains_key(*path);
        let gone = known.iter().filter(is_gone).map(|(path, _)| path.clone()).collect();
        Ok(Changes { changed, gone })
    }
}

struct Changes {
    changed: BTreeSet<String>,
    gone: BTreeSet<String>,
}

/// An empty file.
fn create(file: &Path) -> Result<Option<FileStat>, PlaceError> {
    fs::File::create_new(file).map_err(|error| FileError::new("write", file, error))?;
    Ok(None)
}

/// The files of a folder and of those in it, by their paths. Files whose names begin with a dot are locks, or not whole.
fn files(folder: &Path, under: &str, found: &mut BTreeMap<String, Identity>) -> Result<(), PlaceError> {
    let failed = |error| FileError::new("read", folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if under.is_empty() { name.clone() } else { format!("{under}/{name}") };
        match entry.file_type().map_err(failed)?.is_dir() {
            true => files(&entry.path(), &path, found)?,
            false if name.starts_with('.') => {}
            false => drop(found.insert(path, Identity::of(&entry.path())?)),
        }
    }
    Ok(())
}
