//! Six engines compute the same scores: the arithmetic of the original script, Prometheus, DuckDB, Polars, Spark, and
//! etcd-heatmap.

use crate::support::{Folder, METRICS, Run, etcd_heatmap, example, needed, oracle, oracle_run};

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

/// Spark starts once for all cases, because that takes longer than the cases.
#[test]
fn spark_agrees_at_every_threshold_with_caps_and_every_rollup() {
    needed("java", "openjdk-17-jre-headless");
    let folder = Folder::new("spark");
    // On 3 October 2026 at 15:30 UTC, Lord Howe's clocks go forward by half an hour.
    let cases = [
        ("seed", vec![]),
        ("operator", vec!["--rollup", "quorum", "--time-zone", "Australia/Lord_Howe"]),
        ("operator", vec!["--rollup", "mean", "--cell", "2h", "--without", "open_fds"]),
    ];
    let mut arguments = Vec::new();
    for (place, (profile, flags)) in cases.into_iter().enumerate() {
        let audit = folder.at(&format!("audit-{place}"));
        let history = ["--start", "2026-10-03", "--days", "2", "--step", "2m", "--out", &audit];
        example("thresholds", &[&["--profile", profile][..], &history].concat()).succeeds();
        let flags = [&["--profile", profile][..], &flags].concat();
        let formats = ["--quiet", "--formats", "csv,parquet"];
        etcd_heatmap(&[&["score", &audit][..], &formats, &flags].concat()).succeeds();
        let sql = etcd_heatmap(&[&["sql", "--dialect", "spark"], &flags[..]].concat()).succeeds().stdout;
        let sql = folder.write(&format!("{place}.sql"), sql);
        arguments.extend(["--case".to_owned(), audit, sql, "120".to_owned(), flags.join(" ")]);
    }
    oracle("engines_spark.py", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
}

/// `--step`, `--since`, `--until`, `--without` and `--overwrite` of `deploy/spark/score.py`.
#[test]
fn the_script_for_spark_scores_the_days_and_metrics_that_its_flags_ask_for() {
    needed("java", "openjdk-17-jre-headless");
    let folder = Folder::new("spark-flags");
    let [all, some] = ["all", "some"].map(|name| folder.at(name));
    let profile = ["--profile", "operator"];
    for (out, flags) in [(&all, vec![]), (&some, vec!["--without", "open_fds"])] {
        let history = ["--start", "2026-10-01", "--days", "3", "--step", "2m", "--out", out];
        example("thresholds", &[&profile[..], &history].concat()).succeeds();
        let formats = ["--quiet", "--formats", "csv,parquet"];
        etcd_heatmap(&[&["score", out][..], &formats, &profile, &flags].concat()).succeeds();
    }
    let sql = etcd_heatmap(&[&["sql", "--dialect", "spark"], &profile[..]].concat()).succeeds().stdout;
    let sql = folder.write("score.sql", sql);
    let days = ["--since", "2026-10-02", "--until", "2026-10-03"];
    oracle("spark_flags.py", &[&[&all, &some, "open_fds", &sql, "120"][..], &days].concat());
}

#[test]
fn the_sql_for_spark_needs_the_documented_changes_for_trino() {
    let folder = Folder::new("trino");
    for profile in ["seed", "openshift", "operator"] {
        let sql = etcd_heatmap(&["sql", "--dialect", "spark", "--profile", profile]).succeeds().stdout;
        oracle("trino.py", &[&folder.write(&format!("{profile}.sql"), sql)]);
    }
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
