//! Joins the digests of all days into one track for each cluster and member.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::databases::DatabaseTrack;
use super::digest::{ClusterDay, DayDigest, HourSum, MemberDay, Worst};
use super::packed_runs::PackedRuns;
use super::runs::{Run, append, within};
use super::signs::Signs;
use super::spans::union;
use crate::readings::{Life, Lives, Member};
use crate::score::{Entry, ScoreTable, StepState};
use crate::spec::Metric;
use crate::time::TimeRange;

/// One member over the whole range.
#[derive(Debug)]
pub(super) struct MemberTrack {
    pub(super) member: Member,
    pub(super) life: Life,
    /// Codes of the score table; empty outside of [`ClusterTrack::unpack`].
    pub(super) codes: Vec<Run<u16>>,
    packed_codes: PackedRuns<u16>,
    pub(super) leader: Vec<Run<f64>>,
    pub(super) started: Vec<Run<f64>>,
    /// The version of the process, as a number.
    pub(super) version: Vec<Run<f64>>,
    pub(super) database: DatabaseTrack,
    /// Empty outside of [`ClusterTrack::unpack`].
    pub(super) signs: Vec<Run<Signs>>,
    packed_signs: PackedRuns<Signs>,
}

/// One cluster over the whole range.
#[derive(Debug)]
pub(super) struct ClusterTrack {
    pub(super) cluster: Arc<str>,
    /// The cluster's state while any of its members is expected; empty outside of [`Self::unpack`].
    pub(super) line: Vec<Run<StepState>>,
    packed_line: PackedRuns<StepState>,
    pub(super) hours: Vec<HourSum>,
    /// The worst readings by hour, in order of time (see [`ClusterDay`]).
    pub(super) worst: Vec<Worst>,
    pub(super) members: Vec<MemberTrack>,
}

impl MemberTrack {
    fn new(member: Member, life: Life) -> Self {
        let (codes, leader, started, version, signs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (packed_codes, packed_signs) = (PackedRuns::default(), PackedRuns::default());
        let database = DatabaseTrack::default();
        Self { member, life, codes, packed_codes, leader, started, version, database, signs, packed_signs }
    }

    fn add(&mut self, day: MemberDay, window_ms: i64) {
        self.packed_codes.append(day.codes);
        append(&mut self.leader, day.leader);
        append(&mut self.started, day.started);
        append(&mut self.version, day.version);
        self.packed_signs.append(day.signs);
        self.database.add(day.database, window_ms);
    }

    fn unpack(&mut self) {
        self.codes = self.packed_codes.iter().collect();
        self.signs = self.packed_signs.iter().collect();
    }

    fn pack(&mut self) {
        (self.codes, self.signs) = (Vec::new(), Vec::new());
    }

    /// When its samples arrived. Unlike [`Self::scraped`], it needs no unpacking.
    pub(super) fn when_scraped(&self) -> Vec<TimeRange> {
        union(self.packed_signs.iter().filter(|run| run.state.is_scraped).map(|run| run.span()))
    }

    pub(super) fn name(&self) -> String {
        self.member.member.to_string()
    }

    /// Instants at which the process restarted, in milliseconds: every start time except the first.
    pub(super) fn restarts(&self) -> Vec<i64> {
        self.starts().map(|(_, started)| (started.state * 1000.0) as i64).collect()
    }

    /// Each start of the process except the first: the process before, and the new one, with its start time in seconds.
    pub(super) fn starts(&self) -> impl Iterator<Item = (&Run<f64>, &Run<f64>)> {
        let pairs = self.started.windows(2).map(|two| (&two[0], &two[1]));
        pairs.filter(|(before, after)| before.state != after.state)
    }

    /// The versions before and after a start of the process, if they are known and differ. Steps decide, and not the start time
    /// itself: a member's clock may be wrong.
    pub(super) fn new_version(&self, started_ms: i64) -> Option<(f64, f64)> {
        let is_it = |run: &Run<f64>| (run.state * 1000.0) as i64 == started_ms;
        let (old, new) = self.starts().find(|(_, new)| is_it(new))?;
        let known = |of: &Run<f64>| within(&self.version, of.span());
        let before = known(old).last()?.state;
        let after = known(new).first()?.state;
        (before != after).then_some((before, after))
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

impl ClusterTrack {
    fn new(cluster: Arc<str>) -> Self {
        let (line, packed_line) = (Vec::new(), PackedRuns::default());
        Self { cluster, line, packed_line, hours: Vec::new(), worst: Vec::new(), members: Vec::new() }
    }

    /// Calls `work` while the lines of the cluster and of its members are there: they need five times the memory of their
    /// packed form, so few clusters are unpacked at once.
    pub(super) fn unpack<T>(&mut self, work: impl FnOnce(&Self) -> T) -> T {
        self.line = self.packed_line.iter().collect();
        self.members.iter_mut().for_each(MemberTrack::unpack);
        let done = work(self);
        self.line = Vec::new();
        self.members.iter_mut().for_each(MemberTrack::pack);
        done
    }

    fn add(&mut self, day: ClusterDay) {
        self.worst.extend(day.worst);
        self.packed_line.append(day.line);
        for hour in day.hours {
            match self.hours.last_mut() {
                // With a UTC offset that is not a whole hour, a local hour may span two UTC days.
                Some(last) if last.start_ms == hour.start_ms => last.merge(&hour),
                _ => self.hours.push(hour),
            }
        }
    }
}

/// Joins the digests of all days. Adding each day as soon as it is digested needs less memory than keeping the digests
/// until the last one is there.
#[derive(Debug)]
pub(crate) struct Tracks {
    clusters: BTreeMap<Arc<str>, ClusterTrack>,
    members: BTreeMap<Member, MemberTrack>,
    /// How far the rate of defragmentations looks back, in milliseconds.
    window_ms: i64,
}

impl Tracks {
    pub(super) fn new(lives: &Lives, window_ms: i64) -> Self {
        let track = |(member, life): (&Member, &Life)| (member.clone(), MemberTrack::new(member.clone(), *life));
        Self { clusters: BTreeMap::new(), members: lives.iter().map(track).collect(), window_ms }
    }

    /// Adds the next day; days must come in order of time.
    pub(crate) fn add(&mut self, day: DayDigest) {
        for part in day.clusters {
            let cluster = part.cluster.clone();
            self.clusters.entry(cluster.clone()).or_insert_with(|| ClusterTrack::new(cluster)).add(part);
        }
        for part in day.members {
            if let Some(track) = self.members.get_mut(&part.member) {
                track.add(part, self.window_ms);
            }
        }
    }

    /// The clusters with their members, both sorted by name.
    pub(super) fn into_clusters(mut self) -> Vec<ClusterTrack> {
        for (member, track) in self.members {
            if let Some(cluster) = self.clusters.get_mut(&member.cluster) {
                cluster.members.push(track);
            }
        }
        self.clusters.into_values().collect()
    }
}
