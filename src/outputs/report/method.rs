//! The section about method and provenance: everything that is needed to reproduce the report.

use maud::{Markup, html};

use crate::analysis::explain;
use crate::folder::{Manifest, Written};
use crate::spec::{Bands, Cap, Metric, Profile};
use crate::text::html::html_text;

/// The section as HTML: queries, rules, cell settings, members, and hashes of input and output files.
pub(super) fn method(manifest: &Manifest) -> Markup {
    html! {
        p {
            "Every step has a score from 0 (bad) to 10 (good) for each member: the points of six metrics by their \
             weights. A cell is the mean over its steps. A reading that is not known gives no score, so that what is \
             unknown never looks healthy. Scores are shown rounded down, losses rounded up."
        }
        (folding(manifest))
        h3 { "Rules" }
        (rules(manifest))
        @if let Some(missing) = not_looked_at(manifest) { p { (missing) } }
        h3 { "Queries" }
        dl.wide {
            @for (name, query) in &manifest.queries {
                dt { (name) " (" (query.form) ")" }
                dd { code { (html_text(&query.promql)) } }
            }
        }
        (gaps(manifest))
        details {
            summary { "Members: first and last seen (" (manifest.members.len()) ")" }
            table {
                thead { tr { th scope="col" { "Cluster" } th scope="col" { "Member" } th scope="col" { "First step" } th scope="col" { "Last step" } } }
                tbody {
                    @for life in &manifest.members {
                        tr { td { bdi { (html_text(&life.cluster)) } } td { bdi { (html_text(&life.member)) } } td { (life.first) } td { (life.last) } }
                    }
                }
            }
        }
        (hashes("History that was read", &manifest.history))
        (hashes("Files written with it", &manifest.files))
    }
}

fn folding(manifest: &Manifest) -> Markup {
    let asked = &manifest.asked;
    let folding = manifest.folding().unwrap_or_default();
    let uncertain = manifest.min_coverage.unwrap_or_default() * 100.0;
    html! {
        dl {
            dt { "Range" } dd { (ranges(manifest)) ", one step every " (asked.step_seconds) " s" }
            dt { "Source" } dd { (html_text(&manifest.source.to_string())) }
            dt { "Cluster score" } dd { "its score at a step is " (folding.rollup.describe()) }
            dt { "Cells" } dd { (folding.width) " wide; days and hours of " (folding.zone) }
            dt { "Uncertain" } dd { "less than " (uncertain) " % of a cell’s steps scored" }
            @if let Some(profile) = &manifest.profile {
                dt { "Profile" } dd { (html_text(&profile.name)) " – " (html_text(&profile.source)) }
            }
            dt { "Cluster label" } dd { (asked.cluster_label.as_deref().map_or("cluster, else job".to_owned(), html_text)) }
            dt { "Member label" } dd { (html_text(&asked.member_label)) }
            @if let Some(noted) = &manifest.annotations {
                dt { "Annotations" } dd { (noted.rows) " of " bdi { (html_text(&noted.file)) } ", SHA-256 " code { (noted.sha256) } }
            }
            dt { "Version" } dd { "etcd-heatmap " (manifest.version) }
        }
    }
}

/// The ranges that were pulled, separated by commas.
fn ranges(manifest: &Manifest) -> String {
    let asked = &manifest.asked;
    match asked.ranges.as_slice() {
        [] => format!("{} to {}", asked.start, asked.end),
        ranges => ranges.iter().map(|range| format!("{} to {}", range.start, range.end)).collect::<Vec<_>>().join(", "),
    }
}

fn rules(manifest: &Manifest) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Metric" } th.figure scope="col" { "Weight" } th scope="col" { "Points" } } }
            tbody {
                @for metric in Metric::ALL {
                    tr {
                        th scope="row" { (metric) }
                        td.figure { (weight(manifest, metric)) }
                        td { (judged(manifest, metric)) }
                    }
                }
            }
        }
    }
}

fn weight(manifest: &Manifest, metric: Metric) -> String {
    let rule = manifest.profile.as_ref().and_then(|profile| profile.rules.get(metric.name()));
    rule.map_or_else(|| "not known".to_owned(), |rule| format!("{:.3}", rule.weight))
}

