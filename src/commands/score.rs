//! `etcd-heatmap score`: a history on disk becomes scores, cells and files.

mod drawn;
mod emission;
mod outputs;
mod scoring;
mod shown;

pub(super) use emission::emission;
pub(super) use outputs::SINGLE;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::evidence::{Opened, companions_read, list_history};
use super::{CommandError, Writing, met};
use crate::config::{Format, How, Settings};
use crate::export::{Emission, Manifest, ManifestOpenMetrics};
use crate::findings::Collector;
use crate::heatmap::Marks;
use crate::history::{DayMeta, History, HistoryError, Source};
use crate::score::ScoreTable;
use crate::spec::{Companion, Metric, Profile};
use crate::time::UtcDay;
use outputs::remove_outputs;
use scoring::Scoring;
use shown::tell_files;

/// Scores the history in `folder` and writes everything into `out`. A day that cannot be read stays
/// unknown, and is told after the rest has been scored.
pub(super) fn run(
    folder: &Path,
    out: &Path,
    settings: &Settings,
    emission: &Emission,
    run: &Writing,
) -> Result<(), CommandError> {
    let how = &settings.how;
    let history = History::within(folder);
    let Opened { metas, broken, overview, source, step } = Opened::of(&history)?;
    let profile = how.profile.clone().without(&source.left_out())?;
    check_known(&profile, &metas)?;
    let listed = list_history(&history, &metas)?;
    let manifest = Manifest::of_pull(&source, overview.range, &overview.lives, listed, &overview.missing)
        .with_partial(&overview.partial);
    // Until the new files are there the manifest names none.
    manifest.write(out)?;
    remove_outputs(out)?;
    let table = ScoreTable::new(&profile);
    let tells_findings = settings.formats.tells_findings();
    let companions =
        if tells_findings { Collector::companions(&table, &source) } else { companions_read(&table, &source) };
    let marks = Marks { restarts: companions.contains(&Companion::StartTime), partial: !overview.partial.is_empty() };
    let (lives, range) = (&overview.lives, overview.range);
    let collector = Collector { table: &table, profile: &profile, folding: how.folding, step, lives, range };
    let scoring = Scoring {
        collector: tells_findings.then_some(collector),
        history: &history,
        out,
        companions,
        marks,
        table: table.clone(),
        how,
        formats: &settings.formats,
        emission,
        lives: &overview.lives,
        step,
        metadata: footer(&profile, &source),
    };
    let started = Instant::now();
    let reporter = &run.reporter;
    let outcome = scoring.run(overview.range, run)?;
    if let Some(stopped) = outcome.stopped {
        manifest.with_scores(&profile, how.folding, how.min_coverage, outcome.files).write(out)?;
        return Err(stopped.into_error(folder, &overview.range));
    }
    reporter.note(&format!(
        "scored {} days of {} members by the profile {} in {:.1} s",
        overview.range.days().count(),
        overview.lives.iter().len(),
        profile.name,
        started.elapsed().as_secs_f64()
    ));
    let writes_openmetrics = settings.formats.has(Format::OpenMetrics);
    let openmetrics = writes_openmetrics.then(|| ManifestOpenMetrics::new(emission, outcome.blocks));
    let broken = Broken::new(&history, broken, outcome.broken);
    let mut manifest = manifest
        .with_scores(&profile, how.folding, how.min_coverage, outcome.files)
        .with_openmetrics(openmetrics)
        .with_unread(&broken.days(), &overview.missing);
    // What is there stays listed where the rest cannot be drawn.
    manifest.write(out)?;
    drawn::draw(out, &settings.formats, &mut manifest, &outcome.findings)?;
    manifest.write(out)?;
    outcome.picture.tell(reporter)?;
    tell_files(out, folder == out, &manifest, reporter);
    if !overview.partial.is_empty() {
        let days = UtcDay::describe(&overview.partial);
        reporter
            .note(&format!("the server left something out of its answers of {days}: see steps_partial of the cells"));
    }
    if !overview.missing.is_empty() {
        reporter.note(&format!("nothing is known of {}: grey in the heat map", UtcDay::describe(&overview.missing)));
    }
    broken.into_result()?;
    met(outcome.gate)
}

/// The days that could not be read, in their footers or in their rows.
pub(super) struct Broken(BTreeMap<UtcDay, (PathBuf, HistoryError)>);

impl Broken {
    pub(super) fn new(
        history: &History,
        footers: Vec<(UtcDay, HistoryError)>,
        rows: Vec<(UtcDay, HistoryError)>,
    ) -> Self {
        let days = footers.into_iter().chain(rows);
        Self(days.map(|(day, error)| (day, (history.file(day), error))).collect())
    }

    fn days(&self) -> Vec<UtcDay> {
        self.0.keys().copied().collect()
    }

    /// One error that names every file, with what is wrong with the first.
    pub(super) fn into_result(self) -> Result<(), CommandError> {
        let mut paths = Vec::new();
        let mut first = None;
        for (path, error) in self.0.into_values() {
            paths.push(path.display().to_string());
            first = first.or(Some(error));
        }
        match first {
            None => Ok(()),
            Some(only) if paths.len() == 1 => Err(CommandError::BrokenDay(only)),
            Some(first) => Err(CommandError::BrokenDays { count: paths.len(), files: paths[1..].join(", "), first }),
        }
    }
}

/// A metric that counts, or a limit that it is judged against, of which no day knows a reading would
/// leave every step unscored.
pub(super) fn check_known(profile: &Profile, metas: &[(UtcDay, DayMeta)]) -> Result<(), CommandError> {
    let known = |name: &str| metas.iter().any(|(_, meta)| meta.known.get(name).is_some_and(|&n| n > 0));
    if let Some(metric) = Metric::ALL.into_iter().find(|m| profile.counts(*m) && !known(m.name())) {
        return Err(CommandError::NoReadings(metric));
    }
    match profile.limits().find(|(_, limit)| !known(limit.name())) {
        Some((metric, limit)) => Err(CommandError::NoLimits { profile: profile.name.clone(), metric, limit }),
        None => Ok(()),
    }
}

/// What the footers of scores and cells say.
fn footer(profile: &Profile, source: &Source) -> Vec<(&'static str, String)> {
    let left_out: Vec<&str> = Metric::ALL.iter().filter(|m| !profile.counts(**m)).map(|m| m.name()).collect();
    vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("step_seconds", source.step_seconds.to_string()),
        ("source", serde_json::json!(source).to_string()),
        ("profile", profile.name.clone()),
        ("left_out", left_out.join(",")),
    ]
}

/// What the footer of the cells says beyond that.
fn cell_footer(how: &How) -> Vec<(&'static str, String)> {
    vec![
        ("rollup", how.folding.rollup.to_string()),
        ("time_zone", how.folding.zone.to_string()),
        ("cell", how.folding.width.to_string()),
        ("min_coverage", how.min_coverage.to_string()),
    ]
}
