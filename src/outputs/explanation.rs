//! The text of `explain`: the arithmetic of one cell, first of the cluster, then of each member.

mod counts;
mod moment;

use std::fmt::Write;

use crate::analysis::explain::{BandPart, CapPart, Explanation, MemberPart, MetricPart, StepTotals};
use crate::heatmap::{Folding, WHY_IDLE, is_idle};
use crate::score::ScoreTable;
use crate::spec::{Metric, Unit, percent, version_text};
use crate::text::count;
use crate::text::rounding::{loss_parts, loss_text, reading_text, score_parts, score_short, score_text};
use crate::text::terminal::terminal_label;
use crate::time::format_instant;

pub(crate) use moment::moment_text;

/// The arithmetic of one cell as text, for the cluster and each of its members. `missing` has a sentence for each
/// absence of members, because the score counts only members that send metrics.
pub(crate) fn explain_text(
    table: &ScoreTable,
    folding: Folding,
    cluster: &str,
    explanation: &Explanation,
    missing: &[String],
) -> String {
    let mut text = String::new();
    let place = explanation.place;
    let _ = writeln!(
        text,
        "cluster {}, {} {:02}:{:02} {} ({} wide, from {}): {}",
        terminal_label(cluster),
        place.date,
        place.minute_of_day / 60,
        place.minute_of_day % 60,
        folding.zone,
        folding.width,
        format_instant(place.start_ms),
        totals_text(table, &explanation.cluster)
    );
    let _ = writeln!(text, "the cluster's score at a step is {}", folding.rollup.describe());
    let _ = writeln!(text, "  {}", sum_text(table, &explanation.cluster));
    if explanation.partial > 0 {
        // A partial response of a server, or damaged files.
        let _ = writeln!(text, "the source lacks data for {}", count(explanation.partial, "step"));
    }
    if let Some(sentence) = &explanation.without_data {
        let _ = writeln!(text, "{}", terminal_label(sentence));
    }
    for sentence in missing {
        let _ = writeln!(text, "not in the score: {}", terminal_label(sentence));
    }
    for part in &explanation.members {
        text.push('\n');
        text.push_str(&member_text(table, part));
    }
    text
}

/// What follows the score of a member that does not vote.
const LEARNER: &str = ", learner: not counted in the cluster's score";

fn member_text(table: &ScoreTable, part: &MemberPart) -> String {
    let name = terminal_label(&part.member.member);
    let mut text = format!("member {name}: {}", totals_text(table, &part.totals));
    if part.after_restart > 0 {
        let _ = write!(text, ", {} just after a restart", part.after_restart);
    }
    match part.learner {
        0 => {}
        all if all == part.totals.expected => text.push_str(LEARNER),
        some => drop(write!(text, "{LEARNER} at {}", count(some, "step"))),
    }
    text.push('\n');
    let heads = ["metric", "median", "highest", "readings", "weight", "cost"];
    let [metric, median, highest, readings, weight, cost] = heads;
    let _ =
        writeln!(text, "  {metric:<17}  {median:>10}  {highest:>10}  {readings:>8}  {weight:>6}  {cost:>5}  points");
    for metric in &part.metrics {
        let _ = writeln!(text, "{}", metric_text(table, &part.totals, metric));
    }
    let _ = writeln!(text, "  {}", sum_text(table, &part.totals));
    if !part.evidence.is_empty() {
        let (evidence, worst) = ("evidence", "worst");
        let _ = writeln!(text, "  {evidence:<18}  {median:>9}  {worst:>10}  {readings:>8}");
    }
    for evidence in &part.evidence {
        let (median, worst) =
            (of_unit(evidence.companion.unit(), evidence.median), of_unit(evidence.companion.unit(), evidence.worst));
        let readings = format!("{}/{}", evidence.known, part.totals.expected);
        let _ = writeln!(text, "  {:<18}  {median:>9}  {worst:>10}  {readings:>8}", evidence.companion);
    }
    text
}

