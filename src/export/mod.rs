//! What people and programs open: one file a format, each of which takes cells or scores and
//! returns what it [`Written`].

mod calendar;
mod comparison;
mod csv;
mod csv_field;
mod day_columns;
mod diff_csv;
mod diff_text;
mod explanation;
mod figures;
mod findings_csv;
mod findings_text;
mod heat;
mod manifest;
mod openmetrics;
mod parquet;
mod picture;
mod read_cells;
mod report;
mod rules;
mod sql;
mod summary;
mod terminal;
mod textfile;
mod thresholds;
mod wide_csv;
mod xlsx;

pub use comparison::{COMPARISON, comparison_text};
pub use csv::CellsCsv;
pub use diff_csv::{DIFF, diff_csv};
pub use diff_text::{Compared, diff_text};
pub use explanation::explain_text;
pub use findings_csv::{FINDINGS, findings_csv, write_findings};
pub use findings_text::findings_text;
pub use manifest::{MANIFEST, Manifest, ManifestMember};
pub use openmetrics::{
    BlockWidth, Emission, ExtraLabels, Family, ManifestBlock, ManifestOpenMetrics, Retention, write_window,
};
pub use parquet::{CELLS, HeatmapParquet, write_scores};
pub use picture::{draw_png, draw_svg, write_png, write_svg};
pub use read_cells::read_cells;
pub use report::{REPORT, write_report};
pub use rules::{RulesError, alerting_rules, recording_rules};
pub use sql::score_sql;
pub(crate) use terminal::printable;
pub use terminal::{Palette, Picture, Screen};
pub use textfile::{Live, LiveScores, WriterHealth, last_success};
pub use wide_csv::write_wide_csv;
pub use xlsx::write_workbook;

use std::path::Path;

use crate::history::{FileError, FileStat};

/// An output that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file in the place of the cells.
    #[error("{} holds no cells ({reason}): score the history, with parquet among --formats", .path.display())]
    NoCells {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A picture that the renderer refuses.
    #[error("the picture cannot be drawn as PNG ({0}): take the SVG")]
    Png(String),
    /// Columns that do not fit together.
    #[error("the heat map cannot be computed: {0}")]
    Columns(#[from] polars::error::PolarsError),
    /// A workbook that cannot be made.
    #[error("heatmap.xlsx cannot be made ({0}): leave it out of --formats")]
    Workbook(Box<rust_xlsxwriter::XlsxError>),
}

impl From<rust_xlsxwriter::XlsxError> for ExportError {
    fn from(error: rust_xlsxwriter::XlsxError) -> Self {
        Self::Workbook(Box::new(error))
    }
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Written {
    /// Relative to the output folder, with `/` between its parts.
    pub path: String,
    /// Rows, samples or cells in it.
    pub rows: u64,
    /// Size and hash.
    #[serde(flatten)]
    pub stat: FileStat,
}

impl Written {
    /// A file below the output folder `out`.
    pub fn new(out: &Path, path: &Path, rows: u64, stat: FileStat) -> Self {
        Self { path: relative(out, path), rows, stat }
    }

    /// A file that was written earlier; reads it for its hash.
    pub fn read(out: &Path, path: &Path, rows: u64) -> Result<Self, FileError> {
        Ok(Self::new(out, path, rows, FileStat::read(path)?))
    }
}

fn relative(out: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(out).unwrap_or(path);
    let parts: Vec<_> = relative.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
