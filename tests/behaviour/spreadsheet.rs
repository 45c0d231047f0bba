//! heatmap.xlsx and heatmap_wide.csv, read back by other programs and compared with heatmap.csv cell by cell.

use crate::support::{
    Asked, Folder, HOUR, Metrics, START, assert_same, autumn, escaped, etcd_heatmap, oracle, prometheus_of,
    sample_is_scored_exactly, spring,
};

const BERLIN: [&str; 2] = ["--time-zone", "Europe/Berlin"];

/// Lets the oracle read both files of `folder/audit` and compare them with its cells.
#[track_caller]
fn is_read_back(folder: &Folder) {
    oracle("spreadsheet.py", &[&folder.at("audit")]);
}

/// The first line of the wide CSV, and those of a line's day.
fn wide_rows(folder: &Folder, begins: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let text = folder.text("audit/heatmap_wide.csv");
    let fields = |line: &str| line.trim_start_matches('\u{feff}').split(',').map(str::to_owned).collect();
    let head = fields(text.lines().next().expect("a file of ours has a header"));
    (head, text.lines().filter(|line| line.starts_with(begins)).map(fields).collect())
}

#[test]
fn every_cell_of_the_sample_can_be_read_back_from_workbook_and_wide_csv() {
    is_read_back(&sample_is_scored_exactly(&[]));
}

#[test]
fn when_clocks_go_back_the_repeated_hour_has_its_own_column() {
    let folder = autumn().is_scored_exactly(&BERLIN);
    is_read_back(&folder);
    let (head, day) = wide_rows(&folder, "c,,2026-10-25,");
    assert_eq!(
        head[..9],
        ["cluster", "member", "date", "hours_in_day", "00:00", "01:00", "02:00", "02:00 (2)", "03:00"]
    );
    assert_eq!(head.len(), 4 + 25 + 1);
    assert_eq!(day[0][3], "25");
    let (_, before) = wide_rows(&folder, "c,,2026-10-26,");
    assert_eq!((before[0][3].as_str(), before[0][7].as_str()), ("24", ""), "other days have no second 02:00");
}

#[test]
fn when_clocks_go_forward_the_skipped_hour_is_empty() {
    let folder = spring().is_scored_exactly(&BERLIN);
    is_read_back(&folder);
    let (head, day) = wide_rows(&folder, "c,,2026-03-29,");
    assert_eq!(head.len(), 4 + 24 + 1);
    assert_eq!((day[0][3].as_str(), day[0][6].as_str()), ("23", ""), "{day:?}");
}

#[test]
fn the_number_of_columns_follows_the_width_of_cells() {
    for (width, columns) in [("15m", 96 + 4), ("2h", 12 + 1)] {
        let folder = autumn().is_scored_exactly(&[&BERLIN[..], &["--cell", width]].concat());
        is_read_back(&folder);
        assert_eq!(wide_rows(&folder, "c,,2026-10-25,").0.len(), 4 + columns + 1, "cells of {width}");
        is_read_back(&spring().is_scored_exactly(&[&BERLIN[..], &["--cell", width]].concat()));
    }
}

#[test]
fn no_cell_is_lost_when_clocks_change_by_half_an_hour() {
    is_read_back(&spring().is_scored_exactly(&["--time-zone", "Australia/Lord_Howe"]));
}

#[test]
fn spreadsheets_have_the_same_bytes_for_the_same_cells() {
    let folder = sample_is_scored_exactly(&[]);
    let written = || {
        etcd_heatmap(&["score", "--quiet", &folder.at("audit")]).succeeds();
        let mut tree = folder.tree("audit");
        tree.retain(|name, _| name.ends_with(".xlsx") || name.ends_with("wide.csv"));
        assert_eq!(tree.len(), 2);
        tree
    };
    let first = written();
    // Times in a ZIP archive have a resolution of two seconds: wait longer, so that a stored time would differ.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_same(&first, &written());
}

#[test]
fn no_label_becomes_a_formula_or_breaks_a_sheet() {
    let folder = Folder::new("hostile");
    let mut metrics = Metrics::every(300);
    let clusters = hostile();
    for (index, cluster) in clusters.iter().enumerate() {
        let member = &clusters[(index + 5) % clusters.len()];
        let labels = format!(r#"cluster="{}",job="etcd",instance="{}""#, escaped(cluster), escaped(member));
        // Half an hour of a slow disk is an incident, whose text contains both names.
        let slow = |t: i64| (START + HOUR..START + HOUR + 1800).contains(&t);
        metrics.member_with_slow_disk(&labels, START - HOUR..START + 3 * HOUR, slow);
    }
    let prometheus = prometheus_of(&metrics.text());
    let asked = Asked { step: 300, ..Asked::all(&prometheus, START, START + 2 * HOUR) };
    asked.run("backfill", &folder).succeeds();
    let manifest = folder.text("audit/manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("the manifest is JSON");
    let members = manifest["members"].as_array().expect("a list");
    assert_eq!(members.len(), clusters.len(), "all of them were pulled");
    is_read_back(&folder);
}

/// Names that could act as formulas, markup or sheet references.
fn hostile() -> Vec<String> {
    let names = [
        "=cmd()",
        "=1+1",
        "+1",
        "-2+3",
        "@SUM(A1)",
        "'=already",
        "\t=1+1",
        " =1+1",
        "＝1+1",
        "=cmd|' /C calc'!A0",
        "=HYPERLINK(\"http://example.invalid\",\"x\")",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "two\nlines",
        "comma, \"quote\"; semicolon",
        "\u{202e}drawkcab\u{200f}",
        "emoji 🔥🧨",
        "_x003D_1+1",
        "bell\u{7}",
        "a[b]:*?/\\c",
        "'apostrophes'",
        "History",
        "SUMMARY",
        "summary",
        "http://example.invalid/",
        "007",
        "2026-10-01",
        "NULL",
        "TRUE",
        "1e5",
    ];
    names.into_iter().map(str::to_owned).chain(["x".repeat(300), format!("{}y", "x".repeat(299))]).collect()
}
