//! Days in parallel, their results in order: memory does not grow with the range.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use polars::prelude::DataFrame;
use rayon::prelude::*;

use super::cell_footer;
use super::shown::Overall;
use crate::commands::evidence::score_day;
use crate::commands::{CommandError, Signal, Writing};
use crate::config::{Format, Formats, How};
use crate::explain::ScoredWindow;
use crate::export::{
    CellsCsv, Emission, ExportError, HeatmapParquet, ManifestBlock, Written, write_scores, write_window,
};
use crate::fail_below::Gate;
use crate::findings::{Collector, DayDigest, Findings};
use crate::heatmap::{Folding, Marks, OpenCells, finish, sum_day};
use crate::history::{History, HistoryError};
use crate::readings::Lives;
use crate::score::{DayScores, ScoreTable};
use crate::spec::Companion;
use crate::time::{Step, TimeRange, UtcDay};

/// Days scored before their results are put in order, for each thread: enough that no thread waits
/// for the slowest, few enough that they fit in memory.
const DAYS_PER_THREAD: usize = 4;

/// Everything that scoring a day needs.
pub(super) struct Scoring<'a> {
    pub(super) history: &'a History,
    pub(super) out: &'a Path,
    pub(super) table: ScoreTable,
    pub(super) companions: Vec<Companion>,
    pub(super) how: &'a How,
    pub(super) formats: &'a Formats,
    pub(super) emission: &'a Emission,
    pub(super) lives: &'a Lives,
    pub(super) step: Step,
    pub(super) marks: Marks,
    pub(super) metadata: Vec<(&'static str, String)>,
    /// Where findings are to be told.
    pub(super) collector: Option<Collector<'a>>,
}

/// One day's results on their way into the files that span days.
struct ScoredDay {
    day: UtcDay,
    scores: Arc<DayScores>,
    sums: DataFrame,
    file: Option<Written>,
    broken: Option<HistoryError>,
    digest: Option<DayDigest>,
}

/// What scoring leaves behind.
pub(super) struct Outcome {
    pub(super) files: Vec<Written>,
    /// What the files for promtool hold.
    pub(super) blocks: Vec<ManifestBlock>,
    /// Where a signal ended it: there are scores of some days, and no cells.
    pub(super) stopped: Option<Stopped>,
    pub(super) picture: Overall,
    pub(super) broken: Vec<(UtcDay, HistoryError)>,
    /// What `--fail-below` demands, and how far it is so.
    pub(super) gate: Option<Gate>,
    /// Nothing where none are to be told.
    pub(super) findings: Findings,
}

/// A signal, and how many days were scored until then.
pub(super) struct Stopped {
    signal: Signal,
    days: usize,
}

impl Stopped {
    pub(super) fn into_error(self, folder: &Path, range: &TimeRange) -> CommandError {
        let Self { signal, days: there } = self;
        CommandError::StoppedScoring { signal, there, asked: range.days().count(), folder: folder.to_owned() }
    }
}

impl Scoring<'_> {
    pub(super) fn run(&self, range: TimeRange, run: &Writing) -> Result<Outcome, CommandError> {
        let days: Vec<UtcDay> = range.days().collect();
        let progress = run.reporter.start("scoring", "days", days.len() as u64);
        let mut cells = CellFiles::create(self)?;
        let mut windows = self.formats.has(Format::OpenMetrics).then(|| OpenWindows::new(self.emission.windows(range)));
        let (mut score_files, mut window_files, mut broken, mut digests) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut done = 0;
        for chunk in days.chunks(DAYS_PER_THREAD * rayon::current_num_threads()) {
            let scored: Vec<Option<ScoredDay>> = chunk
                .par_iter()
                .map(|&day| match run.interrupt.signal() {
                    None => self.finish_day(day).map(Some),
                    Some(_) => Ok(None),
                })
                .collect::<Result<_, CommandError>>()?;
            if let Some(signal) = run.interrupt.signal() {
                let scored: Vec<ScoredDay> = scored.into_iter().flatten().collect();
                let days = done as usize + scored.len();
                score_files.extend(scored.into_iter().filter_map(|day| day.file));
                let (windows, blocks): (Vec<Written>, _) = window_files.into_iter().unzip();
                score_files.extend(windows);
                progress.clear();
                let (files, picture, stopped) = (score_files, cells.picture, Some(Stopped { signal, days }));
                let findings = Findings::default();
                return Ok(Outcome { files, blocks, stopped, picture, broken, gate: None, findings });
            }
            for day in scored.into_iter().flatten() {
                let is_last = days.last() == Some(&day.day);
                cells.add(self, day.sums, (!is_last).then(|| day.day.range().end_ms))?;
                score_files.extend(day.file);
                broken.extend(day.broken.map(|error| (day.day, error)));
                digests.extend(day.digest);
                if let Some(windows) = &mut windows {
                    windows.add(day.day, day.scores);
                }
                done += 1;
            }
            if let Some(windows) = &mut windows {
                window_files.extend(windows.write_finished(self, range.end_ms)?);
            }
            progress.set(done, "");
        }
        progress.clear();
        let gate = cells.gate.take();
        let (mut files, picture) = cells.finish()?;
        files.extend(score_files);
        let (windows, blocks): (Vec<Written>, _) = window_files.into_iter().unzip();
        files.extend(windows);
        let findings = self.collector.as_ref().map(|collector| collector.find(digests)).unwrap_or_default();
        Ok(Outcome { files, blocks, stopped: None, picture, broken, gate, findings })
    }

    /// Reads, scores and folds one day, and writes its scores.
    fn finish_day(&self, day: UtcDay) -> Result<ScoredDay, CommandError> {
        let (ScoredWindow { window, scores }, broken) =
            score_day(self.history, &self.table, &self.companions, self.lives, day, self.step);
        let digest = self.collector.as_ref().map(|collector| collector.day(&window, &scores));
        drop(window);
        let sums = sum_day(&self.table, self.how.folding, &scores).map_err(ExportError::from)?;
        let path = self.out.join("scores").join(format!("date={day}")).join("scores.parquet");
        let file = match !scores.members.is_empty() && self.formats.has(Format::Parquet) {
            true => Some(write_scores(self.out, &path, &self.table, &scores, &self.metadata)?),
            false => None,
        };
        Ok(ScoredDay { day, scores: Arc::new(scores), sums, file, broken, digest })
    }
}

