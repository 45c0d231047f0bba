//! The samples of one series, and staleness markers.

use std::borrow::Cow;

use crate::time::format_instant;

/// The NaN that Prometheus writes when a target or a series is gone.
const STALE_MARKER_BITS: u64 = 0x7ff0_0000_0000_0002;

/// Whether the value is a staleness marker. Any other NaN is a value that the target exposed.
pub fn is_stale_marker(value: f64) -> bool {
    value.to_bits() == STALE_MARKER_BITS
}

/// The staleness marker.
pub fn stale_marker() -> f64 {
    f64::from_bits(STALE_MARKER_BITS)
}

/// Samples that are not a series.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SeriesError {
    /// A sample lacks its timestamp or its value.
    #[error("a series has {timestamps} timestamps and {values} values")]
    UnequalLengths {
        /// The number of timestamps.
        timestamps: usize,
        /// The number of values.
        values: usize,
    },
    /// A timestamp is not later than the one before it.
    #[error("the samples of a series are not in order: {} follows {}", format_instant(*.later_ms), format_instant(*.earlier_ms))]
    OutOfOrder {
        /// The timestamp that comes first, in milliseconds since 1970.
        earlier_ms: i64,
        /// The timestamp that follows it, in milliseconds since 1970.
        later_ms: i64,
    },
}

/// The samples of one series, in ascending order of time.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    timestamps_ms: &'a [i64],
    values: &'a [f64],
}

impl<'a> Series<'a> {
    /// A series with these timestamps, in milliseconds since 1970, and the value at each.
    pub fn new(timestamps_ms: &'a [i64], values: &'a [f64]) -> Result<Self, SeriesError> {
        if timestamps_ms.len() != values.len() {
            return Err(SeriesError::UnequalLengths { timestamps: timestamps_ms.len(), values: values.len() });
        }
        match timestamps_ms.windows(2).find(|pair| pair[0] >= pair[1]) {
            Some(pair) => Err(SeriesError::OutOfOrder { earlier_ms: pair[0], later_ms: pair[1] }),
            None => Ok(Self { timestamps_ms, values }),
        }
    }

    /// The timestamps, in milliseconds since 1970.
    pub fn timestamps_ms(&self) -> &'a [i64] {
        self.timestamps_ms
    }

    /// The values, including staleness markers.
    pub fn values(&self) -> &'a [f64] {
        self.values
    }

    /// The samples that a range selector returns, which leaves staleness markers out. Copies them only if there is a
    /// marker.
    pub(super) fn without_stale_markers(&self) -> RangeSamples<'a> {
        if !self.values.iter().copied().any(is_stale_marker) {
            return RangeSamples {
                timestamps_ms: Cow::Borrowed(self.timestamps_ms),
                values: Cow::Borrowed(self.values),
            };
        }
        let pairs = self.timestamps_ms.iter().zip(self.values).filter(|(_, value)| !is_stale_marker(**value));
        let (timestamps_ms, values): (Vec<i64>, Vec<f64>) = pairs.unzip();
        RangeSamples { timestamps_ms: timestamps_ms.into(), values: values.into() }
    }
}

/// The samples of a series without staleness markers.
pub(super) struct RangeSamples<'a> {
    /// In milliseconds since 1970, ascending.
    pub(super) timestamps_ms: Cow<'a, [i64]>,
    /// The value at each timestamp.
    pub(super) values: Cow<'a, [f64]>,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn only_one_nan_is_a_staleness_marker() {
        assert!(stale_marker().is_nan());
        assert!(is_stale_marker(stale_marker()));
        assert!(!is_stale_marker(f64::NAN));
        assert!(!is_stale_marker(f64::from_bits(0x7ff8_0000_0000_0001)));
        assert!(!is_stale_marker(f64::INFINITY));
    }

    #[test]
    fn ranges_leave_out_staleness_markers_and_keep_nan() {
        let values = [1.0, stale_marker(), f64::NAN, 4.0];
        let samples = Series::new(&[1, 2, 3, 4], &values).unwrap().without_stale_markers();
        assert_eq!(*samples.timestamps_ms, [1, 3, 4]);
        assert_eq!(samples.values[0], 1.0);
        assert!(samples.values[1].is_nan());
        assert_eq!(samples.values[2], 4.0);
    }

    #[test]
    fn a_series_has_a_value_per_timestamp_in_order() {
        let lengths = Series::new(&[1, 2], &[1.0]).unwrap_err();
        assert_eq!(lengths.to_string(), "a series has 2 timestamps and 1 values");
        let order = Series::new(&[1, 3, 3], &[1.0, 2.0, 3.0]).unwrap_err();
        assert_eq!(
            order.to_string(),
            "the samples of a series are not in order: 1970-01-01T00:00:00.003Z follows 1970-01-01T00:00:00.003Z"
        );
        assert!(Series::new(&[], &[]).is_ok());
    }
}
