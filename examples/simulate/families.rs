//! The metric families, in the order in which they are written, and the labels of their series.

mod evidence;

use std::io::{self, Write};
use std::ops::Range;

use crate::cluster::{Cluster, Instance, Process};
use crate::disk::Disk;
use crate::incidents::Setting;
use crate::latency::BOUNDS;
use crate::member::Member;
use crate::openmetrics::{Exposition, Stamps, Written, quoted};
use crate::random::Random;
use crate::schedule::Schedule;

/// Open files of a node_exporter, which must not be mistaken for those of etcd.
const NODE_FDS: u64 = 9;

/// Writes the metrics of all targets.
#[derive(Debug)]
pub(crate) struct Families<'a, W> {
    setting: &'a Setting,
    clusters: &'a [Cluster],
    job: &'a str,
    renamed: i64,
    exposition: Exposition<W>,
}

/// A member and the labels of its series.
struct Target<'a> {
    member: Member<'a>,
    stamps: Stamps,
    /// `cluster="c01",instance="10.0.1.1:2379",job="etcd"`
    labels: String,
}

impl Target<'_> {
    fn steps(&self) -> Range<usize> {
        0..self.member.schedule.at.len()
    }
}

impl<'a, W: Write> Families<'a, W> {
    /// `renamed` is the time at which the database size gets its present name.
    pub(crate) fn new(setting: &'a Setting, clusters: &'a [Cluster], job: &'a str, renamed: i64, out: W) -> Self {
        Self { setting, clusters, job, renamed, exposition: Exposition::new(out) }
    }

    /// Writes all families.
    pub(crate) fn write(mut self) -> io::Result<Written> {
        self.histogram(
            Disk::WalFsync,
            "etcd_disk_wal_fsync_duration_seconds",
            "The latency distributions of fsync called by WAL.",
        )?;
        self.histogram(
            Disk::BackendCommit,
            "etcd_disk_backend_commit_duration_seconds",
            "The latency distributions of commit called by backend.",
        )?;
        self.server()?;
        self.db_size()?;
        self.process()?;
        if self.setting.evidence {
            self.evidence()?;
        }
        self.exposition.finish()
    }

