//! `pull` and `score` give the same files as `backfill`, a folder only holds one history, and the same input gives the
//! same bytes.

use crate::support::{
    Asked, DAY, Folder, HOUR, Run, START, assert_same, etcd_heatmap, etcd_heatmap_command, simulated,
};

/// A day and a half, so that the range ends within a day.
fn asked() -> Asked<'static> {
    Asked::all(&simulated().prometheus, START + DAY / 2, START + 2 * DAY)
}

#[test]
fn concurrency_does_not_change_a_byte() {
    let (url, start, end) = (simulated().url(), asked().start.to_string(), asked().end.to_string());
    // Neither the order of responses nor that of days scored in parallel may affect the files.
    let [one, many] = [("1", "1"), ("8", "4")].map(|(queries, threads)| {
        let folder = Folder::new("same-bytes");
        let out = folder.at("audit");
        let mut command = etcd_heatmap_command(&["backfill", "--url", &url, "--start", &start, "--end", &end]);
        command.args(["--out", &out, "--concurrency", queries]).env("RAYON_NUM_THREADS", threads);
        Run::of(command).succeeds();
        folder
    });
    assert_same(&one.tree("audit"), &many.tree("audit"));
}

#[test]
fn pull_and_score_write_the_same_files_as_backfill() {
    let (at_once, in_stages) = (Folder::new("backfill"), Folder::new("pull"));
    asked().run("backfill", &at_once).succeeds();

    asked().run("pull", &in_stages).succeeds();
    let pulled = in_stages.tree("audit");
    assert!(pulled.keys().all(|name| name.starts_with("history/") || name == "manifest.json"), "{:?}", pulled.keys());
    etcd_heatmap(&["score", "--quiet", &in_stages.at("audit")]).succeeds();
    assert_same(&at_once.tree("audit"), &in_stages.tree("audit"));
}

#[test]
fn score_needs_only_the_history_folder() {
    let folder = Folder::new("history-alone");
    asked().run("backfill", &folder).succeeds();
    let mut expected = folder.tree("audit");
    expected.retain(|name, _| !name.starts_with("history/") && name != "manifest.json");
    // Copies only the history to another folder.
    for (name, bytes) in folder.tree("audit/history") {
        let path = folder.path().join("alone/history").join(name);
        std::fs::create_dir_all(path.parent().expect("a path below the folder")).expect("a folder of our own");
        std::fs::write(path, bytes).expect("a file of our own");
    }
    let history = folder.tree("alone");

    etcd_heatmap(&["score", "--quiet", &folder.at("alone"), "--out", &folder.at("elsewhere")]).succeeds();
    let mut found = folder.tree("elsewhere");
    found.retain(|name, _| !name.starts_with("history/") && name != "manifest.json");
    assert_same(&expected, &found);
    assert_same(&history, &folder.tree("alone"));

    etcd_heatmap(&["score", "--quiet", &folder.at("alone")]).succeeds();
    let mut found = folder.tree("alone");
    found.retain(|name, _| !name.starts_with("history/") && name != "manifest.json");
    assert_same(&expected, &found);
    assert_same(&history.into_iter().collect(), &{
        let mut kept = folder.tree("alone");
        kept.retain(|name, _| name.starts_with("history/"));
        kept
    });
}

#[test]
fn a_longer_range_of_the_same_server_extends_the_history() {
    let (in_parts, at_once) = (Folder::new("in-parts"), Folder::new("at-once"));
    // The first range ends within a day, which the second run must pull again.
    for end in [START + 30 * HOUR, START + 2 * DAY] {
        Asked { end, ..asked() }.run("backfill", &in_parts).succeeds();
    }
    asked().run("backfill", &at_once).succeeds();
    assert_same(&at_once.tree("audit"), &in_parts.tree("audit"));
}

#[test]
fn a_different_pull_replaces_a_history_only_with_overwrite() {
    let folder = Folder::new("overwrite");
    asked().run("backfill", &folder).succeeds();
    let first = folder.tree("audit");
    let other = Asked { step: 300, ..asked() };
    other.run("backfill", &folder).fails_saying(&["audit", "step", "--overwrite"]);
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")]).fails_saying(&["--overwrite"]);
    assert_same(&first, &folder.tree("audit"));

    let (url, out, start, end) =
        (other.url.clone(), folder.at("audit"), other.start.to_string(), other.end.to_string());
    let range = ["--start", &start, "--end", &end, "--step", "5m"];
    etcd_heatmap(&[&["backfill", "--overwrite", "--url", &url, "--out", &out][..], &range].concat()).succeeds();
    other.agrees_with_the_oracle(&out);
}

#[test]
fn a_pull_with_other_labels_selector_or_source_is_refused() {
    let folder = Folder::new("pulled-differently");
    let asked = Asked { end: START + DAY, ..asked() };
    asked.run("pull", &folder).succeeds();
    let first = folder.tree("audit");
    for (other, difference) in [
        (Asked { member_label: Some("job"), ..asked.clone() }, "member label instance instead of job"),
        (Asked { selector: Some("job=~\".+\""), ..asked.clone() }, "query of wal_fsync: histogram_quantile"),
    ] {
        other.run("pull", &folder).fails_saying(&["was pulled differently", difference, "--overwrite"]);
    }
    let sample = ["backfill", "--quiet", "--sample", "--out", &folder.at("audit")];
    etcd_heatmap(&sample).fails_saying(&["instead of the sample that is embedded", &asked.url, "--overwrite"]);
    assert_same(&first, &folder.tree("audit"));
}

#[test]
fn a_history_with_a_day_of_another_pull_is_refused() {
    let (folder, other) = (Folder::new("ours"), Folder::new("foreign-day"));
    asked().run("pull", &folder).succeeds();
    let last = Asked { start: START + 2 * DAY, end: START + 3 * DAY, step: 120, ..asked() };
    last.run("pull", &other).succeeds();
    let day = "audit/history/date=2026-10-03";
    std::fs::create_dir_all(folder.at(day)).expect("a folder of our own");
    let file = format!("{day}/readings.parquet");
    std::fs::copy(other.at(&file), folder.at(&file)).expect("a file of our own");
    for command in [vec!["score"], vec!["findings"], vec!["explain", "--cluster", "c01", "--at", "2026-10-02"]] {
        let run = etcd_heatmap(&[&command[..], &[&folder.at("audit")]].concat());
        run.fails_saying(&["date=2026-10-03/readings.parquet was pulled differently", "step 120s instead of 60s"]);
    }
}

#[test]
fn files_of_the_user_in_the_output_folder_stay() {
    let folder = Folder::new("mine");
    for name in ["audit/scores/mine.txt", "audit/openmetrics/mine.om", "audit/history/mine.txt", "audit/mine.csv"] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a path below the folder")).expect("a folder of our own");
        folder.write(name, "mine");
    }
    let mine = folder.tree("audit");
    asked().run("backfill", &folder).succeeds();
    etcd_heatmap(&["score", "--quiet", &folder.at("audit")]).succeeds();
    let mut left = folder.tree("audit");
    left.retain(|name, _| mine.contains_key(name));
    assert_same(&mine, &left);
}
