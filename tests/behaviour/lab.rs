//! A recorded hour of `benches/lab`: real faults of a real etcd 3.5, in blocks of Prometheus, with what an observer beside it
//! saw.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::support::{BINARY, Folder, Run, etcd_heatmap, python};

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
