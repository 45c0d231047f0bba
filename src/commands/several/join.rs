//! Joins the histories of several sources into one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use super::part::Part;
use super::unchanged::{joined_from, unchanged};
use super::{Failed, SeveralError};
use crate::commands::pull::Pulled;
use crate::commands::rewrite::{Day, Days, Rewrite, joined_note, ranges};
use crate::commands::{CommandError, Writing};
use crate::folder::{Manifest, Written, source_folder};
use crate::history::{DayMeta, Footnotes, History, HistoryError, members_in, read_meta};
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
pub(super) struct Joined<'a> {
    /// The description of all sources.
    pub(super) source: &'a Source,
    /// All sources, also those without any day.
    names: &'a [SourceName],
    parts: &'a [Part],
    /// The days of all sources, each with the range that they cover together.
    pub(super) ranges: &'a BTreeMap<UtcDay, TimeRange>,
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
        let ranges = ranges(parts.iter().map(|part| &part.days));
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
        let joined = Joined { source: &source, names: &names, parts: &parts, ranges: &ranges, lives: &lives };
        // `--overwrite` joins all days, also those that another build of this version has joined.
        let kept = match is_same && !self.overwrite {
            true => unchanged(&history, &there, self.earlier, &joined, self.step)?,
            false => Days::new(),
        };
        let unchanged = kept.len();
        self.write(&history, is_same, &joined, kept)?;
        missing_metrics(&parts).iter().for_each(|note| self.run.reporter.note(note));
        let joined = joined_note(&count(parts.len(), "source"), &lives, ranges.len(), started);
        let more = if unchanged > 0 { format!(", {} unchanged", count(unchanged, "day")) } else { String::new() };
        self.run.reporter.note(&(joined + &more));
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

    /// Writes the days except those in `kept`, and the manifest. If the history describes its sources in another way, all
    /// days are written before the first takes its place.
    fn write(&self, history: &History, is_same: bool, of: &Joined<'_>, kept: Days) -> Result<(), CommandError> {
        let &Joined { source, parts, ranges, lives, .. } = of;
        let into = if is_same { history.clone() } else { history.replacement() };
        let rewrite = Rewrite { history: &into, source, step: self.step, lives, run: self.run };
        let days: Vec<UtcDay> = ranges.keys().copied().filter(|day| !kept.contains_key(day)).collect();
        let joined = |day: UtcDay| of.day(day, self.step);
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
        written.extend(kept);
        if self.overwrite {
            history.remove_but(|day| ranges.contains_key(&day))?;
        }
        let asked: Vec<TimeRange> = parts.iter().flat_map(|part| part.asked.iter().copied()).collect();
        Rewrite { history, ..rewrite }.manifest(&asked, written, self.earlier)
    }
}

fn names(outcomes: &[Outcome]) -> Vec<SourceName> {
    outcomes.iter().map(|outcome| outcome.name.clone()).collect()
}

/// The days of a history that can be read. They may have different sources, if a run that joined them was killed.
fn known_days(history: &History) -> Result<Vec<(UtcDay, DayMeta)>, HistoryError> {
    let known = |day| match read_meta(&history.file(day)) {
        Ok(meta) => Some(Ok((day, meta))),
        Err(error) if error.is_elsewhere() => Some(Err(error)),
        Err(_) => None,
    };
    history.days()?.into_iter().filter_map(known).collect()
}

fn lives(parts: &[Part]) -> Lives {
    let mut lives = Lives::default();
    for part in parts {
        part.days.values().for_each(|meta| lives.merge(&meta.lives.renamed(|member| part.named(member))));
    }
    lives
}

impl Joined<'_> {
    /// A day of all sources that have it.
    fn day(&self, day: UtcDay, step: Step) -> Result<Day, HistoryError> {
        let range = self.ranges[&day];
        let (grid, companions) = (Grid::within(range, step), self.source.companions());
        let mut windows = Vec::new();
        for part in self.parts {
            windows.extend(part.read(day, grid, &companions)?);
        }
        let footnotes = self.footnotes(day, step);
        Ok(Day { window: Window::joined(grid, &companions, windows), range, footnotes })
    }

    /// What the footer of a day has besides what is in the files of the sources.
    pub(super) fn footnotes(&self, day: UtcDay, step: Step) -> Footnotes {
        let range = self.ranges[&day];
        let grid = Grid::within(range, step);
        let mut footnotes = Footnotes { joined_from: joined_from(self.parts, day), ..Footnotes::default() };
        self.parts.iter().for_each(|part| footnotes.lives.merge(&part.lives(day, range, grid)));
        for name in self.names {
            match self.parts.iter().find(|part| part.name == *name) {
                Some(part) => footnotes.lacking.add(name, part.lacking(day, range)),
                // Nothing was ever pulled of it.
                None => footnotes.lacking.add(name, [range]),
            }
        }
        footnotes
    }
}

fn lacks(part: &Part, ranges: &BTreeMap<UtcDay, TimeRange>) -> Vec<UtcDay> {
    ranges.iter().filter(|(day, range)| !part.lacking(**day, **range).is_empty()).map(|(day, _)| *day).collect()
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
