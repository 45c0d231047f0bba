//! Where a cell stands in a picture of days down and hours across.

use crate::heatmap::Cell;
use crate::time::{CellWidth, DAY_MS, UtcDay};

/// How much of its place a cell has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::outputs) enum Part {
    /// All of it.
    Whole,
    /// The clock showed this time twice: the first time.
    First,
    /// The second time.
    Second,
}

/// Minutes from midnight, by the clock on the wall.
pub(in crate::outputs) fn minute_of_day(cell: &Cell) -> u32 {
    u32::from(cell.hour) * 60 + u32::from(cell.minute)
}

/// Cells with the column that each stands in, which is counted in widths of a cell from midnight.
pub(in crate::outputs) fn places(cells: &[Cell], width: CellWidth) -> impl Iterator<Item = (&Cell, u32, Part)> {
    let slot = move |cell: &Cell| minute_of_day(cell) / width.minutes();
    cells.chunk_by(|a, b| a.date == b.date).flat_map(move |day| {
        let changes = day.iter().any(|cell| cell.offset_minutes != day[0].offset_minutes);
        let part = move |index: usize| {
            let is_here = |others: &[Cell]| changes && others.iter().any(|other| slot(other) == slot(&day[index]));
            match (is_here(&day[..index]), is_here(&day[index + 1..])) {
                (true, _) => Part::Second,
                (false, true) => Part::First,
                (false, false) => Part::Whole,
            }
        };
        day.iter().enumerate().map(move |(index, cell)| (cell, slot(cell), part(index)))
    })
}

/// Days from one to another; negative where the other comes first.
pub(in crate::outputs) fn days_between(from: UtcDay, to: UtcDay) -> i64 {
    (to.start_ms() - from.start_ms()) / DAY_MS
}
