//! Why an import did not do all that it was asked to.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::FileError;
use crate::folder::FolderError;
use crate::time::format_instant;

/// One sentence each, with what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// Not an output folder.
    #[error("{} has no manifest.json: give the folder that backfill or score wrote to", .0.display())]
    NoManifest(PathBuf),
    /// A manifest that cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// An output folder without them.
    #[error(
        "{} has no OpenMetrics files to import: write them with 'etcd-heatmap score {} --formats openmetrics,parquet,csv'",
        .0.display(), .0.display()
    )]
    NoOpenMetrics(PathBuf),
    /// A file is not as it was written.
    #[error(
        "{} is not as it was written (the manifest has another size or SHA-256): write it again with 'etcd-heatmap score'",
        .0.display()
    )]
    Changed(PathBuf),
    /// There is no such folder.
    #[error("the data directory {} is no folder: give the one that Prometheus was given with --storage.tsdb.path", .0.display())]
    NoDataDir(PathBuf),
    /// Something else lies there.
    #[error("{} is no data directory of a Prometheus (it has neither blocks nor a wal) and not empty: {hint}", .path.display())]
    NotADataDir {
        /// What was given.
        path: PathBuf,
        /// What should be.
        hint: String,
    },
    /// Two imports.
    #[error("another import into {} is running: wait until it ends", .0.display())]
    Busy(PathBuf),
    /// Not ours to write to.
    #[error("cannot write to the data directory {}, which belongs to {owner} ({source}): run the import as that user", .path.display())]
    Unwritable {
        /// The data directory.
        path: PathBuf,
        /// Whose it is.
        owner: String,
        /// What the system said.
        source: io::Error,
    },
    /// No place for what promtool writes.
    #[error("there is no place to make blocks in ({}: {source}): give --staging a folder that can be written to", .path.display())]
    NoStaging {
        /// What was tried last.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something with a file or a folder.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// Completes "cannot … PATH".
        action: &'static str,
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the output folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// Threads for the import.
    #[error("the program cannot start its threads: {0}")]
    Threads(String),
    /// There is none.
    #[error("there is no promtool on the PATH: install Prometheus's tools, or give --promtool FILE")]
    NoPromtool,
    /// It does not run.
    #[error("cannot run {}: {source}; give --promtool the promtool of Prometheus", .path.display())]
    CannotRun {
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another program.
    #[error("{} is no promtool, it says '{said}' when it is asked for its version: give --promtool another", .path.display())]
    NotPromtool {
        path: PathBuf,
        /// In short.
        said: String,
    },
    /// It cannot make blocks that are long enough.
    #[error("{} is of version {version}, and blocks need at least {least}: give --promtool a newer one", .path.display())]
    OldPromtool {
        path: PathBuf,
        /// Its version.
        version: String,
        /// What is needed.
        least: String,
    },
    /// It failed.
    #[error("promtool cannot import {}: {said}; nothing was put into the data directory", .file.display())]
    Promtool {
        /// What it was given.
        file: PathBuf,
        said: String,
    },
    /// It could not read the data directory.
    #[error("promtool cannot read what the data directory has at the time of {}: {said}; nothing was imported", .file.display())]
    Dump {
        /// What would have been imported.
        file: PathBuf,
        said: String,
    },
    /// The file is not one block.
    #[error(
        "promtool made {found} blocks of {} and not one: nothing was put into the data directory; write the file again with 'etcd-heatmap score'",
        .file.display()
    )]
    Blocks {
        /// What it was given.
        file: PathBuf,
        found: usize,
    },
    /// The block is not what was written.
    #[error(
        "the block that promtool made of {} is not what was written: {differs}; nothing was put into the data directory",
        .file.display()
    )]
    Differs {
        /// What it was given.
        file: PathBuf,
        /// How.
        differs: String,
    },
    /// The server has another value.
    #[error(
        "the server already has {held} for {series} at {}, and {} says {ours}: this file was not imported; delete that series there first (its admin API: delete_series, and clean_tombstones in Prometheus), or score with another --label",
        format_instant(*.at_ms), .file.display()
    )]
    Conflict {
        /// What would have been imported.
        file: PathBuf,
        /// The series as the server writes it.
        series: String,
        at_ms: i64,
        /// Its value there.
        held: String,
        /// And here.
        ours: String,
    },
    /// A server that took samples and does not have them.
    #[error(
        "{left} of {of} samples of {} were sent and are not there: does the server keep samples that are so old (-retentionPeriod)?", .file.display()
    )]
    NotTaken {
        file: PathBuf,
        /// How many are not there.
        left: u64,
        /// Of how many that were asked for.
        of: u64,
    },
    /// Too late to be imported yet.
    #[error(
        "{left} not imported, for samples from {} on may still be in the head of the server: {names}; import again after {}",
        format_instant(*.head_ms), format_instant(*.again_ms)
    )]
    InHead {
        /// `1 file was`.
        left: String,
        names: String,
        /// Where the head may begin.
        head_ms: i64,
        /// When it will have moved on.
        again_ms: i64,
    },
    /// Somebody asked for it.
    #[error("stopped")]
    Stopped,
}

impl ImportError {
    pub(super) fn io<'p>(action: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> Self + use<'p> {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
