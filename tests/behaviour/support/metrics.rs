//! Hand-made histories as OpenMetrics text for promtool.

use std::fmt::Write;
use std::ops::Range;

/// The six scored metrics, in the order of the specification.
pub(crate) const METRICS: [&str; 6] =
    ["wal_fsync", "backend_commit", "open_fds", "leader_changes", "client_traffic_in", "db_size"];

/// Seconds between two samples, unless a history says otherwise.
const STEP: i64 = 60;

/// The cumulative share of writes per bucket; the 99th percentile is between 4 and 8 ms.
const FAST: [(&str, f64); 4] = [("0.002", 0.5), ("0.004", 0.98), ("0.008", 1.0), ("+Inf", 1.0)];

/// The 99th percentile is between 16 and 32 ms.
const SLOW: [(&str, f64); 4] = [("0.004", 0.5), ("0.016", 0.98), ("0.032", 1.0), ("+Inf", 1.0)];

/// A history as OpenMetrics text, series by series.
pub(crate) struct Metrics {
    text: String,
    step: i64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::every(STEP)
    }
}

impl Metrics {
    /// An empty history with a sample every `step` seconds.
    pub(crate) fn every(step: i64) -> Self {
        Self { text: String::new(), step }
    }

    /// Adds the series `name{labels}`.
    pub(crate) fn series(&mut self, name: &str, labels: &str, seconds: Range<i64>, value: impl Fn(i64) -> f64) {
        let first = seconds.start + (-seconds.start).rem_euclid(self.step);
        for second in (first..seconds.end).step_by(self.step as usize) {
            writeln!(self.text, "{name}{{{labels}}} {} {second}", value(second)).expect("a String takes everything");
        }
    }

    /// Adds a healthy etcd member, with all series of the six metrics.
    pub(crate) fn member(&mut self, labels: &str, seconds: Range<i64>) {
        self.series("etcd_server_has_leader", labels, seconds.clone(), |_| 1.0);
        for metric in METRICS {
            self.raw(metric, labels, seconds.clone());
        }
    }

    /// Adds a member that is healthy except that its disk is slow at some times.
    pub(crate) fn member_with_slow_disk(&mut self, labels: &str, seconds: Range<i64>, slow: impl Fn(i64) -> bool) {
        let mut healthy = Self::every(self.step);
        healthy.member(labels, seconds.clone());
        self.append(&healthy.without(&["etcd_disk_wal_fsync"]));
        self.wal_fsync(labels, seconds, slow);
    }

    /// Adds the series that a healthy etcd exports for one metric.
    pub(crate) fn raw(&mut self, metric: &str, labels: &str, seconds: Range<i64>) {
        match metric {
            "wal_fsync" => self.histogram("etcd_disk_wal_fsync_duration_seconds", &FAST, labels, seconds),
            "backend_commit" => self.histogram("etcd_disk_backend_commit_duration_seconds", &FAST, labels, seconds),
            "open_fds" => self.series("process_open_fds", labels, seconds, |t| (60 + t / STEP % 7) as f64),
            "leader_changes" => self.series("etcd_server_leader_changes_seen_total", labels, seconds, |_| 1.0),
            "client_traffic_in" => {
                self.series("etcd_network_client_grpc_received_bytes_total", labels, seconds, |t| since_day(t) * 700.0);
            }
            "db_size" => self.series("etcd_mvcc_db_total_size_in_bytes", labels, seconds, |t| since_day(t) + 4e6),
            other => panic!("{other} is no metric"),
        }
    }

