//! `rate`: the per-second increase of a counter, extrapolated to the whole range.

use std::ops::Range;

use super::window::Windows;
use super::{Column, Series, Version};

/// The samples at which a counter was reset: their value is lower than the one before.
struct Resets {
    indices: Vec<usize>,
    /// The number of resets that are before the current window.
    passed: usize,
}

impl Resets {
    fn of(values: &[f64]) -> Self {
        let indices = (1..values.len()).filter(|&i| values[i] < values[i - 1]).collect();
        Self { indices, passed: 0 }
    }

    /// The resets between two samples of the window. Windows must not go back.
    fn within(&mut self, window: &Range<usize>) -> impl Iterator<Item = usize> {
        while self.indices.get(self.passed).is_some_and(|&i| i <= window.start) {
            self.passed += 1;
        }
        self.indices[self.passed..].iter().copied().take_while(|&i| i < window.end)
    }
}

/// `rate(series[range])` at each of the ascending evaluation times, per second. `None` where the range contains fewer
/// than two samples. Its cost per time is that of the counter resets in the range.
pub fn rate(series: &Series<'_>, range_ms: i64, times_ms: &[i64], version: Version) -> Column {
    let samples = series.without_stale_markers();
    let (timestamps_ms, values) = (&*samples.timestamps_ms, &*samples.values);
    let mut windows = Windows::new(timestamps_ms, range_ms, version);
    let mut resets = Resets::of(values);
    let rate_at = |&time_ms: &i64| {
        let window = windows.until(time_ms);
        if window.len() < 2 {
            return None;
        }
        let (first, last) = (window.start, window.end - 1);
        // Prometheus adds the values before resets one by one; added up on their own they would round differently.
        let increase = resets.within(&window).fold(values[last] - values[first], |sum, i| sum + values[i - 1]);
        let sampled = Sampled {
            first_ms: timestamps_ms[first],
            last_ms: timestamps_ms[last],
            intervals: last - first,
            first_value: values[first],
            increase,
        };
        Some(increase * (sampled.extrapolation(time_ms, range_ms, version) / seconds(range_ms)))
    };
    times_ms.iter().map(rate_at).collect()
}

/// The samples of a counter in a range.
struct Sampled {
    first_ms: i64,
    last_ms: i64,
    /// The number of samples less one.
    intervals: usize,
    first_value: f64,
    /// From the first to the last sample, with resets.
    increase: f64,
}

impl Sampled {
    /// The factor from the increase between the first and last sample to that of the range: the range is longer than
    /// the time between these samples.
    fn extrapolation(&self, time_ms: i64, range_ms: i64, version: Version) -> f64 {
        let to_start = (self.first_ms - (time_ms - range_ms)) as f64 / 1000.0;
        let to_end = (time_ms - self.last_ms) as f64 / 1000.0;
        let sampled = (self.last_ms - self.first_ms) as f64 / 1000.0;
        let average = sampled / self.intervals as f64;
        // A series whose next sample is overdue is assumed to end half an interval after its last one.
        let near = |duration: f64| if duration < average * 1.1 { duration } else { average / 2.0 };
        let to_start = if version.limits_extrapolation_before_zero_point() {
            self.not_below_zero(near(to_start), sampled)
        } else {
            near(self.not_below_zero(to_start, sampled))
        };
        (sampled + to_start + near(to_end)) / sampled
    }

    /// A counter is never negative: at most the seconds from the time at which it was zero, if it had always
    /// increased as fast, to the first sample.
    fn not_below_zero(&self, to_start: f64, sampled: f64) -> f64 {
        if self.increase > 0.0 && self.first_value >= 0.0 {
            let to_zero = sampled * (self.first_value / self.increase);
            if to_zero < to_start {
                return to_zero;
            }
        }
        to_start
    }
}

