//! Digests the days of a history and applies every rule to the joined digests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use super::ledger::Ledger;
use super::problems::{self, OfCluster};
use super::tracks::{ClusterTrack, MemberTrack, Tracks};
use super::{
    DayDigest, Finding, Findings, ProblemCause, away, cluster_size, critical, defragmentation, fragmentation, gone,
    growth, incidents, lacking, leader_changes, leaders, maintenance, mixed_versions, recurrence,
};
use crate::analysis::membership::{ExpectedMembers, LEAST_MS};
use crate::heatmap::Folding;
use crate::readings::{Lives, Origin, Source, SourceName, SourceTimes, Window};
use crate::score::{DayScores, ScoreTable};
use crate::spec::{Companion, Profile};
use crate::time::{Step, TimeRange};

/// Everything that the rules need besides the readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collector<'a> {
    pub(crate) table: &'a ScoreTable,
    /// The profile that `table` was built from.
    pub(crate) profile: &'a Profile,
    /// The rollup of members to clusters, the width of cells, and the time zone.
    pub(crate) folding: Folding,
    pub(crate) step: Step,
    /// When each member was first and last seen.
    pub(crate) lives: &'a Lives,
    /// Range of the history, from its first step to the end of its last.
    pub(crate) range: TimeRange,
    /// How many members each cluster must have, if the user said so.
    pub(crate) expected: &'a ExpectedMembers,
    /// A low score that lasts shorter is no incident.
    pub(crate) min_duration: Duration,
    /// In a history of several sources, the times for which some have no data.
    pub(crate) lacking: &'a SourceTimes,
    /// Where the history comes from.
    pub(crate) origin: &'a Origin,
    /// How far back the rate of defragmentations looks (see [`Self::rate_window_ms`]).
    pub(crate) rate_window_ms: i64,
}

