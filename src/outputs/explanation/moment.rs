//! The text of `explain --instant`: one step of a cluster, who led around it, and the readings of each member.

use std::fmt::Write;

use super::{LEARNER, counts, of_unit, sum_text, with_unit};
use crate::analysis::explain::{ColumnMoment, Led, MemberMoment, Moment, PointsMoment, RawCounts, Reading, StepTotals};
use crate::heatmap::Folding;
use crate::score::ScoreTable;
use crate::spec::{Column, percent, version_text};
use crate::text::rounding::{reading_text, score_short};
use crate::text::terminal::terminal_label;
use crate::time::{Step, Zone, format_instant};

/// One step of a cluster as text, with the raw counts behind the readings if there are any.
pub(crate) fn moment_text(
    table: &ScoreTable,
    folding: Folding,
    cluster: &str,
    step: Step,
    moment: &Moment,
    raw: Option<&RawCounts>,
) -> String {
    let zone = folding.zone;
    let mut text = format!(
        "cluster {}, {} {} {zone} (a step of {step}, {}): {}\n",
        terminal_label(cluster),
        zone.format(moment.at_ms).get(..10).unwrap_or_default(),
        clock(zone, moment.at_ms),
        format_instant(moment.at_ms),
        score(table, &moment.cluster),
    );
    let _ = writeln!(text, "the cluster's score at a step is {}", folding.rollup.describe());
    if moment.is_partial {
        text.push_str("the source lacks data at this step\n");
    }
    if let Some(sentence) = &moment.without_data {
        let _ = writeln!(text, "{}", terminal_label(sentence));
    }
    let _ = writeln!(text, "{}", leaders(zone, moment));
    if let Some(raw) = raw {
        text.push_str(&counts::head(&raw.from));
    }
    for member in &moment.members {
        text.push('\n');
        text.push_str(&member_text(table, zone, moment, member));
        let counted = raw.and_then(|raw| raw.members.iter().find(|(of, _)| *of == member.member));
        if let Some((_, metrics)) = counted {
            text.push_str(&counts::rows(zone, moment.at_ms, metrics));
        }
    }
    text
}

fn score(table: &ScoreTable, totals: &StepTotals) -> String {
    match totals.min {
        Some(score) => format!("score {}", score_short(table.points(score))),
        None if totals.expected == 0 => "not expected at this step".to_owned(),
        None if totals.idle > 0 => "idle, so no score".to_owned(),
        None => "no score".to_owned(),
    }
}

/// The time of day, which the head dates.
fn clock(zone: Zone, ms: i64) -> String {
    zone.format(ms).get(11..19).unwrap_or_default().to_owned()
}

fn leaders(zone: Zone, moment: &Moment) -> String {
    let Some(led) = &moment.led else {
        return "who led: not in the history (is_leader: pull with --evidence auto)".to_owned();
    };
    let stretch = |led: &Led| {
        let names = led.members.as_ref().map(|all| all.iter().map(|name| terminal_label(name)).collect::<Vec<_>>());
        let who = match names {
            None => "unknown".to_owned(),
            Some(names) if names.is_empty() => "no member".to_owned(),
            Some(names) => names.join(" and "),
        };
        format!("{who} from {}", clock(zone, led.from_ms))
    };
    let stretches: Vec<String> = led.iter().map(stretch).collect();
    let end_ms = led.last().map_or(moment.at_ms, |last| last.to_ms);
    format!("who led: {} to {}", stretches.join(", "), clock(zone, end_ms))
}

fn member_text(table: &ScoreTable, zone: Zone, moment: &Moment, part: &MemberMoment) -> String {
    let mut text = format!("member {}: {}", terminal_label(&part.member.member), score(table, &part.totals));
    if part.is_after_restart {
        text.push_str(", just after a restart");
    }
    if part.is_learner {
        text.push_str(LEARNER);
    }
    if let Some(version) = part.version {
        let _ = write!(text, ", etcd {}", version_text(version));
    }
    if let Some(seconds) = part.started {
        let _ = write!(text, ", started {}", zone.format((seconds * 1000.0) as i64));
    }
    text.push('\n');
    if part.totals.scored > 0 {
        let _ = writeln!(text, "  {}", sum_text(table, &part.totals));
    }
    if let Some((metric, cap)) = part.cap {
        let when = cap.describe(metric, |above| with_unit(metric, above));
        let _ = writeln!(text, "  score at most {} ({when})", cap.score());
    }
    let (from, to) = (clock(zone, moment.first_ms), clock(zone, moment.last_ms));
    let (reading, at) = ("reading", clock(zone, moment.at_ms));
    let (lowest, highest, readings) = ("lowest", "highest", "readings");
    let _ = writeln!(text, "  {reading:<18}  {at:>10}  {lowest:>10}  {highest:>10}  {readings:>8}  points");
    for column in &part.columns {
        let _ = writeln!(text, "{}", column_text(column));
    }
    let _ = writeln!(text, "  lowest, highest and readings are those of the steps from {from} to {to}");
    text
}

fn column_text(part: &ColumnMoment) -> String {
    let shown = |value: f64| of_unit(part.column.unit(), value);
    let reading = match part.reading {
        Reading::Known(value) => shown(value),
        Reading::Idle => "idle".to_owned(),
        Reading::Missing => "unknown".to_owned(),
    };
    let [lowest, highest] = match part.extremes {
        Some((lowest, highest)) => [shown(lowest), shown(highest)],
        None => ["-".to_owned(), "-".to_owned()],
    };
    let known = format!("{}/{}", part.known, part.steps);
    let mut points = part.points.as_ref().map(|points| points_text(part.column, points)).unwrap_or_default();
    if let Some((lower, upper)) = part.bucket {
        let separator = if points.is_empty() { "" } else { "; " };
        let _ = write!(points, "{separator}interpolated between {} and {} ms", lower * 1000.0, upper * 1000.0);
    }
    let name = part.column.name();
    format!("  {name:<18}  {reading:>10}  {lowest:>10}  {highest:>10}  {known:>8}  {points}").trim_end().to_owned()
}

fn points_text(column: Column, part: &PointsMoment) -> String {
    let Column::Metric(metric) = column else { return String::new() };
    let mut text = part.points.to_string();
    match (part.above, part.share) {
        (None, _) => {}
        (Some(above), Some((limit, _))) => drop(write!(text, " (above {} of {limit})", percent(above))),
        (Some(above), None) => drop(write!(text, " (above {})", with_unit(metric, above))),
    }
    if let Some((limit, share)) = part.share {
        let _ = write!(text, "; {} % of {limit}", reading_text(share * 100.0, 1));
    }
    text
}
