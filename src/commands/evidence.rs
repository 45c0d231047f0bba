//! What the days of a history say together, and the files that they stand in.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::CommandError;
use crate::explain::ScoredWindow;
use crate::export::{Manifest, Written};
use crate::history::{DayMeta, DayMetas, History, HistoryError, Source, read_through};
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
        let ((first, first_meta), (last, last_meta)) = (metas.first()?, metas.last()?);
        let mut lives = Lives::default();
        for (_, meta) in metas {
            lives.merge(&meta.lives);
        }
        let there: Vec<UtcDay> = metas.iter().map(|(day, _)| *day).collect();
        let missing = first.through(*last).filter(|day| there.binary_search(day).is_err()).collect();
        let range = TimeRange { start_ms: first_meta.range.start_ms, end_ms: last_meta.range.end_ms };
        let partial = metas.iter().filter(|(_, meta)| !meta.partial.is_empty()).map(|(day, _)| *day).collect();
        Some(Self { range, lives, missing, partial })
    }
}

/// The files of a history with their hashes: those whose hash is known, the rest by reading them.
pub(super) fn list_history(
    history: &History,
    metas: &[(UtcDay, DayMeta)],
    hashed: &BTreeMap<UtcDay, Written>,
) -> Result<Vec<Written>, CommandError> {
    let list = |(day, meta): &(UtcDay, DayMeta)| match hashed.get(day) {
        Some(file) => Ok(file.clone()),
        None => Ok(Written::read(history.out(), &history.file(*day), meta.rows)?),
    };
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
