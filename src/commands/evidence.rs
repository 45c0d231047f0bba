//! What the days of a history say together, and the files that they stand in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use super::CommandError;
use super::days::DaysAtOnce;
use super::progress::Reporter;
use crate::analysis::explain::ScoredWindow;
use crate::folder::{FolderError, Manifest, Written};
use crate::history::{DayMeta, DayMetas, History, HistoryError, read_through};
use crate::readings::{Life, Lives, Member, Source, Window};
use crate::score::{ScoreTable, alive_on, score_window};
use crate::spec::{Companion, METRICS};
use crate::time::{Grid, Step, TimeRange, UtcDay, union_of_ranges};

/// A history that was opened for scoring: what its footers say.
pub(super) struct Opened {
    /// Days with what their footers say, in order.
    pub(super) metas: Vec<(UtcDay, DayMeta)>,
    /// Days whose footer cannot be read.
    pub(super) broken: Vec<(UtcDay, HistoryError)>,
    /// The days together.
    pub(super) overview: Overview,
    /// What they were pulled from.
    pub(super) source: Source,
    /// The distance between two steps.
    pub(super) step: Step,
}

impl Opened {
    /// Reads the footers; an error where no day can be read. The manifest may know ranges that were asked for in vain.
    pub(super) fn of(history: &History, manifest: Option<&Manifest>) -> Result<Self, CommandError> {
        let DayMetas { known: metas, broken } = history.read_metas()?;
        let mut gathered = Gathered::default();
        metas.iter().for_each(|(day, meta)| gathered.add(*day, meta));
        let Some((_, first)) = metas.first() else {
            let error = broken.into_iter().next().map(|(_, error)| error);
            return Err(error.unwrap_or_else(|| HistoryError::Empty(history.out().to_owned())).into());
        };
        let source = first.source.clone();
        gathered.ask(asked_in_vain(manifest, &source, &metas));
        gathered.ask(broken.iter().map(|(day, _)| day.range()));
        let overview = gathered.overview().ok_or_else(|| HistoryError::Empty(history.out().to_owned()))?;
        let step = Step::from_millis(source.step_seconds * 1000)?;
        Ok(Self { metas, broken, overview, source, step })
    }

    /// Reads days of this history, with these companions.
    pub(super) fn reader<'a>(&'a self, history: &'a History, companions: &'a [Companion]) -> DayReader<'a> {
        DayReader { history, companions, asked: &self.overview.asked, step: self.step }
    }
}

/// The ranges that were asked for beside those that the footers of days name. Without a manifest that lists them, a day
/// without a file between two others may have been asked for: it counts as asked for, because an outage could hide there.
pub(super) fn asked_in_vain(
    manifest: Option<&Manifest>,
    source: &Source,
    metas: &[(UtcDay, DayMeta)],
) -> Vec<TimeRange> {
    let listed = manifest.filter(|manifest| manifest.is_of(source)).and_then(Manifest::asked_ranges);
    listed.unwrap_or_else(|| {
        let between =
            |two: &[(UtcDay, DayMeta)]| TimeRange { start_ms: two[0].0.range().end_ms, end_ms: two[1].0.start_ms() };
        metas.windows(2).map(between).collect()
    })
}

/// The manifest of a folder that is about to be written. One that is broken counts as none; one of a later version is
/// an error, because rewriting it would lose what that version stored.
pub(super) fn manifest_to_replace(out: &Path, reporter: &Reporter) -> Result<Option<Manifest>, CommandError> {
    match Manifest::read(out) {
        Err(FolderError::BrokenManifest { path, reason }) => {
            reporter.note(&format!("{} is broken ({reason}) and will be replaced", path.display()));
            Ok(None)
        }
        read => Ok(read?),
    }
}

/// The companions of a history that scoring reads: the limits that readings are judged against, and
/// when processes were started.
pub(super) fn companions_read(table: &ScoreTable, source: &Source) -> Vec<Companion> {
    let is_read = |c: &Companion| *c == Companion::StartTime || table.limits().any(|limit| limit == *c);
    source.companions().into_iter().filter(is_read).collect()
}

/// What is known of a day of the members with these lives.
pub(super) struct ReadDay {
    /// Its readings.
    pub(super) window: Window,
    /// The members of the window, with their lives.
    pub(super) alive: Vec<(Member, Life)>,
    /// Why its file cannot be read, where it cannot.
    pub(super) broken: Option<HistoryError>,
}

/// Reads and scores days of a history.
#[derive(Clone, Copy)]
pub(super) struct DayReader<'a> {
    history: &'a History,
    companions: &'a [Companion],
    asked: &'a [TimeRange],
    step: Step,
}

impl DayReader<'_> {
    /// Reads a day of the members with these lives. Nothing is known of a day that is not there or cannot be read.
    pub(super) fn read(&self, lives: &Lives, day: UtcDay) -> ReadDay {
        let grid = Grid::within(day.range(), self.step);
        let mut alive = alive_on(&grid, lives);
        alive.retain(|(_, life)| {
            let lived = TimeRange { start_ms: life.first_ms, end_ms: life.last_ms + 1 };
            self.asked.iter().filter_map(|range| range.intersect(day.range())).any(|r| r.intersect(lived).is_some())
        });
        let members: Vec<Member> = alive.iter().map(|(member, _)| member.clone()).collect();
        let (mut window, broken) = match self.history.read_window(day, grid, members.clone(), self.companions) {
            Ok(window) => (window, None),
            Err(error) => (Window::unknown(grid, members, self.companions), Some(error)),
        };
        window.limit_to(self.asked);
        ReadDay { window, alive, broken }
    }

    /// How many of these days are read and worked on at once.
    pub(super) fn days_at_once(&self, days: &[UtcDay], lives: &Lives) -> DaysAtOnce {
        DaysAtOnce::of(days, lives, self.step, METRICS + self.companions.len())
    }

    /// Reads and scores a day.
    pub(super) fn score(&self, table: &ScoreTable, lives: &Lives, day: UtcDay) -> (ScoredWindow, Option<HistoryError>) {
        let ReadDay { window, alive, broken } = self.read(lives, day);
        let scores = score_window(table, &window, &alive);
        (ScoredWindow { window, scores }, broken)
    }
}

