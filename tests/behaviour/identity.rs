//! Each member is one process: series of different processes under one name stop a pull before it starts.

mod federated;
mod utf8;

use std::ops::Range;

use serde_json::Value;

use crate::support::{
    Asked, DAY, Doorman, Folder, HOUR, Metrics, Prometheus, Run, START, answer, case, cells, etcd_heatmap, needed,
    prometheus_of, prometheus_with,
};

/// The day of the cases.
const CASE: [&str; 4] = ["--start", "2026-11-20", "--end", "2026-11-21"];
const EARLY: i64 = START - HOUR;
const END: i64 = START + 12 * HOUR;

fn run(command: &str, prometheus: &str, range: &[&str], flags: &[&str]) -> Run {
    etcd_heatmap(&[&[command, "--url", prometheus][..], range, flags].concat())
}

/// The half day of the histories below.
fn half_day() -> [String; 4] {
    ["--start".to_owned(), START.to_string(), "--end".to_owned(), END.to_string()]
}

/// `check` of the half day.
fn check(prometheus: &Prometheus, flags: &[&str]) -> Run {
    let range = half_day();
    run("check", &prometheus.url(), &range.each_ref().map(String::as_str), flags)
}

/// Clusters and members of a pulled folder.
fn members(folder: &Folder) -> Vec<(String, String)> {
    let manifest: Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("the manifest is JSON");
    let text = |value: &Value| value.as_str().expect("a name").to_owned();
    let members = manifest["members"].as_array().expect("the manifest lists the members");
    members.iter().map(|member| (text(&member["cluster"]), text(&member["member"]))).collect()
}

/// `check` and `pull` fail with one sentence that has all of `words`, and nothing is pulled.
#[track_caller]
fn is_refused(prometheus: &Prometheus, range: &[&str], flags: &[&str], words: &[&str]) {
    let checked = run("check", &prometheus.url(), range, flags);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    checked.fails_saying(words);
    let wrong: Vec<&str> = checked.stdout.lines().filter(|line| line.starts_with("wrong")).collect();
    assert!(wrong.len() == 1 && words.iter().all(|word| wrong[0].contains(word)), "{checked:?}");
    assert!(!checked.stdout.contains("ready"), "{checked:?}");
    let folder = Folder::new("refused");
    let pulled = run("pull", &prometheus.url(), range, &[&["--out", &folder.at("audit"), "--quiet"], flags].concat());
    assert_eq!(pulled.code, Some(1), "{pulled:?}");
    pulled.fails_saying(words);
    assert!(folder.tree("audit/history").is_empty(), "nothing was pulled");
}

/// A process of etcd: its series, with a start time and with counters that grow at a speed of its own.
fn process(metrics: &mut Metrics, labels: &str, seconds: Range<i64>, started: i64, speed: f64) {
    let mut member = Metrics::default();
    member.member(labels, seconds.clone());
    metrics.append(&member.without(&["etcd_network_client", "etcd_disk"]));
    metrics.series("process_start_time_seconds", labels, seconds.clone(), |_| started as f64);
    let counted = |second: i64, share: f64| (second - EARLY) as f64 * speed * share;
    metrics.series("etcd_network_client_grpc_received_bytes_total", labels, seconds.clone(), |t| counted(t, 50.0));
    for histogram in ["etcd_disk_wal_fsync_duration_seconds", "etcd_disk_backend_commit_duration_seconds"] {
        for (le, share) in [("0.002", 0.5), ("0.008", 1.0), ("+Inf", 1.0)] {
            let labels = format!("{labels},le=\"{le}\"");
            metrics.series(&format!("{histogram}_bucket"), &labels, seconds.clone(), |t| counted(t, share).floor());
        }
    }
}

