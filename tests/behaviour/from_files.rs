//! Pulls from files instead of a server. Every reading is compared with the Prometheus whose files they are.

use crate::support::{
    Asked, DAY, Folder, HOUR, Metrics, START, Simulated, cells, etcd_heatmap, prometheus_of, simulated,
};

/// The version of the Prometheus in these tests.
const VERSION: &str = "2.42";

/// Pulls from `path` what `asked` describes, into `audit` of `folder`, and compares it with the server.
#[track_caller]
pub(crate) fn equals_the_server(asked: &Asked<'_>, path: &str, folder: &Folder) {
    let (start, end, step) = (asked.start.to_string(), asked.end.to_string(), format!("{}s", asked.step));
    let out = folder.at("audit");
    let mut arguments = vec!["backfill", "--quiet", "--from", path, "--promql", VERSION, "--out", &out];
    arguments.extend(["--start", &start, "--end", &end, "--step", &step]);
    for (flag, value) in asked.flags() {
        arguments.extend([flag, value]);
    }
    let run = etcd_heatmap(&arguments).succeeds();
    assert_eq!(run.stderr, "");
    asked.agrees_with_the_oracle(&out);
}

#[test]
fn readings_from_blocks_equal_those_of_the_server_at_every_step_width() {
    let simulated = simulated();
    let data = simulated.prometheus.data();
    for step in [15, 60, 420, 3600] {
        let folder = Folder::new("from-blocks");
        let asked = Asked { step, ..Asked::all(&simulated.prometheus, START - HOUR, Simulated::END + DAY) };
        equals_the_server(&asked, &data, &folder);
    }
}

#[test]
fn without_a_range_everything_in_the_files_is_read() {
    let simulated = simulated();
    let folder = Folder::new("from-all");
    let (data, out) = (simulated.prometheus.data(), folder.at("audit"));
    etcd_heatmap(&["backfill", "--quiet", "--from", &data, "--promql", VERSION, "--out", &out]).succeeds();
    Asked::all(&simulated.prometheus, START, Simulated::END).agrees_with_the_oracle(&out);
    // A second run finds everything there.
    let again = etcd_heatmap(&["pull", "--from", &data, "--promql", VERSION, "--out", &out]).succeeds();
    assert!(again.stderr.contains("0 days") || again.stderr.contains("3 days"), "{}", again.stderr);
    // Another version of PromQL is another source.
    let other = etcd_heatmap(&["pull", "--from", &data, "--out", &out]);
    other.fails_saying(&["--promql 2.42 instead of 3.0", "--overwrite"]);
}

#[test]
fn check_shows_what_is_inside_files() {
    let simulated = simulated();
    let data = simulated.prometheus.data();
    let run = etcd_heatmap(&["check", "--from", &data]).succeeds();
    for words in
        ["files    2 blocks in /", "promql   as Prometheus 3.0", "members  10 in 3 clusters", "60 s", "ready    "]
    {
        assert!(run.stdout.contains(words), "does not show {words:?}:\n{}", run.stdout);
    }
    let lacking = etcd_heatmap(&["check", "--from", &data, "--profile", "fleet", "--selector", "cluster=\"x\""]);
    lacking.fails_saying(&["has none of etcd's six metrics with {cluster=\"x\"}"]);
}

#[test]
fn two_clusters_under_one_name_are_refused_from_files_as_from_a_server() {
    let mut metrics = Metrics::default();
    for (env, start) in [("north", 100.0), ("south", 5_000.0)] {
        let labels = format!("cluster=\"kube\",env=\"{env}\",instance=\"10.0.0.1:2379\"");
        metrics.member(&labels, START..START + 6 * HOUR);
        metrics.series("process_start_time_seconds", &labels, START..START + 6 * HOUR, |_| start);
    }
    let prometheus = prometheus_of(&metrics.text());
    let folder = Folder::new("from-mixed");
    let (data, out) = (prometheus.data(), folder.at("audit"));
    let pull = |flags: &[&str]| etcd_heatmap(&[&["pull", "--from", &data, "--out", &out], flags].concat());
    pull(&[]).fails_saying(&["env", "--cluster-label env"]);
    pull(&["--cluster-label", "cluster,env"]).succeeds();
}

