//! The score in other engines: the output of `rules` and `sql`, and the scores that Prometheus and DuckDB compute with it.

use std::path::{Path, PathBuf};

use crate::support::{Folder, Run, etcd_heatmap, needed, oracle};

const PROFILES: [&str; 6] = ["seed", "etcd-faq", "mixin", "openshift", "fleet", "operator"];

/// Flags for rescaled weights, bands with fractions of points, and a metric that is left out.
const CHANGED: [&str; 6] =
    ["--weight", "wal_fsync=0.5", "--band", "wal_fsync=0.01:7.125,0.02:0.1", "--without", "open_fds"];

fn in_the_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn printed(arguments: &[&str]) -> String {
    etcd_heatmap(arguments).succeeds().stdout
}

/// Runs `promtool` in the folder of the files, because a rule test names its rules relative to itself.
fn promtool(folder: &Folder, arguments: &[&str]) -> Run {
    let mut promtool = needed("promtool", "prometheus");
    promtool.args(arguments).current_dir(folder.path());
    Run::of(promtool)
}

#[test]
fn the_files_in_queries_are_up_to_date() {
    let files = [
        ("rules", "queries/etcd-heatmap.rules.yml"),
        ("rules --alerts", "queries/etcd-heatmap.alerts.yml"),
        ("sql", "queries/score.sql"),
        ("sql --dialect spark", "queries/score.spark.sql"),
    ];
    for (command, file) in files {
        let found = std::fs::read_to_string(in_the_repository(file)).expect("the file is in the repository");
        let expected = printed(&command.split(' ').collect::<Vec<_>>());
        let differs = found.lines().zip(expected.lines()).position(|(a, b)| a != b).map_or(0, |line| line + 1);
        assert!(
            found == expected,
            "{file} differs from the output of the program (line {differs}): \
             run `cargo run --release -- {command} > {file}`"
        );
    }
}

#[test]
fn promtool_accepts_the_rules_of_every_profile_and_the_alerts() {
    let folder = Folder::new("rules");
    for profile in PROFILES {
        let file = folder.write("profile.rules.yml", printed(&["rules", "--profile", profile]));
        let checked = promtool(&folder, &["check", "rules", &file]).succeeds();
        assert!(checked.stdout.contains("SUCCESS"), "{profile}: {}", checked.stdout);
    }
    let file = folder.write("alerts.rules.yml", printed(&["rules", "--alerts"]));
    let checked = promtool(&folder, &["check", "rules", &file]).succeeds();
    assert!(checked.stdout.contains("SUCCESS: 7 rules found"), "{}", checked.stdout);
    // The selector is written into a comment and into every expression, and must break neither.
    let awkward = r#"env=~"it's|#: `b` {}|\u00e9", a!~'x"'"#;
    let file = folder.write("awkward.rules.yml", printed(&["rules", "--selector", awkward, "--quiet"]));
    promtool(&folder, &["check", "rules", &file]).succeeds();
    etcd_heatmap(&["rules", "--selector", "a=\"b\"\n"]).fails_saying(&["--selector", "one line"]);
    etcd_heatmap(&["rules", "--member-label", "metric"]).fails_saying(&["--member-label", "'metric'"]);
}

/// Tests the output of `rules` with these flags by promtool, with the test file of this name in `rules/`.
fn passes(name: &str, flags: &[&str]) {
    let folder = Folder::new("rule-tests");
    folder.write(&format!("{name}.rules.yml"), printed(&[&["rules"], flags].concat()));
    let test = format!("{name}.test.yml");
    let source = in_the_repository("tests/behaviour/rules").join(&test);
    std::fs::copy(&source, folder.at(&test)).expect("the test is in the repository");
    promtool(&folder, &["test", "rules", &test]).succeeds();
}

#[test]
fn prometheus_computes_the_expected_points_and_scores_and_marks_members_without_a_score() {
    let labels = ["--cluster-label", "k8s", "--member-label", "pod", "--selector", r#"env="prod""#];
    passes("seed", &[]);
    passes("fleet", &["--profile", "fleet"]);
    passes("operator", &["--profile", "operator"]);
    passes("changed", &[CHANGED, labels].concat());
}

#[test]
fn alerts_fire_for_a_critical_metric_a_low_score_a_missing_score_and_a_stale_textfile() {
    passes("alerts", &["--alerts"]);
}

#[test]
fn alerts_fire_for_probable_red_hours_a_quota_that_is_near_and_stale_forecasts() {
    passes("forecast", &["--alerts"]);
}

#[test]
fn duckdb_computes_the_same_scores_and_cells_as_python() {
    let mut cases: Vec<Vec<&str>> = PROFILES.iter().map(|profile| vec!["--profile", profile]).collect();
    cases.push(CHANGED.to_vec());
    cases.push(vec!["--band", "db_size=5%:9.999,10%:9,33.3%:8,66.6%:7,99.99%:0.001", "--min-coverage", "0.97"]);
    // The history begins on 1 October 2026. On the 3rd at 15:30 UTC, Lord Howe's clocks go forward by half an hour.
    let lord_howe = ["--time-zone", "Australia/Lord_Howe"];
    cases.push([&["--profile", "operator", "--rollup", "quorum", "--cell", "2h"], &lord_howe[..]].concat());
    cases.push([&["--rollup", "mean", "--cell", "30m"], &lord_howe[..], &CHANGED].concat());
    cases.push(vec!["--profile", "operator", "--rollup", "mean", "--time-zone", "America/St_Johns"]);
    for flags in cases {
        let folder = Folder::new("sql");
        let script = folder.write("score.sql", printed(&[&["sql"][..], &flags].concat()));
        oracle("sql.py", &[&[script.as_str(), &folder.at("audit")][..], &flags].concat());
    }
}
