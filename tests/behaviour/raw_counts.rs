//! `explain --instant` with `--url` or `--from`: the raw counts behind the readings of a step.

use crate::support::{
    DAY, Doorman, Folder, HOUR, METRICS, Metrics, Prometheus, Run, START, answer, etcd_heatmap, oracle, prometheus_of,
};

/// The version of the Prometheus in these tests.
const VERSION: &str = "2.42";

/// An instant of the hand-made histories: 06:00 of their first day.
const AT: i64 = START + 6 * HOUR;

fn explain(audit: &str, cluster: &str, second: i64, flags: &[&str]) -> Run {
    let at = second.to_string();
    etcd_heatmap(&[&["explain", audit, "--cluster", cluster, "--instant", "--at", &at], flags].concat())
}

/// A Prometheus with the recorded hour of a real etcd.
fn lab() -> Prometheus {
    let folder = Folder::new("lab-server");
    let copied = std::process::Command::new("cp")
        .args(["-r", &format!("{}/tests/lab/data", env!("CARGO_MANIFEST_DIR")), &folder.at("data")])
        .status();
    assert!(copied.is_ok_and(|status| status.success()));
    Prometheus::start(folder, |_| String::new())
}

#[test]
fn raw_counts_of_a_server_and_of_its_files_are_those_of_its_range_selectors() {
    let (folder, prometheus) = (Folder::new("raw-lab"), lab());
    let (audit, data) = (folder.at("audit"), format!("{}/tests/lab/data", env!("CARGO_MANIFEST_DIR")));
    let flags = ["--step", "15s", "--promql", VERSION, "--formats", "parquet", "--out", &audit];
    etcd_heatmap(&[&["backfill", "--quiet", "--from", &data], &flags[..]].concat()).succeeds();
    let labels = std::fs::read_to_string(format!("{data}/../labels.json")).expect("the labels of the lab");
    let labels: serde_json::Value = serde_json::from_str(&labels).expect("JSON");
    let faults = labels["faults"].as_array().expect("a list of faults").iter();
    let seconds: Vec<i64> =
        faults.map(|fault| (fault["start"].as_f64().expect("a time") as i64 + 60) / 15 * 15).collect();
    let mut arguments = vec![prometheus.url(), "--cluster".to_owned(), "lab".to_owned()];
    let mut slow = 0;
    for second in seconds {
        let told = explain(&audit, "lab", second, &["--from", &data]).succeeds();
        assert_eq!(told.stderr, "");
        let asked = explain(&audit, "lab", second, &["--url", &prometheus.url()]).succeeds();
        let named = |text: &str, from: &str| text.replace(from, "SOURCE");
        let canonical = std::fs::canonicalize(&data).expect("it exists").display().to_string();
        assert_eq!(named(&told.stdout, &canonical), named(&asked.stdout, &prometheus.url()), "{second}");
        slow += told.stdout.matches(" fsyncs took longer than 512 ms, ").count();
        arguments.push(format!("{second}={}", folder.write(&format!("{second}.txt"), &asked.stdout)));
        // Everything else is as without counts.
        let plain = explain(&audit, "lab", second, &[]).succeeds().stdout;
        let is_kept = |line: &&str| plain.lines().any(|known| known == *line);
        assert_eq!(asked.stdout.lines().filter(is_kept).collect::<Vec<_>>(), plain.lines().collect::<Vec<_>>());
    }
    assert!(slow > 0, "no fault made a disk slow");
    oracle("raw_counts.py", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    // Of one member.
    let member = ["--member", "127.0.0.1:13310", "--url", &prometheus.url()];
    let second: i64 = arguments[3].split('=').next().expect("a second").parse().expect("a number");
    let one = explain(&audit, "lab", second, &member).succeeds().stdout;
    let all = folder.text(&format!("{second}.txt"));
    let block = all.split("\nmember ").find(|block| block.starts_with("127.0.0.1:13310")).expect("the member");
    assert!(one.trim_end().ends_with(block.trim_end()), "{one}");
}

/// The rows below `raw counts` of a member.
fn rows<'a>(text: &'a str, member: &str) -> Vec<(&'a str, &'a str)> {
    let block = text.split("\nmember ").find(|block| block.starts_with(member)).unwrap_or_else(|| panic!("{text}"));
    let (_, rows) = block.split_once("\n  raw counts").unwrap_or_else(|| panic!("{text}"));
    rows.lines().skip(1).filter_map(|row| row.trim().split_once(' ')).collect()
}

fn row<'a>(text: &'a str, member: &str, metric: &str) -> &'a str {
    let found = rows(text, member).into_iter().find(|(name, _)| *name == metric);
    found.unwrap_or_else(|| panic!("{member} {metric}: {text}")).1.trim_start()
}

const LABELS: &str = r#"job="etcd",instance="#;

/// Four members with all series in every minute of a day.
fn history() -> Metrics {
    let mut metrics = Metrics::default();
    for member in ["m1", "m2", "m3", "m4"] {
        metrics.member(&format!("{LABELS}\"{member}\""), START..START + DAY);
    }
    metrics
}

