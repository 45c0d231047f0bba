//! `histogram_quantile` over classic buckets.

use super::{Column, Version};

/// Relative differences between counts of neighboring buckets below this come from rounding.
const SMALL_DIFFERENCE: f64 = 1e-12;

/// A series of a classic histogram: the counts, or their rates, of observations up to an upper bound.
#[derive(Clone, Copy, Debug)]
pub struct BucketColumn<'a> {
    /// The label `le`, see [`parse_le`].
    pub upper_bound: f64,
    /// The count at each evaluation time.
    pub counts: &'a [Option<f64>],
}

/// The upper bound in a label `le`; `None` for a text that is not a number in float64's range. Prometheus leaves
/// such series out. Hexadecimal numbers, which Go also reads, are not bounds of any client library.
pub fn parse_le(text: &str) -> Option<f64> {
    let bound: f64 = text.parse().ok()?;
    // Rust reads 1e999 as infinity, Go does not.
    let overflowed = bound.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit());
    (!overflowed).then_some(bound)
}

/// `histogram_quantile(q, …)` at each time over the buckets of one histogram. `None` where no bucket has a sample,
/// NaN where the quantile is unknown: no bucket `+Inf`, no other bucket, or no observations.
///
/// Three or more buckets with the same upper bound, in different spellings, are added up in the order given.
pub fn histogram_quantile(q: f64, buckets: &[BucketColumn<'_>], version: Version) -> Column {
    let mut sorted = buckets.to_vec();
    sorted.sort_by(|a, b| ascending(a.upper_bound, b.upper_bound));
    let times = sorted.iter().map(|bucket| bucket.counts.len()).max().unwrap_or(0);
    let mut present = Vec::with_capacity(sorted.len());
    let quantile_at = |time: usize| {
        present.clear();
        present.extend(sorted.iter().filter_map(|bucket| {
            let count = bucket.counts.get(time).copied().flatten()?;
            Some(Bucket { upper_bound: bucket.upper_bound, count })
        }));
        (!present.is_empty()).then(|| quantile(q, &mut present, version))
    };
    (0..times).map(quantile_at).collect()
}

/// By value; -0 equals 0. A bound that is NaN comes first, so that the order is total.
fn ascending(a: f64, b: f64) -> std::cmp::Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// A bucket at one time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    upper_bound: f64,
    /// Of observations in this bucket and all lower ones.
    count: f64,
}

/// The quantile of at least one bucket. The buckets must ascend.
fn quantile(q: f64, buckets: &mut Vec<Bucket>, version: Version) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&q) {
        return f64::INFINITY.copysign(q);
    }
    if buckets.last().is_none_or(|highest| highest.upper_bound != f64::INFINITY) {
        return f64::NAN;
    }
    merge_equal_bounds(buckets);
    if version.ignores_small_bucket_differences() {
        make_monotonic_and_ignore_small_differences(buckets);
    } else {
        make_monotonic(buckets);
    }
    let observations = buckets[buckets.len() - 1].count;
    if buckets.len() < 2 || observations == 0.0 {
        return f64::NAN;
    }
    interpolate(q * observations, buckets)
}

/// Adds up buckets whose bounds are equal numbers, such as those of `le="1"` and `le="1.0"`.
fn merge_equal_bounds(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|bucket, kept| {
        let equal = bucket.upper_bound == kept.upper_bound;
        if equal {
            kept.count += bucket.count;
        }
        equal
    });
}

/// Raises each count to the highest below it. Counts can fall if the buckets were scraped at different times.
fn make_monotonic(buckets: &mut [Bucket]) {
    let mut highest = buckets[0].count;
    for bucket in &mut buckets[1..] {
        if bucket.count > highest {
            highest = bucket.count;
        } else if bucket.count < highest {
            bucket.count = highest;
        }
    }
}

/// As [`make_monotonic`], and makes nearly equal counts equal. A NaN count becomes the one to which the next is
/// compared; before 2.49 it was passed over.
fn make_monotonic_and_ignore_small_differences(buckets: &mut [Bucket]) {
    let mut highest = buckets[0].count;
    for bucket in &mut buckets[1..] {
        if nearly_equal(highest, bucket.count) || bucket.count < highest {
            bucket.count = highest;
        } else {
            highest = bucket.count;
        }
    }
}

/// Whether the counts differ only by rounding.
fn nearly_equal(a: f64, b: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let total = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || total < f64::MIN_POSITIVE {
        return difference < SMALL_DIFFERENCE * f64::MIN_POSITIVE;
    }
    difference / total.min(f64::MAX) < SMALL_DIFFERENCE
}

/// The value at this rank, assuming that observations are spread evenly within their bucket and that the lowest
/// bucket starts at 0.
fn interpolate(rank: f64, buckets: &[Bucket]) -> f64 {
    let highest = buckets.len() - 1;
    let index = first_that_reaches(rank, &buckets[..highest]);
    if index == highest {
        return buckets[highest - 1].upper_bound;
    }
    let bucket = buckets[index];
    if index == 0 && bucket.upper_bound <= 0.0 {
        return bucket.upper_bound;
    }
    let zero = Bucket { upper_bound: 0.0, count: 0.0 };
    let below = index.checked_sub(1).map_or(zero, |index| buckets[index]);
    let share = (rank - below.count) / (bucket.count - below.count);
    below.upper_bound + (bucket.upper_bound - below.upper_bound) * share
}

