//! The top of the page: the range, the verdict in a sentence, and four figures.

use maud::{Markup, html};

use super::page::clock;
use crate::analysis::findings::{Findings, Verdict};
use crate::folder::Manifest;
use crate::outputs::shared::folded::without_data;
use crate::text::grouped;
use crate::text::html::html_text;
use crate::time::{Zone, parse_instant};

pub(super) fn verdict(manifest: &Manifest, findings: &Findings) -> Markup {
    let verdict = Verdict::of(findings.clusters());
    let zone = manifest.folding().unwrap_or_default().zone;
    let unknown = whole_hours(verdict.unknown_hours);
    let figures = [
        (format!("{} of {}", verdict.with_problems, verdict.clusters), "clusters with problems"),
        (grouped(verdict.below_7 as u64), "hours below 7"),
        (unknown, "hours unknown"),
        (grouped(verdict.problems as u64), "problems"),
    ];
    html! {
        section #verdict aria-labelledby="sentence" {
            p.range {
                "etcd health, " (asked(&manifest.asked.start, zone)) " to " (asked(&manifest.asked.end, zone))
                (manifest.asked.gaps()) ", " (zone)
            }
            h1 #sentence .is-bad[!verdict.attention.is_empty()] { (capitalized(&html_text(&verdict.sentence()))) }
            @for sentence in without_data(findings, zone) { p { (capitalized(&html_text(&sentence))) "." } }
            dl.figures {
                @for (value, name) in figures { div { dt { (name) } dd { (value) } } }
            }
        }
    }
}

/// Whole hours, rounded up, so that no unknown time is shown as 0.
fn whole_hours(hours: f64) -> String {
    grouped((hours - 1e-9).ceil().max(0.0) as u64)
}

/// The text with a capital first letter, unless it begins with a digit.
pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The start or end of the requested range in local time.
fn asked(instant: &str, zone: Zone) -> String {
    // The manifest holds RFC 3339, never relative times, so any value of `now` will do.
    parse_instant(instant, 0).map_or_else(|_| html_text(instant), |ms| clock(zone, ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_hours_are_rounded_up() {
        assert_eq!([0.0, 0.1, 2.0, 1200.5].map(whole_hours), ["0", "1", "2", "1,201"]);
    }
}
