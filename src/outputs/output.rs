//! What an output is: its name, its files, what it is made from, and how it is written.

use std::path::Path;
use std::sync::Arc;

use polars::prelude::DataFrame;

use super::{Emission, OutputError};
use crate::analysis::findings::Findings;
use crate::folder::{Manifest, ManifestOpenMetrics, Owned, Written};
use crate::heatmap::{Line, Marks};
use crate::score::{DayScores, ScoreTable};
use crate::time::{TimeRange, UtcDay};

/// One output of the scores, one value of `--formats`.
pub(crate) trait Output: Sync {
    /// Its name in `--formats`.
    fn name(&self) -> &'static str;

    /// What it is, in a few words, for the list of formats in the help.
    fn about(&self) -> &'static str;

    /// Its files in an output folder. A run replaces them, and lists them in its manifest and at its end.
    fn files(&self) -> &'static [OwnedFiles];

    /// What it is made from beside the scores.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Writes a file of one day alone; `None` if there is none. Called for several days at once, in no order.
    fn write_day(&self, _run: &Scoring<'_>, _day: UtcDay, _scores: &DayScores) -> Result<Option<Written>, OutputError> {
        Ok(None)
    }

    /// Opens the files that span days and are written while days are scored; `None` if there are none.
    fn open<'a>(&self, _run: &'a Scoring<'a>) -> Result<Option<Box<dyn DayWriter + 'a>>, OutputError> {
        Ok(None)
    }

    /// Writes the file that is made of all cells or findings together; `None` if there is none.
    fn write(&self, _scored: &Scored<'_>) -> Result<Option<Written>, OutputError> {
        Ok(None)
    }
}

/// Files of one kind, and what the listing at the end counts in them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnedFiles {
    /// Where they lie and what they are called.
    pub(crate) owned: Owned,
    /// What one of their rows is, in the plural, such as `cells`.
    pub(crate) rows: &'static str,
}

/// What an output is made from beside the scores.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    /// All cells together, read back from `heatmap.parquet`.
    pub(crate) cells: bool,
    /// Findings.
    pub(crate) findings: bool,
    /// The retention of the server that will import the files.
    pub(crate) retention: bool,
}

impl Needs {
    /// What both need together.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            cells: self.cells || other.cells,
            findings: self.findings || other.findings,
            retention: self.retention || other.retention,
        }
    }
}

/// A scoring run, as far as outputs are concerned.
pub(crate) struct Scoring<'a> {
    pub(crate) out: &'a Path,
    /// How readings become points and scores.
    pub(crate) table: &'a ScoreTable,
    /// The range that is scored.
    pub(crate) range: TimeRange,
    /// What is written for promtool.
    pub(crate) emission: &'a Emission,
    /// Key-value pairs for the footers of Parquet files of scores.
    pub(crate) score_footer: &'a [(&'static str, String)],
    /// The same for files of cells.
    pub(crate) cell_footer: &'a [(&'static str, String)],
    /// Which marks the cells carry.
    pub(crate) marks: Marks,
}

/// A scored folder: what is made of all of it at once.
pub(crate) struct Scored<'a> {
    pub(crate) out: &'a Path,
    /// Its manifest so far.
    pub(crate) manifest: &'a Manifest,
    /// Each cluster, then its members; empty unless the output needs cells.
    pub(crate) lines: &'a [Line],
    /// Empty unless the output needs them.
    pub(crate) findings: &'a Findings,
}

/// Writes files that span days while days are scored.
pub(crate) trait DayWriter: Send {
    /// Takes in the scores of the next day, in order.
    fn add_scores(&mut self, _day: UtcDay, _scores: &Arc<DayScores>) {}

    /// Writes what the days until now complete. Called when a batch of days has been added.
    fn write_complete(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    /// Appends finished cells, in order.
    fn add_cells(&mut self, _cells: &DataFrame) -> Result<(), OutputError> {
        Ok(())
    }

    /// Ends a run that a signal has stopped: what is incomplete goes, and what is complete is listed.
    fn stop(self: Box<Self>) -> Finished {
        Finished::default()
    }

    /// Puts the files in their places.
    fn finish(self: Box<Self>) -> Result<Finished, OutputError> {
        Ok(Finished::default())
    }
}

/// What a [`DayWriter`] leaves behind, beside the files of single days.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    /// Its files.
    pub(crate) files: Vec<Written>,
    /// What the manifest lists of the files for promtool.
    pub(crate) openmetrics: Option<ManifestOpenMetrics>,
}

impl Finished {
    /// What two writers leave behind together.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        Self { files: self.files, openmetrics: self.openmetrics.or(other.openmetrics) }
    }
}

impl From<Written> for Finished {
    fn from(file: Written) -> Self {
        Self { files: vec![file], openmetrics: None }
    }
}
