//! `--read raw`: samples by remote read, and queries computed here. Every reading is compared with PromQL's.

use crate::support::{
    Asked, DAY, Doorman, Folder, HOUR, Metrics, Prometheus, START, Simulated, VictoriaMetrics, answer, assert_same,
    etcd_heatmap, import, prometheus_of, simulated,
};

/// Pulls by remote read what `asked` describes, and compares it with the server's PromQL.
#[track_caller]
pub(crate) fn equals_promql(asked: &Asked<'_>, read: &str, folder: &Folder) {
    let (start, end, step) = (asked.start.to_string(), asked.end.to_string(), format!("{}s", asked.step));
    let out = folder.at("audit");
    let mut arguments = vec!["backfill", "--url", &asked.url, "--read", read, "--out", &out];
    arguments.extend(["--start", &start, "--end", &end, "--step", &step]);
    for (flag, value) in asked.flags() {
        arguments.extend([flag, value]);
    }
    etcd_heatmap(&arguments).succeeds();
    asked.agrees_with_the_oracle(&out);
}

#[test]
fn readings_by_remote_read_equal_those_of_promql_and_extend_the_same_history() {
    let simulated = simulated();
    let folder = Folder::new("remote-read");
    let asked = Asked { step: 30, ..Asked::all(&simulated.prometheus, START, Simulated::END) };
    equals_promql(&asked, "raw", &folder);
    // The history does not say how it was read: PromQL finds all days there, and the files stay as they are.
    let before = folder.tree("audit/history");
    let (start, end, out) = (START.to_string(), Simulated::END.to_string(), folder.at("audit"));
    let pull = ["pull", "--url", &simulated.url(), "--start", &start, "--end", &end, "--step", "30s", "--out", &out];
    etcd_heatmap(&pull).succeeds();
    assert_same(&before, &folder.tree("audit/history"));
}

#[test]
fn the_selector_and_long_steps_reach_remote_read() {
    let folder = Folder::new("remote-read-selected");
    let selector = Some(r#"cluster=~"c0[12]", instance!="10.0.0.1:2379""#);
    let asked = Asked { step: 600, selector, ..Asked::all(&simulated().prometheus, START, START + DAY) };
    equals_promql(&asked, "auto", &folder);
}

#[test]
fn external_labels_of_the_server_are_removed() {
    let mut metrics = Metrics::default();
    for instance in ["a", "b"] {
        metrics.member(&format!("job=\"etcd\",instance=\"{instance}\""), START..START + 4 * HOUR);
    }
    let folder = Folder::new("external-labels");
    let file = folder.write("history.om", metrics.text());
    import(std::path::Path::new(&file), &folder, &["--max-block-duration=162h"]);
    let config =
        "global:\n  external_labels:\n    cluster: \"somewhere: else\"\n    replica: '0'\nscrape_configs: []\n";
    let prometheus = Prometheus::start(folder, |_| config.to_owned());
    let out = Folder::new("external-labels-out");
    // With the label `cluster`, the cluster would have another name.
    equals_promql(&Asked::all(&prometheus, START, START + 5 * HOUR), "raw", &out);
}

#[test]
fn what_would_make_a_difference_to_promql_is_refused_with_raw_and_left_to_promql_with_auto() {
    let mut metrics = Metrics::default();
    metrics.member("cluster=\"c01\",job=\"etcd\",instance=\"a\"", START..START + 2 * HOUR);
    let start = |config: &str, flags: &[&str]| {
        let folder = Folder::new("differs");
        let file = folder.write("history.om", metrics.text());
        import(std::path::Path::new(&file), &folder, &["--max-block-duration=162h"]);
        Prometheus::start_with(folder, flags, |_| config.to_owned())
    };
    let own = start("global:\n  external_labels:\n    cluster: c01\n", &[]);
    let lookback = start("", &["--query.lookback-delta=20s"]);
    let plain = start("", &[]);
    let hide = |request: &str| request.contains("/buildinfo").then(|| answer("404 Not Found", "", "no"));
    let doorman = Doorman::before(plain.server().port(), hide);
    for (server, url, words) in [
        (&own, own.url(), "series have the label cluster themselves"),
        (&lookback, lookback.url(), "lookback-delta is 20s"),
        (&plain, doorman.url(""), "its version is unknown"),
    ] {
        let folder = Folder::new("differs-out");
        let asked = Asked { url, ..Asked::all(server, START, START + 2 * HOUR) };
        let (start, end, out) = (asked.start.to_string(), asked.end.to_string(), folder.at("raw"));
        let range = ["--start", &start, "--end", &end, "--out", &out];
        let raw = etcd_heatmap(&[&["pull", "--url", &asked.url, "--read", "raw"], &range[..]].concat());
        raw.fails_saying(&[words, "--read promql"]);
        equals_promql(&asked, "auto", &folder);
        let range = &range[..4];
        let checked = etcd_heatmap(&[&["check", "--url", &asked.url, "--read", "auto"], range].concat()).succeeds();
        assert!(checked.stdout.contains("reads with PromQL"), "{}", checked.stdout);
    }
}

#[test]
fn a_server_without_remote_read_gets_promql_with_auto_and_is_an_error_with_raw() {
    let mut metrics = Metrics::default();
    metrics.member("cluster=\"c\",instance=\"a\"", START..START + 2 * HOUR);
    let folder = Folder::new("no-remote-read");
    let pull = |url: &str, read: &str, out: &str| {
        let (start, end, out) = (START.to_string(), (START + 2 * HOUR).to_string(), folder.at(out));
        etcd_heatmap(&["pull", "--url", url, "--read", read, "--start", &start, "--end", &end, "--out", &out])
    };
    let victoria = VictoriaMetrics::of(&metrics.text(), &[]);
    pull(&victoria.url(), "auto", "victoria").succeeds();
    pull(&victoria.url(), "raw", "victoria-raw").fails_saying(&["--read promql"]);
    let prometheus = prometheus_of(&metrics.text());
    let refuse = |request: &str| request.contains("/api/v1/read").then(|| answer("403 Forbidden", "", "no"));
    let doorman = Doorman::before(prometheus.server().port(), refuse);
    pull(&doorman.url(""), "auto", "refused").succeeds();
    pull(&doorman.url(""), "raw", "refused-raw").fails_saying(&["403"]);
}