#[test]
fn two_clusters_under_one_name_are_refused_with_the_label_that_tells_them_apart() {
    let prometheus = case("two_clusters");
    let words = ["kube-etcd is 2 processes", "env (north, south)", "--cluster-label env", "--merge-members"];
    is_refused(&prometheus, &CASE, &[], &words);

    let folder = Folder::new("env");
    let out = folder.at("audit");
    run("backfill", &prometheus.url(), &CASE, &["--cluster-label", "env", "--quiet", "--out", &out]).succeeds();
    let found = members(&folder);
    assert_eq!(found.len(), 6, "{found:?}");
    // One cluster has fast disks and few descriptors: nothing costs it points.
    let of = |cluster: &str| -> Vec<f64> {
        let cells = cells(&folder.text("audit/heatmap.csv")).into_iter();
        cells.filter(|cell| cell.cluster == cluster && cell.hour != 0).filter_map(|cell| cell.mean).collect()
    };
    assert!(of("north").iter().all(|mean| *mean == 10.0) && of("south").iter().all(|mean| *mean < 5.0));

    let folder = Folder::new("merged");
    let merged = ["--merge-members", "--out", &folder.at("audit")];
    let run = run("pull", &prometheus.url(), &CASE, &merged).succeeds();
    assert!(run.stderr.contains("env (north, south)") && run.stderr.contains("the worse reading counts"), "{run:?}");
    assert_eq!(members(&folder).len(), 3);
}

#[test]
fn collectors_that_scrape_localhost_are_refused_with_the_label_of_their_node() {
    let prometheus = case("localhost");
    let words = ["3 processes", "k8s_node_name (node-1, node-2, node-3)", "--member-label k8s_node_name"];
    is_refused(&prometheus, &CASE, &[], &words);

    let folder = Folder::new("node");
    let out = folder.at("audit");
    run("backfill", &prometheus.url(), &CASE, &["--member-label", "k8s_node_name", "--quiet", "--out", &out])
        .succeeds();
    let cells = cells(&folder.text("audit/heatmap.csv"));
    let scored = |member: &str, hour: u32| {
        let of_member = cells.iter().filter(|cell| cell.member.as_deref() == Some(member));
        of_member.filter(|cell| cell.hour == hour).map(|cell| cell.scored).sum::<u32>()
    };
    // A look-back of five minutes passes before the outage shows.
    assert!(scored("node-3", 10) < 10 && scored("node-3", 11) == 0 && scored("node-2", 11) == 60);
}

#[test]
fn a_process_under_two_jobs_is_noted_with_the_selector_that_counts_it_once() {
    let prometheus = case("two_jobs");
    let checked = run("check", &prometheus.url(), &CASE, &[]).succeeds();
    let note = checked.stdout.lines().find(|line| line.contains("counted twice")).unwrap_or_default();
    for word in ["3 processes", "192.168.7.1:2381", "192.168.7.1:6443", "kube-etcd", "apiserver"] {
        assert!(note.starts_with("note") && note.contains(word), "{word}: {checked:?}");
    }
    let selector = "--selector 'job=\"kube-etcd\"'";
    assert!(note.ends_with(selector), "{note}");
    let once = run("check", &prometheus.url(), &CASE, &["--selector", "job=\"kube-etcd\""]).succeeds();
    assert!(!once.stdout.contains("counted twice"), "{once:?}");
    let folder = Folder::new("two-jobs");
    let pulled = run("pull", &prometheus.url(), &CASE, &["--out", &folder.at("audit")]).succeeds();
    assert!(pulled.stderr.contains(selector), "{pulled:?}");
}

#[test]
fn jobs_that_are_merged_because_the_cluster_has_a_label_are_compared_too() {
    let mut metrics = Metrics::default();
    for (job, started) in [("etcd-blue", START - 9000), ("etcd-green", START - 500)] {
        for instance in ["a", "b"] {
            let labels = format!("cluster=\"prod\",job=\"{job}\",instance=\"{instance}\"");
            process(&mut metrics, &labels, EARLY..END, started, 3.0);
        }
    }
    let range = half_day();
    let range = range.each_ref().map(String::as_str);
    let words = ["a of prod is 2 processes", "job (etcd-blue, etcd-green)", "--cluster-label job"];
    is_refused(&prometheus_of(&metrics.text()), &range, &[], &words);
}

