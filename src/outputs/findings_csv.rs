//! `findings.csv`: one row per finding, for spreadsheets.

use super::OutputError;
use super::output::{Needs, Output, OwnedFiles, Scored};
use crate::analysis::findings::Finding;
use crate::files::WholeFile;
use crate::folder::{Owned, Written};
use crate::text::csv::csv_field;
use crate::time::format_instant;

const FINDINGS: &str = "findings.csv";

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

pub(crate) struct FindingsCsv;

impl Output for FindingsCsv {
    fn name(&self) -> &'static str {
        "findings"
    }

    fn about(&self) -> &'static str {
        "findings.csv, one row per finding"
    }

    fn files(&self) -> &'static [OwnedFiles] {
        &[OwnedFiles { owned: Owned::Single(FINDINGS), row: "finding" }]
    }

    fn needs(&self) -> Needs {
        Needs { findings: true, ..Needs::default() }
    }

    fn write(&self, scored: &Scored<'_>) -> Result<Option<Written>, OutputError> {
        let path = scored.out.join(FINDINGS);
        let stat = WholeFile::write(&path, findings_csv(scored.findings.iter()).as_bytes())?;
        Ok(Some(Written::new(scored.out, &path, scored.findings.len() as u64, stat)))
    }
}

/// Findings as CSV in the given order, with times in UTC and lists separated by `; `.
pub(crate) fn findings_csv<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> String {
    let mut text = COLUMNS.join(",");
    text.push('\n');
    for finding in findings {
        let cells: Vec<String> = row(finding).iter().map(|cell| csv_field(cell)).collect();
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
