//! Readings on disk, from which every score can be recomputed.
//!
//! A pull writes a [`Window`](crate::readings::Window) to `history/date=2026-10-01/readings.parquet`, one file per UTC
//! day; scoring and findings read it back. A file has one row per member and step with at least one reading, sorted by
//! cluster, member and time. The footer describes the source and the requested range. Scores are never stored here.
//!
//! Columns and footer keys are read by name and may be added, so that histories of all earlier versions stay readable.

mod columns;
mod day_file;
mod day_meta;
mod embedded;
mod end;
mod footer;
#[cfg(test)]
mod growth_tests;
mod layout;
mod read_day;

pub use columns::{LabelColumns, MEMBER_COLUMNS, int_column, writer_properties};
pub use day_file::write_day;
pub(crate) use day_file::{Footnotes, write_day_with};
pub use day_meta::{DayMeta, read_meta};
pub(crate) use embedded::EmbeddedDay;
pub(crate) use end::{USUAL_FOOTER, footer_size};
pub(crate) use layout::REPLACEMENT_FOLDER;
pub use layout::{DayMetas, HISTORY_FOLDER, History, READINGS_FILE};
pub(crate) use read_day::members_in;
pub use read_day::{read_day, read_through};

use std::path::PathBuf;

use crate::files::FileError;
use crate::time::UtcDay;

/// Why a history cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A file could not be read, written or renamed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A folder without any day.
    #[error("{} holds no history: give a folder that 'etcd-heatmap pull --out' wrote", .0.display())]
    Empty(PathBuf),
    /// A file that is not a day of readings, or is damaged.
    #[error("{} is not a readable day of history ({reason}): pull that day again", .path.display())]
    NotReadings {
        /// The path of the unreadable file.
        path: PathBuf,
        /// What is wrong with the file: an error of the Parquet reader, or a check that failed.
        reason: String,
    },
    /// A file in a format that a later version introduced.
    #[error("{} was written by etcd-heatmap {version} in history format {format}, and this version reads formats up to {readable}: update etcd-heatmap", .path.display())]
    LaterFormat {
        /// The path of the newer file.
        path: PathBuf,
        /// The etcd-heatmap version that wrote the file.
        version: String,
        /// The format of the file.
        format: u32,
        /// The latest format that this version reads.
        readable: u32,
    },
    /// A folder with days of different sources or settings.
    #[error("{} was pulled differently ({difference}): choose another --out, or replace the history with --overwrite", .path.display())]
    OtherSource {
        /// The first file that differs.
        path: PathBuf,
        /// The setting that differs, with both values.
        difference: String,
    },
    /// A day without a file.
    #[error("the history has no file for {0}: pull that day again")]
    MissingDay(UtcDay),
}

impl HistoryError {
    /// Whether the content of a file could not be fetched. The file itself may be whole.
    pub(crate) const fn is_elsewhere(&self) -> bool {
        matches!(self, Self::File(error) if error.is_elsewhere())
    }
}
