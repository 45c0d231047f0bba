//! The objects of a place, as far as a run knows them: what it has seen, has on disk, and has sent.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::identity::Identity;
use super::unfetched::stands_for_an_object;
use super::{Expected, Found, PlaceError, Store};
use crate::files::FileStat;

/// An object of the place, as far as this run knows.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) found: Found,
    /// The file in the working copy; `None` if it has none.
    pub(super) file: Option<Identity>,
    /// Its content, as far as that matters: of what was fetched, if the command writes to the place, and of what was not.
    pub(super) content: Option<FileStat>,
    /// Whether the file has the content. If not, it only stands for the object.
    pub(super) is_fetched: bool,
    /// Whether this run has sent it.
    pub(super) is_sent: bool,
}

impl Known {
    /// An object that was listed.
    pub(super) fn seen(found: &Found) -> (String, Self) {
        let known = Self { found: found.clone(), file: None, content: None, is_fetched: true, is_sent: false };
        (found.path.clone(), known)
    }

    /// Whether this file is the one that stands for the object, because its content is not fetched.
    pub(super) fn stands_in(&self, file: &Path) -> bool {
        !self.is_fetched && self.file.is_some() && self.file == Identity::of(file).ok()
    }
}

pub(super) type KnownObjects = Arc<Mutex<BTreeMap<String, Known>>>;

pub(super) fn locked(known: &KnownObjects) -> MutexGuard<'_, BTreeMap<String, Known>> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an object has the content of a file, which then need not be sent.
pub(super) fn is_settled(
    known: &KnownObjects,
    path: &str,
    file: &Path,
    identity: &Identity,
) -> Result<bool, PlaceError> {
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
    if stands_for_an_object(&file)? {
        let reason = "its content was not fetched from its former name".to_owned();
        return Err(PlaceError::Failed { address: store.shown(path), done: "written", reason });
    }
    let found = store.put_file(path, &file, &expected)?;
    let sent = Known { found, file: Some(identity), content: None, is_fetched: true, is_sent: true };
    locked(known).insert(path.to_owned(), sent);
    Ok(())
}
