//! Scores and readings → what a person should look at: incidents, why leaders changed, what comes
//! back every week, defragmentation, growth, and a quiet hour for maintenance.
//!
//! A day leaves a [`DayDigest`], a few stretches a member: days are digested in parallel, and memory
//! grows with what happened, not with the steps. [`Collector::find`] puts the days together. Every
//! threshold is a constant beside its rule, with its reason; a finding tells its rule and evidence.

mod away;
mod collector;
mod defragmentation;
mod digest;
mod elections;
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

use std::cmp::Reverse;

use crate::spec::Metric;
use crate::text::named::named;

named! {
    /// What a finding is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub(crate) enum Kind {
        /// A cluster was worse than it usually is, or a member was away.
        Incident = "incident",
        /// Another leader was elected.
        LeaderChange = "leader_change",
        /// Incidents come back at an hour of the day or of the week.
        Recurrence = "recurrence",
        /// A database shrank.
        Defragmentation = "defragmentation",
        /// A database will reach its quota.
        Growth = "growth",
        /// The quietest two hours.
        MaintenanceWindow = "maintenance_window",
    }
    parsed "no finding is called"
}

named! {
    /// Why a leader changed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub(crate) enum Cause {
        /// The process of a member ended or was started then.
        Restart = "restart",
        /// A member's disk was slow then.
        SlowDisk = "slow_disk",
        /// Neither.
        Unexplained = "unexplained",
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    pub(crate) cluster: String,
    /// The members concerned, sorted; empty where it is the whole cluster.
    pub(crate) members: Vec<String>,
    /// Its first instant; of a recurrence, of growth and of a maintenance window the first that was looked at.
    pub(crate) start_ms: i64,
    /// The first instant after it.
    pub(crate) end_ms: i64,
    /// The lowest score of the cluster within.
    pub(crate) lowest: Option<f64>,
    /// The integral of what is missing to ten points, in points × hours.
    pub(crate) lost: Option<f64>,
    /// The metric that cost the most, or that it is about.
    pub(crate) metric: Option<Metric>,
    /// The metric whose points fell first.
    pub(crate) first: Option<Metric>,
    /// Of a leader change.
    pub(crate) cause: Option<Cause>,
    /// 0 to 1, where the rule has one.
    pub(crate) confidence: Option<f64>,
    /// Of an incident: 1 is the one that lost the most of all clusters.
    pub(crate) rank: Option<usize>,
    /// One sentence.
    pub(crate) says: String,
    /// The rule in one sentence, with its thresholds.
    pub(crate) rule: &'static str,
    /// Names and values, with units: enough to check it by hand in the history.
    pub(crate) evidence: Vec<(String, String)>,
}

impl Finding {
    /// One of which nothing but its place is known yet.
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

/// All that was found, sorted by cluster, kind and start.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Sorts them and ranks the incidents: by what they lost, then by how long they took.
    pub(crate) fn of(mut all: Vec<Finding>) -> Self {
        all.sort_by(|a, b| {
            let place = |f: &Finding| (f.kind, f.start_ms, f.end_ms, f.metric);
            a.cluster.cmp(&b.cluster).then_with(|| place(a).cmp(&place(b))).then_with(|| a.members.cmp(&b.members))
        });
        let mut incidents: Vec<&mut Finding> = all.iter_mut().filter(|f| f.kind == Kind::Incident).collect();
        incidents.sort_by(|a, b| {
            let lost = |f: &Finding| f.lost.unwrap_or(0.0);
            lost(b)
                .total_cmp(&lost(a))
                .then_with(|| Reverse(a.end_ms - a.start_ms).cmp(&Reverse(b.end_ms - b.start_ms)))
        });
        for (index, incident) in incidents.into_iter().enumerate() {
            incident.rank = Some(index + 1);
        }
        Self(all)
    }

    /// All of them, in order.
    pub(crate) fn as_slice(&self) -> &[Finding] {
        &self.0
    }

    /// In order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Finding> {
        self.0.iter()
    }

    /// The incidents, by rank.
    pub(crate) fn incidents(&self) -> Vec<&Finding> {
        let mut incidents: Vec<&Finding> = self.0.iter().filter(|f| f.kind == Kind::Incident).collect();
        incidents.sort_by_key(|f| f.rank);
        incidents
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that are wanted, with their ranks.
    #[must_use]
    pub(crate) fn only(mut self, wanted: impl Fn(&Finding) -> bool) -> Self {
        self.0.retain(|finding| wanted(finding));
        self
    }
}
