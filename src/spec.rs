//! The specification of the score, as data: six metrics, their bands and their weights.
//!
//! Everything that is added up is an integer, so that a score is the decimal's nearest `f64`
//! (6, never 6.000000000000001) and sums do not depend on the order in which days finish.

use std::fmt;
use std::str::FromStr;

/// A weight of 1 in the unit of [`Rule::weight`], millionths.
pub const WEIGHT_ONE: u64 = 1_000_000;
/// One point in the unit of [`Band::points`], thousandths.
pub const POINT: u64 = 1_000;
/// The points of a healthy reading.
pub const FULL_POINTS: u64 = 10 * POINT;

/// One of the six metrics in which etcd shows trouble, in the order of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub enum Metric {
    /// WAL fsync duration, 99th percentile, seconds.
    WalFsync,
    /// Backend commit duration, 99th percentile, seconds.
    BackendCommit,
    /// Open file descriptors.
    OpenFds,
    /// Leader changes seen in the last day.
    LeaderChanges,
    /// Client gRPC traffic received, bytes per second.
    ClientTrafficIn,
    /// Database size, bytes.
    DbSize,
}

/// How many metrics there are.
pub const METRICS: usize = 6;

impl Metric {
    /// All six, in the order of the specification.
    pub const ALL: [Self; METRICS] =
        [Self::WalFsync, Self::BackendCommit, Self::OpenFds, Self::LeaderChanges, Self::ClientTrafficIn, Self::DbSize];

    /// Position in [`Metric::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name in flags, files and columns, such as `wal_fsync`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WalFsync => "wal_fsync",
            Self::BackendCommit => "backend_commit",
            Self::OpenFds => "open_fds",
            Self::LeaderChanges => "leader_changes",
            Self::ClientTrafficIn => "client_traffic_in",
            Self::DbSize => "db_size",
        }
    }

    /// The column of the readings, with the unit in its name.
    pub const fn reading_column(self) -> &'static str {
        match self {
            Self::WalFsync => "wal_fsync_seconds",
            Self::BackendCommit => "backend_commit_seconds",
            Self::OpenFds => "open_fds",
            Self::LeaderChanges => "leader_changes",
            Self::ClientTrafficIn => "client_traffic_in_bytes_per_second",
            Self::DbSize => "db_size_bytes",
        }
    }

    /// The column of the points, 0 to 10.
    pub const fn points_column(self) -> &'static str {
        match self {
            Self::WalFsync => "wal_fsync_points",
            Self::BackendCommit => "backend_commit_points",
            Self::OpenFds => "open_fds_points",
            Self::LeaderChanges => "leader_changes_points",
            Self::ClientTrafficIn => "client_traffic_in_points",
            Self::DbSize => "db_size_points",
        }
    }

    /// The column of a cell's mean weighted loss.
    pub const fn loss_column(self) -> &'static str {
        match self {
            Self::WalFsync => "wal_fsync_loss",
            Self::BackendCommit => "backend_commit_loss",
            Self::OpenFds => "open_fds_loss",
            Self::LeaderChanges => "leader_changes_loss",
            Self::ClientTrafficIn => "client_traffic_in_loss",
            Self::DbSize => "db_size_loss",
        }
    }

    /// Whether a known reading shows that the member is alive. The one-day window of
    /// `leader_changes` lingers for a day after the last scrape and keeps nobody alive.
    pub const fn shows_life(self) -> bool {
        !matches!(self, Self::LeaderChanges)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|m| m.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|m| m.name()).collect();
            format!("no metric is called '{text}': name one of {}", names.join(", "))
        })
    }
}

/// A reading strictly above `above` gets `points` (in thousandths of a point).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Threshold, in the unit of the reading.
    pub above: f64,
    /// Points above it, in thousandths.
    pub points: u64,
}

/// How one metric is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Share of the score, in millionths; 0 for a metric that is left out.
    pub weight: u64,
    /// Bands with ascending thresholds; at or below the first one a reading has full points.
    pub bands: Vec<Band>,
}

/// A named table of rules, one for each metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The name, for example `seed`.
    pub name: &'static str,
    /// Where its thresholds come from.
    pub source: &'static str,
    rules: [Rule; METRICS],
}

/// Leaving out every metric leaves no score.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("--without leaves no metric that costs a weight: keep at least one of the six")]
pub struct NothingLeft;

impl Profile {
    /// The table of the original script: its weights (`wt_etcd_…`) and its thresholds.
    pub fn seed() -> Self {
        let rule = |weight: u64, bands: &[(f64, u64)]| Rule {
            weight,
            bands: bands.iter().map(|&(above, points)| Band { above, points: points * POINT }).collect(),
        };
        Self {
            name: "seed",
            source: "the weights and thresholds of the original etcd heat map script",
            rules: [
                rule(300_000, &[(0.01, 0)]),
                rule(200_000, &[(0.025, 5), (0.04, 0)]),
                rule(100_000, &[(1024.0, 0)]),
                rule(300_000, &[(5.0, 0)]),
                rule(50_000, &[]),
                rule(50_000, &[]),
            ],
        }
    }

    /// The same table with some metrics left out, whose weight the rest share in proportion.
    pub fn without(mut self, left_out: &[Metric]) -> Result<Self, NothingLeft> {
        for metric in left_out {
            self.rules[metric.index()].weight = 0;
        }
        if self.total_weight() == 0 { Err(NothingLeft) } else { Ok(self) }
    }

    /// The rule of one metric.
    pub fn rule(&self, metric: Metric) -> &Rule {
        &self.rules[metric.index()]
    }

    /// Whether the metric takes part in the score.
    pub fn counts(&self, metric: Metric) -> bool {
        self.rule(metric).weight > 0
    }

    /// The sum of the weights in millionths: [`WEIGHT_ONE`] unless metrics are left out.
    pub fn total_weight(&self) -> u64 {
        self.rules.iter().map(|r| r.weight).sum()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_the_seed_add_up_to_one() {
        assert_eq!(Profile::seed().total_weight(), WEIGHT_ONE);
    }

    #[test]
    fn thresholds_ascend_and_points_fall() {
        for metric in Metric::ALL {
            let bands = &Profile::seed().rule(metric).bands.clone();
            for pair in bands.windows(2) {
                assert!(pair[0].above < pair[1].above && pair[0].points > pair[1].points, "{metric}");
            }
        }
    }

    #[test]
    fn leaving_out_everything_is_refused() {
        assert_eq!(Profile::seed().without(&Metric::ALL), Err(NothingLeft));
        let profile = Profile::seed().without(&[Metric::OpenFds]).unwrap();
        assert!(!profile.counts(Metric::OpenFds));
        assert_eq!(profile.total_weight(), 900_000);
    }

    #[test]
    fn a_metric_is_known_by_its_name_and_no_other() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
        }
        assert!("wal".parse::<Metric>().unwrap_err().contains("wal_fsync, backend_commit"));
    }
}
