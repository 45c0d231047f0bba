//! Joins the digests of all days into one track for each cluster and member.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::digest::{ClusterDay, DayDigest, Drop, HourSum, MemberDay, Worst};
use super::runs::{Run, append};
use crate::readings::{Life, Lives, Member};
use crate::score::{Entry, ScoreTable, StepState};
use crate::spec::Metric;
use crate::time::{TimeRange, UtcDay};

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
    /// The worst readings by hour, in order of time (see [`ClusterDay`]).
    pub(super) worst: Vec<Worst>,
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

    pub(super) fn name(&self) -> String {
        self.member.member.to_string()
    }

    /// Instants at which the process restarted, in milliseconds: every start time except the first.
    pub(super) fn restarts(&self) -> Vec<i64> {
        let moved = |two: &&[Run<f64>]| two[0].state != two[1].state;
        self.started.windows(2).filter(moved).map(|two| (two[1].state * 1000.0) as i64).collect()
    }

    /// The stretches without any reading except leader changes. An idle reading shows that the member was scraped. The
    /// gauge of leader changes is ignored, because it keeps its value for a day after the last scrape.
    pub(super) fn away<'a>(&'a self, table: &'a ScoreTable) -> impl Iterator<Item = TimeRange> + 'a {
        self.codes.iter().filter(|run| !self.is_seen(table, run.state)).map(Run::span)
    }

    /// The stretches with a reading of any metric other than leader changes.
    pub(super) fn seen<'a>(&'a self, table: &'a ScoreTable) -> impl Iterator<Item = TimeRange> + 'a {
        self.codes.iter().filter(|run| self.is_seen(table, run.state)).map(Run::span)
    }

    fn is_seen(&self, table: &ScoreTable, code: u16) -> bool {
        let Entry { points, idle, .. } = table.look_up(code);
        let is_there = |metric: Metric| points[metric.index()].is_some() || idle[metric.index()];
        Metric::ALL.into_iter().any(|metric| metric.shows_life() && is_there(metric))
    }

    /// The stretches, not joined, in which at least one of these metrics lost points.
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

/// Joins the digests, which must be in order of time; the result is sorted by cluster.
pub(super) fn join(digests: impl IntoIterator<Item = DayDigest>, lives: &Lives) -> Vec<ClusterTrack> {
    let mut clusters: BTreeMap<Arc<str>, ClusterTrack> = BTreeMap::new();
    let mut members: BTreeMap<Member, MemberTrack> =
        lives.iter().map(|(member, life)| (member.clone(), MemberTrack::new(member.clone(), *life))).collect();
    for day in digests {
        for ClusterDay { cluster, line, hours, worst } in day.clusters {
            let track = clusters.entry(cluster.clone()).or_insert_with(|| ClusterTrack {
                cluster,
                line: Vec::new(),
                hours: Vec::new(),
                worst: Vec::new(),
                members: Vec::new(),
            });
            track.worst.extend(worst);
            append(&mut track.line, line);
            for hour in hours {
                match track.hours.last_mut() {
                    // With a UTC offset that is not a whole hour, a local hour may span two UTC days.
                    Some(last) if last.start_ms == hour.start_ms => last.merge(&hour),
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
