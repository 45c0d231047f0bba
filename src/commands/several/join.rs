//! Joins the histories of several sources into one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use super::part::Part;
use super::{Failed, SeveralError};
use crate::commands::pull::{Pulled, Share};
use crate::commands::rewrite::{Day, Rewrite};
use crate::commands::{CommandError, Writing};
use crate::folder::{Manifest, Written, source_folder};
use crate::history::{DayMeta, History, HistoryError, members_in, read_meta};
use crate::readings::{Lives, Source, SourceName, Window};
use crate::spec::Metric;
use crate::text::count;
use crate::time::{Grid, Step, TimeRange, UtcDay};

/// How the pull of a source ended.
pub(super) struct Outcome {
    pub(super) name: SourceName,
    pub(super) of: Result<Pulled, CommandError>,
    /// The range to pull; `None` if it depends on the samples of files.
    pub(super) range: Option<TimeRange>,
}

/// The history to write.
pub(super) struct Joining<'a> {
    pub(super) out: &'a Path,
    pub(super) step: Step,
    /// The number of sources.
    pub(super) of: usize,
    pub(super) overwrite: bool,
    pub(super) earlier: Option<&'a Manifest>,
    pub(super) run: &'a Writing,
}

/// What is joined.
#[derive(Clone, Copy)]
struct Joined<'a> {
    /// The description of all sources.
    source: &'a Source,
    parts: &'a [Part],
    /// The days of all sources, each with the range that they cover together.
    ranges: &'a BTreeMap<UtcDay, TimeRange>,
    lives: &'a Lives,
}

/// A source that failed, until it is known what it lacks.
struct Cause {
    name: SourceName,
    error: CommandError,
}

impl Joining<'_> {
    /// Joins what the sources have, and reports those that failed.
    pub(super) fn join(&self, outcomes: Vec<Outcome>) -> Result<Pulled, CommandError> {
        let started = Instant::now();
        let (mut parts, mut causes, names) = (Vec::new(), Vec::new(), names(&outcomes));
        for outcome in outcomes {
            let (part, error) = self.part(&outcome.name, outcome.of, outcome.range);
            parts.extend(part);
            causes.extend(error.map(|error| Cause { name: outcome.name, error }));
        }
        let described = parts.iter().map(|part| (part.name.clone(), part.source.clone())).collect();
        let source = Source::several(self.step.seconds(), described);
        let history = History::within(self.out);
        let there = known_days(&history)?;
        let is_same = there.iter().all(|(_, meta)| source.difference(&meta.source).is_none());
        let ranges = ranges(&parts);
        if parts.is_empty() || self.overwrite && !is_same && !causes.is_empty() {
            let error = CommandError::from(failed(causes, self.of, &parts, &ranges, false));
            return match there.is_empty() {
                true => Err(error),
                // What is there may be of other sources.
                false => Ok(Pulled::NotReplaced(CommandError::NotReplaced {
                    cause: Box::new(error),
                    out: self.out.to_owned(),
                })),
            };
        }
        if !self.overwrite {
            there.iter().try_for_each(|(day, meta)| self.nothing_lost(&history, *day, meta, &parts))?;
        }
        let lives = lives(&parts);
        let lacking = lacking(&parts, &names, &ranges);
        self.write(
            &history,
            is_same,
            &Joined { source: &source, parts: &parts, ranges: &ranges, lives: &lives },
            lacking,
        )?;
        missing_metrics(&parts).iter().for_each(|note| self.run.reporter.note(note));
        self.run.reporter.note(&format!(
            "joined {} of {}, {} in {:.1} s",
            count(parts.len(), "source"),
            count(lives.iter().len(), "member"),
            count(ranges.len(), "day"),
            started.elapsed().as_secs_f64()
        ));
        Ok(match causes.is_empty() {
            true => Pulled::All,
            false => Pulled::Some(failed(causes, self.of, &parts, &ranges, true).into()),
        })
    }

    /// What the folder of a source has, and why it is not all. Days of another step cannot be joined.
    fn part(
        &self,
        name: &SourceName,
        pulled: Result<Pulled, CommandError>,
        range: Option<TimeRange>,
    ) -> (Option<Part>, Option<CommandError>) {
        let (error, unanswered) = match pulled {
            Ok(Pulled::All) => (None, None),
            Ok(Pulled::Some(error)) => (Some(error), None),
            Ok(Pulled::NotReplaced(error)) | Err(error) => (Some(error), range),
        };
        match Part::of(self.out, name, unanswered) {
            Ok(part) => (part.filter(|part| part.source.step_seconds == self.step.seconds()), error),
            Err(unreadable) => (None, error.or(Some(unreadable))),
        }
    }

    /// Fails if the history has readings of a source on a day that the source's folder lacks.
    fn nothing_lost(&self, history: &History, day: UtcDay, meta: &DayMeta, parts: &[Part]) -> Result<(), CommandError> {
        for name in meta.source.origin.sources().keys() {
            if parts.iter().any(|part| part.name == *name && part.days.contains_key(&day)) {
                continue;
            }
            let (path, start) = (history.file(day), name.cluster(""));
            // The footer also lists members that are expected on a day without any reading.
            if members_in(&path)?.iter().any(|member| member.cluster.starts_with(&start)) {
                return Err(
                    SeveralError::Lost { path, name: name.clone(), folder: source_folder(self.out, name) }.into()
                );
            }
        }
        Ok(())
    }

    /// Writes the days and the manifest. If the history describes its sources in another way, all days are written before
    /// the first takes its place.
    fn write(
        &self,
        history: &History,
        is_same: bool,
        of: &Joined<'_>,
        lacking: BTreeMap<SourceName, Vec<UtcDay>>,
    ) -> Result<(), CommandError> {
        let &Joined { source, parts, ranges, lives } = of;
        let into = if is_same { history.clone() } else { history.replacement() };
        let rewrite = Rewrite { history: &into, source, step: self.step, lives, run: self.run };
        let days: Vec<UtcDay> = ranges.keys().copied().collect();
        let joined = |day: UtcDay| joined(parts, day, ranges[&day], self.step, source);
        let mut written = rewrite.days("joining", &days, joined).map_err(|error| match error.signal() {
            Some(signal) => SeveralError::Stopped { signal, pulled: parts.len(), of: self.of }.into(),
            None => error,
        })?;
        if is_same {
            history.replacement().remove_but(|_| false)?;
        } else {
            into.move_into(history)?;
            for (day, (meta, file)) in &mut written {
                *file = Written::new(history.out(), &history.file(*day), meta.rows, file.stat.clone());
            }
        }
        if self.overwrite {
            history.remove_but(|day| ranges.contains_key(&day))?;
        }
        let asked: Vec<TimeRange> = parts.iter().flat_map(|part| part.asked.iter().copied()).collect();
        let share = Share { shard: None, lacking };
        Rewrite { history, ..rewrite }.manifest(&asked, written, self.earlier, &share)
    }
}

