//! The table of columns: one row per metric, and one per companion (pulled, but not scored: a limit, a start time, or
//! evidence of causes).
//!
//! All code that lists metrics or companions, or needs a property of one, uses this table: columns of files, keys of
//! settings, queries, units, SQL. A new metric needs a row here, a file in `queries/`, and a weight and bands in each
//! profile; tests fail until the README, docs/score.md, the example settings and the generated files include it.

use crate::text::named::named;

/// The unit of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A duration in seconds: the 99th percentile of an etcd histogram.
    Seconds,
    /// A number without a unit.
    Count,
    /// A rate in bytes per second.
    BytesPerSecond,
    /// A size or a limit in bytes.
    Bytes,
    /// An instant, in seconds since 1970.
    Instant,
    /// Events per second.
    PerSecond,
    /// A part of the time, from 0 to 1.
    Share,
    /// 1 for yes, 0 for no.
    Flag,
    /// A version of etcd as a number: 3005001 for 3.5.1.
    Version,
}

/// What a companion is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Thresholds of a metric can be shares of it.
    Limit,
    /// It shows restarts.
    Start,
    /// It shows causes, and members that cannot work.
    Evidence,
}

/// The properties that both metrics and companions have in the table.
pub(super) struct Row {
    pub(super) reading_column: &'static str,
    pub(super) unit: Unit,
    pub(super) query: &'static str,
}

/// The properties that only metrics have in the table.
pub(super) struct Scored {
    pub(super) title: &'static str,
    pub(super) idle_column: &'static str,
    pub(super) points_column: &'static str,
    pub(super) loss_column: &'static str,
    pub(super) weight_key: &'static str,
    pub(super) bands_key: &'static str,
    pub(super) caps_key: &'static str,
    pub(super) seed_key: &'static str,
    pub(super) limit: Option<Companion>,
    pub(super) shows_life: bool,
}

