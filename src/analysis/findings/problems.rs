//! Problems: the incidents of one cause in a cluster, together. Every loss of the cluster belongs to exactly one problem.

mod group;
mod health;
#[cfg(test)]
mod tests;
mod words;

pub(super) use group::{OfCluster, of_cluster, unseen};
pub(crate) use health::{ClusterHealth, Verdict};

use super::{Noted, ProblemCause, Worst};
use crate::analysis::membership::Staffing;
use crate::time::TimeRange;

/// When the incidents of a problem happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Once, in one stretch.
    Once,
    /// Several times, at no fixed hours.
    Repeated,
    /// At the same hours of the day or week, in words: `daily 02:00 to 04:00 UTC`.
    Scheduled(String),
    /// At least a quarter of the time, so that no incident stands out.
    Constant,
    /// In dips too short for an incident.
    Scattered,
}

impl Shape {
    /// The name in files.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Repeated => "repeated",
            Self::Scheduled(_) => "scheduled",
            Self::Constant => "constant",
            Self::Scattered => "scattered",
        }
    }
}

/// One cause of lost points or missing data in a cluster, with everything that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    /// Unique within a run and the same in every run: `c01/slow_disk/1`, numbered by time within cluster and cause.
    pub(crate) id: String,
    /// Rank by impact among the problems of all clusters, from 1.
    pub(crate) rank: usize,
    pub(crate) cluster: String,
    pub(crate) cause: ProblemCause,
    /// The source that has no data, if that is the problem.
    pub(crate) source: Option<String>,
    /// Members concerned, the one concerned longest first; empty for leader changes, which all members count, and if the
    /// cluster's members were never seen.
    pub(crate) members: Vec<String>,
    pub(crate) shape: Shape,
    /// When it happened: the incidents of a problem, or the dips of scattered ones. Sorted, and not overlapping.
    pub(crate) spans: Vec<TimeRange>,
    /// Number of incidents, or of dips.
    pub(crate) occurrences: usize,
    /// How long the cluster was low, or members sent no metrics, in milliseconds. Gaps within incidents do not count.
    pub(crate) low_ms: i64,
    /// What the cause cost the cluster, in points × hours. Adding up the problems of a cluster gives Σ (10 − score) × h.
    pub(crate) lost: f64,
    /// Share of everything that the cluster lost, 0 to 1; `None` if it lost nothing.
    pub(crate) share: Option<f64>,
    /// Whether it goes on at the end of the history: it lasts until then, or the last time of its schedule is there.
    pub(crate) is_open: bool,
    /// How long the cluster had no score within `spans`, in milliseconds.
    pub(crate) unknown_ms: i64,
    /// The fewest members left at once; `None` unless members were absent.
    pub(crate) staffing: Option<Staffing>,
    /// The worst reading within `spans`; `None` for absent members.
    pub(crate) worst: Option<Worst>,
    /// Threshold that the worst reading is above, in words: `10 ms`.
    pub(crate) threshold: Option<String>,
    /// How full databases at their quota were the last time, and what makes room, in words: `reached 99.1 % of its quota; a
    /// defragmentation would free 40 % of its size (820.00 MiB)`.
    pub(crate) fullness: Option<String>,
    /// Lowest score of the cluster within `spans`; `None` if it has none.
    pub(crate) lowest: Option<f64>,
    /// What problems are ranked by: points × hours lost, or for absent members hours weighted by what is left.
    pub(crate) impact: f64,
    /// What people noted near its incidents; `None` without annotations there.
    pub(crate) noted: Option<Noted>,
}

impl Problem {
    /// A problem without any occurrence.
    pub(crate) fn empty(cluster: &str, cause: ProblemCause, shape: Shape) -> Self {
        Self {
            id: String::new(),
            rank: 0,
            cluster: cluster.to_owned(),
            cause,
            source: None,
            members: Vec::new(),
            shape,
            spans: Vec::new(),
            occurrences: 0,
            low_ms: 0,
            lost: 0.0,
            share: None,
            is_open: false,
            unknown_ms: 0,
            staffing: None,
            worst: None,
            threshold: None,
            fullness: None,
            lowest: None,
            impact: 0.0,
            noted: None,
        }
    }

    /// The first instant of the problem, milliseconds since 1970.
    pub(crate) fn first_ms(&self) -> i64 {
        self.spans.first().map_or(0, |span| span.start_ms)
    }

    /// The end of the problem's last stretch, exclusive.
    pub(crate) fn last_ms(&self) -> i64 {
        self.spans.last().map_or(0, |span| span.end_ms)
    }

    /// Whether members are missing at the end of the history, so that no further failure is tolerated.
    fn lacks_member_at_the_end(&self) -> bool {
        self.is_open && self.impact > 0.0 && self.staffing.is_some_and(Staffing::tolerates_no_failure)
    }

    /// Whether the problem is only a rest that no incident explains: pages fold it.
    pub(crate) fn is_rest(&self) -> bool {
        self.shape == Shape::Scattered
    }
}

/// Numbers the problems of all clusters by impact, then by duration, cluster and id.
pub(super) fn ranked(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by(|a, b| {
        let place = |p: &Problem| (p.is_rest(), std::cmp::Reverse(p.low_ms));
        b.impact.total_cmp(&a.impact).then_with(|| place(a).cmp(&place(b))).then_with(|| a.id.cmp(&b.id))
    });
    for (index, problem) in problems.iter_mut().enumerate() {
        problem.rank = index + 1;
    }
    problems
}
