//! What all cells of a line come to.

use super::table::Value;
use crate::heatmap::{Cell, Totals};

/// What a row of figures is made of.
#[derive(Debug)]
pub(super) struct RowFigures {
    /// All cells together.
    pub(super) totals: Totals,
    /// Steps of cells whose mean is below 5 and below 7.
    below: [u64; 2],
}

/// What [`RowFigures::values`] gives, with widths of columns.
pub(super) const HEADINGS: [(&str, f64); 7] = [
    ("Mean", 8.0),
    ("Lowest", 8.0),
    ("Coverage", 10.0),
    ("Hours below 5", 9.0),
    ("Hours below 7", 9.0),
    ("Most lost to", 18.0),
    ("Its share of what was lost", 12.0),
];

impl RowFigures {
    /// Adds up cells.
    pub(super) fn of(cells: &[Cell]) -> Self {
        let below = [5.0, 7.0].map(|bound| {
            let low = cells.iter().filter(|cell| cell.mean.is_some_and(|mean| mean < bound));
            low.map(|cell| u64::from(cell.expected)).sum()
        });
        Self { totals: Totals::of(cells), below }
    }

    /// As columns under [`HEADINGS`].
    pub(super) fn values(&self, step_seconds: i64) -> [Value<'static>; 7] {
        let hours = |steps: u64| Value::Number(steps as f64 * step_seconds as f64 / 3600.0);
        let worst = self.totals.worst();
        [
            Value::number(self.totals.mean()),
            Value::number(self.totals.lowest),
            Value::Share(self.totals.coverage()),
            hours(self.below[0]),
            hours(self.below[1]),
            Value::text(worst.map(|(metric, _)| metric.name())),
            worst.map_or(Value::Empty, |(_, share)| Value::Share(share)),
        ]
    }
}
