//! What all cells of a line come to.

use super::table::Value;
use crate::heatmap::Cell;
use crate::spec::{METRICS, Metric};

/// Sums over cells.
#[derive(Debug, Default)]
pub(super) struct Totals {
    points: f64,
    scored: u64,
    expected: u64,
    lowest: Option<f64>,
    /// Steps of cells whose mean is below 5 and below 7.
    below: [u64; 2],
    losses: [f64; METRICS],
}

/// What [`Totals::values`] gives, with widths of columns.
pub(super) const HEADINGS: [(&str, f64); 7] = [
    ("Mean", 8.0),
    ("Lowest", 8.0),
    ("Coverage", 10.0),
    ("Hours below 5", 9.0),
    ("Hours below 7", 9.0),
    ("Most lost to", 18.0),
    ("Its share of what was lost", 12.0),
];

impl Totals {
    /// Adds up cells.
    pub(super) fn of(cells: &[Cell]) -> Self {
        let mut totals = Self::default();
        for cell in cells {
            totals.add(cell);
        }
        totals
    }

    fn add(&mut self, cell: &Cell) {
        self.expected += u64::from(cell.expected);
        let (Some(mean), Some(min)) = (cell.mean, cell.min) else { return };
        let scored = f64::from(cell.scored);
        self.points += mean * scored;
        self.scored += u64::from(cell.scored);
        self.lowest = Some(self.lowest.map_or(min, |lowest| lowest.min(min)));
        for (steps, bound) in self.below.iter_mut().zip([5.0, 7.0]) {
            *steps += if mean < bound { u64::from(cell.expected) } else { 0 };
        }
        for (sum, loss) in self.losses.iter_mut().zip(cell.losses.unwrap_or_default()) {
            *sum += loss * scored;
        }
    }

    /// The mean of all scored steps.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.points / self.scored as f64)
    }

    pub(super) fn lowest(&self) -> Option<f64> {
        self.lowest
    }

    /// The share of steps that were scored.
    pub(super) fn coverage(&self) -> f64 {
        self.scored as f64 / self.expected.max(1) as f64
    }

    /// The metric that cost the most, and its share of all that was lost.
    fn worst(&self) -> Option<(Metric, f64)> {
        let all: f64 = self.losses.iter().sum();
        // Of equals the first, as in heatmap.csv.
        let worst =
            Metric::ALL.into_iter().rev().max_by(|a, b| self.losses[a.index()].total_cmp(&self.losses[b.index()]))?;
        (all > 0.0).then(|| (worst, self.losses[worst.index()] / all))
    }

    /// As columns under [`HEADINGS`].
    pub(super) fn values(&self, step_seconds: i64) -> [Value<'static>; 7] {
        let hours = |steps: u64| Value::Number(steps as f64 * step_seconds as f64 / 3600.0);
        let worst = self.worst();
        [
            Value::number(self.mean()),
            Value::number(self.lowest),
            Value::Share(self.coverage()),
            hours(self.below[0]),
            hours(self.below[1]),
            Value::text(worst.map(|(metric, _)| metric.name())),
            worst.map_or(Value::Empty, |(_, share)| Value::Share(share)),
        ]
    }
}
