//! Secrets: where they are stored, and how they are hidden in messages.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::AccessError;

/// Shown in messages in place of a secret.
const MASK: &str = "…";

/// A text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text in plain form. Use it only to build a request.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Where a secret is stored: inline in the config file, or in a file of its own. A file of its own is read on every
/// use, because the secret may be rotated during a long pull.
#[derive(Clone, Debug)]
pub(super) struct SecretSource {
    what: &'static str,
    kept: Kept,
}

#[derive(Clone, Debug)]
enum Kept {
    Inline(Secret),
    File(PathBuf),
}

impl SecretSource {
    pub(super) fn inline(what: &'static str, secret: Secret) -> Self {
        Self { what, kept: Kept::Inline(secret) }
    }

    pub(super) fn file(what: &'static str, path: PathBuf) -> Self {
        Self { what, kept: Kept::File(path) }
    }

    /// Reads the secret. White space around a secret in a file is removed.
    pub(super) fn read(&self) -> Result<Secret, AccessError> {
        match &self.kept {
            Kept::Inline(secret) => Ok(secret.clone()),
            Kept::File(path) => match fs::read_to_string(path) {
                Ok(text) => Ok(Secret::new(text.trim())),
                Err(error) => Err(self.error(&error.to_string())),
            },
        }
    }

    /// An error that names the key of this secret, and its file if it has one.
    pub(super) fn error(&self, reason: &str) -> AccessError {
        let (what, reason) = (self.what, reason.to_owned());
        match &self.kept {
            Kept::Inline(_) => AccessError::Value { what, reason },
            Kept::File(path) => AccessError::SecretFile { what, path: path.clone(), reason },
        }
    }
}

/// The secrets that were sent, to be hidden in whatever the server returns.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent(Arc<Mutex<BTreeSet<HiddenText>>>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct HiddenText(String);

impl fmt::Debug for HiddenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Sent {
    /// Records a secret together with its encodings in URLs, JSON and HTML, so that `hide` finds them all.
    pub(super) fn learn(&self, secret: &str) {
        if secret.is_empty() {
            return;
        }
        let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = serde_json::to_string(secret).unwrap_or_default();
        let json = json.get(1..json.len().max(2) - 1).unwrap_or_default().to_owned();
        let page = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let shapes = [secret.to_owned(), encoded, form, json, page];
        self.lock().extend(shapes.into_iter().filter(|shape| !shape.is_empty()).map(HiddenText));
    }

    /// Replaces all recorded secrets in a text with the mask.
    pub(super) fn hide(&self, text: &str) -> String {
        let sent = self.lock();
        // Longest first, because a short secret may be part of a longer one.
        let mut secrets: Vec<&str> = sent.iter().map(|HiddenText(secret)| secret.as_str()).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<HiddenText>> {
        // A poisoned lock can be used: a panic cannot leave the set inconsistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_in_every_encoding() {
        let sent = Sent::default();
        for secret in ["pa ss/\"w<ord", "pa ss"] {
            sent.learn(secret);
        }
        let echo =
            "a pa ss/\"w<ord b pa%20ss%2F%22w%3Cord c pa+ss%2F%22w%3Cord d pa ss/\\\"w<ord e pa ss/&quot;w&lt;ord f";
        assert_eq!(sent.hide(echo), "a … b … c … d … e … f");
        assert_eq!(format!("{sent:?}{:?}", Secret::new("abc")).find("pa"), None);
    }
}
