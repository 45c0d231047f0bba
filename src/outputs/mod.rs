//! Everything that is written or printed from scores: the files of an output folder, and
//! the texts that commands print.
//!
//! Each file format of an output folder implements `Output` and has a line in `OUTPUTS`. Scored days,
//! finished cells and findings come in; files and strings go out. Scores and findings are computed elsewhere,
//! and printing belongs to `commands`.

mod annotations_csv;
mod comparison;
mod csv;
mod diff_csv;
mod diff_text;
mod explanation;
mod findings_csv;
mod findings_text;
mod forecast;
mod list;
mod markdown;
mod openmetrics;
mod output;
mod parquet;
mod picture;
mod problems_csv;
mod problems_text;
mod report;
mod rules;
mod shared;
mod sql;
mod terminal;
mod textfile;
mod wide_csv;
mod xlsx;

pub(crate) use annotations_csv::{ANNOTATIONS_FILE, write_annotations};
pub(crate) use comparison::{COMPARISON, comparison_text};
pub(crate) use csv::CellsCsv;
pub(crate) use diff_csv::{DIFF, diff_csv};
pub(crate) use diff_text::{Compared, diff_text};
pub(crate) use explanation::{explain_text, moment_text};
pub(crate) use findings_csv::findings_csv;
pub(crate) use findings_text::findings_text;
#[cfg(test)]
pub(crate) use forecast::ForecastError;
pub(crate) use forecast::{
    FORECAST_FILES, ForecastListing, forecast_text, read_forecast, write_forecast, write_forecast_textfile,
};
pub(crate) use list::{files, named, names, owned, replaced};
pub use openmetrics::{Emission, ExtraLabels, Family, Retention, write_window};
pub(crate) use output::{DayWriter, Finished, Needs, Output, OwnedFiles, Scored, Scoring};
pub(crate) use parquet::CellsParquet;
pub(crate) use picture::{draw_png, draw_svg};
pub(crate) use problems_text::{Listing, problems_text};
pub(crate) use rules::{RulesError, alerting_rules, recording_rules};
pub(crate) use sql::{Dialect, score_sql};
pub(crate) use terminal::{Palette, Picture, Screen};
pub(crate) use textfile::{Live, LiveScores, WriterHealth, last_success};

use crate::files::FileError;
use crate::folder::FolderError;

/// All outputs, in the order of the default of `--formats`.
pub(crate) static OUTPUTS: [&dyn Output; 10] = [
    &parquet::Parquet,
    &csv::Csv,
    &openmetrics::OpenMetrics,
    &problems_csv::ProblemsCsv,
    &findings_csv::FindingsCsv,
    &report::Report,
    &markdown::Markdown,
    &xlsx::Xlsx,
    &picture::Svg,
    &picture::Png,
];

/// Errors while an output is written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A file of the output could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Reading the output folder failed.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The PNG renderer failed; holds the reason.
    #[error("cannot draw the PNG ({0}): use the SVG instead")]
    Png(String),
    /// An operation on the columns of cells failed.
    #[error("cannot compute the heat map: {0}; please report this bug")]
    Columns(#[from] polars::error::PolarsError),
    /// The library that writes the workbook failed.
    #[error("cannot write heatmap.xlsx ({0}): leave xlsx out of --formats")]
    Workbook(Box<rust_xlsxwriter::XlsxError>),
}

impl From<rust_xlsxwriter::XlsxError> for OutputError {
    fn from(error: rust_xlsxwriter::XlsxError) -> Self {
        Self::Workbook(Box::new(error))
    }
}
