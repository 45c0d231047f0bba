//! The families of the metrics that explain leader changes, with the names, types and help of etcd 3.5.

use std::io::{self, Write};

use super::{Families, Target};
use crate::evidence::{CODES, Evidence, Method};
use crate::openmetrics::Stamps;
use crate::peers::{DEFRAGMENTATION_BUCKETS, Histogram, ROUND_TRIP_BUCKETS, SNAPSHOT_BUCKETS};

/// The version of the lab's etcd.
const VERSION: &str = "3.5.1";

impl<W: Write> Families<'_, W> {
    /// Writes all of them.
    pub(super) fn evidence(&mut self) -> io::Result<()> {
        self.leaders()?;
        self.proposals()?;
        self.network()?;
        self.backend()?;
        self.calls()?;
        self.exposition.family(
            "etcd_server_version",
            "gauge",
            "Which version is running. 1 for 'server_version' label with current version.",
        );
        self.each_target(|exposition, target| {
            let series = format!("etcd_server_version{{{},server_version=\"{VERSION}\"}}", target.labels);
            let ones = vec![1; target.member.schedule.at.len()];
            exposition.series(&series, &target.stamps, target.steps(), ones, 0)
        })
    }

    fn evident(
        &mut self,
        (name, kind, help): (&str, &str, &str),
        values: impl Fn(&Evidence<'_>) -> Vec<u64>,
    ) -> io::Result<()> {
        self.simple((name, kind, help), 0, |member| values(&member.evidence()))
    }

    fn leaders(&mut self) -> io::Result<()> {
        let help = "Whether or not this member is a leader. 1 if is, 0 otherwise.";
        self.evident(("etcd_server_is_leader", "gauge", help), |evidence| evidence.is_leader())?;
        let help = "Whether or not this member is a learner. 1 if is, 0 otherwise.";
        self.evident(("etcd_server_is_learner", "gauge", help), |evidence| vec![0; evidence.member.schedule.at.len()])?;
        let help = "The total number of leader heartbeat send failures (likely overloaded from slow disk).";
        self.evident(("etcd_server_heartbeat_send_failures", "counter", help), |evidence| {
            evidence.heartbeat_send_failures()
        })
    }

    fn proposals(&mut self) -> io::Result<()> {
        let help = "The current number of pending proposals to commit.";
        self.evident(("etcd_server_proposals_pending", "gauge", help), |evidence| evidence.proposals_pending())?;
        let help = "The total number of failed proposals seen.";
        self.evident(("etcd_server_proposals_failed", "counter", help), |evidence| evidence.proposals_failed())?;
        let help = "The total number of slow apply requests (likely overloaded from slow disk).";
        self.evident(("etcd_server_slow_apply", "counter", help), |evidence| evidence.slow_applies())?;
        let help =
            "The total number of pending read indexes not in sync with leader's or timed out read index requests.";
        self.evident(("etcd_server_slow_read_indexes", "counter", help), |evidence| evidence.slow_read_indexes())
    }

    fn network(&mut self) -> io::Result<()> {
        let name = "etcd_network_peer_round_trip_time_seconds";
        self.exposition.family(name, "histogram", "Round-Trip-Time histogram between peers");
        let bounds = bounds::<ROUND_TRIP_BUCKETS>(1, 4);
        self.each_target(|exposition, target| {
            let evidence = target.member.evidence();
            for peer in evidence.peers() {
                let labels = format!("To=\"{}\",{}", peer.id, target.labels);
                let (stamps, histogram) = seen(target, &evidence.sees(&peer), &evidence.round_trips(&peer));
                exposition.histogram(name, &labels, &bounds, &stamps, &histogram)?;
            }
            Ok(())
        })?;
        let name = "etcd_network_peer_sent_failures";
        self.exposition.family(name, "counter", "The total number of send failures from peers.");
        self.each_target(|exposition, target| {
            let evidence = target.member.evidence();
            for peer in evidence.peers() {
                let sees = evidence.sees(&peer);
                let scrapes = target.member.schedule.at.iter().zip(evidence.sent_failures(&peer)).zip(sees);
                let there = scrapes.filter(|((_, failures), sees)| *sees && *failures > 0);
                let (at, failures): (Vec<i64>, Vec<u64>) = there.map(|((at, failures), _)| (*at, failures)).unzip();
                let series = format!("{name}_total{{To=\"{}\",{}}}", peer.id, target.labels);
                exposition.series(&series, &Stamps::new(&at), 0..at.len(), failures, 0)?;
            }
            Ok(())
        })
    }

    fn backend(&mut self) -> io::Result<()> {
        let help = "Total size of the underlying database logically in use in bytes.";
        self.evident(("etcd_mvcc_db_total_size_in_use_in_bytes", "gauge", help), |evidence| {
            evidence.member.databases().iter().map(|database| database.in_use).collect()
        })?;
        let help = "Resident memory size in bytes.";
        self.evident(("process_resident_memory_bytes", "gauge", help), |evidence| evidence.resident_memory())?;
        let name = "etcd_disk_backend_defrag_duration_seconds";
        self.exposition.family(name, "histogram", "The latency distribution of backend defragmentation.");
        let bounds_of_defragmentations = bounds::<DEFRAGMENTATION_BUCKETS>(1, 1);
        self.each_target(|exposition, target| {
            let histogram = target.member.evidence().defragmentations();
            exposition.histogram(name, &target.labels, &bounds_of_defragmentations, &target.stamps, &histogram)
        })?;
        let name = "etcd_disk_backend_snapshot_duration_seconds";
        self.exposition.family(name, "histogram", "The latency distribution of backend snapshots.");
        let bounds_of_snapshots = bounds::<SNAPSHOT_BUCKETS>(1, 2);
        self.each_target(|exposition, target| {
            let histogram = target.member.evidence().snapshots();
            exposition.histogram(name, &target.labels, &bounds_of_snapshots, &target.stamps, &histogram)
        })
    }

    fn calls(&mut self) -> io::Result<()> {
        let name = "grpc_server_handled";
        let help = "Total number of RPCs completed on the server, regardless of success or failure.";
        self.exposition.family(name, "counter", help);
        self.each_target(|exposition, target| {
            let evidence = target.member.evidence();
            for method in [Method::Put, Method::Range] {
                for code in CODES {
                    let call = format!("grpc_code=\"{code}\",grpc_method=\"{method:?}\"");
                    let call = format!("{call},grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"");
                    let series = format!("{name}_total{{{},{call}}}", target.labels);
                    let values = evidence.calls(method, code);
                    exposition.series(&series, &target.stamps, target.steps(), values, 0)?;
                }
            }
            Ok(())
        })
    }
}

/// The scrapes at which a histogram exists.
fn seen<const N: usize>(target: &Target<'_>, sees: &[bool], whole: &Histogram<N>) -> (Stamps, Histogram<N>) {
    let kept: Vec<usize> = (0..sees.len()).filter(|n| sees[*n]).collect();
    let at: Vec<i64> = kept.iter().map(|n| target.member.schedule.at[*n]).collect();
    let cumulative = kept.iter().map(|n| whole.cumulative[*n]).collect();
    let sum_micros = kept.iter().map(|n| whole.sum_micros[*n]).collect();
    (Stamps::new(&at), Histogram { cumulative, sum_micros })
}

/// The values of `le`: 2^k × `first` × 10^-`decimals`, as etcd writes them.
fn bounds<const N: usize>(first: u64, decimals: u32) -> [String; N] {
    let unit = 10_u64.pow(decimals);
    std::array::from_fn(|k| {
        if k == N - 1 {
            return "+Inf".to_owned();
        }
        let scaled = first << k;
        let width = decimals as usize;
        let text = format!("{}.{:0width$}", scaled / unit, scaled % unit);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    })
}
