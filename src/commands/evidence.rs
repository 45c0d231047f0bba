//! What the days of a history say together, and the files that they stand in.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::CommandError;
use crate::analysis::explain::ScoredWindow;
use crate::folder::{Manifest, Written};
use crate::history::{DayMeta, DayMetas, History, HistoryError, read_through};
use crate::readings::Source;
use crate::readings::{Life, Lives, Member, Window};
use crate::score::{ScoreTable, alive_on, score_window};
use crate::spec::Companion;
use crate::time::{Grid, Step, TimeRange, UtcDay};

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
    /// Reads the footers; an error where no day can be read.
    pub(super) fn of(history: &History) -> Result<Self, CommandError> {
        let DayMetas { known: metas, broken } = history.read_metas()?;
        let Some(overview) = Overview::of(&metas) else {
            let error = broken.into_iter().next().map(|(_, error)| error);
            return Err(error.unwrap_or_else(|| HistoryError::Empty(history.out().to_owned())).into());
        };
        let source = metas[0].1.source.clone();
        let step = Step::from_millis(source.step_seconds * 1000)?;
        Ok(Self { metas, broken, overview, source, step })
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

/// Reads a day. One that is not there or cannot be read is one of which nothing is known.
pub(super) fn read_day(history: &History, companions: &[Companion], lives: &Lives, day: UtcDay, step: Step) -> ReadDay {
    let grid = Grid::within(day.range(), step);
    let alive = alive_on(&grid, lives);
    let members: Vec<Member> = alive.iter().map(|(member, _)| member.clone()).collect();
    let (window, broken) = match history.read_window(day, grid, members.clone(), companions) {
        Ok(window) => (window, None),
        Err(error) => (Window::unknown(grid, members, companions), Some(error)),
    };
    ReadDay { window, alive, broken }
}

/// Reads and scores a day.
pub(super) fn score_day(
    history: &History,
    table: &ScoreTable,
    companions: &[Companion],
    lives: &Lives,
    day: UtcDay,
    step: Step,
) -> (ScoredWindow, Option<HistoryError>) {
    let ReadDay { window, alive, broken } = read_day(history, companions, lives, day, step);
    let scores = score_window(table, &window, &alive);
    (ScoredWindow { window, scores }, broken)
}

/// A history as a whole.
pub(super) struct Overview {
    /// From the first step of its first day to the end of its last.
    pub(super) range: TimeRange,
    /// Who lived when.
    pub(super) lives: Lives,
    /// The days in between of which there is no file.
    pub(super) missing: Vec<UtcDay>,
    /// The days of which the server said that it left something out.
    pub(super) partial: Vec<UtcDay>,
}

impl Overview {
    /// Puts together what the footers say; `None` where there is no day.
    pub(super) fn of(metas: &[(UtcDay, DayMeta)]) -> Option<Self> {
        let mut gathered = Gathered::default();
        metas.iter().for_each(|(day, meta)| gathered.add(*day, meta));
        gathered.overview()
    }
}

/// What the footers of days say, as far as they have been seen; little of it grows with their number.
#[derive(Default)]
pub(super) struct Gathered {
    days: BTreeMap<UtcDay, GatheredDay>,
    lives: Lives,
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

    /// The days together; `None` where there is none.
    pub(super) fn overview(self) -> Option<Overview> {
        let ((first, first_day), (last, last_day)) = (self.days.first_key_value()?, self.days.last_key_value()?);
        let missing = first.through(*last).filter(|day| !self.days.contains_key(day)).collect();
        let range = TimeRange { start_ms: first_day.range.start_ms, end_ms: last_day.range.end_ms };
        let partial = self.days.iter().filter(|(_, day)| day.is_partial).map(|(day, _)| *day).collect();
        Some(Overview { range, lives: self.lives, missing, partial })
    }

    /// What is left to pull of these parts of days. A day that is there in part is pulled again, so that its file
    /// covers what was asked for before and now; so is one with partial answers, unless these will do.
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
    metas: &[(UtcDay, DayMeta)],
) -> Result<BTreeMap<UtcDay, Written>, CommandError> {
    let listed = Manifest::read(history.out()).map(|m| m.history).unwrap_or_default();
    let check = |(day, meta): &(UtcDay, DayMeta)| {
        let path = history.file(*day);
        let file = Written::read(history.out(), &path, meta.rows)?;
        let is_whole = listed.contains(&file) || read_through(&path).is_ok();
        Ok(is_whole.then_some((*day, file)))
    };
    let checked: Vec<Option<(UtcDay, Written)>> = metas.par_iter().map(check).collect::<Result<_, CommandError>>()?;
    Ok(checked.into_iter().flatten().collect())
}
