//! Texts in windows of several widths: no line is wider than the window, and no word is broken.

use std::process::Command;

use crate::support::{BINARY, Folder, Run, etcd_heatmap_command, oracle, simulated};

/// A narrow window, one of half the usual width and a half, and the usual one.
const WIDTHS: [usize; 3] = [40, 60, 80];

/// Runs the program in `folder`, in a window of this width, or with its output in a pipe.
fn run(folder: &Folder, arguments: &[&str], width: Option<usize>) -> String {
    let mut command: Command = etcd_heatmap_command(arguments);
    command.current_dir(folder.path());
    match width {
        Some(width) => command.env("COLUMNS", width.to_string()),
        None => command.env_remove("COLUMNS"),
    };
    Run::of(command).succeeds().stdout
}

/// Asserts that at each width all lines fit and the words are those of the unwrapped text. `painted` drops what looks
/// different in a narrow window.
#[track_caller]
fn is_wrapped_by_words(folder: &Folder, arguments: &[&str], painted: fn(&str) -> String) {
    let whole = run(folder, arguments, None);
    let words = |text: &str| painted(text).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert!(whole.lines().any(|line| line.chars().count() > 80), "the test needs a long line: {whole}");
    for width in WIDTHS {
        let text = run(folder, arguments, Some(width));
        let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > width).collect();
        assert!(wide.is_empty(), "{arguments:?} at {width}: {wide:?}");
        assert_eq!(words(&text), words(&whole), "{arguments:?} at {width}");
    }
}

fn all(text: &str) -> String {
    text.to_owned()
}

/// Without painted hours and their legend.
fn unpainted(text: &str) -> String {
    let (text, legend) = text.split_once("each hour's mean score:").expect("the legend begins like this");
    let (_, method) = legend.split_once("?: too few steps scored").expect("the legend ends like this");
    let is_painted = |line: &&str| {
        let hours = ["UTC ", "before ", "after "].iter().find_map(|label| line.trim_start().strip_prefix(label));
        hours.is_some_and(|hours| hours.chars().all(|c| c.is_ascii_digit() || " +?·-".contains(c)))
    };
    text.lines().filter(|line| !is_painted(line)).collect::<Vec<_>>().join("\n") + method
}

fn sample() -> Folder {
    let folder = Folder::new("wrapping");
    run(&folder, &["backfill", "--quiet", "--sample", "--out", "audit"], None);
    folder
}

#[test]
fn explain_findings_diff_and_compare_fit_any_window_without_a_broken_word() {
    let folder = sample();
    is_wrapped_by_words(&folder, &["findings", "audit", "--all"], all);
    is_wrapped_by_words(&folder, &["explain", "audit", "--cluster", "c01", "--at", "2026-10-07T14"], all);
    is_wrapped_by_words(&folder, &["diff", "audit", "--at", "2026-10-08"], unpainted);
    is_wrapped_by_words(&folder, &["score", "audit", "--compare", "seed,fleet,mixin,openshift"], all);
}

#[test]
fn check_fits_any_window_without_a_broken_word() {
    let url = simulated().url();
    let check = |text: &str| {
        // The time that a pull would take is measured, so it differs.
        text.split_once("\npull ").map_or_else(|| text.to_owned(), |(before, _)| before.to_owned())
    };
    is_wrapped_by_words(
        &Folder::new("wrapping-check"),
        &["check", "--url", &url, "--start", "2026-10-01", "--end", "2026-10-04"],
        check,
    );
}

#[test]
fn the_heat_map_at_the_end_of_a_run_fits_80_columns() {
    let folder = Folder::new("wrapping-end");
    let text = run(&folder, &["backfill", "--sample", "--out", "audit"], Some(80));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(
        text.contains("\n10-07 10 10 10 10 10 10 10 10 10 10 10 10  9  7  3  2  2  6  7  7  7  7  7  7\n"),
        "{text}"
    );
}

#[test]
fn the_width_of_a_terminal_wins_over_columns() {
    let folder = sample();
    for width in ["40", "60", "80"] {
        let explain = ["explain", &folder.at("audit"), "--cluster", "c01", "--at", "2026-10-07T14"];
        oracle("wrapped.py", &[&[width, BINARY], &explain[..]].concat());
    }
    // The commands contain the path of the folder, which is wider than a narrow window.
    oracle("wrapped.py", &["120", BINARY, "findings", &folder.at("audit"), "--all"]);
}
