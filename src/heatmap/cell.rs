//! Finished cells as plain values, for code that shows or compares them.

use std::sync::Arc;

use crate::spec::{METRICS, Metric};
use crate::time::UtcDay;

/// Why an idle step has no score, for legends and explanations.
pub(crate) const WHY_IDLE: &str =
    "no WAL fsync or no backend commit, so no p99 and no score; this does not mean healthy";

/// One cell of a cluster or member.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    /// The start, milliseconds since 1970, UTC.
    pub(crate) start_ms: i64,
    /// The local date of the start. The type is `UtcDay`, but the date is in the local time zone.
    pub(crate) date: UtcDay,
    /// The local hour of the start, 0 to 23.
    pub(crate) hour: u8,
    /// The local minute of the start, 0 to 59.
    pub(crate) minute: u8,
    /// Offset of local time from UTC in minutes; positive east of Greenwich.
    pub(crate) offset_minutes: i32,
    /// Mean score, 0 to 10; `None` without scored steps.
    pub(crate) mean: Option<f64>,
    /// Lowest score, 0 to 10; `None` without scored steps.
    pub(crate) min: Option<f64>,
    /// The number of scored steps.
    pub(crate) scored: u32,
    /// The number of expected steps, at least one.
    pub(crate) expected: u32,
    /// The number of steps without a score only because the member did no WAL fsync or no backend commit. The other
    /// steps without a score are missing.
    pub(crate) idle: u32,
    /// Whether the coverage is below `--min-coverage`.
    pub(crate) uncertain: bool,
    /// The number of steps just after a restart of the member, or of any member of the cluster; `None` if the history
    /// has no process start times.
    pub(crate) after_restart: Option<u32>,
    /// The number of steps with partial responses.
    pub(crate) partial: u32,
    /// The metric that cost the most points; `None` if none cost any.
    pub(crate) worst: Option<Metric>,
    /// The mean loss of each metric in points; mean and losses add up to 10. `None` without scored steps.
    pub(crate) losses: Option<[f64; METRICS]>,
}

impl Cell {
    /// A cell without expected steps, in 1970.
    pub(crate) const BLANK: Self = Self {
        start_ms: 0,
        date: UtcDay::from_days(0),
        hour: 0,
        minute: 0,
        offset_minutes: 0,
        mean: None,
        min: None,
        scored: 0,
        expected: 0,
        idle: 0,
        uncertain: false,
        after_restart: None,
        partial: 0,
        worst: None,
        losses: None,
    };

    /// The share of expected steps that are scored, 0 to 1.
    pub(crate) fn coverage(&self) -> f64 {
        f64::from(self.scored) / f64::from(self.expected)
    }

    /// Whether the cell is shown as idle: no step is scored, and more of them are idle than missing.
    pub(crate) fn is_idle(&self) -> bool {
        is_idle(self.scored.into(), self.expected.into(), self.idle.into())
    }
}

/// Whether steps without any score count as idle: more of them are idle than missing, so that a few idle steps do not
/// excuse an outage.
pub(crate) fn is_idle(scored: u64, expected: u64, idle: u64) -> bool {
    scored == 0 && 2 * idle > expected
}

/// All cells of a cluster or member, in order of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) cluster: Arc<str>,
    /// The member; `None` for the cluster itself.
    pub(crate) member: Option<Arc<str>>,
    /// The cells in order of time. A period in which the cluster or member was never expected has no cell.
    pub(crate) cells: Vec<Cell>,
}

#[cfg(test)]
impl Cell {
    /// A one-hour cell with these steps, mean and losses, for tests.
    pub(crate) fn hour(scored: u32, expected: u32, mean: Option<f64>, lost: &[(Metric, f64)]) -> Self {
        let mut losses = [0.0; METRICS];
        lost.iter().for_each(|&(metric, loss)| losses[metric.index()] = loss);
        Self {
            date: UtcDay::from_days(20_000),
            mean,
            min: mean,
            scored,
            expected,
            losses: mean.map(|_| losses),
            ..Self::BLANK
        }
    }
}
