//! What can be wrong with what a person says about logging in. No message repeats a value: it might
//! be a secret in a wrong place.

use std::path::{Path, PathBuf};

use crate::text::terminal::terminal_label;

/// A file of `--http.config.file`, or one that it names, that cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccessError {
    /// The file itself is not there, or not ours to read.
    #[error("cannot read {} of --http.config.file: {reason}", .path.display())]
    Unreadable { path: PathBuf, reason: String },
    /// A line of it.
    #[error("{}, line {line}: {reason}", .path.display())]
    Line {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// A file that it names.
    #[error("{what} of --http.config.file: cannot use {}: {reason}", .path.display())]
    SecretFile {
        /// The key that names it.
        what: &'static str,
        path: PathBuf,
        reason: String,
    },
    /// A value that cannot be used, where it stands in the file itself.
    #[error("{what} of --http.config.file: {reason}")]
    Value { what: &'static str, reason: String },
    /// Two logins.
    #[error("--url holds a login and --http.config.file another: leave one of them out")]
    TwoLogins,
}

impl AccessError {
    pub(super) fn line(path: &Path, line: usize, reason: impl Into<String>) -> Self {
        // A key may be called anything, with the commands of a terminal in it.
        Self::Line { path: path.to_owned(), line, reason: terminal_label(&reason.into()) }
    }
}
