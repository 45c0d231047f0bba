//! Turns scores and readings into a list of what an operator should look at: incidents, leader changes and their
//! causes, incidents that recur daily or weekly, defragmentation, growth toward the quota,
//! and a quiet time for maintenance.
//!
//! Each day is reduced to a [`DayDigest`] of a few stretches for each member. Days are digested in parallel, and memory
//! grows with the number of changes, not with the number of steps. [`Collector::find`] joins the digests and applies
//! the rules. Every threshold is a constant beside its rule, with the reason for its value; every finding carries its
//! rule and its evidence. Files and pages are written in `outputs`.

mod away;
mod collector;
mod defragmentation;
mod digest;
mod elections;
mod gone;
mod growth;
mod incidents;
mod leader_changes;
mod maintenance;
mod recurrence;
mod runs;
mod spans;
mod statistics;
mod storms;
#[cfg(test)]
mod tests;
mod told;
mod tracks;

pub(crate) use collector::Collector;
pub(crate) use digest::DayDigest;
pub(super) use statistics::median;

use std::cmp::Reverse;

use crate::analysis::membership::{Staffing, quorum};
use crate::spec::Metric;
use crate::text::named::named;

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
        /// The two consecutive hours of the week (or day) at which a cluster is quietest.
        MaintenanceWindow = "maintenance_window",
    }
    parsed "unknown kind of finding"
}

named! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub(crate) enum Cause {
        /// A member's process stopped or started near the change.
        Restart = "restart",
        /// A member's disk was slow before the change.
        SlowDisk = "slow_disk",
        /// Neither a restart nor a slow disk was near the change.
        Unexplained = "unexplained",
    }
}

/// One observation with its rule and evidence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
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
    /// Points below 10, integrated over the event, in points × hours.
    pub(crate) lost: Option<f64>,
    /// The metric that lost the most points, or that the finding is about.
    pub(crate) metric: Option<Metric>,
    /// The metric whose points fell first.
    pub(crate) first: Option<Metric>,
    /// The likely cause of a leader change; `None` for other kinds.
    pub(crate) cause: Option<Cause>,
    /// Confidence of a statistical rule, 0 to 1; `None` for the other rules.
    pub(crate) confidence: Option<f64>,
    /// How many members are left and how many are expected; `None` unless members are missing for good or
    /// for more than a day.
    pub(crate) staffing: Option<Staffing>,
    /// Rank of an incident among those of all clusters, 1 for the most severe (see
    /// [`Findings::of`]); `None` for other kinds.
    pub(crate) rank: Option<usize>,
    /// The finding in one sentence.
    pub(crate) says: String,
    /// The rule in one sentence, with its thresholds.
    pub(crate) rule: &'static str,
    /// Names and values with units, enough to check the finding by hand in the history.
    pub(crate) evidence: Vec<(String, String)>,
}

impl Finding {
    /// A finding whose optional fields are empty. The rule that makes it fills in those that apply.
    fn new(kind: Kind, cluster: &str, start_ms: i64, end_ms: i64, rule: &'static str) -> Self {
        Self {
            kind,
            cluster: cluster.to_owned(),
            members: Vec::new(),
            start_ms,
            end_ms,
            lowest: None,
            lost: None,
            metric: None,
            first: None,
            cause: None,
            confidence: None,
            staffing: None,
            rank: None,
            says: String::new(),
            rule,
            evidence: Vec::new(),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "figures and texts alike, without a borrow at each call")]
    fn tell(&mut self, name: &str, value: impl ToString) {
        self.evidence.push((name.to_owned(), value.to_string()));
    }
}

/// All findings of a history, sorted by cluster, kind and start.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Sorts the findings and ranks the incidents: those with missing members first (by number of members left above
    /// the quorum, fewest first), then by lost point hours, then by duration. Missing members rank first because they
    /// cost no points: the score counts only members that send metrics.
    pub(crate) fn of(mut all: Vec<Finding>) -> Self {
        all.sort_by(|a, b| {
            let place = |f: &Finding| (f.kind, f.start_ms, f.end_ms, f.metric);
            a.cluster.cmp(&b.cluster).then_with(|| place(a).cmp(&place(b))).then_with(|| a.members.cmp(&b.members))
        });
        let mut incidents: Vec<&mut Finding> = all.iter_mut().filter(|f| f.kind == Kind::Incident).collect();
        incidents.sort_by(|a, b| {
            let lost = |f: &Finding| f.lost.unwrap_or(0.0);
            // Converted through i32 because the difference may be negative; a cluster has few members.
            let size = |members: usize| i32::try_from(members).unwrap_or(i32::MAX);
            let margin = |f: &Finding| f.staffing.map_or(i32::MAX, |s| size(s.left) - size(quorum(s.expected)));
            margin(a)
                .cmp(&margin(b))
                .then_with(|| lost(b).total_cmp(&lost(a)))
                .then_with(|| Reverse(a.end_ms - a.start_ms).cmp(&Reverse(b.end_ms - b.start_ms)))
        });
        for (index, incident) in incidents.into_iter().enumerate() {
            incident.rank = Some(index + 1);
        }
        Self(all)
    }

    pub(crate) fn as_slice(&self) -> &[Finding] {
        &self.0
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Finding> {
        self.0.iter()
    }

    /// The incidents, sorted by rank.
    pub(crate) fn incidents(&self) -> Vec<&Finding> {
        let mut incidents: Vec<&Finding> = self.0.iter().filter(|f| f.kind == Kind::Incident).collect();
        incidents.sort_by_key(|f| f.rank);
        incidents
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps only the wanted findings. An incident keeps its rank among all incidents.
    #[must_use]
    pub(crate) fn only(mut self, wanted: impl Fn(&Finding) -> bool) -> Self {
        self.0.retain(|finding| wanted(finding));
        self
    }
}
