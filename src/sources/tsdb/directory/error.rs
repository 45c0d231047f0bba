//! Errors of data directories.

use std::path::{Path, PathBuf};

use crate::sources::raw::Label;
use crate::sources::tsdb::block::{BlockError, Conflict, in_promql};
use crate::sources::tsdb::bucket::BucketError;
use crate::sources::tsdb::head::HeadError;
use crate::time::format_instant;

/// Why a data directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirectoryError {
    #[error(transparent)]
    Block(#[from] BlockError),
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Blocks, or blocks and head, contradict each other.
    #[error(
        "{}: {series} has {count} different values at equal times (the first at {}: {kept} and {dropped}): leave out one of the blocks, or query the server",
        .dir.display(), format_instant(*.at_ms)
    )]
    TwoValues {
        dir: PathBuf,
        /// The series in PromQL notation.
        series: String,
        /// How often two values have the same time.
        count: u64,
        at_ms: i64,
        kept: f64,
        dropped: f64,
    },
    /// Blocks of two replicas of one Prometheus, which scraped the same targets.
    #[error(
        "{} and {} are blocks of replicas: choose one with --replica {label}={} or --replica {label}={}",
        .one.display(), .other.display(), .values[0], .values[1]
    )]
    Replicas {
        one: PathBuf,
        other: PathBuf,
        /// The external label in which they differ.
        label: String,
        /// Its value in each.
        values: [String; 2],
    },
    /// One of two overlapping blocks may be of a replica.
    #[error(
        "{} and {} overlap, but only one of them has the external label {label}: move one of them to another folder, and read each on its own",
        .one.display(), .other.display()
    )]
    HalfReplicas { one: PathBuf, other: PathBuf, label: String },
    #[error("no block in {} has the external label {label}: leave out --replica, or name another label", .dir.display())]
    NoSuchLabel { dir: PathBuf, label: String },
    #[error("no block in {} has the external label {label}={value}: choose one of {values}", .dir.display())]
    NoSuchReplica {
        dir: PathBuf,
        label: String,
        value: String,
        /// Values that blocks have.
        values: String,
    },
}

impl DirectoryError {
    pub(super) fn two_values(dir: &Path, labels: &[Label], count: u64, conflict: Conflict) -> Self {
        let series = in_promql(labels);
        let Conflict { at_ms, kept, dropped } = conflict;
        Self::TwoValues { dir: dir.to_owned(), series, count, at_ms, kept, dropped }
    }
}
