//! `heatmap.csv`: one row per cell, for spreadsheets. Labels are escaped so that none runs as a formula.

use std::path::{Path, PathBuf};

use polars::prelude::{DataFrame, IntoColumn, NamedFrom, PolarsResult, Series};
use polars_io::SerWriter;
use polars_io::csv::write::CsvWriter;

use super::OutputError;
use super::output::{DayWriter, Finished, Needs, Output, OwnedFiles, Scored, Scoring};
use super::wide_csv::{WIDE_CSV, write_wide_csv};
use crate::files::{FileError, WholeFile};
use crate::folder::{Owned, Written};
use crate::text::csv::csv_label;

const CELLS_CSV: &str = "heatmap.csv";

/// The output `csv`: `heatmap.csv` and `heatmap_wide.csv`.
pub(crate) struct Csv;

impl Output for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn about(&self) -> &'static str {
        "heatmap.csv (one row per cell), heatmap_wide.csv (one per day)"
    }

    fn files(&self) -> &'static [OwnedFiles] {
        &[
            OwnedFiles { owned: Owned::Single(CELLS_CSV), row: "cell" },
            OwnedFiles { owned: Owned::Single(WIDE_CSV), row: "row" },
        ]
    }

    fn needs(&self) -> Needs {
        Needs { cells: true, ..Needs::default() }
    }

    fn open<'a>(&self, run: &'a Scoring<'a>) -> Result<Option<Box<dyn DayWriter + 'a>>, OutputError> {
        Ok(Some(Box::new(CellsCsv::create(run.out, CELLS_CSV)?)))
    }

    fn write(&self, scored: &Scored<'_>) -> Result<Option<Written>, OutputError> {
        write_wide_csv(scored.out, scored.manifest, scored.lines).map(Some)
    }
}

impl DayWriter for CellsCsv {
    fn add_cells(&mut self, cells: &DataFrame) -> Result<(), OutputError> {
        self.append(&mut cells.clone())
    }

    fn finish(self: Box<Self>) -> Result<Finished, OutputError> {
        Self::finish(*self).map(Finished::from)
    }
}

/// A CSV file of cells that grows as days are finished.
#[derive(Debug)]
pub(crate) struct CellsCsv {
    out: PathBuf,
    file: WholeFile,
    rows: u64,
    has_header: bool,
}

impl CellsCsv {
    /// Creates a file of this name in the output folder.
    pub(crate) fn create(out: &Path, name: &str) -> Result<Self, OutputError> {
        Ok(Self { out: out.to_owned(), file: WholeFile::create(&out.join(name))?, rows: 0, has_header: false })
    }

    /// Appends finished cells. The first frame writes the header, even if it is empty.
    pub(crate) fn append(&mut self, cells: &mut DataFrame) -> Result<(), OutputError> {
        tame_labels(cells)?;
        CsvWriter::new(&mut self.file)
            .include_header(!self.has_header)
            .with_datetime_format(Some("%Y-%m-%dT%H:%M:%SZ".into()))
            .finish(cells)
            .map_err(|e| match e {
                polars::error::PolarsError::IO { error, .. } => {
                    let cause = std::io::Error::new(error.kind(), error.to_string());
                    OutputError::File(FileError::new("write", self.file.path(), cause))
                }
                other => other.into(),
            })?;
        self.has_header = true;
        self.rows += cells.height() as u64;
        Ok(())
    }

    /// Completes the file and gives it its final name.
    pub(crate) fn finish(self) -> Result<Written, OutputError> {
        let path = self.file.path().to_owned();
        Ok(Written::new(&self.out, &path, self.rows, self.file.commit()?))
    }
}

/// Escapes names of clusters and members that a spreadsheet would run as a formula,
/// because labels are untrusted input.
fn tame_labels(cells: &mut DataFrame) -> PolarsResult<()> {
    for name in ["cluster", "member"] {
        let Ok(column) = cells.column(name) else { continue };
        let labels = column.str()?;
        if labels.iter().flatten().any(|label| csv_label(label) != label) {
            let harmless: Vec<Option<String>> = labels.iter().map(|l| l.map(|l| csv_label(l).into_owned())).collect();
            cells.with_column(Series::new(name.into(), harmless).into_column())?;
        }
    }
    Ok(())
}
