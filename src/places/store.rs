//! The objects of a folder in a bucket: listed, read whole or by ranges, and removed.

use std::fs::{self, File};
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt, PutResult};

use super::runtime::wait;
use super::server::Server;
use super::{Address, PlaceError, open};
use crate::files::FileError;

/// A folder in a bucket. All calls wait for the answer and may come from any thread.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(super) address: Address,
    pub(super) inner: Arc<dyn ObjectStore>,
    /// Whether writes have conditions; no longer once the store has refused one.
    pub(super) has_conditions: Arc<AtomicBool>,
    pub(super) server: Server,
}

/// An object of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The path below the folder.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// The version of the content: the ETag, or time and size where a store has none.
    pub(crate) tag: String,
}

impl Store {
    /// Opens a folder with the login of the environment. Makes no request yet.
    pub(crate) fn open(address: &Address) -> Result<Self, PlaceError> {
        let (inner, server) = open::open(address)?;
        Ok(Self { address: address.clone(), inner, has_conditions: Arc::new(AtomicBool::new(true)), server })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// All objects below the folder `under`, in order of their paths; empty if there is no such folder.
    pub(crate) fn list(&self, under: &str) -> Result<Vec<Found>, PlaceError> {
        let (store, prefix) = (Arc::clone(&self.inner), self.prefix(under)?);
        let listed = wait(async move { store.list(prefix.as_ref()).try_collect::<Vec<_>>().await })?;
        let listed = listed.map_err(|error| self.failed(under, "listed", &error))?;
        let mut found: Vec<Found> = listed.iter().filter_map(|meta| self.found(meta)).collect();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// The names of the folders in the folder `under`, and the objects that are directly in it.
    pub(crate) fn folders(&self, under: &str) -> Result<(Vec<String>, Vec<Found>), PlaceError> {
        let (store, prefix) = (Arc::clone(&self.inner), self.prefix(under)?);
        let listed = wait(async move { store.list_with_delimiter(prefix.as_ref()).await })?;
        let listed = listed.map_err(|error| self.failed(under, "listed", &error))?;
        let name = |key: &Key| key.filename().map(str::to_owned);
        let mut folders: Vec<String> = listed.common_prefixes.iter().filter_map(name).collect();
        folders.sort();
        Ok((folders, listed.objects.iter().filter_map(|meta| self.found(meta)).collect()))
    }

    /// An object's whole content.
    pub(crate) fn read(&self, path: &str) -> Result<Bytes, PlaceError> {
        let (store, key) = (Arc::clone(&self.inner), self.key(path)?);
        let read = wait(async move { store.get(&key).await?.bytes().await })?;
        read.map_err(|error| self.failed(path, "read", &error))
    }

    /// A part of an object's content. Fails if the object ends before the range.
    pub(crate) fn read_range(&self, path: &str, range: Range<u64>) -> Result<Bytes, PlaceError> {
        let (store, key, wanted) = (Arc::clone(&self.inner), self.key(path)?, range.end.saturating_sub(range.start));
        let read = wait(async move { store.get_range(&key, range).await })?;
        let read = read.map_err(|error| self.failed(path, "read", &error))?;
        if read.len() as u64 == wanted {
            return Ok(read);
        }
        let reason = format!("it ends early: {} of {wanted} bytes", read.len());
        Err(PlaceError::Failed { address: self.shown(path), done: "read", reason })
    }

    /// Copies an object into a file that must not exist yet. Fails if the object is no longer of this version.
    pub(crate) fn fetch(&self, found: &Found, to: &Path) -> Result<(), PlaceError> {
        let (store, key, tag) = (Arc::clone(&self.inner), self.key(&found.path)?, found.tag.clone());
        let (this, found_path, path) = (self.clone(), found.path.clone(), to.to_owned());
        wait(async move {
            let wrong = |error: &object_store::Error| this.failed(&found_path, "read", error);
            let answer = get_version(&*store, &key, &tag, None).await.map_err(|e| wrong(&e))?;
            let mut parts = answer.ok_or_else(|| PlaceError::Changed(this.shown(&found_path)))?.into_stream();
            let write = |error| PlaceError::from(FileError::new("write", &path, error));
            let mut file = File::create_new(&path).map_err(write)?;
            while let Some(part) = parts.next().await {
                file.write_all(&part.map_err(|e| wrong(&e))?).map_err(write)?;
            }
            Ok(())
        })?
        .inspect_err(|_| drop(fs::remove_file(to)))
    }

    /// Removes an object. One that is gone is as good.
    pub(crate) fn remove(&self, path: &str) -> Result<(), PlaceError> {
        let (store, key) = (Arc::clone(&self.inner), self.key(path)?);
        match wait(async move { store.delete(&key).await })? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(path, "removed", &error)),
        }
    }

