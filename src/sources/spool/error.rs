//! Errors of the temporary file, and of samples that contradict each other.

use std::io;

use crate::time::format_instant;

/// Why samples cannot be kept or read again.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The operating system refuses to create the file.
    #[error("cannot create a temporary file in {dir} ({source}): set TMPDIR to a folder with free space")]
    Create {
        /// The folder.
        dir: String,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// The operating system refuses to write, usually because the disk is full.
    #[error(
        "cannot write to a temporary file after {written} bytes ({source}): set TMPDIR to a folder with more free space"
    )]
    Write {
        /// Size of the file in bytes.
        written: u64,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// The operating system refuses to read what was written.
    #[error("cannot read a temporary file at byte {offset} ({source}): check the disk that has TMPDIR")]
    Read {
        /// Offset in the file, in bytes.
        offset: u64,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// What is read is not what was written.
    #[error("a temporary file is damaged at byte {offset} ({problem}): check the disk that has TMPDIR")]
    Damaged {
        /// Offset of the chunk in the file, in bytes.
        offset: u64,
        /// A main clause.
        problem: &'static str,
    },
    /// A series has two values at the same time.
    #[error(
        "{place}: {series} has two values at {} ({first} and {second}): use dumps of one Prometheus server only",
        format_instant(*.at_ms)
    )]
    TwoValues {
        /// File and line of the second value; if it is far from its place in time, the lines where it can be.
        place: String,
        /// The series in PromQL notation.
        series: String,
        /// Time of both samples, in milliseconds since 1970.
        at_ms: i64,
        /// The value that was read first.
        first: f64,
        /// The value that was read later.
        second: f64,
    },
    /// Two dumps have the same series, scraped by different servers.
    #[error(
        "{one} and {other} have different samples of {series}: they are of two servers or replicas, so read only one of them"
    )]
    TwoSources {
        /// The dump that was read first.
        one: String,
        /// The other dump.
        other: String,
        /// The series in PromQL notation.
        series: String,
    },
    /// The number of series has more than 32 bits.
    #[error("more than 4,294,967,295 series are wanted: ask for fewer metrics")]
    TooManySeries,
}
