//! How good such forecasts were: a sentence, the warnings, and folded the figures.

use maud::{Markup, html};

use crate::analysis::forecast::result::Trust;
use crate::outputs::shared::ahead::{brier, chance, coverage, crps, judgment, moment, warnings};
use crate::text::count;
use crate::text::html::html_text;
use crate::time::Zone;

pub(super) fn trust(trust: &Trust, zone: Zone) -> Markup {
    html! {
        h3 { "Can this be trusted?" }
        p #trust { (judgment(trust)) ". " (warnings(trust)) "." }
        details.more {
            summary { "How it was judged" @if !trust.warnings.is_empty() { ", and the last " (count(trust.warnings.len(), "warning")) } }
            p.quiet {
                "Each earlier forecast used only what was known then. Readings: by how much the error (CRPS) was smaller than that of the best \
                 one-liner, and how many outcomes were inside the intervals. Probabilities: by how much the error (Brier score) was smaller than \
                 that of the usual rate. In parentheses: the 95 % interval."
            }
            div.scroll tabindex="0" role="group" aria-label="Figures of earlier forecasts" {
                table.judged {
                    thead { tr { th scope="col" { "Readings ahead" } th scope="col" { "Smaller error" } th.figure scope="col" { "In 80 % interval" } th.figure scope="col" { "In 95 % interval" } } }
                    tbody {
                        @for ((name, skill), [within_80, within_95]) in crps(trust).into_iter().zip(coverage(trust)) {
                            tr { th scope="row" { (name) } td { (skill) } td.figure { (within_80) } td.figure { (within_95) } }
                        }
                    }
                }
                table.judged {
                    thead { tr { th scope="col" { "Red" } th scope="col" { "Smaller error" } } }
                    tbody { @for (name, skill) in brier(trust) { tr { th scope="row" { (name) } td { (skill) } } } }
                }
            }
            @if !trust.warnings.is_empty() { (list(trust, zone)) }
        }
    }
}

/// The last warnings, newest first.
fn list(trust: &Trust, zone: Zone) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="The last warnings" {
            table.judged.warnings {
                thead { tr { th scope="col" { "Warning at" } th scope="col" { "Cluster" } th.figure scope="col" { "Probability" } th scope="col" { "Outcome" } } }
                tbody {
                    @for warning in trust.warnings.iter().rev() {
                        tr {
                            th scope="row" { (moment(zone, warning.at_ms)) }
                            td { bdi { (html_text(&warning.cluster)) } }
                            td.figure { (chance(warning.probability)) }
                            td { @match warning.red_ms { Some(ms) => { "true: red from " (moment(zone, ms)) }, None => "false" } }
                        }
                    }
                }
            }
        }
    }
}