    /// The address of an object, for messages.
    pub(super) fn shown(&self, path: &str) -> String {
        self.address.of(path)
    }

    pub(super) fn key(&self, path: &str) -> Result<Key, PlaceError> {
        let reason = "object stores do not allow characters in its name";
        Key::parse(self.address.key(path))
            .map_err(|_| PlaceError::BadAddress { address: self.shown(path).into(), reason })
    }

    fn prefix(&self, under: &str) -> Result<Option<Key>, PlaceError> {
        self.key(under).map(|key| Some(key).filter(|key| !key.as_ref().is_empty()))
    }

    fn found(&self, meta: &ObjectMeta) -> Option<Found> {
        let path = self.address.below(meta.location.as_ref())?.to_owned();
        Some(Found { path, bytes: meta.size, tag: tag(meta) })
    }
}

/// The version of an object's content. Without an ETag, the time in whole seconds: listings may have parts of a second, and
/// headers have none.
pub(super) fn tag(meta: &ObjectMeta) -> String {
    meta.e_tag.clone().unwrap_or_else(|| format!("{} {}", meta.last_modified.timestamp(), meta.size))
}

/// Whether an object has a version. Azure's listings have the ETag without the quotes that its other answers have.
pub(super) fn is_version(meta: &ObjectMeta, version: &str) -> bool {
    tag(meta).trim_matches('"') == version.trim_matches('"')
}

/// Asks for an object, or a part of it; `None` if the store has another version.
pub(super) async fn get_version(
    store: &dyn ObjectStore,
    key: &Key,
    version: &str,
    range: Option<GetRange>,
) -> Result<Option<GetResult>, object_store::Error> {
    let if_match = is_etag(version).then(|| version.to_owned());
    let answer = store.get_opts(key, GetOptions { if_match, range, ..GetOptions::default() }).await?;
    // A store that ignores the condition has answered with what it has now.
    Ok(is_version(&answer.meta, version).then_some(answer))
}

/// The version of an object that was just written.
pub(super) async fn tag_of(store: &dyn ObjectStore, key: &Key, put: PutResult) -> Result<String, object_store::Error> {
    match put.e_tag {
        Some(tag) => Ok(tag),
        None => store.head(key).await.map(|meta| tag(&meta)),
    }
}

/// Whether a version is an ETag, which the store can compare; they are quoted on all stores, or at least one word.
pub(super) fn is_etag(tag: &str) -> bool {
    !tag.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_same_with_and_without_quotes() {
        let meta = |e_tag: Option<&str>| ObjectMeta {
            location: Key::from("a"),
            last_modified: std::time::SystemTime::UNIX_EPOCH.into(),
            size: 7,
            e_tag: e_tag.map(str::to_owned),
            version: None,
        };
        for version in ["\"0x8D\"", "0x8D"] {
            assert!(is_version(&meta(Some("\"0x8D\"")), version) && is_version(&meta(Some("0x8D")), version));
            assert!(!is_version(&meta(Some("\"0x8E\"")), version) && !is_version(&meta(None), version));
        }
        assert!(is_version(&meta(None), &tag(&meta(None))));
    }
}
