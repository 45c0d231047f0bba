//! The buckets of etcd's histograms: a percentile is interpolated inside of one, so no forecast of it is finer.

/// The end of the first bucket in seconds, and how many buckets with an end there are, each twice as wide as the one
/// before: `prometheus.ExponentialBuckets(0.001, 2, 14)` for `etcd_disk_wal_fsync_duration_seconds` in
/// server/storage/wal/metrics.go and `etcd_disk_backend_commit_duration_seconds` in server/storage/backend/metrics.go of
/// etcd.
const FIRST: f64 = 0.001;
const COUNT: i32 = 14;

/// The bucket of a percentile, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bucket {
    /// Its lower end.
    pub(crate) low: f64,
    /// Its upper end; `None` above the last one that has an end, whose readings are all 8.192 s.
    pub(crate) high: Option<f64>,
}

impl Bucket {
    /// The bucket of a duration in seconds.
    pub(crate) fn of(seconds: f64) -> Self {
        let mut bucket = Self { low: 0.0, high: Some(FIRST) };
        for power in 1..=COUNT {
            let end = FIRST * 2_f64.powi(power - 1);
            // A reading on the end of the last bucket is one that Prometheus cut off there.
            if seconds < end || (seconds <= end && power < COUNT) {
                return bucket;
            }
            let next = FIRST * 2_f64.powi(power);
            bucket = Self { low: end, high: (power < COUNT).then_some(next) };
        }
        bucket
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
