//! Members that went and never came back: findings, notes and `--expect-members`.
//!
//! Expected times and numbers come from the lives in `cases/histories.py`.

use std::sync::OnceLock;

use crate::support::{Folder, Run, case, etcd_heatmap, oracle};

const GONE: &str = "etcd-3 went on 2026-11-20 at 12:00 and never came back: 2 of 3 members since";

/// The case `gone`, pulled and scored.
fn gone() -> &'static Folder {
    static SHARED: OnceLock<Folder> = OnceLock::new();
    SHARED.get_or_init(|| pulled("gone", "1m"))
}

/// The case `leaving`, pulled and scored.
fn leaving() -> &'static Folder {
    static SHARED: OnceLock<Folder> = OnceLock::new();
    SHARED.get_or_init(|| pulled("leaving", "5m"))
}

fn pulled(name: &str, step: &str) -> Folder {
    let (prometheus, folder) = (case(name), Folder::new(name));
    let (url, out) = (prometheus.url(), folder.at("audit"));
    let range = ["--start", "2026-11-20", "--end", "2026-11-23", "--step", step];
    etcd_heatmap(&[&["backfill", "--url", &url, "--out", &out, "--fail-below", "7"], &range[..]].concat()).succeeds();
    folder
}

/// Scores the history of a case into another folder.
fn score(folder: &Folder, flags: &[&str]) -> (Run, Folder) {
    let to = Folder::new("absence");
    let (history, out) = (folder.at("audit"), to.at("audit"));
    (etcd_heatmap(&[&["score", &history, "--out", &out], flags].concat()), to)
}

#[test]
fn a_member_that_is_gone_for_two_and_a_half_days_is_the_first_finding_everywhere() {
    let folder = gone();
    let audit = folder.at("audit");
    let incidents = etcd_heatmap(&["findings", &audit, "--kind", "incident"]).succeeds().stdout;
    assert!(incidents.lines().nth(1).is_some_and(|line| line.contains("1. ") && line.contains(GONE)), "{incidents}");
    for expected in ["members_left=2", "members_expected=3", "quorum=2 of 3", "failures_tolerated_now=0"] {
        assert!(incidents.contains(expected), "{expected}: {incidents}");
    }
    assert!(folder.text("audit/findings.csv").contains(GONE));
    let report = folder.text("audit/report.html");
    let first = report.split("<article").nth(1).unwrap_or_default();
    for expected in ["Member without data: etcd-3", "2 of 3 members left, no fault tolerance"] {
        assert!(first.contains(expected), "{expected}: {first}");
    }
    let berlin = etcd_heatmap(&["findings", &audit, "--evidence", "--time-zone", "Europe/Berlin"]).succeeds().stdout;
    assert!(berlin.contains("etcd-3 went on 2026-11-20 at 13:00 Europe/Berlin and never came back"), "{berlin}");
    for (at, is_missing) in [("2026-11-20T11", false), ("2026-11-20T12", true), ("2026-11-22T23", true)] {
        let explained = etcd_heatmap(&["explain", &audit, "--cluster", "etcd", "--at", at]).succeeds().stdout;
        assert_eq!(explained.contains(&format!("not in the score: {GONE}")), is_missing, "{at}: {explained}");
    }
}

