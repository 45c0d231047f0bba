//! A reading that nobody knows is not healthy, and a member that does not exist is not unknown.

use crate::support::{
    Asked, Cell, Folder, HOUR, METRICS, Metrics, START, assert_empty, cells, etcd_heatmap, oracle, prometheus_of,
};

const M1: &str = r#"cluster="c",job="etcd",instance="m1""#;
const M2: &str = r#"cluster="c",job="etcd",instance="m2""#;
const M3: &str = r#"cluster="c",job="etcd",instance="m3""#;
const M4: &str = r#"cluster="c",job="etcd",instance="m4""#;

/// Histories begin early, so that every rate is known when the range begins.
const EARLY: i64 = START - HOUR;

/// The cell of a member, or of the cluster when `member` is `None`.
#[track_caller]
fn find<'a>(cells: &'a [Cell], member: Option<&str>, hour: u32) -> Option<&'a Cell> {
    assert!(cells.iter().all(|cell| cell.cluster == "c"), "there is one cluster: {cells:?}");
    cells.iter().find(|cell| cell.member.as_deref() == member && cell.hour == hour)
}

#[test]
fn a_gap_in_one_metric_leaves_the_step_unscored() {
    let mut metrics = Metrics::default();
    let end = START + 6 * HOUR;
    metrics.member(M1, EARLY..end);
    metrics.series("etcd_server_has_leader", M2, EARLY..end, |_| 1.0);
    for metric in METRICS.into_iter().filter(|metric| *metric != "open_fds") {
        metrics.raw(metric, M2, EARLY..end);
    }
    // Unknown for half an hour, and later for two hours; Prometheus repeats a sample for five minutes.
    for (from, to) in [(EARLY, START + HOUR), (START + 3 * HOUR / 2, START + 3 * HOUR), (START + 5 * HOUR, end)] {
        metrics.raw("open_fds", M2, from..to);
    }
    let folder = Folder::new("gap");
    Asked::all(&prometheus_of(&metrics.text()), START, end).is_answered_exactly(&folder);

    let cells = cells(&folder.text("audit/heatmap.csv"));
    for member in [Some("m2"), None] {
        let short = find(&cells, member, 1).expect("the member lives in this hour");
        assert_eq!(short.expected, 60);
        assert!((34..=36).contains(&short.scored), "30 minutes less a look-back of 5 are unknown: {short:?}");
        assert_eq!(short.mean, Some(10.0), "what is known is healthy: {short:?}");
        let long = find(&cells, member, 4).expect("an hour without a score has a cell");
        assert_eq!((long.mean, long.scored, long.expected), (None, 0, 60), "grey, not green: {long:?}");
        assert_eq!(long.worst_metric, "");
    }
    assert!(find(&cells, Some("m1"), 4).is_some_and(|cell| cell.scored == 60), "the other member has its scores");
}

#[test]
fn a_member_that_is_replaced_does_not_grey_out_its_cluster() {
    let mut metrics = Metrics::default();
    let end = START + 6 * HOUR;
    metrics.member(M1, EARLY..end);
    metrics.member(M2, EARLY..end);
    metrics.member(M3, EARLY..START + 2 * HOUR);
    metrics.member(M4, START + 2 * HOUR + 600..end);
    let folder = Folder::new("replaced");
    Asked::all(&prometheus_of(&metrics.text()), START, end).is_answered_exactly(&folder);

    let cells = cells(&folder.text("audit/heatmap.csv"));
    for hour in [0, 1, 3, 4, 5] {
        let cluster = find(&cells, None, hour).expect("the cluster lives all the time");
        assert_eq!((cluster.mean, cluster.scored, cluster.expected), (Some(10.0), 60, 60), "{cluster:?}");
        // Its changes(…[1d]) is known for a day after it has gone; that is no life.
        assert_eq!(find(&cells, Some("m3"), hour).is_some(), hour < 2, "m3 at {hour}:00");
        assert_eq!(find(&cells, Some("m4"), hour).is_some(), hour > 2, "m4 at {hour}:00");
    }
}

