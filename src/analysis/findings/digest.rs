//! Reduces a day to what the rules need: stretches of equal scores and a few figures, instead of
//! a value for each step.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};

use super::databases::DatabaseDay;
use super::runs::{Run, runs};
use super::signs::{self, Signs};
use crate::heatmap::Folding;
use crate::readings::{Member, Window};
use crate::score::{ABSENT, DayScores, ScoreTable, StepState};
use crate::spec::{Companion, METRICS, Metric};
use crate::time::{CellWidth, HOUR_MS};

/// If a value is missing for at most this long and is then the same as before, the gap counts as unchanged.
const SHORT_GAP_MS: i64 = HOUR_MS;

/// What findings keep of one UTC day.
#[derive(Clone, Debug)]
pub(crate) struct DayDigest {
    pub(super) members: Vec<MemberDay>,
    pub(super) clusters: Vec<ClusterDay>,
}

/// One member's part of a digest.
#[derive(Clone, Debug)]
pub(super) struct MemberDay {
    pub(super) member: Member,
    /// Codes of the score table between first and last seen.
    pub(super) codes: Vec<Run<u16>>,
    /// The gauge of leader changes within the last 24 hours.
    pub(super) leader: Vec<Run<f64>>,
    /// Process start time, in seconds since 1970.
    pub(super) started: Vec<Run<f64>>,
    pub(super) database: DatabaseDay,
    /// Version of the process, as a number.
    pub(super) version: Vec<Run<f64>>,
    pub(super) signs: Vec<Run<Signs>>,
}

/// One cluster's part of a digest.
#[derive(Clone, Debug)]
pub(super) struct ClusterDay {
    pub(super) cluster: Arc<str>,
    /// The cluster's state while any of its members is expected.
    pub(super) line: Vec<Run<StepState>>,
    pub(super) hours: Vec<HourSum>,
    /// The worst reading of each metric in each hour in which the metric cost a member points.
    pub(super) worst: Vec<Worst>,
}

/// The worst reading of a metric in an hour: the highest, or the one nearest to its limit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Worst {
    pub(crate) metric: Metric,
    pub(crate) member: Arc<str>,
    /// The step, milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// The reading, in the unit of the metric.
    pub(crate) value: f64,
    /// The limit at that step, if thresholds are shares of it.
    pub(crate) limit: Option<f64>,
}

impl Worst {
    /// The figure that thresholds apply to: the reading, or its share of the limit.
    pub(crate) fn judged(&self) -> f64 {
        self.limit.map_or(self.value, |limit| self.value / limit)
    }

    /// The worse of two; of equal ones, the earlier.
    pub(super) fn or(self, other: Self) -> Self {
        let (mine, others) = (self.judged(), other.judged());
        if others > mine || (others.total_cmp(&mine).is_eq() && other.at_ms < self.at_ms) { other } else { self }
    }
}

impl DayDigest {
    pub(super) fn new(table: &ScoreTable, folding: Folding, window: &Window, scores: &DayScores) -> Self {
        let hours = folding.zone.cells(&scores.grid, CellWidth::default());
        let members = (0..scores.members.len()).map(|index| MemberDay::new(window, scores, index)).collect();
        let losing = losing_metrics(table);
        let clusters = scores.clusters().map(|indices| {
            let worst = hours.iter().flat_map(|(_, steps)| worst_of(table, &losing, window, scores, &indices, steps));
            let worst = worst.collect();
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
            ClusterDay { cluster: scores.members[indices.start].cluster.clone(), line, hours, worst }
        });
        Self { clusters: clusters.collect(), members }
    }
}

/// For each code of the table, the metrics that get fewer than 10 points, whether or not they have a weight.
fn losing_metrics(table: &ScoreTable) -> Vec<Vec<Metric>> {
    let of_code = |code: u16| {
        let points = &table.look_up(code).points;
        Metric::ALL.into_iter().filter(|m| points[m.index()].is_some_and(|points| points < 10.0)).collect()
    };
    (0..table.len() as u16).map(of_code).collect()
}

/// The worst reading of each metric among the members with these indices that vote, at the steps of one hour.
fn worst_of(
    table: &ScoreTable,
    losing: &[Vec<Metric>],
    window: &Window,
    scores: &DayScores,
    members: &std::ops::Range<usize>,
    steps: &std::ops::Range<usize>,
) -> Vec<Worst> {
    let mut worst: [Option<Worst>; METRICS] = [const { None }; METRICS];
    for member in members.clone() {
        let codes = scores.voting_codes(member);
        for (step, code) in steps.clone().zip(&codes[steps.clone()]) {
            for metric in losing.get(usize::from(*code)).into_iter().flatten() {
                let limit = table.limit(*metric).map(|limit| window.row(limit, member)[step]);
                let value = window.row(*metric, member)[step];
                let at_ms = scores.grid.at(step);
                let one = Worst { metric: *metric, member: scores.members[member].member.clone(), at_ms, value, limit };
                let place = &mut worst[metric.index()];
                *place = Some(match place.take() {
                    Some(before) => before.or(one),
                    None => one,
                });
            }
        }
    }
    worst.into_iter().flatten().collect()
}

fn add_step(sum: &mut HourSum, table: &ScoreTable, state: StepState) {
    match state {
        StepState::Absent => {}
        StepState::Unknown => sum.expected += 1,
        StepState::Idle => {
            sum.expected += 1;
            sum.idle += 1;
        }
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
        Self {
            member: scores.members[index].clone(),
            codes: runs(grid, codes, 0),
            leader: runs(grid, window.row(Metric::LeaderChanges, index).iter().map(|v| counted(*v)), SHORT_GAP_MS),
            started: companion(Companion::StartTime).map(reading).unwrap_or_default(),
            version: companion(Companion::ServerVersion).map(reading).unwrap_or_default(),
            database: DatabaseDay::new(window, index),
            signs: signs::of_day(window, scores, index),
        }
    }
}

/// Filters out values that `changes()` over one day cannot return, such as those of a custom query: with at most
/// one change a second, a day has at most 86,400.
fn counted(changes: f64) -> Option<f64> {
    const MOST: f64 = 86_400.0;
    (0.0..=MOST).contains(&changes).then_some(changes)
}

/// A running mean that ignores NaN and can be merged.
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
    /// Sum of the points lost at each scored step.
    pub(super) lost: f64,
    pub(super) scored: u32,
    pub(super) expected: u32,
    pub(super) idle: u32,
    /// Incoming client traffic, averaged over members and steps, in bytes per second.
    pub(super) traffic: Mean,
}

impl HourSum {
    fn new(start_ms: i64, date: NaiveDate, hour: u32) -> Self {
        Self { start_ms, date, hour, lost: 0.0, scored: 0, expected: 0, idle: 0, traffic: Mean::default() }
    }

    /// Adds the part of the same local hour that lies in another UTC day.
    pub(super) fn merge(&mut self, other: &Self) {
        self.lost += other.lost;
        self.scored += other.scored;
        self.expected += other.expected;
        self.idle += other.idle;
        self.traffic.merge(other.traffic);
    }

    /// Hour of the week: 0 begins on Monday at 00:00, and 167 is the last hour of Sunday.
    pub(super) fn of_week(&self) -> usize {
        self.date.weekday().num_days_from_monday() as usize * 24 + self.hour as usize
    }
}
