//! The properties of metrics and companions, read from the table, and [`Column`], which is either
//! a metric or a companion.

use std::fmt;

use super::table::{COMPANION_ROWS, METRIC_ROWS, ROLES, Role, Row, SCORED, Scored};
use super::{COMPANIONS, Companion, METRICS, Metric, Unit};

impl Metric {
    /// The position of the metric in [`Metric::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    fn scored(self) -> &'static Scored {
        &SCORED[self.index()]
    }

    /// The column of the history that holds the readings, with the unit in its name.
    pub fn reading_column(self) -> &'static str {
        Column::Metric(self).reading_column()
    }

    /// The name in sentences and headings, such as `WAL fsync p99`.
    pub fn title(self) -> &'static str {
        self.scored().title
    }

    /// The unit of the readings.
    pub fn unit(self) -> Unit {
        Column::Metric(self).unit()
    }

    /// The column of the history that marks idle readings; `None` if the metric cannot be idle. A day without any idle
    /// reading of the metric does not have the column.
    pub fn idle_column(self) -> Option<&'static str> {
        Column::Metric(self).can_be_idle().then_some(self.scored().idle_column)
    }

    /// The column in `scores.parquet` that holds the points, 0 to 10.
    pub fn points_column(self) -> &'static str {
        self.scored().points_column
    }

    /// The column in `heatmap.parquet` that holds the mean weighted loss of a cell, in points.
    pub fn loss_column(self) -> &'static str {
        self.scored().loss_column
    }

    /// The key of the weight in `etcd-heatmap.toml`: `weights.wal_fsync`.
    pub fn weight_key(self) -> &'static str {
        self.scored().weight_key
    }

    /// The key of the bands in `etcd-heatmap.toml`: `bands.wal_fsync`.
    pub fn bands_key(self) -> &'static str {
        self.scored().bands_key
    }

    /// The key of the caps in `etcd-heatmap.toml`: `caps.wal_fsync`.
    pub fn caps_key(self) -> &'static str {
        self.scored().caps_key
    }

    /// The key under `[weights]` in `config.conf`, the settings file of the original script `heat.py`.
    pub fn seed_key(self) -> &'static str {
        self.scored().seed_key
    }

    /// The companion that limits this metric, if any; thresholds can be shares of it.
    pub fn limit(self) -> Option<Companion> {
        self.scored().limit
    }

    /// Whether a reading shows that the member existed at that step; false for leader changes, whose query
    /// looks back for a day.
    pub fn shows_life(self) -> bool {
        self.scored().shows_life
    }
}

impl Companion {
    /// The column of the history that holds the readings, with the unit in its name.
    pub fn reading_column(self) -> &'static str {
        Column::Companion(self).reading_column()
    }

    /// Whether the companion is evidence of causes, not a limit or a start time.
    pub fn is_evidence(self) -> bool {
        ROLES[self as usize] == Role::Evidence
    }

    /// What findings need besides the scored metrics: the limits, who leads, who knows a leader, who is a learner, which
    /// proposals wait, which applies are slow, and which version runs. A server computes them for little: none is a histogram.
    pub const OF_FINDINGS: [Self; 8] = [
        Self::Quota,
        Self::MaxFds,
        Self::ProposalsPending,
        Self::SlowApplies,
        Self::IsLeader,
        Self::IsLearner,
        Self::HasLeader,
        Self::ServerVersion,
    ];

    /// The unit of the readings.
    pub fn unit(self) -> Unit {
        Column::Companion(self).unit()
    }
}

/// A column of readings in a history: one of the six metrics, or a companion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// A metric, which profiles can score.
    Metric(Metric),
    /// A companion: not scored, but needed for limits, restarts or findings.
    Companion(Companion),
}

/// The number of columns: metrics, and companions (limits and start times).
pub const COLUMNS: usize = METRICS + COMPANIONS;

