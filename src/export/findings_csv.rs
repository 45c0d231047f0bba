//! `findings.csv`: one row a finding, for spreadsheets.

use std::path::Path;

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
        let cells: Vec<String> = row(finding).iter().map(|cell| quoted(cell)).collect();
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
        harmless(&finding.cluster),
        harmless(&finding.members.join("; ")),
        format_instant(finding.start_ms),
        format_instant(finding.end_ms),
        number(finding.lowest),
        number(finding.lost),
        finding.metric.map_or_else(String::new, |metric| metric.to_string()),
        finding.first.map_or_else(String::new, |metric| metric.to_string()),
        finding.cause.map_or_else(String::new, |cause| cause.name().to_owned()),
        number(finding.confidence),
        harmless(&finding.says),
        finding.rule.to_owned(),
        harmless(&evidence.collect::<Vec<_>>().join("; ")),
    ]
}

/// A label is somebody else's text: none of it may run as a formula in a spreadsheet.
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// As RFC 4180 has it.
fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_runs_as_a_formula_and_none_breaks_its_row() {
        for text in ["=cmd()", "+1", "-1", "@SUM(A1)", "\tx", "\rx"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        assert_eq!(harmless("c01"), "c01");
        assert_eq!(quoted(&harmless("=HYPERLINK(\"x\",\n1)")), "\"'=HYPERLINK(\"\"x\"\",\n1)\"");
    }
}
