//! `etcd-heatmap score`: a history on disk becomes scores, cells and files.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use indicatif::{HumanBytes, HumanCount};
use polars::prelude::{DataFrame, PolarsResult};
use rayon::prelude::*;

use super::evidence::{Overview, list_history};
use super::progress::Reporter;
use super::{CommandError, check_folder};
use crate::export::{
    ExportError, HeatmapCsv, HeatmapParquet, Manifest, Palette, Picture, Written, block_windows, write_scores,
    write_window,
};
use crate::heatmap::{clusters_only, divide, finish, merge_sums, sum_day};
use crate::history::{DayMeta, FileError, History, HistoryError, Source, read_day};
use crate::readings::{Lives, Window};
use crate::score::{DayScores, Rollup, ScoreTable, alive_on, score_window};
use crate::spec::{Metric, Profile};
use crate::time::{Grid, Step, TimeRange, UtcDay};

/// Days scored before their results are put in order, for each thread: enough that no thread waits
/// for the slowest, few enough that they fit in memory.
const DAYS_PER_THREAD: usize = 4;

/// Scores the history in `folder` and writes everything into `out`.
pub(super) fn run(folder: &Path, out: &Path, without: &[Metric], reporter: &Reporter) -> Result<(), CommandError> {
    let history = History::within(folder);
    let metas = history.read_metas()?;
    let overview = Overview::of(&metas).ok_or_else(|| HistoryError::Empty(folder.to_owned()))?;
    let source = metas[0].1.source.clone();
    let profile = Profile::seed().without(without)?.without(&source.left_out())?;
    check_known(&profile, &metas)?;
    check_folder(out)?;
    let listed = list_history(&history, &metas, &BTreeMap::new())?;
    let manifest = Manifest::of_pull(&source, overview.range, &overview.lives, listed, &overview.missing);
    // Until the new files are there the manifest names none.
    manifest.write(out)?;
    remove_outputs(out)?;
    let step = Step::from_millis(source.step_seconds * 1000)?;
    let scoring = Scoring {
        history: &history,
        out,
        table: ScoreTable::new(&profile),
        rollup: Rollup::default(),
        lives: &overview.lives,
        step,
        metadata: footer(&profile, &source),
    };
    let started = Instant::now();
    let outcome = scoring.run(overview.range, reporter)?;
    reporter.note(&format!(
        "scored {} days of {} members in {:.1} s",
        overview.range.days().count(),
        overview.lives.iter().len(),
        started.elapsed().as_secs_f64()
    ));
    let listed = list_history(&history, &metas, &BTreeMap::new())?;
    let manifest = Manifest::of_pull(&source, overview.range, &overview.lives, listed, &overview.missing).with_scores(
        &profile,
        scoring.rollup,
        outcome.files,
    );
    manifest.write(out)?;
    outcome.picture.tell(&scoring.table, reporter)?;
    tell_files(out, &manifest, reporter);
    if !overview.missing.is_empty() {
        reporter.note(&format!(
            "the history has no file for {}: grey in the heat map",
            UtcDay::describe(&overview.missing)
        ));
    }
    Ok(())
}

/// A metric that counts and of which no day knows a reading would leave every step unscored.
fn check_known(profile: &Profile, metas: &[(UtcDay, DayMeta)]) -> Result<(), CommandError> {
    let known = |metric: &Metric| metas.iter().any(|(_, meta)| meta.known.get(metric.name()).is_some_and(|&n| n > 0));
    match Metric::ALL.into_iter().find(|m| profile.counts(*m) && !known(m)) {
        Some(metric) => Err(CommandError::NoReadings(metric)),
        None => Ok(()),
    }
}

