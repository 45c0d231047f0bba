//! The frame of the page: head, style, script, header, legend and sections.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::cards::{Deck, cards};
use super::clusters_table;
use super::heat_cell::Folded;
use super::{ahead, clusters, colours, data, events, facts, method, notes, number_of, plain, verdict};
use crate::analysis::annotations::Annotations;
use crate::analysis::cell_readings::ReadingCells;
use crate::analysis::findings::{Findings, ProblemCause};
use crate::analysis::forecast::result::Forecast;
use crate::folder::Manifest;
use crate::heatmap::{Cell, PackedLine, WHY_IDLE};
use crate::text::count;
use crate::text::html::html_text;
use crate::time::{CellWidth, TimeRange, Zone, parse_instant};

const SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("store.js"),
    include_str!("readings.js"),
    include_str!("cells.js"),
    include_str!("tables.js"),
    include_str!("navigator.js"),
    include_str!("charts.js"),
    include_str!("panel.js"),
    include_str!("view.js"),
    include_str!("events.js"),
    include_str!("filter.js"),
    include_str!("markdown.js"),
);
/// The last part of the script. It starts the page, so it follows all others.
const START: &str = include_str!("page.js");

/// Everything that the page shows.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) lines: &'a [PackedLine],
    pub(super) findings: &'a Findings,
    /// Without any in the range, the page is the same to the byte as one of a run without annotations.
    pub(super) annotations: &'a Annotations,
    pub(super) readings: &'a ReadingCells,
    /// Without a forecast, the page is the same to the byte as one of a version without forecasts.
    pub(super) forecast: Option<&'a Forecast>,
}

/// The report as one HTML document that contains its styles, script and data.
pub(super) fn page(shown: Shown<'_>) -> String {
    let Shown { manifest, findings, forecast, .. } = shown;
    let is_noted = !notes::on_page(shown, range(manifest)).is_empty();
    let [ahead_style, ahead_script] = forecast.map_or([""; 2], |_| [ahead::STYLE, ahead::SCRIPT]);
    let [notes_style, notes_script] = if is_noted { [notes::STYLE, notes::SCRIPT] } else { [""; 2] };
    let style = [include_str!("report.css"), ahead_style, notes_style, &colours::sheet()].concat();
    let script = [SCRIPT, ahead_script, notes_script, START].concat();
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(&style, &script));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "etcd health " (manifest.asked.start) " to " (manifest.asked.end) }
                style { (PreEscaped(&style)) }
            }
            body {
                main {
                    (verdict::verdict(manifest, findings))
                    (settings())
                    (sections(shown))
                }
                aside #panel aria-label="Details of a cell" hidden {}
                div #tip aria-hidden="true" hidden {}
                div #status role="status" {}
                (blocks(shown))
                script { (PreEscaped(&script)) }
            }
        }
    };
    whole.into_string()
}

fn sections(shown: Shown<'_>) -> Markup {
    let Shown { manifest, lines, findings, .. } = shown;
    let min_coverage = manifest.min_coverage.unwrap_or_default();
    let width = manifest.folding().map_or_else(CellWidth::default, |folding| folding.width);
    let zone = manifest.folding().unwrap_or_default().zone;
    let order = order(shown);
    html! {
        @if let Some(forecast) = shown.forecast { (ahead::section(shown, forecast)) }
        section aria-labelledby="problems" {
            h2 #problems { "Problems" }
            (filter(shown))
            (cards(findings, Deck { lines, zone, range: range(manifest) }))
        }
        section aria-labelledby="clusters" {
            h2 #clusters { "Clusters" }
            p.quiet { "Worst first. The columns of time show the percentage of hours with a mean score below 7. Status: the lowest band that at least 1 % of the hours fall to, and at least bad if a member was missing for as long." }
            div.scroll tabindex="0" role="group" aria-label="Table of clusters" { (clusters_table::table(findings, lines)) }
            (clusters_table::facts(findings))
        }
        section aria-labelledby="maps" {
            h2 #maps { "Heat maps and readings" }
            (legend(lines.iter().any(|line| line.cells().iter().any(Cell::is_idle)), shown.forecast.is_some()))
            noscript { (plain::tables(lines, min_coverage, width)) }
            @for number in order { @if let Some(lines) = clusters(lines).nth(number) { (cluster(number, lines)) } }
        }
        section aria-labelledby="events" {
            h2 #events { "Events" }
            (events::events(findings, lines))
            @let noted = notes::on_page(shown, range(manifest));
            @if !noted.is_empty() { (notes::list(&noted, zone)) }
        }
        section aria-labelledby="method" {
            h2 #method { "Method" }
            details { summary { "Rules, queries, members and checksums" } (method::method(manifest)) }
        }
    }
}

/// Indices of the clusters, worst first.
fn order(shown: Shown<'_>) -> Vec<usize> {
    shown.findings.clusters().iter().filter_map(|health| number_of(&health.cluster, shown.lines)).collect()
}

