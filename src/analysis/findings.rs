//! Turns scores and readings into a list of what an operator should look at: incidents, leader changes and their
//! causes, incidents that recur daily or weekly, defragmentation, growth toward the quota,
//! and a quiet time for maintenance.
//!
//! Each day is reduced to a [`DayDigest`] of a few stretches for each member. Days are digested in parallel, and memory
//! grows with the number of changes, not with the number of steps. [`Collector::find`] joins the digests and applies
//! the rules. Every threshold is a constant beside its rule, with the reason for its value; every finding carries its
//! rule and its evidence. Files and pages are written in `outputs`.

mod anomalies;
mod away;
#[cfg(test)]
mod cause_tests;
mod causes;
mod cluster_size;
mod collector;
mod critical;
mod databases;
mod defragmentation;
mod digest;
mod elections;
mod evidence;
mod fragmentation;
mod full;
mod gone;
mod growth;
mod incidents;
mod lacking;
mod leader_changes;
mod leaders;
mod leadership;
mod ledger;
mod maintenance;
#[cfg(test)]
mod member_tests;
mod mixed_versions;
mod noted;
mod packed_runs;
mod problems;
mod recurrence;
mod rules;
mod runs;
mod signs;
mod spans;
mod spells;
mod statistics;
mod storms;
#[cfg(test)]
mod tests;
mod told;
mod tracks;

pub(crate) use causes::ProblemCause;
pub(crate) use collector::Collector;
pub(crate) use digest::{DayDigest, Worst};
pub(crate) use evidence::{Evidence, Figure};
pub(crate) use noted::Noted;
pub(crate) use problems::{ClusterHealth, Problem, Shape, Verdict};
pub(crate) use rules::RULES;
pub(super) use statistics::median;
pub(crate) use told::{duration, reading, reading_number, threshold};

use std::borrow::Cow;

use crate::analysis::membership::Staffing;
use crate::readings::SourceTimes;
use crate::spec::Metric;
use crate::text::named::named;
use crate::time::TimeRange;

named! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub(crate) enum Kind {
        /// A cluster scored lower than usual, or a member sent no metrics or went for good.
        Incident = "incident",
        /// The members of a cluster elected another leader.
        LeaderChange = "leader_change",
        /// Incidents recur at an hour of the day or of the week.
        Recurrence = "recurrence",
        /// The database of one or more members shrank.
        Defragmentation = "defragmentation",
        /// A database grows and will reach its quota.
        Growth = "growth",
        /// Much of the database of one or more members is free at the end of the history.
        Fragmentation = "fragmentation",
        /// A cluster ran with an even number of members.
        ClusterSize = "cluster_size",
        /// The members of a cluster run different versions for longer than an upgrade takes.
        MixedVersions = "mixed_versions",
        /// Two members of a cluster led at the same time.
        TwoLeaders = "two_leaders",
        /// The two consecutive hours of the week (or day) at which a cluster is quietest.
        MaintenanceWindow = "maintenance_window",
        /// A metric of a member left the interval of a model that had not seen it. Only with a forecast.
        Anomaly = "anomaly",
    }
    parsed "unknown kind of finding"
}

named! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub(crate) enum Cause {
        /// The process of the member that led ended, or a member's process stopped or started near the change.
        Restart = "restart",
        /// The process of the member that led started again with another version of etcd.
        Upgrade = "upgrade",
        /// The process of the member that led hung.
        ProcessStopped = "process_stopped",
        /// The disk of the member that led was slow, or a member's disk before the change.
        SlowDisk = "slow_disk",
        /// The member that led was cut off from the others, or far from them.
        Network = "network",
        /// The member that led got more requests than it could handle.
        Overload = "overload",
        /// The leadership was handed over while nothing was wrong.
        PlannedMove = "planned_move",
        /// More than one of these is possible.
        Several = "several",
        /// None of these was near the change.
        Unexplained = "unexplained",
    }
}

/// One observation with its rule and evidence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// Number among all findings of a run, from 1, in their order.
    pub(crate) number: usize,
    pub(crate) kind: Kind,
    pub(crate) cluster: String,
    /// Members concerned, sorted; empty if the finding is about the whole cluster.
    pub(crate) members: Vec<String>,
    /// Start of the event; for recurrence, growth and maintenance windows the start of the examined range.
    pub(crate) start_ms: i64,
    /// End, exclusive, of the event or of the examined range.
    pub(crate) end_ms: i64,
    /// Lowest score of the cluster during the event.
    pub(crate) lowest: Option<f64>,
    /// What the cause of an incident cost the cluster, in points × hours; `None` for other kinds, and for an incident in
    /// which the cluster has no score.
    pub(crate) lost: Option<f64>,
    /// What incidents are ranked by: points × hours lost, or for absent members hours weighted by what is left.
    pub(crate) impact: f64,
    /// The metric that lost the most points, or that the finding is about.
    pub(crate) metric: Option<Metric>,
    /// The metric whose points fell first.
    pub(crate) first: Option<Metric>,
    /// The likely cause of a leader change; `None` for other kinds.
    pub(crate) cause: Option<Cause>,
    /// Confidence of a statistical rule, 0 to 1; `None` for the other rules.
    pub(crate) confidence: Option<f64>,
    /// How many members are left and how many are expected; `None` unless members are absent.
    pub(crate) staffing: Option<Staffing>,
    /// Rank of an incident by impact among those of all clusters, 1 for the most severe; `None` for other kinds.
    pub(crate) rank: Option<usize>,
    /// The problem that the finding belongs to; `None` for findings that belong to none.
    pub(crate) problem: Option<String>,
    /// The finding in one sentence.
    pub(crate) says: String,
    /// The rule in one sentence, with its thresholds.
    pub(crate) rule: &'static str,
    /// Names and values with units, enough to check the finding by hand in the history.
    pub(crate) evidence: Vec<(Cow<'static, str>, Evidence)>,
}

