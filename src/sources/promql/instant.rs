//! Instant selectors: the most recent sample of a series.

use super::window::first_index;
use super::{Column, Series, Version, is_stale_marker};

/// How far back an instant selector looks by default, in milliseconds (`--query.lookback-delta`).
pub const DEFAULT_LOOKBACK_MS: i64 = 300_000;

/// The most recent value at each of the ascending evaluation times. `None` where the latest sample is older than the
/// look-back or is a staleness marker.
pub fn instant(series: &Series<'_>, lookback_ms: i64, times_ms: &[i64], version: Version) -> Column {
    let (timestamps_ms, values) = (series.timestamps_ms(), series.values());
    let mut seen = 0;
    let value_at = |&time_ms: &i64| {
        seen = first_index(timestamps_ms, seen, |t| t <= time_ms);
        let latest = seen.checked_sub(1)?;
        let age_ms = time_ms.saturating_sub(timestamps_ms[latest]);
        // A sample at the evaluation time itself counts even if the look-back is zero.
        let current = age_ms == 0 || age_ms < lookback_ms || (age_ms == lookback_ms && !version.has_left_open_ranges());
        (current && !is_stale_marker(values[latest])).then_some(values[latest])
    };
    times_ms.iter().map(value_at).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::stale_marker;
    use super::*;

    #[test]
    fn a_sample_counts_until_the_look_back_or_a_staleness_marker_ends_it() {
        let values = [1.0, 2.0, stale_marker(), 4.0];
        let series = Series::new(&[10, 20, 30, 40], &values).unwrap();
        let times = [9, 10, 19, 20, 29, 30, 39, 40, 44, 45, 46];
        let none = None;
        let old = instant(&series, 5, &times, "2.55".parse().unwrap());
        assert_eq!(old, [none, Some(1.0), none, Some(2.0), none, none, none, Some(4.0), Some(4.0), Some(4.0), none]);
        let new = instant(&series, 5, &times, Version::default());
        assert_eq!(new, [none, Some(1.0), none, Some(2.0), none, none, none, Some(4.0), Some(4.0), none, none]);
        let long = instant(&series, DEFAULT_LOOKBACK_MS, &times, Version::default());
        let one = Some(1.0);
        let two = Some(2.0);
        let four = Some(4.0);
        assert_eq!(long, [none, one, one, two, two, none, none, four, four, four, four]);
        let zero = instant(&series, 0, &[10, 11], Version::default());
        assert_eq!(zero, [one, none]);
    }
}