/// The requested range.
fn range(manifest: &Manifest) -> TimeRange {
    let instant = |text: &str| parse_instant(text, 0).unwrap_or_default();
    TimeRange { start_ms: instant(&manifest.asked.start), end_ms: instant(&manifest.asked.end) }
}

/// The content security policy: the page loads nothing and runs only its own script and style.
fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script)
    )
}

/// The controls of colors and theme. They follow the verdict in the document, and stand at its right in a wide window.
fn settings() -> Markup {
    html! {
        form.bar.scripted #settings aria-label="Settings" {
            label { "Colors " select name="coloring" { option value="bands" { "four bands" } option value="gradient" { "gradient" } } }
            label { "Palette " select name="palette" { option value="red" { "red to green" } option value="blue" { "orange to blue" } } }
            label { "Shows " select name="value" { option value="mean" { "mean score" } option value="min" { "lowest score" } } }
            label { "Theme " select name="theme" { option value="auto" { "as the system" } option value="light" { "light" } option value="dark" { "dark" } } }
        }
    }
}

/// Filters problems, clusters and events by cluster, cause and text.
fn filter(shown: Shown<'_>) -> Markup {
    let problems = shown.findings.problems();
    let causes = ProblemCause::ALL.into_iter().filter(|cause| problems.iter().any(|problem| problem.cause == *cause));
    html! {
        form.bar.scripted #filter aria-label="Filter" {
            label { "Cluster " select name="cluster" {
                option value="" { "all" }
                @for health in shown.findings.clusters() { @let name = html_text(&health.cluster); option value=(name) { (name) } }
            } }
            label { "Cause " select name="cause" {
                option value="" { "all" }
                @for cause in causes { option value=(cause.name()) { (cause.title()) } }
            } }
            label { "Text " input type="search" name="text" autocomplete="off" placeholder="member, metric, hour …"; }
            button type="reset" { "Clear" }
            output #filtered {}
        }
    }
}

/// Local time such as `2026-10-09 04:10`; the heading of the page names the zone.
pub(super) fn clock(zone: Zone, ms: i64) -> String {
    zone.format(ms).chars().take("2026-10-09T04:10".len()).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// Explains colors and marks. Idle cells are rare, so only a page that has any explains them.
fn legend(any_idle: bool, any_ahead: bool) -> Markup {
    let limit = |band: colours::Band| match band {
        colours::Band::Critical => "below 5".to_owned(),
        band => format!("≥ {}", band.from()),
    };
    html! {
        div.legend {
            span.of-bands { @for band in colours::Band::ALL { span { span class={ "swatch band-" (band.name()) } {} (band.name()) " " (limit(band)) } } }
            span.of-gradient { span { @for score in 0..=10 { span class={ "swatch " (colours::class(f64::from(score))) } { (score) } } " score, rounded down" } }
            span { span.swatch.s80.part.k6 { "8" } "strip: share of steps not scored" }
            span { span.swatch.s80.part.k3.uncertain { "8?" } "uncertain" }
            span { span.swatch.unknown { "·" } "unknown" }
            @if any_idle { span { span.swatch.idle { "–" } "idle: " (WHY_IDLE) } }
            span { span.swatch.none { } "did not exist" }
            @if any_ahead { span { span.swatch.s80.ahead { "8" } "forecast" } }
        }
    }
}

/// The section of a cluster. The script fills it when a reader opens it.
fn cluster(number: usize, lines: &[PackedLine]) -> Markup {
    let whole = Folded::of(&lines[0].cells());
    let name = html_text(&lines[0].cluster);
    html! {
        details.cluster.scripted id={ "cluster-" (number) } data-number=(number) data-name=(name) {
            summary {
                h3 { bdi { (name) } }
                " " span { (count(lines.len() - 1, "member")) " · " (whole.describe()) }
            }
        }
    }
}

fn blocks(shown: Shown<'_>) -> Markup {
    let Shown { manifest, lines, findings, readings, forecast, .. } = shown;
    let zone = manifest.folding().unwrap_or_default().zone;
    let open: Vec<usize> = order(shown).into_iter().take(1).collect();
    html! {
        script #index type="application/json" { (PreEscaped(data::index(manifest, lines, findings, readings, &open))) }
        @if let Some(forecast) = forecast { script #ahead-hours type="application/json" { (PreEscaped(ahead::data(lines, forecast, zone))) } }
        @let noted = notes::on_page(shown, range(manifest));
        @if !noted.is_empty() { script #notes type="text/plain" { (data::packed(&notes::data(&noted, zone))) } }
        @for (number, lines) in clusters(lines).enumerate() {
            @let name = &lines[0].cluster;
            script id={ "cells-" (number) } type="text/plain" { (data::block(manifest, lines, readings)) }
            script id={ "facts-" (number) } type="text/plain" { (data::packed(&facts::of_cluster(findings, name, zone))) }
        }
    }
}
