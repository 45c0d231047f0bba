//! The findings in the page: incidents by rank, then all other findings by kind.

use maud::{Markup, html};

use super::clusters;
use super::page::clock;
use crate::analysis::findings::{Cause, Finding, Kind};
use crate::heatmap::Line;
use crate::text::html::html_text;
use crate::text::rounding::{confidence_text, loss_text, score_text};
use crate::time::Zone;

/// Rows of a table that are visible at first; the others are in a collapsed section.
const OPEN_ROWS: usize = 10;
/// Maximum number of findings of a kind on the page; findings.csv has all of them.
const MAX_ROWS: usize = 200;

/// Headings of the kinds other than incidents, in the order of the page.
const OTHERS: [(Kind, &str); 5] = [
    (Kind::LeaderChange, "Leader changes"),
    (Kind::Recurrence, "Recurring trouble"),
    (Kind::Growth, "Growth towards the quota"),
    (Kind::Defragmentation, "Defragmentations"),
    (Kind::MaintenanceWindow, "Quietest hours for maintenance"),
];

/// The tables of the incidents by rank, or a sentence if there are none.
pub(super) fn incidents(findings: &[Finding], lines: &[Line], zone: Zone) -> Markup {
    let mut incidents: Vec<&Finding> = findings.iter().filter(|f| f.kind == Kind::Incident).collect();
    incidents.sort_by_key(|finding| finding.rank);
    if incidents.is_empty() {
        return html! { p { "No incident was found in this range." } };
    }
    html! {
        p {
            @if incidents.iter().any(|finding| finding.staffing.is_some()) { "Missing members first. " }
            "Ranked by impact: points below 10 × hours."
        }
        div #incident-list { (tables(&incidents, lines, zone)) }
    }
}

/// The sections of all kinds in `OTHERS`; a kind without findings has no section.
pub(super) fn others(findings: &[Finding], lines: &[Line], zone: Zone) -> Markup {
    let of = |kind| findings.iter().filter(move |f| f.kind == kind).collect::<Vec<&Finding>>();
    html! {
        @if OTHERS.iter().all(|(kind, _)| of(*kind).is_empty()) { p { "Nothing else was found in this range." } }
        @for (kind, heading) in OTHERS {
            @let found = of(kind);
            @if !found.is_empty() { h3 { (heading) } (tables(&found, lines, zone)) }
        }
    }
}

/// A table of the first findings, and a collapsed table of the others.
fn tables(found: &[&Finding], lines: &[Line], zone: Zone) -> Markup {
    let (open, rest) = found.split_at(found.len().min(OPEN_ROWS));
    let listed = &rest[..rest.len().min(MAX_ROWS - OPEN_ROWS)];
    html! {
        (table(open, lines, zone))
        @if !listed.is_empty() {
            details.more { summary { "… " (listed.len()) " more" } (table(listed, lines, zone)) }
        }
        @if rest.len() > listed.len() { p { (rest.len() - listed.len()) " more are in findings.csv." } }
    }
}

/// The optional columns of a table: most kinds have no rank, and some have no lost points.
struct Shown {
    rank: bool,
    points: bool,
}

impl Shown {
    fn of(found: &[&Finding]) -> Self {
        Self {
            rank: found.iter().any(|finding| finding.rank.is_some()),
            points: found.iter().any(|finding| finding.lost.is_some()),
        }
    }
}

fn table(found: &[&Finding], lines: &[Line], zone: Zone) -> Markup {
    let shown = Shown::of(found);
    html! {
        div.scroll {
            table.findings {
                thead {
                    tr {
                        @if shown.rank { th.rank.figure scope="col" { "#" } }
                        th.when scope="col" { "When (" (zone) ")" }
                        th.where scope="col" { "Where" }
                        @if shown.points { th.points.figure scope="col" { "Lost" } th.points.figure scope="col" { "Lowest" } }
                        th scope="col" { "What" }
                    }
                }
                tbody { @for finding in found { (row(finding, &shown, lines, zone)) } }
            }
        }
    }
}

fn row(finding: &Finding, shown: &Shown, lines: &[Line], zone: Zone) -> Markup {
    let number = clusters(lines).position(|lines| *lines[0].cluster == *finding.cluster);
    let figure = |value: Option<f64>, text: fn(f64) -> String| value.map_or_else(|| "–".to_owned(), text);
    let members = finding.members.iter().map(|member| html_text(member)).collect::<Vec<_>>().join(", ");
    html! {
        tr {
            @if shown.rank { td.figure { (finding.rank.map_or_else(String::new, |rank| rank.to_string())) } }
            td {
                (time(zone, finding.start_ms)) br; "to " (time(zone, finding.end_ms))
                @if let Some(number) = number {
                    br; button.scripted type="button" data-cluster=(number) data-start=(finding.start_ms / 1000) {
                        "Show in the heat map"
                    }
                }
            }
            td { bdi { (html_text(&finding.cluster)) } @if !members.is_empty() { br; small { bdi { (members) } } } }
            @if shown.points { td.figure { (figure(finding.lost, loss_text)) } td.figure { (figure(finding.lowest, score_text)) } }
            td { (html_text(&finding.says)) (evidence(finding)) }
        }
    }
}

/// A `time` element: local time for readers, RFC 3339 with offset for programs.
fn time(zone: Zone, ms: i64) -> Markup {
    html! { time datetime=(zone.format(ms)) { (clock(zone, ms)) } }
}

fn evidence(finding: &Finding) -> Markup {
    let cause = finding.cause.map(|cause| match cause {
        Cause::Restart => "restart",
        Cause::SlowDisk => "slow disk",
        Cause::Unexplained => "unexplained",
    });
    let confidence = finding.confidence.map(|share| format!("{} %", confidence_text(share)));
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
                @for (name, value) in &finding.evidence { dt { (html_text(name)) } dd { (html_text(&value.to_string())) } }
                dt { "rule" } dd { (finding.rule) }
            }
        }
    }
}
