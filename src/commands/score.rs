//! `etcd-heatmap score`: computes scores and cells from a history on disk, and writes all outputs.

mod caps;
mod cells;
mod emission;
mod kept_forecast;
mod redraw;
mod scoring;
mod shown;

pub(super) use caps::note_caps;
pub(super) use emission::emission;
pub(super) use kept_forecast::list_forecast;
pub(super) use redraw::redraw;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::annotations::Notes;
use super::evidence::{Opened, Overview, history_elsewhere, list_history, manifest_to_replace};
use super::progress::Reporter;
use super::{CommandError, Writing, met};
use crate::analysis::findings::Collector;
use crate::analysis::forecast::result::Forecast;
use crate::analysis::gate::Gate;
use crate::analysis::membership::{self, memberships, shortages};
use crate::config::{How, Settings};
use crate::folder::{CELLS, Manifest, Owned, Written, read_packed_cells};
use crate::heatmap::Marks;
use crate::history::{DayMeta, History, HistoryError};
use crate::outputs::{self, Emission, OutputError};
use crate::readings::{Source, Votes};
use crate::score::ScoreTable;
use crate::spec::{Companion, Metric, Profile};
use crate::text::count;
use crate::time::UtcDay;
use kept_forecast::kept_forecast;
use scoring::{Outcome, Scoring};
use shown::{tell_files, tell_problems};

/// Scores the history in `folder` and writes all outputs into `out`. A day that cannot be read is left unscored; its
/// error is returned after all other days have been scored.
pub(super) fn run(
    folder: &Path,
    out: &Path,
    settings: &Settings,
    emission: &Emission,
    run: &Writing,
) -> Result<(), CommandError> {
    let how = &settings.how;
    let history = History::within(folder);
    let manifest = manifest_to_replace(folder, &run.reporter)?;
    if folder != out {
        manifest_to_replace(out, &run.reporter)?;
    }
    let mut opened = Opened::of(&history, manifest.as_ref())?;
    let footers = std::mem::take(&mut opened.broken);
    let Opened { metas, overview, source, step, .. } = &opened;
    let profile = how.profile.clone().without(&source.left_out())?;
    check_known(&profile, metas)?;
    let notes = Notes::to_score(how, [out, folder], &overview.lives, &run.reporter)?;
    let forecast = kept_forecast(out, overview, &profile.name, &run.reporter)?;
    let manifest = begin_manifest(&history, &opened, manifest.as_ref(), out)?;
    let table = ScoreTable::new(&profile);
    let needs = settings.formats.needs();
    let (charted, companions) = scoring::columns(&table, source, needs);
    let (lives, range) = (&overview.lives, overview.range);
    let score_footer = score_footer(&profile, source);
    let cell_footer = [score_footer.clone(), cell_footer(how)].concat();
    let marks = Marks { restarts: companions.contains(&Companion::StartTime), partial: !overview.partial.is_empty() };
    let scoring = Scoring {
        reader: opened.reader(&history, &companions),
        days: overview.days(),
        how,
        formats: &settings.formats,
        lives,
        charted: &charted,
        collector: needs.findings.then_some(Collector {
            table: &table,
            profile: &profile,
            folding: how.folding,
            step: *step,
            lives,
            range,
            expected: &how.expected,
            min_duration: how.min_duration,
            lacking: &overview.lacking,
            origin: &source.origin,
            rate_window_ms: Collector::rate_window_ms(source),
        }),
        run: outputs::Scoring {
            out,
            table: &table,
            range,
            emission,
            score_footer: &score_footer,
            cell_footer: &cell_footer,
            marks,
        },
    };
    let started = Instant::now();
    let mut outcome = scoring.run(run)?;
    let forecast = forecast.as_ref();
    outcome.findings = notes.beside(std::mem::take(&mut outcome.findings), forecast);
    let files = std::mem::take(&mut outcome.finished.files);
    let manifest = notes.keep(out, with_settings(manifest, &profile, how, files))?.with_votes(&outcome.votes);
    if let Some(stopped) = outcome.stopped {
        manifest.write(out)?;
        return Err(stopped.into_error(folder, scoring.days.len()));
    }
    note_scored(&scoring, &profile.name, started, &run.reporter);
    let broken = Broken::new(&history, footers, std::mem::take(&mut outcome.broken));
    let manifest =
        manifest.with_openmetrics(outcome.finished.openmetrics.take()).with_unread(&broken.days(), &overview.missing);
    let holds_history = folder == out;
    let conclusion = Conclusion { settings, out, outcome: &outcome, notes: &notes, forecast, holds_history };
    conclusion.write(manifest, &run.reporter)?;
    overview.lacking.sentences(how.folding.zone).for_each(|note| run.reporter.note(&note));
    note_gaps(overview, &run.reporter);
    note_caps(&table, &opened.metas, &run.reporter);
    if let Some(gate) = &mut outcome.gate {
        demand_members(gate, &opened, &outcome.votes, how, &run.reporter);
    }
    broken.into_result()?;
    met(outcome.gate)
}

