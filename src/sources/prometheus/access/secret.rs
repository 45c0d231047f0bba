//! Secrets, where they are kept, and how they are kept out of what a person reads.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::AccessError;

/// What stands for a secret.
const MASK: &str = "…";

/// A text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for a request only.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Where a secret is kept: in the file of `--http.config.file`, or in one of its own, which is read
/// each time anew, because others may replace it during a long pull.
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

    /// The secret; of a file, without the white space around it.
    pub(super) fn read(&self) -> Result<Secret, AccessError> {
        match &self.kept {
            Kept::Inline(secret) => Ok(secret.clone()),
            Kept::File(path) => match fs::read_to_string(path) {
                Ok(text) => Ok(Secret::new(text.trim())),
                Err(error) => Err(self.error(&error.to_string())),
            },
        }
    }

    /// What is wrong with it.
    pub(super) fn error(&self, reason: &str) -> AccessError {
        let (what, reason) = (self.what, reason.to_owned());
        match &self.kept {
            Kept::Inline(_) => AccessError::Value { what, reason },
            Kept::File(path) => AccessError::SecretFile { what, path: path.clone(), reason },
        }
    }
}

/// The secrets that were sent, so that a server that repeats them is not repeated.
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
    /// Remembers a secret, and what it looks like in a URL, in JSON and in a page.
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

    /// A text without any of them.
    pub(super) fn hide(&self, text: &str) -> String {
        let sent = self.lock();
        // The longest first: a short one may be a part of a long one.
        let mut secrets: Vec<&str> = sent.iter().map(|HiddenText(secret)| secret.as_str()).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<HiddenText>> {
        // A thread that panicked left the set whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_not_repeated_in_any_shape() {
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
