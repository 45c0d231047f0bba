//! `diff`, on histories with an injected change.

use std::sync::OnceLock;

use crate::support::{
    DAY, Folder, HOUR, History, METRICS, Metrics, START, bad_and_healthy, etcd_heatmap, etcd_heatmap_command, mix,
    oracle, prometheus_of,
};

/// Four weeks with a change in the middle.
const END: i64 = START + 28 * DAY;
const MIDDLE: i64 = START + 14 * DAY;
/// 2026-10-15, the day of `MIDDLE`.
const AT: &str = "2026-10-15";

/// A label value with terminal control sequences, a spreadsheet formula and great length.
fn hostile() -> String {
    format!(r#"=cmd()|A0 <script>"><img onerror=x>\n::error::{}{}😀{}"#, '\u{202e}', '\u{1b}', "x".repeat(300))
}

/// In how many of 100 stretches of 20 minutes the WAL is slow, which costs three points: before and after the middle.
const SLOW: [(&str, [u64; 2]); 3] = [("new-disks", [50, 10]), ("old-disks", [30, 30]), ("worn-disks", [10, 30])];

fn history() -> &'static History {
    static SHARED: OnceLock<History> = OnceLock::new();
    SHARED.get_or_init(|| {
        let mut metrics = Metrics::every(300);
        for (place, (cluster, shares)) in (0..).zip(SLOW) {
            member(&mut metrics, cluster, "m1", START..END, |second| {
                let share = shares[usize::from(second >= MIDDLE)];
                mix((second / 1200) as u64 * 8 + place) % 100 < share
            });
        }
        member(&mut metrics, "new-disks", "m0", START..START + DAY, |_| false);
        member(&mut metrics, "gone", "m1", START..MIDDLE - HOUR, |_| false);
        member(&mut metrics, "new", "m1", MIDDLE..END, |_| false);
        member(&mut metrics, &hostile().replace('"', "\\\""), "+1", MIDDLE - DAY..MIDDLE + DAY - HOUR, |_| true);
        History::pull(&prometheus_of(&metrics.text()), START, END)
    })
}

/// A member whose WAL is slow at the given steps.
fn member(
    metrics: &mut Metrics,
    cluster: &str,
    member: &str,
    seconds: std::ops::Range<i64>,
    is_slow: impl Fn(i64) -> bool,
) {
    let labels = format!(r#"cluster="{cluster}",job="etcd",instance="{member}""#);
    for metric in METRICS {
        let (bad, healthy) = bad_and_healthy(metric);
        let reading = |second| if metric == "wal_fsync" && is_slow(second) { bad } else { healthy };
        metrics.recorded(metric, &labels, seconds.clone(), reading);
    }
}

/// The whole history, scored; and a folder for each half.
fn scored() -> &'static (Folder, [Folder; 2]) {
    static SHARED: OnceLock<(Folder, [Folder; 2])> = OnceLock::new();
    SHARED.get_or_init(|| {
        let days = history().days();
        let (before, after) = days.split_at(14);
        let half = |days| history().only(days).is_scored_exactly(&[]);
        (history().is_scored_exactly(&[]), [half(before), half(after)])
    })
}

fn diff(arguments: &[&str]) -> String {
    etcd_heatmap(&[&["diff"], arguments].concat()).succeeds().stdout
}

/// The figures of one row of the CSV, in the order of its columns from `before` to `verdict`.
fn row(csv: &str, cluster: &str, metric: &str) -> (Vec<f64>, String) {
    let start = format!("cluster,{cluster},,{metric},");
    let line = csv.lines().find_map(|line| line.strip_prefix(&start));
    let fields: Vec<&str> = line.unwrap_or_else(|| panic!("no row of {cluster} {metric}: {csv}")).split(',').collect();
    let figures = fields[..6].iter().filter_map(|field| field.parse().ok()).collect();
    (figures, fields[6].to_owned())
}