/// The files of cells that are asked for, and what the terminal shows of them.
struct CellFiles {
    open: OpenCells,
    parquet: Option<HeatmapParquet>,
    csv: Option<CellsCsv>,
    picture: Overall,
    gate: Option<Gate>,
}

impl CellFiles {
    fn create(scoring: &Scoring<'_>) -> Result<Self, CommandError> {
        let asked = |format| scoring.formats.has(format);
        let footer = || [scoring.metadata.clone(), cell_footer(scoring.how)].concat();
        Ok(Self {
            open: OpenCells::default(),
            // What is drawn is drawn of it.
            parquet: (asked(Format::Parquet) || scoring.formats.draws())
                .then(|| HeatmapParquet::create(scoring.out, &footer(), scoring.marks))
                .transpose()?,
            csv: asked(Format::Csv).then(|| CellsCsv::create(scoring.out, "heatmap.csv")).transpose()?,
            picture: Overall::new(&scoring.table, scoring.how),
            gate: scoring.how.gate(),
        })
    }

    /// Writes the cells of the local days that are over when the next UTC day begins.
    fn add(&mut self, scoring: &Scoring<'_>, sums: DataFrame, next_day_ms: Option<i64>) -> Result<(), CommandError> {
        let Folding { zone, width, .. } = scoring.how.folding;
        let today = next_day_ms.map(|ms| zone.cell_at(ms, width).date);
        let finished = self.open.add(sums, today).map_err(ExportError::from)?;
        let cells = finish(&scoring.table, &finished, scoring.how.min_coverage, scoring.marks);
        let mut cells = cells.map_err(ExportError::from)?;
        if let Some(gate) = &mut self.gate {
            gate.add_cells(&cells).map_err(ExportError::from)?;
        }
        if let Some(parquet) = &mut self.parquet {
            parquet.append(&cells)?;
        }
        if let Some(csv) = &mut self.csv {
            csv.append(&mut cells)?;
        }
        Ok(self.picture.add(&finished).map_err(ExportError::from)?)
    }

    fn finish(self) -> Result<(Vec<Written>, Overall), CommandError> {
        let parquet = self.parquet.map(HeatmapParquet::finish).transpose()?;
        let csv = self.csv.map(CellsCsv::finish).transpose()?;
        Ok((parquet.into_iter().chain(csv).collect(), self.picture))
    }
}

/// The block windows whose days are not all scored yet, and the days that they need.
struct OpenWindows {
    windows: VecDeque<TimeRange>,
    days: VecDeque<(UtcDay, Arc<DayScores>)>,
}

impl OpenWindows {
    fn new(windows: impl Iterator<Item = TimeRange>) -> Self {
        Self { windows: windows.collect(), days: VecDeque::new() }
    }

    fn add(&mut self, day: UtcDay, scores: Arc<DayScores>) {
        self.days.push_back((day, scores));
    }

    /// Writes the windows that lie wholly in the days that are there (or past the end of the
    /// range), in parallel, and lets go of the days that no later window needs.
    fn write_finished(
        &mut self,
        scoring: &Scoring<'_>,
        range_end_ms: i64,
    ) -> Result<Vec<(Written, ManifestBlock)>, CommandError> {
        let Some((last, _)) = self.days.back() else { return Ok(Vec::new()) };
        let scored_until = last.range().end_ms;
        let is_last_day = scored_until >= range_end_ms;
        let finished = self.windows.iter().take_while(|w| w.end_ms <= scored_until || is_last_day).count();
        let finished: Vec<TimeRange> = self.windows.drain(..finished).collect();
        let days = &self.days;
        let written = finished
            .into_par_iter()
            .map(|window| {
                let touched = days.iter().filter(|(day, _)| day.range().intersect(window).is_some());
                let touched: Vec<Arc<DayScores>> = touched.map(|(_, scores)| scores.clone()).collect();
                write_window(scoring.out, &scoring.table, scoring.emission, window, &touched)
            })
            .collect::<Result<Vec<_>, ExportError>>()?;
        let next = self.windows.front().map_or(i64::MAX, |w| w.start_ms);
        self.days.retain(|(day, _)| day.range().end_ms > next);
        Ok(written.into_iter().flatten().collect())
    }
}
