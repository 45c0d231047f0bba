//! The columns with figures of a cluster or member, shared by the sheets Summary and Members.

use super::table::Value;
use crate::heatmap::{Cell, Totals};
use crate::text::palette::{LOW_BELOW, RED_BELOW};

/// The totals behind one row of figures.
#[derive(Debug)]
pub(super) struct RowFigures {
    pub(super) totals: Totals,
    /// Number of expected steps in cells with a mean below 5, and in cells with a mean below 7.
    below: [u64; 2],
}

/// Headings and column widths of [`RowFigures::values`].
pub(super) const HEADINGS: [(&str, f64); 7] = [
    ("Mean", 8.0),
    ("Lowest", 8.0),
    ("Coverage", 10.0),
    ("Hours below 5", 9.0),
    ("Hours below 7", 9.0),
    ("Main cause", 18.0),
    ("Its share of what was lost", 12.0),
];

impl RowFigures {
    pub(super) fn of(cells: &[Cell]) -> Self {
        let below = [RED_BELOW, LOW_BELOW].map(|bound| {
            let low = cells.iter().filter(|cell| cell.mean.is_some_and(|mean| mean < bound));
            low.map(|cell| u64::from(cell.expected)).sum()
        });
        Self { totals: Totals::of(cells), below }
    }

    /// The values of the columns of [`HEADINGS`].
    pub(super) fn values(&self, step_seconds: i64) -> [Value<'static>; 7] {
        let hours = |steps: u64| Value::Number(steps as f64 * step_seconds as f64 / 3600.0);
        let worst = self.totals.worst();
        [
            Value::of(self.totals.mean(), Value::Score),
            Value::of(self.totals.lowest, Value::Score),
            Value::Coverage(self.totals.coverage()),
            hours(self.below[0]),
            hours(self.below[1]),
            Value::text(worst.map(|(metric, _)| metric.name())),
            worst.map_or(Value::Empty, |(_, share)| Value::Share(share)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Metric;

    /// A cell with this mean and these step counts; `wal_fsync` causes the whole loss.
    fn cell(mean: Option<f64>, scored: u32, expected: u32) -> Cell {
        Cell::hour(scored, expected, mean, &[(Metric::WalFsync, mean.map_or(0.0, |mean| 10.0 - mean))])
    }

    #[test]
    fn hours_below_a_score_count_all_steps_of_cells_with_a_lower_mean() {
        // A step is 5 minutes, so 12 expected steps are an hour. Below 5: only the cell with mean 4.999, for a whole hour
        // although only 4 of its 12 steps are scored. Below 7: also the cells with means 5 (an hour) and 6.999 (6 steps,
        // half an hour), 2.5 hours together. The cell with mean 7 and the unscored cell do not count.
        let cells = [
            cell(Some(4.999), 4, 12),
            cell(Some(5.0), 12, 12),
            cell(Some(6.999), 5, 6),
            cell(Some(7.0), 12, 12),
            cell(None, 0, 12),
        ];
        let [mean, lowest, coverage, below_5, below_7, worst, share] = RowFigures::of(&cells).values(300);
        // Mean: (4 × 4.999 + 12 × 5 + 5 × 6.999 + 12 × 7) / 33 = 6.0300. Coverage: 33 of 54 steps.
        assert!(matches!(mean, Value::Score(mean) if (mean - 198.991 / 33.0).abs() < 1e-12));
        assert!(matches!(lowest, Value::Score(4.999)));
        assert!(matches!(coverage, Value::Coverage(coverage) if (coverage - 33.0 / 54.0).abs() < 1e-12));
        assert!(matches!((below_5, below_7), (Value::Number(1.0), Value::Number(2.5))));
        assert!(matches!((worst, share), (Value::Text("wal_fsync"), Value::Share(1.0))));
    }

    #[test]
    fn the_headings_name_the_thresholds_of_the_palette() {
        let named = |limit: f64| format!("Hours below {limit}");
        assert_eq!([HEADINGS[3].0, HEADINGS[4].0], [RED_BELOW, LOW_BELOW].map(named));
    }
}
