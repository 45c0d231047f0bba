//! Scores days in parallel and passes their results on in order, so that memory does not grow with the range.

use std::path::Path;
use std::sync::Arc;

use polars::prelude::{DataFrame, PolarsResult};
use tracing::debug;

use super::cells::OpenFiles;
use super::shown::Overall;
use crate::analysis::cell_readings::{DayReadings, ReadingCells, charted};
use crate::analysis::explain::ScoredWindow;
use crate::analysis::findings::{Collector, DayDigest, Findings};
use crate::analysis::gate::Gate;
use crate::commands::days::DaysAtOnce;
use crate::commands::evidence::{DayReader, companions_with};
use crate::commands::{CommandError, Signal, Writing};
use crate::config::{Formats, How};
use crate::folder::Written;
use crate::heatmap::sum_day;
use crate::history::HistoryError;
use crate::outputs::{self, Finished, Needs, OutputError};
use crate::readings::{Lives, Source, Votes};
use crate::score::{DayScores, ScoreTable};
use crate::spec::Companion;
use crate::time::UtcDay;

/// The history, settings and outputs of one scoring run.
pub(super) struct Scoring<'a> {
    pub(super) reader: DayReader<'a>,
    /// The days to score, in order.
    pub(super) days: Vec<UtcDay>,
    pub(super) how: &'a How,
    pub(super) formats: &'a Formats,
    pub(super) lives: &'a Lives,
    /// `None` unless an output needs findings.
    pub(super) collector: Option<Collector<'a>>,
    /// The evidence with charts; none unless an output needs readings.
    pub(super) charted: &'a [Companion],
    pub(super) run: outputs::Scoring<'a>,
}

/// What outputs with these needs read of a source: the evidence with charts, and all companions.
pub(super) fn columns(table: &ScoreTable, source: &Source, needs: Needs) -> (Vec<Companion>, Vec<Companion>) {
    let charted = if needs.readings { charted(&source.companions()) } else { Vec::new() };
    let of_findings = if needs.findings { Collector::companions(source) } else { Vec::new() };
    let companions = companions_with(table, source, of_findings.into_iter().chain(charted.iter().copied()));
    (charted, companions)
}

/// The rows of all frames, in their order; `None` without a frame.
fn joined<'a>(mut frames: impl Iterator<Item = &'a DataFrame>) -> PolarsResult<Option<DataFrame>> {
    let Some(mut all) = frames.next().cloned() else { return Ok(None) };
    for frame in frames {
        all.vstack_mut(frame)?;
    }
    // One piece of memory for each column, instead of one for each day.
    all.rechunk_mut();
    Ok(Some(all))
}

/// The results of scoring one day.
struct ScoredDay {
    day: UtcDay,
    scores: Arc<DayScores>,
    sums: DataFrame,
    files: Vec<Written>,
    broken: Option<HistoryError>,
    digest: Option<DayDigest>,
    readings: Option<DayReadings>,
}

/// The results of scoring a whole history.
pub(super) struct Outcome {
    pub(super) finished: Finished,
    /// Set if a signal ended the run. In that case, only some days have scores, and there are no cells.
    pub(super) stopped: Option<Stopped>,
    pub(super) picture: Overall,
    pub(super) broken: Vec<(UtcDay, HistoryError)>,
    /// Since when the members vote.
    pub(super) votes: Votes,
    /// The gate of `--fail-below` with all cells added; `None` without the flag, or after a signal.
    pub(super) gate: Option<Gate>,
    /// Empty unless an output needs findings.
    pub(super) findings: Findings,
    /// Empty unless an output needs readings.
    pub(super) readings: ReadingCells,
}

/// The signal that ended a run, and the number of days scored before it.
pub(super) struct Stopped {
    signal: Signal,
    days: usize,
}

impl Stopped {
    pub(super) fn into_error(self, folder: &Path, asked: usize) -> CommandError {
        let Self { signal, days: there } = self;
        CommandError::StoppedScoring { signal, there, asked, folder: folder.to_owned() }
    }
}