impl Collector<'_> {
    /// [`Self::min_duration`] in milliseconds.
    pub(super) fn min_duration_ms(&self) -> i64 {
        i64::try_from(self.min_duration.as_millis()).unwrap_or(i64::MAX)
    }

    /// The source of a cluster, if the cause of a problem is that it has no data.
    pub(super) fn source_without_data(&self, cause: ProblemCause, cluster: &str) -> Option<String> {
        let lacks = || self.lacking.of_cluster(cluster).map(|(source, _)| source);
        let source = self.origin.source_of(cluster).or_else(lacks).filter(|_| cause == ProblemCause::SourceWithoutData);
        source.map(ToString::to_string)
    }

    /// The companions of the history that [`Self::day`] needs: limits, process start times, and evidence.
    pub(crate) fn companions(source: &Source) -> Vec<Companion> {
        let is_read = |c: &Companion| *c == Companion::StartTime || super::signs::is_looked_at(*c);
        source.companions().into_iter().filter(is_read).collect()
    }

    /// How far back the rate of the time that defragmentations took looks, in milliseconds: `--rate-window` of the pull,
    /// the longest of several sources.
    pub(crate) fn rate_window_ms(source: &Source) -> i64 {
        let of_one = |source: &Source| {
            let query = source.queries.get(Companion::Defragmenting.name());
            super::databases::window_ms(query.map(|query| query.promql.as_str()))
        };
        source.origin.sources().values().map(of_one).max().unwrap_or_else(|| of_one(source))
    }

    /// Digests one day; `scores` must be those of `window`.
    pub(crate) fn day(&self, window: &Window, scores: &DayScores) -> DayDigest {
        DayDigest::new(self.table, self.folding, window, scores)
    }

    /// Joins the digests of days, which must be added in order of time.
    pub(crate) fn tracks(&self) -> Tracks {
        Tracks::new(self.lives, self.rate_window_ms)
    }

    /// Applies all rules to the joined digests.
    pub(crate) fn find(&self, tracks: Tracks) -> Findings {
        let clusters = tracks.into_clusters();
        let source_of = |cluster: &ClusterTrack| self.origin.source_of(&cluster.cluster);
        // If no member of any cluster of a source sent metrics, its Prometheus was probably down.
        let mut of_sources: BTreeMap<Option<&SourceName>, Vec<TimeRange>> = BTreeMap::new();
        for cluster in &clusters {
            let scraped = cluster.members.iter().flat_map(MemberTrack::when_scraped);
            of_sources.entry(source_of(cluster)).or_default().extend(scraped);
        }
        let anybody: BTreeMap<_, Vec<TimeRange>> =
            of_sources.into_iter().map(|(name, scraped)| (name, super::spans::union(scraped))).collect();
        let seen: Vec<Arc<str>> = clusters.iter().map(|cluster| cluster.cluster.clone()).collect();
        // Frees the track of each cluster as soon as it is done.
        let find = |mut cluster: ClusterTrack| {
            let anybody = anybody.get(&source_of(&cluster)).map(Vec::as_slice).unwrap_or_default();
            let mut found = cluster.unpack(|cluster| self.find_in(cluster, anybody));
            found.findings.iter_mut().for_each(Finding::shrink);
            found
        };
        let mut found: Vec<OfCluster> = clusters.into_par_iter().map(find).collect();
        found.extend(problems::unseen(self, gone::unseen(self, &seen)));
        let mut all = OfCluster::default();
        all.findings.reserve_exact(found.iter().map(|of_cluster| of_cluster.findings.len()).sum());
        for of_cluster in found {
            all.findings.extend(of_cluster.findings);
            all.problems.extend(of_cluster.problems);
            all.health.extend(of_cluster.health);
        }
        Findings::of(all.findings, all.problems, all.health).with_lacking(self.lacking_or_silent(&anybody))
    }

    /// The times for which sources have no data, with those from which on nothing of a source was seen any more.
    fn lacking_or_silent(&self, anybody: &BTreeMap<Option<&SourceName>, Vec<TimeRange>>) -> SourceTimes {
        let mut lacking = self.lacking.clone();
        for (source, spans) in anybody {
            let (Some(source), Some(last)) = (source, spans.last()) else { continue };
            let silent = TimeRange { start_ms: last.end_ms, end_ms: self.range.end_ms };
            if silent.end_ms - silent.start_ms >= LEAST_MS {
                lacking.add(source, [silent]);
            }
        }
        lacking
    }

    fn find_in(&self, cluster: &ClusterTrack, anybody: &[TimeRange]) -> OfCluster {
        let ledger = Ledger::new(self.table, &cluster.line);
        let elections = super::elections::Elections::of(self, cluster);
        let low = incidents::Low::of(self, cluster);
        let mut found = incidents::find(self, cluster, &low, &ledger);
        let changes = leader_changes::Changes::of(self, cluster, &elections);
        found.extend(super::storms::find(self, cluster, &low, &ledger, (&elections, &changes)));
        found.extend(critical::find(self, cluster, &found));
        found.extend(away::find(self, cluster, anybody));
        found.extend(lacking::find(self, cluster));
        let schedules = recurrence::find(self, cluster, &found);
        let mut of_cluster = problems::of_cluster(self, cluster, &ledger, found, schedules);
        of_cluster.findings.extend(changes.findings(self, cluster, &elections));
        of_cluster.findings.extend(defragmentation::find(self, cluster));
        of_cluster.findings.extend(growth::find(cluster));
        of_cluster.findings.extend(fragmentation::find(self, cluster));
        let (leaders, are_two_clusters) = leaders::find(self, cluster);
        of_cluster.findings.extend(leaders);
        if !are_two_clusters {
            of_cluster.findings.extend(cluster_size::find(self, cluster));
            of_cluster.findings.extend(mixed_versions::find(self, cluster));
        }
        of_cluster.findings.extend(maintenance::find(self, cluster));
        of_cluster
    }
}
