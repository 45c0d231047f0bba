//! Writes objects: each appears whole or not at all, and only if what was there is what this run has seen.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion};

use super::address::Kind;
use super::parts::{PART, put_parts};
use super::recorded::with_hash;
use super::runtime::wait;
use super::store::{Store, is_etag, is_version, tag, tag_of};
use super::{Found, PlaceError};
use crate::files::{FileError, FileStat};

/// What an object must be at the moment when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// There is none.
    Absent,
    /// It has this version.
    Version(String),
}

impl Store {
    /// Writes an object with the content of a file. If the object is not what was expected and has another content than the
    /// file, fails with [`PlaceError::Changed`]: another run has written it.
    pub(crate) fn put_file(&self, path: &str, file: &Path, expected: &Expected) -> Result<Found, PlaceError> {
        let failed_read = |error| PlaceError::from(FileError::new("read", file, error));
        let mut from = File::open(file).map_err(failed_read)?;
        let bytes = from.metadata().map_err(failed_read)?.len();
        if bytes > PART {
            return put_parts(self, path, (from, file), expected);
        }
        let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
        from.read_to_end(&mut content).map_err(failed_read)?;
        self.put(path, content.into(), expected)
    }

    /// Like [`Self::put_file`], with this content.
    pub(crate) fn put(&self, path: &str, content: Bytes, expected: &Expected) -> Result<Found, PlaceError> {
        let has_conditions = self.has_conditions();
        match self.put_once(path, content.clone(), has_conditions.then_some(expected))? {
            Ok(found) => Ok(found),
            Err(error) => match self.failed(path, "written", &error) {
                // A request whose answer was lost is made again, and then meets its own object.
                error @ PlaceError::Changed(_) => self.same(path, &content)?.ok_or(error),
                PlaceError::NoConditions { .. } if has_conditions => {
                    self.has_conditions.store(false, Ordering::Relaxed);
                    self.put(path, content, expected)
                }
                error => Err(error),
            },
        }
    }

    /// Whether the store checks the conditions of writes, as far as is known.
    pub(super) fn has_conditions(&self) -> bool {
        self.has_conditions.load(Ordering::Relaxed)
    }

    /// Finds out whether the store ignores conditions: writes an object again, with the content that it has, on the condition
    /// that it does not exist.
    pub(super) fn check_conditions(&self, path: &str) -> Result<(), PlaceError> {
        if self.server.is_cloud() || !self.has_conditions() {
            return Ok(());
        }
        let content = self.read(path)?;
        if self.put_once(path, content, Some(&Expected::Absent))?.is_ok() {
            self.has_conditions.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Writes an object, without any condition if `expected` is `None`.
    fn put_once(
        &self,
        path: &str,
        content: Bytes,
        expected: Option<&Expected>,
    ) -> Result<Result<Found, Error>, PlaceError> {
        let (store, key, bytes) = (Arc::clone(&self.inner), self.key(path)?, content.len() as u64);
        let (expected, kind) = (expected.cloned(), self.address.kind());
        let attributes = with_hash(FileStat::of(&content).sha256);
        let put = wait(async move {
            let mode = match expected {
                Some(expected) => mode(&*store, kind, &key, &expected).await?,
                None => PutMode::Overwrite,
            };
            let options = PutOptions { mode, attributes, ..PutOptions::default() };
            let put = store.put_opts(&key, PutPayload::from_bytes(content), options).await?;
            tag_of(&*store, &key, put).await
        })?;
        Ok(put.map(|tag| Found { path: path.to_owned(), bytes, tag }))
    }

    /// The object, if it has this content.
    fn same(&self, path: &str, content: &Bytes) -> Result<Option<Found>, PlaceError> {
        let (store, key) = (Arc::clone(&self.inner), self.key(path)?);
        let read = wait(async move {
            let found = store.get(&key).await?;
            let tag = tag(&found.meta);
            Ok::<_, Error>((tag, found.bytes().await?))
        })?;
        match read {
            Ok((tag, there)) if there == content => {
                Ok(Some(Found { path: path.to_owned(), bytes: content.len() as u64, tag }))
            }
            Ok(_) | Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(path, "read", &error)),
        }
    }
}

/// The condition of a write. Google's store compares generations, which a listing lacks.
async fn mode(store: &dyn ObjectStore, kind: Kind, key: &Key, expected: &Expected) -> Result<PutMode, Error> {
    let Expected::Version(version) = expected else { return Ok(PutMode::Create) };
    let changed = || Error::Precondition { path: key.to_string(), source: "another version".into() };
    let update = |e_tag, version| PutMode::Update(UpdateVersion { e_tag, version });
    if is_etag(version) && kind != Kind::Gs {
        return Ok(update(Some(version.clone()), None));
    }
    let meta = store.head(key).await?;
    if is_version(&meta, version) { Ok(update(meta.e_tag, meta.version)) } else { Err(changed()) }
}
