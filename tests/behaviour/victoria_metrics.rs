//! A real VictoriaMetrics beside a Prometheus with the same samples: what is the same, and what MetricsQL answers
//! otherwise.

use std::sync::OnceLock;

use serde_json::Value;

use crate::support::{
    Asked, Cell, DAY, Faults, Folder, HOUR, METRICS, Metrics, START, VictoriaMetrics, assert_same, cells, etcd_heatmap,
    oracle_run, simulated,
};

const DAYS: [&str; 6] = ["--start", "2026-10-01", "--end", "2026-10-04", "--series", "raw"];

/// The samples that the shared Prometheus has.
fn shared() -> &'static VictoriaMetrics {
    static SHARED: OnceLock<VictoriaMetrics> = OnceLock::new();
    SHARED.get_or_init(|| {
        let text = std::fs::read_to_string(&simulated().file).expect("the simulator wrote it");
        VictoriaMetrics::of(&text, &[])
    })
}

fn backfill(url: &str, folder: &Folder, name: &str, flags: &[&str]) {
    let out = folder.at(name);
    let command = ["backfill", "--quiet", "--url", url, "--out", &out];
    etcd_heatmap(&[&command[..], flags].concat()).succeeds();
}

/// How three days of the VictoriaMetrics differ from those of the Prometheus.
fn differences(flags: &[&str]) -> Value {
    let folder = Folder::new("differences");
    backfill(&simulated().url(), &folder, "prometheus", &DAYS);
    backfill(&shared().url(), &folder, "victoria-metrics", &[&DAYS[..], flags].concat());
    let run = oracle_run("differences.py", &[&folder.at("prometheus"), &folder.at("victoria-metrics")]).succeeds();
    println!("{}", run.stdout);
    serde_json::from_str(&run.stdout).expect("differences.py speaks JSON")
}

/// Columns that are bit by bit what Prometheus has, wherever both know them.
#[track_caller]
fn are_the_same(differences: &Value, columns: &[&str]) {
    for column in columns {
        let of = &differences[column];
        assert!(of["both"].as_u64() > Some(30_000) && of["differ"] == 0, "{column}: {of}");
    }
}

#[test]
fn check_names_the_server_and_finds_all_six_metrics() {
    let run = etcd_heatmap(&["check", "--url", &shared().url(), DAYS[0], DAYS[1], DAYS[2], DAYS[3]]).succeeds();
    let metrics = shared().server().ask("GET", "/metrics", "").expect("it tells of itself");
    let version = metrics.lines().find_map(|line| line.split_once("short_version=\"")).expect("its version").1;
    // Debian's build says none.
    let name = format!("VictoriaMetrics {}", version.split('"').next().unwrap_or_default());
    let server = format!("server   {} at {}, keeps 100y", name.trim_end(), shared().url());
    assert_eq!(run.stdout.lines().next(), Some(&*server));
    for metric in METRICS {
        let line = run.stdout.lines().find(|line| line.starts_with(metric)).expect("a line of it");
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!((words[1], words[2], words[words.len() - 1]), ("raw", "10", "pulled"), "{words:?}");
    }
    assert!(run.stdout.contains("ready    a pull would work"), "{run:?}");
}

#[test]
fn a_backfill_matches_the_answers_at_any_step_and_across_midnight() {
    let (midnight, url) = (START + DAY, shared().url());
    for (step, around) in [(1, 900), (7, 3601), (60, DAY), (300, DAY)] {
        let folder = Folder::new("victoria-steps");
        let all = Asked::all(&simulated().prometheus, midnight - around, midnight + around);
        Asked { url: url.clone(), step, ..all }.is_answered_exactly(&folder);
    }
}

#[test]
fn gauges_are_those_of_prometheus_and_rates_and_changes_differ_so_far_and_no_farther() {
    let differences = differences(&[]);
    are_the_same(&differences, &["open_fds", "db_size"]);
    let number = |column: &str, of: &str| differences[column][of].as_f64().expect("a number");
    for column in METRICS {
        let (both, unknown) = (number(column, "both"), number(column, "only_first") + number(column, "only_second"));
        assert!(unknown < both / 1000.0, "{column}: {unknown} of {both} steps are known to one of them only");
    }
    // A window holds one sample more than that of Prometheus, which matters where the disk's pace just changes.
    for column in ["wal_fsync", "backend_commit", "client_traffic_in"] {
        assert!(number(column, "differ") > 30_000.0, "{column} is the same: docs/servers.md says otherwise");
        assert!(number(column, "half") < 0.01 && number(column, "most") < 0.2, "{column}: {}", differences[column]);
    }
    // The first sample of a series counts as a change, for a day.
    assert!(number("leader_changes", "differ") > 10_000.0, "{}", differences["leader_changes"]);
    assert_eq!(number("leader_changes", "excess"), 1.0);
    let (scores, other) = (number("score", "both"), number("score", "differ"));
    assert!(other > 0.0 && other < scores / 1000.0, "{other} of {scores} scores differ");
}

#[test]
fn the_queries_in_metricsql_give_the_scores_of_prometheus() {
    let queries = concat!(env!("CARGO_MANIFEST_DIR"), "/queries/metricsql");
    let differences = differences(&["--queries", queries]);
    are_the_same(&differences, &["open_fds", "db_size", "leader_changes", "score"]);
    for column in ["wal_fsync", "backend_commit"] {
        let of = &differences[column];
        assert!(of["most"].as_f64() < Some(1e-12), "{column}: 99 of 100 steps differ by rounding at most: {of}");
    }
}