#[test]
fn an_injected_change_is_found_with_its_sign_metric_and_interval() {
    let audit = scored().0.at("audit");
    let csv = diff(&[&audit, "--at", AT, "--csv"]);
    for (cluster, [before, after], verdict) in [
        ("new-disks", SLOW[0].1, "better"),
        ("old-disks", SLOW[1].1, "no_evidence"),
        ("worn-disks", SLOW[2].1, "worse"),
    ] {
        let injected = 3.0 * (before as f64 - after as f64) / 100.0;
        for metric in ["score", "wal_fsync"] {
            let (figures, found) = row(&csv, cluster, metric);
            let [change, low, high, delta] = figures[2..] else { panic!("{figures:?}") };
            assert_eq!(found, verdict, "{cluster} {metric}: {figures:?}");
            assert!(low < injected && injected < high && high - low < 0.5, "{injected} in {low} to {high}");
            assert!(low < change && change < high);
            assert!(injected == 0.0 || delta.signum() == injected.signum(), "{delta}");
        }
        let (figures, found) = row(&csv, cluster, "backend_commit");
        assert_eq!((figures, found.as_str()), (vec![0.0; 6], "no_evidence"), "it has cost nothing");
    }
    let text = diff(&[&audit, "--at", AT]);
    assert!(text.contains("new-disks: better by 1."), "{text}");
    assert!(text.contains("old-disks: no evidence of a change: 95 % interval -0."), "{text}");
    assert!(text.contains("worn-disks: worse by 0."), "{text}");
    assert!(
        text.contains("too little data: 1 day with a score before and 1 after, at least 7 of each are needed"),
        "{text}"
    );
}

#[test]
fn diff_of_two_folders_or_at_an_instant_matches_numpy_and_scipy() {
    let (whole, [before, after]) = scored();
    let (whole, before, after) = (whole.at("audit"), before.at("audit"), after.at("audit"));
    let folder = Folder::new("diff");
    let out = folder.at("found");
    let of_one = folder.write("one.csv", diff(&[&whole, "--at", AT, "--csv", "--quiet"]));
    let of_two = folder.write("two.csv", diff(&[&before, &after, "--csv", "--out", &out]));
    assert_eq!(folder.text("one.csv"), folder.text("two.csv"));
    assert_eq!(folder.text("two.csv"), folder.text("found/diff.csv"));
    oracle("diff.py", &[&of_one, &whole, "--at", &MIDDLE.to_string()]);
    oracle("diff.py", &[&of_two, &before, &after]);
    assert_eq!(diff(&[&before, &after]), diff(&[&before, &after]), "the same cells give the same text");

    // Other sizes, unknown hours, clusters of several members.
    let sample = folder.at("sample");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &sample]).succeeds();
    for (at, second) in [("2026-10-08", START + 7 * DAY), ("2026-10-06T12:30", START + 5 * DAY + 45_000)] {
        let csv = folder.write("sample.csv", diff(&[&sample, "--at", at, "--csv"]));
        oracle("diff.py", &[&csv, &sample, "--at", &second.to_string()]);
    }
    // Other cells; 2026-10-08 begins at 18:30 UTC in Kolkata.
    for (cell, minutes) in [("15m", "15"), ("2h", "120")] {
        let how = ["--time-zone", "Asia/Kolkata", "--cell", cell, "--rollup", "mean"];
        etcd_heatmap(&[&["score", "--quiet", &sample], &how[..]].concat()).succeeds();
        let csv = folder.write("cells.csv", diff(&[&sample, "--at", "2026-10-08", "--csv"]));
        let at = (START + 7 * DAY - 5 * HOUR - HOUR / 2).to_string();
        oracle("diff.py", &[&csv, &sample, "--at", &at, "--cell", minutes]);
    }
}

#[test]
fn clusters_and_members_on_one_side_only_are_named_but_not_compared() {
    let (_, [before, after]) = scored();
    let text = diff(&[&before.at("audit"), &after.at("audit")]);
    assert!(text.contains("\nonly before, not compared: gone, m0 of new-disks\n"), "{text}");
    assert!(text.contains("\nonly after, not compared: new\n"), "{text}");
    assert!(!text.contains("\ngone: ") && !text.contains("\nnew: "), "{text}");
}

