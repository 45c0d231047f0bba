//! `changes`: how many times a value has changed within a range.

use super::window::Windows;
use super::{Column, Series, Version};

/// `changes(series[range])` at each of the ascending evaluation times. `None` where the range contains no sample. Two
/// NaNs are equal.
pub fn changes(series: &Series<'_>, range_ms: i64, times_ms: &[i64], version: Version) -> Column {
    let samples = series.without_stale_markers();
    let changes_until = running_changes(&samples.values);
    let mut windows = Windows::new(&samples.timestamps_ms, range_ms, version);
    let changes_at = |&time_ms: &i64| {
        let window = windows.until(time_ms);
        // The change from the sample before the range to its first sample does not count.
        (!window.is_empty()).then(|| (changes_until[window.end - 1] - changes_until[window.start]) as f64)
    };
    times_ms.iter().map(changes_at).collect()
}

/// The number of changes from the first sample to each sample. The changes in a range are a difference of two, so
/// a range of a day costs no more than one of a minute.
fn running_changes(values: &[f64]) -> Vec<u64> {
    let mut count = 0;
    let mut previous = None;
    let count_until = |&value: &f64| {
        let changed = previous.is_some_and(|previous: f64| value != previous && !(value.is_nan() && previous.is_nan()));
        count += u64::from(changed);
        previous = Some(value);
        count
    };
    values.iter().map(count_until).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::stale_marker;
    use super::*;

    #[test]
    fn changes_within_the_range_count() {
        let timestamps = [0, 10, 20, 30, 40, 50, 60];
        let values = [1.0, 2.0, 2.0, f64::NAN, f64::NAN, -0.0, 0.0];
        let series = Series::new(&timestamps, &values).unwrap();
        let times = [-1, 0, 10, 20, 30, 40, 50, 60, 75, 81];
        let old = changes(&series, 20, &times, "2.42".parse().unwrap());
        let expected =
            [None, Some(0.0), Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(0.0), None];
        assert_eq!(old, expected);
        let new = changes(&series, 20, &times, Version::default());
        let expected =
            [None, Some(0.0), Some(1.0), Some(0.0), Some(1.0), Some(0.0), Some(1.0), Some(0.0), Some(0.0), None];
        assert_eq!(new, expected);
    }

    #[test]
    fn a_staleness_marker_is_no_change() {
        let values = [1.0, stale_marker(), 1.0, stale_marker()];
        let series = Series::new(&[0, 10, 20, 30], &values).unwrap();
        assert_eq!(changes(&series, 100, &[30], Version::default()), [Some(0.0)]);
        assert_eq!(changes(&series, 5, &[30], Version::default()), [None]);
    }
}