/// Copies the blocks of a data directory as Thanos and Mimir keep those of a replica: with an external label.
fn copy_as_replica(data: &str, replica: &str, folder: &Folder) {
    for entry in std::fs::read_dir(data).expect("a data directory").flatten() {
        let Ok(meta) = std::fs::read_to_string(entry.path().join("meta.json")) else { continue };
        let ulid = entry.file_name().into_string().expect("a plain name");
        let copied = format!("{}{replica}", &ulid[..ulid.len() - 1]);
        let to = folder.at(&format!("blocks/{copied}"));
        std::fs::create_dir_all(format!("{to}/chunks")).expect("folders can be made");
        for file in ["index", "chunks/000001"] {
            std::fs::copy(entry.path().join(file), format!("{to}/{file}")).expect("a file of the block");
        }
        let labels = format!("\"thanos\": {{\"labels\": {{\"prometheus_replica\": \"{replica}\"}}}},");
        let meta = meta.replace(&ulid, &copied).replacen('{', &format!("{{{labels}"), 1);
        std::fs::write(format!("{to}/meta.json"), meta).expect("the folder is writable");
    }
}

#[test]
fn of_the_blocks_of_two_replicas_one_is_read() {
    let simulated = simulated();
    let folder = Folder::new("from-replicas");
    for replica in ["A", "B"] {
        copy_as_replica(&simulated.prometheus.data(), replica, &folder);
    }
    let (blocks, out) = (folder.at("blocks"), folder.at("audit"));
    let pull = |from: &str, flags: &[&str]| {
        etcd_heatmap(&[&["backfill", "--promql", VERSION, "--from", from, "--out", &out], flags].concat())
    };
    pull(&blocks, &[]).fails_saying(&["blocks of replicas", "--replica prometheus_replica=A"]);
    pull(&blocks, &["--replica", "prometheus_replica=C"]).fails_saying(&["choose one of A, B"]);
    pull(&blocks, &["--replica", "tenant=C"]).fails_saying(&["external label tenant", "leave out --replica"]);
    pull(&simulated.file, &["--replica", "prometheus_replica=A"]).fails_saying(&["is a dump", "leave out --replica"]);
    pull(&blocks, &["--replica", "prometheus_replica=B"]).succeeds();
    Asked::all(&simulated.prometheus, START, Simulated::END).agrees_with_the_oracle(&out);
    assert!(folder.text("audit/manifest.json").contains("\"prometheus_replica=B\""));
    pull(&blocks, &["--replica", "prometheus_replica=A"]).fails_saying(&["--replica prometheus_replica=B instead of"]);
    etcd_heatmap(&["check", "--from", &blocks, "--replica", "prometheus_replica=A"]).succeeds();
}

