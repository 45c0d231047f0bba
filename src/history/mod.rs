//! Readings on disk: the evidence from which every score can be recomputed.
//!
//! `history/date=2026-10-01/readings.parquet`, one file a UTC day, one row a member and step at
//! which at least one reading is known, sorted by cluster, member and time; never a score.
//!
//! Columns and keys of the footer go by name and may be added: a history of version 0.1.0 stays readable.

mod columns;
mod day_file;
mod day_meta;
mod embedded;
mod footer;
#[cfg(test)]
mod growth_tests;
mod layout;
mod read_day;

pub use columns::{LabelColumns, MEMBER_COLUMNS, int_column, writer_properties};
pub use day_file::write_day;
pub use day_meta::{DayMeta, read_meta};
pub(crate) use embedded::EmbeddedDay;
pub(crate) use layout::REPLACEMENT_FOLDER;
pub use layout::{DayMetas, HISTORY_FOLDER, History, READINGS_FILE};
pub use read_day::{read_day, read_through};

use std::path::PathBuf;

use crate::files::FileError;
use crate::time::UtcDay;

/// What can be wrong with a history on disk.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A file could not be read, written or renamed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder holds no day at all.
    #[error("{} holds no history: give the folder that 'etcd-heatmap pull --out' wrote", .0.display())]
    Empty(PathBuf),
    /// A Parquet file of somebody else's, or one that broke.
    #[error("{} is not a day of readings that etcd-heatmap can read ({reason}): pull that day again", .path.display())]
    NotReadings {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        reason: String,
    },
    /// A file in a format that a later version introduced.
    #[error("{} was written by etcd-heatmap {version} in history format {format}, and this version reads formats up to {readable}: update etcd-heatmap", .path.display())]
    LaterFormat {
        /// The file.
        path: PathBuf,
        /// The version of the program that wrote it.
        version: String,
        /// The format of the file.
        format: u32,
        /// The latest format that this version reads.
        readable: u32,
    },
    /// Days that were pulled from elsewhere or in another way stand in one folder.
    #[error("{} was pulled differently ({difference}): choose another --out, or replace what it holds with --overwrite", .path.display())]
    OtherSource {
        /// The first file that differs.
        path: PathBuf,
        /// The setting that differs, with both values.
        difference: String,
    },
    /// A day that should be there is not.
    #[error("the history has no file for {0}")]
    MissingDay(UtcDay),
}
