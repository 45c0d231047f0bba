//! The table of problems: one row each, by rank.

use super::{Column, Field};
use crate::analysis::findings::{Problem, Shape, reading_number};
use crate::text::rounding::{loss_numbers, number_near, score_number, share_parts};
use crate::time::HOUR_MS;

pub(in crate::outputs) const PROBLEMS: [Column; 26] = [
    Column::of("problem_id", "Problem", 30.0),
    Column::of("rank", "Rank", 7.0),
    Column::of("cluster", "Cluster", 24.0),
    Column::of("cause", "Cause", 18.0),
    Column::of("members", "Members", 24.0),
    Column::instant("first_utc", "First"),
    Column::instant("last_utc", "Last"),
    Column::of("schedule", "Schedule", 24.0),
    Column::of("occurrences", "Occurrences", 12.0),
    Column::of("hours_low", "Hours low", 9.0),
    Column::of("points_hours_lost", "Lost (points × hours)", 12.0),
    Column::of("share_percent", "Share of the cluster's loss (%)", 12.0),
    Column::of("worst_metric", "Worst metric", 18.0),
    Column::of("worst_value", "Worst reading", 14.0),
    Column::of("worst_unit", "Unit", 9.0),
    Column::of("worst_limit", "Limit then", 14.0),
    Column::of("threshold", "Threshold", 18.0),
    Column::of("worst_member", "Worst member", 24.0),
    Column::instant("worst_time_utc", "Worst at"),
    Column::of("lowest_score", "Lowest score", 9.0),
    Column::of("members_left", "Members left", 9.0),
    Column::of("members_expected", "Members expected", 10.0),
    Column::of("hours_unknown", "Hours without score", 10.0),
    Column::of("what_to_do", "What to do", 60.0),
    Column::of("documentation", "Page of etcd's documentation", 30.0),
    Column::of("explain_command", "Command that shows the worst hour", 60.0),
];

/// The rows of the problems, in their order. The losses of a cluster's rows add up to the cluster's rounded loss.
pub(in crate::outputs) fn problems(problems: &[Problem]) -> Vec<Vec<Field<'_>>> {
    let lost = rounded_losses(problems);
    problems.iter().zip(lost).map(|(problem, lost)| row(problem, lost)).collect()
}

fn rounded_losses(problems: &[Problem]) -> Vec<f64> {
    let mut by_cluster = std::collections::BTreeMap::<&str, Vec<usize>>::new();
    for (index, problem) in problems.iter().enumerate() {
        by_cluster.entry(&problem.cluster).or_default().push(index);
    }
    let mut rounded = vec![0.0; problems.len()];
    for own in by_cluster.values() {
        let exact: Vec<f64> = own.iter().map(|index| problems[*index].lost).collect();
        own.iter().zip(loss_numbers(&exact)).for_each(|(index, lost)| rounded[*index] = lost);
    }
    rounded
}

fn row(problem: &Problem, lost: f64) -> Vec<Field<'_>> {
    let hours = |ms: i64| Field::Number(number_near(ms as f64 / HOUR_MS as f64));
    let schedule = match &problem.shape {
        Shape::Scheduled(words) => words.as_str(),
        other => other.name(),
    };
    let worst = problem.worst.as_ref();
    let reading = worst.map(|worst| reading_number(worst.metric, worst.value));
    let advice = problem.cause.advice();
    vec![
        Field::text(problem.id.as_str()),
        Field::whole(problem.rank),
        Field::text(problem.cluster.as_str()),
        Field::text(problem.cause.name()),
        Field::list(&problem.members),
        Field::Instant(problem.first_ms()),
        Field::Instant(problem.last_ms()),
        Field::text(schedule),
        Field::whole(problem.occurrences),
        hours(problem.low_ms),
        Field::Number(lost),
        Field::of(problem.share, |share| Field::Number(f64::from(share_parts(share, 10_000)) / 100.0)),
        Field::of(worst, |worst| Field::text(worst.metric.name())),
        Field::of(reading, |(value, _)| Field::Figure(value)),
        Field::of(reading, |(_, unit)| Field::text(unit)),
        Field::of(worst.and_then(|worst| Some((worst, worst.limit?))), |(worst, limit)| {
            Field::Figure(reading_number(worst.metric, limit).0)
        }),
        Field::of(problem.threshold.as_deref(), Field::text),
        Field::of(worst, |worst| Field::text(&*worst.member)),
        Field::of(worst, |worst| Field::Instant(worst.at_ms)),
        Field::of(problem.lowest, |score| Field::Number(score_number(score))),
        Field::of(problem.staffing, |staffing| Field::whole(staffing.left)),
        Field::of(problem.staffing, |staffing| Field::whole(staffing.expected)),
        hours(problem.unknown_ms),
        Field::text(advice.sentence),
        Field::text(advice.page),
        Field::text(problem.explain_command(".")),
    ]
}