#[test]
fn hostile_names_are_harmless_and_legible_in_a_diff() {
    let audit = scored().0.at("audit");
    let text = diff(&[&audit, "--at", AT]);
    let is_plain = |c: char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(text.lines().all(|line| line.chars().all(is_plain)), "{text:?}");
    let line = text.lines().find(|line| line.contains("=cmd()")).expect("it is told");
    assert!(line.contains("😀") && line.contains("<script>") && line.contains(": too little data"), "{line}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "no command to a CI either: {text}");
    let csv = diff(&[&audit, "--at", AT, "--csv"]);
    assert!(csv.contains(&format!("\n::error::{}{}😀", '\u{202e}', '\u{1b}')), "for a machine it is as it was: {csv}");
    assert!(csv.contains("cluster,\"'=cmd()|A0 <script>\"\"><img") && csv.contains(",'+1,score,"), "{csv}");
}

#[test]
fn differently_scored_folders_are_refused_with_the_command_to_fix_it() {
    let (_, [before, _]) = scored();
    let before = before.at("audit");
    let days = history().days();
    // Leave out the metrics that mixin compares with limits, which this history lacks.
    let flags = ["--profile", "mixin", "--without", "db_size", "--without", "open_fds", "--rollup", "mean"];
    let flags = [&flags[..], &["--time-zone", "Asia/Kolkata", "--cell", "2h"]].concat();
    let other = history().only(&days[14..]).is_scored_exactly(&flags);
    let other = other.at("audit");
    let run = etcd_heatmap(&["diff", &before, &other]);
    run.fails_saying(&[
        "profile seed and mixin",
        "rollup worst and mean",
        "time zone utc and asia/kolkata",
        "cells of 1h and 2h",
        &format!("etcd-heatmap score {other} --profile seed --rollup worst --time-zone utc --cell 1h").to_lowercase(),
    ]);
    assert_eq!(run.code, Some(1));
    etcd_heatmap(&["score", "--quiet", &other, "--profile", "seed"]).succeeds();
    etcd_heatmap(&["diff", "--quiet", &before, &other]).succeeds();
}

#[test]
fn impossible_comparisons_fail_with_a_one_sentence_error() {
    let (whole, [before, after]) = scored();
    let (whole, before, after) = (whole.at("audit"), before.at("audit"), after.at("audit"));
    let fails = |arguments: &[&str], words: &[&str]| {
        etcd_heatmap(&[&["diff"], arguments].concat()).fails_saying(words);
    };
    fails(&[&before, &before], &["with itself", "--at"]);
    fails(&[&whole, "--at", "2027-01-01"], &["no cells after --at 2027-01-01", "2026-10-01T00:00:00Z"]);
    fails(&[&whole, "--at", "2026-10-01"], &["no cells before --at 2026-10-01"]);
    fails(&[&whole, "--at", "someday"], &["'someday'"]);
    fails(&[&whole], &["<AFTER>"]);
    fails(&[&whole, &after, "--at", AT], &["cannot be used with"]);
    let empty = Folder::new("not-scored");
    fails(&[&whole, &empty.at("nowhere")], &["has no scores", "etcd-heatmap score"]);
    let turned = diff(&[&after, &before]);
    assert!(turned.contains("note: AFTER begins earlier than BEFORE"), "{turned}");
    let overlapping = diff(&[&before, &whole]);
    assert!(overlapping.contains("note: the two ranges overlap"), "{overlapping}");
}

#[test]
fn the_mean_of_each_hour_is_painted_before_and_after() {
    let audit = scored().0.at("audit");
    let hours = |text: &str, name: &str| -> Vec<u32> {
        let of_cluster = text.lines().skip_while(|line| !line.starts_with("new-disks: "));
        let mut lines = of_cluster.map(|line| line.split_whitespace().collect::<Vec<_>>());
        let line = lines.find(|words| words.len() == 25 && words[0] == name).expect("a painted day");
        line[1..].iter().map(|hour| hour.parse().expect("a rounded mean")).collect()
    };
    let text = diff(&[&audit, "--at", AT]);
    let (before, after) = (hours(&text, "before"), hours(&text, "after"));
    // Means around 8.5 and 9.7; an hour of 14 days is off by less than one.
    assert_eq!((before.len(), after.len()), (24, 24));
    assert!(before.iter().all(|hour| (7..=9).contains(hour)) && after.iter().all(|hour| *hour >= 9), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn fail_below_checks_only_the_later_side() {
    let (whole, [before, after]) = scored();
    let gate = |arguments: &[&str]| etcd_heatmap(&[&["diff", "--quiet"], arguments].concat());
    let (whole, before, after) = (whole.at("audit"), before.at("audit"), after.at("audit"));
    let of_two = gate(&[&before, &after, "--fail-below", "9"]);
    assert_eq!((of_two.code, of_two.stdout.as_str()), (Some(3), ""), "{of_two:?}");
    let of_one = gate(&[&whole, "--at", AT, "--fail-below", "9"]);
    assert_eq!(of_one.stderr, of_two.stderr);
    assert!(of_one.stderr.starts_with("error: --fail-below 9: "), "{}", of_one.stderr);
    assert!(!of_one.stderr.contains("2026-10-14"), "nothing of before: {}", of_one.stderr);
    assert_eq!(gate(&[&after, &before, "--fail-below", "6.9"]).code, Some(0), "no hour lost more than 3 of 10");
    // `fail_below` of a configuration file applies as well.
    let folder = Folder::new("diff-settings");
    folder.write("etcd-heatmap.toml", "[score]\nfail_below = 9\n");
    let mut command = etcd_heatmap_command(&["diff", "--quiet", &before, &after]);
    command.current_dir(folder.path());
    assert_eq!(crate::support::Run::of(command).stderr, of_two.stderr);
}
