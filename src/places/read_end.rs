//! Reads the end of an object, without the rest.

use std::sync::Arc;

use bytes::Bytes;
use object_store::GetRange;

use super::recorded::hash_of;
use super::runtime::wait;
use super::store::{Store, get_version};
use super::{Found, PlaceError};

impl Store {
    /// The last bytes of an object, and the hash of its whole content if it was recorded. Fails if the object is no longer of
    /// this version.
    pub(super) fn read_end(&self, found: &Found, bytes: u64) -> Result<(Bytes, Option<String>), PlaceError> {
        let (store, key, tag) = (Arc::clone(&self.inner), self.key(&found.path)?, found.tag.clone());
        let range = found.bytes.saturating_sub(bytes)..found.bytes;
        let asked = Some(GetRange::Bounded(range.clone()));
        let read = wait(async move {
            let Some(answer) = get_version(&*store, &key, &tag, asked).await? else { return Ok(None) };
            let hash = hash_of(&answer.attributes);
            Ok::<_, object_store::Error>(Some((answer.bytes().await?, hash)))
        })?;
        let read = read.map_err(|error| self.failed(&found.path, "read", &error))?;
        let has_length = |(end, _): &(Bytes, _)| end.len() as u64 == range.end - range.start;
        read.filter(has_length).ok_or_else(|| PlaceError::Changed(self.shown(&found.path)))
    }
}
