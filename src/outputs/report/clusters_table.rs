//! The table of all clusters, worst first: figures, and a strip of months (or days) that shows how many hours were low.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::colours::Band;
use super::verdict::capitalized;
use super::{clusters, number_of};
use crate::analysis::findings::{ClusterHealth, Findings};
use crate::heatmap::{Cell, PackedLine};
use crate::text::html::html_text;
use crate::text::palette::LOW_BELOW;
use crate::text::rounding::score_text;
use crate::text::{count, grouped};
use crate::time::{HOUR_MS, UtcDay};

/// Length of a date such as `2026-10-01`; shorter prefixes name months and years.
const DAY: usize = 10;
/// With more days than this, the columns are months.
const MAX_DAYS: usize = 45;
/// With more months than this, the columns are years.
const MAX_MONTHS: usize = 36;
/// Tolerance for the rounding errors of a mean, in points: an hour at exactly 7 is not below 7.
const SLACK: f64 = 1e-9;

/// The hours of a cluster in a day, month or year.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Hours {
    /// Hours whose mean score is below 7.
    low: usize,
    /// Hours with a score.
    scored: usize,
    /// Hours without a score.
    unscored: usize,
    /// Start of the lowest hour, or of the first one if none has a score.
    start_ms: i64,
    lowest: Option<f64>,
}

/// The table. A click on a cell of the strip opens its lowest hour.
pub(super) fn table(findings: &Findings, lines: &[PackedLine]) -> Markup {
    let dates: BTreeSet<UtcDay> = clusters(lines).flat_map(|lines| lines[0].cells()).map(|cell| cell.date).collect();
    let letters = column_letters(&dates);
    let columns: BTreeSet<String> = dates.iter().map(|date| column(*date, letters)).collect();
    let sortable = |name: &str, key: &str, is_figure: bool| {
        html! {
            th scope="col" .figure[is_figure] data-sort=(key) { (name) }
        }
    };
    html! {
        table.grid.clusters #cluster-table aria-label="All clusters" {
            thead {
                tr {
                    (sortable("Cluster", "name", false))
                    (sortable("Status", "status", false))
                    (sortable("h < 7", "below7", true))
                    (sortable("h < 5", "below5", true))
                    (sortable("h unknown", "unknown", true))
                    (sortable("Mean", "mean", true))
                    (sortable("Problems", "problems", true))
                    th scope="col" { "Main cause" }
                    @for name in &columns { th.part-of scope="col" { (short(name)) } }
                }
            }
            tbody {
                @for (place, health) in findings.clusters().iter().enumerate() {
                    (row(place, health, missing_hours(findings, &health.cluster), lines, &columns, letters))
                }
            }
        }
    }
}

/// What is true of clusters whatever their score, as a list.
pub(super) fn facts(findings: &Findings) -> Markup {
    let facts = findings.facts();
    html! {
        @if !facts.is_empty() {
            ul.facts { @for fact in facts { li { (html_text(&fact.says)) } } }
        }
    }
}

/// The longest time that members of a cluster were missing within one problem, in hours.
fn missing_hours(findings: &Findings, cluster: &str) -> f64 {
    let own = findings.problems().iter().filter(|problem| problem.cluster == cluster && problem.staffing.is_some());
    own.map(|problem| problem.low_ms).max().unwrap_or_default() as f64 / HOUR_MS as f64
}

