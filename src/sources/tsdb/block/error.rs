//! Errors of reading a block. Each is one sentence that names the file and says what to do.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use crate::text::count;
use crate::time::format_instant;

/// A byte of a file, as error messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as its path was given.
    pub file: PathBuf,
    /// Bytes from the start of the file.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at byte {}", self.file.display(), self.offset)
    }
}

/// What to do where the operating system does not read a file.
pub(in crate::sources::tsdb) fn remedy(error: &io::Error) -> &'static str {
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::NotFound, _) => "copy the folder again, because it should exist",
        (ErrorKind::PermissionDenied, _) => "run as a user who may read it",
        // EMFILE, the same number on Linux, macOS and the BSDs.
        (_, Some(24)) if cfg!(unix) => "allow more open files with ulimit -n",
        _ => "check the disk",
    }
}

/// Why a block cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The operating system refuses to open or read a file or folder.
    #[error("cannot read {} ({source}): {}", .file.display(), remedy(.source))]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// A bucket does not give what is read of a block.
    #[error("{0}")]
    Remote(Box<dyn std::error::Error + Send + Sync>),
    /// The file ends before something that other bytes promise.
    #[error(
        "{place}: {what} needs {} from here, but the file has only {}: copy the block again, or leave it out",
        count(*.wanted, "byte"), count(*.size, "byte")
    )]
    Truncated {
        /// Where the bytes should begin.
        place: Place,
        /// Part of the file.
        what: &'static str,
        /// How many bytes should follow.
        wanted: u64,
        /// Size of the file in bytes.
        size: u64,
    },
    /// Stored and computed CRC32C differ.
    #[error(
        "{place}: the checksum of {what} is {stored:08x}, but that of its bytes is {computed:08x}; the file is damaged: copy the block again, or leave it out"
    )]
    Checksum {
        /// Where the checked bytes begin.
        place: Place,
        /// Part of the file.
        what: &'static str,
        /// The checksum in the file.
        stored: u32,
        /// The checksum of the bytes.
        computed: u32,
    },
    /// Bytes that no writer of this format writes.
    #[error("{place}: {problem}; the file is damaged: copy the block again, or leave it out")]
    Malformed {
        /// The first such byte, or the entry that contains it.
        place: Place,
        /// A main clause.
        problem: &'static str,
    },
    /// The file does not begin with the magic number of its kind.
    #[error(
        "{} begins with {found:08x} instead of {expected:08x} of a {kind}: give the folder of a Prometheus block",
        .file.display()
    )]
    Magic {
        /// The file.
        file: PathBuf,
        /// What it should be, such as `index`.
        kind: &'static str,
        /// Its first four bytes.
        found: u32,
        /// The magic number of this kind.
        expected: u32,
    },
    /// The file has a format version that this module does not read.
    #[error(
        "{} has {kind} format {found}, and only format {supported} can be read: query the server of this block instead",
        .file.display()
    )]
    Version {
        /// The file.
        file: PathBuf,
        /// What it is, such as `index`.
        kind: &'static str,
        /// The version in the file.
        found: u64,
        /// The version that can be read.
        supported: u64,
    },
    /// A chunk with something else than plain samples.
    #[error("{place}: a chunk of {series} has encoding {encoding} ({name}), not plain samples: {remedy}")]
    Encoding {
        /// The encoding byte.
        place: Place,
        /// The series in PromQL notation.
        series: String,
        /// The encoding byte.
        encoding: u8,
        /// What Prometheus calls this encoding.
        name: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A running server replaced blocks during each of several attempts to list them.
    #[error("blocks in {} were replaced while they were listed, {attempts} times in a row: try again in a minute", .dir.display())]
    Changing {
        /// The data directory.
        dir: PathBuf,
        /// How often blocks were listed.
        attempts: usize,
    },
    /// `meta.json` is not the JSON object that describes a block.
    #[error("{} does not describe a block ({source}): copy the block again, or leave it out", .file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// The answer of the parser, with line and column.
        source: serde_json::Error,
    },
    /// `meta.json` contradicts itself or its folder.
    #[error("{} {problem}: copy the block again, or leave it out", .file.display())]
    Meta {
        /// The file.
        file: PathBuf,
        /// A predicate, with the file as subject.
        problem: String,
    },
    /// Thanos computed the block from another one with more samples.
    #[error(
        "{} describes a block that Thanos downsampled to one sample every {} s: give the raw block (downsample resolution 0), or query Thanos",
        .file.display(), *.resolution_ms as f64 / 1e3
    )]
    Downsampled {
        /// The file.
        file: PathBuf,
        /// Time between samples, in milliseconds.
        resolution_ms: i64,
    },
    /// The numbers of the segment files have a gap, after which references would lead to the wrong file.
    #[error("{} is missing, but there are later segments: copy the block again, or leave it out", .file.display())]
    MissingSegment {
        /// The first file that is missing.
        file: PathBuf,
    },
    /// `meta.json` and `index` disagree about time: one of them is damaged or belongs to another block.
    #[error(
        "{place}: a chunk of {series} ({} to {}) is outside of meta.json's range ({} to {}): copy the block again, or leave it out",
        format_instant(*.min_ms), format_instant(*.max_ms), format_instant(*.start_ms), format_instant(*.end_ms)
    )]
    OutsideBlock {
        /// The series' entry in the index.
        place: Place,
        /// The series in PromQL notation.
        series: String,
        /// First sample of the chunk, in milliseconds.
        min_ms: i64,
        /// Last sample of the chunk, in milliseconds.
        max_ms: i64,
        /// First millisecond of the block.
        start_ms: i64,
        /// First millisecond after the block.
        end_ms: i64,
    },
    /// Two chunks of a block have different values at the same time.
    #[error(
        "{}: {series} has two values at {} ({first} and {second}): query the server of this block instead",
        .file.display(), format_instant(*.at_ms)
    )]
    TwoValues {
        /// The segment file of the second value.
        file: PathBuf,
        /// The series in PromQL notation.
        series: String,
        /// Time of both samples, in milliseconds.
        at_ms: i64,
        /// Value of the chunk that comes first in the index.
        first: f64,
        /// Value of the chunk that comes later.
        second: f64,
    },
}