/// Go's `Duration.Seconds()`, which rounds whole seconds and the rest apart.
fn seconds(duration_ms: i64) -> f64 {
    (duration_ms / 1000) as f64 + (duration_ms % 1000 * 1_000_000) as f64 / 1e9
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::stale_marker;
    use super::*;

    fn rate_at(samples: &[(i64, f64)], range_s: i64, at_s: i64, version: &str) -> Option<f64> {
        let timestamps: Vec<i64> = samples.iter().map(|(t, _)| t * 1000).collect();
        let values: Vec<f64> = samples.iter().map(|(_, v)| *v).collect();
        let series = Series::new(&timestamps, &values).unwrap();
        rate(&series, range_s * 1000, &[at_s * 1000], version.parse().unwrap())[0]
    }

    #[test]
    fn a_steady_counter_is_extrapolated_to_the_whole_range() {
        let samples = [(10, 1000.0), (20, 1010.0), (30, 1020.0)];
        assert_eq!(rate_at(&samples, 30, 35, "3"), Some(1.0));
        // The range starts 25 s before the first sample: only half an interval is added.
        assert_eq!(rate_at(&samples, 40, 25, "3"), Some(10.0 * (20.0 / 10.0 / 40.0)));
    }

    #[test]
    fn fewer_than_two_samples_have_no_rate() {
        assert_eq!(rate_at(&[], 60, 60, "3"), None);
        assert_eq!(rate_at(&[(50, 1.0)], 60, 60, "3"), None);
        assert_eq!(rate_at(&[(10, 1.0), (50, stale_marker())], 60, 60, "3"), None);
        // The sample at the start of the range is outside from 3.0 on.
        assert_eq!(rate_at(&[(0, 100.0), (60, 160.0)], 60, 60, "2.55"), Some(1.0));
        assert_eq!(rate_at(&[(0, 100.0), (60, 160.0)], 60, 60, "3"), None);
    }

    /// The increase is (4 - 7) + 7 + 9, not 4 + 9 - 7 + 7.
    #[test]
    fn a_reset_adds_the_value_before_it() {
        let samples = [(10, 7.0), (20, 2.0), (30, 9.0), (40, 4.0)];
        assert_eq!(rate_at(&samples, 30, 40, "2.42"), Some(13.0 / 30.0));
        let rounded = [(10, 1e16), (20, 1.0), (30, 0.5), (40, 3.0)];
        assert_eq!(rate_at(&rounded, 30, 40, "2.42"), Some(((3.0 - 1e16) + 1e16 + 1.0) * (1.0 / 30.0)));
    }

    /// The range starts 40 s before the first sample, more than 1.1 intervals of 10 s, so 5 s are added. A zero point
    /// 7 s before the first sample is nearer than 1.1 intervals: before 2.51 it was added instead.
    #[test]
    fn from_2_51_on_a_zero_point_cannot_extend_half_an_interval() {
        let near_zero = [(100, 7.0), (110, 17.0), (120, 27.0)];
        let factor = |to_start: f64| 20.0 * ((20.0 + to_start + 0.0) / 20.0 / 60.0);
        assert_eq!(rate_at(&near_zero, 60, 120, "2.50"), Some(factor(7.0)));
        assert_eq!(rate_at(&near_zero, 60, 120, "2.51"), Some(factor(5.0)));
        let far_zero = [(100, 22.0), (110, 32.0), (120, 42.0)];
        assert_eq!(rate_at(&far_zero, 60, 120, "2.50"), Some(factor(5.0)));
        assert_eq!(rate_at(&far_zero, 60, 120, "2.51"), Some(factor(5.0)));
    }

    #[test]
    fn nan_is_no_reset_and_makes_the_rate_nan() {
        let samples = [(10, 1.0), (20, f64::NAN), (30, 3.0)];
        assert_eq!(rate_at(&samples, 20, 30, "2.42"), Some(2.0 / 20.0));
        assert!(rate_at(&samples, 20, 25, "2.42").unwrap().is_nan());
    }

    #[test]
    fn a_grid_gives_what_each_time_gives_alone() {
        let samples: Vec<(i64, f64)> = (0..300).map(|i| (i * 15 + i % 4, (i * 37 % 101) as f64)).collect();
        let timestamps: Vec<i64> = samples.iter().map(|(t, _)| t * 1000).collect();
        let values: Vec<f64> = samples.iter().map(|(_, v)| *v).collect();
        let times: Vec<i64> = (0..500).map(|i| i * 10_000).collect();
        let column = rate(&Series::new(&timestamps, &values).unwrap(), 300_000, &times, Version::default());
        for (time, value) in times.iter().zip(column) {
            assert_eq!(value, rate_at(&samples, 300, time / 1000, "3"), "{time}");
        }
    }
}
