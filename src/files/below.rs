//! What holds for the files below some folders while a run lasts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value for each of some folders, which holds for all files below it.
///
/// Made to be static, because files are read and written in many places that have no handle of the run.
pub(super) struct Below<T>(Mutex<BTreeMap<PathBuf, T>>);

impl<T> Below<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    pub(super) fn set(&self, top: &Path, value: T) {
        self.locked().insert(top.to_owned(), value);
    }

    pub(super) fn remove(&self, top: &Path) -> Option<T> {
        self.locked().remove(top)
    }

    /// Calls `with` with the value for this folder, if there is one.
    pub(super) fn at<R>(&self, top: &Path, with: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.locked().get_mut(top).map(with)
    }

    /// Calls `with` with the value for the folder that contains `path`, if there is one. Other threads wait meanwhile.
    pub(super) fn of<R>(&self, path: &Path, with: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.locked().iter_mut().find(|(top, _)| path.starts_with(top)).map(|(_, value)| with(value))
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<PathBuf, T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