/// Removes what an earlier scoring wrote, and only that, so that no file of another range or profile
/// stays. Folders go when nobody else has put anything in them.
fn remove_outputs(out: &Path) -> Result<(), FileError> {
    let is_day = |name: &str| name.strip_prefix("date=").is_some_and(|date| date.parse::<UtcDay>().is_ok());
    let scores = out.join("scores");
    for day in entries(&scores, is_day)? {
        remove(&day.join("scores.parquet"))?;
        let _ = fs::remove_dir(day);
    }
    let openmetrics = out.join("openmetrics");
    for file in entries(&openmetrics, |name| name.starts_with("etcd_score-") && name.ends_with(".om"))? {
        remove(&file)?;
    }
    for folder in [scores, openmetrics] {
        let _ = fs::remove_dir(folder);
    }
    remove(&out.join("heatmap.parquet"))?;
    remove(&out.join("heatmap.csv"))
}

/// What lies in a folder and has such a name; nothing where there is no folder.
fn entries(folder: &Path, has_name: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, FileError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |e| FileError::new("read", folder, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_str().is_some_and(&has_name) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn remove(file: &Path) -> Result<(), FileError> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(FileError::new("replace", file, e)),
        _ => Ok(()),
    }
}

/// What the footers of scores and cells say.
fn footer(profile: &Profile, source: &Source) -> Vec<(&'static str, String)> {
    let left_out: Vec<&str> = Metric::ALL.iter().filter(|m| !profile.counts(**m)).map(|m| m.name()).collect();
    vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("step_seconds", source.step_seconds.to_string()),
        ("source", serde_json::json!(source).to_string()),
        ("profile", profile.name.to_owned()),
        ("left_out", left_out.join(",")),
    ]
}

/// Everything that scoring a day needs.
struct Scoring<'a> {
    history: &'a History,
    out: &'a Path,
    table: ScoreTable,
    rollup: Rollup,
    lives: &'a Lives,
    step: Step,
    metadata: Vec<(&'static str, String)>,
}

/// One day's results on their way into the files that span days.
struct ScoredDay {
    day: UtcDay,
    scores: Arc<DayScores>,
    cells: DataFrame,
    cluster_sums: DataFrame,
    file: Option<Written>,
}

/// What scoring leaves behind.
struct Outcome {
    files: Vec<Written>,
    picture: Overall,
}

impl Scoring<'_> {
    fn run(&self, range: TimeRange, reporter: &Reporter) -> Result<Outcome, CommandError> {
        let days: Vec<UtcDay> = range.days().collect();
        let progress = reporter.start("scoring", "days", days.len() as u64);
        let mut parquet = HeatmapParquet::create(self.out, &self.metadata)?;
        let mut csv = HeatmapCsv::create(self.out)?;
        let mut windows = OpenWindows::new(range);
        let mut picture = Overall::default();
        let (mut score_files, mut window_files) = (Vec::new(), Vec::new());
        let mut done = 0;
        for chunk in days.chunks(DAYS_PER_THREAD * rayon::current_num_threads()) {
            let scored: Vec<ScoredDay> =
                chunk.par_iter().map(|&day| self.score_day(day)).collect::<Result<_, CommandError>>()?;
            for mut day in scored {
                parquet.append(&day.cells)?;
                csv.append(&mut day.cells)?;
                picture.add(&day).map_err(ExportError::from)?;
                score_files.extend(day.file.take());
                windows.add(day.day, day.scores);
                done += 1;
            }
            window_files.extend(windows.write_finished(self, range.end_ms)?);
            progress.set(done, "");
        }
        progress.clear();
        let mut files = vec![parquet.finish()?, csv.finish()?];
        files.extend(score_files);
        files.extend(window_files);
        Ok(Outcome { files, picture })
    }

    /// Reads, scores and folds one day, and writes its scores.
    fn score_day(&self, day: UtcDay) -> Result<ScoredDay, CommandError> {
        let grid = Grid::within(day.range(), self.step);
        let alive = alive_on(&grid, self.lives);
        let members = alive.iter().map(|(member, _)| member.clone()).collect();
        let path = self.history.file(day);
        let window = if path.is_file() { read_day(&path, grid, members)? } else { Window::unknown(grid, members) };
        let scores = score_window(&self.table, &window, &alive);
        drop(window);
        let sums = sum_day(&self.table, self.rollup, &scores).map_err(ExportError::from)?;
        let cells = finish(&self.table, &sums).map_err(ExportError::from)?;
        let path = self.out.join("scores").join(format!("date={day}")).join("scores.parquet");
        let file = if scores.members.is_empty() {
            None
        } else {
            Some(write_scores(self.out, &path, &self.table, &scores, &self.metadata)?)
        };
        let cluster_sums = clusters_only(&sums).map_err(ExportError::from)?;
        Ok(ScoredDay { day, scores: Arc::new(scores), cells, cluster_sums, file })
    }
}

