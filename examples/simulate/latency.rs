//! Disk latencies in the buckets of etcd's histograms.

use crate::random::Random;

/// Number of buckets: 1 ms, 2 ms … 8.192 s, and +Inf.
pub(crate) const BUCKETS: usize = 15;

/// The values of `le`, as etcd writes them.
pub(crate) const BOUNDS: [&str; BUCKETS] = [
    "0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064", "0.128", "0.256", "0.512", "1.024", "2.048",
    "4.096", "8.192", "+Inf",
];

/// A lognormal distribution, in units of the first bucket's bound: a millisecond for disks. Logarithms have base 2, so
/// bucket k ends at k.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    /// Logarithm of the median.
    pub(crate) median: f64,
    /// Standard deviation of the logarithm.
    pub(crate) deviation: f64,
}

impl Latency {
    /// The share of observations in each bucket.
    fn shares<const N: usize>(self) -> [f64; N] {
        let mut below = 0.0;
        std::array::from_fn(|bucket| {
            let reached =
                if bucket == N - 1 { 1.0 } else { normal_cdf((bucket as f64 - self.median) / self.deviation) };
            // The approximation may decrease by 1e-7 where the function is nearly flat.
            let share = (reached - below).max(0.0);
            below = reached;
            share
        })
    }

    /// Adds about `expected` observations to non-cumulative buckets.
    pub(crate) fn observe<const N: usize>(self, expected: f64, random: &mut Random, buckets: &mut [u64; N]) {
        for (bucket, share) in buckets.iter_mut().zip(self.shares::<N>()) {
            let mean = expected * share;
            // Nearly Poisson: a small expectation gives 0 or 1, a large one has a normal spread.
            if mean > 1e-4 {
                let spread = if mean > 1.0 { mean.sqrt() * random.gauss() } else { 0.0 };
                *bucket += (mean + spread + random.unit()).max(0.0) as u64;
            }
        }
    }
}

/// The mean of the observations in the first bucket of a disk histogram, in microseconds.
pub(crate) const FIRST_MEAN: u64 = 720;

/// The sum of a histogram's observations in microseconds. `first` is the mean of its first bucket: about 0.72 of the
/// upper bound, as in all buckets. `tilt` (near 0) shifts the sum a little.
pub(crate) fn sum_micros<const N: usize>(buckets: &[u64; N], first: u64, tilt: f64) -> u64 {
    let micros = buckets.iter().enumerate().map(|(bucket, count)| count * (first << bucket));
    (micros.sum::<u64>() as f64 * (1.0 + 0.02 * tilt)) as u64
}

/// Makes buckets cumulative, as Prometheus expects them.
pub(crate) fn cumulate<const N: usize>(buckets: &[u64; N]) -> [u64; N] {
    let mut below = 0;
    buckets.map(|count| {
        below += count;
        below
    })
}

/// The normal distribution function by formula 7.1.28 of Abramowitz and Stegun, accurate to 2e-7. It does not use
/// `exp`, whose last bit differs between machines.
fn normal_cdf(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let coefficients =
        [0.000_043_063_8, 0.000_276_567_2, 0.000_152_014_3, 0.009_270_527_2, 0.042_282_012_3, 0.070_523_078_4, 1.0];
    let polynomial = coefficients.into_iter().fold(0.0, |sum, c| sum * x + c);
    let (p2, p4, p8): (f64, f64, f64);
    p2 = polynomial * polynomial;
    p4 = p2 * p2;
    p8 = p4 * p4;
    let tail = 0.5 / (p8 * p8);
    if z < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_agrees_with_its_tables() {
        let table = [
            (0.0, 0.5),
            (1.0, 0.841_344_7),
            (-1.0, 0.158_655_3),
            (1.96, 0.975_002_1),
            (2.326_348, 0.99),
            (-3.0, 0.001_349_9),
        ];
        for (z, expected) in table {
            assert!((normal_cdf(z) - expected).abs() < 3e-7, "{z}: {}", normal_cdf(z));
        }
    }

    #[test]
    fn shares_add_up_and_observations_follow_them() {
        let latency = Latency { median: 0.0, deviation: 0.75 };
        let shares: [f64; BUCKETS] = latency.shares();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        assert!((shares[0] - 0.5).abs() < 1e-6);
        let mut buckets = [0; BUCKETS];
        let mut random = Random::keyed(3, &[]);
        for _ in 0..10_000 {
            latency.observe(100.0, &mut random, &mut buckets);
        }
        for (count, share) in buckets.iter().zip(shares) {
            let expected = 1e6 * share;
            // Rounding down after adding a uniform number keeps the mean; the tolerance is 10 standard deviations.
            let slack = 10.0 * expected.sqrt() + 10.0;
            assert!((*count as f64 - expected).abs() < slack, "{count} {expected}");
        }
    }

    #[test]
    fn sums_lie_between_the_buckets_bounds() {
        let mut buckets = [0; BUCKETS];
        buckets[4] = 10;
        for tilt in [-3.4, 0.0, 3.4] {
            assert!((80_000..160_000).contains(&sum_micros(&buckets, FIRST_MEAN, tilt)));
        }
    }
}
