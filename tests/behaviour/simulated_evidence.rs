//! The simulator's metrics that explain leader changes: promtool takes them, and a pull finds a reading of each.

use crate::support::{Asked, Folder, HOUR, START, blocks_of, example, prometheus_with};

/// A cluster over twelve hours in which everything happens that changes its leader.
const ARGUMENTS: [&str; 22] = [
    "--evidence",
    "--clusters=1",
    "--members=3",
    "--days=0.5",
    "--scrape=60s",
    "--start=2026-10-01",
    "--seed=3",
    "--incidents=none",
    "--incident",
    "leader-slow-disk=member=1,start=2026-10-01T01:00:00Z,hours=0.8",
    "--incident",
    "network=member=2,start=2026-10-01T03:00:00Z,hours=0.2",
    "--incident",
    "process-stopped=member=3,start=2026-10-01T05:00:00Z,hours=0.1",
    "--incident",
    "planned-move=start=2026-10-01T06:30:00Z",
    "--incident",
    "overload=start=2026-10-01T07:30:00Z,hours=0.5",
    "--incident",
    "quota-full=start=2026-10-01T09:00:00Z,hours=1",
    "--incident",
    "follower-restart=member=2,start=2026-10-01T11:00:00Z",
];

#[test]
fn promtool_takes_every_sample_of_a_simulation_with_evidence() {
    let folder = Folder::new("simulated-evidence-blocks");
    let file = folder.at("raw.om");
    example("simulate", &[&ARGUMENTS[..], &["--out", &file]].concat()).succeeds();
    let text = folder.text("raw.om");
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let series: std::collections::BTreeSet<&str> =
        samples.iter().filter_map(|line| line.rsplitn(3, ' ').nth(2)).collect();
    let blocks = blocks_of(text.as_bytes());
    assert_eq!(blocks.code, Some(0));
    assert_eq!((blocks.counts.series, blocks.counts.samples), (series.len() as u64, samples.len() as u64));
    // Three etcd processes of 42 series and 56 of evidence, 19 more for each of two peers, and three node_exporters;
    // then messages that failed to some of the six peers: no series exists before the first failure.
    let (fewest, pairs) = (3 * (42 + 56 + 2 * 19) + 3, 6);
    assert!((fewest + 1..=fewest + pairs).contains(&blocks.counts.series), "{:?}", blocks.counts);
}

#[test]
fn readings_of_a_simulation_with_evidence_are_those_of_prometheus() {
    let folder = Folder::new("simulated-evidence");
    let file = folder.at("raw.om");
    example("simulate", &[&ARGUMENTS[..], &["--out", &file]].concat()).succeeds();
    // A scrape that fails leaves no staleness marker in an imported block; a short look-back shows the same.
    let prometheus = prometheus_with(&folder.text("raw.om"), &["--query.lookback-delta=90s"]);
    let asked = Asked { evidence: Some("all"), ..Asked::all(&prometheus, START, START + 12 * HOUR) };
    asked.is_answered_exactly(&folder);
}