#[test]
fn ha_replicas_of_one_scrape_are_merged_with_a_note() {
    let mut both = Metrics::every(30);
    let mut one = Metrics::every(30);
    for (n, instance) in ["a", "b", "c"].into_iter().enumerate() {
        for (replica, late) in [("prometheus-0", 0), ("prometheus-1", 20)] {
            let labels = format!("job=\"etcd\",instance=\"{instance}\",prometheus_replica=\"{replica}\"");
            // The second replica scrapes 20 s later: the same counters, read at another time.
            let mut scraped = Metrics::default();
            process(&mut scraped, &labels, EARLY..END, START - 9000, 1.0 + n as f64);
            let shifted: String = scraped
                .text()
                .lines()
                .filter(|line| !line.starts_with('#'))
                .map(|line| {
                    let (series, second) = line.rsplit_once(' ').expect("a sample has a time");
                    let second: i64 = second.parse().expect("whole seconds");
                    format!("{series} {}\n", second + late)
                })
                .collect();
            both.add(&shifted);
            if late == 0 {
                one.add(&shifted);
            }
        }
    }
    let prometheus = prometheus_of(&both.text());
    let checked = check(&prometheus, &[]).succeeds();
    let words = "the series of 3 members differ in prometheus_replica (prometheus-0, prometheus-1)";
    assert!(checked.stdout.contains(words) && checked.stdout.contains("one process"), "{checked:?}");
    assert!(checked.stdout.contains("members  3 in 1 cluster"), "{checked:?}");
    assert!(!check(&prometheus_of(&one.text()), &[]).succeeds().stdout.contains("differ in"), "nothing to note");
}

#[test]
fn a_label_that_changes_at_a_restart_is_no_second_process() {
    let mut metrics = Metrics::default();
    let at = START + 5 * HOUR + 180;
    for (uid, seconds) in [("1f", EARLY..at), ("2e", at + 60..START + 9 * HOUR), ("3d", START + 10 * HOUR..END)] {
        let labels = format!("job=\"etcd\",instance=\"a\",pod_uid=\"{uid}\"");
        let started = seconds.start;
        process(&mut metrics, &labels, seconds, started, 3.0);
    }
    // The instants at which a look finds both series of the restart, because the old one still has a value.
    for (start, end) in [(START, END), (at - HOUR, at + HOUR), (at + 60, at + 180)] {
        let range = ["--start", &start.to_string(), "--end", &end.to_string()];
        let run = run("check", &prometheus_of(&metrics.text()).url(), &range, &[]).succeeds();
        assert!(!run.stdout.contains("differ in"), "{run:?}");
    }
}

#[test]
fn a_second_cluster_that_runs_for_one_day_of_many_is_found() {
    let mut metrics = Metrics::every(60);
    for (n, member) in ["a", "b", "c"].into_iter().enumerate() {
        let labels = |site: &str| format!("job=\"etcd\",instance=\"{member}\",site=\"{site}\"");
        process(&mut metrics, &labels("old"), EARLY..START + 6 * DAY, START - 5000 - n as i64, 2.0);
        process(&mut metrics, &labels("new"), START + 3 * DAY..START + 4 * DAY, START - 77 - n as i64, 2.0);
    }
    let prometheus = prometheus_of(&metrics.text());
    let (start, end) = (START.to_string(), (START + 6 * DAY).to_string());
    let words = ["a of etcd is 2 processes", "site (new, old), as are 2 other members", "--cluster-label site"];
    is_refused(&prometheus, &["--start", &start, "--end", &end], &[], &words);
    let before = ["--start", &start, "--end", &(START + 2 * DAY).to_string()];
    assert!(!run("check", &prometheus.url(), &before, &[]).succeeds().stdout.contains("differ in"));
}