fn metric_text(table: &ScoreTable, totals: &StepTotals, part: &MetricPart) -> String {
    // If an idle percentile never has a value in the cell, its reading is shown as idle; the end
    // of the line explains why.
    let without_value = if part.idle > 0 { "idle" } else { "unknown" };
    let reading = |value: Option<f64>| value.map_or_else(|| without_value.to_owned(), |v| with_unit(part.metric, v));
    let cost = totals.mean(table, totals.losses[part.metric.index()]);
    let mut points = part.bands.iter().map(|band| band_text(part, band)).collect::<Vec<_>>().join(", ");
    if let Some((lower, upper)) = part.bucket {
        let _ = write!(points, "; highest is interpolated between {} and {} ms", lower * 1000.0, upper * 1000.0);
    }
    if let Some((limit, share)) = part.of_limit.zip(part.share) {
        let _ = write!(points, "; highest is {} % of {limit}", reading_text(share * 100.0, 1));
    }
    for CapPart { cap, steps } in &part.caps {
        let separator = if points.is_empty() { "" } else { "; " };
        let when = cap.describe(part.metric, |above| with_unit(part.metric, above));
        let _ = write!(points, "{separator}score at most {} at {steps} ({when})", cap.score());
    }
    if part.idle > 0 {
        let separator = if points.is_empty() { "" } else { "; " };
        let _ = write!(points, "{separator}idle at {} ({})", part.idle, nothing_happened(part.metric));
    }
    format!(
        "  {:<17}  {:>10}  {:>10}  {:>8}  {:>6.3}  {:>5}  {points}",
        part.metric,
        reading(part.median),
        reading(part.max),
        format!("{}/{}", part.known, totals.expected),
        part.weight,
        cost.map_or_else(|| "?".to_owned(), loss_text),
    )
    .trim_end()
    .to_owned()
}

/// Why a percentile has no value.
fn nothing_happened(metric: Metric) -> &'static str {
    match metric {
        Metric::BackendCommit => "no backend commit in the rate window, so no p99",
        _ => "no WAL fsync in the rate window, so no p99",
    }
}

/// Points, number of steps and lower threshold of a band: `0 at 11 (above 10.00 ms)`.
fn band_text(part: &MetricPart, band: &BandPart) -> String {
    let mut text = format!("{} at {}", band.points, band.steps);
    match (band.above, part.of_limit) {
        (None, _) => {}
        (Some(above), None) => drop(write!(text, " (above {})", with_unit(part.metric, above))),
        (Some(share), Some(limit)) => drop(write!(text, " (above {} of {limit})", percent(share))),
    }
    text
}

/// Mean, lowest score and coverage: `mean 6.83, lowest 5, 12 of 12 steps scored`.
fn totals_text(table: &ScoreTable, totals: &StepTotals) -> String {
    let mut steps = format!("{} of {} scored", totals.scored, count(totals.expected, "step"));
    if totals.idle > 0 {
        let _ = write!(steps, ", {} idle", totals.idle);
    }
    match (totals.mean(table, totals.score), totals.min) {
        (Some(mean), Some(min)) => {
            format!("mean {}, lowest {}, {steps}", score_text(mean), score_short(table.points(min)))
        }
        _ => steps,
    }
}

/// The mean as a sum: `10 - 3.00 wal_fsync - 0.17 open_fds = 6.83`, or `≈ 6.84` if the rounded figures
/// do not add up exactly.
fn sum_text(table: &ScoreTable, totals: &StepTotals) -> String {
    let Some(mean) = totals.mean(table, totals.score) else {
        return match is_idle(totals.scored, totals.expected, totals.idle) {
            true => format!("idle: {WHY_IDLE}"),
            false => "no step scored, so there is no sum".to_owned(),
        };
    };
    let mut text = "10".to_owned();
    let mut hundredths = u64::from(score_parts(mean, 100));
    for metric in Metric::ALL {
        let loss = totals.losses[metric.index()];
        if let Some(cost) = totals.mean(table, loss).filter(|_| loss > 0) {
            let _ = write!(text, " - {} {metric}", loss_text(cost));
            hundredths += loss_parts(cost, 100);
        }
    }
    match (text.as_str(), hundredths) {
        ("10", _) => "10, no points lost".to_owned(),
        (_, 1000) => format!("{text} = {}", score_text(mean)),
        _ => format!("{text} ≈ {}", score_text(mean)),
    }
}

/// A reading with its unit, rounded up: milliseconds, KiB/s and MiB instead of seconds and bytes.
fn with_unit(metric: Metric, value: f64) -> String {
    of_unit(metric.unit(), value)
}

fn of_unit(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds => format!("{} ms", reading_text(value * 1000.0, 2)),
        Unit::Count | Unit::Instant => format!("{value}"),
        Unit::PerSecond => format!("{}/s", reading_text(value, 2)),
        Unit::Share => format!("{} %", reading_text(value * 100.0, 1)),
        Unit::Version => version_text(value),
        Unit::Flag => if value > 0.0 { "yes" } else { "no" }.to_owned(),
        Unit::BytesPerSecond => format!("{} KiB/s", reading_text(value / 1024.0, 1)),
        Unit::Bytes => format!("{} MiB", reading_text(value / (1024.0 * 1024.0), 1)),
    }
}
