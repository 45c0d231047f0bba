//! Totals and daily sums of one side of a comparison.

use super::interval::DaySums;
use super::{QUANTITIES, quantities};
use crate::heatmap::Cell;
use crate::text::palette::{LOW_BELOW, RED_BELOW};
use crate::time::CellWidth;

/// Thresholds of a cell's mean score. [`Side::hours_below`] counts the hours below each of them.
pub(crate) const BELOW: [f64; 2] = [LOW_BELOW, RED_BELOW];

/// Totals over the cells of one cluster or member in one period.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// Number of local days with at least one scored step.
    pub(crate) days: usize,
    /// Total length of the cells with a scored step, in hours.
    pub(crate) hours: f64,
    /// Total length of the cells with a mean score below each threshold of [`BELOW`], in hours.
    pub(crate) hours_below: [f64; BELOW.len()],
    pub(crate) scored: u64,
    pub(crate) expected: u64,
    /// Mean score of each local hour of the day. The outer `None` means that the hour has no cell, and `Some(None)`
    /// that no step of its cells is scored.
    pub(crate) by_hour: [Option<Option<f64>>; 24],
    /// Means of the score, then of each metric's loss; `None` if no step is scored.
    pub(super) means: Option<[f64; QUANTITIES]>,
}

impl Side {
    /// Share of expected steps that were scored, 0 to 1.
    pub(crate) fn coverage(&self) -> f64 {
        self.scored as f64 / self.expected as f64
    }
}

/// The totals of the cells, and the sums of each local day that has a score.
pub(super) fn of(cells: &[Cell], width: CellWidth) -> (Side, Vec<DaySums>) {
    let cell_hours = f64::from(width.minutes()) / 60.0;
    let mut days: Vec<DaySums> = Vec::new();
    let mut by_hour = [None; 24];
    let mut side = Side {
        days: 0,
        hours: 0.0,
        hours_below: [0.0; BELOW.len()],
        scored: 0,
        expected: 0,
        by_hour: [None; 24],
        means: None,
    };
    for cell in cells {
        side.scored += u64::from(cell.scored);
        side.expected += u64::from(cell.expected);
        let spans = usize::from(cell.hour)..(usize::from(cell.hour) + cell_hours.ceil() as usize).min(24);
        for hour in &mut by_hour[spans] {
            let sums: &mut (f64, f64) = hour.get_or_insert((0.0, 0.0));
            *sums = (sums.0 + f64::from(cell.scored), sums.1 + f64::from(cell.scored) * cell.mean.unwrap_or(0.0));
        }
        let Some(values) = quantities(cell) else { continue };
        side.hours += cell_hours;
        for (hours, below) in side.hours_below.iter_mut().zip(BELOW) {
            *hours += if values[0] < below { cell_hours } else { 0.0 };
        }
        if days.last().is_none_or(|day| day.date != cell.date) {
            days.push(DaySums::new(cell.date));
        }
        if let Some(day) = days.last_mut() {
            day.add(f64::from(cell.scored), &values);
        }
    }
    side.days = days.len();
    side.by_hour = by_hour.map(|sums| sums.map(|(scored, sum)| (scored > 0.0).then_some(sum / scored)));
    side.means = (!days.is_empty()).then(|| DaySums::means(&days));
    (side, days)
}
