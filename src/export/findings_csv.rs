//! `findings.csv`: one row a finding, for spreadsheets.

use std::path::Path;

use super::csv_field::field;
use super::{ExportError, Written};
use crate::findings::{Finding, Findings};
use crate::history::WholeFile;
use crate::time::format_instant;

/// Its name in the output folder.
pub const FINDINGS: &str = "findings.csv";

const COLUMNS: [&str; 15] = [
    "rank",
    "kind",
    "cluster",
    "members",
    "start",
    "end",
    "lowest_score",
    "lost_points_hours",
    "metric",
    "first_metric",
    "cause",
    "confidence",
    "says",
    "rule",
    "evidence",
];

/// Writes them into the output folder.
pub fn write_findings(out: &Path, findings: &Findings) -> Result<Written, ExportError> {
    let path = out.join(FINDINGS);
    let stat = WholeFile::write(&path, findings_csv(findings.iter()).as_bytes())?;
    Ok(Written::new(out, &path, findings.len() as u64, stat))
}

/// Findings as CSV, in the order given: times in UTC, lists separated by `; `.
pub fn findings_csv<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> String {
    let mut text = COLUMNS.join(",");
    text.push('\n');
    for finding in findings {
        let cells: Vec<String> = row(finding).iter().map(|cell| field(cell)).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn row(finding: &Finding) -> [String; COLUMNS.len()] {
    let number = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
    let evidence = finding.evidence.iter().map(|(name, value)| format!("{name}={value}"));
    [
        finding.rank.map_or_else(String::new, |rank| rank.to_string()),
        finding.kind.to_string(),
        finding.cluster.clone(),
        finding.members.join("; "),
        format_instant(finding.start_ms),
        format_instant(finding.end_ms),
        number(finding.lowest),
        number(finding.lost),
        finding.metric.map_or_else(String::new, |metric| metric.to_string()),
        finding.first.map_or_else(String::new, |metric| metric.to_string()),
        finding.cause.map_or_else(String::new, |cause| cause.name().to_owned()),
        number(finding.confidence),
        finding.says.clone(),
        finding.rule.to_owned(),
        evidence.collect::<Vec<_>>().join("; "),
    ]
}
