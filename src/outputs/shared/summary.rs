//! Summary of a cluster or member in one line of text, shared by terminal and pictures.

use std::fmt;

use crate::heatmap::{Cell, Totals};
use crate::spec::Metric;
use crate::text::rounding::{percent_short, score_short};

/// Totals over all cells of a cluster or member.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::outputs) struct Summary {
    /// Mean and lowest score, 0 to 10; `None` if no step is scored.
    pub(in crate::outputs) scores: Option<(f64, f64)>,
    /// Share of expected steps that are scored, 0 to 1; `None` if no step is expected.
    pub(in crate::outputs) coverage: Option<f64>,
    /// The metric that lost the most points.
    pub(in crate::outputs) worst: Option<Metric>,
}

impl Summary {
    /// Sums up cells, weighted by their steps.
    pub(in crate::outputs) fn of(cells: &[Cell]) -> Self {
        let totals = Totals::of(cells);
        Self {
            scores: totals.mean().zip(totals.lowest),
            coverage: (totals.expected > 0).then(|| totals.coverage()),
            worst: totals.worst().map(|(metric, _)| metric),
        }
    }
}

/// Writes text such as `mean 9.41, lowest 1, 99.7 % of steps scored, main cause wal_fsync`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scores {
            Some((mean, min)) => write!(f, "mean {}, lowest {}", score_short(mean), score_short(min))?,
            None => f.write_str("no step scored")?,
        }
        if let Some(coverage) = self.coverage {
            write!(f, ", {} % of steps scored", percent_short(coverage))?;
        }
        if let Some(metric) = self.worst {
            write!(f, ", main cause {metric}")?;
        }
        Ok(())
    }
}