/// The manifest with the settings of a run and the files that it has written.
fn with_settings(manifest: Manifest, profile: &Profile, how: &How, files: Vec<Written>) -> Manifest {
    let scored = manifest.with_scores(profile, how.folding, how.min_coverage, files);
    scored.with_min_duration(how.min_duration).with_expected_members(how.expected.texts())
}

/// Lets the gate of `--fail-below` ask for the expected members as well, and notes which are missing. Learners do not
/// count.
fn demand_members(gate: &mut Gate, opened: &Opened, votes: &Votes, how: &How, reporter: &Reporter) {
    let (lives, range) = (votes.voters(&opened.overview.lives), opened.overview.range);
    let members = memberships(&lives, opened.step, range, &how.expected);
    gate.add_shortages(shortages(&members, range, &how.expected, how.folding.width));
    membership::note(&members).iter().for_each(|note| reporter.note(note));
}

/// Removes the outputs of an earlier run. First writes a manifest without them, so that no
/// manifest lists a missing file.
fn begin_manifest(
    history: &History,
    opened: &Opened,
    earlier: Option<&Manifest>,
    out: &Path,
) -> Result<Manifest, CommandError> {
    let overview = &opened.overview;
    let listed = list_history(history, &opened.metas, earlier)?;
    let manifest = Manifest::of_pull(&opened.source, &overview.asked, &overview.lives, listed, &overview.missing)
        .with_partial(&overview.partial)
        .with_shard(earlier.and_then(Manifest::shard))
        .with_lacking(&overview.lacking)
        .with_history_in(history_elsewhere(out, history.out()));
    manifest.write(out)?;
    outputs::replaced().try_for_each(|files| files.remove(out))?;
    Ok(manifest)
}

/// What is known once all days are scored.
struct Conclusion<'a> {
    settings: &'a Settings,
    out: &'a Path,
    outcome: &'a Outcome,
    notes: &'a Notes,
    forecast: Option<&'a Forecast>,
    holds_history: bool,
}

impl Conclusion<'_> {
    /// Writes the outputs made from all cells or findings, and prints the summary.
    fn write(&self, mut manifest: Manifest, reporter: &Reporter) -> Result<(), CommandError> {
        let Self { settings, out, outcome, forecast, holds_history, .. } = *self;
        if forecast.is_some() {
            list_forecast(out, &mut manifest)?;
        }
        // Write the manifest before these outputs: if one of them fails, it still lists the files written for each day.
        manifest.write(out)?;
        write_whole(self, &mut manifest)?;
        manifest.write(out)?;
        outcome.picture.tell(settings.scale, reporter)?;
        if settings.formats.needs().findings {
            tell_problems(&outcome.findings, settings, out, reporter)?;
        }
        tell_files(out, holds_history, &manifest, reporter)
    }
}

/// Prints a note that says how much was scored, and how long it took.
fn note_scored(scoring: &Scoring<'_>, profile: &str, started: Instant, reporter: &Reporter) {
    reporter.note(&format!(
        "scored {} of {} by the profile {profile} in {:.1} s",
        count(scoring.days.len(), "day"),
        count(scoring.lives.iter().len(), "member"),
        started.elapsed().as_secs_f64()
    ));
}

/// Prints notes that list days for which the source lacks data, and days without readings.
fn note_gaps(overview: &Overview, reporter: &Reporter) {
    if !overview.partial.is_empty() {
        let days = UtcDay::describe(&overview.partial);
        reporter.note(&format!("the source lacks data on {days} (a partial response, or damaged files): column steps_partial of the cells counts their steps"));
    }
    if !overview.missing.is_empty() {
        reporter.note(&format!("no readings on {}: gray in the heat map", UtcDay::describe(&overview.missing)));
    }
}

