//! The names of folders that stand for places in buckets, for messages.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The path of each working copy of this process, and the address of its place.
///
/// Static, because messages are made in many places that know only paths, and printed in a few.
static COPIES: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Shows this folder by the address of its place from now on.
pub(super) fn show(folder: &Path, address: &str) {
    let copy = (folder.to_string_lossy().into_owned(), address.to_owned());
    COPIES.lock().unwrap_or_else(PoisonError::into_inner).push(copy);
}

/// A message in which each working copy is called by the address of its place.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let copies = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
    copies.iter().fold(Cow::Borrowed(text), |text, (folder, address)| match text.contains(folder.as_str()) {
        true => Cow::Owned(text.replace(folder.as_str(), address)),
        false => text,
    })
}

/// The folder that stands for the place with this address.
pub(crate) fn copy_of(address: &str) -> Option<PathBuf> {
    let copies = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
    copies.iter().find(|(_, of)| of == address).map(|(copy, _)| PathBuf::from(copy))
}

/// The address of the place for which a folder stands; `None` for other folders.
pub(crate) fn address_of(folder: &Path) -> Option<String> {
    let copies = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
    copies.iter().find(|(copy, _)| Path::new(copy) == folder).map(|(_, address)| address.clone())
}