#[test]
fn what_is_not_there_or_not_understood_is_one_sentence() {
    let folder = Folder::new("from-nothing");
    let (here, out) = (folder.at(""), folder.at("audit"));
    let pull = |from: &str, flags: &[&str]| etcd_heatmap(&[&["pull", "--from", from, "--out", &out], flags].concat());
    pull(&folder.at("absent"), &[]).fails_saying(&["cannot read --from", "absent", "name an existing file or folder"]);
    pull(&here, &[]).fails_saying(&["cannot find samples in", "no Prometheus data directory and no dump"]);
    pull(&here, &["--url", "http://127.0.0.1:1"]).fails_saying(&["--from", "use either --from or --url"]);
    pull(&here, &["--read", "raw"]).fails_saying(&["--read", "--from reads no server"]);
    let sample = etcd_heatmap(&["backfill", "--sample", "--from", &here, "--out", &out]);
    assert_eq!(sample.code, Some(2), "{sample:?}");
    let data = simulated().prometheus.data();
    pull(&data, &["--start", "2031-01-01"]).fails_saying(&["2031-01-01"]);
    let inside = folder.at("data/audit");
    std::fs::create_dir_all(folder.at("data/wal")).expect("folders can be made");
    for block in std::fs::read_dir(&data).expect("a data directory").flatten() {
        if block.path().join("meta.json").exists() {
            let copy = format!("cp -r {} {}", block.path().display(), folder.at("data"));
            assert!(std::process::Command::new("sh").args(["-c", &copy]).status().is_ok_and(|status| status.success()));
        }
    }
    etcd_heatmap(&["pull", "--from", &folder.at("data"), "--out", &inside]).fails_saying(&[
        "--out",
        "is in the data directory",
        "choose another folder",
    ]);
    etcd_heatmap(&["pull", "--url", "http://127.0.0.1:1", "--replica", "a=b", "--out", &out])
        .fails_saying(&["--replica", "blocks of --from"]);
    pull(&here, &["--promql", "x"]).fails_saying(&["'x' is not a version of Prometheus"]);
    let data = simulated().prometheus.data();
    let queries = folder.at("queries");
    std::fs::create_dir(&queries).expect("a folder can be made");
    folder.write("queries/db_size.promql", "avg_over_time(my_size[5m])");
    pull(&data, &["--queries", &queries]).fails_saying(&["the query of db_size", "avg_over_time", "use --url"]);
    pull(&data, &["--start", "2019-01-01", "--end", "2019-01-02"]).fails_saying(&["six metrics from 2019", "--start"]);
}

#[test]
fn readings_from_a_dump_equal_those_of_the_server_plain_and_compressed() {
    let simulated = simulated();
    let folder = Folder::new("from-dump");
    let asked = Asked { step: 30, ..Asked::all(&simulated.prometheus, START, Simulated::END) };
    equals_the_server(&asked, &simulated.file, &folder);
    let compressed = Folder::new("from-compressed");
    let gzip = std::process::Command::new("gzip").args(["-c", &simulated.file]).output().expect("gzip runs");
    // The magic number counts, not the name.
    let file = compressed.write("history", gzip.stdout);
    let asked = Asked { step: 3600, ..Asked::all(&simulated.prometheus, START, Simulated::END) };
    equals_the_server(&asked, &file, &compressed);
}

#[test]
fn a_dump_without_its_end_is_an_error_and_read_in_part_only_on_demand() {
    let mut metrics = Metrics::default();
    metrics.member("cluster=\"c\",instance=\"a\"", START..START + 2 * HOUR);
    let text = metrics.text();
    let folder = Folder::new("from-cut");
    let cut = |bytes: usize| folder.write("cut.openmetrics", &text[..bytes]);
    let out = folder.at("audit");
    let pull = |from: &str, flags: &[&str]| etcd_heatmap(&[&["pull", "--from", from, "--out", &out], flags].concat());
    // promtool exits 0 although it failed; only the missing end shows it.
    let file = cut(text.len() - "# EOF\n".len());
    pull(&file, &[]).fails_saying(&["cut.openmetrics", "# EOF", "--allow-partial"]);
    etcd_heatmap(&["check", "--from", &file]).fails_saying(&["# EOF", "--allow-partial"]);
    // The series of this text are not sorted, so that any of them may lack samples.
    let partial = pull(&file, &["--allow-partial"]);
    assert_eq!(partial.code, Some(1), "{partial:?}");
    for words in ["ends after 1,560 lines without \"# EOF\"", "error: ", "only in part", "--without wal_fsync"] {
        assert!(partial.stderr.contains(words), "does not say {words:?}:\n{}", partial.stderr);
    }
    // Damage in the middle names the line.
    let lines: Vec<&str> = text.lines().collect();
    let spoilt = [&lines[..100], &["etcd_server_has_leader{cluster=\"c\" 1 5"], &lines[100..]].concat().join("\n");
    let file = folder.write("spoilt.openmetrics", spoilt + "\n");
    pull(&file, &[]).fails_saying(&["spoilt.openmetrics", "line 101"]);
}

