//! Incidents by what they cost, then all other findings by kind.

use maud::{Markup, html};

use super::clusters;
use super::heat_cell::two_digits;
use super::legible::legible;
use crate::findings::{Cause, Finding, Kind};
use crate::heatmap::Line;
use crate::time::Zone;

/// Rows of a table; all are in findings.csv.
const MAX_ROWS: usize = 200;

/// What the kinds are called here, in the order of the page; incidents come before all.
const OTHERS: [(Kind, &str); 5] = [
    (Kind::LeaderChange, "Leader changes"),
    (Kind::Recurrence, "Recurring trouble"),
    (Kind::Growth, "Growth towards the quota"),
    (Kind::Defragmentation, "Defragmentations"),
    (Kind::MaintenanceWindow, "Quietest hours for maintenance"),
];

/// The incidents, ranked.
pub(super) fn incidents(findings: &[Finding], lines: &[Line], zone: Zone) -> Markup {
    let mut incidents: Vec<&Finding> = findings.iter().filter(|f| f.kind == Kind::Incident).collect();
    incidents.sort_by(|a, b| b.lost.unwrap_or_default().total_cmp(&a.lost.unwrap_or_default()));
    if incidents.is_empty() {
        return html! { p { "No incident was found in this range." } };
    }
    html! {
        p { "Ranked by lost score hours: how far the score was below 10, times for how long." }
        (table(&incidents, lines, zone))
    }
}

/// The kinds besides incidents of which there are any.
pub(super) fn others(findings: &[Finding], lines: &[Line], zone: Zone) -> Markup {
    html! {
        @for (kind, heading) in OTHERS {
            @let found: Vec<&Finding> = findings.iter().filter(|f| f.kind == kind).collect();
            @if !found.is_empty() { h3 { (heading) } (table(&found, lines, zone)) }
        }
    }
}

fn table(found: &[&Finding], lines: &[Line], zone: Zone) -> Markup {
    html! {
        div.scroll {
            table.findings {
                thead {
                    tr {
                        th.figure scope="col" { "#" }
                        th scope="col" { "When (" (zone) ")" }
                        th scope="col" { "Where" }
                        th.figure scope="col" { "Lost" }
                        th.figure scope="col" { "Lowest" }
                        th scope="col" { "What" }
                    }
                }
                tbody { @for (place, finding) in found.iter().take(MAX_ROWS).enumerate() { (row(place + 1, finding, lines, zone)) } }
            }
        }
        @if found.len() > MAX_ROWS {
            p { (found.len() - MAX_ROWS) " more are in findings.csv." }
        }
    }
}

fn row(rank: usize, finding: &Finding, lines: &[Line], zone: Zone) -> Markup {
    let number = clusters(lines).position(|lines| *lines[0].cluster == *finding.cluster);
    let figure = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), two_digits);
    let members = finding.members.iter().map(|member| legible(member)).collect::<Vec<_>>().join(", ");
    html! {
        tr {
            td.figure { (rank) }
            td {
                time { (zone.format(finding.start_ms)) } br; "to " time { (zone.format(finding.end_ms)) }
                @if let Some(number) = number {
                    br; button.scripted type="button" data-cluster=(number) data-start=(finding.start_ms / 1000) {
                        "Show in the heat map"
                    }
                }
            }
            td { bdi { (legible(&finding.cluster)) } @if !members.is_empty() { br; small { bdi { (members) } } } }
            td.figure { (figure(finding.lost)) }
            td.figure { (figure(finding.lowest)) }
            td { (legible(&finding.says)) (evidence(finding)) }
        }
    }
}

fn evidence(finding: &Finding) -> Markup {
    let cause = finding.cause.map(|cause| match cause {
        Cause::Restart => "restart",
        Cause::SlowDisk => "slow disk",
        Cause::Unexplained => "unexplained",
    });
    let confidence = finding.confidence.map(|share| format!("{:.0} %", share * 100.0));
    let facts = [
        ("cost the most", finding.metric.map(|metric| metric.to_string())),
        ("moved first", finding.first.map(|metric| metric.to_string())),
        ("cause", cause.map(str::to_owned)),
        ("confidence", confidence),
    ];
    html! {
        details {
            summary { "Evidence and rule" }
            dl {
                @for (name, value) in facts { @if let Some(value) = value { dt { (name) } dd { (value) } } }
                @for (name, value) in &finding.evidence { dt { (legible(name)) } dd { (legible(value)) } }
                dt { "rule" } dd { (finding.rule) }
            }
        }
    }
}
