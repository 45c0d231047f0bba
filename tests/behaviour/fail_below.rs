//! `--fail-below`: exit code 3 and the reasons, after all outputs are written.

use crate::support::{
    Asked, Folder, HOUR, Metrics, Run, START, assert_same, cells, etcd_heatmap, etcd_heatmap_command, prometheus_of,
};

/// The sample, scored with these flags into `folder/audit`.
fn sample(folder: &Folder, flags: &[&str]) -> Run {
    etcd_heatmap(&[&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")], flags].concat())
}

#[test]
fn low_cells_are_listed_lowest_first_and_all_outputs_are_written() {
    let (plain, gated) = (Folder::new("plain"), Folder::new("gated"));
    sample(&plain, &[]).succeeds();
    let run = sample(&gated, &["--fail-below", "7"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert_same(&plain.tree("audit"), &gated.tree("audit"));

    let of_clusters = cells(&gated.text("audit/heatmap.csv")).into_iter().filter(|cell| cell.member.is_none());
    let mut low: Vec<_> = of_clusters.filter(|cell| cell.mean.is_some_and(|mean| mean < 7.0)).collect();
    low.sort_by(|a, b| a.mean.partial_cmp(&b.mean).expect("no NaN").then(a.start.cmp(&b.start)));
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(lines[0], format!("error: --fail-below 7: {} cells are below 7", low.len()));
    assert_eq!(lines.len(), 12, "{}", run.stderr);
    for (line, cell) in lines[1..11].iter().zip(&low) {
        assert!(line.starts_with(&format!("  {} {}: mean ", cell.start, cell.cluster)), "{line}, {cell:?}");
        assert!(line.ends_with(&format!(", main cause {}", cell.worst_metric)), "{line}, {cell:?}");
    }
    assert_eq!(lines[11], format!("  and {} more cells below the threshold", low.len() - 10));
}

#[test]
fn exit_codes_distinguish_a_low_score_from_a_failure() {
    let folder = Folder::new("exit-codes");
    let audit = folder.at("audit");
    assert_eq!(sample(&folder, &["--fail-below", "1"]).code, Some(0), "no hour is below 1");
    let score = |flags: &[&str]| etcd_heatmap(&[&["score", "--quiet", &audit], flags].concat());
    assert_eq!(score(&["--fail-below", "9.5"]).code, Some(3));
    assert_eq!(score(&["--fail-below", "0", "--min-coverage", "1"]).code, Some(0), "0 never fails");
    for wrong in ["11", "-1", "seven", "NaN"] {
        let run = score(&[&format!("--fail-below={wrong}")]);
        run.fails_saying(&["--fail-below", "0 to 10"]);
        assert_eq!(run.code, Some(2), "{run:?}");
    }
    let run = score(&["--compare", "seed,mixin", "--fail-below", "7"]);
    run.fails_saying(&["--compare", "--fail-below", "cannot be used with"]);
    // Another error takes precedence, with its own exit code.
    let day = folder.path().join("audit/history/date=2026-10-03/readings.parquet");
    std::fs::write(day, "no parquet").expect("a file of our own");
    let run = score(&["--fail-below", "9.5"]);
    run.fails_saying(&["2026-10-03"]);
    assert_eq!(run.code, Some(1), "{run:?}");
}

#[test]
fn fail_below_can_be_set_in_the_environment_and_the_configuration_file() {
    let folder = Folder::new("demand");
    sample(&folder, &[]).succeeds();
    let run = |variable: &str| {
        let mut command = etcd_heatmap_command(&["score", "--quiet", "audit"]);
        command.current_dir(folder.path()).env("ETCD_HEATMAP_FAIL_BELOW", variable);
        Run::of(command)
    };
    assert_eq!(run("").code, Some(0));
    let of_variable = run("7");
    assert_eq!(of_variable.code, Some(3));
    folder.write("etcd-heatmap.toml", "[score]\nfail_below = 7\n");
    assert_eq!(run("").stderr, of_variable.stderr);
    assert_eq!(run("0").code, Some(0), "the environment outranks the file");
    let explain = ["explain", "audit", "--cluster", "c01", "--at", "2026-10-07T14"];
    let mut command = etcd_heatmap_command(&explain);
    command.current_dir(folder.path());
    Run::of(command).succeeds();
}

#[test]
fn too_low_coverage_fails_like_a_low_score() {
    let mut metrics = Metrics::default();
    let end = START + 6 * HOUR;
    metrics.member(r#"cluster="known",job="etcd",instance="m1""#, START - HOUR..end);
    let dark = r#"cluster="dark",job="etcd",instance="m1""#;
    // The member is scraped, but has no scored step in the last four hours.
    metrics.member(dark, START - HOUR..START + 2 * HOUR);
    metrics.raw("db_size", dark, START + 2 * HOUR..end);
    let folder = Folder::new("dark");
    let prometheus = prometheus_of(&metrics.text());
    Asked::all(&prometheus, START, end).is_answered_exactly(&folder);
    let score = |flags: &[&str]| {
        etcd_heatmap(&[&["score", "--quiet", &folder.at("audit"), "--fail-below", "7"], flags].concat())
    };
    let run = score(&[]);
    assert_eq!(run.code, Some(3), "{run:?}");
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(
        lines[0], "error: --fail-below 7: 1 cluster is scored at less than 50 % of the steps, or not at all",
        "{}",
        run.stderr
    );
    assert!(lines.len() == 2 && lines[1].starts_with("  scored at 3"), "{lines:?}");
    assert!(lines[1].ends_with(" % of the steps: dark"), "{lines:?}");
    assert_eq!(score(&["--min-coverage", "0.3"]).code, Some(0), "as much as is asked for is known");
}