/// Dumps of the first day and of the two days after it, each sorted as promtool writes them. The second half of the first
/// day has nine elections.
fn two_dumps() -> [String; 2] {
    [0..1, 1..3].map(|days| {
        let mut metrics = Metrics::default();
        let range = START + days.start * DAY..START + days.end * DAY;
        let labels = "cluster=\"c\",instance=\"a\"";
        metrics.member(labels, range.clone());
        let mut text = Metrics::default();
        text.append(&metrics.without(&["etcd_server_leader_changes"]));
        text.series("etcd_server_leader_changes_seen_total", labels, range, |second| {
            ((second - START) / HOUR - 12).clamp(0, 9) as f64
        });
        let text = text.text();
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let name = |line: &&str| line.rsplit_once("} ").map(|(series, _)| series.to_owned());
        lines.sort_by_key(name);
        lines.join("\n") + "\n# EOF\n"
    })
}

#[test]
fn what_a_cut_dump_lacks_is_unknown_until_a_complete_one_replaces_it() {
    let [first, second] = two_dumps();
    let folder = Folder::new("from-cut-day");
    std::fs::create_dir(folder.at("daily")).expect("a folder can be made");
    let cut = first.find("etcd_server_has_leader").expect("all metrics are there");
    folder.write("daily/d0.openmetrics", &first[..cut]);
    folder.write("daily/d1.openmetrics", &second);
    let (from, out) = (folder.at("daily"), folder.at("audit"));
    let arguments = ["backfill", "--quiet", "--from", &from, "--out", &out];
    let rows = |name: &str| cells(&folder.text(&format!("{name}/heatmap.csv")));
    etcd_heatmap(&[&arguments[..], &["--allow-partial"]].concat()).succeeds();
    // On the first day the leader changes are missing, and for a day after it their window is.
    let unknown = rows("audit").iter().filter(|cell| cell.member.is_none() && cell.mean.is_none()).count();
    assert!(unknown >= 46, "only {unknown} hours are unknown");
    // The same command without the flag reads from complete dumps what was unknown.
    folder.write("daily/d0.openmetrics", &first);
    etcd_heatmap(&arguments).succeeds();
    let whole = folder.at("whole");
    etcd_heatmap(&["backfill", "--quiet", "--from", &from, "--out", &whole]).succeeds();
    assert_eq!(folder.text("audit/heatmap.csv"), folder.text("whole/heatmap.csv"));
    assert!(rows("whole").iter().any(|cell| cell.mean.is_some_and(|mean| mean < 8.0)), "the elections cost points");
}

#[test]
fn a_dump_of_the_two_histograms_only_leaves_the_other_metrics_out_by_name() {
    let mut metrics = Metrics::default();
    metrics.member("job=\"etcd\",instance=\"a\"", START..START + 2 * HOUR);
    let histograms: Vec<&str> = ["etcd_disk_wal", "etcd_disk_backend"].to_vec();
    let text = metrics.text();
    let kept =
        text.lines().filter(|line| line.starts_with('#') || histograms.iter().any(|name| line.starts_with(name)));
    let folder = Folder::new("from-etcd-info");
    std::fs::create_dir_all(folder.at("gathered/etcd_info")).expect("folders can be made");
    folder.write("gathered/etcd_info/metrics.openmetrics", kept.collect::<Vec<_>>().join("\n") + "\n");
    let (from, out) = (folder.at("gathered"), folder.at("audit"));
    let run = etcd_heatmap(&["backfill", "--from", &from, "--out", &out]).succeeds();
    let note = "open_fds, leader_changes, client_traffic_in, db_size have no series in these files and are left out";
    assert!(run.stderr.contains(note), "{}", run.stderr);
    assert!(folder.text("audit/report.html").contains("db_size"), "the report names what is left out");
}
