//! `null` in an answer. Go encodes an empty list or map as `null`, and so do several servers of Prometheus's API, so
//! `null` stands for an empty value wherever the API has a list, a map or an optional field.

use serde::{Deserialize, Deserializer};

/// A value that may be `null`, which gives the default.
#[derive(Debug, Default)]
pub(super) struct OrEmpty<T>(pub(super) T);

impl<'de, T: Default + Deserialize<'de>> Deserialize<'de> for OrEmpty<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        or_empty(deserializer).map(Self)
    }
}

/// Same as [`OrEmpty`], as a function for `#[serde(deserialize_with = …)]` of a field.
pub(super) fn or_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