/// The block windows whose days are not all scored yet, and the days that they need.
struct OpenWindows {
    windows: VecDeque<TimeRange>,
    days: VecDeque<(UtcDay, Arc<DayScores>)>,
}

impl OpenWindows {
    fn new(range: TimeRange) -> Self {
        Self { windows: block_windows(range).collect(), days: VecDeque::new() }
    }

    fn add(&mut self, day: UtcDay, scores: Arc<DayScores>) {
        self.days.push_back((day, scores));
    }

    /// Writes the windows that lie wholly in the days that are there (or past the end of the
    /// range), in parallel, and lets go of the days that no later window needs.
    fn write_finished(&mut self, scoring: &Scoring<'_>, range_end_ms: i64) -> Result<Vec<Written>, CommandError> {
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
                write_window(scoring.out, &scoring.table, window, &touched)
            })
            .collect::<Result<Vec<_>, ExportError>>()?;
        let next = self.windows.front().map_or(i64::MAX, |w| w.start_ms);
        self.days.retain(|(day, _)| day.range().end_ms > next);
        Ok(written.into_iter().flatten().collect())
    }
}

/// What the terminal shows at the end: the latest days, and a total for each cluster.
#[derive(Default)]
struct Overall {
    picture: Picture,
    totals: Option<DataFrame>,
}

impl Overall {
    fn add(&mut self, day: &ScoredDay) -> PolarsResult<()> {
        self.picture.add_day(day.day, &clusters_only(&day.cells)?)?;
        if day.cluster_sums.height() > 0 {
            let sums = match self.totals.take() {
                Some(totals) => totals.vstack(&day.cluster_sums.select(totals.get_column_names_owned())?)?,
                None => day.cluster_sums.clone(),
            };
            self.totals = Some(merge_sums(&sums, &["cluster"])?);
        }
        Ok(())
    }

    fn tell(&self, table: &ScoreTable, reporter: &Reporter) -> Result<(), CommandError> {
        let Some(sums) = &self.totals else { return Ok(()) };
        let paint = || {
            let mut columns = vec![sums.column("cluster")?.clone()];
            columns.extend(divide(table, sums)?);
            let palette = Palette::detect(std::io::stdout().is_terminal(), |name| std::env::var(name).ok());
            self.picture.paint(&DataFrame::new_infer_height(columns)?, palette)
        };
        reporter.result(&paint().map_err(ExportError::from)?);
        Ok(())
    }
}

/// Lists what was written, files of one kind together.
fn tell_files(out: &Path, manifest: &Manifest, reporter: &Reporter) {
    let kinds = [
        ("history/*/readings.parquet", "history/", "readings"),
        ("scores/*/scores.parquet", "scores/", "scores"),
        ("heatmap.parquet", "heatmap.parquet", "cells"),
        ("heatmap.csv", "heatmap.csv", "cells"),
        ("openmetrics/*.om", "openmetrics/", "samples"),
    ];
    let mut text = format!("\nwritten to {}:\n", out.display());
    for (shown, prefix, unit) in kinds {
        let files: Vec<&Written> =
            manifest.files.iter().chain(&manifest.history).filter(|f| f.path.starts_with(prefix)).collect();
        let rows: u64 = files.iter().map(|f| f.rows).sum();
        let bytes: u64 = files.iter().map(|f| f.stat.bytes).sum();
        let count = match files.len() {
            1 => "1 file".to_owned(),
            n => format!("{n} files"),
        };
        let bytes = HumanBytes(bytes).to_string();
        text.push_str(&format!("  {shown:<27} {count:>9} {bytes:>12} {:>12} {unit}\n", HumanCount(rows).to_string()));
    }
    text.push_str("  manifest.json\n");
    reporter.result(&text);
}
