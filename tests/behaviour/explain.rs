//! `explain`: the arithmetic of one cell.

use crate::support::{Folder, cells, etcd_heatmap, oracle};

/// 2026-10-07 14:00 UTC: a slow disk in the hours after an election storm.
const SLOW_DISK: (i64, &str) = (1_791_381_600, "2026-10-07T14:00:00Z");
/// 2026-10-02 06:00 UTC: a member goes down in this hour.
const GOING_DOWN: (i64, &str) = (1_790_920_800, "2026-10-02T06:00:00Z");
/// 2026-10-02 08:00 UTC: the same member is down.
const DOWN: (i64, &str) = (1_790_928_000, "2026-10-02T08:00:00Z");

/// The first two decimals of a mean, cut off. Ten digits are rounded, so that 8.699999999999999 is 8.70.
fn cut(mean: f64) -> String {
    let text = format!("{mean:.10}");
    text[..text.len() - 8].to_owned()
}

#[test]
fn explain_shows_the_readings_and_points_that_duckdb_computes() {
    let folder = Folder::new("explain");
    let audit = folder.at("audit");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &audit]).succeeds();
    let cells = cells(&folder.text("audit/heatmap.csv"));
    for (start, start_text) in [SLOW_DISK, GOING_DOWN, DOWN] {
        let at = start.to_string();
        let run = etcd_heatmap(&["explain", &audit, "--cluster", "c01", "--at", &at]).succeeds();
        let text = folder.write("explanation.txt", &run.stdout);
        let end = (start + 3600).to_string();
        oracle("explain.py", &[&audit, &text, "--cluster", "c01", "--start", &at, "--end", &end]);

        let cell = cells.iter().find(|cell| cell.cluster == "c01" && cell.member.is_none() && cell.start == start_text);
        let mean = cell.expect("the heat map has this cell").mean;
        let told = mean.map_or_else(|| ": 0 of 12 steps scored".to_owned(), |mean| format!(": mean {}, ", cut(mean)));
        let head = run.stdout.lines().next().unwrap_or_default();
        assert!(head.contains(&told), "the heat map says {mean:?}, explain says {head}");
    }
}

#[test]
fn explain_uses_the_settings_of_the_scored_folder_unless_flags_override_them() {
    let folder = Folder::new("explain-as-scored");
    let (audit, plain) = (folder.at("audit"), folder.at("plain"));
    let scored = ["--profile", "openshift", "--weight", "wal_fsync=0.5", "--band", "open_fds=90:5", "--rollup", "mean"];
    let flags = [&scored[..], &["--cell", "2h", "--time-zone", "Europe/Berlin", "--without", "db_size"]].concat();
    etcd_heatmap(&[&["backfill", "--quiet", "--sample", "--out", &audit], &flags[..]].concat()).succeeds();
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &plain]).succeeds();
    let explain = |folder: &str, flags: &[&str]| {
        let cell = ["explain", folder, "--cluster", "c01", "--at", "2026-10-07T14:00:00Z"];
        etcd_heatmap(&[&cell, flags].concat()).succeeds().stdout
    };
    let told = explain(&audit, &[]);
    assert_eq!(told, explain(&plain, &flags), "the manifest says what these flags say");
    assert_ne!(told, explain(&plain, &[]));
    // Its head has the mean of the heat map, which another engine has checked.
    let cells = cells(&folder.text("audit/heatmap.csv"));
    let cell = cells
        .iter()
        .find(|cell| cell.member.is_none() && cell.cluster == "c01" && cell.date == "2026-10-07" && cell.hour == 16);
    let mean = cell.and_then(|cell| cell.mean).expect("the heat map has this cell");
    assert!(told.lines().next().is_some_and(|head| head.contains(&format!("mean {}, ", cut(mean)))), "{mean}: {told}");
    let otherwise = ["--profile", "seed", "--rollup", "worst", "--cell", "1h", "--time-zone", "UTC"];
    assert_eq!(explain(&audit, &otherwise), explain(&plain, &[]));
    // Without a manifest, explain uses the settings.
    std::fs::remove_file(folder.at("audit/manifest.json")).expect("it was there");
    assert_eq!(explain(&audit, &[]), explain(&plain, &[]));
}

#[test]
fn a_cell_can_be_named_in_local_time() {
    let folder = Folder::new("explain-zone");
    let audit = folder.at("audit");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &audit]).succeeds();
    let explain = |flags: &[&str]| etcd_heatmap(&[&["explain", &audit, "--cluster", "c01"][..], flags].concat());
    let local = explain(&["--at", "2026-10-07T16", "--time-zone", "Europe/Berlin"]).succeeds().stdout;
    let utc = explain(&["--at", "2026-10-07T14:00:00Z"]).succeeds().stdout;
    assert!(local.starts_with("cluster c01, 2026-10-07 16:00 Europe/Berlin"), "{local}");
    let arithmetic = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(arithmetic(&local), arithmetic(&utc), "it is the same hour");
}