/// Generates `Metric` and `Companion`, and their rows, from one list. Names such as `wal_fsync_points` are
/// derived from the metric's name.
macro_rules! columns {
    (
        metrics { $(
            $(#[$metric_doc:meta])*
            $Metric:ident = $metric:literal {
                title: $title:literal,
                column: $metric_column:literal,
                unit: $metric_unit:ident,
                seed: $seed:literal,
                limit: $limit:expr,
                shows_life: $shows_life:literal,
            }
        )+ }
        companions { $(
            $(#[$companion_doc:meta])*
            $Companion:ident = $companion:literal {
                column: $companion_column:literal, unit: $companion_unit:ident, role: $role:ident
            }
        )+ }
    ) => {
        named! {
            /// The six scored metrics of etcd; arrays with one element per metric have this order.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            #[repr(usize)]
            pub enum Metric { $($(#[$metric_doc])* $Metric = $metric),+ }
            parsed "unknown metric"
        }

        named! {
            /// A series that is pulled with the metrics but not scored: a limit, the start time of the process, or evidence.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            #[repr(usize)]
            pub enum Companion { $($(#[$companion_doc])* $Companion = $companion),+ }
            listed
        }

        pub(super) static METRIC_ROWS: [Row; METRICS] = [$(row!($metric, $metric_column, $metric_unit)),+];

        pub(super) static COMPANION_ROWS: [Row; COMPANIONS] =
            [$(row!($companion, $companion_column, $companion_unit)),+];

        pub(super) static ROLES: [Role; COMPANIONS] = [$(Role::$role),+];

        pub(super) static SCORED: [Scored; METRICS] = [$(Scored {
            title: $title,
            idle_column: concat!($metric, "_idle"),
            points_column: concat!($metric, "_points"),
            loss_column: concat!($metric, "_loss"),
            weight_key: concat!("weights.", $metric),
            bands_key: concat!("bands.", $metric),
            caps_key: concat!("caps.", $metric),
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

// `title` names the metric in sentences. `column` is the column of the history, with the unit in its name. `seed` is the metric's name in the original script.
// `limit` is the companion that thresholds can be a share of. `shows_life` is whether a reading shows that the member
// existed at that step.
columns! {
    metrics {
        /// WAL fsync duration, 99th percentile, seconds.
        WalFsync = "wal_fsync" {
            title: "WAL fsync p99",
            column: "wal_fsync_seconds",
            unit: Seconds,
            seed: "etcd_wal_fsync",
            limit: None,
            shows_life: true,
        }
        /// Backend commit duration, 99th percentile, seconds.
        BackendCommit = "backend_commit" {
            title: "backend commit p99",
            column: "backend_commit_seconds",
            unit: Seconds,
            seed: "etcd_db_fsync",
            limit: None,
            shows_life: true,
        }
        /// Open file descriptors of the process.
        OpenFds = "open_fds" {
            title: "open file descriptors",
            column: "open_fds",
            unit: Count,
            seed: "etcd_file_descriptor",
            limit: Some(Companion::MaxFds),
            shows_life: true,
        }
        /// Leader changes within the last day. The query still returns a value for a day after the last scrape, so a
        /// reading does not show that the member existed.
        LeaderChanges = "leader_changes" {
            title: "leader changes a day",
            column: "leader_changes",
            unit: Count,
            seed: "etcd_leader_election",
            limit: None,
            shows_life: false,
        }
        /// Client gRPC traffic received, bytes per second.
        ClientTrafficIn = "client_traffic_in" {
            title: "client traffic in",
            column: "client_traffic_in_bytes_per_second",
            unit: BytesPerSecond,
            seed: "etcd_client_traffic_in",
            limit: None,
            shows_life: true,
        }
        /// Size of the database file, including free pages, bytes.
        DbSize = "db_size" {
            title: "database size",
            column: "db_size_bytes",
            unit: Bytes,
            seed: "etcd_database_size",
            limit: Some(Companion::Quota),
            shows_life: true,
        }
    }
    companions {
        /// Quota of the database size, bytes: 2147483648 if unset, negative if disabled.
        Quota = "quota" { column: "quota_bytes", unit: Bytes, role: Limit }
        /// Maximum number of open file descriptors.
        MaxFds = "max_fds" { column: "max_fds", unit: Count, role: Limit }
        /// Start time of the process, seconds since 1970.
        StartTime = "start_time" { column: "start_time_seconds", unit: Instant, role: Start }
        /// Round trip to the other members, 99th percentile, seconds.
        PeerRoundTrip = "peer_round_trip" { column: "peer_round_trip_seconds", unit: Seconds, role: Evidence }
        /// Heartbeats that the leader could not send in time, per second. etcd blames slow disks for them.
        HeartbeatFailures = "heartbeat_failures" {
            column: "heartbeat_failures_per_second", unit: PerSecond, role: Evidence
        }
        /// Messages to other members that failed, per second.
        PeerSendFailures = "peer_send_failures" {
            column: "peer_send_failures_per_second", unit: PerSecond, role: Evidence
        }
        /// Proposals that wait for a majority.
        ProposalsPending = "proposals_pending" { column: "proposals_pending", unit: Count, role: Evidence }
        /// Proposals that failed, per second.
        ProposalsFailed = "proposals_failed" {
            column: "proposals_failed_per_second", unit: PerSecond, role: Evidence
        }
        /// Applies that took more than 100 ms, per second.
        SlowApplies = "slow_applies" { column: "slow_applies_per_second", unit: PerSecond, role: Evidence }
        /// Linearizable reads that the leader confirmed too late, per second.
        SlowReadIndexes = "slow_read_indexes" {
            column: "slow_read_indexes_per_second", unit: PerSecond, role: Evidence
        }
        /// Whether the member leads.
        IsLeader = "is_leader" { column: "is_leader", unit: Flag, role: Evidence }
        /// Whether the member is a learner, which does not count for the quorum.
        IsLearner = "is_learner" { column: "is_learner", unit: Flag, role: Evidence }
        /// Whether the member knows a leader.
        HasLeader = "has_leader" { column: "has_leader", unit: Flag, role: Evidence }
        /// Size of the database without free pages, bytes.
        DbInUse = "db_in_use" { column: "db_in_use_bytes", unit: Bytes, role: Evidence }
        /// Share of the time in which the database was defragmented.
        Defragmenting = "defragmenting" { column: "defragmenting_share", unit: Share, role: Evidence }
        /// Share of the time in which a snapshot of the database was sent.
        Snapshotting = "snapshotting" { column: "snapshotting_share", unit: Share, role: Evidence }
        /// Resident memory of the process, bytes.
        ResidentMemory = "resident_memory" { column: "resident_memory_bytes", unit: Bytes, role: Evidence }
        /// gRPC requests that ended with an error of the server, per second.
        GrpcErrors = "grpc_errors" { column: "grpc_errors_per_second", unit: PerSecond, role: Evidence }
        /// Version of the member's etcd.
        ServerVersion = "server_version" { column: "server_version", unit: Version, role: Evidence }
    }
}

/// The length of arrays with one element per metric.
pub const METRICS: usize = Metric::ALL.len();
/// The length of arrays with one element per companion (limit or start time).
pub const COMPANIONS: usize = Companion::ALL.len();
