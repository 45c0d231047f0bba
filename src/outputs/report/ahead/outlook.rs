//! The card of one cluster: probabilities beside the usual rate, the first red hour, what to blame, the fan and the hours.

use maud::{Markup, html};

use super::super::page::Shown;
use super::{fan, hours};
use crate::analysis::forecast::result::{ClusterForecast, Forecast, Outlook};
use crate::outputs::report::clusters;
use crate::outputs::shared::ahead::{chance_short, detailed, expected, first_hour, headline, metric_of, usually};
use crate::text::html::html_text;
use crate::text::rounding::score_text;

/// A cluster as an article.
pub(super) fn outlook(shown: Shown<'_>, forecast: &Forecast, of: &ClusterForecast) -> Markup {
    let number = clusters(shown.lines).position(|lines| *lines[0].cluster == *of.cluster);
    let place = forecast.clusters.iter().position(|one| one.cluster == of.cluster).unwrap_or_default();
    let heading = format!("ahead-{place}-title");
    let name = html_text(&of.cluster);
    html! {
        article.outlook aria-labelledby=(heading) data-name=(name) {
            div.outlook-top {
                h3 id=(heading) {
                    bdi.cluster-name { @match number { Some(number) => a href={ "#cluster-" (number) } { (name) }, None => (name) } }
                    " " (title(of, forecast.trust.warns_from))
                }
                span.quiet { "score now " @match of.now { Some(now) => (score_text(now)), None => "unknown" } }
            }
            @match &of.outlooks {
                Err(reason) => p.no-outlook { span.chip.unknown { "unknown" } " " (html_text(reason)) },
                Ok(outlooks) => {
                    div.chances { @for one in outlooks { (meter(one, forecast.trust.warns_from)) } }
                    (reasons(shown, forecast, of))
                }
            }
            (fan::figure(shown, forecast, of))
            (hours::strip(shown, forecast, of))
        }
    }
}

/// The first outlook in words.
fn title(of: &ClusterForecast, warns_from: f64) -> Markup {
    let first = of.outlooks.as_ref().map(|outlooks| headline(outlooks, warns_from));
    html! {
        span.title { @match first { Ok(first) => { "Red within " (first.hours) " h: " (unbroken(&usually(first))) }, Err(_) => "No outlook" } }
    }
}

/// A text whose numbers stay with their percent signs.
fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

/// A probability as number and bar, with a mark at the usual rate.
fn meter(outlook: &Outlook, warns_from: f64) -> Markup {
    let percent = |share: f64| format!("{:.1}%", share.clamp(0.0, 1.0) * 100.0);
    let is_warning = outlook.probability >= warns_from;
    html! {
        div.chance .is-warning[is_warning] data-hours=(outlook.hours) {
            span.within { "within " (outlook.hours) " h" }
            strong { (chance_short(outlook.probability)) }
            svg.meter aria-hidden="true" {
                rect.track width="100%" height="6" {}
                rect.fill width=(percent(outlook.probability)) height="6" {}
                rect.usual x=(percent(outlook.usual)) width="2" height="10" {}
            }
            span.usually { "usually " (chance_short(outlook.usual)) }
        }
    }
}

/// The first red hour, and the member and metric to blame.
fn reasons(shown: Shown<'_>, forecast: &Forecast, of: &ClusterForecast) -> Markup {
    let zone = shown.manifest.folding().unwrap_or_default().zone;
    let Some(outlook) = detailed(of, forecast) else { return html! {} };
    let blame = outlook.blame.as_ref().map(|blame| (blame, metric_of(forecast, &of.cluster, blame)));
    let told = blame.and_then(|(_, metric)| expected(metric?, outlook, forecast.origin_ms, zone));
    html! {
        @if let Some(first) = outlook.first {
            p.first-hour { "First red hour, if within " (outlook.hours) " h: " (first_hour(first, zone)) }
        }
        @if let Some((blame, _)) = blame {
            p.blame {
                "Most likely cause: " bdi { (html_text(&blame.member)) } ", " (blame.metric.title())
                @if let Some(told) = told { ": " (told) }
            }
        }
        @if outlook.first.is_none() && outlook.blame.is_none() { p.quiet { "No simulated course of the next 24 hours became red." } }
    }
}
