//! The frame of the page: head, style, script, header, legend and sections.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::heat_cell::Folded;
use super::{clusters, colours, data, findings, method, overview, plain};
use crate::analysis::findings::Finding;
use crate::folder::Manifest;
use crate::heatmap::{Cell, Line, Totals, WHY_IDLE};
use crate::text::count;
use crate::text::html::html_text;
use crate::time::{CellWidth, Zone, parse_instant};

const SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("store.js"),
    include_str!("cells.js"),
    include_str!("tables.js"),
    include_str!("panel.js"),
    include_str!("page.js"),
);

/// Maximum number of clusters that are all open at first. If there are more, only the one with the lowest
/// mean is open at first.
const MAX_OPEN: usize = 3;

/// The report as one HTML document that contains its styles, script and data.
pub(super) fn page(manifest: &Manifest, lines: &[Line], found: &[Finding]) -> String {
    let style = format!("{}{}", include_str!("report.css"), colours::sheet());
    let min_coverage = manifest.min_coverage.unwrap_or_default();
    let width = manifest.folding().map_or_else(CellWidth::default, |folding| folding.width);
    let zone = manifest.folding().unwrap_or_default().zone;
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(&style));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "etcd health " (manifest.asked.start) " to " (manifest.asked.end) }
                style { (PreEscaped(&style)) }
            }
            body {
                (header(manifest, lines))
                main {
                    section aria-labelledby="overview" {
                        h2 #overview { "Clusters" }
                        div.scroll { (overview::overview(lines, min_coverage)) }
                    }
                    section aria-labelledby="maps" {
                        h2 #maps { "Heat maps" }
                        noscript { (plain::tables(lines, min_coverage, width)) }
                        @for (number, lines) in clusters(lines).enumerate() { (cluster(number, lines)) }
                    }
                    section aria-labelledby="incidents" {
                        h2 #incidents { "Incidents" }
                        (findings::incidents(found, lines, zone))
                    }
                    section aria-labelledby="others" {
                        h2 #others { "Other findings" }
                        (findings::others(found, lines, zone))
                    }
                    section aria-labelledby="method" { h2 #method { "Method and provenance" } (method::method(manifest)) }
                }
                div #tip aria-hidden="true" hidden {}
                (blocks(manifest, lines))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    whole.into_string()
}

/// The content security policy: the page loads nothing and runs only its own script and style.
fn policy(style: &str) -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(SCRIPT)
    )
}

fn header(manifest: &Manifest, lines: &[Line]) -> Markup {
    let profile = manifest.profile.as_ref().map_or("unknown".to_owned(), |profile| html_text(&profile.name));
    let folding = manifest.folding().unwrap_or_default();
    html! {
        header {
            h1 { "etcd health" }
            p {
                (asked(&manifest.asked.start, folding.zone)) " to " (asked(&manifest.asked.end, folding.zone)) (manifest.asked.gaps())
                " · all times in " (folding.zone)
                " · profile " (profile) " · a step every " (manifest.asked.step_seconds) " s"
            }
            form.bar.scripted #settings {
                label { "Shows " select name="value" { option value="mean" { "mean score" } option value="min" { "lowest score" } } }
                label { "Colors " select name="palette" { option value="red" { "red to green" } option value="blue" { "orange to blue" } } }
                label { "Theme " select name="theme" { option value="auto" { "as the system" } option value="light" { "light" } option value="dark" { "dark" } } }
            }
            (legend(lines.iter().flat_map(|line| &line.cells).any(Cell::is_idle)))
        }
    }
}

/// The start or end of the requested range in local time.
fn asked(instant: &str, zone: Zone) -> String {
    // The manifest holds RFC 3339, never relative times, so any value of `now` will do.
    parse_instant(instant, 0).map_or_else(|_| html_text(instant), |ms| clock(zone, ms))
}

/// Local time such as `2026-10-09 04:10`; the heading of the page names the zone.
pub(super) fn clock(zone: Zone, ms: i64) -> String {
    zone.format(ms).chars().take("2026-10-09T04:10".len()).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// Explains colors and marks. Idle cells are rare, so only a page that has any explains them.
fn legend(any_idle: bool) -> Markup {
    html! {
        p.legend {
            @for score in 0..=10 { span class={ "swatch " (colours::class(f64::from(score))) } { (score) } }
            " score, rounded down "
            span.swatch.s80.part.k6 { "8" } " strip: share of steps not scored "
            span.swatch.s80.part.k3.uncertain { "8?" } " uncertain: too few scored "
            span.swatch.unknown { "·" } " unknown "
            @if any_idle { span.swatch.idle { "–" } " idle: " (WHY_IDLE) " " }
            span.swatch.none { } " did not exist"
        }
    }
}

/// The section of a cluster. The script fills it when a reader opens it.
fn cluster(number: usize, lines: &[Line]) -> Markup {
    let whole = Folded::of(&lines[0].cells);
    html! {
        details.cluster.scripted id={ "cluster-" (number) } data-number=(number) {
            summary {
                h3 { bdi { (html_text(&lines[0].cluster)) } }
                " " span { (count(lines.len() - 1, "member")) " · " (whole.describe()) }
            }
        }
    }
}

fn blocks(manifest: &Manifest, lines: &[Line]) -> Markup {
    let all: Vec<&[Line]> = clusters(lines).collect();
    html! {
        script #index type="application/json" { (PreEscaped(data::index(manifest, lines, &open_at_first(&all)))) }
        @for (number, lines) in all.iter().enumerate() {
            script id={ "cells-" (number) } type="text/plain" { (data::block(lines)) }
        }
    }
}

/// Indices of the clusters that are open at first: all if there are few, else the one with the lowest mean.
fn open_at_first(all: &[&[Line]]) -> Vec<usize> {
    if all.len() <= MAX_OPEN {
        return (0..all.len()).collect();
    }
    let mean = |number: &usize| Totals::of(&all[*number][0].cells).mean().unwrap_or(10.0);
    (0..all.len()).min_by(|a, b| mean(a).total_cmp(&mean(b))).into_iter().collect()
}