/// Two members of whom nobody counts the changes of leader.
fn without_leader_changes() -> Metrics {
    let mut metrics = Metrics::default();
    for labels in [M1, M2] {
        metrics.series("etcd_server_has_leader", labels, EARLY..START + HOUR, |_| 1.0);
        for metric in METRICS.into_iter().filter(|metric| *metric != "leader_changes") {
            metrics.raw(metric, labels, EARLY..START + HOUR);
        }
    }
    metrics
}

#[test]
fn a_metric_without_any_series_stops_the_run_and_names_both_ways_on() {
    let prometheus = prometheus_of(&without_leader_changes().text());
    let folder = Folder::new("no-series");
    let run = Asked::all(&prometheus, START, START + HOUR).run("backfill", &folder);
    run.fails_saying(&["leader_changes", "--without leader_changes", "--queries"]);
    assert_empty(&folder, "audit");
}

#[test]
fn a_metric_under_another_name_is_read_with_a_custom_query() {
    let mut metrics = without_leader_changes();
    metrics.series("my_elections_total", M1, EARLY..START + HOUR, |second| (second / 300) as f64);
    metrics.series("my_elections_total", M2, EARLY..START + HOUR, |_| 1.0);
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("own-query"));
    folder.write("leader_changes.promql", "changes(my_elections_total{$selector}[1d])\n");
    let (url, out, queries) = (prometheus.url(), folder.at("audit"), folder.at(""));
    let (start, end) = (START.to_string(), (START + HOUR).to_string());
    let range = ["--start", &start, "--end", &end, "--selector", r#"cluster="c""#];
    let command = ["backfill", "--url", &url, "--out", &out, "--queries", &queries];
    etcd_heatmap(&[&command[..], &range].concat()).succeeds();
    oracle("score.py", &[&out, "--step", "60"]);

    let cells = cells(&folder.text("audit/heatmap.csv"));
    let mean = |member| find(&cells, Some(member), 0).expect("the member lives").mean;
    assert_eq!((mean("m1"), mean("m2")), (Some(7.0), Some(10.0)), "twelve and more changes, and none");
    let query = r#"changes(my_elections_total{cluster=\"c\"}[1d])"#;
    assert!(folder.text("audit/manifest.json").contains(query), "the manifest tells the query that was sent");
}

#[test]
fn without_shares_the_weight_among_the_rest() {
    let mut metrics = without_leader_changes();
    // A third member whose disk is slow: 10 less 0.30 / 0.70 of it.
    let seconds = EARLY..START + HOUR;
    metrics.series("etcd_server_has_leader", M3, seconds.clone(), |_| 1.0);
    for metric in ["backend_commit", "open_fds", "client_traffic_in", "db_size"] {
        metrics.raw(metric, M3, seconds.clone());
    }
    metrics.slow_disk(M3, seconds);
    let prometheus = prometheus_of(&metrics.text());
    let folder = Folder::new("without");
    let asked = Asked { without: Some("leader_changes"), ..Asked::all(&prometheus, START, START + HOUR) };
    asked.is_answered_exactly(&folder);

    let cells = cells(&folder.text("audit/heatmap.csv"));
    let mean = |member| find(&cells, Some(member), 0).expect("the member lives").mean;
    assert_eq!(mean("m1"), Some(10.0));
    assert_eq!(mean("m3"), Some(40.0 / 7.0), "seven tenths count, of which the slow disk takes three");
    assert_eq!(find(&cells, None, 0).expect("the cluster lives").worst_metric, "wal_fsync");
}

