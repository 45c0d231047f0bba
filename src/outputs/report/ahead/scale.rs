//! The heights of readings in a fan, and the ticks beside it.

use crate::analysis::findings::reading;
use crate::spec::{Metric, Unit};

/// The height of the plot in pixels.
pub(super) const HEIGHT: f64 = 120.0;
/// How far above everything else the intervals may stretch the scale. What is higher is cut.
const STRETCH: f64 = 4.0;
/// Most ticks with a label.
const TICKS: usize = 4;
/// The shortest bucket of etcd's latency histograms, in seconds; each further one is twice as long.
const BUCKET: f64 = 0.001;

/// From readings to heights. Times are drawn by their logarithm: 5 ms and 5 s on one chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    metric: Metric,
    low: f64,
    high: f64,
}

impl Scale {
    /// A scale for what is drawn: `sure` readings, thresholds and medians as they are, and the ends of intervals as far as
    /// they stretch it only moderately.
    pub(super) fn of(metric: Metric, sure: &[f64], ends: &[f64]) -> Self {
        let positive =
            |values: &[f64]| values.iter().copied().filter(|v| v.is_finite() && *v > 0.0).collect::<Vec<_>>();
        let (sure, ends) = (positive(sure), positive(ends));
        let top = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let bottom = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = if sure.is_empty() { top(&ends) } else { top(&ends).min(STRETCH * top(&sure)).max(top(&sure)) };
        let highest = if highest > 0.0 { highest } else { 1.0 };
        if metric.unit() != Unit::Seconds {
            return Self { metric, low: 0.0, high: highest * 1.08 };
        }
        let lowest = bottom(&ends).max(bottom(&sure) / STRETCH).min(bottom(&sure)).min(highest);
        Self { metric, low: (lowest * 0.8).ln(), high: (highest * 1.2).ln() }
    }

    /// The distance from the upper edge in pixels, within the plot.
    pub(super) fn y(self, value: f64) -> f64 {
        let value = if self.metric.unit() == Unit::Seconds { value.max(1e-9).ln() } else { value };
        let share = (value - self.low) / (self.high - self.low);
        HEIGHT * (1.0 - share.clamp(0.0, 1.0))
    }

    /// Readings with a label: bounds of histogram buckets, or round numbers.
    pub(super) fn ticks(self) -> Vec<(f64, String)> {
        let values: Vec<f64> = match self.metric.unit() {
            Unit::Seconds => {
                let is_inside = |value: &f64| (self.low..=self.high).contains(&value.ln());
                (0..14).map(|power| BUCKET * 2_f64.powi(power)).filter(is_inside).collect()
            }
            unit => {
                let base: f64 = if matches!(unit, Unit::Bytes | Unit::BytesPerSecond) { 1024.0 } else { 1000.0 };
                let step = round_step(self.high / TICKS as f64, base);
                (0..=TICKS + 1).map(|place| place as f64 * step).filter(|value| *value <= self.high).collect()
            }
        };
        let every = values.len().div_ceil(TICKS).max(1);
        values.into_iter().step_by(every).map(|value| (value, self.label(value))).collect()
    }

    fn label(self, value: f64) -> String {
        reading(self.metric, value).replace(".00 ", " ")
    }
}

/// The smallest of 1, 2, 5, 10 … 500 times a power of 1000 or 1024 that is at least this.
fn round_step(least: f64, base: f64) -> f64 {
    let mut scale = 1.0;
    while least > 500.0 * scale && scale < 1e18 {
        scale *= base;
    }
    let factors = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];
    factors.into_iter().map(|factor| factor * scale).find(|step| *step >= least).unwrap_or(500.0 * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_have_the_bounds_of_histogram_buckets_as_ticks() {
        let ticks = |sure: &[f64]| {
            Scale::of(Metric::WalFsync, sure, &[]).ticks().into_iter().map(|(_, label)| label).collect::<Vec<_>>()
        };
        assert_eq!(ticks(&[0.0018, 0.011]), ["2 ms", "4 ms", "8 ms"]);
        // Eight bounds: every second one has a label.
        assert_eq!(ticks(&[0.0009, 0.2]), ["1 ms", "4 ms", "16 ms", "64 ms"]);
        let sizes: Vec<String> =
            Scale::of(Metric::DbSize, &[1.9 * 1024.0_f64.powi(3)], &[]).ticks().into_iter().map(|(_, l)| l).collect();
        assert_eq!(sizes, ["0 B", "1 GiB", "2 GiB"]);
    }

    #[test]
    fn heights_stay_within_the_plot_and_bad_values_do_not_break_it() {
        for metric in [Metric::WalFsync, Metric::OpenFds] {
            for sure in [&[][..], &[0.0], &[f64::NAN, 5.0], &[1e300, 1e-300]] {
                let scale = Scale::of(metric, sure, &[f64::INFINITY, -1.0]);
                for value in [0.0, 5.0, f64::MAX, -3.0] {
                    assert!((0.0..=HEIGHT).contains(&scale.y(value)), "{metric} {sure:?} {value}: {}", scale.y(value));
                }
            }
        }
    }

    #[test]
    fn wide_intervals_stretch_the_scale_only_so_far() {
        let scale = Scale::of(Metric::OpenFds, &[100.0], &[1e6]);
        assert!((scale.y(100.0) - HEIGHT * (1.0 - 100.0 / 432.0)).abs() < 1e-9, "{}", scale.y(100.0));
    }
}
