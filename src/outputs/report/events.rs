//! All findings as counts by cluster and kind. The script lists those of a cluster when a reader unfolds it.

use std::collections::HashMap;

use maud::{Markup, html};

use super::number_of;
use crate::analysis::findings::{Findings, Kind};
use crate::heatmap::PackedLine;
use crate::text::count;
use crate::text::html::html_text;

/// The kinds in the order of the page, each with its noun. Incidents come after the others: they make up the problems.
pub(super) const KINDS: [(Kind, &str); 11] = [
    (Kind::LeaderChange, "leader change"),
    (Kind::Recurrence, "recurrence"),
    (Kind::Growth, "growing database"),
    (Kind::Defragmentation, "defragmentation"),
    (Kind::Fragmentation, "fragmentation"),
    (Kind::ClusterSize, "even cluster size"),
    (Kind::MixedVersions, "mixed version"),
    (Kind::TwoLeaders, "leader overlap"),
    (Kind::MaintenanceWindow, "maintenance window"),
    (Kind::Incident, "incident"),
    // Only with a forecast.
    (Kind::Anomaly, "anomaly"),
];

/// The nouns of the kinds, by which the script names findings. That of anomalies is left out if there are none.
pub(super) fn nouns(findings: &Findings) -> Vec<&'static str> {
    let is_needed = |kind| kind != Kind::Anomaly || findings.iter().any(|finding| finding.kind == kind);
    KINDS.iter().filter(|(kind, _)| is_needed(*kind)).map(|(_, noun)| *noun).collect()
}

/// One row per cluster, worst first.
pub(super) fn events(findings: &Findings, lines: &[PackedLine]) -> Markup {
    let counts = counts(findings);
    html! {
        p.quiet {
            span #event-count { (count(findings.len(), "finding")) } " in all, by cluster; the incidents among them make up the problems above."
        }
        @for health in findings.clusters() {
            @let counts = in_words(counts.get(&*health.cluster));
            @if !counts.is_empty() {
                @let name = html_text(&health.cluster);
                details.events data-name=(name) data-number=[number_of(&health.cluster, lines)] {
                    summary { bdi.cluster-name { (name) } " " span { (counts.join(" · ")) } }
                    noscript { p { "This list needs a script. findings.csv has the same findings." } }
                }
            }
        }
    }
}

/// How many findings each cluster has of each kind, in the order of [`KINDS`].
fn counts(findings: &Findings) -> HashMap<&str, [usize; KINDS.len()]> {
    let mut counts: HashMap<&str, [usize; KINDS.len()]> = HashMap::new();
    for finding in findings.iter() {
        if let Some(place) = KINDS.iter().position(|(kind, _)| *kind == finding.kind) {
            counts.entry(&finding.cluster).or_default()[place] += 1;
        }
    }
    counts
}

/// The number of findings of each kind in words: `3 leader changes`.
fn in_words(counts: Option<&[usize; KINDS.len()]>) -> Vec<String> {
    let counted = counts.into_iter().flatten().zip(KINDS).filter(|(number, _)| **number > 0);
    counted.map(|(number, (_, noun))| count(*number, noun)).collect()
}