    /// Adds the series that the original's recording rules record for a metric.
    pub(crate) fn recorded(&mut self, metric: &str, labels: &str, seconds: Range<i64>, value: impl Fn(i64) -> f64) {
        let name = match metric {
            "wal_fsync" => "job:etcd_disk_wal_fsync_duration_seconds_bucket:99percentile",
            "backend_commit" => "job:etcd_disk_backend_commit_duration_seconds_bucket:99percentile",
            "open_fds" => "job:process_open_fds:clone",
            "leader_changes" => "job:etcd_server_leader_changes_seen_total:changes1d",
            "client_traffic_in" => "job:etcd_network_client_grpc_received_bytes_total:rate5m",
            "db_size" => "job:etcd_debugging_mvcc_db_total_size_in_bytes:clone",
            other => panic!("{other} is no metric"),
        };
        self.series(name, labels, seconds, value);
    }

    /// Adds the histogram of a slow write-ahead log: its 99th percentile is between 16 and 32 ms.
    pub(crate) fn slow_disk(&mut self, labels: &str, seconds: Range<i64>) {
        self.histogram("etcd_disk_wal_fsync_duration_seconds", &SLOW, labels, seconds);
    }

    /// Adds the histogram of a disk that is slow at some times: counters grow by the slow or fast distribution.
    pub(crate) fn wal_fsync(&mut self, labels: &str, seconds: Range<i64>, is_slow: impl Fn(i64) -> bool) {
        let first = seconds.start + (-seconds.start).rem_euclid(self.step);
        for bound in ["0.002", "0.004", "0.008", "0.016", "0.032", "+Inf"] {
            let share = |shares: &[(&str, f64)]| {
                let reached = shares.iter().rfind(|(b, _)| *b == bound || (bound != "+Inf" && below(b, bound)));
                reached.map_or(0.0, |(_, share)| *share)
            };
            let (fast, slow) = (share(&FAST), share(&SLOW));
            let mut grown = Vec::new();
            let mut total = 0.0;
            for second in (first..seconds.end).step_by(self.step as usize) {
                total += 10.0 * self.step as f64 * if is_slow(second) { slow } else { fast };
                grown.push(total);
            }
            let (labels, step) = (format!("{labels},le=\"{bound}\""), self.step);
            self.series("etcd_disk_wal_fsync_duration_seconds_bucket", &labels, seconds.clone(), |t| {
                grown[((t - first) / step) as usize]
            });
        }
    }

    /// Adds samples in OpenMetrics text.
    pub(crate) fn add(&mut self, samples: &str) {
        self.text.push_str(samples);
    }

    /// Adds the series of another history.
    pub(crate) fn append(&mut self, other: &Self) {
        self.text.push_str(&other.text);
    }

    /// Removes the series whose names start with one of these prefixes.
    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        let mut kept = String::new();
        for line in self.text.lines().filter(|line| !names.iter().any(|name| line.starts_with(name))) {
            kept.push_str(line);
            kept.push('\n');
        }
        self.text = kept;
        self
    }

    /// Keeps the samples at some seconds.
    pub(crate) fn only(mut self, is_kept: impl Fn(i64) -> bool) -> Self {
        let second = |line: &&str| line.rsplit(' ').next().and_then(|text| text.parse().ok());
        let kept = self.text.lines().filter(|line| second(line).is_some_and(&is_kept));
        self.text = kept.flat_map(|line| [line, "\n"]).collect();
        self
    }

    fn histogram(&mut self, name: &str, shares: &[(&str, f64)], labels: &str, seconds: Range<i64>) {
        for (bound, share) in shares {
            let labels = format!("{labels},le=\"{bound}\"");
            self.series(&format!("{name}_bucket"), &labels, seconds.clone(), |t| since_day(t) / 60.0 * 1000.0 * share);
        }
    }

    /// The text, with `# EOF` at the end.
    pub(crate) fn text(&self) -> String {
        format!("{}# EOF\n", self.text)
    }
}

/// Whether one histogram bound is below another.
fn below(bound: &str, other: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().unwrap_or(f64::INFINITY);
    number(bound) < number(other)
}

/// Counters grow from the start of the history.
fn since_day(second: i64) -> f64 {
    (second - super::START + super::DAY) as f64
}

/// Escapes a label value for OpenMetrics.
pub(crate) fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
