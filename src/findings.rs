//! What was found in scores and readings.

use crate::spec::Metric;

/// What a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A cluster was worse than it usually is, or a member was away.
    Incident,
    /// Another leader was elected.
    LeaderChange,
    /// Incidents come back at an hour of the day or of the week.
    Recurrence,
    /// A database shrank.
    Defragmentation,
    /// A database will reach its quota.
    Growth,
    /// The quietest two hours.
    MaintenanceWindow,
}

impl Kind {
    /// The name in findings.csv.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::LeaderChange => "leader_change",
            Self::Recurrence => "recurrence",
            Self::Defragmentation => "defragmentation",
            Self::Growth => "growth",
            Self::MaintenanceWindow => "maintenance_window",
        }
    }
}

/// Why a leader changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The process of a member ended or was started then.
    Restart,
    /// A member's disk was slow then.
    SlowDisk,
    /// Neither.
    Unexplained,
}

impl Cause {
    /// The name in findings.csv.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::SlowDisk => "slow_disk",
            Self::Unexplained => "unexplained",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Where.
    pub cluster: String,
    /// The members concerned, sorted; empty where it is the whole cluster.
    pub members: Vec<String>,
    /// Its first instant; of a recurrence, of growth and of a maintenance window the first that was looked at.
    pub start_ms: i64,
    /// The first instant after it.
    pub end_ms: i64,
    /// The lowest score of the cluster within.
    pub lowest: Option<f64>,
    /// The integral of what is missing to ten points, in points × hours.
    pub lost: Option<f64>,
    /// The metric that cost the most, or that it is about.
    pub metric: Option<Metric>,
    /// The metric whose points fell first.
    pub first: Option<Metric>,
    /// Of a leader change.
    pub cause: Option<Cause>,
    /// 0 to 1, where the rule has one.
    pub confidence: Option<f64>,
    /// Of an incident: 1 is the one that lost the most of all clusters.
    pub rank: Option<usize>,
    /// One sentence.
    pub says: String,
    /// The rule in one sentence, with its thresholds.
    pub rule: &'static str,
    /// Names and values, with units: enough to check it by hand in the history.
    pub evidence: Vec<(String, String)>,
}