fn names(outcomes: &[Outcome]) -> Vec<SourceName> {
    outcomes.iter().map(|outcome| outcome.name.clone()).collect()
}

/// The days of a history that can be read. They may have different sources, if a run that joined them was killed.
fn known_days(history: &History) -> Result<Vec<(UtcDay, DayMeta)>, HistoryError> {
    let days = history.days()?.into_iter();
    Ok(days.filter_map(|day| Some((day, read_meta(&history.file(day)).ok()?))).collect())
}

/// The days of all sources, each with the range that they cover together.
fn ranges(parts: &[Part]) -> BTreeMap<UtcDay, TimeRange> {
    let mut ranges: BTreeMap<UtcDay, TimeRange> = BTreeMap::new();
    for (day, meta) in parts.iter().flat_map(|part| &part.days) {
        ranges.entry(*day).and_modify(|range| *range = range.hull(meta.range)).or_insert(meta.range);
    }
    ranges
}

fn lives(parts: &[Part]) -> Lives {
    let mut lives = Lives::default();
    for part in parts {
        part.days.values().for_each(|meta| lives.merge(&meta.lives.renamed(|member| part.named(member))));
    }
    lives
}

/// A day of all sources that have it.
fn joined(parts: &[Part], day: UtcDay, range: TimeRange, step: Step, source: &Source) -> Result<Day, HistoryError> {
    let (grid, companions) = (Grid::within(range, step), source.companions());
    let (mut windows, mut lives) = (Vec::new(), Lives::default());
    for part in parts {
        windows.extend(part.read(day, grid, &companions)?);
        lives.merge(&part.lives(day, range, grid));
    }
    Ok(Day { window: Window::joined(grid, &companions, windows), range, lives })
}

/// The days that each source lacks, wholly or in part; all days of a source without any.
fn lacking(
    parts: &[Part],
    names: &[SourceName],
    ranges: &BTreeMap<UtcDay, TimeRange>,
) -> BTreeMap<SourceName, Vec<UtcDay>> {
    let of = |name: &SourceName| match parts.iter().find(|part| part.name == *name) {
        Some(part) => lacks(part, ranges),
        None => ranges.keys().copied().collect(),
    };
    names.iter().map(|name| (name.clone(), of(name))).filter(|(_, days)| !days.is_empty()).collect()
}

fn lacks(part: &Part, ranges: &BTreeMap<UtcDay, TimeRange>) -> Vec<UtcDay> {
    ranges.iter().filter(|(day, range)| part.lacks(**day, **range)).map(|(day, _)| *day).collect()
}

fn failed(
    causes: Vec<Cause>,
    of: usize,
    parts: &[Part],
    ranges: &BTreeMap<UtcDay, TimeRange>,
    is_joined: bool,
) -> SeveralError {
    let failed = |Cause { name, error }: Cause| {
        let part = parts.iter().find(|part| part.name == name);
        let cause = match error {
            // What to do is said once, for all sources.
            CommandError::Partial { failed, asked, days, cause } => {
                format!("cannot pull {failed} of {} ({days}): {cause}", count(asked, "day"))
            }
            error => error.to_string(),
        };
        let lacks = part.map(|part| lacks(part, ranges)).unwrap_or_default();
        Failed { name, cause, lacks, is_there: part.is_some() }
    };
    SeveralError::Failed { failed: causes.into_iter().map(failed).collect(), of, is_joined }
}

/// A note for each source without a metric that another has: its members cannot be scored by it.
fn missing_metrics(parts: &[Part]) -> Vec<String> {
    let has = |part: &Part, metric: &Metric| part.source.queries.contains_key(metric.name());
    let known: BTreeSet<Metric> =
        Metric::ALL.into_iter().filter(|metric| parts.iter().any(|part| has(part, metric))).collect();
    let note = |part: &Part| {
        let lacks: Vec<&str> = known.iter().filter(|metric| !has(part, metric)).map(|metric| metric.name()).collect();
        (!lacks.is_empty()).then(|| {
            let lacks = lacks.join(",");
            format!(
                "source {} has no {lacks}, so its clusters are not scored: use --without {lacks} to score all alike",
                part.name
            )
        })
    };
    parts.iter().filter_map(note).collect()
}
