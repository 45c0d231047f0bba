//! Five engines compute the same scores: the arithmetic of the original script, Prometheus, DuckDB, Polars, and
//! etcd-heatmap.

use crate::support::{Folder, METRICS, Run, etcd_heatmap, example, oracle, oracle_run};

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
    for profile in ["seed", "openshift", "operator"] {
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
fn engines_without_the_caps_of_a_profile_are_detected() {
    let folder = Folder::new("no-caps");
    let audit = folder.at("audit");
    let profile = ["--profile", "operator"];
    example("thresholds", &[&profile[..], &["--days", "1", "--step", "2m", "--out", &audit]].concat()).succeeds();
    etcd_heatmap(&[&["score", "--quiet", &audit], &profile[..]].concat()).succeeds();
    let none: String = METRICS.iter().map(|metric| format!("{metric} = \"none\"\n")).collect();
    let config = folder.write("none.toml", format!("[caps]\n{none}"));
    let [rules, sql] = ["rules", "sql"].map(|command| {
        let run = etcd_heatmap(&[&[command, "--config", &config], &profile[..]].concat()).succeeds();
        folder.write(&format!("none.{command}"), run.stdout)
    });
    let arguments = [&audit, "--step", "120", "--rules", &rules, "--sql", &sql];
    let run = oracle_run("engines.py", &[&arguments[..], &profile].concat());
    differ(&run, ["PromQL", "SQL"], ["Polars", "etcd-heatmap"]);
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
    differ(&run, ["PromQL", "SQL"], ["Polars", "etcd-heatmap"]);
}

/// Checks that scores and cells of some engines differ from those of the original's arithmetic, and others are equal.
#[track_caller]
fn differ(run: &Run, wrong: [&str; 2], right: [&str; 2]) {
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let verdicts = wrong.map(|engine| ("DIFFERS", engine)).into_iter().chain(right.map(|engine| ("equal  ", engine)));
    for (verdict, engine) in verdicts {
        for what in ["scores", "cells"] {
            let line = format!("{verdict} {what}: {engine}");
            assert!(run.stdout.contains(&line), "no {line:?}:\n{}", run.stdout);
        }
    }
}
