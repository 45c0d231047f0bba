//! The buckets of etcd's histograms: a percentile is interpolated inside of one, so no forecast of it is finer.

use crate::analysis::explain::{LAST_BUCKET_SECONDS, bucket};

/// The bucket of a percentile, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::outputs) struct Bucket {
    /// Its lower end.
    pub(in crate::outputs) low: f64,
    /// Its upper end; `None` above the last one that has an end, whose readings are all 8.192 s.
    pub(in crate::outputs) high: Option<f64>,
}

impl Bucket {
    /// The bucket of a duration in seconds.
    pub(in crate::outputs) fn of(seconds: f64) -> Self {
        // A reading on the end of the last bucket with an end is one that Prometheus cut off there.
        match bucket(seconds.max(0.0)).filter(|_| seconds < LAST_BUCKET_SECONDS) {
            Some((low, high)) => Self { low, high: Some(high) },
            None => Self { low: LAST_BUCKET_SECONDS, high: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends were doubled by hand from 1 ms, as in the buckets that a running etcd exposes.
    #[test]
    fn a_duration_is_in_the_bucket_whose_end_is_not_below_it() {
        for (seconds, low, high) in [
            (0.0, 0.0, Some(0.001)),
            (0.001, 0.0, Some(0.001)),
            (0.001_000_1, 0.001, Some(0.002)),
            (0.003, 0.002, Some(0.004)),
            (0.016, 0.008, Some(0.016)),
            (4.096, 2.048, Some(4.096)),
            (8.191, 4.096, Some(8.192)),
            (8.192, 8.192, None),
            (1e9, 8.192, None),
        ] {
            assert_eq!(Bucket::of(seconds), Bucket { low, high }, "{seconds}");
        }
    }
}
