//! What was never asked for is neither expected nor missing; what was asked for in vain is both.

use crate::interruption::{gate, until_the_first_day};
use crate::support::{
    Asked, DAY, Folder, HOUR, Metrics, Run, START, assert_same, etcd_heatmap, oracle, prometheus_with, simulated,
};

fn manifest(folder: &Folder) -> serde_json::Value {
    serde_json::from_str(&folder.text("audit/manifest.json")).expect("JSON")
}

/// Scores the folder, and lets the oracle do so: these ranges were asked for, in seconds.
#[track_caller]
fn is_scored_within(folder: &Folder, asked: &[(i64, i64)]) -> Run {
    let run = etcd_heatmap(&["score", &folder.at("audit")]).succeeds();
    let asked: Vec<String> =
        asked.iter().flat_map(|(start, end)| ["--asked".to_owned(), start.to_string(), end.to_string()]).collect();
    let mut arguments = vec!["--step", "60"];
    arguments.extend(asked.iter().map(String::as_str));
    oracle("score.py", &[&[folder.at("audit").as_str()][..], &arguments].concat());
    run
}

#[test]
fn hours_and_days_that_were_never_requested_are_not_an_outage() {
    let folder = Folder::new("gaps");
    let parts = [(START, START + 12 * HOUR), (START + 2 * DAY + 6 * HOUR, START + 3 * DAY)];
    for (start, end) in parts {
        Asked::all(&simulated().prometheus, start, end).run("backfill", &folder).succeeds();
    }
    let run = is_scored_within(&folder, &parts);
    assert_eq!(manifest(&folder)["days_missing"], serde_json::json!([]));
    assert!(!run.stderr.contains("no readings on"), "{}", run.stderr);
    assert!(!folder.path().join("audit/scores/date=2026-10-02").exists(), "nothing was asked of 2 October");
    let report = folder.text("audit/report.html");
    for text in ["2026-10-01T12:00:00Z, 2026-10-03T06:00:00Z to", "with gaps that were not asked for"] {
        assert!(report.contains(text), "the report lacks {text:?}");
    }

    let whole = Asked::all(&simulated().prometheus, START, START + 3 * DAY);
    whole.is_answered_exactly(&folder);
    assert!(manifest(&folder)["asked"].get("ranges").is_none(), "a range without gaps is start and end");
}

#[test]
fn the_part_of_a_day_that_is_there_stays_when_a_later_part_is_pulled() {
    let folder = Folder::new("two-parts");
    for (from, to) in [(0, 12), (10, 24)] {
        let part = Asked::all(&simulated().prometheus, START + from * HOUR, START + to * HOUR);
        part.run("backfill", &folder).succeeds();
    }
    Asked::all(&simulated().prometheus, START, START + DAY).agrees_with_the_oracle(&folder.at("audit"));
}

/// Deletes the morning in Prometheus, which drops samples by itself when their retention ends.
fn pulled_before_and_after_the_morning_is_deleted(members: &[(&str, i64)], name: &str) -> [Folder; 2] {
    let [expected, folder] = ["kept", "dropped"].map(|what| Folder::new(&format!("{name}-{what}")));
    let mut metrics = Metrics::every(60);
    for (member, hours) in members {
        metrics.member(&format!(r#"job="etcd",instance="{member}""#), START..START + hours * HOUR);
    }
    let prometheus = prometheus_with(&metrics.text(), &["--web.enable-admin-api"]);
    let pull = |from: i64, to: i64, folder: &Folder| {
        Asked::all(&prometheus, START + from * HOUR, START + to * HOUR).run("pull", folder).succeeds();
    };
    pull(0, 24, &expected);
    pull(0, 12, &folder);
    let all = "match[]=%7Binstance%3D~%22.%2B%22%7D";
    let morning = format!("/api/v1/admin/tsdb/delete_series?{all}&start={START}&end={}", START + 6 * HOUR);
    prometheus.server().ask("POST", &morning, "").expect("its admin API is on");
    let too_late = Folder::new("too-late");
    pull(0, 24, &too_late);
    assert_ne!(manifest(&too_late)["members"], manifest(&expected)["members"], "the morning is deleted");
    pull(12, 24, &folder);
    [expected, folder]
}

#[test]
fn readings_that_the_server_has_dropped_since_an_earlier_pull_stay_in_the_history() {
    let [expected, folder] = pulled_before_and_after_the_morning_is_deleted(&[("a", 24), ("b", 24)], "members");
    assert_same(&expected.tree("audit"), &folder.tree("audit"));
    // A member of the morning alone. Only its leader changes, a whole day's, would be seen in the afternoon.
    let [expected, folder] = pulled_before_and_after_the_morning_is_deleted(&[("a", 24), ("gone", 5)], "gone");
    assert_eq!(manifest(&folder)["members"], manifest(&expected)["members"]);
}

#[test]
fn days_that_failed_to_pull_are_missing_until_they_are_pulled() {
    let ((gate, _), folder) = (gate(), Folder::new("in-vain"));
    let run = until_the_first_day("pull", &folder, &gate.url());
    gate.fall();
    assert_eq!(Run::from(run.wait_with_output().expect("it ends by itself")).code, Some(1));
    let wanted = serde_json::json!(["2026-10-02", "2026-10-03"]);
    assert_eq!(manifest(&folder)["days_missing"], wanted);
    is_scored_within(&folder, &[(START, START + 3 * DAY)]);
    assert_eq!(manifest(&folder)["days_missing"], wanted, "scoring does not forget what a pull asked for");
}

#[test]
fn a_day_whose_file_is_gone_was_asked_for_and_is_missing() {
    let folder = Folder::new("file-gone");
    let asked = (START + 12 * HOUR, START + 3 * DAY);
    Asked::all(&simulated().prometheus, asked.0, asked.1).run("pull", &folder).succeeds();
    std::fs::remove_file(folder.at("audit/history/date=2026-10-02/readings.parquet")).expect("a day of our own");
    // Without a manifest it may have been asked for, and counts as a day that was.
    for has_manifest in [true, false] {
        if !has_manifest {
            std::fs::remove_file(folder.at("audit/manifest.json")).expect("a file of our own");
        }
        let run = is_scored_within(&folder, &[asked]);
        assert!(run.stderr.contains("no readings on 2026-10-02"), "{}", run.stderr);
        assert_eq!(manifest(&folder)["days_missing"], serde_json::json!(["2026-10-02"]));
    }
}