fn pulled(folder: &Folder, prometheus: &Prometheus, flags: &[&str]) -> String {
    let out = folder.at("audit");
    let (start, end) = (START.to_string(), (START + DAY).to_string());
    let pull = ["pull", "--quiet", "--url", &prometheus.url(), "--start", &start, "--end", &end, "--step", "5m"];
    etcd_heatmap(&[&pull[..], &["--out", &out], flags].concat()).succeeds();
    out
}

/// A later source has less than the history: each lack has its own sentence.
#[test]
fn what_a_source_lacks_is_told_apart() {
    let folder = Folder::new("raw-lacks");
    let audit = pulled(&folder, &prometheus_of(&history().text()), &[]);
    let mut later = Metrics::default();
    let of = |member: &str| format!("{LABELS}\"{member}\"");
    let bytes = "etcd_network_client_grpc_received_bytes_total";
    // m1 counts 700 bytes a minute, and restarts at 05:58: 1400 bytes, then 100, and 50 in the last minute.
    later.series("etcd_server_has_leader", &of("m1"), START..START + DAY, |_| 1.0);
    later.series("process_open_fds", &of("m1"), START..AT, |_| 41.0);
    later.series(bytes, &of("m1"), AT - HOUR..AT - 120, |second| (second - AT + HOUR) as f64 * 10.0);
    later.series(bytes, &of("m1"), AT - 120..AT + 60, |second| if second < AT { 100.0 } else { 150.0 });
    // Six changes, of which one is a reset, and a seventh after the step.
    let changes = "etcd_server_leader_changes_seen_total";
    let seen = [1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 4.0];
    later.series(changes, &of("m1"), START..START + DAY, |second| seen[((second - START) / HOUR).min(7) as usize]);
    // m2 has a single sample of each counter, and descriptors without a metric of etcd beside them.
    later.series("process_open_fds", &of("m2"), START..START + DAY, |_| 42.0);
    later.series(bytes, &of("m2"), AT - 60..AT, |_| 7.0);
    // m3 has ended.
    later.series(bytes, &of("m3"), START..AT - HOUR, |_| 7.0);
    // The fsyncs of two processes under one name.
    for pod in ["a", "b"] {
        for (le, share) in [("0.001", 1.0), ("0.002", 3.0), ("+Inf", 4.0)] {
            let labels = format!("{},pod=\"{pod}\",le=\"{le}\"", of("m4"));
            let name = "etcd_disk_wal_fsync_duration_seconds_bucket";
            later.series(name, &labels, START..START + DAY, |second| (second / 60) as f64 * share);
        }
        let labels = format!("{},pod=\"{pod}\"", of("m4"));
        later.series("etcd_mvcc_db_total_size_in_bytes", &labels, START..START + DAY, |_| 5e6);
    }
    let prometheus = prometheus_of(&later.text());
    // The history is that of a server, so the windows of files are those of the chosen version.
    let settings = folder.write("etcd-heatmap.toml", format!("[source]\npromql = \"{VERSION}\"\n"));
    let data = prometheus.data();
    for flags in [["--url", &prometheus.url()], ["--from", &data]] {
        let told = explain(&audit, "etcd", AT, &[&flags[..], &["--config", &settings]].concat()).succeeds().stdout;
        let row = |member, metric| row(&told, member, metric);
        assert_eq!(row("m1", "open_fds"), "5m  41 at 05:59:00, 60 s before the step");
        // 3300 s × 10 to 3420 s × 10 (05:55 to 05:57), what follows the reset, and 50 more.
        assert_eq!(
            row("m1", "client_traffic_in"),
            "5m  1350 bytes in 300 s; 6 samples from 05:55:00 to 06:00:00; 1 counter reset"
        );
        assert_eq!(
            row("m1", "leader_changes"),
            "1d  1 at the first sample, 3 at the last; 6 changes: 1 earlier, then 2 to 3 at 02:00:00, 3 to 0 at 03:00:00, \
             a reset, 0 to 1 at 04:00:00, 1 to 2 at 05:00:00, 2 to 3 at 06:00:00; 361 samples from 00:00:00 to 06:00:00"
        );
        let absent = |names: &str| format!("5m  the source has no series {names} of the member");
        assert_eq!(row("m1", "wal_fsync"), absent("etcd_disk_wal_fsync_duration_seconds_bucket"));
        let sizes = "etcd_mvcc_db_total_size_in_bytes or etcd_debugging_mvcc_db_total_size_in_bytes";
        assert_eq!(row("m1", "db_size"), absent(sizes));
        assert_eq!(row("m2", "client_traffic_in"), "5m  1 sample, at 05:59:00: an increase needs two");
        assert!(row("m2", "open_fds").contains("none of etcd_server_has_leader in the window"), "{told}");
        assert!(row("m3", "client_traffic_in").contains("no samples in the window, though"), "{told}");
        // In five minutes each process has 5 × 1 up to 1 ms, 5 × 2 up to 2 ms, and 5 × 1 above it.
        assert_eq!(
            row("m4", "wal_fsync"),
            "5m  10 of 40 fsyncs took longer than 2 ms (≤ 1 ms: 10, ≤ 2 ms: 20, > 2 ms: 10); \
             12 samples from 05:55:00 to 06:00:00; 2 targets, added up"
        );
        let sizes = ["a", "b"].map(|pod| {
            let series = format!("{{instance=\"m4\", job=\"etcd\", pod=\"{pod}\"}}");
            format!("5000000 bytes at 06:00:00, 0 s before the step of etcd_mvcc_db_total_size_in_bytes{series}")
        });
        assert_eq!(row("m4", "db_size"), format!("5m  {}", sizes.join("; ")));
    }
}

