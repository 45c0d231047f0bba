//! The table of columns: one row a metric or companion.
//!
//! Whatever lists metrics or companions, or depends on which one it is, takes it from here: columns of files, keys of
//! settings, queries, units, SQL. A row more is a column more; `docs/architecture.md` tells what else it needs.

use crate::text::named::named;

/// What a reading is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds that something took: the 99th percentile of an etcd histogram.
    Seconds,
    /// A number of things.
    Count,
    /// Bytes a second.
    BytesPerSecond,
    /// Bytes.
    Bytes,
    /// An instant, in seconds since 1970.
    Instant,
}

/// What the table has for every column.
pub(super) struct Row {
    pub(super) reading_column: &'static str,
    pub(super) unit: Unit,
    pub(super) query: &'static str,
}

/// What it has for a metric beside that.
pub(super) struct Scored {
    pub(super) points_column: &'static str,
    pub(super) loss_column: &'static str,
    pub(super) weight_key: &'static str,
    pub(super) bands_key: &'static str,
    pub(super) seed_key: &'static str,
    pub(super) limit: Option<Companion>,
    pub(super) shows_life: bool,
}

/// Makes the enums and their rows of one list. Names of files and columns follow from the name where they can.
macro_rules! columns {
    (
        metrics { $(
            $(#[$metric_doc:meta])*
            $Metric:ident = $metric:literal {
                column: $metric_column:literal,
                unit: $metric_unit:ident,
                seed: $seed:literal,
                limit: $limit:expr,
                shows_life: $shows_life:literal,
            }
        )+ }
        companions { $(
            $(#[$companion_doc:meta])*
            $Companion:ident = $companion:literal { column: $companion_column:literal, unit: $companion_unit:ident }
        )+ }
    ) => {
        named! {
            /// One of the six metrics in which etcd shows trouble, in the order of the specification.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            #[repr(usize)]
            pub enum Metric { $($(#[$metric_doc])* $Metric = $metric),+ }
            parsed "no metric is called"
        }

        named! {
            /// A series that is evidence beside the metrics, and has no points of its own.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            #[repr(usize)]
            pub enum Companion { $($(#[$companion_doc])* $Companion = $companion),+ }
            listed
        }

        pub(super) static METRIC_ROWS: [Row; METRICS] = [$(row!($metric, $metric_column, $metric_unit)),+];

        pub(super) static COMPANION_ROWS: [Row; COMPANIONS] =
            [$(row!($companion, $companion_column, $companion_unit)),+];

        pub(super) static SCORED: [Scored; METRICS] = [$(Scored {
            points_column: concat!($metric, "_points"),
            loss_column: concat!($metric, "_loss"),
            weight_key: concat!("weights.", $metric),
            bands_key: concat!("bands.", $metric),
            seed_key: concat!("wt_", $seed),
            limit: $limit,
            shows_life: $shows_life,
        }),+];
    };
}

macro_rules! row {
    ($name:literal, $column:literal, $unit:ident) => {
        Row {
            reading_column: $column,
            unit: Unit::$unit,
            query: include_str!(concat!("../../queries/", $name, ".promql")),
        }
    };
}

// `column` is the column of the readings, with the unit in its name. `seed` is what the original script calls the metric.
// `limit` is what a reading may be judged against instead of a fixed threshold. `shows_life` is whether a reading shows
// that the member is alive.
columns! {
    metrics {
        /// WAL fsync duration, 99th percentile, seconds.
        WalFsync = "wal_fsync" {
            column: "wal_fsync_seconds",
            unit: Seconds,
            seed: "etcd_wal_fsync",
            limit: None,
            shows_life: true,
        }
        /// Backend commit duration, 99th percentile, seconds.
        BackendCommit = "backend_commit" {
            column: "backend_commit_seconds",
            unit: Seconds,
            seed: "etcd_db_fsync",
            limit: None,
            shows_life: true,
        }
        /// Open file descriptors.
        OpenFds = "open_fds" {
            column: "open_fds",
            unit: Count,
            seed: "etcd_file_descriptor",
            limit: Some(Companion::MaxFds),
            shows_life: true,
        }
        /// Leader changes seen in the last day: the one-day window lingers for a day after the last scrape, so a reading
        /// does not show that the member is alive.
        LeaderChanges = "leader_changes" {
            column: "leader_changes",
            unit: Count,
            seed: "etcd_leader_election",
            limit: None,
            shows_life: false,
        }
        /// Client gRPC traffic received, bytes per second.
        ClientTrafficIn = "client_traffic_in" {
            column: "client_traffic_in_bytes_per_second",
            unit: BytesPerSecond,
            seed: "etcd_client_traffic_in",
            limit: None,
            shows_life: true,
        }
        /// Database size, bytes.
        DbSize = "db_size" {
            column: "db_size_bytes",
            unit: Bytes,
            seed: "etcd_database_size",
            limit: Some(Companion::Quota),
            shows_life: true,
        }
    }
    companions {
        /// The size that the database may grow to, bytes: 2147483648 when unset, negative without a quota.
        Quota = "quota" { column: "quota_bytes", unit: Bytes }
        /// The limit of open file descriptors.
        MaxFds = "max_fds" { column: "max_fds", unit: Count }
        /// When the process was started, seconds since 1970.
        StartTime = "start_time" { column: "start_time_seconds", unit: Instant }
    }
}

/// How many metrics there are.
pub const METRICS: usize = Metric::ALL.len();
/// How many companions there are.
pub const COMPANIONS: usize = Companion::ALL.len();
