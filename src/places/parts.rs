//! Sends a long file in parts, which become an object all at once, at the end.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMultipartOptions, WriteMultipart};

use super::recorded::with_hash;
use super::runtime::wait;
use super::store::{Store, is_version, tag_of};
use super::{Expected, Found, PlaceError};
use crate::files::{FileError, FileStat};

/// Files up to this size are sent by one request; longer ones in parts of this size. S3 allows no smaller parts than 5 MiB,
/// and 10,000 parts.
pub(super) const PART: u64 = 8 << 20;

/// Parts that are sent at once.
const AT_ONCE: usize = 2;

/// Writes an object with the content of a long file. Stores check no condition when parts become an object, so it is checked
/// just before: the manifest, which is small, keeps two runs apart.
pub(super) fn put_parts(
    to: &Store,
    path: &str,
    (mut from, file): (File, &Path),
    expected: &Expected,
) -> Result<Found, PlaceError> {
    let parts = Parts { to: to.clone(), key: to.key(path)?, path: path.to_owned() };
    // Of the file that is open, in case that another takes its name meanwhile.
    let sha256 = FileStat::of_open(&mut from, file)?.sha256;
    from.rewind().map_err(|error| FileError::new("read", file, error))?;
    let options = PutMultipartOptions { attributes: with_hash(sha256), ..Default::default() };
    let (file, expected) = (file.to_owned(), expected.clone());
    let put = wait(async move {
        let upload = parts.to.inner.put_multipart_opts(&parts.key, options).await;
        let upload = upload.map_err(|error| parts.failed(&error))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART as usize);
        match parts.send(&mut upload, from, file, &expected).await {
            Ok(bytes) => parts.finish(upload).await.map(|tag| (bytes, tag)),
            Err(error) => {
                // Best effort: stores remove abandoned parts by a rule of the bucket.
                let _ = upload.abort().await;
                Err(error)
            }
        }
    })?;
    put.map(|(bytes, tag)| Found { path: path.to_owned(), bytes, tag })
}

/// The object that the parts become.
struct Parts {
    to: Store,
    key: Key,
    /// Its path below the folder, for messages.
    path: String,
}

impl Parts {
    fn failed(&self, error: &Error) -> PlaceError {
        self.to.failed(&self.path, "written", error)
    }

    /// Sends all parts; returns the size of the file. Fails if the object is not what is expected.
    async fn send(
        &self,
        upload: &mut WriteMultipart,
        mut from: File,
        file: PathBuf,
        expected: &Expected,
    ) -> Result<u64, PlaceError> {
        let mut bytes = 0;
        loop {
            let mut part = Vec::new();
            let read = from.by_ref().take(PART).read_to_end(&mut part);
            bytes += read.map_err(|error| FileError::new("read", &file, error))? as u64;
            if part.is_empty() {
                break;
            }
            upload.wait_for_capacity(AT_ONCE).await.map_err(|error| self.failed(&error))?;
            upload.put(part.into());
        }
        match self.is_as_expected(expected).await.map_err(|error| self.failed(&error))? {
            true => Ok(bytes),
            false => Err(PlaceError::Changed(self.to.shown(&self.path))),
        }
    }

    async fn is_as_expected(&self, expected: &Expected) -> Result<bool, Error> {
        match (self.to.inner.head(&self.key).await, expected) {
            (Ok(meta), Expected::Version(version)) => Ok(is_version(&meta, version)),
            (Ok(_), Expected::Absent) => Ok(false),
            (Err(Error::NotFound { .. }), expected) => Ok(*expected == Expected::Absent),
            (Err(error), _) => Err(error),
        }
    }

    /// Makes the object; returns its version.
    async fn finish(&self, upload: WriteMultipart) -> Result<String, PlaceError> {
        let put = upload.finish().await.map_err(|error| self.failed(&error))?;
        tag_of(&*self.to.inner, &self.key, put).await.map_err(|error| self.failed(&error))
    }
}