/// The rule of a metric in one line, such as
/// `0 above 10 ms (inside etcd’s bucket of 8 to 16 ms, where a p99 is interpolated), else 10`.
pub(super) fn judged(manifest: &Manifest, metric: Metric) -> String {
    let Some(profile) = manifest.profile() else { return "not known".to_owned() };
    if !profile.counts(metric) {
        return "left out".to_owned();
    }
    let caps = caps(&profile, metric);
    let bands = &profile.rule(metric).bands;
    if bands.list.is_empty() {
        return format!("always 10{caps}");
    }
    let limit = profile.limit(metric).map_or(String::new(), |limit| format!(" of {limit}"));
    let worth = |band: &crate::spec::Band| {
        format!(
            "{} above {}{limit}",
            band.points as f64 / crate::spec::POINT as f64,
            threshold(metric, bands, band.above)
        )
    };
    let worth: Vec<String> = bands.list.iter().map(worth).collect();
    format!("{}, else 10{caps}", worth.join(", "))
}

/// The caps of a metric, such as `; caps the score at 4 above 100 ms on the leader`; empty without any.
fn caps(profile: &Profile, metric: Metric) -> String {
    let plain = |above: f64| match metric.unit() {
        crate::spec::Unit::Seconds => format!("{} ms", millis(above)),
        _ => above.to_string(),
    };
    let cap = |cap: &Cap| format!("at {} {}", cap.score(), in_words(&cap.describe(metric, plain)));
    match profile.rule(metric).caps.list.as_slice() {
        [] => String::new(),
        list => format!("; caps the score {}", list.iter().map(cap).collect::<Vec<_>>().join(", ")),
    }
}

/// A condition after a number: `above 1`, `with no leader`.
fn in_words(condition: &str) -> String {
    if condition.starts_with("above") { condition.to_owned() } else { format!("with {condition}") }
}

/// What the caps of the profile could not look at, because the pull left it out; `None` if nothing.
fn not_looked_at(manifest: &Manifest) -> Option<String> {
    let profile = manifest.profile()?;
    let mut columns: Vec<&str> =
        profile.caps().iter().flat_map(|(metric, cap)| cap.columns(*metric)).map(|column| column.name()).collect();
    columns.retain(|column| !manifest.queries.contains_key(*column));
    columns.sort_unstable();
    columns.dedup();
    (!columns.is_empty()).then(|| {
        format!(
            "{} not pulled: the caps that need them were not applied. Pull with --evidence auto.",
            columns.join(", ")
        )
    })
}

fn millis(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e3
}

fn threshold(metric: Metric, bands: &Bands, above: f64) -> String {
    match metric.unit() {
        _ if bands.of_limit => crate::spec::percent(above),
        crate::spec::Unit::Seconds => match explain::bucket(above) {
            Some((lower, upper)) if above < upper => {
                let (lower, upper) = (millis(lower), millis(upper));
                format!(
                    "{} ms (inside etcd’s bucket of {lower} to {upper} ms, where a p99 is interpolated)",
                    millis(above)
                )
            }
            _ => format!("{} ms", millis(above)),
        },
        _ => above.to_string(),
    }
}

fn gaps(manifest: &Manifest) -> Markup {
    let lists = [
        ("Days that were asked for and have no file that can be read", &manifest.days_missing),
        ("Days for which the source lacks data", &manifest.days_partial),
    ];
    html! {
        @for (name, days) in lists {
            @if !days.is_empty() { h3 { (name) } p { (days.join(", ")) } }
        }
        @for (name, days) in manifest.lacking() {
            h3 { "Days for which source " (name) " has no data, at least for a part" } p { (days) }
        }
    }
}

fn hashes(name: &str, files: &[Written]) -> Markup {
    html! {
        details {
            summary { (name) " (" (files.len()) ")" }
            table {
                thead { tr { th scope="col" { "File" } th.figure scope="col" { "Rows" } th scope="col" { "SHA-256" } } }
                tbody {
                    @for file in files {
                        tr { td { (file.path) } td.figure { (file.rows) } td { code { (file.stat.sha256) } } }
                    }
                }
            }
        }
    }
}
