//! Adds up the scores of a UTC day, cell by cell.

use std::borrow::Cow;
use std::ops::Range;

use chrono::NaiveDate;
use polars::prelude::*;

use super::{AFTER_RESTART, Folding, IDLE, NO_MIN, PARTIAL, SCORE_MIN, SCORE_SUM};
use crate::score::{DayScores, Rollup, ScoreTable, StepState};
use crate::spec::{METRICS, Metric};
use crate::time::{LocalCell, count_within};

/// The sums of one cell: counts of steps, and scores and losses as integers.
/// One point is [`ScoreTable::denominator`] units.
#[derive(Clone, Copy)]
struct CellSums {
    sum: u64,
    min: i64,
    scored: i64,
    expected: i64,
    idle: i64,
    after_restart: i64,
    partial: i64,
    losses: [u64; METRICS],
}

impl CellSums {
    /// The sums over stretches of steps with the same state.
    fn over(stretches: impl Iterator<Item = (StepState, usize)>) -> Self {
        let (sum, min, losses) = (0, NO_MIN, [0; METRICS]);
        let mut cell = Self { sum, min, scored: 0, expected: 0, idle: 0, after_restart: 0, partial: 0, losses };
        for (state, steps) in stretches {
            cell.expected += if state == StepState::Absent { 0 } else { steps as i64 };
            cell.idle += if state == StepState::Idle { steps as i64 } else { 0 };
            let StepState::Scored(worth) = state else { continue };
            cell.scored += steps as i64;
            cell.sum += worth.score * steps as u64;
            cell.min = cell.min.min(worth.score as i64);
            for (total, loss) in cell.losses.iter_mut().zip(worth.losses) {
                *total += loss * steps as u64;
            }
        }
        cell
    }
}

/// The states of a day's steps.
enum Line<'a> {
    States(Vec<StepState>),
    /// Codes, which stand for states.
    Codes(&'a ScoreTable, Cow<'a, [u16]>),
}

impl<'a> Line<'a> {
    fn of_cluster(table: &'a ScoreTable, rollup: Rollup, scores: &DayScores, members: Range<usize>) -> Self {
        match rollup.codes(table, scores, members.clone()) {
            Some(codes) => Self::Codes(table, codes.into()),
            None => Self::States(rollup.line(table, scores, members)),
        }
    }

    fn state(&self, step: usize) -> StepState {
        match self {
            Self::States(states) => states[step],
            Self::Codes(table, codes) => table.state(codes[step]),
        }
    }

    /// The sums of these steps. Looks up each stretch of equal codes once.
    fn sums(&self, steps: Range<usize>) -> CellSums {
        match self {
            Self::States(states) => CellSums::over(states[steps].iter().map(|state| (*state, 1))),
            Self::Codes(table, codes) => {
                let stretches = codes[steps].chunk_by(|a, b| a == b);
                CellSums::over(stretches.map(|codes| (table.state(codes[0]), codes.len())))
            }
        }
    }
}

/// Collects rows of sums as the columns of a frame.
#[derive(Default)]
struct SumColumns {
    levels: Vec<&'static str>,
    clusters: Vec<String>,
    members: Vec<Option<String>>,
    places: Vec<LocalCell>,
    cells: Vec<CellSums>,
}

impl SumColumns {
    /// Adds one row per cell of a cluster, or of a single member. Cells without expected steps are skipped.
    fn add_line(
        &mut self,
        scores: &DayScores,
        places: &[(LocalCell, Range<usize>)],
        members: Range<usize>,
        level: &'static str,
        line: &Line<'_>,
    ) {
        let of = &scores.members[members.start];
        let restarts = match level {
            "cluster" => scores.after_restart_of_voters(members),
            _ => scores.after_restart(members),
        };
        let restarts = restarts.unwrap_or_default();
        let partial = scores.partial.of_cluster(&of.cluster);
        for (place, steps) in places {
            let mut cell = line.sums(steps.clone());
            if cell.expected > 0 {
                cell.after_restart = count_within(&restarts, steps) as i64;
                if !partial.is_empty() {
                    let is_there = |step: &usize| line.state(*step) != StepState::Absent;
                    let marked = steps.clone().filter(|step| partial.iter().any(|steps| steps.contains(step)));
                    cell.partial = marked.filter(is_there).count() as i64;
                }
                self.levels.push(level);
                self.clusters.push(of.cluster.to_string());
                self.members.push((level == "member").then(|| of.member.to_string()));
                self.places.push(*place);
                self.cells.push(cell);
            }
        }
    }

    fn into_frame(self) -> PolarsResult<DataFrame> {
        let sums = |name: &str, value: fn(&CellSums) -> i64| {
            Column::new(name.into(), self.cells.iter().map(value).collect::<Vec<i64>>())
        };
        let place = |name: &str, value: fn(&LocalCell) -> i32| {
            Column::new(name.into(), self.places.iter().map(value).collect::<Vec<i32>>())
        };
        let mut columns = vec![
            Column::new("level".into(), &self.levels),
            Column::new("cluster".into(), &self.clusters),
            Column::new("member".into(), &self.members),
            Column::new("start".into(), self.places.iter().map(|p| p.start_ms).collect::<Vec<i64>>()),
            place("date", |p| (p.date - NaiveDate::default()).num_days() as i32),
            place("hour", |p| (p.minute_of_day / 60) as i32),
            place("minute", |p| (p.minute_of_day % 60) as i32),
            place("utc_offset_minutes", |p| p.utc_offset_minutes),
            sums(SCORE_SUM, |c| c.sum as i64),
            sums(SCORE_MIN, |c| c.min),
            sums("steps_scored", |c| c.scored),
            sums("steps_expected", |c| c.expected),
            sums(IDLE, |c| c.idle),
            sums(AFTER_RESTART, |c| c.after_restart),
            sums(PARTIAL, |c| c.partial),
        ];
        for metric in Metric::ALL {
            let losses: Vec<i64> = self.cells.iter().map(|c| c.losses[metric.index()] as i64).collect();
            columns.push(Column::new(metric.loss_column().into(), losses));
        }
        DataFrame::new_infer_height(columns)
    }
}

/// Adds up the scores of a UTC day. The frame has one row for each cell of a cluster or member that has
/// expected steps on this day.
pub(crate) fn sum_day(table: &ScoreTable, folding: Folding, scores: &DayScores) -> PolarsResult<DataFrame> {
    let mut columns = SumColumns::default();
    let places = folding.zone.cells(&scores.grid, folding.width);
    for members in scores.clusters() {
        let line = Line::of_cluster(table, folding.rollup, scores, members.clone());
        columns.add_line(scores, &places, members.clone(), "cluster", &line);
        for index in members {
            let line = Line::Codes(table, scores.codes(index).into());
            columns.add_line(scores, &places, index..index + 1, "member", &line);
        }
    }
    columns.into_frame()
}

/// Like [`sum_day`], but for clusters only, without the rows of members.
pub(crate) fn sum_clusters(table: &ScoreTable, folding: Folding, scores: &DayScores) -> PolarsResult<DataFrame> {
    let mut columns = SumColumns::default();
    let places = folding.zone.cells(&scores.grid, folding.width);
    for members in scores.clusters() {
        let line = Line::of_cluster(table, folding.rollup, scores, members.clone());
        columns.add_line(scores, &places, members, "cluster", &line);
    }
    columns.into_frame()
}
