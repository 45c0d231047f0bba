//! The trait of an output: its name, its files, the data that it needs, and the three ways to write files.

use std::path::Path;
use std::sync::Arc;

use polars::prelude::DataFrame;

use super::{Emission, OutputError};
use crate::analysis::annotations::Annotations;
use crate::analysis::cell_readings::ReadingCells;
use crate::analysis::findings::Findings;
use crate::analysis::forecast::result::Forecast;
use crate::folder::{Manifest, ManifestOpenMetrics, Owned, Written};
use crate::heatmap::{Marks, PackedLine};
use crate::score::{DayScores, ScoreTable};
use crate::text::palette::Scale;
use crate::time::{TimeRange, UtcDay};

/// One output of the scores, selected by a value of `--formats`.
pub(crate) trait Output: Sync {
    /// The value of `--formats` that selects this output.
    fn name(&self) -> &'static str;

    /// Description in a few words, for the list of formats in the help.
    fn about(&self) -> &'static str;

    /// The output's files in an output folder. A run replaces them and lists them in the manifest and in its summary.
    fn files(&self) -> &'static [OwnedFiles];

    /// The data that the output needs besides the scores.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Writes the file of a single day; `None` if there is no such file. Called for several days
    /// in parallel, in any order.
    fn write_day(&self, _run: &Scoring<'_>, _day: UtcDay, _scores: &DayScores) -> Result<Option<Written>, OutputError> {
        Ok(None)
    }

    /// Opens files that span several days and grow during scoring; `None` if the output has no such files.
    fn open<'a>(&self, _run: &'a Scoring<'a>) -> Result<Option<Box<dyn DayWriter + 'a>>, OutputError> {
        Ok(None)
    }

    /// Writes the file made from all cells or findings at once; `None` if the output has no such file.
    fn write(&self, _scored: &Scored<'_>) -> Result<Option<Written>, OutputError> {
        Ok(None)
    }

    /// Writes all files made from all cells or findings at once, for an output with more than one.
    fn write_all(&self, scored: &Scored<'_>) -> Result<Vec<Written>, OutputError> {
        Ok(self.write(scored)?.into_iter().collect())
    }
}

/// Files of one kind, and what their rows are called in the summary of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnedFiles {
    /// Folder and names of the files.
    pub(crate) owned: Owned,
    /// Noun for one row of these files, such as `cell`.
    pub(crate) row: &'static str,
}

/// The data that an output needs besides the scores. A run provides only the data that at least one output needs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    /// All cells, read back from `heatmap.parquet`.
    pub(crate) cells: bool,
    pub(crate) findings: bool,
    /// Median and maximum of the readings of each cell.
    pub(crate) readings: bool,
    /// The retention of the Prometheus that will import the files.
    pub(crate) retention: bool,
}

impl Needs {
    /// The data that `self` or `other` needs.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            cells: self.cells || other.cells,
            findings: self.findings || other.findings,
            readings: self.readings || other.readings,
            retention: self.retention || other.retention,
        }
    }
}

/// The parameters of a scoring run that outputs need.
pub(crate) struct Scoring<'a> {
    pub(crate) out: &'a Path,
    /// Maps each score code to its points and score.
    pub(crate) table: &'a ScoreTable,
    /// The range of time that is scored.
    pub(crate) range: TimeRange,
    /// Settings of the OpenMetrics files.
    pub(crate) emission: &'a Emission,
    /// Key-value pairs for the footers of the Parquet files of scores.
    pub(crate) score_footer: &'a [(&'static str, String)],
    /// Key-value pairs for the footer of `heatmap.parquet`.
    pub(crate) cell_footer: &'a [(&'static str, String)],
    /// Whether the history has process start times, and whether it has partial responses.
    pub(crate) marks: Marks,
}

/// A completely scored folder, the input of [`Output::write`].
pub(crate) struct Scored<'a> {
    pub(crate) out: &'a Path,
    /// The manifest, which lists the files written so far.
    pub(crate) manifest: &'a Manifest,
    /// Each cluster, followed by its members; empty unless an output needs cells. Packed: unpack one after the other.
    pub(crate) lines: &'a [PackedLine],
    /// The findings; empty unless an output needs them.
    pub(crate) findings: &'a Findings,
    /// What people noted; empty without annotations.
    pub(crate) annotations: &'a Annotations,
    /// The readings of each cell; without any cluster unless an output needs them.
    pub(crate) readings: &'a ReadingCells,
    /// The forecast of the folder; `None` without one.
    pub(crate) forecast: Option<&'a Forecast>,
    /// The colors of scores in pictures.
    pub(crate) scale: Scale,
}

/// Writes files that span several days, day by day during scoring.
pub(crate) trait DayWriter: Send {
    /// Adds the scores of the next day; days come in order of time.
    fn add_scores(&mut self, _day: UtcDay, _scores: &Arc<DayScores>) {}

    /// Writes the files whose data is complete. Called after each batch of days.
    fn write_complete(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    /// Appends finished cells; frames come in order of time.
    fn add_cells(&mut self, _cells: &DataFrame) -> Result<(), OutputError> {
        Ok(())
    }

    /// Stops after a signal: drops incomplete files and returns the complete ones.
    fn stop(self: Box<Self>) -> Finished {
        Finished::default()
    }

    /// Completes the remaining files and gives them their final names.
    fn finish(self: Box<Self>) -> Result<Finished, OutputError> {
        Ok(Finished::default())
    }
}

/// The files that a [`DayWriter`] wrote, for the manifest.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    pub(crate) files: Vec<Written>,
    /// The manifest's section about OpenMetrics files; `None` for other outputs.
    pub(crate) openmetrics: Option<ManifestOpenMetrics>,
}

impl Finished {
    /// Combines the results of two writers.
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
