//! A folder on disk that stands for a place in a bucket while a command runs.
//!
//! What the command needs is fetched at its start. Files that it writes are sent at its end, and those of the history as soon
//! as each is whole, so that a killed run has sent what it had pulled. Every object is written only if the one that is there
//! is the one that was there at the start: two runs cannot mix their files, and no lock is needed that a killed run could
//! leave behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::early::Early;
use super::identity::Identity;
use super::shown::show;
use super::{Address, Expected, Found, PlaceError, Store};
use crate::files::{FileError, FileStat, TemporaryFolder, free_space, remove_abandoned};

/// Objects that are sent or fetched at once. Each takes up to [`super::upload`]'s two parts of memory.
const AT_ONCE: usize = 4;

/// An object of the place, as far as this run knows.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) found: Found,
    /// The file with its content; `None` if it was not fetched.
    pub(super) file: Option<Identity>,
    /// The content that was fetched, if the command writes to the place.
    content: Option<FileStat>,
    /// Whether this run has sent it.
    is_sent: bool,
}

pub(super) type KnownObjects = Arc<Mutex<BTreeMap<String, Known>>>;

pub(super) fn locked(known: &KnownObjects) -> MutexGuard<'_, BTreeMap<String, Known>> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder on disk that stands for a place in a bucket.
#[derive(Debug)]
pub(crate) struct WorkingCopy {
    store: Store,
    temporary: TemporaryFolder,
    folder: PathBuf,
    known: KnownObjects,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// A file with its content.
    Content,
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
        let seen = |found: &Found| {
            (found.path.clone(), Known { found: found.clone(), file: None, content: None, is_sent: false })
        };
        let known = Arc::new(Mutex::new(listed.iter().map(seen).collect()));
        let copy = Self { store, temporary, folder, known, writes, early: None };
        let holds = |found: &&Found| held(&found.path) != Held::Nothing;
        let wanted: Vec<(Found, Held)> =
            listed.iter().filter(holds).map(|one| (one.clone(), held(&one.path))).collect();
        let needed = wanted.iter().filter(|(_, held)| *held == Held::Content).map(|(found, _)| found.bytes).sum();
        if let Some(free) = free_space(&parent).filter(|free| *free < needed) {
            return Err(PlaceError::NoSpace { address: address.to_string(), dir: parent, needed, free });
        }
        each(&wanted, |(found, held)| copy.fetch(found, *held)).map_err(|(error, _)| error)?;
        Ok(copy)
    }

    /// The folder on disk.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn fetch(&self, found: &Found, held: Held) -> Result<(), PlaceError> {
        let file = self.folder.join(&found.path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(|error| FileError::new("create the folder", parent, error))?;
        }
        match held {
            Held::Name => drop(fs::File::create_new(&file).map_err(|error| FileError::new("write", &file, error))?),
            _ => self.store.fetch(found, &file)?,
        }
        let identity = Identity::of(&file)?;
        let content = (self.writes && held == Held::Content).then(|| FileStat::read(&file)).transpose()?;
        if let Some(known) = locked(&self.known).get_mut(&found.path) {
            (known.file, known.content) = (Some(identity), content);
        }
        Ok(())
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
        each(&changed, |path| self.put(path)).map_err(|(error, left)| (error, left + usize::from(has_index)))?;
        if has_index {
            self.put(index.path).map_err(|error| (error, 1))?;
            self.store.check_conditions(index.path).map_err(|error| (error, 0))?;
        }
        let gone: Vec<String> = gone.into_iter().collect();
        each(&gone, |path| self.remove(path)).map_err(|(error, _)| (error, 0))?;
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

/// Whether an object has the content of a file, which then need not be sent.
fn is_settled(known: &KnownObjects, path: &str, file: &Path, identity: &Identity) -> Result<bool, PlaceError> {
    let (sent, content) = match locked(known).get(path) {
        Some(object) => (object.file.clone(), object.content.clone()),
        None => return Ok(false),
    };
    if sent.as_ref() == Some(identity) {
        return Ok(true);
    }
    // Read while nothing is locked: other files are sent meanwhile. Days are often written again with the same bytes.
    let has_size = |content: &FileStat| content.bytes == identity.bytes();
    let Some(content) = content.filter(has_size) else { return Ok(false) };
    if FileStat::read(file)? != content {
        return Ok(false);
    }
    if let Some(object) = locked(known).get_mut(path) {
        object.file = Some(identity.clone());
    }
    Ok(true)
}

/// Writes an object with the content of a file of the working copy.
pub(super) fn put(store: &Store, folder: &Path, known: &KnownObjects, path: &str) -> Result<(), PlaceError> {
    let file = folder.join(path);
    let expected = match locked(known).get(path) {
        Some(known) => Expected::Version(known.found.tag.clone()),
        None => Expected::Absent,
    };
    // Before it is sent: if it is replaced meanwhile, it is another file, and will be sent again.
    let identity = Identity::of(&file)?;
    if is_settled(known, path, &file, &identity)? {
        return Ok(());
    }
    let found = store.put_file(path, &file, &expected)?;
    locked(known).insert(path.to_owned(), Known { found, file: Some(identity), content: None, is_sent: true });
    Ok(())
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

/// Does the same for each of several objects, a few at once. All are tried; the error is the first, with the number of
/// failures.
fn each<T: Sync>(of: &[T], work: impl Fn(&T) -> Result<(), PlaceError> + Sync) -> Result<(), (PlaceError, usize)> {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new((None, 0)));
    let run = || {
        while let Some(one) = of.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = work(one) {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.1 += 1;
                failed.0.get_or_insert(error);
            }
        }
    };
    std::thread::scope(|scope| (0..AT_ONCE.min(of.len())).for_each(|_| drop(scope.spawn(run))));
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        (None, _) => Ok(()),
        (Some(error), left) => Err((error, left)),
    }
}
