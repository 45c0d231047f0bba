//! The errors that stop an import.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::FileError;
use crate::folder::FolderError;
use crate::text::count;
use crate::time::format_instant;

/// An error of an import. Each message is one sentence and says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("{} has no manifest.json: use a folder written by backfill or score", .0.display())]
    NoManifest(PathBuf),
    /// The manifest cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(
        "{} has no OpenMetrics files to import: write them with 'etcd-heatmap score {} --formats openmetrics,parquet,csv'",
        .0.display(), .0.display()
    )]
    NoOpenMetrics(PathBuf),
    /// A file differs from what the manifest records.
    #[error(
        "{} has changed since it was written (its size or SHA-256 differs from the manifest): rewrite it with 'etcd-heatmap score'",
        .0.display()
    )]
    Changed(PathBuf),
    #[error("the data directory {} is not a folder: use the folder set by Prometheus's --storage.tsdb.path", .0.display())]
    NoDataDir(PathBuf),
    #[error("{} is not a Prometheus data directory (it has other files, but no blocks and no wal): {hint}", .path.display())]
    NotADataDir {
        path: PathBuf,
        /// The remedy: which folder to use instead.
        hint: String,
    },
    /// Another import holds the lock.
    #[error("another import into {} is running: wait for it to finish", .0.display())]
    Busy(PathBuf),
    #[error("cannot write to the data directory {}, which belongs to {owner} ({source}): run the import as that user", .path.display())]
    Unwritable { path: PathBuf, owner: String, source: io::Error },
    #[error("no writable folder for building blocks ({}: {source}): set --staging to a writable folder", .path.display())]
    NoStaging {
        /// The last of the folders that were tried.
        path: PathBuf,
        source: io::Error,
    },
    /// An I/O error on a file or folder.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// A verb that completes "cannot … PATH".
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The worker threads could not be started.
    #[error("the program cannot start its threads: {0}; set a smaller --jobs")]
    Threads(String),
    #[error("promtool is not on the PATH: install Prometheus's tools, or use --promtool FILE")]
    NoPromtool,
    #[error("cannot run {}: {source}; set --promtool to Prometheus's promtool", .path.display())]
    CannotRun { path: PathBuf, source: io::Error },
    #[error("{} is not promtool (its --version prints '{said}'): set --promtool to Prometheus's promtool", .path.display())]
    NotPromtool {
        path: PathBuf,
        /// The program's output for `--version`, shortened for the message.
        said: String,
    },
    /// This promtool is too old: it lacks the option `--max-block-duration` for OpenMetrics files.
    #[error("{} is version {version}, but the import needs at least {least}: set --promtool to a newer one", .path.display())]
    OldPromtool {
        path: PathBuf,
        version: String,
        /// The oldest promtool version that has `--max-block-duration`.
        least: String,
    },
    /// promtool failed on a file.
    #[error("promtool cannot import {}: {said}; the data directory was not changed", .file.display())]
    Promtool { file: PathBuf, said: String },
    /// promtool could not read the existing blocks.
    #[error("promtool cannot read the existing blocks in the time range of {}: {said}; nothing was imported: check the blocks in the data directory", .file.display())]
    Dump {
        /// The file to be imported.
        file: PathBuf,
        said: String,
    },
    /// promtool made more or fewer than one block from a file.
    #[error(
        "promtool made {found} blocks instead of one from {}; the data directory was not changed: rewrite the file with 'etcd-heatmap score'",
        .file.display()
    )]
    Blocks { file: PathBuf, found: usize },
    /// A block differs from the file it was made from.
    #[error(
        "promtool's block differs from {}: {differs}; the data directory was not changed: check the file with 'etcd-heatmap lint'",
        .file.display()
    )]
    Differs {
        file: PathBuf,
        /// The first difference found, as a clause of the message.
        differs: String,
    },
    /// The server has a different value for a sample.
    #[error(
        "the server already has the value {held} for {series} at {}, but {} has {ours}; the file was not imported: delete that series on the server first (admin API: delete_series, then clean_tombstones in Prometheus), or score with another --label",
        format_instant(*.at_ms), .file.display()
    )]
    Conflict {
        /// The file to be imported.
        file: PathBuf,
        /// The series in the server's notation.
        series: String,
        at_ms: i64,
        /// The value that the server stores.
        held: String,
        /// The value in the OpenMetrics file.
        ours: String,
    },
    /// The server accepted samples but does not return them.
    #[error(
        "the server lacks {left} of {} from {} after the import: check that the -retentionPeriod of VictoriaMetrics covers their times",
        count(*.of, "sample"), .file.display()
    )]
    NotTaken {
        file: PathBuf,
        left: u64,
        /// Number of samples in the batch, including those that the server already had.
        of: u64,
    },
    /// The time range of some files may still be in the head.
    #[error(
        "{left} not imported, because samples from {} on may still be in the server's head: {names}; import again after {}",
        format_instant(*.head_ms), format_instant(*.again_ms)
    )]
    InHead {
        /// Count and verb, such as `1 file was`.
        left: String,
        names: String,
        /// Earliest instant that may be in the head, in milliseconds.
        head_ms: i64,
        /// Instant from which the files can be imported, in milliseconds.
        again_ms: i64,
    },
    /// The user interrupted the import.
    #[error("stopped")]
    Stopped,
}

impl ImportError {
    pub(super) fn io<'p>(action: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> Self + use<'p> {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
