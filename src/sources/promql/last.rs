//! `last_over_time`: the most recent value within a range.

use super::window::Windows;
use super::{Column, Series, Version};

/// `last_over_time(series[range])` at each of the ascending evaluation times. `None` where the range contains no sample.
/// Unlike an instant selector, it passes over staleness markers.
pub fn last_over_time(series: &Series<'_>, range_ms: i64, times_ms: &[i64], version: Version) -> Column {
    let samples = series.without_stale_markers();
    let mut windows = Windows::new(&samples.timestamps_ms, range_ms, version);
    let last_at = |&time_ms: &i64| {
        let window = windows.until(time_ms);
        (!window.is_empty()).then(|| samples.values[window.end - 1])
    };
    times_ms.iter().map(last_at).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::stale_marker;
    use super::*;

    #[test]
    fn the_last_sample_counts_until_the_range_has_passed_even_before_a_staleness_marker() {
        let values = [1.0, 2.0, stale_marker(), f64::INFINITY];
        let series = Series::new(&[10, 20, 30, 60], &values).unwrap();
        let times = [9, 10, 19, 20, 30, 39, 40, 41, 60];
        let (one, two, none) = (Some(1.0), Some(2.0), None);
        let old = last_over_time(&series, 20, &times, "2.55".parse().unwrap());
        assert_eq!(old, [none, one, one, two, two, two, two, none, Some(f64::INFINITY)]);
        let new = last_over_time(&series, 20, &times, Version::default());
        assert_eq!(new, [none, one, one, two, two, two, none, none, Some(f64::INFINITY)]);
    }
}