impl Finding {
    /// A finding whose optional fields are empty. The rule that makes it fills in those that apply.
    fn new(kind: Kind, cluster: &str, start_ms: i64, end_ms: i64, rule: &'static str) -> Self {
        Self {
            number: 0,
            kind,
            cluster: cluster.to_owned(),
            members: Vec::new(),
            start_ms,
            end_ms,
            lowest: None,
            lost: None,
            impact: 0.0,
            metric: None,
            first: None,
            cause: None,
            confidence: None,
            staffing: None,
            rank: None,
            problem: None,
            says: String::new(),
            rule,
            evidence: Vec::new(),
        }
    }

    pub(crate) fn range(&self) -> TimeRange {
        TimeRange { start_ms: self.start_ms, end_ms: self.end_ms }
    }

    /// Frees what its text and evidence had reserved: a year of twenty clusters can have 50,000 findings.
    fn shrink(&mut self) {
        self.says.shrink_to_fit();
        self.evidence.shrink_to_fit();
    }

    fn tell(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Evidence>) {
        self.evidence.push((name.into(), value.into()));
    }
}

/// Sorts findings by cluster, kind, start and members, and numbers them.
fn put_in_order(all: &mut [Finding]) {
    all.sort_by(|a, b| {
        let place = |f: &Finding| (f.kind, f.start_ms, f.end_ms, f.metric);
        a.cluster.cmp(&b.cluster).then_with(|| place(a).cmp(&place(b))).then_with(|| a.members.cmp(&b.members))
    });
    for (index, finding) in all.iter_mut().enumerate() {
        finding.number = index + 1;
    }
}

/// All findings of a history, sorted by cluster, kind and start, with the problems that they belong to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Findings {
    all: Vec<Finding>,
    problems: Vec<Problem>,
    clusters: Vec<ClusterHealth>,
    lacking: SourceTimes,
}

impl Findings {
    /// Sorts the findings and clusters, and ranks incidents and problems by impact, then by duration.
    pub(crate) fn of(mut all: Vec<Finding>, problems: Vec<Problem>, mut clusters: Vec<ClusterHealth>) -> Self {
        put_in_order(&mut all);
        let mut incidents: Vec<&mut Finding> = all.iter_mut().filter(|f| f.kind == Kind::Incident).collect();
        incidents.sort_by(|a, b| {
            let longer = || (b.end_ms - b.start_ms).cmp(&(a.end_ms - a.start_ms));
            b.impact.total_cmp(&a.impact).then_with(longer)
        });
        for (index, incident) in incidents.into_iter().enumerate() {
            incident.rank = Some(index + 1);
        }
        clusters.sort_by(ClusterHealth::worst_first);
        Self { all, problems: problems::ranked(problems), clusters, lacking: SourceTimes::default() }
    }

    /// Sets the times for which sources have no data.
    #[must_use]
    fn with_lacking(self, lacking: SourceTimes) -> Self {
        Self { lacking, ..self }
    }

    /// In a history of several sources, the times for which some have no data.
    pub(crate) fn lacking(&self) -> &SourceTimes {
        &self.lacking
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Finding> {
        self.all.iter()
    }

    /// The incidents, sorted by rank.
    pub(crate) fn incidents(&self) -> Vec<&Finding> {
        let mut incidents: Vec<&Finding> = self.all.iter().filter(|f| f.kind == Kind::Incident).collect();
        incidents.sort_by_key(|f| f.rank);
        incidents
    }

    /// The problems, sorted by rank.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The health of each cluster, worst first.
    pub(crate) fn clusters(&self) -> &[ClusterHealth] {
        &self.clusters
    }

    /// What is true of clusters whatever their score, worst clusters first: even sizes, two leaders, databases to defragment.
    pub(crate) fn facts(&self) -> Vec<&Finding> {
        const KINDS: [Kind; 4] = [Kind::ClusterSize, Kind::MixedVersions, Kind::TwoLeaders, Kind::Fragmentation];
        let place = |finding: &Finding| self.clusters.iter().position(|health| health.cluster == finding.cluster);
        let mut facts: Vec<&Finding> = self.all.iter().filter(|finding| KINDS.contains(&finding.kind)).collect();
        facts.sort_by_key(|finding| place(finding));
        facts
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Keeps only the findings, problems and clusters of one cluster. Ranks stay those among all clusters.
    #[must_use]
    pub(crate) fn of_cluster(mut self, cluster: &str) -> Self {
        self.all.retain(|finding| finding.cluster == cluster);
        self.problems.retain(|problem| problem.cluster == cluster);
        self.clusters.retain(|health| health.cluster == cluster);
        self.lacking = self.lacking.only_of_cluster(cluster);
        self
    }

    /// Keeps only findings of one kind, and the problems that have some.
    #[must_use]
    pub(crate) fn of_kind(mut self, kind: Kind) -> Self {
        self.all.retain(|finding| finding.kind == kind);
        let has = |problem: &Problem| self.all.iter().any(|f| f.problem.as_deref() == Some(problem.id.as_str()));
        self.problems.retain(has);
        self
    }
}
