//! What several cells come to, each by its steps.

use super::Cell;
use crate::spec::{METRICS, Metric};

/// Sums over cells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    points: f64,
    /// Steps that were scored.
    pub(crate) scored: u64,
    /// Steps at which it lived.
    pub(crate) expected: u64,
    /// The lowest score; `None` where no step was scored.
    pub(crate) lowest: Option<f64>,
    losses: [f64; METRICS],
}

impl Totals {
    /// Adds up cells.
    pub(crate) fn of<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Self {
        let mut totals = Self::default();
        for cell in cells {
            totals.add(cell);
        }
        totals
    }

    fn add(&mut self, cell: &Cell) {
        self.expected += u64::from(cell.expected);
        let (Some(mean), Some(min)) = (cell.mean, cell.min) else { return };
        let steps = f64::from(cell.scored);
        self.points += mean * steps;
        self.scored += u64::from(cell.scored);
        self.lowest = Some(self.lowest.map_or(min, |lowest| lowest.min(min)));
        for (sum, loss) in self.losses.iter_mut().zip(cell.losses.unwrap_or_default()) {
            *sum += loss * steps;
        }
    }

    /// The mean of all scored steps.
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.points / self.scored as f64)
    }

    /// The share of steps that were scored, 0 to 1; 0 where there was none.
    pub(crate) fn coverage(&self) -> f64 {
        self.scored as f64 / self.expected.max(1) as f64
    }

    /// The metric that cost the most, of equals the first as in `heatmap.csv`, and its share of all that was lost;
    /// `None` where none cost anything.
    pub(crate) fn worst(&self) -> Option<(Metric, f64)> {
        let all: f64 = self.losses.iter().sum();
        let of = |metric: &Metric| self.losses[metric.index()];
        // `max_by` keeps the last of equals: go backwards.
        let worst = Metric::ALL.into_iter().rev().max_by(|a, b| of(a).total_cmp(&of(b)))?;
        (all > 0.0).then(|| (worst, of(&worst) / all))
    }
}
