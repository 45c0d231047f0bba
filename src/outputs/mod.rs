//! What people and programs open. An output is one file here and one line of `OUTPUTS`.

mod comparison;
mod csv;
mod diff_csv;
mod diff_text;
mod explanation;
mod findings_csv;
mod findings_text;
mod list;
mod openmetrics;
mod output;
mod parquet;
mod picture;
mod report;
mod rules;
mod shared;
mod sql;
mod terminal;
mod textfile;
mod wide_csv;
mod xlsx;

pub(crate) use comparison::{COMPARISON, comparison_text};
pub(crate) use csv::CellsCsv;
pub(crate) use diff_csv::{DIFF, diff_csv};
pub(crate) use diff_text::{Compared, diff_text};
pub(crate) use explanation::explain_text;
pub(crate) use findings_csv::findings_csv;
pub(crate) use findings_text::findings_text;
pub(crate) use list::{files, named, names, owned, replaced};
pub use openmetrics::{Emission, ExtraLabels, Family, Retention, write_window};
pub(crate) use output::{DayWriter, Finished, Needs, Output, OwnedFiles, Scored, Scoring};
pub(crate) use parquet::CellsParquet;
pub(crate) use picture::{draw_png, draw_svg};
pub(crate) use rules::{RulesError, alerting_rules, recording_rules};
pub(crate) use sql::score_sql;
pub(crate) use terminal::{Palette, Picture, Screen};
pub(crate) use textfile::{Live, LiveScores, WriterHealth, last_success};

use crate::files::FileError;
use crate::folder::FolderError;

/// All outputs, in the order of `--formats`' default.
pub(crate) static OUTPUTS: [&dyn Output; 8] = [
    &parquet::Parquet,
    &csv::Csv,
    &openmetrics::OpenMetrics,
    &findings_csv::FindingsCsv,
    &report::Report,
    &xlsx::Xlsx,
    &picture::Svg,
    &picture::Png,
];

/// An output that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The output folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
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

impl From<rust_xlsxwriter::XlsxError> for OutputError {
    fn from(error: rust_xlsxwriter::XlsxError) -> Self {
        Self::Workbook(Box::new(error))
    }
}