#[test]
fn a_refused_query_is_told_beside_the_others_and_a_refused_source_is_an_error() {
    let folder = Folder::new("raw-refused");
    let prometheus = prometheus_of(&history().text());
    let audit = pulled(&folder, &prometheus, &[]);
    let refusal = || answer("422 Unprocessable Entity", "Content-Type: text/plain\r\n", "too many samples today");
    let some =
        Doorman::before(prometheus.server().port(), move |request| request.contains("grpc_received").then(refusal));
    let told = explain(&audit, "etcd", AT, &["--url", &some.url("")]).succeeds().stdout;
    let refused = row(&told, "m2", "client_traffic_in");
    assert!(refused.contains("could not be read: ") && refused.contains("too many samples today"), "{told}");
    assert!(row(&told, "m2", "wal_fsync").contains("fsyncs"), "{told}");
    let all =
        Doorman::before(prometheus.server().port(), move |request| request.contains("/api/v1/query ").then(refusal));
    explain(&audit, "etcd", AT, &["--url", &all.url("")]).fails_saying(&["too many samples today"]);
    explain(&audit, "etcd", AT, &["--url", "http://127.0.0.1:1"]).fails_saying(&["127.0.0.1:1"]);
    explain(&audit, "etcd", AT, &["--from", &folder.at("nothing")]).fails_saying(&["cannot read --from", "nothing"]);
    explain(&audit, "etcd", AT, &["--from", "x", "--url", "http://x"]).fails_saying(&["use either --from or --url"]);
}

#[test]
fn flags_of_a_source_need_an_instant_and_a_source() {
    let folder = Folder::new("raw-flags");
    let audit = folder.at("audit");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &audit]).succeeds();
    let cell = ["explain", &audit, "--cluster", "c01", "--at", "2026-10-07T14"];
    let of_cell = etcd_heatmap(&[&cell[..], &["--from", "x"]].concat());
    of_cell.fails_saying(&["--from belongs to --instant"]);
    let of_nothing = etcd_heatmap(&[&cell[..], &["--instant", "--header", "X-Scope-OrgID: a"]].concat());
    of_nothing.fails_saying(&["--header belongs to --url or --from"]);
    assert_eq!((of_cell.code, of_nothing.code), (Some(2), Some(2)));
}

/// A history of recorded percentiles leads to the series that the recording rules read; the tenant's header and the
/// selector are those of the pull.
#[test]
fn counts_are_read_with_the_selector_the_labels_and_the_headers_of_the_history() {
    let folder = Folder::new("raw-recorded");
    let mut metrics = history();
    for metric in METRICS {
        for member in ["m1", "m2", "m3", "m4"] {
            metrics.recorded(metric, &format!("{LABELS}\"{member}\""), START..START + DAY, |_| 0.001);
        }
    }
    let prometheus = prometheus_of(&metrics.text());
    let gate = Doorman::before(prometheus.server().port(), |request| {
        let is_of_tenant = request.to_lowercase().contains("x-scope-orgid: team-a");
        (!is_of_tenant).then(|| answer("401 Unauthorized", "", "no org id"))
    });
    let out = folder.at("audit");
    let (start, end) = (START.to_string(), (START + DAY).to_string());
    let pull = ["pull", "--quiet", "--url", &gate.url(""), "--start", &start, "--end", &end, "--step", "5m"];
    let flags = ["--header", "X-Scope-OrgID: team-a", "--selector", "instance!=\"m3\"", "--series", "recorded"];
    let labels = ["--cluster-label", "job", "--member-label", "instance", "--out", &out];
    etcd_heatmap(&[&pull[..], &flags, &labels].concat()).succeeds();
    let before = gate.seen().len();
    let told = explain(&out, "etcd", AT, &["--url", &gate.url(""), "--member", "m1"]).succeeds().stdout;
    let counted = row(&told, "m1", "wal_fsync");
    assert!(counted.contains(" fsyncs took longer than ") && counted.contains("that of a recording rule"), "{told}");
    let seen = gate.seen();
    let queries: Vec<&String> = seen[before..].iter().filter(|request| request.contains("grpc_received")).collect();
    assert_eq!(queries.len(), 1, "{seen:?}");
    for part in ["instance%21%3D%22m3%22", "job%3D%22etcd%22", "instance%3D%22m1%22", "%5B300000ms%5D"] {
        assert!(queries[0].contains(part), "{part}: {}", queries[0]);
    }
}
