//! Which series are read, and which member of which cluster they belong to.

use std::ops::Range;

use serde_json::Value;

use crate::support::{
    Asked, DAY, Faults, Folder, HOUR, METRICS, Metrics, START, assert_same, cells, etcd_heatmap, prometheus_of,
};
use crate::whole_road::imports_exactly;

const EARLY: i64 = START - HOUR;
const END: i64 = START + 2 * HOUR;

/// The form of each query as the manifest tells it.
fn forms(folder: &Folder) -> Vec<(&'static str, String)> {
    let manifest: Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("the manifest is JSON");
    let form = |metric: &str| manifest["queries"][metric]["form"].as_str().expect("every query has a form").to_owned();
    METRICS.into_iter().map(|metric| (metric, form(metric))).collect()
}

/// Series of the recording rules whose every value says where it came from: they cost points where the raw ones don't.
fn recorded(metrics: &mut Metrics, metric: &str, labels: &str, seconds: Range<i64>) {
    let value = if metric == "open_fds" { 2000.0 } else { 0.001 };
    metrics.recorded(metric, labels, seconds, |_| value);
}

#[test]
fn a_percentile_omits_the_sum_only_if_the_result_is_the_same() {
    let mut metrics = Metrics::default();
    metrics.member(r#"cluster="one",job="etcd",instance="m1",pod="a""#, EARLY..END);
    // Two series a bucket, as after a change of a label: at once, or one after the other.
    for (cluster, second) in [("both", EARLY), ("then", START + HOUR)] {
        let labels = |pod: &str| format!(r#"cluster="{cluster}",job="etcd",instance="m1",pod="{pod}""#);
        metrics.member(&labels("a"), EARLY..START + HOUR);
        metrics.series(
            "etcd_disk_wal_fsync_duration_seconds_bucket",
            &(labels("b") + r#",le="0.001""#),
            second..END,
            |t| t as f64,
        );
        metrics.series(
            "etcd_disk_wal_fsync_duration_seconds_bucket",
            &(labels("b") + r#",le="+Inf""#),
            second..END,
            |t| 7.0 * t as f64,
        );
    }
    let prometheus = prometheus_of(&metrics.text());
    let faults = Faults::before(prometheus.server().port());
    let raw = |metric: &str| {
        let text = std::fs::read_to_string(format!("queries/{metric}.promql")).expect("it is in the repository");
        text.split_once("# direct:").expect("it has a direct form").0.to_owned()
    };
    for (cluster, is_direct) in [("one", true), ("both", false), ("then", false)] {
        let pull = |folder: &Folder, flags: &[&str]| {
            let selector = format!(r#"cluster="{cluster}""#);
            let (start, end) = (START.to_string(), END.to_string());
            let asked = ["--start", &start, "--end", &end, "--selector", &selector, "--series", "raw", "--quiet"];
            faults.calm();
            let out = ["--url", &faults.url(), "--out", &folder.at("audit")];
            etcd_heatmap(&[&["pull"], &out[..], &asked, flags].concat()).succeeds();
            faults
                .bodies()
                .into_iter()
                .filter(|body| body.contains("quantile") && body.contains("wal_fsync") && !body.contains("le%29"))
                .count()
        };
        let (folder, summed) = (Folder::new("direct"), Folder::new("summed"));
        assert_eq!(pull(&folder, &[]) > 0, is_direct, "{cluster}");
        for metric in ["wal_fsync", "backend_commit"] {
            summed.write(&format!("{metric}.promql"), raw(metric));
        }
        assert_eq!(pull(&summed, &["--queries", &summed.at("")]), 0);
        assert_same(&folder.tree("audit"), &summed.tree("audit"));
    }
}

#[test]
fn recorded_series_are_used_only_if_they_cover_the_raw_ones() {
    let members = |cluster: &str| ["m1", "m2"].map(|m| format!(r#"cluster="{cluster}",job="etcd",instance="{m}""#));
    let mut metrics = Metrics::default();
    for cluster in ["covered", "member-missing", "late"] {
        members(cluster).iter().for_each(|labels| metrics.member(labels, EARLY..END));
    }
    for metric in METRICS {
        for labels in ["covered", "recorded-only"].iter().flat_map(|cluster| members(cluster)) {
            recorded(&mut metrics, metric, &labels, EARLY..END);
        }
        for (labels, name) in members("member-missing").iter().zip(["m1", "m2"]) {
            if (metric, name) != ("open_fds", "m2") {
                recorded(&mut metrics, metric, labels, EARLY..END);
            }
        }
        let since = if metric == "open_fds" { START + HOUR } else { EARLY };
        members("late").iter().for_each(|labels| recorded(&mut metrics, metric, labels, since..END));
    }
    let prometheus = prometheus_of(&metrics.text());

    for (cluster, form_of_open_fds) in
        [("covered", "recorded"), ("recorded-only", "recorded"), ("member-missing", "raw"), ("late", "raw")]
    {
        let folder = Folder::new("recorded");
        let selector = format!(r#"cluster="{cluster}""#);
        let expected = METRICS.map(|m| (m, if m == "open_fds" { form_of_open_fds } else { "recorded" }.to_owned()));
        let asked = Asked {
            selector: Some(&selector),
            recorded: expected.iter().filter(|(_, form)| form == "recorded").map(|(metric, _)| *metric).collect(),
            ..Asked::all(&prometheus, START, END)
        };
        asked.run("backfill", &folder).succeeds();
        assert_eq!(forms(&folder), expected, "of the cluster {cluster:?}");
        asked.agrees_with_the_oracle(&folder.at("audit"));
        let mean = if form_of_open_fds == "recorded" { 9.0 } else { 10.0 };
        assert!(cells(&folder.text("audit/heatmap.csv")).iter().all(|cell| cell.mean == Some(mean)));
    }

    for (form, mean) in [("raw", 10.0), ("recorded", 9.0)] {
        let folder = Folder::new("forced");
        let (url, out, start, end) = (prometheus.url(), folder.at("audit"), START.to_string(), END.to_string());
        let range = ["--start", &start, "--end", &end, "--selector", r#"{cluster="covered"}"#];
        etcd_heatmap(&[&["backfill", "--url", &url, "--out", &out, "--series", form][..], &range].concat()).succeeds();
        assert!(forms(&folder).iter().all(|(_, found)| found == form), "--series {form} is no suggestion");
        assert!(cells(&folder.text("audit/heatmap.csv")).iter().all(|cell| cell.mean == Some(mean)));
    }
}

#[test]
fn a_short_gap_in_a_recorded_series_is_seen_in_a_range_of_days() {
    const M1: &str = r#"cluster="c",job="etcd",instance="m1""#;
    let (mut metrics, end) = (Metrics::default(), START + 2 * DAY);
    metrics.member(M1, EARLY..end);
    for metric in METRICS {
        let gap = if metric == "open_fds" { START + 30 * HOUR + 600..START + 30 * HOUR + 3000 } else { end..end };
        recorded(&mut metrics, metric, M1, EARLY..gap.start);
        recorded(&mut metrics, metric, M1, gap.end..end);
    }
    let folder = Folder::new("short-gap");
    Asked::all(&prometheus_of(&metrics.text()), START, end).run("backfill", &folder).succeeds();
    let expected = METRICS.map(|m| (m, if m == "open_fds" { "raw" } else { "recorded" }.to_owned()));
    assert_eq!(forms(&folder), expected, "the recorded series is not there for 40 minutes, the raw one is");
}

#[test]
fn a_short_lived_cluster_is_found_in_a_range_of_days() {
    let mut metrics = Metrics::default();
    metrics.member(r#"cluster="c",job="etcd",instance="m1""#, START + 600..START + 2400);
    let folder = Folder::new("short-life");
    Asked::all(&prometheus_of(&metrics.text()), START - DAY, START + 2 * DAY).is_answered_exactly(&folder);
    assert!(cells(&folder.text("audit/heatmap.csv")).iter().any(|cell| cell.scored > 20));
}

#[test]
fn a_reading_on_its_threshold_keeps_its_points() {
    // One member a case: the reading of one metric, and the score of a member that is otherwise healthy.
    let cases = [
        ("wal_fsync", 0.01, 10.0),
        ("wal_fsync", 0.010_000_000_000_000_002, 7.0),
        ("backend_commit", 0.025, 10.0),
        ("backend_commit", 0.025_000_000_000_000_005, 9.0),
        ("backend_commit", 0.04, 9.0),
        ("backend_commit", 0.040_000_000_000_000_01, 8.0),
        ("open_fds", 1024.0, 10.0),
        ("open_fds", 1025.0, 9.0),
        ("leader_changes", 5.0, 10.0),
        ("leader_changes", 6.0, 7.0),
        ("client_traffic_in", 1e12, 10.0),
        ("db_size", f64::INFINITY, 10.0),
    ];
    let mut metrics = Metrics::default();
    for (place, (unusual, reading, _)) in cases.iter().enumerate() {
        let labels = format!(r#"cluster="c",job="etcd",instance="m{place:02}""#);
        for metric in METRICS {
            let value = if metric == *unusual { *reading } else { 0.001 };
            metrics.recorded(metric, &labels, EARLY..START + HOUR, |_| value);
        }
    }
    // Not a number is no reading: this member is alive and has no score.
    for metric in METRICS {
        let value = if metric == "backend_commit" { f64::NAN } else { 0.001 };
        metrics.recorded(metric, r#"cluster="c",job="etcd",instance="nan""#, EARLY..START + HOUR, |_| value);
    }
    let prometheus = prometheus_of(&metrics.text());
    let folder = Folder::new("thresholds");
    let asked = Asked { recorded: METRICS.to_vec(), ..Asked::all(&prometheus, START, START + HOUR) };
    asked.is_answered_exactly(&folder);

    let cells = cells(&folder.text("audit/heatmap.csv"));
    let mean = |member: &str| cells.iter().find(|cell| cell.member.as_deref() == Some(member)).map(|cell| cell.mean);
    for (place, (metric, reading, score)) in cases.iter().enumerate() {
        assert_eq!(mean(&format!("m{place:02}")), Some(Some(*score)), "{metric} = {reading}");
    }
    assert_eq!(mean("nan"), Some(None));
}

#[test]
fn the_database_size_keeps_its_history_across_the_rename() {
    const M1: &str = r#"cluster="c",job="etcd",instance="m1""#;
    const M2: &str = r#"cluster="c",job="etcd",instance="m2""#;
    let mut metrics = Metrics::default();
    metrics.member(M2, EARLY..END);
    metrics.series("etcd_server_has_leader", M1, EARLY..END, |_| 1.0);
    for metric in METRICS.into_iter().filter(|metric| *metric != "db_size") {
        metrics.raw(metric, M1, EARLY..END);
    }
    // Both names side by side for ten minutes, as in a release that has both: the new one counts.
    let renamed = START + HOUR;
    metrics.series("etcd_debugging_mvcc_db_total_size_in_bytes", M1, EARLY..renamed + 600, |_| 1e6);
    metrics.series("etcd_mvcc_db_total_size_in_bytes", M1, renamed..END, |_| 2e6);
    let folder = Folder::new("rename");
    Asked::all(&prometheus_of(&metrics.text()), START, END).is_answered_exactly(&folder);

    let cells = cells(&folder.text("audit/heatmap.csv"));
    assert_eq!(cells.len(), 6, "a cluster and two members over two hours");
    assert!(cells.iter().all(|cell| (cell.scored, cell.expected) == (60, 60)), "no step is lost: {cells:?}");
}

#[test]
fn open_files_of_other_processes_are_not_read() {
    let mut metrics = Metrics::default();
    metrics.member(r#"cluster="c",job="etcd",instance="10.0.0.1:2379""#, EARLY..END);
    for other in [r#"cluster="c",job="node",instance="10.0.0.1:9100""#, r#"job="prometheus",instance="10.0.0.9:9090""#]
    {
        metrics.series("process_open_fds", other, EARLY..END, |_| 5000.0);
    }
    let folder = Folder::new("other-processes");
    Asked::all(&prometheus_of(&metrics.text()), START, END).is_answered_exactly(&folder);
    let names: Vec<_> = cells(&folder.text("audit/heatmap.csv")).into_iter().filter_map(|cell| cell.member).collect();
    assert_eq!(names, ["10.0.0.1:2379", "10.0.0.1:2379"], "one member, two hours");
}

/// Labels that are awkward in PromQL, JSON, CSV, OpenMetrics or sorting; escaped as OpenMetrics wants it.
const AWKWARD: [&str; 4] = [
    r#"cluster="grün, \"quoted\"",region="süd",job="etcd",instance="etcd-0:2379",pod="a\\b""#,
    r#"cluster="back\\slash",region="süd",job="etcd",instance="etcd-0:2379",pod="line\nbreak""#,
    r#"cluster="back\\slash",region="süd",job="etcd",instance="etcd-1:2379",pod="{curly},=""#,
    r#"region="n'ord",job="etcd-west",instance="etcd-0:2379",pod="🦀""#,
];

#[test]
fn series_are_kept_apart_by_cluster_and_member_labels() {
    let mut metrics = Metrics::default();
    AWKWARD.iter().for_each(|labels| metrics.member(labels, EARLY..END));
    let prometheus = prometheus_of(&metrics.text());
    let default = Asked::all(&prometheus, START, END);
    let cases = [
        default.clone(),
        Asked { member_label: Some("pod"), ..default.clone() },
        Asked { member_label: Some("pod"), cluster_label: Some("region"), ..default },
    ];
    for (asked, clusters) in cases.iter().zip([3, 3, 2]) {
        let folder = Folder::new("labels");
        asked.is_answered_exactly(&folder);
        imports_exactly(&folder);
        let manifest: Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("the manifest is JSON");
        let members = manifest["members"].as_array().expect("the manifest lists the members");
        assert_eq!(members.len(), 4, "{members:?}");
        let mut names: Vec<_> = members.iter().map(|member| member["cluster"].to_string()).collect();
        names.dedup();
        assert_eq!(names.len(), clusters, "{names:?}");
    }
}
