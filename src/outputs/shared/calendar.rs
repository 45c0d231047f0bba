//! Position of a cell in a grid with one row per day and one column per time of day.

use crate::heatmap::Cell;
use crate::time::{CellWidth, DAY_MS, UtcDay};

/// The part of its grid place that a cell fills. When clocks go back, two cells share the place of one local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::outputs) enum Part {
    /// The only cell in its place.
    Whole,
    /// The first of two cells with the same local time.
    First,
    /// The second of two cells with the same local time.
    Second,
}

/// Local clock time at the start of a cell, as a minute of the day.
pub(in crate::outputs) fn minute_of_day(cell: &Cell) -> u32 {
    u32::from(cell.hour) * 60 + u32::from(cell.minute)
}

/// Each cell with its column, numbered from midnight, and the part of its place that it fills.
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

/// Number of days from `from` to `to`; negative if `to` is earlier.
pub(in crate::outputs) fn days_between(from: UtcDay, to: UtcDay) -> i64 {
    (to.start_ms() - from.start_ms()) / DAY_MS
}
