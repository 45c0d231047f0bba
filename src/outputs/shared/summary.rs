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
    /// Share of expected steps that are idle, 0 to 1.
    pub(in crate::outputs) idle: f64,
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
            idle: totals.idle_share(),
            worst: totals.worst().map(|(metric, _)| metric),
        }
    }
}

/// Writes text such as `mean 9.41, lowest 1, 99.7 % of steps scored, main cause wal_fsync`. Idle steps are only mentioned
/// where there are some.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scores {
            Some((mean, min)) => write!(f, "mean {}, lowest {}", score_short(mean), score_short(min))?,
            None => f.write_str("no step scored")?,
        }
        if let Some(coverage) = self.coverage {
            write!(f, ", {} % of steps scored", percent_short(coverage))?;
        }
        if self.idle > 0.0 {
            write!(f, ", {} % idle", percent_short(self.idle))?;
        }
        if let Some(metric) = self.worst {
            write!(f, ", main cause {metric}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_steps_are_mentioned_only_where_there_are_some() {
        let cell = |scored, idle| Cell { idle, ..Cell::hour(scored, 12, (scored > 0).then_some(10.0), &[]) };
        for (cells, expected) in [
            (&[cell(12, 0)][..], "mean 10, lowest 10, 100 % of steps scored"),
            (&[cell(0, 0)], "no step scored, 0 % of steps scored"),
            (&[cell(0, 12)], "no step scored, 0 % of steps scored, 100 % idle"),
            // 6 of 24 steps are idle, and 15 scored.
            (&[cell(9, 3), cell(6, 3)], "mean 10, lowest 10, 62.5 % of steps scored, 25 % idle"),
        ] {
            assert_eq!(Summary::of(cells).to_string(), expected);
        }
    }
}
