//! Finished cells as plain values, for those who draw them.

use std::sync::Arc;

use crate::spec::{METRICS, Metric};
use crate::time::UtcDay;

/// One cell of one line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    /// Its first instant.
    pub(crate) start_ms: i64,
    /// The local day that it belongs to.
    pub(crate) date: UtcDay,
    /// The local hour in which it begins, 0 to 23.
    pub(crate) hour: u8,
    /// The local minute at which it begins.
    pub(crate) minute: u8,
    /// How far local time is ahead of UTC.
    pub(crate) offset_minutes: i32,
    /// Mean score, 0 to 10; `None` where no step was scored.
    pub(crate) mean: Option<f64>,
    /// Lowest score.
    pub(crate) min: Option<f64>,
    /// Steps that were scored.
    pub(crate) scored: u32,
    /// Steps at which it lived, one or more.
    pub(crate) expected: u32,
    /// Whether too few of its steps were scored.
    pub(crate) uncertain: bool,
    /// Steps just after a restart; `None` where nobody knows when processes were started.
    pub(crate) after_restart: Option<u32>,
    /// Steps at which the server left something out.
    pub(crate) partial: u32,
    /// The metric that cost the most; `None` where none cost anything.
    pub(crate) worst: Option<Metric>,
    /// Points that each metric cost on average; with the mean they add up to 10. `None` where there is no mean.
    pub(crate) losses: Option<[f64; METRICS]>,
}

impl Cell {
    /// Share of its steps that were scored, 0 to 1.
    pub(crate) fn coverage(&self) -> f64 {
        f64::from(self.scored) / f64::from(self.expected)
    }
}

/// All cells of a cluster or a member, in the order of their time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) cluster: Arc<str>,
    /// The member; `None` for the cluster itself.
    pub(crate) member: Option<Arc<str>>,
    /// Its cells; a time without one is a time at which it did not exist.
    pub(crate) cells: Vec<Cell>,
}

#[cfg(test)]
impl Cell {
    /// An hour with these steps and mean, and losses of single metrics.
    pub(crate) fn hour(scored: u32, expected: u32, mean: Option<f64>, lost: &[(Metric, f64)]) -> Self {
        let mut losses = [0.0; METRICS];
        lost.iter().for_each(|&(metric, loss)| losses[metric.index()] = loss);
        Self {
            start_ms: 0,
            date: UtcDay::from_days(20_000),
            hour: 0,
            minute: 0,
            offset_minutes: 0,
            mean,
            min: mean,
            scored,
            expected,
            uncertain: false,
            after_restart: None,
            partial: 0,
            worst: None,
            losses: mean.map(|_| losses),
        }
    }
}