impl Scoring<'_> {
    /// Scores all days, and writes the files of each day and the files that span days.
    pub(super) fn run(&self, run: &Writing) -> Result<Outcome, CommandError> {
        let days = &self.days;
        let progress = run.reporter.start("scoring", "days", days.len() as u64);
        let mut open = OpenFiles::open(self)?;
        let (mut files, mut broken) = (Vec::new(), Vec::new());
        let mut tracks = self.collector.as_ref().map(Collector::tracks);
        let mut readings = self.reading_cells();
        let (mut done, mut stopped, mut votes) = (0, None, Votes::default());
        let at_once = self.reader.days_at_once(days, self.lives);
        for chunk in days.chunks(at_once.batch()) {
            debug!(days = chunk.len(), "scoring {}", UtcDay::describe(chunk));
            let scored = self.score_unless_stopped(chunk, &at_once, run)?;
            if let Some(signal) = run.interrupt.signal() {
                stopped = Some(Stopped { signal, days: done + scored.len() });
                files.extend(scored.into_iter().flat_map(|day| day.files));
                break;
            }
            done += scored.len();
            let sums = joined(scored.iter().map(|day| &day.sums)).map_err(OutputError::from)?;
            for day in scored {
                open.add_scores(day.day, &day.scores);
                day.scores.add_votes(&mut votes);
                files.extend(day.files);
                broken.extend(day.broken.map(|error| (day.day, error)));
                if let (Some(tracks), Some(digest)) = (&mut tracks, day.digest) {
                    tracks.add(digest);
                }
                day.readings.into_iter().for_each(|part| readings.add(part));
            }
            if let Some(sums) = sums {
                open.add_sums(sums, chunk, days.last() == chunk.last())?;
            }
            open.write_complete()?;
            progress.set(done as u64, "");
        }
        progress.clear();
        let days = Finished { files, openmetrics: None };
        if stopped.is_some() {
            let picture = Overall::new(self.run.table, self.how);
            let (finished, findings) = (days.and(open.stop()), Findings::default());
            return Ok(Outcome { finished, stopped, picture, broken, votes, gate: None, findings, readings });
        }
        let gate = open.gate.take();
        let (finished, picture) = open.finish()?;
        let found = self.collector.as_ref().zip(tracks).map(|(collector, tracks)| collector.find(tracks));
        let findings = found.unwrap_or_default();
        let readings = readings.finish();
        Ok(Outcome { finished: finished.and(days), stopped, picture, broken, votes, gate, findings, readings })
    }

    /// The clusters to add readings to; none unless an output needs readings.
    fn reading_cells(&self) -> ReadingCells {
        match self.formats.needs().readings {
            true => ReadingCells::new(self.lives, self.charted),
            false => ReadingCells::default(),
        }
    }

    /// Scores days in parallel. Starts no further day after a signal.
    fn score_unless_stopped(
        &self,
        days: &[UtcDay],
        at_once: &DaysAtOnce,
        run: &Writing,
    ) -> Result<Vec<ScoredDay>, CommandError> {
        let scored = at_once.each(days, |day| match run.interrupt.signal() {
            None => self.score_day(day).map(Some),
            Some(_) => Ok(None),
        });
        Ok(scored?.into_iter().flatten().collect())
    }

    /// Reads, scores and folds one day, and writes the files of that day.
    fn score_day(&self, day: UtcDay) -> Result<ScoredDay, CommandError> {
        let run = &self.run;
        let (ScoredWindow { window, scores }, broken) = self.reader.score(run.table, self.lives, day);
        let digest = self.collector.as_ref().map(|collector| collector.day(&window, &scores));
        let needs = self.formats.needs();
        let readings = needs.readings.then(|| DayReadings::new(self.how.folding, &window, &scores, self.charted));
        drop(window);
        let sums = sum_day(run.table, self.how.folding, &scores).map_err(OutputError::from)?;
        let written = self.formats.iter().map(|output| output.write_day(run, day, &scores));
        let files = written.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(ScoredDay { day, scores: Arc::new(scores), sums, files, broken, digest, readings })
    }
}
