//! What people noted: a list among the events, and marks on the charts of readings. It is on the page only if there are
//! annotations in the range.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::clusters;
use super::page::{Shown, clock};
use crate::analysis::annotations::Annotation;
use crate::text::count;
use crate::text::html::html_text;
use crate::time::{TimeRange, Zone};

/// The style of the list and of the marks.
pub(super) const STYLE: &str = include_str!("notes/notes.css");
/// The script that marks charts. It follows the part that draws them.
pub(super) const SCRIPT: &str = include_str!("notes/notes.js");
/// Most rows of the list, which is there without a script too; `annotations.csv` has all.
const MOST_LISTED: usize = 200;

/// The annotations within the range that are of a cluster on the page, with the number of that cluster, in order of time.
pub(super) fn on_page<'a>(shown: Shown<'a>, range: TimeRange) -> Vec<(&'a Annotation, Option<usize>)> {
    let number = |name: &str| clusters(shown.lines).position(|lines| *lines[0].cluster == *name);
    let within = shown.annotations.iter().filter(|one| one.reach().intersect(range).is_some());
    let on_page = within.filter_map(|one| match one.cluster.as_deref() {
        None => Some((one, None)),
        Some(name) => Some((one, Some(number(name)?))),
    });
    on_page.collect()
}

/// The latest annotations as a table, folded.
pub(super) fn list(noted: &[(&Annotation, Option<usize>)], zone: Zone) -> Markup {
    let listed = &noted[noted.len().saturating_sub(MOST_LISTED)..];
    html! {
        details.events-noted #annotations {
            summary { (count(noted.len(), "annotation")) " in this range" }
            @if listed.len() < noted.len() { p.quiet { "The latest " (listed.len()) " of them; annotations.csv has all." } }
            div.scroll tabindex="0" role="group" aria-label="Annotations" {
                table.findings {
                    thead { tr { th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "Cluster" } th scope="col" { "Kind" } th scope="col" { "Text" } } }
                    tbody {
                        @for (one, _) in listed {
                            tr {
                                td { (clock(zone, one.at_ms)) }
                                td { @if let Some(end_ms) = one.end_ms { (clock(zone, end_ms)) } }
                                td { @match &one.cluster { Some(name) => bdi { (html_text(name)) }, None => "all" } }
                                td { (one.kind.name().replace('_', " ")) }
                                td { bdi { (html_text(&one.text)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The annotations for the script as JSON: start and end in seconds (`null` for an instant), the number of the cluster (`null`
/// for all), when in words, and the text.
pub(super) fn data(noted: &[(&Annotation, Option<usize>)], zone: Zone) -> String {
    let of = |(one, cluster): &(&Annotation, Option<usize>)| {
        let when = match one.end_ms {
            None => clock(zone, one.at_ms),
            Some(end_ms) => format!("{} to {}", clock(zone, one.at_ms), clock(zone, end_ms)),
        };
        json!([
            one.at_ms.div_euclid(1000),
            one.end_ms.map(|ms| ms.div_euclid(1000)),
            cluster,
            when,
            html_text(&one.text)
        ])
    };
    Value::Array(noted.iter().map(of).collect()).to_string()
}
