//! What the cells and readings say, with evidence: incidents, leader changes, recurrences and more.

use crate::spec::Metric;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A stretch of low scores.
    Incident,
    /// A change of leader.
    LeaderChange,
    /// The same trouble at the same hour of the day or week.
    Recurrence,
    /// A drop of the database's size.
    Defragmentation,
    /// Growth towards the quota.
    Growth,
    /// The quietest hours.
    MaintenanceWindow,
}

/// Why a leader changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A process was started anew.
    Restart,
    /// A disk was slow before it.
    SlowDisk,
    /// Neither.
    Unexplained,
}

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// The cluster.
    pub cluster: String,
    /// Those concerned, sorted; empty: the whole cluster.
    pub members: Vec<String>,
    /// Its first instant.
    pub start_ms: i64,
    /// The first instant after it.
    pub end_ms: i64,
    /// Lowest score of the cluster within, 0 to 10.
    pub lowest: Option<f64>,
    /// Lost score hours: the integral of (10 - score), in points × hours.
    pub lost: Option<f64>,
    /// The metric that cost the most, or that it is about.
    pub metric: Option<Metric>,
    /// What moved first.
    pub first: Option<Metric>,
    /// Of a leader change.
    pub cause: Option<Cause>,
    /// 0 to 1, where a rule has one.
    pub confidence: Option<f64>,
    /// One sentence with figures and units.
    pub says: String,
    /// The rule in one sentence, with its thresholds.
    pub rule: &'static str,
    /// Names and values with units: enough to check it by hand.
    pub evidence: Vec<(String, String)>,
}