#[test]
fn processes_started_by_one_boot_differ_by_their_counters() {
    let mut metrics = Metrics::default();
    for (rack, speed) in [("r1", 3.0), ("r2", 9.0)] {
        let labels = format!("job=\"etcd\",instance=\"etcd-0\",rack=\"{rack}\"");
        process(&mut metrics, &labels, EARLY..END, START - 9000, speed);
    }
    let range = half_day();
    let range = range.each_ref().map(String::as_str);
    is_refused(&prometheus_of(&metrics.text()), &range, &[], &["2 processes", "rack (r1, r2)", "--member-label rack"]);
}

#[test]
fn two_labels_that_only_together_name_clusters_are_joined_by_a_slash() {
    let mut metrics = Metrics::default();
    let mut started = START - 90_000;
    for (env, region) in [("dev", "eu"), ("dev", "us"), ("prod", "eu"), ("prod", "us")] {
        for node in ["n1", "n2"] {
            started += 100;
            let labels = format!("job=\"etcd\",instance=\"{node}:2379\",node=\"{node}\",port=\"2379\"");
            process(&mut metrics, &format!("{labels},env=\"{env}\",region=\"{region}\""), EARLY..END, started, 3.0);
        }
    }
    let prometheus = prometheus_of(&metrics.text());
    let range = half_day();
    let range = range.each_ref().map(String::as_str);
    is_refused(&prometheus, &range, &[], &["4 processes that differ in env,region", "--cluster-label env,region"]);
    let folder = Folder::new("joined");
    let labels = ["--cluster-label", "env,region", "--member-label", "node, port"];
    run("backfill", &prometheus.url(), &range, &[&labels[..], &["--quiet", "--out", &folder.at("audit")]].concat())
        .succeeds();
    let found = members(&folder);
    assert_eq!(found.len(), 8, "{found:?}");
    assert!(found.contains(&("prod/eu".to_owned(), "n2/2379".to_owned())), "{found:?}");
    let manifest: Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("JSON");
    let asked = &manifest["asked"];
    assert_eq!((&asked["cluster_label"], &asked["member_label"]), (&"env,region".into(), &"node,port".into()));
    assert!(folder.text("audit/heatmap.csv").contains("prod/eu,n2/2379,"));
    let exact = Folder::new("joined-exactly");
    let (cluster_label, member_label) = (Some("env,region"), Some("node,port"));
    Asked { cluster_label, member_label, ..Asked::all(&prometheus, START, END) }.is_answered_exactly(&exact);
    let lacking = ["--cluster-label", "env,zone"];
    run("check", &prometheus.url(), &range, &lacking).fails_saying(&["has no label zone", "--cluster-label"]);
}

#[test]
fn a_server_that_limits_series_gets_one_label_of_a_cluster_at_a_time() {
    let mut metrics = Metrics::default();
    for (n, (env, region)) in [("dev", "eu"), ("dev", "us"), ("prod", "eu"), ("prod", "us")].into_iter().enumerate() {
        for instance in ["a", "b", "c"] {
            let labels = format!("job=\"etcd\",instance=\"{instance}\",env=\"{env}\",region=\"{region}\"");
            process(&mut metrics, &labels, EARLY..START + HOUR, START - 9000 - 100 * n as i64, 3.0);
        }
    }
    let text = metrics.text();
    let (free, limited) = (prometheus_of(&text), prometheus_with(&text, &["--query.max-samples=500"]));
    let pull = |prometheus: &Prometheus| {
        let folder = Folder::new("limited");
        let labels = ["--cluster-label", "env,region", "--formats", "csv", "--series", "raw"];
        let range = ["--start", &START.to_string(), "--end", &(START + HOUR).to_string()];
        let out = folder.at("audit");
        let flags = [&labels[..], &["--out", &out]].concat();
        let run = run("backfill", &prometheus.url(), &range, &flags).succeeds();
        (folder.text("audit/heatmap.csv"), run.stderr)
    };
    let ((expected, _), (found, said)) = (pull(&free), pull(&limited));
    assert_eq!(found, expected);
    assert!(said.contains("split by cluster or member"), "{said}");
}

