//! What is read of a member: the six metrics, and their companions.

use std::fmt;
use std::str::FromStr;

use crate::text::nearest::did_you_mean;

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

    /// What a reading may be judged against instead of a fixed threshold.
    pub const fn limit(self) -> Option<Companion> {
        match self {
            Self::OpenFds => Some(Companion::MaxFds),
            Self::DbSize => Some(Companion::Quota),
            _ => None,
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
            let names = Self::ALL.map(Self::name);
            format!("no metric is called '{text}'{}: name one of {}", did_you_mean(text, names), names.join(", "))
        })
    }
}

/// A series that is not judged itself, and stands beside the metrics in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub enum Companion {
    /// What the database may grow to, bytes: 2147483648 when it is not set, negative when there is no quota.
    Quota,
    /// What open file descriptors are limited to.
    MaxFds,
    /// When the process was started, seconds since 1970.
    StartTime,
}

/// How many companions there are.
pub const COMPANIONS: usize = 3;

impl Companion {
    /// All of them.
    pub const ALL: [Self; COMPANIONS] = [Self::Quota, Self::MaxFds, Self::StartTime];

    /// The name in files, such as `quota`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::MaxFds => "max_fds",
            Self::StartTime => "start_time",
        }
    }

    /// The column of the history, with the unit in its name.
    pub const fn reading_column(self) -> &'static str {
        match self {
            Self::Quota => "quota_bytes",
            Self::MaxFds => "max_fds",
            Self::StartTime => "start_time_seconds",
        }
    }
}

impl fmt::Display for Companion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A column of a history: one of the six metrics, or a companion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// One of the six.
    Metric(Metric),
    /// What stands beside them.
    Companion(Companion),
}

/// How many columns there can be.
pub const COLUMNS: usize = METRICS + COMPANIONS;

impl Column {
    /// The six metrics, then the companions.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        Metric::ALL.into_iter().map(Self::Metric).chain(Companion::ALL.into_iter().map(Self::Companion))
    }

    /// Position in [`Column::all`].
    pub const fn index(self) -> usize {
        match self {
            Self::Metric(metric) => metric.index(),
            Self::Companion(companion) => METRICS + companion as usize,
        }
    }

    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metric(metric) => metric.name(),
            Self::Companion(companion) => companion.name(),
        }
    }

    /// The column of the history, with the unit in its name.
    pub const fn reading_column(self) -> &'static str {
        match self {
            Self::Metric(metric) => metric.reading_column(),
            Self::Companion(companion) => companion.reading_column(),
        }
    }
}

impl Column {
    /// The companion, if it is one.
    pub const fn companion(self) -> Option<Companion> {
        match self {
            Self::Companion(companion) => Some(companion),
            Self::Metric(_) => None,
        }
    }
}

impl From<Metric> for Column {
    fn from(metric: Metric) -> Self {
        Self::Metric(metric)
    }
}

impl From<Companion> for Column {
    fn from(companion: Companion) -> Self {
        Self::Companion(companion)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_known_by_its_name_and_no_other() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
        }
        let error = "wal".parse::<Metric>().map_err(|e| e.contains("did you mean 'wal_fsync'"));
        assert_eq!(error, Err(true));
    }

    #[test]
    fn columns_stand_where_their_index_says() {
        let columns: Vec<Column> = Column::all().collect();
        assert_eq!(columns.len(), COLUMNS);
        assert!(columns.iter().enumerate().all(|(index, column)| column.index() == index));
    }
}
