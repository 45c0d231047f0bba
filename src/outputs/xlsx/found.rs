//! The sheets Incidents (by rank) and Findings (all findings with rule and evidence).

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::look::{Look, heat};
use super::table::{Table, Value};
use crate::analysis::findings::{Finding, Kind};
use crate::heatmap::Folding;
use crate::spec::Metric;
use crate::time::HOUR_MS;

/// Writes the incidents, sorted by rank.
pub(super) fn write_incidents(
    sheet: &mut Worksheet,
    look: &Look,
    folding: Folding,
    findings: &[Finding],
) -> Result<(), XlsxError> {
    let mut incidents: Vec<&Finding> = findings.iter().filter(|f| f.kind == Kind::Incident).collect();
    incidents.sort_by_key(|f| f.rank);
    let starts = format!("Start ({})", folding.zone);
    let ends = format!("End ({})", folding.zone);
    let headings = [
        ("Rank", 7.0),
        ("Cluster", 24.0),
        (starts.as_str(), 20.0),
        (ends.as_str(), 20.0),
        ("Hours", 8.0),
        ("Lowest score", 9.0),
        ("Lost (points × hours)", 12.0),
        ("Cost the most", 18.0),
        ("Moved first", 18.0),
        ("Members", 24.0),
        ("What happened", 60.0),
        ("Start (UTC)", 20.0),
    ];
    let mut table = Table::begin(sheet, look, 0, &headings)?;
    let first = table.next_row();
    table.rows(incidents.iter().map(|f| incident(f, folding)))?;
    let last = table.next_row().max(first + 1) - 1;
    table.sheet.add_conditional_format(first, 5, last, 5, &heat())?;
    say_if_none(&mut table, incidents.is_empty(), "No incident was found.")?;
    table.end()
}

fn incident(found: &Finding, folding: Folding) -> Vec<Value<'_>> {
    vec![
        found.rank.map_or(Value::Empty, |rank| Value::Whole(rank as u64)),
        Value::Text(&found.cluster),
        local(found.start_ms, folding),
        local(found.end_ms, folding),
        Value::Number((found.end_ms - found.start_ms) as f64 / HOUR_MS as f64),
        Value::of(found.lowest, Value::Score),
        Value::of(found.lost, Value::Loss),
        metric(found.metric),
        metric(found.first),
        Value::Owned(found.members.join("; ")),
        Value::Text(&found.says),
        Value::Instant(found.start_ms),
    ]
}

/// Writes all findings, in the order of findings.csv.
pub(super) fn write_findings(
    sheet: &mut Worksheet,
    look: &Look,
    folding: Folding,
    findings: &[Finding],
) -> Result<(), XlsxError> {
    let starts = format!("Start ({})", folding.zone);
    let ends = format!("End ({})", folding.zone);
    let headings = [
        ("Kind", 20.0),
        ("Cluster", 24.0),
        ("Members", 24.0),
        (starts.as_str(), 20.0),
        (ends.as_str(), 20.0),
        ("What was found", 60.0),
        ("Metric", 18.0),
        ("Cause", 13.0),
        ("Confidence", 11.0),
        ("Evidence", 44.0),
        ("Rule", 44.0),
        ("Start (UTC)", 20.0),
        ("End (UTC)", 20.0),
    ];
    let mut table = Table::begin(sheet, look, 0, &headings)?;
    table.rows(findings.iter().map(|f| finding(f, folding)))?;
    say_if_none(&mut table, findings.is_empty(), "Nothing was found.")?;
    table.end()
}

fn finding(found: &Finding, folding: Folding) -> Vec<Value<'_>> {
    let evidence: Vec<_> = found.evidence.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    vec![
        Value::Text(found.kind.name()),
        Value::Text(&found.cluster),
        Value::Owned(found.members.join("; ")),
        local(found.start_ms, folding),
        local(found.end_ms, folding),
        Value::Text(&found.says),
        metric(found.metric),
        Value::text(found.cause.map(|cause| cause.name())),
        Value::of(found.confidence, Value::Confidence),
        Value::Owned(evidence.join("\n")),
        Value::Text(found.rule),
        Value::Instant(found.start_ms),
        Value::Instant(found.end_ms),
    ]
}

fn say_if_none(table: &mut Table<'_>, is_none: bool, what: &str) -> Result<(), XlsxError> {
    match is_none {
        true => table.row(&[Value::Text(what)]),
        false => Ok(()),
    }
}

fn metric(metric: Option<Metric>) -> Value<'static> {
    Value::text(metric.map(Metric::name))
}

/// Converts an instant to local time, because Excel has no time zones.
fn local(ms: i64, folding: Folding) -> Value<'static> {
    let ahead = folding.zone.cell_at(ms, folding.width).utc_offset_minutes;
    Value::Instant(ms + i64::from(ahead) * 60_000)
}
