//! The stretches of the problems and the findings of a cluster as JSON, which the script reads when it needs them.

use serde_json::{Value, json};

use super::events::KINDS;
use crate::analysis::findings::{Finding, Findings};
use crate::text::html::html_text;
use crate::time::Zone;

/// The distinct rules of all findings; a finding refers to them by index.
pub(super) fn rules(findings: &Findings) -> Vec<&'static str> {
    let mut rules: Vec<&'static str> = findings.iter().map(|finding| finding.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// Problems by rank with their stretches (start and length in seconds, starts as differences), and the findings.
pub(super) fn of_cluster(findings: &Findings, cluster: &str, zone: Zone) -> String {
    let rules = rules(findings);
    let problems = findings.problems().iter().filter(|problem| problem.cluster == cluster).map(|problem| {
        let mut before = 0;
        let spans = problem.spans.iter().flat_map(|span| {
            let (start, length) = (span.start_ms / 1000, (span.end_ms - span.start_ms + 999) / 1000);
            let change = start - before;
            before = start;
            [change, length]
        });
        let worst = problem.worst.as_ref().map(|worst| worst.at_ms / 1000);
        let metrics: Vec<usize> = problem.cause.metrics().iter().map(|metric| metric.index()).collect();
        json!({ "rank": problem.rank, "worst": worst, "metrics": metrics, "spans": spans.collect::<Vec<i64>>() })
    });
    let found = findings.iter().filter(|finding| finding.cluster == cluster);
    let found: Vec<Value> = found.map(|finding| of_finding(finding, &rules, zone)).collect();
    json!({ "problems": problems.collect::<Vec<_>>(), "findings": found }).to_string()
}

/// A finding as an array: kind, start, end (local text), start in seconds, members, sentence, rule, evidence.
fn of_finding(finding: &Finding, rules: &[&str], zone: Zone) -> Value {
    let kind = KINDS.iter().position(|(kind, _)| *kind == finding.kind);
    let members: Vec<String> = finding.members.iter().map(|member| html_text(member)).collect();
    let rule = rules.binary_search(&finding.rule).unwrap_or_default();
    let cause = finding.cause.map(|cause| ("cause".to_owned(), cause.name().replace('_', " ")));
    let told = finding.evidence.iter().map(|(name, value)| (html_text(name), html_text(&value.to_string())));
    let evidence: Vec<(String, String)> = cause.into_iter().chain(told).collect();
    let [from, to] = [finding.start_ms, finding.end_ms].map(|ms| super::page::clock(zone, ms));
    json!([kind, from, to, finding.start_ms / 1000, members, html_text(&finding.says), rule, evidence])
}
