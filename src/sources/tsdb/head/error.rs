//! Errors of reading the head. Damage is no error but a [`Lost`](super::Lost) span.

use std::io;
use std::path::PathBuf;

use super::super::block::{Place, remedy};
use crate::time::format_instant;

/// Why the head cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The operating system refuses to open or read a file or folder.
    #[error("cannot read {} ({source}): {}", .file.display(), remedy(.source))]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// A running server removed files during each of several attempts.
    #[error("{} was removed while the head was read, {attempts} times in a row: try again in a minute", .file.display())]
    Vanished {
        /// The file that was listed and then missing.
        file: PathBuf,
        /// How often reading was tried.
        attempts: u32,
    },
    /// A wanted series has native histograms. Without this error their values would be missing.
    #[error(
        "{place}: {series} has native histograms, which cannot be read: ask for a metric with classic buckets, or query the server of this directory"
    )]
    NativeHistograms {
        /// The record or chunk.
        place: Place,
        /// The series in PromQL notation.
        series: String,
    },
    /// Two values at the same time, of which Prometheus may return either.
    #[error(
        "the head in {} has two values of {series} at {} ({first} and {second}): query the server of this directory instead",
        .dir.display(), format_instant(*.at_ms)
    )]
    TwoValues {
        /// The data directory.
        dir: PathBuf,
        /// The series in PromQL notation.
        series: String,
        /// Time of both samples, in milliseconds.
        at_ms: i64,
        /// The value that came in order, or first.
        first: f64,
        /// The other value.
        second: f64,
    },
}
