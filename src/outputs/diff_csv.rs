//! `diff.csv`: one row for the score and for each metric of every cluster and member.

use std::fmt::Write;
use std::sync::Arc;

use crate::analysis::diff::{BELOW, Change, Diff, LineChange, Side};
use crate::spec::Metric;
use crate::text::csv::csv_field;

/// Name of the file in the folder of `--out`.
pub(crate) const DIFF: &str = "diff.csv";

const COLUMNS: &str = "level,cluster,member,metric,before,after,change,interval_low,interval_high,cliffs_delta,verdict,\
    days_before,days_after,hours_before,hours_after,hours_below_7_before,hours_below_7_after,hours_below_5_before,\
    hours_below_5_after,coverage_before,coverage_after";

/// Number of columns that only the row of the score fills, because days, hours and coverage are
/// the same for every metric.
const OF_SCORE: usize = 2 * (3 + BELOW.len());

/// The whole file. A label that a spreadsheet would run as a formula is prefixed with an apostrophe.
pub(crate) fn diff_csv(diff: &Diff) -> String {
    let mut text = format!("{COLUMNS}\n");
    for line in &diff.lines {
        row(&mut text, line, "score", &line.score);
        for (metric, change) in Metric::ALL.into_iter().zip(&line.metrics) {
            row(&mut text, line, metric.name(), change);
        }
    }
    for (names, verdict) in [(&diff.only_before, "only_before"), (&diff.only_after, "only_after")] {
        for (cluster, member) in names {
            let empty = ",".repeat(6);
            let _ =
                writeln!(text, "{},score{empty},{verdict}{}", place(cluster, member.as_ref()), ",".repeat(OF_SCORE));
        }
    }
    text
}

fn row(text: &mut String, line: &LineChange, name: &str, change: &Change) {
    let Change { before, after, interval, cliffs_delta, verdict } = *change;
    let figures = [before, after, change.difference(), interval.map(|i| i.low), interval.map(|i| i.high), cliffs_delta];
    let figures: Vec<String> = figures.map(|figure| figure.map_or_else(String::new, |f| f.to_string())).into();
    let _ =
        write!(text, "{},{name},{},{}", place(&line.cluster, line.member.as_ref()), figures.join(","), verdict.name());
    if name == "score" {
        let mut pair = |of: &dyn Fn(&Side) -> f64| {
            let _ = write!(text, ",{},{}", of(&line.before), of(&line.after));
        };
        pair(&|side| side.days as f64);
        pair(&|side| side.hours);
        for threshold in 0..BELOW.len() {
            pair(&|side| side.hours_below[threshold]);
        }
        pair(&Side::coverage);
    } else {
        text.push_str(&",".repeat(OF_SCORE));
    }
    text.push('\n');
}

/// The first three fields of a row: level, cluster, member.
fn place(cluster: &str, member: Option<&Arc<str>>) -> String {
    match member {
        None => format!("cluster,{},", csv_field(cluster)),
        Some(member) => format!("member,{},{}", csv_field(cluster), csv_field(member)),
    }
}