#[test]
fn without_expected_members_fail_below_prints_a_note_and_with_them_it_fails() {
    let (run, _) = score(gone(), &["--fail-below", "7"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let note = "1 member went and never came back (see findings); --expect-members 3 makes this fail";
    assert!(run.stderr.contains(note), "{}", run.stderr);

    let (run, folder) = score(gone(), &["--fail-below", "7", "--expect-members", "3"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let expected = "error: --fail-below 7: 1 cluster has fewer members than --expect-members\n  \
                    etcd: 2 of 3 members since 2026-11-20T12:0";
    assert!(run.stderr.contains(expected) && !run.stderr.contains(note), "{}", run.stderr);
    assert!(folder.text("audit/evidence.csv").contains(",expected_by,'--expect-members,"));
    let manifest: serde_json::Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("JSON");
    assert_eq!(manifest["expect_members"], serde_json::json!(["3"]));

    // `diff` expects what the folder was scored with, in the time after the change only.
    let audit = folder.at("audit");
    let diff =
        |at: &str, flags: &[&str]| etcd_heatmap(&[&["diff", &audit, "--at", at, "--fail-below", "7"], flags].concat());
    assert_eq!(diff("2026-11-21", &[]).code, Some(3));
    assert_eq!(diff("2026-11-21", &["--expect-members", "etcd=2"]).code, Some(0));
    for (flags, code) in
        [(["--expect-members", "2"], 0), (["--expect-members", "3,etcd=2"], 0), (["--expect-members", "4"], 3)]
    {
        assert_eq!(score(gone(), &[&["--fail-below", "7"], &flags[..]].concat()).0.code, Some(code), "{flags:?}");
    }
    let (run, _) = score(gone(), &["--fail-below", "7", "--expect-members", "2,other=1"]);
    assert!(run.code == Some(3) && run.stderr.contains("other: 0 of 1 member in the whole history"), "{}", run.stderr);
}

#[test]
fn expected_members_can_be_set_in_the_file_and_the_environment() {
    let folder = Folder::new("expected");
    let file = folder.write("expect.toml", "[score]\nfail_below = 7\nexpect_members = [\"2\", \"etcd=3\"]\n");
    let (run, _) = score(gone(), &["--config", &file]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let (run, _) = score(gone(), &["--config", &file, "--expect-members", "2"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let (run, _) = score(gone(), &["--fail-below", "7", "--expect-members", "2", "--expect-members", "etcd=3"]);
    assert_eq!(run.code, Some(3), "the flag is repeatable: {}", run.stderr);
    for wrong in ["three", "3,5", "etcd=", "-1"] {
        let (run, _) = score(gone(), &[&format!("--expect-members={wrong}")]);
        assert!(run.code == Some(2) && run.stderr.contains("--expect-members"), "{wrong}: {}", run.stderr);
    }
}

#[test]
fn even_sizes_single_members_replacements_and_ended_clusters_are_told_apart() {
    let audit = leaving().at("audit");
    let folder = Folder::new("leaving-csv");
    let csv = folder.write("findings.csv", etcd_heatmap(&["findings", &audit, "--csv"]).succeeds().stdout);
    oracle("findings.py", &[&audit, &csv, "--least", "incident=5"]);
    let said =
        |flags: &[&str]| etcd_heatmap(&[&["findings", &audit, "--kind", "incident"], flags].concat()).succeeds().stdout;
    let all = said(&[]);
    for expected in [
        "prod-4 went on 2026-11-20 at 06:00 and never came back: 3 of 4 members until 2026-11-21 at 06:05, 2 at the end; no \
         fault tolerance unless it was removed from etcd (4 members tolerate 1 failure, like 3)",
        "prod-3 went on 2026-11-21 at 06:00 and never came back: 2 of 4 members since; quorum lost (3 of 4 needed)",
        "no member of edge since 2026-11-20 at 20:00: edge-1 never came back",
        "stage-2 of stage was replaced by stage-4 (",
        "no member of stage since 2026-11-22 at 12:00: stage-1, stage-3, stage-4 never came back",
    ] {
        assert!(all.contains(expected), "{expected}\nis not in\n{all}");
    }
    assert_eq!(all.matches("never came back").count(), 4, "{all}");
    assert!(!all.contains("monitoring may have been down") && !all.contains("lab"), "{all}");

    let lab = said(&["--expect-members", "3", "--cluster", "lab"]);
    assert!(
        lab.contains("lab had 2 of 3 members from 2026-11-20 at 00:0")
            && lab.contains("until lab-3 came on 2026-11-20 at 12:0"),
        "{lab}"
    );
    let (run, _) = score(leaving(), &["--fail-below", "7"]);
    let note =
        "6 members went and never came back (see findings); --expect-members edge=1,prod=4,stage=3 makes these fail";
    assert!(run.code == Some(0) && run.stderr.contains(note), "{}", run.stderr);
    let (run, _) = score(leaving(), &["--fail-below", "7", "--expect-members", "3,edge=1,prod=2"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    for expected in [
        "edge: 0 of 1 member since 2026-11-20T20:0",
        "lab: 2 of 3 members from 2026-11-20T00:0",
        "stage: 0 of 3 members since 2026-11-22T12:0",
    ] {
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    assert!(!run.stderr.contains("prod:"), "{}", run.stderr);
}