/// The index of the first bucket whose count is at least the rank, or the number of buckets. The steps are those of
/// Go's `sort.Search`: if counts are NaN, the result depends on them.
fn first_that_reaches(rank: f64, buckets: &[Bucket]) -> usize {
    let (mut low, mut high) = (0, buckets.len());
    while low < high {
        let middle = low.midpoint(high);
        if buckets[middle].count >= rank {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    fn quantile_of(q: f64, buckets: &[(f64, f64)], version: &str) -> f64 {
        let counts: Vec<[Option<f64>; 1]> = buckets.iter().map(|(_, count)| [Some(*count)]).collect();
        let columns = |(bucket, counts): (&(f64, f64), _)| BucketColumn { upper_bound: bucket.0, counts };
        let columns: Vec<BucketColumn<'_>> =
            buckets.iter().zip(counts.iter().map(|counts| counts.as_slice())).map(columns).collect();
        histogram_quantile(q, &columns, version.parse().unwrap())[0].unwrap()
    }

    #[test]
    fn a_quantile_is_interpolated_within_its_bucket() {
        let buckets = [(INF, 12.0), (1.0, 2.0), (4.0, 10.0), (2.0, 6.0)];
        assert_eq!(quantile_of(0.25, &buckets, "3"), 1.25);
        assert_eq!(quantile_of(0.5, &buckets, "3"), 2.0);
        assert_eq!(quantile_of(1.0 / 12.0, &buckets, "3"), 0.5);
        // The bucket +Inf has no upper end: the highest bound below it.
        assert_eq!(quantile_of(0.99, &buckets, "3"), 4.0);
        // The lowest bucket has no lower end if its bound is not positive.
        assert_eq!(quantile_of(0.1, &[(-1.0, 5.0), (INF, 6.0)], "3"), -1.0);
    }

    #[test]
    fn quantiles_outside_0_to_1_are_infinite() {
        let buckets = [(1.0, 1.0)];
        assert_eq!(quantile_of(-0.1, &buckets, "3"), -INF);
        assert_eq!(quantile_of(1.1, &buckets, "3"), INF);
        assert!(quantile_of(f64::NAN, &buckets, "3").is_nan());
    }

    #[test]
    fn a_quantile_that_is_unknown_is_nan() {
        assert!(quantile_of(0.5, &[(1.0, 1.0), (2.0, 2.0)], "3").is_nan());
        assert!(quantile_of(0.5, &[(INF, 2.0)], "3").is_nan());
        assert!(quantile_of(0.5, &[(1.0, 0.0), (INF, 0.0)], "3").is_nan());
    }

    #[test]
    fn buckets_without_a_sample_are_left_out() {
        let low = BucketColumn { upper_bound: 1.0, counts: &[Some(1.0), Some(1.0), None] };
        let high = BucketColumn { upper_bound: INF, counts: &[Some(2.0), None, None] };
        let column = histogram_quantile(0.5, &[high, low], Version::default());
        assert_eq!(column[0], Some(1.0));
        assert!(column[1].unwrap().is_nan());
        assert_eq!(column[2], None);
        assert!(histogram_quantile(0.5, &[], Version::default()).is_empty());
    }

    #[test]
    fn equal_bounds_add_up() {
        assert_eq!(quantile_of(0.5, &[(1.0, 1.0), (INF, 4.0), (1.0, 3.0)], "2.42"), 0.5);
    }

    #[test]
    fn falling_counts_are_raised() {
        for version in ["2.42", "3"] {
            assert_eq!(quantile_of(0.75, &[(1.0, 2.0), (2.0, 1.0), (3.0, 4.0), (INF, 4.0)], version), 2.5);
        }
    }

    #[test]
    fn from_2_49_on_counts_that_differ_by_rounding_are_equal() {
        let buckets = [(1.0, 1.0), (2.0, 1.0 + 4e-13), (3.0, 1.0 + 8e-13), (INF, 1.0 + 8e-13)];
        assert_eq!(quantile_of(1.0, &buckets, "2.48"), 3.0);
        assert_eq!(quantile_of(1.0, &buckets, "2.49"), 1.0);
        // The difference to the last bucket that was not ignored counts, not that to the neighbor.
        let creeping = [(1.0, 1.0), (2.0, 1.0 + 1.6e-12), (3.0, 1.0 + 3.2e-12), (INF, 1.0 + 3.2e-12)];
        assert_eq!(quantile_of(1.0, &creeping, "2.49"), 3.0);
    }

    /// The rank is 2.4. The search starts at the NaN, which does not reach it, so the bucket up to 1 is not found.
    /// Before 2.49, the bucket up to 3 is raised to 3 and interpolated from NaN. From then on it stays at 2, and the
    /// rank is in the bucket +Inf.
    #[test]
    fn nan_counts_follow_the_version() {
        let buckets = [(1.0, 3.0), (2.0, f64::NAN), (3.0, 2.0), (INF, 4.0)];
        assert!(quantile_of(0.6, &buckets, "2.48").is_nan());
        assert_eq!(quantile_of(0.6, &buckets, "2.49"), 3.0);
    }

    #[test]
    fn le_is_a_number() {
        assert_eq!(parse_le("+Inf"), Some(INF));
        assert_eq!(parse_le("1e-05"), Some(1e-5));
        assert_eq!(parse_le("0.0010"), Some(0.001));
        assert_eq!(parse_le("-Inf"), Some(-INF));
        for text in ["", "1e999", "-1e999", "one", "1,5"] {
            assert_eq!(parse_le(text), None, "{text}");
        }
    }
}
