//! The overview of all clusters: one row per cluster, one column per day, month or year.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use maud::{Markup, html};

use super::clusters;
use super::heat_cell::Folded;
use crate::heatmap::{Cell, Line};
use crate::text::html::html_text;
use crate::text::rounding::{score_parts, score_text};
use crate::time::UtcDay;

/// Length of a date such as `2026-10-01`; shorter prefixes name months and years.
const DAY: usize = 10;
/// With more days than this, the columns are months.
const MAX_DAYS: usize = 45;
/// With more months than this, the columns are years.
const MAX_MONTHS: usize = 36;

/// The overview table. A click on a cell opens its day, month or year.
pub(super) fn overview(lines: &[Line], min_coverage: f64) -> Markup {
    let dates: BTreeSet<UtcDay> = clusters(lines).flat_map(|lines| &lines[0].cells).map(|cell| cell.date).collect();
    let letters = column_letters(&dates);
    let columns: BTreeSet<String> = dates.iter().map(|date| column(*date, letters)).collect();
    html! {
        table.grid.overview aria-label="All clusters" {
            thead {
                tr {
                    th scope="col" { "Cluster" }
                    th.figure scope="col" { "Mean" }
                    th.figure scope="col" { "Lowest" }
                    th.figure scope="col" { "Scored" }
                    th scope="col" { "Main cause" }
                    @for name in &columns { th scope="col" { (short(name)) } }
                }
            }
            tbody {
                @for (number, lines) in clusters(lines).enumerate() {
                    (row(number, &lines[0], &columns, letters, min_coverage))
                }
            }
        }
    }
}

fn row(number: usize, line: &Line, columns: &BTreeSet<String>, letters: usize, min_coverage: f64) -> Markup {
    let mut parts: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut place = 0;
    for day in line.cells.chunk_by(|a, b| a.date == b.date) {
        let part = parts.entry(column(day[0].date, letters)).or_insert(place..place);
        place += day.len();
        part.end = place;
    }
    let whole = Folded::of(&line.cells);
    let figure = |score: Option<f64>| score.map_or_else(|| whole.without_score().to_owned(), score_text);
    html! {
        tr {
            th scope="row" { a href={ "#cluster-" (number) } { bdi { (html_text(&line.cluster)) } } }
            td.figure { (figure(whole.0.mean())) }
            td.figure { (figure(whole.0.lowest)) }
            td.figure { (whole.share()) }
            td { (whole.0.worst().map_or("nothing", |(metric, _)| metric.name())) }
            @for name in columns {
                @match parts.get(name).map(|part| &line.cells[part.clone()]) {
                    Some(cells) => (open_cell(number, line, name, cells, min_coverage)),
                    None => td.none {},
                }
            }
        }
    }
}

fn open_cell(number: usize, line: &Line, name: &str, cells: &[Cell], min_coverage: f64) -> Markup {
    let folded = Folded::of(cells);
    let label = format!("{}, {name}: {}", html_text(&line.cluster), folded.describe());
    let start = cells[0].start_ms / 1000;
    let is_day = name.len() == DAY;
    html! {
        td class=(folded.classes(min_coverage)) data-cluster=(number) data-start=(start) aria-label=(label)
            data-mean=[folded.0.mean().map(|mean| score_parts(mean, 100))]
            data-min=[folded.0.lowest.map(|lowest| score_parts(lowest, 100))] {
            @if is_day { (folded.text(min_coverage)) } @else { (folded.tenths(min_coverage)) }
        }
    }
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