#[test]
fn explain_names_the_alternatives_if_a_cell_does_not_exist() {
    let folder = Folder::new("explain-nothing");
    let audit = folder.at("audit");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &audit]).succeeds();
    let explain = |cluster: &str, at: &str| etcd_heatmap(&["explain", &audit, "--cluster", cluster, "--at", at]);
    explain("c9", "2026-10-07T14").fails_saying(&["'c9'", "c01, c02, c03"]);
    explain("c03", "2026-10-02T06").fails_saying(&["c03", "2026-10-02T06", "2026-10-01"]);
    explain("c01", "someday").fails_saying(&["'someday'", "2026-10-01"]);
}

/// Explains instants of a folder, and compares each text with the history and the scores.
fn explain_instants(folder: &Folder, cluster: &str, step: &str, profile: &str, seconds: &[i64], member: Option<&str>) {
    let audit = folder.at("audit");
    let only: Vec<&str> = member.map(|member| ["--member", member]).into_iter().flatten().collect();
    let mut arguments = vec!["--step".to_owned(), step.to_owned()];
    for second in seconds {
        let at = second.to_string();
        let explain = ["explain", &audit, "--cluster", cluster, "--instant", "--at", &at];
        let told = etcd_heatmap(&[&explain[..], &only].concat()).succeeds().stdout;
        let path = folder.write(&format!("{second}-{}.txt", member.unwrap_or("all").replace(':', "-")), &told);
        arguments.push(format!("{second}={path}"));
    }
    let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    oracle("moment.py", &[&[&audit, "--cluster", cluster, "--profile", profile], &only[..], &texts].concat());
}

#[test]
fn an_instant_of_a_real_fault_shows_readings_points_and_who_led() {
    let folder = Folder::new("explain-instant");
    let recorded = |name: &str| format!("{}/tests/lab/{name}", env!("CARGO_MANIFEST_DIR"));
    let (data, out) = (recorded("data"), folder.at("audit"));
    let flags = ["--evidence", "all", "--profile", "mixin", "--formats", "parquet", "--out", &out];
    etcd_heatmap(&[&["backfill", "--quiet", "--from", &data, "--step", "15s"], &flags[..]].concat()).succeeds();
    let labels = std::fs::read_to_string(recorded("labels.json")).expect("the labels of the lab");
    let labels: serde_json::Value = serde_json::from_str(&labels).expect("JSON");
    let faults = labels["faults"].as_array().expect("a list of faults");
    // In the middle of each fault, and between two steps.
    let starts = faults.iter().map(|fault| fault["start"].as_f64().expect("a time") as i64 + 20);
    let seconds: Vec<i64> = starts.collect();
    explain_instants(&folder, "lab", "15", "mixin", &seconds, None);
    explain_instants(&folder, "lab", "15", "mixin", &seconds[..2], Some("127.0.0.1:13310"));
    let partition = seconds.iter().map(|second| folder.text(&format!("{second}-all.txt")));
    assert!(folder.text(&format!("{}-all.txt", seconds[0])).contains(", etcd 3.5.1, started "));
    let has_two = partition.filter(|text| text.contains("no member from") || text.contains(" and 127.0.0.1")).count();
    assert!(has_two > 0, "at no fault the leadership is lost");
}

#[test]
fn an_instant_without_evidence_says_that_it_does_not_know_who_led() {
    let folder = Folder::new("explain-instant-sample");
    let audit = folder.at("audit");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &audit]).succeeds();
    let seconds = [SLOW_DISK.0 + 90, GOING_DOWN.0 + 600, DOWN.0];
    explain_instants(&folder, "c01", "300", "seed", &seconds, None);
    let explain =
        |more: &[&str]| etcd_heatmap(&[&["explain", &audit, "--cluster", "c01", "--instant", "--at"], more].concat());
    explain(&["2026-10-07T14", "--member", "10.9.9.9:2379"])
        .fails_saying(&["'10.9.9.9:2379'", "10.0.1.1:2379, 10.0.1.2"]);
    explain(&["2025-10-07T14"]).fails_saying(&["c01", "2025-10-07T14", "2026-10-01"]);
    let of_one = ["explain", &audit, "--cluster", "c01", "--at", "2026-10-07T14", "--member", "10.0.1.2:2379"];
    let cell = etcd_heatmap(&of_one).succeeds().stdout;
    assert_eq!(cell.matches("\nmember ").count(), 1, "{cell}");
    assert!(cell.contains("\nmember 10.0.1.2:2379"), "{cell}");
}
