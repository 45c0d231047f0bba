//! The table of findings: one row each, in their order.

use super::{Column, Field};
use crate::analysis::findings::Finding;
use crate::text::rounding::{confidence_percent, loss_number, score_number};

pub(in crate::outputs) const FINDINGS: [Column; 16] = [
    Column::of("finding", "Finding", 9.0),
    Column::of("problem_id", "Problem", 30.0),
    Column::of("rank", "Rank", 7.0),
    Column::of("kind", "Kind", 20.0),
    Column::of("cluster", "Cluster", 24.0),
    Column::of("members", "Members", 24.0),
    Column::instant("start_utc", "Start"),
    Column::instant("end_utc", "End"),
    Column::of("lowest_score", "Lowest score", 9.0),
    Column::of("points_hours_lost", "Lost (points × hours)", 12.0),
    Column::of("metric", "Metric", 18.0),
    Column::of("first_metric", "Moved first", 18.0),
    Column::of("cause", "Cause", 13.0),
    Column::of("confidence_percent", "Confidence (%)", 11.0),
    Column::of("description", "Description", 60.0),
    Column::of("rule", "Rule", 20.0),
];

/// The row of one finding.
pub(in crate::outputs) fn findings(finding: &Finding) -> Vec<Field<'_>> {
    vec![
        Field::whole(finding.number),
        Field::of(finding.problem.as_deref(), Field::text),
        Field::of(finding.rank, Field::whole),
        Field::text(finding.kind.name()),
        Field::text(finding.cluster.as_str()),
        Field::list(&finding.members),
        Field::Instant(finding.start_ms),
        Field::Instant(finding.end_ms),
        Field::of(finding.lowest, |score| Field::Number(score_number(score))),
        Field::of(finding.lost, |lost| Field::Number(loss_number(lost))),
        Field::of(finding.metric, |metric| Field::text(metric.name())),
        Field::of(finding.first, |metric| Field::text(metric.name())),
        Field::of(finding.cause, |cause| Field::text(cause.name())),
        Field::of(finding.confidence, |share| Field::Number(confidence_percent(share))),
        Field::text(finding.says.as_str()),
        Field::text(finding.rule_id()),
    ]
}