fn row(
    place: usize,
    health: &ClusterHealth,
    missing_hours: f64,
    lines: &[PackedLine],
    columns: &BTreeSet<String>,
    letters: usize,
) -> Markup {
    let number = number_of(&health.cluster, lines);
    let line = number.and_then(|number| clusters(lines).nth(number)).map(|lines| &lines[0]);
    let parts = line.map(|line| parts(&line.cells(), letters)).unwrap_or_default();
    let band = Band::of_cluster(health, missing_hours);
    let name = html_text(&health.cluster);
    let mean = health.mean.map_or_else(|| "unknown".to_owned(), score_text);
    // Rounded up, so that no unknown time is shown as 0.
    let unknown = format!("{:.1}", ((health.unknown_hours * 10.0 - 1e-6).ceil() / 10.0).abs());
    html! {
        tr data-name=(name) data-place=(place) data-status=(band as usize) data-below7=(health.below_7) data-below5=(health.below_5)
            data-unknown=(health.unknown_hours) data-mean=(health.mean.unwrap_or(-1.0)) data-problems=(health.problems)
            data-causes=(causes(health)) {
            th scope="row" {
                @match number {
                    Some(number) => a href={ "#cluster-" (number) } { bdi { (name) } },
                    None => bdi { (name) },
                }
            }
            td { span class={ "chip band-" (band.name()) } { (band.name()) } }
            td.figure { (grouped(health.below_7 as u64)) }
            td.figure { (grouped(health.below_5 as u64)) }
            td.figure { (unknown) }
            td.figure { (mean) }
            td.figure { (health.problems) }
            td.cause { (health.main_cause.map_or_else(|| "–".to_owned(), |cause| capitalized(cause.title()))) }
            @for name in columns {
                @match (number, parts.get(name)) {
                    (Some(number), Some(hours)) => (strip_cell(number, &health.cluster, name, *hours)),
                    _ => td.none {},
                }
            }
        }
    }
}

fn causes(health: &ClusterHealth) -> &'static str {
    health.main_cause.map_or("", |cause| cause.name())
}

/// A cell of the strip: the share of hours below 7 in percent, rounded up, so that a single hour is not shown as 0.
fn strip_cell(number: usize, cluster: &str, name: &str, hours: Hours) -> Markup {
    let percent = (100 * hours.low).div_ceil(hours.scored.max(1));
    let band = match percent {
        _ if hours.scored == 0 => "unknown",
        0 => "band-ok",
        1..=5 => "band-degraded",
        6..=25 => "band-bad",
        _ => "band-critical",
    };
    let mut label = format!("{}, {name}: {} of {} below 7", html_text(cluster), hours.low, count(hours.scored, "hour"));
    if hours.unscored > 0 {
        label += &format!(", {} unknown", hours.unscored);
    }
    html! {
        td class={ "strip " (band) } data-cluster=(number) data-start=(hours.start_ms / 1000) aria-label=(label) {
            @if hours.scored == 0 { "·" } @else { (percent) }
        }
    }
}

/// The hours of a cluster by column. Cells narrower than an hour are taken together; a wider one counts as one.
fn parts(cells: &[Cell], letters: usize) -> BTreeMap<String, Hours> {
    let mut parts: BTreeMap<String, Hours> = BTreeMap::new();
    let hour = |cell: &Cell| (cell.date, cell.hour, cell.offset_minutes);
    for cells in cells.chunk_by(|a, b| hour(a) == hour(b)) {
        let part = parts.entry(column(cells[0].date, letters)).or_default();
        let scored: u32 = cells.iter().map(|cell| cell.scored).sum();
        if part.start_ms == 0 {
            part.start_ms = cells[0].start_ms;
        }
        if scored == 0 {
            part.unscored += 1;
            continue;
        }
        let mean = cells.iter().map(|cell| cell.mean.unwrap_or_default() * f64::from(cell.scored)).sum::<f64>()
            / f64::from(scored);
        part.scored += 1;
        part.low += usize::from(mean < LOW_BELOW - SLACK);
        if part.lowest.is_none_or(|lowest| mean < lowest) {
            (part.lowest, part.start_ms) = (Some(mean), cells[0].start_ms);
        }
    }
    parts
}

/// Length of the prefix of a date that names a column: `2026-10-01`, `2026-10` or `2026`.
fn column_letters(dates: &BTreeSet<UtcDay>) -> usize {
    let months: BTreeSet<String> = dates.iter().map(|date| column(*date, 7)).collect();
    match (dates.len(), months.len()) {
        (..=MAX_DAYS, _) => DAY,
        (_, ..=MAX_MONTHS) => 7,
        _ => 4,
    }
}

fn column(date: UtcDay, letters: usize) -> String {
    date.to_string().chars().take(letters).collect()
}

/// The heading of a column; a day is shown without its year.
fn short(name: &str) -> &str {
    if name.len() == DAY { &name[5..] } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_days_omit_the_year() {
        assert_eq!((short("2026-10-01"), short("2026-10")), ("10-01", "2026-10"));
    }
}