/// Writes the outputs made from all cells or findings, and lists their files in the manifest.
fn write_whole(of: &Conclusion<'_>, manifest: &mut Manifest) -> Result<(), CommandError> {
    let Conclusion { settings, out, outcome, notes, forecast, .. } = *of;
    let formats = &settings.formats;
    let lines = if formats.needs().cells { read_packed_cells(out)? } else { Vec::new() };
    let is_intermediate = !formats.write(CELLS);
    if is_intermediate {
        manifest.files.retain(|file| file.path != CELLS);
    }
    let Outcome { findings, readings, .. } = outcome;
    let (annotations, scale) = (&notes.annotations, settings.scale);
    let scored = outputs::Scored { out, manifest, lines: &lines, findings, annotations, readings, forecast, scale };
    // One after the other, because each needs up to 60 MB besides the cells.
    let written: Vec<Vec<Written>> =
        formats.iter().map(|output| output.write_all(&scored)).collect::<Result<_, OutputError>>()?;
    written.into_iter().flatten().for_each(|file| manifest.list(file));
    if is_intermediate {
        Owned::Single(CELLS).remove(out)?;
    }
    Ok(())
}

/// Days whose Parquet file has an unreadable footer or unreadable rows.
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

    /// One error that names every broken file and gives the reason for the first; `Ok` if no file is broken.
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

/// Fails if no day has a reading of a metric with a weight, or of a limit that the profile needs: no step would have a
/// score then. Idle readings are enough: they explain why there is no score.
pub(super) fn check_known(profile: &Profile, metas: &[(UtcDay, DayMeta)]) -> Result<(), CommandError> {
    let any = |counts: &BTreeMap<String, u64>, name: &str| counts.get(name).is_some_and(|&n| n > 0);
    let known = |name: &str| metas.iter().any(|(_, meta)| any(&meta.known, name) || any(&meta.idle, name));
    if let Some(metric) = Metric::ALL.into_iter().find(|m| profile.counts(*m) && !known(m.name())) {
        return Err(CommandError::NoReadings(metric));
    }
    match profile.limits().find(|(_, limit)| !known(limit.name())) {
        Some((metric, limit)) => Err(CommandError::NoLimits { profile: profile.name.clone(), metric, limit }),
        None => Ok(()),
    }
}

/// Fields in the Parquet footers of both score files and cell files.
fn score_footer(profile: &Profile, source: &Source) -> Vec<(&'static str, String)> {
    let left_out: Vec<&str> = Metric::ALL.iter().filter(|m| !profile.counts(**m)).map(|m| m.name()).collect();
    let mut described = serde_json::json!(source);
    // 0.1.0 stored no `kind` and no `name`. Leave them out for a source with a URL, so that its score files stay
    // the same to the byte.
    if let Some(fields) = described.as_object_mut().filter(|fields| fields.contains_key("url")) {
        fields.remove("kind");
        fields.remove("name");
    }
    vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("step_seconds", source.step_seconds.to_string()),
        ("source", described.to_string()),
        ("profile", profile.name.clone()),
        ("left_out", left_out.join(",")),
    ]
}

/// Fields in the Parquet footers of cell files, in addition to those of [`score_footer`].
fn cell_footer(how: &How) -> Vec<(&'static str, String)> {
    vec![
        ("rollup", how.folding.rollup.to_string()),
        ("time_zone", how.folding.zone.to_string()),
        ("cell", how.folding.width.to_string()),
        ("min_coverage", how.min_coverage.to_string()),
    ]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    /// The `source` field in the footer of score files; `origin` is the start of the source's JSON in a history.
    fn source_of(origin: &str) -> String {
        let fields = r#""step_seconds":60,"cluster_label":null,"member_label":"pod","queries":{}}"#;
        let source = serde_json::from_str(&format!("{{{origin},{fields}")).unwrap();
        score_footer(&Profile::seed(), &source).into_iter().find(|(name, _)| *name == "source").unwrap().1
    }

    #[test]
    fn scores_of_a_server_and_of_the_sample_name_their_source_as_in_0_1_0() {
        let old = r#"{"cluster_label":null,"member_label":"pod","queries":{},"step_seconds":60,"url":"http://p"}"#;
        assert_eq!(source_of(r#""url":"http://p""#), old);
        assert_eq!(source_of(r#""kind":"sample","name":"the sample","url":"http://p""#), old);
        let other = source_of(r#""kind":"tsdb","name":"/prometheus""#);
        assert!(other.contains(r#""kind":"tsdb""#) && other.contains(r#""name":"/prometheus""#), "{other}");
    }
}
