//! What every list of problems says beside the problems: figures, and what is not listed.

use crate::analysis::findings::{Findings, Problem, Verdict};
use crate::text::count;
use crate::text::rounding::loss_short;
use crate::time::Zone;

/// The figures of a verdict: `14 problems in 2 clusters, 31 hours below 7, 4 hours unknown`.
pub(in crate::outputs) fn figures(verdict: &Verdict) -> String {
    let problems = match verdict.with_problems {
        0 => "no problems".to_owned(),
        clusters => format!("{} in {}", count(verdict.problems, "problem"), count(clusters, "cluster")),
    };
    // Rounded up like a loss, so that a minute without a score is never 0 hours.
    let unknown = loss_short(verdict.unknown_hours);
    let hours = if unknown == "1" { "hour" } else { "hours" };
    format!("{problems}, {} below 7, {unknown} {hours} unknown", count(verdict.below_7, "hour"))
}

/// A sentence for each source that has no data for some of the time; of many sources the first few, and the number of the
/// others.
pub(in crate::outputs) fn without_data(findings: &Findings, zone: Zone) -> Vec<String> {
    const NAMED: usize = 5;
    let mut sentences: Vec<String> = findings.lacking().sentences(zone).collect();
    let more = sentences.len().saturating_sub(NAMED);
    sentences.truncate(NAMED);
    sentences.iter_mut().for_each(|sentence| sentence.push_str(", so its clusters are unknown then"));
    sentences.extend((more > 0).then(|| format!("{} without data for some of the time", count(more, "more source"))));
    sentences
}

/// The problems that a short list may name, worst first. Scattered dips are never among them.
pub(in crate::outputs) fn listable(findings: &Findings) -> Vec<&Problem> {
    findings.problems().iter().filter(|problem| !problem.is_rest()).collect()
}

/// What a list of only `listed` problems leaves out, with its loss; `None` if nothing.
pub(in crate::outputs) fn left_out(findings: &Findings, listed: &[&Problem]) -> Option<String> {
    let is_listed = |problem: &&Problem| listed.iter().any(|other| other.id == problem.id);
    let (dips, problems): (Vec<_>, Vec<_>) =
        findings.problems().iter().filter(|problem| !is_listed(problem)).partition(|problem| problem.is_rest());
    let part = |left: &[&Problem], noun: &str, of: &str| {
        let lost: f64 = left.iter().map(|problem| problem.lost).sum();
        let cost = if lost > 0.0 { format!(" ({} points × h)", loss_short(lost)) } else { String::new() };
        (!left.is_empty()).then(|| format!("{}{of}{cost}", count(left.len(), noun)))
    };
    let parts = [part(&problems, "more problem", ""), part(&dips, "row", " of short dips")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}
