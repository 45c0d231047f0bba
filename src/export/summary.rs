//! A cluster or a member in one line of text.

use std::fmt;

use crate::heatmap::Cell;
use crate::spec::{METRICS, Metric};

/// What all cells of a line come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    /// Mean and lowest score; `None` where no step was scored.
    pub(super) scores: Option<(f64, f64)>,
    /// Share of the steps that were scored.
    pub(super) coverage: Option<f64>,
    /// What cost the most.
    pub(super) worst: Option<Metric>,
}

impl Summary {
    /// Adds up cells by their steps.
    pub(super) fn of(cells: &[Cell]) -> Self {
        let (mut sum, mut min, mut scored, mut expected) = (0.0, f64::INFINITY, 0_u64, 0_u64);
        let mut lost = [0.0; METRICS];
        for cell in cells {
            let steps = f64::from(cell.scored);
            sum += cell.mean.unwrap_or(0.0) * steps;
            min = min.min(cell.min.unwrap_or(f64::INFINITY));
            (scored, expected) = (scored + u64::from(cell.scored), expected + u64::from(cell.expected));
            for (lost, loss) in lost.iter_mut().zip(cell.losses.unwrap_or_default()) {
                *lost += loss * steps;
            }
        }
        let of = |metric: &Metric| lost[metric.index()];
        // `max_by` keeps the last of equals: go backwards, for the first of the specification.
        let worst = Metric::ALL.into_iter().rev().max_by(|a, b| of(a).total_cmp(&of(b)));
        Self {
            scores: (scored > 0).then(|| (sum / scored as f64, min)),
            coverage: (expected > 0).then(|| scored as f64 / expected as f64),
            worst: worst.filter(|metric| of(metric) > 0.0),
        }
    }
}

/// `mean 9.41, lowest 1, 99.7 % of steps scored, most lost to wal_fsync`
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scores {
            Some((mean, min)) => write!(f, "mean {}, lowest {}", rounded_down(mean), rounded_down(min))?,
            None => f.write_str("no step scored")?,
        }
        if let Some(coverage) = self.coverage {
            // Rounded down: 99.96 % is not all.
            write!(f, ", {} % of steps scored", (coverage * 1000.0).floor() / 10.0)?;
        }
        if let Some(metric) = self.worst {
            write!(f, ", most lost to {metric}")?;
        }
        Ok(())
    }
}

/// To two digits: a score of 9.996 is not 10. What is added up in doubles may lie a hair below its true value.
fn rounded_down(score: f64) -> f64 {
    ((score + 1e-9) * 100.0).floor() / 100.0
}
