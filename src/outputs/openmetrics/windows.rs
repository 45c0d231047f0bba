//! Writes the OpenMetrics files during scoring: each file as soon as its last day is scored.

use std::collections::VecDeque;
use std::sync::Arc;

use rayon::prelude::*;

use super::write_window;
use crate::folder::{ManifestBlock, Written};
use crate::outputs::OutputError;
use crate::outputs::output::{DayWriter, Finished, Scoring};
use crate::score::DayScores;
use crate::time::{TimeRange, UtcDay};

/// Blocks still to be written, the scored days that they need, and the files written so far.
pub(super) struct OpenWindows<'a> {
    run: &'a Scoring<'a>,
    windows: VecDeque<TimeRange>,
    days: VecDeque<(UtcDay, Arc<DayScores>)>,
    written: Vec<(Written, ManifestBlock)>,
}

impl<'a> OpenWindows<'a> {
    pub(super) fn new(run: &'a Scoring<'a>) -> Self {
        let windows = run.emission.windows(run.range).collect();
        Self { run, windows, days: VecDeque::new(), written: Vec::new() }
    }

    fn finished(self) -> Finished {
        let (files, blocks) = self.written.into_iter().unzip();
        Finished { files, openmetrics: Some(self.run.emission.listed(blocks)) }
    }
}

impl DayWriter for OpenWindows<'_> {
    fn add_scores(&mut self, day: UtcDay, scores: &Arc<DayScores>) {
        self.days.push_back((day, scores.clone()));
    }

    /// Writes, in parallel, the blocks whose days are all scored, and frees the days that no later block needs. The
    /// last block may extend past the end of the range, so it is written once the last day is scored.
    fn write_complete(&mut self) -> Result<(), OutputError> {
        let Some((last, _)) = self.days.back() else { return Ok(()) };
        let scored_until = last.range().end_ms;
        let is_last_day = scored_until >= self.run.range.end_ms;
        let complete = self.windows.iter().take_while(|w| w.end_ms <= scored_until || is_last_day).count();
        let complete: Vec<TimeRange> = self.windows.drain(..complete).collect();
        let (run, days) = (self.run, &self.days);
        let written = complete
            .into_par_iter()
            .map(|window| {
                let touched = days.iter().filter(|(day, _)| day.range().intersect(window).is_some());
                let touched: Vec<Arc<DayScores>> = touched.map(|(_, scores)| scores.clone()).collect();
                write_window(run.out, run.table, run.emission, window, &touched)
            })
            .collect::<Result<Vec<_>, OutputError>>()?;
        self.written.extend(written.into_iter().flatten());
        let next = self.windows.front().map_or(i64::MAX, |w| w.start_ms);
        self.days.retain(|(day, _)| day.range().end_ms > next);
        Ok(())
    }

    fn stop(self: Box<Self>) -> Finished {
        self.finished()
    }

    fn finish(self: Box<Self>) -> Result<Finished, OutputError> {
        Ok(self.finished())
    }
}