#[test]
fn without_an_unknown_metric_the_error_lists_the_known_ones() {
    let prometheus = prometheus_of(&without_leader_changes().text());
    let folder = Folder::new("without-nonsense");
    let run = Asked { without: Some("etcd_wal"), ..Asked::all(&prometheus, START, START + HOUR) };
    let run = run.run("backfill", &folder);
    run.fails_saying(&["etcd_wal", "wal_fsync", "backend_commit", "leader_changes"]);
}

/// A member all of whose metrics but one are healthy.
fn all_but(metric: &str, labels: &str, seconds: std::ops::Range<i64>) -> Metrics {
    let mut metrics = Metrics::default();
    metrics.series("etcd_server_has_leader", labels, seconds.clone(), |_| 1.0);
    for other in METRICS.into_iter().filter(|other| *other != metric) {
        metrics.raw(other, labels, seconds.clone());
    }
    metrics
}

#[test]
fn a_histogram_that_observes_nothing_has_no_percentile_and_the_hour_no_score() {
    let (begin, end) = (START + HOUR, START + 3 * HOUR);
    let mut metrics = all_but("wal_fsync", M1, EARLY..START + 4 * HOUR);
    // Nothing is written between one and three o'clock: the rates are 0, and the percentile of nothing is NaN.
    let written = |second: i64| (second.clamp(EARLY, begin) - EARLY + (second - end).max(0)) as f64;
    for (bound, share) in [("0.004", 0.5), ("0.008", 1.0), ("+Inf", 1.0)] {
        let labels = format!("{M1},le=\"{bound}\"");
        let bucket = "etcd_disk_wal_fsync_duration_seconds_bucket";
        metrics.series(bucket, &labels, EARLY..START + 4 * HOUR, |second| written(second) * share);
    }
    let folder = Folder::new("quiet");
    Asked::all(&prometheus_of(&metrics.text()), START, START + 4 * HOUR).is_answered_exactly(&folder);
    let cells = cells(&folder.text("audit/heatmap.csv"));
    let quiet = find(&cells, Some("m1"), 2).expect("the member lives");
    assert_eq!((quiet.mean, quiet.scored, quiet.expected), (None, 0, 60), "grey, not green");
    let partly = find(&cells, Some("m1"), 1).expect("the member lives");
    assert!(partly.scored < 10 && partly.uncertain, "its last minutes reach five minutes into the hour: {partly:?}");
    assert_eq!(find(&cells, Some("m1"), 0).expect("the member lives").scored, 60);
}

#[test]
fn counters_that_are_reset_by_a_restart_give_no_negative_rates_and_one_leader_change() {
    let seconds = EARLY..START + 4 * HOUR;
    let reset = START + 2 * HOUR;
    let mut metrics = Metrics::default();
    metrics.series("etcd_server_has_leader", M1, seconds.clone(), |_| 1.0);
    for metric in ["wal_fsync", "backend_commit", "open_fds", "db_size"] {
        metrics.raw(metric, M1, seconds.clone());
    }
    let since_start = |second: i64| if second < reset { second - EARLY } else { second - reset } as f64;
    let traffic = "etcd_network_client_grpc_received_bytes_total";
    metrics.series(traffic, M1, seconds.clone(), |second| since_start(second) * 1000.0);
    // Five elections before the restart, none after it: with the reset they are six changes in a day.
    let elections = |second: i64| if second < reset { ((second - EARLY) / 1800).min(5) } else { 0 } as f64;
    metrics.series("etcd_server_leader_changes_seen_total", M1, seconds, elections);
    let folder = Folder::new("reset");
    Asked::all(&prometheus_of(&metrics.text()), START, START + 4 * HOUR).is_answered_exactly(&folder);
    let cells = cells(&folder.text("audit/heatmap.csv"));
    let hour = |hour| find(&cells, Some("m1"), hour).expect("the member lives");
    assert_eq!((hour(1).mean, hour(3).mean), (Some(10.0), Some(7.0)), "the sixth change costs three points");
    assert!(cells.iter().all(|cell| cell.scored == cell.expected), "a reset leaves nothing unknown: {cells:?}");
}
