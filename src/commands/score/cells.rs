//! Passes finished cells on: to their files, to the picture in the terminal, and to the gate of `--fail-below`.

use polars::prelude::DataFrame;

use super::scoring::Scoring;
use super::shown::Overall;
use crate::analysis::gate::Gate;
use crate::commands::CommandError;
use crate::folder::CELLS;
use crate::heatmap::{Folding, OpenCells, finish};
use crate::outputs::{CellsParquet, DayWriter, Finished, OutputError};
use crate::score::DayScores;
use crate::time::UtcDay;
use std::sync::Arc;

/// All consumers of finished cells.
pub(super) struct OpenFiles<'a> {
    scoring: &'a Scoring<'a>,
    cells: OpenCells,
    writers: Vec<Box<dyn DayWriter + 'a>>,
    pub(super) picture: Overall,
    pub(super) gate: Option<Gate>,
}

impl<'a> OpenFiles<'a> {
    pub(super) fn open(scoring: &'a Scoring<'a>) -> Result<Self, CommandError> {
        let run = &scoring.run;
        let mut writers: Vec<Box<dyn DayWriter + 'a>> = Vec::new();
        // Some outputs read all cells back from `heatmap.parquet`, so write it for them even if no requested format does.
        if scoring.formats.needs().cells && !scoring.formats.write(CELLS) {
            writers.push(Box::new(CellsParquet::create(run)?));
        }
        for output in scoring.formats.iter() {
            writers.extend(output.open(run)?);
        }
        let picture = Overall::new(run.table, scoring.how);
        Ok(Self { scoring, cells: OpenCells::default(), writers, picture, gate: scoring.how.gate() })
    }

    /// Adds the scores of the next UTC day.
    pub(super) fn add_scores(&mut self, day: UtcDay, scores: &Arc<DayScores>) {
        self.writers.iter_mut().for_each(|writer| writer.add_scores(day, scores));
    }

    /// Adds the sums of the next UTC days. Passes on the cells of a local day once the next local day has
    /// begun, because later UTC days add nothing to them. Takes several days at once, because each call wakes the threads
    /// of polars several times.
    pub(super) fn add_sums(&mut self, sums: DataFrame, days: &[UtcDay], is_end: bool) -> Result<(), CommandError> {
        let Folding { zone, width, .. } = self.scoring.how.folding;
        let cell_after = |day: &UtcDay| zone.cell_at(day.range().end_ms, width);
        let today = days.last().filter(|_| !is_end).map(|last| cell_after(last).date);
        let repeats = days.len() > 1 && days.iter().any(|day| cell_after(day).start_ms != day.range().end_ms);
        let finished = self.cells.add(sums, today, repeats).map_err(OutputError::from)?;
        let run = &self.scoring.run;
        let cells =
            finish(run.table, &finished, self.scoring.how.min_coverage, run.marks).map_err(OutputError::from)?;
        if let Some(gate) = &mut self.gate {
            gate.add_cells(&cells).map_err(OutputError::from)?;
        }
        for writer in &mut self.writers {
            writer.add_cells(&cells)?;
        }
        Ok(self.picture.add(&finished).map_err(OutputError::from)?)
    }

    /// Writes the files that are complete by now, such as an OpenMetrics file whose days are all scored.
    pub(super) fn write_complete(&mut self) -> Result<(), CommandError> {
        self.writers.iter_mut().try_for_each(|writer| writer.write_complete()).map_err(CommandError::from)
    }

    /// Drops the incomplete files after a signal, and returns the complete ones.
    pub(super) fn stop(self) -> Finished {
        self.writers.into_iter().map(DayWriter::stop).fold(Finished::default(), Finished::and)
    }

    pub(super) fn finish(self) -> Result<(Finished, Overall), CommandError> {
        let mut all = Finished::default();
        for writer in self.writers {
            all = all.and(writer.finish()?);
        }
        Ok((all, self.picture))
    }
}
