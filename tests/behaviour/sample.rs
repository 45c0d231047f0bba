//! The sample: what a new user runs first.

use std::process::Command;

use crate::support::{
    Folder, Run, assert_same, cells, etcd_heatmap, etcd_heatmap_command, isolated, oracle, simulated,
};

/// `backfill --sample` without a network, without an environment, in a folder that holds nothing.
fn sample(folder: &Folder) -> Run {
    let program = etcd_heatmap_command(&["backfill", "--sample", "--out", "audit"]);
    let mut alone: Command = isolated("-rn");
    alone.arg(program.get_program()).args(program.get_args());
    alone.env_clear().current_dir(folder.path());
    Run::of(alone)
}

#[test]
fn the_sample_runs_without_a_server_in_an_empty_folder() {
    let folder = Folder::new("sample");
    let run = sample(&folder).succeeds();
    oracle("score.py", &[&folder.at("audit"), "--step", "300"]);

    let first = folder.tree("audit");
    for name in ["manifest.json", "heatmap.parquet", "heatmap.csv", "history/", "scores/", "openmetrics/"] {
        assert!(first.keys().any(|path| path.starts_with(name)), "{name} is missing: {:?}", first.keys());
        assert!(run.stdout.contains(name.trim_end_matches('/')), "stdout does not list {name}:\n{}", run.stdout);
    }
    let cells = cells(&folder.text("audit/heatmap.csv"));
    for cell in &cells {
        assert!(run.stdout.contains(&cell.cluster), "the painting does not name {}:\n{}", cell.cluster, run.stdout);
    }
    let means: Vec<_> = cells.iter().filter_map(|cell| cell.mean).collect();
    assert!(means.contains(&10.0) && means.iter().any(|mean| *mean < 7.0), "a sample shows health and trouble");
    assert_eq!(folder.tree("").len(), first.len(), "nothing lies outside of the output folder");

    let again = sample(&folder).succeeds();
    assert_same(&first, &folder.tree("audit"));
    assert_eq!(run.stdout, again.stdout);
}

#[test]
fn a_pipe_gets_no_colors_and_no_progress_bars() {
    let run = |quiet: &[&str]| {
        let (url, folder) = (simulated().url(), Folder::new("plain"));
        let arguments = ["backfill", "--url", &url, "--start", "2026-10-01", "--end", "2026-10-02", "--out"];
        etcd_heatmap(&[&arguments[..], &[&folder.at("audit")], quiet].concat()).succeeds()
    };
    let told = run(&[]);
    for text in [&told.stdout, &told.stderr] {
        assert!(!text.contains(['\u{1b}', '\r']), "{text:?}");
    }
    assert!(told.stderr.contains("pulled 1 day"), "progress is plain lines: {}", told.stderr);
    assert_eq!(run(&["--quiet"]).stderr, "", "--quiet leaves nothing but errors");
}
