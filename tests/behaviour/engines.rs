//! Five engines compute the same scores: the arithmetic of the original script, Prometheus, DuckDB, Polars, and
//! etcd-heatmap.

use crate::support::{Folder, etcd_heatmap, example, oracle, oracle_run};

/// Writes the recording rules and the SQL of a profile to files, and returns their paths.
fn generated(folder: &Folder, profile: &str) -> [String; 2] {
    ["rules", "sql"].map(|command| {
        let printed = etcd_heatmap(&[command, "--profile", profile]).succeeds().stdout;
        folder.write(&format!("{profile}.{command}"), printed)
    })
}

/// Scores `folder/audit`, and checks that the other engines compute the same from its history.
#[track_caller]
fn all_agree(folder: &Folder, profile: &str, step: &str, flags: &[&str]) {
    let audit = folder.at("audit");
    etcd_heatmap(&["score", "--quiet", &audit, "--profile", profile]).succeeds();
    let [rules, sql] = generated(folder, profile);
    let arguments = [&audit, "--step", step, "--rules", &rules, "--sql", &sql, "--profile", profile];
    oracle("engines.py", &[&arguments[..], flags].concat());
}

#[test]
fn five_engines_agree_at_every_threshold_and_one_double_above_and_below() {
    for profile in ["seed", "openshift"] {
        let folder = Folder::new("thresholds");
        let arguments = ["--profile", profile, "--days", "3", "--step", "2m", "--out", &folder.at("audit")];
        example("thresholds", &arguments).succeeds();
        all_agree(&folder, profile, "120", &["--thresholds"]);
    }
}

#[test]
fn five_engines_agree_on_the_sample() {
    let folder = Folder::new("engines-sample");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")]).succeeds();
    all_agree(&folder, "seed", "300", &[]);
}

#[test]
fn a_threshold_that_is_off_by_one_double_is_detected() {
    let folder = Folder::new("one-off");
    let audit = folder.at("audit");
    example("thresholds", &["--days", "1", "--step", "2m", "--out", &audit]).succeeds();
    etcd_heatmap(&["score", "--quiet", &audit]).succeeds();
    let [rules, sql] = generated(&folder, "seed").map(|file| {
        let text = std::fs::read_to_string(&file).expect("it has just been written");
        let off = text.replace(" 0.04", " 0.04000000000000001");
        assert_ne!(text, off, "the file contains the threshold");
        folder.write(&format!("{}.off", file.rsplit('/').next().unwrap_or_default()), off)
    });
    let run = oracle_run("engines.py", &[&audit, "--step", "120", "--rules", &rules, "--sql", &sql]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    for (verdict, engine) in
        [("DIFFERS", "PromQL"), ("DIFFERS", "SQL"), ("equal  ", "Polars"), ("equal  ", "etcd-heatmap")]
    {
        for what in ["scores", "cells"] {
            let line = format!("{verdict} {what}: {engine}");
            assert!(run.stdout.contains(&line), "no {line:?}:\n{}", run.stdout);
        }
    }
}
