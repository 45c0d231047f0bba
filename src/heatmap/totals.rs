//! Totals over several cells, each weighted by its number of scored steps.

use super::Cell;
use super::cell::is_idle;
use crate::spec::{METRICS, Metric};

/// Sums over several cells, from which their mean, coverage and main cause are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    points: f64,
    /// The number of scored steps.
    pub(crate) scored: u64,
    /// The number of expected steps.
    pub(crate) expected: u64,
    /// The number of idle steps.
    pub(crate) idle: u64,
    /// The lowest score; `None` without scored steps.
    pub(crate) lowest: Option<f64>,
    losses: [f64; METRICS],
}

impl Totals {
    pub(crate) fn of<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Self {
        let mut totals = Self::default();
        for cell in cells {
            totals.add(cell);
        }
        totals
    }

    fn add(&mut self, cell: &Cell) {
        self.expected += u64::from(cell.expected);
        self.idle += u64::from(cell.idle);
        let (Some(mean), Some(min)) = (cell.mean, cell.min) else { return };
        let steps = f64::from(cell.scored);
        self.points += mean * steps;
        self.scored += u64::from(cell.scored);
        self.lowest = Some(self.lowest.map_or(min, |lowest| lowest.min(min)));
        for (sum, loss) in self.losses.iter_mut().zip(cell.losses.unwrap_or_default()) {
            *sum += loss * steps;
        }
    }

    /// The mean score of all scored steps; `None` without scored steps.
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.points / self.scored as f64)
    }

    /// The points that the scored steps lost: the sum of 10 − score.
    pub(crate) fn lost(&self) -> f64 {
        (10.0 * self.scored as f64 - self.points).max(0.0)
    }

    /// The share of expected steps that are scored, 0 to 1; 0 without expected steps.
    pub(crate) fn coverage(&self) -> f64 {
        self.scored as f64 / self.expected.max(1) as f64
    }

    /// The share of expected steps that are idle, 0 to 1; 0 without expected steps.
    pub(crate) fn idle_share(&self) -> f64 {
        self.idle as f64 / self.expected.max(1) as f64
    }

    /// Whether the cells are shown as idle: no step is scored, and more of them are idle than missing.
    pub(crate) fn is_idle(&self) -> bool {
        is_idle(self.scored, self.expected, self.idle)
    }

    /// The metric with the highest loss (see [`costliest`]) and its share of all losses, 0 to 1; `None` without losses.
    pub(crate) fn worst(&self) -> Option<(Metric, f64)> {
        let all: f64 = self.losses.iter().sum();
        let of = |metric: Metric| self.losses[metric.index()];
        costliest(&Metric::ALL, of).map(|worst| (worst, of(worst) / all))
    }
}

/// The metric with the highest cost. Ties go to the first in `metrics`, which must be in the order of
/// [`Metric::ALL`]. `None` if no metric cost anything.
///
/// Costs that differ by no more than a rounding error count as a tie. The totals are sums of means in `f64`, but
/// the worst metric in `heatmap.csv` comes from integer sums, in which tied metrics are exactly equal.
pub(crate) fn costliest(metrics: &[Metric], cost: impl Fn(Metric) -> f64) -> Option<Metric> {
    const SLACK: f64 = 1e-9;
    let most = metrics.iter().copied().map(&cost).fold(0.0, f64::max);
    metrics.iter().copied().find(|&metric| most > 0.0 && cost(metric) >= most * (1.0 - SLACK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_weighted_by_scored_steps_and_unscored_cells_only_lower_coverage() {
        let wal = Metric::WalFsync;
        let cells = [
            Cell::hour(10, 12, Some(7.0), &[(wal, 3.0)]),
            Cell::hour(2, 12, Some(10.0), &[]),
            Cell::hour(0, 12, None, &[]),
        ];
        let totals = Totals::of(&cells);
        // By hand: the mean is (10 × 7 + 2 × 10) / 12 = 7.5, and 12 of 36 steps are scored.
        assert_eq!((totals.mean(), totals.lowest, totals.coverage()), (Some(7.5), Some(7.0), 1.0 / 3.0));
        assert_eq!(totals.worst(), Some((wal, 1.0)));
        assert_eq!(Totals::of(&cells[2..]), Totals { expected: 12, ..Totals::default() });
        assert_eq!((Totals::of(&cells[2..]).mean(), Totals::of(&cells[1..]).worst()), (None, None));
    }

    #[test]
    fn cells_without_a_score_are_idle_if_more_steps_are_idle_than_missing() {
        let cell = |scored, idle| Cell { idle, ..Cell::hour(scored, 12, (scored > 0).then_some(10.0), &[]) };
        for (scored, idle, expected) in
            [(0, 12, true), (0, 7, true), (0, 6, false), (0, 1, false), (0, 0, false), (1, 11, false)]
        {
            let cell = cell(scored, idle);
            assert_eq!((cell.is_idle(), Totals::of([&cell]).is_idle()), (expected, expected), "{scored} {idle}");
        }
        let totals = Totals::of(&[cell(0, 12), cell(0, 1), cell(0, 0)]);
        assert_eq!((totals.idle, totals.is_idle()), (13, false));
        assert_eq!(Totals::of(&[cell(3, 9), cell(12, 0)]).idle_share(), 9.0 / 24.0);
        assert_eq!((Totals::default().idle_share(), Totals::default().is_idle()), (0.0, false));
    }

    #[test]
    fn of_metrics_with_equal_losses_the_first_in_the_specification_is_the_worst() {
        let (wal, fds) = (Metric::WalFsync, Metric::OpenFds);
        let tied = [Cell::hour(1, 1, Some(9.0), &[(fds, 1.0)]), Cell::hour(1, 1, Some(9.0), &[(wal, 1.0)])];
        assert_eq!(Totals::of(&tied).worst(), Some((wal, 0.5)));
        // wal_fsync and open_fds each cost 2 points in total, but in `f64` 1/49 × 49 is less than 1.
        let one_of_49 = Cell::hour(49, 49, Some(10.0 - 1.0 / 49.0), &[(wal, 1.0 / 49.0)]);
        let noisy = [one_of_49.clone(), one_of_49, Cell::hour(10, 10, Some(9.8), &[(fds, 0.2)])];
        assert!(Totals::of(&noisy[..2]).losses[wal.index()] < 2.0, "the test needs a rounding error");
        assert_eq!(Totals::of(&noisy).worst().map(|(metric, _)| metric), Some(wal));
        let more = [&noisy[..], &[Cell::hour(1000, 1000, Some(9.999), &[(fds, 0.001)])]].concat();
        assert_eq!(Totals::of(&more).worst().map(|(metric, _)| metric), Some(fds), "a whole point more");
    }
}
