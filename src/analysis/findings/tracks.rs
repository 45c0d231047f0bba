//! The digests of all days, put together by cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};

use super::digest::{ClusterDay, DayDigest, MemberDay};
use crate::readings::{Life, Lives, Member};
use crate::score::{ScoreTable, StepState};
use crate::spec::Metric;
use crate::time::{TimeRange, UtcDay};

/// A stretch in which a state does not change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run<T> {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) state: T,
}

impl<T> Run<T> {
    pub(super) fn span(&self) -> TimeRange {
        TimeRange { start_ms: self.start_ms, end_ms: self.end_ms }
    }
}

/// Those of the stretches, which are in order, that lie in a range in part.
pub(super) fn within<T>(runs: &[Run<T>], range: TimeRange) -> &[Run<T>] {
    let from = runs.partition_point(|run| run.end_ms <= range.start_ms);
    let to = runs.partition_point(|run| run.start_ms < range.end_ms);
    &runs[from.min(to)..to]
}

/// A database that was smaller at one step than at the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drop {
    pub(super) before_ms: i64,
    pub(super) at_ms: i64,
    pub(super) before: f64,
    pub(super) after: f64,
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
    /// 0 is Monday at midnight, 167 the last hour of Sunday.
    pub(super) fn of_week(&self) -> usize {
        self.date.weekday().num_days_from_monday() as usize * 24 + self.hour as usize
    }
}

/// One member over the whole range.
#[derive(Debug)]
pub(super) struct MemberTrack {
    pub(super) member: Member,
    pub(super) life: Life,
    pub(super) codes: Vec<Run<u16>>,
    pub(super) leader: Vec<Run<f64>>,
    pub(super) started: Vec<Run<f64>>,
    pub(super) median_sizes: Vec<(UtcDay, f64)>,
    pub(super) drops: Vec<Drop>,
    pub(super) quota: Option<f64>,
    last_size: Option<(i64, f64)>,
}

/// One cluster over the whole range.
#[derive(Debug)]
pub(super) struct ClusterTrack {
    pub(super) cluster: Arc<str>,
    pub(super) line: Vec<Run<StepState>>,
    pub(super) hours: Vec<HourSum>,
    pub(super) members: Vec<MemberTrack>,
}

impl MemberTrack {
    fn new(member: Member, life: Life) -> Self {
        let (codes, leader, started) = (Vec::new(), Vec::new(), Vec::new());
        let (median_sizes, drops) = (Vec::new(), Vec::new());
        Self { member, life, codes, leader, started, median_sizes, drops, quota: None, last_size: None }
    }

    fn add(&mut self, day: MemberDay) {
        append(&mut self.codes, day.codes);
        append(&mut self.leader, day.leader);
        append(&mut self.started, day.started);
        self.median_sizes.extend(day.median_size);
        if let Some([first, last]) = day.sizes {
            self.drops.extend(self.last_size.and_then(|before| Drop::between(before, first)));
            self.last_size = Some(last);
        }
        self.drops.extend(day.drops);
        self.quota = day.quota.or(self.quota);
    }

    /// Its name.
    pub(super) fn name(&self) -> String {
        self.member.member.to_string()
    }

    /// When its process was started anew, in milliseconds since 1970: the start times that follow another.
    pub(super) fn restarts(&self) -> Vec<i64> {
        let moved = |two: &&[Run<f64>]| two[0].state != two[1].state;
        self.started.windows(2).filter(moved).map(|two| (two[1].state * 1000.0) as i64).collect()
    }

    /// The stretches at which nothing but the one-day window of leader changes is known of it.
    pub(super) fn away<'a>(&'a self, table: &'a ScoreTable) -> impl Iterator<Item = TimeRange> + 'a {
        self.codes.iter().filter(|run| !self.is_seen(table, run.state)).map(Run::span)
    }

    /// The stretches at which something else is known.
    pub(super) fn seen<'a>(&'a self, table: &'a ScoreTable) -> impl Iterator<Item = TimeRange> + 'a {
        self.codes.iter().filter(|run| self.is_seen(table, run.state)).map(Run::span)
    }

    fn is_seen(&self, table: &ScoreTable, code: u16) -> bool {
        let points = &table.look_up(code).points;
        Metric::ALL.into_iter().any(|metric| metric.shows_life() && points[metric.index()].is_some())
    }

    /// The stretches at which one of these metrics lost points.
    pub(super) fn losing<'a>(
        &'a self,
        table: &'a ScoreTable,
        metrics: &'a [Metric],
    ) -> impl Iterator<Item = TimeRange> + 'a {
        let loses = move |code: u16| {
            let points = &table.look_up(code).points;
            metrics.iter().any(|metric| points[metric.index()].is_some_and(|points| points < 10.0))
        };
        self.codes.iter().filter(move |run| loses(run.state)).map(Run::span)
    }
}

fn append<T: PartialEq + Copy>(track: &mut Vec<Run<T>>, day: Vec<Run<T>>) {
    for run in day {
        match track.last_mut() {
            Some(last) if last.state == run.state && last.end_ms == run.start_ms => last.end_ms = run.end_ms,
            _ => track.push(run),
        }
    }
}

/// Puts days together, which come in order; sorted by cluster.
pub(super) fn join(digests: impl IntoIterator<Item = DayDigest>, lives: &Lives) -> Vec<ClusterTrack> {
    let mut clusters: BTreeMap<Arc<str>, ClusterTrack> = BTreeMap::new();
    let mut members: BTreeMap<Member, MemberTrack> =
        lives.iter().map(|(member, life)| (member.clone(), MemberTrack::new(member.clone(), *life))).collect();
    for day in digests {
        for ClusterDay { cluster, line, hours } in day.clusters {
            let track = clusters.entry(cluster.clone()).or_insert_with(|| ClusterTrack {
                cluster,
                line: Vec::new(),
                hours: Vec::new(),
                members: Vec::new(),
            });
            append(&mut track.line, line);
            for hour in hours {
                match track.hours.last_mut() {
                    // A local hour may lie across two UTC days.
                    Some(last) if last.start_ms == hour.start_ms => merge(last, &hour),
                    _ => track.hours.push(hour),
                }
            }
        }
        for part in day.members {
            if let Some(track) = members.get_mut(&part.member) {
                track.add(part);
            }
        }
    }
    for (member, track) in members {
        if let Some(cluster) = clusters.get_mut(&member.cluster) {
            cluster.members.push(track);
        }
    }
    clusters.into_values().collect()
}

fn merge(sum: &mut HourSum, other: &HourSum) {
    sum.lost += other.lost;
    sum.scored += other.scored;
    sum.expected += other.expected;
    sum.traffic.merge(other.traffic);
}
