//! Findings as text for a terminal, grouped by kind. Each group ends with the rules by
//! which its findings were made.

use std::fmt::Write;

use crate::analysis::findings::{Finding, Findings, Kind};
use crate::text::rounding::loss_text;
use crate::text::terminal::terminal_label;
use crate::time::Zone;

/// Heading above the findings of one kind.
const fn heading(kind: Kind) -> &'static str {
    match kind {
        Kind::Incident => "incidents, by impact",
        Kind::LeaderChange => "leader changes",
        Kind::Recurrence => "recurrences",
        Kind::Defragmentation => "defragmentations",
        Kind::Growth => "growth towards the quota",
        Kind::Fragmentation => "fragmented databases",
        Kind::ClusterSize => "even numbers of members",
        Kind::MixedVersions => "different versions",
        Kind::TwoLeaders => "leaders at the same time",
        Kind::MaintenanceWindow => "quietest hours",
        Kind::Anomaly => "anomalies, against a forecast",
    }
}

/// The findings by kind, with times in `zone`; incidents are sorted by rank.
pub(crate) fn findings_text(findings: &Findings, zone: Zone) -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        let all: Vec<&Finding> = match kind {
            Kind::Incident => findings.incidents(),
            _ => findings.iter().filter(|finding| finding.kind == kind).collect(),
        };
        if all.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{} ({})", heading(kind), all.len());
        for finding in &all {
            tell(&mut text, finding, zone);
        }
        let mut rules: Vec<&str> = all.iter().map(|finding| finding.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        for rule in rules {
            let _ = writeln!(text, "  rule: {rule}");
        }
        text.push('\n');
    }
    if text.is_empty() {
        text.push_str("nothing was found\n");
    }
    text
}

fn tell(text: &mut String, finding: &Finding, zone: Zone) {
    let rank = finding.rank.map_or_else(String::new, |rank| format!("{rank}. "));
    let (start, end) = (zone.format(finding.start_ms), zone.format(finding.end_ms));
    let _ = writeln!(text, "  {rank}{start} to {end}: {}", terminal_label(&finding.says));
    let mut told: Vec<String> = Vec::new();
    told.extend(
        finding
            .lost
            .filter(|_| finding.kind == Kind::Incident)
            .map(|lost| format!("lost={} points x h", loss_text(lost))),
    );
    told.extend(finding.problem.iter().map(|problem| format!("problem={problem}")));
    told.extend(finding.cause.map(|cause| format!("cause={}", cause.name())));
    told.extend(finding.evidence.iter().map(|(name, value)| format!("{name}={value}")));
    let _ = writeln!(text, "     {}", terminal_label(&told.join("; ")));
}
