//! What is kept of a day: stretches of equal scores and a few figures, not its steps.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};

use super::runs::{Run, runs};
use crate::heatmap::Folding;
use crate::readings::{Member, Window};
use crate::score::{ABSENT, DayScores, ScoreTable, StepState};
use crate::spec::{Companion, Metric};
use crate::time::{CellWidth, HOUR_MS, UtcDay};

/// A reading that is unknown for less than this is taken to have been what it was before.
const SHORT_GAP_MS: i64 = HOUR_MS;
/// A database that shrinks does so from one step to the next (the longest is an hour); over a longer
/// gap nobody knows what else happened.
const DROP_WITHIN_MS: i64 = HOUR_MS;
/// What can be no defragmentation is not kept: growth is slow, and rounding is not a drop.
const LEAST_DROP: f64 = 0.01;

/// What is kept of a UTC day.
#[derive(Clone, Debug)]
pub(crate) struct DayDigest {
    pub(super) members: Vec<MemberDay>,
    pub(super) clusters: Vec<ClusterDay>,
}

/// One member's part.
#[derive(Clone, Debug)]
pub(super) struct MemberDay {
    pub(super) member: Member,
    /// Codes of the score table while it lives.
    pub(super) codes: Vec<Run<u16>>,
    /// Leader changes of the last day.
    pub(super) leader: Vec<Run<f64>>,
    /// When the process was started, seconds since 1970.
    pub(super) started: Vec<Run<f64>>,
    /// The day, and the median size of the database on it.
    pub(super) median_size: Option<(UtcDay, f64)>,
    /// First and last known size with their instants.
    pub(super) sizes: Option<[(i64, f64); 2]>,
    pub(super) drops: Vec<Drop>,
    /// The last known quota; `None` where the history holds none.
    pub(super) quota: Option<f64>,
}

/// One cluster's part.
#[derive(Clone, Debug)]
pub(super) struct ClusterDay {
    pub(super) cluster: Arc<str>,
    /// Its score while it exists.
    pub(super) line: Vec<Run<StepState>>,
    pub(super) hours: Vec<HourSum>,
}

impl DayDigest {
    pub(super) fn new(table: &ScoreTable, folding: Folding, window: &Window, scores: &DayScores) -> Self {
        let hours = folding.zone.cells(&scores.grid, CellWidth::default());
        let members = (0..scores.members.len()).map(|index| MemberDay::new(window, scores, index)).collect();
        let clusters = scores.clusters().map(|indices| {
            let line = folding.rollup.line(table, scores, indices.clone());
            let hours = hours.iter().map(|(cell, steps)| {
                let mut sum = HourSum::new(cell.start_ms, cell.date, cell.minute_of_day / 60);
                for step in steps.clone() {
                    add_step(&mut sum, table, line[step]);
                    for member in indices.clone() {
                        sum.traffic.add(window.row(Metric::ClientTrafficIn, member)[step]);
                    }
                }
                sum
            });
            let hours = hours.filter(|sum| sum.expected > 0).collect();
            let exists = line.iter().map(|state| (*state != StepState::Absent).then_some(*state));
            let line = runs(&scores.grid, exists, 0);
            ClusterDay { cluster: scores.members[indices.start].cluster.clone(), line, hours }
        });
        Self { clusters: clusters.collect(), members }
    }
}

fn add_step(sum: &mut HourSum, table: &ScoreTable, state: StepState) {
    match state {
        StepState::Absent => {}
        StepState::Unknown => sum.expected += 1,
        StepState::Scored(worth) => {
            sum.expected += 1;
            sum.scored += 1;
            sum.lost += table.points(worth.losses.iter().sum());
        }
    }
}

impl MemberDay {
    fn new(window: &Window, scores: &DayScores, index: usize) -> Self {
        let grid = &scores.grid;
        let codes = scores.codes(index).iter().map(|&code| (code != ABSENT).then_some(code));
        let reading = |row: &[f64]| runs(grid, row.iter().map(|v| (!v.is_nan()).then_some(*v)), SHORT_GAP_MS);
        let companion = |c: Companion| window.companions().contains(&c).then(|| window.row(c, index));
        let sizes = window.row(Metric::DbSize, index);
        let mut known: Vec<(i64, f64)> = sizes.iter().enumerate().map(|(step, v)| (grid.at(step), *v)).collect();
        known.retain(|(_, v)| !v.is_nan());
        let drops = known.windows(2).filter_map(|two| Drop::between(two[0], two[1])).collect();
        let ends = known.first().zip(known.last()).map(|(first, last)| [*first, *last]);
        let mut values: Vec<f64> = known.iter().map(|(_, v)| *v).collect();
        let median = super::statistics::median(&mut values);
        Self {
            member: scores.members[index].clone(),
            codes: runs(grid, codes, 0),
            leader: runs(grid, window.row(Metric::LeaderChanges, index).iter().map(|v| counted(*v)), SHORT_GAP_MS),
            started: companion(Companion::StartTime).map(reading).unwrap_or_default(),
            median_size: median.map(|size| (UtcDay::of(grid.first_ms()), size)),
            sizes: ends,
            drops,
            quota: companion(Companion::Quota).and_then(|row| row.iter().rev().find(|v| !v.is_nan()).copied()),
        }
    }
}

/// Changes of a day, as a number of them; more than there are seconds is none that `changes` ever gives.
fn counted(changes: f64) -> Option<f64> {
    const MOST: f64 = 86_400.0;
    (0.0..=MOST).contains(&changes).then_some(changes)
}

/// A database that was smaller at one step than at the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drop {
    pub(super) before_ms: i64,
    pub(super) at_ms: i64,
    pub(super) before: f64,
    pub(super) after: f64,
}

impl Drop {
    /// The drop between two known sizes, if it is one.
    pub(super) fn between(before: (i64, f64), after: (i64, f64)) -> Option<Self> {
        let is_one = after.1 < before.1 * (1.0 - LEAST_DROP) && after.0 - before.0 <= DROP_WITHIN_MS;
        is_one.then_some(Self { before_ms: before.0, at_ms: after.0, before: before.1, after: after.1 })
    }
}

/// A mean in the making.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    pub(super) fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.sum += value;
            self.count += 1;
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    pub(super) fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// One local hour of a cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct HourSum {
    pub(super) start_ms: i64,
    pub(super) date: NaiveDate,
    pub(super) hour: u32,
    /// Points lost, a step each.
    pub(super) lost: f64,
    pub(super) scored: u32,
    pub(super) expected: u32,
    /// Client traffic of a member, bytes per second.
    pub(super) traffic: Mean,
}

impl HourSum {
    fn new(start_ms: i64, date: NaiveDate, hour: u32) -> Self {
        Self { start_ms, date, hour, lost: 0.0, scored: 0, expected: 0, traffic: Mean::default() }
    }

    /// Takes in the same hour of another UTC day.
    pub(super) fn merge(&mut self, other: &Self) {
        self.lost += other.lost;
        self.scored += other.scored;
        self.expected += other.expected;
        self.traffic.merge(other.traffic);
    }

    /// 0 is Monday at midnight, 167 the last hour of Sunday.
    pub(super) fn of_week(&self) -> usize {
        self.date.weekday().num_days_from_monday() as usize * 24 + self.hour as usize
    }
}
