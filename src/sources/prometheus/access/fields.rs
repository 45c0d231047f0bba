//! Reads the values of one map in the config file, and rejects unknown keys, unsupported keys and wrong types.

use std::path::{Path, PathBuf};

use super::AccessError;
use super::secret::{Secret, SecretSource};
use super::yaml::{Node, Value};
use crate::text::nearest::did_you_mean;

/// One map of keys and values in the config file.
pub(super) struct Fields<'a> {
    file: &'a Path,
    /// Path of the map's key, such as `oauth2.tls_config`; empty for the whole file.
    place: &'a str,
    line: usize,
    entries: &'a [(String, Node)],
}

/// A key of prometheus/common's format that this program does not support, with the reason and the alternative.
pub(super) type Unsupported = (&'static str, &'static str);

/// Why keys that end in `_ref` are not supported.
pub(super) const NO_SECRET_MANAGER: &str =
    "it needs a secret manager, which promtool cannot use either: use the key that ends in _file instead";

impl<'a> Fields<'a> {
    /// Reads a map whose keys must all be in `known`. A key in `unsupported` is an error that gives the reason.
    pub(super) fn of(
        file: &'a Path,
        place: &'a str,
        node: &'a Node,
        known: &[&str],
        unsupported: &[Unsupported],
    ) -> Result<Self, AccessError> {
        let fields = Self::any(file, place, node)?;
        for (key, value) in fields.entries {
            if let Some((_, why)) = unsupported.iter().find(|(name, _)| name == key) {
                let reason = format!("'{}' is not supported: {why}", fields.full(key));
                return Err(AccessError::line(file, value.line, reason));
            }
            if !known.contains(&key.as_str()) {
                let meant = did_you_mean(key, known.iter().copied());
                let instead = if meant.is_empty() { format!("; known keys: {}", known.join(", ")) } else { meant };
                let reason = format!("unknown key '{}'{instead}", fields.full(key));
                return Err(AccessError::line(file, value.line, reason));
            }
        }
        Ok(fields)
    }

    /// Reads a map that may have any keys.
    pub(super) fn any(file: &'a Path, place: &'a str, node: &'a Node) -> Result<Self, AccessError> {
        let entries: &[_] = match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            _ => {
                let what = if place.is_empty() { "the file" } else { place };
                return Err(AccessError::line(file, node.line, format!("{what} must be a map of keys and values")));
            }
        };
        Ok(Self { file, place, line: node.line, entries })
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Node)> {
        self.entries.iter().map(|(key, node)| (key.as_str(), node))
    }

    /// The value of a key, or `None` if it is absent or empty.
    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        self.entries().find(|(name, node)| *name == key && !matches!(node.value, Value::Null)).map(|(_, node)| node)
    }

    /// The string of a key, or `None` if it is absent or empty.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, AccessError> {
        match self.node(key) {
            None => Ok(None),
            Some(Node { value: Value::Scalar(text), .. }) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.error(key, "must be a string")),
        }
    }

    /// The value as a path, relative to the folder of the config file.
    pub(super) fn path(&self, key: &str) -> Result<Option<PathBuf>, AccessError> {
        Ok(self.text(key)?.map(|path| beside(self.file, path)))
    }

    /// A secret that the map gives either inline or as a file. Giving both is an error.
    pub(super) fn secret(
        &self,
        key: &'static str,
        file_key: &'static str,
    ) -> Result<Option<SecretSource>, AccessError> {
        self.at_most_one(&[key, file_key])?;
        let inline = self.text(key)?.map(|text| SecretSource::inline(key, Secret::new(text)));
        Ok(inline.or(self.path(file_key)?.map(|path| SecretSource::file(file_key, path))))
    }

    pub(super) fn is_on(&self, key: &str) -> Result<Option<bool>, AccessError> {
        match self.text(key)?.map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true" | "yes" | "on" | "y") => Ok(Some(true)),
            Some("false" | "no" | "off" | "n") => Ok(Some(false)),
            Some(_) => Err(self.error(key, "must be true or false")),
        }
    }

    pub(super) fn list(&self, key: &str) -> Result<Vec<&'a str>, AccessError> {
        let wrong = || self.error(key, "must be a list of strings");
        let items = match self.node(key).map(|node| &node.value) {
            None => return Ok(Vec::new()),
            Some(Value::List(items)) => items,
            Some(_) => return Err(wrong()),
        };
        let text =
            |item: &'a Node| if let Value::Scalar(text) = &item.value { Ok(text.as_str()) } else { Err(wrong()) };
        items.iter().map(text).collect()
    }

    /// Returns an error if more than one of these mutually exclusive keys is given.
    pub(super) fn at_most_one(&self, keys: &[&str]) -> Result<(), AccessError> {
        let given: Vec<&&str> = keys.iter().filter(|key| self.is_given(key)).collect();
        match given[..] {
            [.., first, second] => {
                Err(self.error(second, &format!("cannot be combined with {first}: remove one of the two")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn is_given(&self, key: &str) -> bool {
        self.node(key).is_some_and(|node| !matches!(&node.value, Value::Scalar(text) if text.is_empty()))
    }

    /// An error about one key.
    pub(super) fn error(&self, key: &str, reason: &str) -> AccessError {
        let line = self.entries().find(|(name, _)| *name == key).map_or(self.line, |(_, node)| node.line);
        AccessError::line(self.file, line, format!("{} {reason}", self.full(key)))
    }

    /// An error about the whole map.
    pub(super) fn wrong(&self, reason: &str) -> AccessError {
        AccessError::line(self.file, self.line, format!("{} {reason}", self.place))
    }

    fn full(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }
}

/// Resolves a path relative to the folder of `file`.
pub(super) fn beside(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(path)
}
