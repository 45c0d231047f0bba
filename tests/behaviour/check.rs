//! `check`: what a pull would find, take and stumble over, in seconds and without writing anything.

use crate::support::{
    Folder, HOUR, METRICS, Metrics, Run, START, etcd_heatmap, free_port, needed, prometheus_of, simulated,
};

const RANGE: [&str; 4] = ["--start", "2026-10-01", "--end", "2026-10-04"];

fn check(url: &str, flags: &[&str]) -> Run {
    etcd_heatmap(&[&["check", "--url", url][..], flags].concat())
}

/// It fails with exit code 1, and says the same as one sentence that holds all of `words`.
#[track_caller]
fn finds_wrong(run: &Run, words: &[&str]) {
    assert_eq!(run.code, Some(1), "{run:?}");
    run.fails_saying(words);
    let wrong = run.stdout.lines().find(|line| line.starts_with("wrong")).unwrap_or_default();
    for word in words {
        assert!(wrong.contains(word), "{wrong} does not say {word}");
    }
    assert!(!run.stdout.contains("ready"), "{run:?}");
}

fn line<'a>(run: &'a Run, start: &str) -> &'a str {
    run.stdout.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no line {start}: {run:?}"))
}

#[test]
fn check_of_a_healthy_server_reports_the_cost_of_a_pull() {
    let run = check(&simulated().url(), &RANGE).succeeds();
    let version = Run::of({
        let mut prometheus = needed("prometheus", "prometheus");
        prometheus.arg("--version");
        prometheus
    });
    let version = version.stdout + &version.stderr;
    let version = version.split_whitespace().nth(2).expect("prometheus, version X");
    let server = format!("server   Prometheus {version} at {}, keeps 100y", simulated().url());
    assert_eq!(line(&run, "server"), server);
    for metric in METRICS {
        let words: Vec<_> = line(&run, metric).split_whitespace().collect();
        assert_eq!(words[..3], [metric, "raw", "10"], "{words:?}");
        assert_eq!(words[words.len() - 1], "pulled", "{words:?}");
    }
    assert!(line(&run, "members").starts_with("members  10 in 3 clusters, named by cluster (else job) and instance: "));
    line(&run, "ready");

    // The queries are those that a pull then sends: three days of each column.
    let folder = Folder::new("checked");
    let pulled =
        etcd_heatmap(&[&["pull", "--url", &simulated().url(), "--out", &folder.at("audit")][..], &RANGE].concat());
    assert_eq!(pulled.code, Some(0), "{pulled:?}");
    let manifest: serde_json::Value =
        serde_json::from_str(&folder.text("audit/manifest.json")).expect("the manifest is JSON");
    let columns = manifest["queries"].as_object().expect("the queries").len();
    assert!(line(&run, "pull ").starts_with(&format!("pull     {} queries, about ", 3 * columns)), "{run:?}");
    let number = |text: &str| text.replace(',', "").parse::<f64>().expect("a number");
    let about = number(line(&run, "pull ").split_whitespace().nth(4).expect("so many samples"));
    let said = pulled.stderr.split("pulled 3 days: ").nth(1).expect("what was pulled");
    let came = number(said.split_whitespace().next().expect("so many samples"));
    assert!((about / came - 1.0).abs() < 0.1, "about {about} samples, and {came} came");
}

#[test]
fn a_missing_metric_is_reported_with_its_remedy() {
    let labels = r#"cluster="c",job="etcd",instance="10.0.0.1:2379""#;
    let mut metrics = Metrics::default();
    metrics.series("etcd_server_has_leader", labels, START - HOUR..START + HOUR, |_| 1.0);
    for metric in METRICS.into_iter().filter(|metric| *metric != "db_size") {
        metrics.raw(metric, labels, START - HOUR..START + HOUR);
    }
    let prometheus = prometheus_of(&metrics.text());
    let (start, end) = (START.to_string(), (START + HOUR).to_string());
    let run = check(&prometheus.url(), &["--start", &start, "--end", &end]);
    finds_wrong(&run, &["no series of db_size", "--without db_size"]);
    assert!(line(&run, "db_size").ends_with("no series in this range"), "{run:?}");
    let run = check(&prometheus.url(), &["--start", &start, "--end", &end, "--without", "db_size"]).succeeds();
    assert!(run.stdout.contains("members are named by their address"), "{run:?}");
}

#[test]
fn a_selector_without_series_gets_a_working_suggestion() {
    let run = check(&simulated().url(), &[&RANGE[..], &["--selector", r#"job="no-such-job""#]].concat());
    finds_wrong(&run, &["no-such-job", r#"--selector 'job="etcd"'"#]);
}

#[test]
fn a_range_without_data_is_answered_with_the_range_that_has_data() {
    let run = check(&simulated().url(), &["--start", "2026-08-01", "--end", "2026-08-03"]);
    finds_wrong(&run, &["2026-08-01", "2026-10-01T0", "2026-10-04T0", "choose a range within that"]);
    let run = check(&simulated().url(), &["--start", "2026-09-29", "--end", "2026-10-02"]).succeeds();
    assert!(line(&run, "note").contains("left out: 2 days before 2026-10-01"), "{run:?}");
}

#[test]
fn check_reports_an_empty_and_an_unreachable_server() {
    let empty = prometheus_of("up{job=\"node\"} 1 1790812800\n# EOF\n");
    finds_wrong(&check(&empty.url(), &RANGE), &["no job on this server"]);
    let run = check(&format!("http://127.0.0.1:{}", free_port()), &RANGE);
    run.fails_saying(&["cannot reach"]);
    assert_eq!(run.code, Some(1), "{run:?}");
}