impl Column {
    /// The six metrics, then the companions (limits and start times).
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        Metric::ALL.into_iter().map(Self::Metric).chain(Companion::ALL.into_iter().map(Self::Companion))
    }

    /// The position of the column in [`Column::all`].
    pub const fn index(self) -> usize {
        match self {
            Self::Metric(metric) => metric.index(),
            Self::Companion(companion) => METRICS + companion as usize,
        }
    }

    fn row(self) -> &'static Row {
        match self {
            Self::Metric(metric) => &METRIC_ROWS[metric as usize],
            Self::Companion(companion) => &COMPANION_ROWS[companion as usize],
        }
    }

    /// The name of the query file and of the key in the manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metric(metric) => metric.name(),
            Self::Companion(companion) => companion.name(),
        }
    }

    /// The column of the history, with the unit in its name: `wal_fsync_seconds`.
    pub fn reading_column(self) -> &'static str {
        self.row().reading_column
    }

    /// The unit of the readings.
    pub fn unit(self) -> Unit {
        self.row().unit
    }

    /// Whether a reading can be idle instead of missing: true for metrics that are percentiles of a histogram, which have no
    /// value if nothing was observed.
    pub fn can_be_idle(self) -> bool {
        matches!(self, Self::Metric(_)) && self.unit() == Unit::Seconds
    }

    /// The label of the series that holds the reading, if it is not the value: that is always 1 then.
    pub(crate) fn label(self) -> Option<&'static str> {
        (self == Self::Companion(Companion::ServerVersion)).then_some("server_version")
    }

    /// The text of the embedded `queries/<name>.promql`.
    pub fn query(self) -> &'static str {
        self.row().query
    }

    /// Whether the column holds evidence of causes.
    pub fn is_evidence(self) -> bool {
        self.companion().is_some_and(Companion::is_evidence)
    }

    /// The companion (a limit or a start time) in this column; `None` for one of the six metrics.
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
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::spec::Profile;

    #[test]
    fn metrics_are_parsed_by_their_exact_name() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
        }
        let error = "wal".parse::<Metric>().map_err(|e| e.contains("did you mean 'wal_fsync'"));
        assert_eq!(error, Err(true));
    }

    #[test]
    fn column_indices_match_their_order() {
        let columns: Vec<Column> = Column::all().collect();
        assert_eq!(columns.len(), COLUMNS);
        assert!(columns.iter().enumerate().all(|(index, column)| column.index() == index));
    }

    /// Histories of version 0.1.0 contain these column names: if one is renamed, its readings are no longer found.
    #[test]
    fn columns_of_version_0_1_0_keep_their_names() {
        let readings: Vec<&str> = Column::all().map(Column::reading_column).collect();
        for column in "wal_fsync_seconds backend_commit_seconds open_fds leader_changes \
            client_traffic_in_bytes_per_second db_size_bytes quota_bytes max_fds start_time_seconds"
            .split_whitespace()
        {
            assert!(readings.contains(&column), "{column}");
        }
        let mut named = readings.clone();
        named.extend(Metric::ALL.iter().flat_map(|m| [m.points_column(), m.loss_column()]));
        named.extend(Metric::ALL.into_iter().filter_map(Metric::idle_column));
        let all = named.len();
        named.sort_unstable();
        named.dedup();
        assert_eq!(named.len(), all, "two columns have one name");
        assert_eq!(
            (Metric::DbSize.points_column(), Metric::OpenFds.loss_column()),
            ("db_size_points", "open_fds_loss")
        );
    }

    #[test]
    fn the_readme_lists_every_metric_with_its_weight_and_unit() {
        let readme = include_str!("../../README.md");
        let mut table = readme.lines().skip_while(|line| *line != "## How a score is made");
        let seed = Profile::seed();
        for metric in Metric::ALL {
            let row = table.find(|line| line.starts_with(&format!("| `{metric}` |"))).unwrap();
            assert!(row.contains(&format!(" | {:.2} | ", seed.share(metric))), "{row}");
            let unit = match metric.unit() {
                Unit::Seconds => "seconds",
                Unit::BytesPerSecond => "bytes per second",
                Unit::Bytes => "| bytes |",
                _ => "",
            };
            assert!(row.contains(unit), "{row}");
        }
    }

    /// Each file in this list must be edited by hand when a metric is added, so the list may only become shorter. Code
    /// that needs all metrics must take them from the table.
    #[test]
    fn only_the_listed_files_name_every_metric() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        collect(&source, &mut files);
        let names_all = |path: &PathBuf| {
            let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap();
            let variants = Metric::ALL.iter().all(|metric| text.contains(&format!("{metric:?}")));
            variants || Metric::ALL.iter().all(|metric| text.contains(metric.name()))
        };
        let mut found: Vec<String> = files
            .iter()
            // A test generates this snapshot, so it needs no edit by hand.
            .filter(|path| names_all(path) && !path.ends_with("every_error/snapshot.txt"))
            .map(|path| path.strip_prefix(&source).unwrap().to_string_lossy().into_owned())
            .collect();
        found.sort();
        let expected = [
            "analysis/findings/causes.rs",
            "config/tests.rs",
            "folder/manifest/0.1.0.json",
            "spec/metric.rs",
            "spec/profiles/etcd-faq.toml",
            "spec/profiles/fleet.toml",
            "spec/profiles/mixin.toml",
            "spec/profiles/openshift.toml",
            "spec/profiles/operator.toml",
            "spec/profiles/seed.toml",
            "spec/table.rs",
        ];
        assert_eq!(found, expected);
    }

    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { collect(&path, files) } else { files.push(path) }
        }
    }
}