/// One member whose scrapes fail for half an hour around noon.
fn half_an_hour_without_scrapes() -> Metrics {
    let labels = r#"cluster="c",job="etcd",instance="m1""#;
    let mut metrics = Metrics::default();
    metrics.member(labels, START - HOUR..START + 12 * HOUR - 900);
    metrics.member(labels, START + 12 * HOUR + 900..START + 3 * DAY);
    metrics
}

#[test]
fn an_outage_is_a_gap_at_any_step_even_if_a_dashboard_has_seen_it_filled() {
    const GAUGES: [&str; 6] =
        ["--without", "wal_fsync", "--without", "backend_commit", "--without", "client_traffic_in"];
    // It empties its cache a few seconds after old samples came in; it is to have one at once.
    let server = VictoriaMetrics::of(&half_an_hour_without_scrapes().text(), &["-search.disableAutoCacheReset"]);
    let (start, end) = (START.to_string(), (START + 3 * DAY).to_string());
    let noon = format!("[{},", START + 12 * HOUR);
    // As a dashboard asks, with the expressions of a pull: the answer reaches a whole step back, and is kept in the
    // server's cache.
    let dashboard = |expression: &str, step: &str, more: &str| {
        let expression: String = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let path = format!("/api/v1/query_range?query={expression}&start={start}&end={end}&step={step}{more}");
        server.server().ask("GET", &path, "").expect("an answer").contains(&noon)
    };
    let gauges = [
        ("db_size", "etcd_mvcc_db_total_size_in_bytes{} or etcd_debugging_mvcc_db_total_size_in_bytes{}"),
        ("open_fds", "process_open_fds{} and on (cluster, job, instance) etcd_server_has_leader{}"),
    ];
    for step in ["1800", "3600"] {
        for (metric, expression) in gauges {
            assert!(dashboard(expression, step, ""), "{metric} is not filled: docs/servers.md says otherwise");
            // Looking back less far does not help against the cache.
            assert!(dashboard(expression, step, "&max_lookback=5m"), "{metric} comes from no cache");
        }
    }
    let gaps = |step: &str, flags: &[&str]| {
        let folder = Folder::new("victoria-outage");
        let range = ["--start", &start, "--end", &end, "--step", step, "--series", "raw"];
        backfill(&server.url(), &folder, "audit", &[&range[..], flags].concat());
        let cells = cells(&folder.text("audit/heatmap.csv"));
        let gaps: Vec<_> =
            cells.into_iter().filter(|cell| cell.member.is_some() && cell.scored < cell.expected).collect();
        let is_noon = |cell: &Cell| cell.date == "2026-10-01" && [11, 12].contains(&cell.hour);
        assert!(gaps.iter().all(is_noon), "{step}: {gaps:?}");
        gaps.iter().map(|cell| cell.expected - cell.scored).sum::<u32>()
    };
    // Each gauge alone: another's gap would hide that it is filled.
    for step in ["30m", "1h"] {
        for (metric, _) in gauges {
            let others = METRICS.into_iter().filter(|other| *other != metric);
            let without: Vec<_> = others.flat_map(|other| ["--without", other]).collect();
            assert_eq!(gaps(step, &without), 1, "{metric} is filled at {step}");
        }
    }
    for (step, flags, unknown) in [
        ("1m", &[][..], 26..=30),
        ("5m", &[], 5..=7),
        ("1m", &GAUGES, 25..=30),
        // Without rates, which are not filled, nothing but the gauges tells of the outage.
        ("30m", &GAUGES, 1..=1),
        ("1h", &GAUGES, 1..=1),
    ] {
        let found = gaps(step, flags);
        assert!(unknown.contains(&found), "{step} {flags:?}: {found} steps are unknown");
    }
}

#[test]
fn server_limits_shrink_windows_without_changing_the_history() {
    let mut metrics = Metrics::default();
    metrics.member(r#"cluster="c",job="etcd",instance="m1""#, START - DAY..START + 2 * DAY);
    let text = metrics.text();
    let range = ["--start", "2026-10-01", "--end", "2026-10-03", "--series", "raw"];
    let free = VictoriaMetrics::of(&text, &[]);
    // One address for all of them: it is part of what is written.
    let faults = Faults::before(free.server().port());
    let pull = |folder: &Folder| {
        etcd_heatmap(&[&["pull", "--url", &faults.url(), "--out", &folder.at("audit")][..], &range].concat())
    };
    let expected = Folder::new("victoria-free");
    pull(&expected).succeeds();
    for (flag, halves) in [
        ("-search.maxPointsPerTimeseries=500", true),
        ("-search.maxSamplesPerSeries=2500", true),
        ("-search.maxConcurrentRequests=1", false),
    ] {
        let (limited, folder) = (VictoriaMetrics::of(&text, &[flag]), Folder::new("victoria-limited"));
        faults.stand_before(limited.server().port());
        let run = pull(&folder).succeeds();
        assert_eq!(run.stderr.contains("halved"), halves, "{flag}: {run:?}");
        assert_same(&expected.tree("audit"), &folder.tree("audit"));
    }
    // It counts whole blocks of 8,192 samples a series, which no window makes smaller.
    let (limited, folder) = (VictoriaMetrics::of(&text, &["-search.maxSamplesPerQuery=4000"]), Folder::new("blocks"));
    faults.stand_before(limited.server().port());
    let run = etcd_heatmap(
        &[&["pull", "--quiet", "--url", &faults.url(), "--out", &folder.at("audit")][..], &range].concat(),
    );
    run.fails_saying(&["-search.maxSamplesPerQuery", "even for a single step and member", "--selector"]);
}