    fn each_target(
        &mut self,
        mut write: impl FnMut(&mut Exposition<W>, &Target<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        for cluster in self.clusters {
            for instance in &cluster.instances {
                let member = Member::new(self.setting, cluster, instance);
                let target = Target {
                    stamps: Stamps::new(&member.schedule.at),
                    member,
                    labels: labels(cluster, instance, 2379, self.job),
                };
                write(&mut self.exposition, &target)?;
            }
        }
        Ok(())
    }

    /// Writes a family with one series per target.
    fn simple(
        &mut self,
        (name, kind, help): (&str, &str, &str),
        decimals: usize,
        values: impl Fn(&Member<'_>) -> Vec<u64>,
    ) -> io::Result<()> {
        self.exposition.family(name, kind, help);
        let suffix = if kind == "counter" { "_total" } else { "" };
        self.each_target(|exposition, target| {
            let series = format!("{name}{suffix}{{{}}}", target.labels);
            let values = values(&target.member);
            exposition.series(&series, &target.stamps, target.steps(), values, decimals)
        })
    }

    fn histogram(&mut self, disk: Disk, name: &str, help: &str) -> io::Result<()> {
        self.exposition.family(name, "histogram", help);
        self.each_target(|exposition, target| {
            let histogram = target.member.latencies(disk);
            exposition.histogram(name, &target.labels, &BOUNDS, &target.stamps, &histogram)
        })
    }

    fn server(&mut self) -> io::Result<()> {
        self.simple(
            ("etcd_server_leader_changes_seen", "counter", "The number of leader changes seen."),
            0,
            |member| member.leader_changes(),
        )?;
        self.simple(
            ("etcd_server_has_leader", "gauge", "Whether or not a leader exists. 1 is existence, 0 is not."),
            0,
            |member| member.has_leader(),
        )?;
        self.simple(
            ("etcd_server_quota_backend_bytes", "gauge", "Current backend storage quota size in bytes."),
            0,
            |member| vec![member.quota_bytes(); member.schedule.at.len()],
        )?;
        self.simple(
            (
                "etcd_network_client_grpc_received_bytes",
                "counter",
                "The total number of bytes received from grpc clients.",
            ),
            0,
            |member| member.received_bytes(),
        )
    }

    /// The database size, under its old name before the rename and under the new one after it.
    fn db_size(&mut self) -> io::Result<()> {
        let renamed = self.renamed;
        for (name, old) in
            [("etcd_debugging_mvcc_db_total_size_in_bytes", true), ("etcd_mvcc_db_total_size_in_bytes", false)]
        {
            let help = "Total size of the underlying database physically allocated in bytes.";
            self.exposition.family(name, "gauge", help);
            self.each_target(|exposition, target| {
                let at = &target.member.schedule.at;
                let split = at.partition_point(|at| *at < renamed);
                let steps = if old { 0..split } else { split..at.len() };
                let values = target.member.db_size_bytes();
                let values = values[steps.clone()].iter().copied();
                let series = format!("{name}{{{}}}", target.labels);
                exposition.series(&series, &target.stamps, steps, values, 0)
            })?;
        }
        Ok(())
    }

    fn process(&mut self) -> io::Result<()> {
        let fds = ("process_open_fds", "gauge", "Number of open file descriptors.");
        self.simple(fds, 0, |member| member.open_fds())?;
        self.node_fds()?;
        self.simple(("process_max_fds", "gauge", "Maximum number of open file descriptors."), 0, |member| {
            vec![65_536; member.schedule.at.len()]
        })?;
        self.simple(
            ("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds."),
            3,
            |member| member.started(),
        )
    }

    /// Each machine has a node_exporter, which continues to run while etcd is down.
    fn node_fds(&mut self) -> io::Result<()> {
        for cluster in self.clusters {
            for instance in &cluster.instances {
                let process = Process { started: instance.started, scraped: instance.present };
                let [number, member] = instance.key;
                let mut random = Random::keyed(self.setting.seed, &[number, member, 20]);
                let schedule = Schedule::new(self.setting, &[process], &[], random.clone());
                let steps = 0..schedule.at.len();
                let values = steps.clone().map(|_| NODE_FDS + random.below(4) as u64);
                let series = labels(cluster, instance, 9100, "node");
                self.exposition.series(
                    &format!("process_open_fds{{{series}}}"),
                    &Stamps::new(&schedule.at),
                    steps,
                    values,
                    0,
                )?;
            }
        }
        Ok(())
    }
}

fn labels(cluster: &Cluster, instance: &Instance, port: u16, job: &str) -> String {
    format!("cluster=\"{}\",instance=\"{}:{port}\",job={}", cluster.label, instance.host, quoted(job))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::clusters;
    use crate::requests::plan;
    use crate::timeline::{DAY, Interval, MINUTE, parse_instant};

    /// Three clusters over a day with all default incidents and a rename.
    fn text(seed: u64, evidence: bool) -> String {
        let start = parse_instant("2026-10-01").expect("an instant");
        let setting = Setting {
            clusters: 3,
            members: 3,
            range: Interval { start, end: start + DAY },
            scrape: MINUTE,
            seed,
            evidence,
        };
        let incidents = plan(&setting, true, &[], |_| ()).expect("they fit");
        let clusters = clusters(&setting, &incidents);
        let mut out = Vec::new();
        let families = Families::new(&setting, &clusters, "etcd", start + DAY / 2, &mut out);
        families.write().expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        for evidence in [false, true] {
            let first = text(1, evidence);
            assert!(first == text(1, evidence));
            assert!(first != text(2, evidence));
        }
    }

    #[test]
    fn each_series_is_in_one_piece_and_ascends() {
        let text = text(1, false);
        // Ten etcd processes of 42 series and ten node_exporters; all except the member that joined
        // after the rename have the old name as well.
        assert_eq!(series(&text), 10 * 42 + 10 + 9);
    }

    #[test]
    fn each_series_of_evidence_is_in_one_piece_and_ascends() {
        let text = text(1, true);
        let without = ["etcd_network_peer_", "# "];
        let lines: Vec<&str> =
            text.lines().filter(|line| !without.iter().any(|start| line.starts_with(start))).collect();
        // Ten gauges and counters, two histograms of 16 and 20 series, ten codes, the version.
        let evidence = 9 + 16 + 20 + 10 + 1;
        assert_eq!(series(&lines.join("\n")), 10 * (42 + evidence) + 10 + 9);
        series(&text);
    }

    /// Counts series; each must be in one piece, with ascending timestamps.
    fn series(text: &str) -> usize {
        let mut finished = std::collections::HashSet::new();
        let mut current = ("", 0.0);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut parts = line.rsplitn(3, ' ');
            let mut next = || parts.next().expect("three parts");
            let at: f64 = next().parse().expect("a timestamp");
            next().parse::<f64>().expect("a value");
            let series = next();
            if series == current.0 {
                assert!(at > current.1, "{line}");
            } else {
                assert!(finished.insert(series), "{line}");
            }
            current = (series, at);
        }
        finished.len()
    }

    #[test]
    fn a_text_ends_with_eof_and_has_no_blank_line() {
        for evidence in [false, true] {
            let text = text(1, evidence);
            assert!(text.ends_with("\n# EOF\n") && !text.contains("\n\n"));
        }
    }
}
