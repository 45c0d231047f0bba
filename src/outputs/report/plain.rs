//! The page without a script: the latest days of every cluster as plain tables.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::clusters;
use super::heat_cell::plain;
use crate::heatmap::{Cell, PackedLine};
use crate::outputs::shared::calendar::minute_of_day;
use crate::text::html::html_text;
use crate::time::CellWidth;

/// Maximum number of cells for all clusters together, which keeps the page small; 20 clusters get six days each.
const MAX_CELLS: usize = 3_000;

/// Minute of the local day at which the cells of a column begin, and the number of earlier cells of the same day
/// that begin at the same local time: 1 for an hour that is repeated when clocks go back, else 0.
type Column = (u32, usize);

/// The tables as HTML, with a sentence about what they leave out.
pub(super) fn tables(lines: &[PackedLine], min_coverage: f64, width: CellWidth) -> Markup {
    let count = clusters(lines).count().max(1);
    let latest = |line: &PackedLine| latest_days(&line.cells(), MAX_CELLS / count).to_vec();
    let parts: Vec<(&PackedLine, Vec<Cell>)> = clusters(lines).map(|lines| (&lines[0], latest(&lines[0]))).collect();
    let is_all = parts.iter().all(|(line, shown)| line.len() == shown.len());
    html! {
        p.notice {
            "This page runs no script here: "
            @if is_all { "the heat maps of the clusters stand below" } @else {
                "of every cluster the latest days stand below"
            }
            ". Other days, members, the week and what a cell is made of need the script; all cells are in heatmap.csv."
        }
        @for (line, cells) in parts {
            h3 { bdi { (html_text(&line.cluster)) } }
            (table(&cells, min_coverage, width))
        }
    }
}

fn table(cells: &[Cell], min_coverage: f64, width: CellWidth) -> Markup {
    let days = cells.chunk_by(|a, b| a.date == b.date);
    let days: Vec<Vec<(Column, &Cell)>> = days.map(|day| columns_of(day, width)).collect();
    let columns: BTreeSet<Column> = days.iter().flatten().map(|(column, _)| *column).collect();
    html! {
        div.scroll {
            table.heat {
                thead {
                    tr {
                        th scope="col" { "Day" }
                        @for (minute, again) in &columns {
                            th scope="col" { (clock(*minute)) @if *again > 0 { " again" } }
                        }
                    }
                }
                tbody {
                    @for day in &days {
                        tr {
                            th scope="row" { (day[0].1.date) }
                            @for column in &columns {
                                @match day.iter().find(|(place, _)| place == column) {
                                    Some((_, cell)) => (plain(std::slice::from_ref(*cell), min_coverage)),
                                    None => td.none {},
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The cells of as many of the latest days as fit into `most` cells, but always at least one day. No day is cut.
fn latest_days(cells: &[Cell], most: usize) -> &[Cell] {
    let mut from = cells.len();
    for day in cells.chunk_by(|a, b| a.date == b.date).rev() {
        if from < cells.len() && cells.len() - from + day.len() > most {
            break;
        }
        from -= day.len();
    }
    &cells[from..]
}

fn columns_of(day: &[Cell], width: CellWidth) -> Vec<(Column, &Cell)> {
    // After a clock change, a cell may begin in the middle of a column: round down to the start of that column.
    let minute = |cell: &Cell| minute_of_day(cell) / width.minutes() * width.minutes();
    let again = |place: usize| day[..place].iter().filter(|before| minute(before) == minute(&day[place])).count();
    day.iter().enumerate().map(|(place, cell)| ((minute(cell), again(place)), cell)).collect()
}

/// The heading of a column: `02`, or `02:30` if cells are narrower than an hour.
fn clock(minute: u32) -> String {
    match minute % 60 {
        0 => format!("{:02}", minute / 60),
        rest => format!("{:02}:{rest:02}", minute / 60),
    }
}
