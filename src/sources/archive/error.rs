//! Errors of archives. Each is one sentence that names the archive and says what to do.

use std::io;
use std::path::PathBuf;

use crate::text::count;

/// Why nothing can be read from a path.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The operating system refuses to read a file or folder.
    #[error("cannot read {} ({source}): check that it exists and its permissions", .file.display())]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// An archive ends before its end.
    #[error("{} was cut: it ends after {} (unpacked): copy it again", .file.display(), count(*.read, "byte"))]
    Truncated {
        /// The archive.
        file: PathBuf,
        /// Bytes of the archive after decompression.
        read: u64,
    },
    /// An archive has bytes that no archiver writes.
    #[error(
        "{} is damaged after {} (unpacked; {problem}): copy it again", .file.display(), count(*.read, "byte")
    )]
    Damaged {
        /// The archive.
        file: PathBuf,
        /// Bytes of the archive after decompression.
        read: u64,
        /// What is wrong.
        problem: String,
    },
    /// A file is compressed or packed in a way that is not supported.
    #[error("{} is {format}: {remedy}", .file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What it is, after "is".
        format: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// There is nothing to read.
    #[error(
        "cannot find samples in {}: it has no Prometheus data directory and no dump (*.openmetrics), only {inside}", .path.display()
    )]
    Nothing {
        /// The path.
        path: PathBuf,
        /// Some names in it.
        inside: String,
    },
    /// The folder is a block.
    #[error("{} is a single block: give the folder that contains it", .path.display())]
    SingleBlock {
        /// The folder.
        path: PathBuf,
    },
    /// A file of a data directory is not a plain file in the archive, or there twice.
    #[error("{}: {entry} {problem}", .file.display())]
    Entry {
        /// The archive.
        file: PathBuf,
        /// The path in it.
        entry: String,
        /// A predicate with what to do.
        problem: String,
    },
    /// An archive is not the same as when it was surveyed.
    #[error("{} has changed while it was read ({entry}): wait until nothing writes to it, and try again", .file.display())]
    Changed {
        /// The archive.
        file: PathBuf,
        /// The path in it.
        entry: String,
    },
    /// The file system has too little space.
    #[error(
        "{} needs {} in {}, but only {} are free: set TMPDIR to a folder with more", .file.display(),
        count(*.needed, "byte"), .dir.display(), count(*.free, "byte")
    )]
    NoSpace {
        /// The archive.
        file: PathBuf,
        /// The folder for temporary files.
        dir: PathBuf,
        /// Bytes to unpack.
        needed: u64,
        /// Free bytes of the file system.
        free: u64,
    },
    /// The operating system refuses to write a temporary file.
    #[error("cannot write {} ({source}): set TMPDIR to a folder with free space", .file.display())]
    Write {
        /// The file or folder.
        file: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
}
