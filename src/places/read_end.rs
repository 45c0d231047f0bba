//! Reads the end of an object, without the rest.

use std::sync::Arc;

use bytes::Bytes;
use object_store::{GetOptions, GetRange, ObjectStore};

use super::recorded::hash_of;
use super::runtime::wait;
use super::store::{Store, is_etag, is_version};
use super::{Found, PlaceError};

impl Store {
    /// The last bytes of an object, and the hash of its whole content if it was recorded. Fails if the object is no longer of
    /// this version.
    pub(super) fn read_end(&self, found: &Found, bytes: u64) -> Result<(Bytes, Option<String>), PlaceError> {
        let (store, key, tag) = (Arc::clone(&self.inner), self.key(&found.path)?, found.tag.clone());
        let range = found.bytes.saturating_sub(bytes)..found.bytes;
        let options = GetOptions {
            if_match: Some(tag.clone()).filter(|tag| is_etag(tag)),
            range: Some(GetRange::Bounded(range.clone())),
            ..GetOptions::default()
        };
        let read = wait(async move {
            let answer = store.get_opts(&key, options).await?;
            let (is_it, hash) = (is_version(&answer.meta, &tag), hash_of(&answer.attributes));
            Ok::<_, object_store::Error>((is_it, hash, answer.bytes().await?))
        })?;
        let (is_it, hash, end) = read.map_err(|error| self.failed(&found.path, "read", &error))?;
        // A store that ignores the condition has answered with what it has now.
        match is_it && end.len() as u64 == range.end - range.start {
            true => Ok((end, hash)),
            false => Err(PlaceError::Changed(self.shown(&found.path))),
        }
    }
}
