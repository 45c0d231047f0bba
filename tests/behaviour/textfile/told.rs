//! Output, errors and refused settings of a single evaluation.

use super::Live;
use crate::support::{
    Background, Folder, HOUR, Metrics, Run, etcd_heatmap, etcd_heatmap_command, free_port, needed, now, oracle_run,
    prometheus_of, until,
};

/// Families that every successful evaluation writes.
const FAMILIES: [&str; 10] = [
    "etcd_score",
    "etcd_points",
    "etcd_reading",
    "etcd_score_unknown",
    "etcd_threshold",
    "etcd_cluster_score_worst",
    "etcd_heatmap_last_success_timestamp_seconds",
    "etcd_heatmap_evaluation_timestamp_seconds",
    "etcd_heatmap_evaluations_total",
    "etcd_heatmap_evaluation_failures_total",
];

fn once(url: &str, more: &[&str]) -> Run {
    let flags = ["textfile", "--url", url, "--selector", r#"job="etcd""#, "--query-offset", "2s"];
    etcd_heatmap(&[&flags[..], more].concat())
}

/// The samples of a text as another parser reads them, which must have these families.
fn samples(text: &str, families: &[&str]) -> Vec<String> {
    let folder = Folder::new("exposition");
    let file = folder.write("told.prom", text);
    let run = oracle_run("exposition.py", &[&[file.as_str()], families].concat());
    assert_eq!(run.code, Some(0), "{}{}\n{text}", run.stdout, run.stderr);
    run.stdout.lines().filter(|line| line.contains('{')).map(str::to_owned).collect()
}

#[test]
fn without_out_textfile_prints_valid_text_to_standard_output() {
    let live = Live::shared();
    let run = once(&live.prometheus.url(), &["--label", "dc=a \"b\" \\"]).succeeds();
    assert_eq!(run.stderr, "");
    let samples = samples(&run.stdout, &FAMILIES);
    assert_eq!(samples.iter().filter(|s| s.starts_with("etcd_score{")).count(), 3, "{samples:?}");
    assert!(samples.iter().all(|sample| sample.contains(r#"dc='a "b" \\'"#)), "{samples:?}");
}

#[test]
fn promtool_accepts_the_metrics_of_a_textfile() {
    let live = Live::shared();
    for rollup in ["worst", "mean", "quorum"] {
        let run = once(&live.prometheus.url(), &["--rollup", rollup, "--profile", "fleet"]).succeeds();
        let folder = Folder::new("check-metrics");
        let file = folder.write("metrics.prom", &run.stdout);
        let mut promtool = needed("promtool", "prometheus");
        promtool.args(["check", "metrics"]).stdin(std::fs::File::open(file).expect("it was just written"));
        let checked = promtool.output().expect("promtool can be run");
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success() && said.is_empty(), "{said}");
        assert!(run.stdout.contains(&format!("etcd_cluster_score_{rollup}{{")), "{}", run.stdout);
    }
}

#[test]
fn each_rollup_has_its_own_metric_name() {
    let live = Live::shared();
    let run = once(&live.prometheus.url(), &["--rollup", "quorum", "--quiet"]).succeeds();
    samples(&run.stdout, &["etcd_cluster_score_quorum"]);
    assert!(!run.stdout.contains("_worst"), "{}", run.stdout);
}

#[test]
fn a_metric_without_series_leaves_all_members_unscored_and_is_reported() {
    let (live, queries) = (Live::shared(), Folder::new("no-series"));
    queries.write("db_size.promql", "no_such_series{$selector}");
    let path = queries.path().to_str().expect("a plain name");
    let run = once(&live.prometheus.url(), &["--queries", path]).succeeds();
    assert!(run.stderr.contains("no series of db_size") && run.stderr.contains("--without"), "{}", run.stderr);
    assert!(!run.stdout.contains("etcd_score{") && !run.stdout.contains("cluster:"), "{}", run.stdout);
    assert_eq!(run.stdout.lines().filter(|l| l.starts_with("etcd_score_unknown{") && l.ends_with(" 1")).count(), 3);
    // With --without, the missing metric does not matter.
    let run = once(&live.prometheus.url(), &["--queries", path, "--without", "db_size"]).succeeds();
    assert_eq!((run.stdout.matches("\netcd_score{").count(), run.stderr.as_str()), (3, ""));
}

#[test]
fn a_silent_member_is_reported_as_unscored_even_without_leader_changes() {
    let (mut metrics, end) = (Metrics::default(), now());
    for (member, last) in [("m1", end), ("m2", end - 2 * HOUR)] {
        metrics.member(&format!(r#"cluster="c",job="etcd",instance="{member}""#), end - 4 * HOUR..last + 1);
    }
    let prometheus = prometheus_of(&metrics.text());
    let run = once(&prometheus.url(), &["--without", "leader_changes"]).succeeds();
    let scores: Vec<_> = run.stdout.lines().filter(|line| line.starts_with("etcd_score")).collect();
    let expected = [
        r#"etcd_score{cluster="c",member="m1"} 10"#,
        r#"etcd_score_unknown{cluster="c",member="m1"} 0"#,
        r#"etcd_score_unknown{cluster="c",member="m2"} 1"#,
    ];
    assert_eq!(scores, expected, "{}", run.stdout);
    assert_eq!(run.stderr, "", "the other member has all metrics that count");
}

#[test]
fn a_missing_limit_leaves_its_members_unscored() {
    let live = Live::shared();
    let run = once(&live.prometheus.url(), &["--profile", "fleet"]).succeeds();
    samples(&run.stdout, &FAMILIES);
    assert!(run.stdout.contains(r#"metric="quota"} 2147483648"#), "{}", run.stdout);
    let queries = Folder::new("no-quota");
    queries.write("quota.promql", "no_such_series{$selector}");
    let path = queries.path().to_str().expect("a plain name");
    let run = once(&live.prometheus.url(), &["--profile", "fleet", "--queries", path]).succeeds();
    assert!(run.stderr.contains("no series of quota"), "{}", run.stderr);
    assert!(!run.stdout.contains("etcd_score{"), "{}", run.stdout);
}

#[test]
fn an_unreachable_or_empty_server_fails_without_a_score() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let run = once(&nobody, &["--retries", "0"]);
    run.fails_saying(&["cannot reach", &nobody]);
    assert!(!run.stdout.contains("etcd_score"), "{}", run.stdout);
    let empty = prometheus_of("# EOF\n");
    for more in [&["--series", "auto"][..], &["--series", "recorded"]] {
        once(&empty.url(), more).fails_saying(&["none of etcd's six metrics", "--selector"]);
    }
}

#[test]
fn a_stale_textfile_is_detected() {
    let (live, folder) = (Live::shared(), Folder::new("health"));
    let out = folder.at("etcd_score.prom");
    let check = |more: &[&str]| etcd_heatmap(&[&["textfile", "--check-health", "--out", &out], more].concat());
    check(&[]).fails_saying(&["cannot read", &out]);
    once(&live.prometheus.url(), &["--out", &out]).succeeds();
    assert_eq!(check(&[]).succeeds().stdout, "");
    until("a file that is too old", || check(&["--max-age", "1s"]).code.filter(|code| *code == 1));
    check(&["--max-age", "1s"]).fails_saying(&["last successful evaluation was", "longer than --max-age 1s"]);

    // A failed evaluation keeps a fresh file and removes a stale one.
    let nobody = format!("http://127.0.0.1:{}", free_port());
    once(&nobody, &["--out", &out, "--retries", "0"]).fails_saying(&["cannot reach"]);
    assert!(folder.text("etcd_score.prom").contains("etcd_score{"));
    once(&nobody, &["--out", &out, "--retries", "0", "--max-age", "1s"]).fails_saying(&["cannot reach"]);
    assert!(!folder.text("etcd_score.prom").contains("etcd_score{"));
    check(&[]).fails_saying(&["no success"]);
}

#[test]
fn every_needs_out_and_an_existing_folder() {
    let folder = Folder::new("loop-input");
    let url = "http://127.0.0.1:9";
    let run = |more: &[&str]| etcd_heatmap(&[&["textfile", "--url", url], more].concat());
    let usage = run(&["--every", "15s"]);
    usage.fails_saying(&["--every", "--out"]);
    assert_eq!(usage.code, Some(2));
    let nowhere = folder.at("no-such-folder/x.prom");
    run(&["--every", "15s", "--out", &nowhere]).fails_saying(&["no-such-folder"]);
    run(&["--every", "1.5s", "--out", "x.prom"]).fails_saying(&["--every", "whole seconds"]);
    run(&["--every", "10m", "--out", "x.prom"]).fails_saying(&["--every", "longer than --max-age 5m"]);
    run(&["--query-offset", "2h"]).fails_saying(&["--query-offset", "1h"]);
    run(&["--max-age", "0s"]).fails_saying(&["--max-age", "1s"]);
    etcd_heatmap(&["textfile", "--check-health"]).fails_saying(&["--out"]);
    etcd_heatmap(&["textfile"]).fails_saying(&["--url"]);
}

#[test]
fn textfile_reads_settings_from_file_and_environment() {
    let (live, folder) = (Live::shared(), Folder::new("loop-settings"));
    folder.write(
        "etcd-heatmap.toml",
        "[textfile]\nevery = \"1s\"\nquery_offset = \"2s\"\n[source]\nselector = 'job=\"etcd\"'\n",
    );
    let mut command = etcd_heatmap_command(&["textfile", "--out", "etcd_score.prom"]);
    command.current_dir(folder.path()).env("ETCD_HEATMAP_URL", live.prometheus.url());
    let writer = Background::start(command);
    until("a score", || folder.path().join("etcd_score.prom").exists().then_some(()));
    let text = folder.text("etcd_score.prom");
    let at =
        text.lines().find_map(|l| l.strip_prefix("etcd_heatmap_evaluation_timestamp_seconds ")).expect("an instant");
    assert!((now() - at.parse::<i64>().expect("whole seconds")) < 30, "{text}");
    assert_eq!(writer.end("INT"), (Some(0), String::new()));
}
