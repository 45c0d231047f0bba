//! The card "Next 24 hours": for each cluster whether it becomes red, when and why, with the past 48 hours beside the next 24;
//! when limits are reached; and how good such forecasts were. It is on the page only if the folder has a forecast.

mod data;
mod fan;
mod hours;
mod outlook;
mod scale;
mod trust;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;

pub(super) use data::data;

use maud::{Markup, html};

use super::page::Shown;
use super::verdict::capitalized;
use crate::analysis::forecast::result::{ClusterForecast, Forecast};
use crate::outputs::shared::ahead::{Ordered, limits, moment};
use crate::text::count;
use crate::text::html::html_text;
use crate::time::Zone;

/// Most members whose dates are not folded.
const OPEN_LIMITS: usize = 6;

/// The style of the card.
pub(super) const STYLE: &str = include_str!("ahead/ahead.css");
/// The script that continues the heat map. It follows those parts of the script that draw maps.
pub(super) const SCRIPT: &str = include_str!("ahead/ahead.js");

/// The card as a section.
pub(super) fn section(shown: Shown<'_>, forecast: &Forecast) -> Markup {
    let zone = shown.manifest.folding().unwrap_or_default().zone;
    let ordered = Ordered::of(forecast);
    html! {
        section #next aria-labelledby="ahead" {
            h2 #ahead { "Next 24 hours" }
            p.quiet {
                "Forecast from " (moment(zone, forecast.origin_ms)) " " (zone) ": how likely a cluster becomes red (an hour with a mean score \
                 below 5), beside how often it usually does. Sorted by the probability within 6 hours. "
                (counts(&ordered))
            }
            p.quiet.keys {
                span { i.key.past {} "past: highest of all members, by hour" }
                span { i.key.p50 {} "their median" }
                span { i.key.middle {} "ahead: median" }
                span { i.key.band {} "50, 80 and 95 % intervals" }
                span { i.key.limit {} "threshold" }
                span { i.swatch.s80.ahead {} "mean score of an hour ahead" }
            }
            (clusters(shown, forecast, &ordered.open))
            @if !ordered.folded.is_empty() {
                details.more #more-ahead {
                    summary { (count(ordered.folded.len(), "more cluster")) @if ordered.quiet() > 0 { ", " (ordered.quiet()) " of them with less than 10 % at any horizon" } }
                    (clusters(shown, forecast, &ordered.folded))
                }
            }
            (dates(forecast, zone))
            (trust::trust(&forecast.trust, zone))
        }
    }
}

/// `3 shown + 2 folded = 5 clusters.`
fn counts(ordered: &Ordered<'_>) -> Markup {
    let (open, folded) = (ordered.open.len(), ordered.folded.len());
    html! {
        span #ahead-count { (open) " shown" @if folded > 0 { " + " (folded) " folded" } " = " (count(open + folded, "cluster")) }
        "."
    }
}

fn clusters(shown: Shown<'_>, forecast: &Forecast, of: &[&ClusterForecast]) -> Markup {
    html! {
        div.outlooks { @for cluster in of { (outlook::outlook(shown, forecast, cluster)) } }
    }
}

/// When members reach their quota or limit of open files, and how many have no date.
fn dates(forecast: &Forecast, zone: Zone) -> Markup {
    let (lines, counts) = limits(forecast, zone);
    let open = lines.len().min(OPEN_LIMITS);
    let line = |line: &crate::outputs::shared::ahead::LimitLine<'_>| {
        html! {
            li { bdi.cluster-name { (html_text(&line.of.cluster)) } " " bdi { (html_text(&line.of.member)) } ": " (line.says) }
        }
    };
    html! {
        @if !forecast.limits.is_empty() {
            h3 { "Quotas and open files" }
            @if lines.is_empty() { p { "No member has a date." } }
            ul.limits { @for one in &lines[..open] { (line(one)) } }
            @if lines.len() > open {
                details.more {
                    summary { (count(lines.len() - open, "more date")) }
                    ul.limits { @for one in &lines[open..] { (line(one)) } }
                }
            }
            @if let Some(sentence) = counts.sentence() {
                p.quiet #limit-counts {
                    (capitalized(&sentence)) ". "
                    (lines.len()) " with a date + " (counts.total()) " without = " (count(forecast.limits.len(), "limit")) "."
                }
            }
        }
    }
}
