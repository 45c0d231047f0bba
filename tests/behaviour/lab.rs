//! A recorded hour of `benches/lab`: real faults of a real etcd 3.5, in blocks of Prometheus, with what an observer beside it
//! saw.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::support::{BINARY, Folder, Run, etcd_heatmap, oracle, oracle_run, python};

/// Steps of the audit: a state that lasts longer than a step and a scrape is seen.
const STEP: f64 = 15.0;
const SCRAPE: f64 = 2.0;

fn benches(name: &str) -> String {
    format!("{}/benches/lab/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn recorded(name: &str) -> String {
    format!("{}/tests/lab/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The members that were without a leader for longer than a step, from one second to another.
fn leaderless(labels: &Value, from: f64, to: f64) -> BTreeSet<String> {
    let faults = labels["faults"].as_array().expect("a list of faults");
    let second = |fault: &Value, name: &str| fault[name].as_f64().expect("a time");
    let within = faults.iter().filter(|fault| second(fault, "start") < to && second(fault, "end") > from);
    let members = within.flat_map(|fault| fault["leaderless_seconds"].as_object().expect("seconds of members"));
    members
        .filter(|(_, seconds)| seconds.as_f64().is_some_and(|seconds| seconds > STEP + SCRAPE))
        .map(|(member, _)| member.clone())
        .collect()
}

/// The members whose worst knowledge of a leader is `no`.
fn without_leader(explained: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut member = String::new();
    for line in explained.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["member", name, ..] => member = name.trim_end_matches(':').to_owned(),
            ["has_leader", _, "no", ..] => drop(found.insert(member.clone())),
            _ => {}
        }
    }
    found
}

/// The judge of `benches/lab` on this hour: every fault that touches a threshold or a critical condition is a problem with
/// the right member and time, 9 of 10 causes are right and none is wrong, and nothing begins in the calm.
#[test]
fn faults_of_a_real_etcd_are_problems_and_leader_changes_have_the_right_causes() {
    let folder = Folder::new("lab-judged");
    for step in ["15s", "30s"] {
        let mut command = Command::new(python());
        command.arg("-B").arg(benches("judge.py")).arg(recorded("")).args(["--step", &step[..2]]);
        for profile in ["seed", "mixin", "openshift"] {
            let (data, out) = (recorded("data"), folder.at(&format!("{profile}-{step}")));
            let flags = ["--evidence", "auto", "--profile", profile, "--formats", "problems,findings"];
            let pull = ["backfill", "--quiet", "--from", &data, "--step", step, "--out", &out];
            etcd_heatmap(&[&pull[..], &flags].concat()).succeeds();
            command.arg("--audit").arg(format!("{profile}={out}"));
        }
        command.arg("--program").arg(BINARY);
        Run::of(command).succeeds();
    }
}

/// Three members were defragmented twice, the first time a few minutes before their restart, and their databases were full
/// before the second time. etcd's own counters say when, and how long it took.
#[test]
fn each_defragmentation_of_a_real_etcd_and_each_full_database_is_told_as_etcd_counted_it() {
    let folder = Folder::new("lab-databases");
    let data = recorded("data");
    for step in ["15", "60"] {
        let (out, seconds) = (folder.at(step), format!("{step}s"));
        let pull = ["backfill", "--quiet", "--from", &data, "--evidence", "all", "--step", &seconds, "--out", &out];
        etcd_heatmap(&[&pull[..], &["--formats", "problems,findings"]].concat()).succeeds();
        oracle("databases.py", &[&data, &out, "--step", step]);
    }
}

#[test]
fn the_judge_of_the_lab_tells_right_from_wrong() {
    let mut command = Command::new(python());
    command.arg("-B").arg(benches("judge_test.py"));
    Run::of(command).succeeds();
}

#[test]
fn evidence_shows_the_members_that_an_observer_saw_without_a_leader() {
    let folder = Folder::new("lab");
    let (data, out) = (recorded("data"), folder.at("audit"));
    etcd_heatmap(&["pull", "--quiet", "--from", &data, "--evidence", "auto", "--step", "15s", "--out", &out])
        .succeeds();
    let text = std::fs::read_to_string(recorded("labels.json")).expect("the labels of the lab");
    let labels: Value = serde_json::from_str(&text).expect("JSON");
    let mut seen = 0;
    for fault in labels["faults"].as_array().expect("a list of faults") {
        let at = fault["start"].as_f64().expect("a time");
        let cell = at - at.rem_euclid(900.0);
        let expected = leaderless(&labels, cell, cell + 900.0);
        let at = (at as i64).to_string();
        let run = etcd_heatmap(&["explain", &out, "--cluster", "lab", "--cell", "15m", "--at", &at]).succeeds();
        assert_eq!(without_leader(&run.stdout), expected, "{} at {at}:\n{}", fault["kind"], run.stdout);
        seen += expected.len();
    }
    assert!(seen > 2, "{seen}");
}

/// The table of docs/score.md that compares `seed` and `operator`. Without the points of leader changes: the reading counts a
/// day, and the faults of this hour make a dozen.
#[test]
fn the_documentation_has_the_lowest_score_of_each_fault_under_seed_and_operator() {
    let folder = Folder::new("lab-caps");
    let (data, out) = (recorded("data"), folder.at("audit"));
    let source = ["--from", &data, "--evidence", "auto", "--for-profiles", "operator", "--step", "15s"];
    etcd_heatmap(&[&["pull", "--quiet", "--out", &out], &source[..]].concat()).succeeds();
    let audits = ["seed", "operator"].map(|profile| {
        let scored = folder.at(profile);
        let score = ["score", "--quiet", &out, "--profile", profile, "--band", "leader_changes=none", "--out", &scored];
        etcd_heatmap(&[&score[..], &["--formats", "parquet"]].concat()).succeeds();
        scored
    });
    let run = oracle_run("lab.py", &[&recorded("labels.json"), &audits[0], &audits[1]]).succeeds();
    let printed = run.stdout;
    let page = include_str!("../../docs/score.md");
    for line in printed.lines().filter(|line| line.starts_with('|')) {
        assert!(page.contains(line), "docs/score.md has no row\n{line}\nof\n{printed}");
    }
    // A profile for outages must not see them where there are none, and must see more than the original's.
    assert!(printed.contains("right: seed 7, operator 13 of 23"), "{printed}");
    assert!(printed.contains("false alarms: seed 0, operator 0"), "{printed}");
}

#[test]
fn caps_that_could_not_be_looked_at_are_noted_once_and_in_the_report() {
    let folder = Folder::new("lab-no-evidence");
    let data = recorded("data");
    let backfill = ["backfill", "--from", &data, "--step", "15s", "--profile", "operator", "--formats"];
    let run = |name: &str, evidence: &str| {
        let out = folder.at(name);
        let flags = ["parquet,report,findings", "--evidence", evidence, "--out", &out];
        let run = etcd_heatmap(&[&backfill[..], &flags].concat()).succeeds();
        let report = folder.text(&format!("{name}/report.html"));
        (run.stderr, report.contains("is_leader not pulled: the caps that need them were not applied"))
    };
    let (noted, in_report) = run("without", "none");
    assert_eq!(noted.matches("without readings of is_leader and has_leader, these caps were not applied").count(), 1);
    assert!(noted.contains("wal_fsync 0.1@leader:4") && noted.contains("leader_changes no_leader:0"), "{noted}");
    assert!(noted.contains("--evidence auto") && in_report, "{noted}");
    let (noted, in_report) = run("with", "auto");
    assert!(!noted.contains("caps") && !in_report, "{noted}");
    // `findings` scores the history again, and must look at the same.
    let again = etcd_heatmap(&["findings", &folder.at("with"), "--csv"]).succeeds().stdout;
    assert_eq!(again, folder.text("with/findings.csv"));
}
