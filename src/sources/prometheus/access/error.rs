//! Errors in the settings for authentication and connections. No message repeats a value, because it
//! may be a misplaced secret.

use std::path::{Path, PathBuf};

use crate::text::terminal::terminal_label;

/// The file of `--http.config.file`, or one that it refers to, cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccessError {
    /// The file is missing or not readable.
    #[error("cannot read {} of --http.config.file: {reason}", .path.display())]
    Unreadable { path: PathBuf, reason: String },
    /// A line of the file is invalid.
    #[error("{}, line {line}: {reason}", .path.display())]
    Line {
        path: PathBuf,
        /// Line number in the file, from 1.
        line: usize,
        /// What is wrong, and what to write instead.
        reason: String,
    },
    /// A file that the config file refers to cannot be used.
    #[error("{what} of --http.config.file: cannot use {}: {reason}", .path.display())]
    SecretFile {
        /// The key that refers to the file.
        what: &'static str,
        path: PathBuf,
        reason: String,
    },
    /// An inline value of the config file cannot be used.
    #[error("{what} of --http.config.file: {reason}")]
    Value { what: &'static str, reason: String },
    #[error("--url and --http.config.file each have a login: remove one of the two")]
    TwoLogins,
}

impl AccessError {
    pub(super) fn line(path: &Path, line: usize, reason: impl Into<String>) -> Self {
        // The reason may quote a key, which may contain terminal control sequences.
        Self::Line { path: path.to_owned(), line, reason: terminal_label(&reason.into()) }
    }
}
