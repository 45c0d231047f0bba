//! What a cluster lost and when, by cause. Every step's loss belongs to the metrics that caused it, once, so the parts
//! of a cluster always add up to the sum of (10 − score) × hours.

use super::ProblemCause;
use super::runs::{Run, within};
use crate::score::{ScoreTable, StepState, Worth};
use crate::spec::Metric;
use crate::time::{HOUR_MS, TimeRange};

/// An exact loss, in the units of the score table × milliseconds: sums of such integers have no rounding error.
pub(super) type Loss = u128;

/// The scored steps of one cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ledger<'a> {
    table: &'a ScoreTable,
    line: &'a [Run<StepState>],
}

impl<'a> Ledger<'a> {
    pub(super) fn new(table: &'a ScoreTable, line: &'a [Run<StepState>]) -> Self {
        Self { table, line }
    }

    /// What these metrics cost the cluster within a range.
    pub(super) fn lost(&self, metrics: &[Metric], range: TimeRange) -> Loss {
        let parts =
            within(self.line, range).iter().filter_map(|run| Some((scored(run)?, run.span().intersect(range)?)));
        parts.map(|(worth, part)| cost(worth, metrics) * length_of(part)).sum()
    }

    /// What the cluster lost over the whole history, to all metrics.
    pub(super) fn total(&self) -> Loss {
        self.line.iter().filter_map(|run| Some(cost(scored(run)?, &Metric::ALL) * length_of(run.span()))).sum()
    }

    /// What a cause cost over the whole history.
    pub(super) fn total_of(&self, cause: ProblemCause) -> Loss {
        let own = |run| Some(cost(scored(run)?, cause.metrics()) * length_of(run.span()));
        self.line.iter().filter_map(own).sum()
    }

    /// The stretches, not joined, in which these metrics cost the cluster points.
    pub(super) fn losing(&self, metrics: &'a [Metric]) -> impl Iterator<Item = TimeRange> + 'a {
        let loses = |run: &&Run<StepState>| scored(run).is_some_and(|worth| cost(worth, metrics) > 0);
        self.line.iter().filter(loses).map(Run::span)
    }

    /// Converts to points × hours.
    pub(super) fn point_hours(&self, loss: Loss) -> f64 {
        loss as f64 / (self.table.denominator() as f64 * HOUR_MS as f64)
    }
}

fn scored(run: &Run<StepState>) -> Option<Worth> {
    match run.state {
        StepState::Scored(worth) => Some(worth),
        _ => None,
    }
}

fn cost(worth: Worth, metrics: &[Metric]) -> Loss {
    metrics.iter().map(|metric| Loss::from(worth.losses[metric.index()])).sum()
}

fn length_of(range: TimeRange) -> Loss {
    (range.end_ms - range.start_ms).max(0).unsigned_abs().into()
}
