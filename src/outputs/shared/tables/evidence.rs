//! The table of evidence: one row for each value, joined to findings by their number.

use super::{Column, Field, csv_instant};
use crate::analysis::findings::{Figure, Finding};
use crate::text::rounding::number_near;

pub(in crate::outputs) const EVIDENCE: [Column; 4] = [
    Column::of("finding", "Finding", 9.0),
    Column::of("name", "Name", 34.0),
    Column::of("value", "Value", 44.0),
    Column::of("unit", "Unit", 12.0),
];

/// The rows of one finding's evidence. Instants are text, because a column of a sheet has one format; their unit is UTC.
pub(in crate::outputs) fn evidence(finding: &Finding) -> impl Iterator<Item = Vec<Field<'_>>> {
    finding.evidence.iter().flat_map(move |(name, value)| {
        value.figures().into_iter().map(move |(suffix, figure)| {
            let (value, unit) = match figure {
                Figure::Text(text) => (Field::text(text), Field::Empty),
                Figure::Number(number, unit) if unit.is_empty() => (Field::Figure(number_near(number)), Field::Empty),
                Figure::Number(number, unit) => (Field::Figure(number_near(number)), Field::text(unit)),
                Figure::Instant(ms) => (Field::text(csv_instant(ms)), Field::text("UTC")),
            };
            vec![Field::whole(finding.number), Field::text(format!("{name}{suffix}")), value, unit]
        })
    })
}