#[test]
fn recording_rules_join_several_labels_as_a_pull_does() {
    let folder = Folder::new("rules");
    let labels = ["--cluster-label", "env,region", "--member-label", "node,port"];
    let rules = etcd_heatmap(&[&["rules"][..], &labels].concat()).succeeds().stdout;
    folder.write("joined.yml", rules);
    folder.write(
        "test.yml",
        r#"
rule_files: [joined.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: 'etcd_mvcc_db_total_size_in_bytes{env="prod",region="eu",node="n1",port="2379",job="etcd"}', values: 5x10}
  - {series: 'etcd_mvcc_db_total_size_in_bytes{env="prod",region="us",node="n1",port="2379",job="etcd"}', values: 7x10}
  - {series: 'etcd_mvcc_db_total_size_in_bytes{env="prod",node="n1",port="2379",job="etcd"}', values: 9x10}
  promql_expr_test:
  - expr: etcd_reading
    eval_time: 5m
    exp_samples:
    - {labels: 'etcd_reading{cluster="prod/eu",member="n1/2379",metric="db_size"}', value: 5}
    - {labels: 'etcd_reading{cluster="prod/us",member="n1/2379",metric="db_size"}', value: 7}
"#,
    );
    let mut promtool = needed("promtool", "prometheus");
    promtool.args(["test", "rules", &folder.at("test.yml")]);
    Run::of(promtool).succeeds();
}

#[test]
fn a_refused_look_at_the_members_is_noted_and_no_error() {
    let mut metrics = Metrics::default();
    process(&mut metrics, "job=\"etcd\",instance=\"a\"", EARLY..END, START - 9000, 3.0);
    let prometheus = prometheus_of(&metrics.text());
    let server = Doorman::before(prometheus.server().port(), |request| {
        let line = request.lines().next().unwrap_or_default();
        line.contains("/api/v1/query ").then(|| answer("422 Unprocessable Entity", "", "no instant queries today"))
    });
    let range = half_day();
    let range = range.each_ref().map(String::as_str);
    let folder = Folder::new("unverified");
    let run = run("pull", &server.url(""), &range, &["--retries", "0", "--out", &folder.at("audit")]).succeeds();
    assert_eq!(run.stderr.matches("could not verify that each member is a single process").count(), 1, "{run:?}");
    assert!(run.stderr.contains("no instant queries today"), "{run:?}");
}

#[test]
fn a_textfile_refuses_to_mix_processes_too() {
    let now = chrono::Utc::now().timestamp();
    let mut metrics = Metrics::default();
    for (env, ago) in [("north", 9000), ("south", 500)] {
        for instance in ["a", "b"] {
            let labels = format!("job=\"etcd\",instance=\"{instance}\",env=\"{env}\"");
            process(&mut metrics, &labels, now - 2 * HOUR..now + 300, now - 3 * HOUR - ago, 3.0);
        }
    }
    let prometheus = prometheus_of(&metrics.text());
    let textfile = |flags: &[&str]| run("textfile", &prometheus.url(), &["--query-offset", "1m"], flags);
    let refused = textfile(&[]);
    refused.fails_saying(&["2 processes", "env (north, south)", "--cluster-label env"]);
    assert!(!refused.stdout.contains("etcd_score{"), "{refused:?}");
    let apart = textfile(&["--cluster-label", "env"]).succeeds().stdout;
    assert_eq!(apart.matches("etcd_score{").count(), 4, "{apart}");
    let merged = textfile(&["--merge-members"]).succeeds();
    assert_eq!(merged.stdout.matches("etcd_score{").count(), 2, "{merged:?}");
    assert!(merged.stderr.contains("the worse reading counts"), "{merged:?}");
}