/// A history as a whole.
pub(super) struct Overview {
    /// From the first step of its first day to the end of its last.
    pub(super) range: TimeRange,
    /// The ranges that were asked for, in order. A failed pull may have asked for more than [`Self::range`].
    pub(super) asked: Vec<TimeRange>,
    /// Who lived when.
    pub(super) lives: Lives,
    /// The days that were asked for and have no file.
    pub(super) missing: Vec<UtcDay>,
    /// The days of which the server said that it left something out.
    pub(super) partial: Vec<UtcDay>,
}

impl Overview {
    /// The days to score: those of the range of which any part was asked for.
    pub(super) fn days(&self) -> Vec<UtcDay> {
        let is_asked = |day: &UtcDay| self.asked.iter().any(|range| range.intersect(day.range()).is_some());
        self.range.days().filter(is_asked).collect()
    }
}

/// What the footers of days say, as far as they have been seen; little of it grows with their number.
#[derive(Default)]
pub(super) struct Gathered {
    days: BTreeMap<UtcDay, GatheredDay>,
    lives: Lives,
    /// Asked for beside what is there.
    asked: Vec<TimeRange>,
}

/// One of the days.
#[derive(Clone, Copy)]
struct GatheredDay {
    range: TimeRange,
    is_partial: bool,
}

impl Gathered {
    /// Adds a day.
    pub(super) fn add(&mut self, day: UtcDay, meta: &DayMeta) {
        self.days.insert(day, GatheredDay { range: meta.range, is_partial: !meta.partial.is_empty() });
        self.lives.merge(&meta.lives);
    }

    /// Adds ranges that were asked for, whatever came of it.
    pub(super) fn ask(&mut self, ranges: impl IntoIterator<Item = TimeRange>) {
        self.asked.extend(ranges);
    }

    /// The days together; `None` where there is none.
    pub(super) fn overview(self) -> Option<Overview> {
        let ((_, first), (_, last)) = (self.days.first_key_value()?, self.days.last_key_value()?);
        let range = TimeRange { start_ms: first.range.start_ms, end_ms: last.range.end_ms };
        let asked = union_of_ranges(self.asked.into_iter().chain(self.days.values().map(|day| day.range)));
        let asked_days: BTreeSet<UtcDay> = asked.iter().flat_map(|range| range.days()).collect();
        let missing = asked_days.into_iter().filter(|day| !self.days.contains_key(day)).collect();
        let partial = self.days.iter().filter(|(_, day)| day.is_partial).map(|(day, _)| *day).collect();
        Some(Overview { range, asked, lives: self.lives, missing, partial })
    }

    /// The parts of days that are still to be pulled. A day that is there in part is asked for as a whole, from the
    /// start of the earlier part to the end of the later one, because a file covers one range; so is a day with partial
    /// answers, unless `partial_will_do`.
    pub(super) fn missing_parts(
        &self,
        parts: Vec<(UtcDay, TimeRange)>,
        partial_will_do: bool,
    ) -> Vec<(UtcDay, TimeRange)> {
        parts
            .into_iter()
            .filter_map(|(day, part)| match self.days.get(&day) {
                Some(have) if have.range.contains(part) && (partial_will_do || !have.is_partial) => None,
                Some(have) => Some((day, have.range.hull(part))),
                None => Some((day, part)),
            })
            .collect()
    }

    /// How many days there are.
    pub(super) fn len(&self) -> usize {
        self.days.len()
    }
}

/// The files of a history with their hashes.
pub(super) fn list_history(history: &History, metas: &[(UtcDay, DayMeta)]) -> Result<Vec<Written>, CommandError> {
    let list = |(day, meta): &(UtcDay, DayMeta)| Ok(Written::read(history.out(), &history.file(*day), meta.rows)?);
    metas.par_iter().map(list).collect()
}

/// The days whose files are whole: as the last manifest knows them or, where it does not (a killed
/// run leaves none), such that every row can be read.
pub(super) fn whole_days(
    history: &History,
    manifest: Option<&Manifest>,
    metas: &[(UtcDay, DayMeta)],
) -> Result<BTreeMap<UtcDay, Written>, CommandError> {
    let listed = manifest.map(|manifest| manifest.history.as_slice()).unwrap_or_default();
    let check = |(day, meta): &(UtcDay, DayMeta)| {
        let path = history.file(*day);
        let file = Written::read(history.out(), &path, meta.rows)?;
        let is_whole = listed.contains(&file) || read_through(&path).is_ok();
        Ok(is_whole.then_some((*day, file)))
    };
    let checked: Vec<Option<(UtcDay, Written)>> = metas.par_iter().map(check).collect::<Result<_, CommandError>>()?;
    Ok(checked.into_iter().flatten().collect())
}
