//! Statistics for the rules: medians, a slope that is robust against outliers, and Fisher's exact test.

/// The median, or the mean of the two middle values if their number is even; reorders `values`.
pub(in crate::analysis) fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let is_even = values.len().is_multiple_of(2);
    let (lower, &mut middle, _) = values.select_nth_unstable_by(values.len() / 2, f64::total_cmp);
    let below = lower.iter().copied().max_by(f64::total_cmp).filter(|_| is_even);
    Some(below.map_or(middle, |below| f64::midpoint(below, middle)))
}

/// The highest value that is reached or exceeded for at least this share of the total weight.
pub(super) fn reached(mut weighted: Vec<(f64, i64)>, share: f64) -> Option<f64> {
    weighted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let enough = weighted.iter().map(|(_, weight)| weight).sum::<i64>() as f64 * share;
    let mut passed = 0.0;
    weighted.into_iter().find_map(|(value, weight)| {
        passed += weight as f64;
        (passed >= enough).then_some(value)
    })
}

/// A slope with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slope {
    pub(super) estimate: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The 2.5 % quantile of the normal distribution.
const Z: f64 = -1.959_963_984_540_054;

/// The Theil-Sen slope (median of the slopes of all pairs) with Sen's 95 % interval (P. K. Sen, 1968), corrected
/// for ties in `y`. Values of `x` must be strictly ascending. `None` with fewer than two points.
pub(super) fn theil_sen(points: &[(f64, f64)]) -> Option<Slope> {
    let pairs = points.iter().enumerate().flat_map(|(i, a)| points[i + 1..].iter().map(move |b| (a, b)));
    let mut slopes: Vec<f64> = pairs.map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect();
    let estimate = median(&mut slopes)?;
    slopes.sort_unstable_by(f64::total_cmp);
    let mut y: Vec<f64> = points.iter().map(|(_, y)| *y).collect();
    y.sort_unstable_by(f64::total_cmp);
    let term = |n: usize| (n * (n - 1) * (2 * n + 5)) as f64;
    let ties: f64 = y.chunk_by(|a, b| a == b).map(|tied| term(tied.len())).sum();
    let spread = Z * ((term(points.len()) - ties) / 18.0).sqrt();
    let count = slopes.len() as f64;
    let upper = (((count - spread) / 2.0).round_ties_even() as usize).min(slopes.len() - 1);
    let lower = (((count + spread) / 2.0).round_ties_even() - 1.0).max(0.0) as usize;
    Some(Slope { estimate, low: slopes[lower], high: slopes[upper] })
}

/// Logarithms of factorials, computed once for all exact tests of a cluster.
#[derive(Debug)]
pub(super) struct Factorials(Vec<f64>);

impl Factorials {
    pub(super) fn up_to(most: usize) -> Self {
        let mut logs = vec![0.0; most + 1];
        for n in 1..=most {
            logs[n] = logs[n - 1] + (n as f64).ln();
        }
        Self(logs)
    }

    fn choose(&self, n: usize, k: usize) -> f64 {
        self.0[n] - self.0[k] - self.0[n - k]
    }

    /// One-sided p-value of Fisher's exact test: the probability that at least `hits` of `drawn` are hits by chance, if
    /// `all_hits` of `all` are hits.
    pub(super) fn fisher(&self, hits: usize, drawn: usize, all_hits: usize, all: usize) -> f64 {
        let total = self.choose(all, drawn);
        let most = drawn.min(all_hits);
        // At least `drawn + all_hits - all` must be hits, because only `all - all_hits` can be misses.
        let least = hits.max((drawn + all_hits).saturating_sub(all));
        let chance = |k: usize| (self.choose(all_hits, k) + self.choose(all - all_hits, drawn - k) - total).exp();
        (least..=most).map(chance).sum::<f64>().min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from `scipy.stats.theilslopes` of SciPy 1.17.
    #[test]
    fn the_slope_and_its_interval_match_scipy() {
        let slope = |estimate, low, high| Slope { estimate, low, high };
        let evenly = |y: &[f64]| theil_sen(&y.iter().enumerate().map(|(x, y)| (x as f64, *y)).collect::<Vec<_>>());
        let tied = [10.0, 12.5, 13.0, 17.0, 17.0, 22.0, 21.0, 26.5, 30.0, 29.0];
        assert_eq!(
            evenly(&tied),
            Some(slope(2.333_333_333_333_333_5, 1.833_333_333_333_333_3, 2.666_666_666_666_666_5))
        );
        assert_eq!(evenly(&[1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 9.0]), Some(slope(0.5, 0.0, 1.75)));
        let (x, y) = ([0.0, 1.0, 2.0, 4.0, 7.0, 8.0, 11.0], [5.0, 4.0, 6.0, 7.5, 8.0, 30.0, 9.0]);
        let points: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        assert_eq!(theil_sen(&points), Some(slope(0.5, 0.214_285_714_285_714_27, 3.714_285_714_285_714_4)));
        assert_eq!(theil_sen(&[(0.0, 1.0)]), None);
    }

    /// Expected values from `scipy.stats.fisher_exact(…, alternative="greater")` of SciPy 1.17.
    #[test]
    fn the_exact_test_matches_scipy() {
        let factorials = Factorials::up_to(200);
        for (hits, drawn, all_hits, all, expected) in [
            (7, 7, 21, 168, 1.761_048_462_051_968_8e-7),
            (2, 2, 10, 168, 0.003_207_869_974_337_039_8),
            (3, 8, 8, 191, 0.002_478_968_033_622_753),
            (5, 8, 5, 60, 1.025_357_080_603_320_1e-5),
            (4, 9, 20, 52, 0.480_579_734_788_800_5),
            (0, 5, 3, 20, 1.0),
        ] {
            let p = factorials.fisher(hits, drawn, all_hits, all);
            assert!((p / expected - 1.0).abs() < 1e-9, "{hits} of {drawn}, {all_hits} of {all}: {p}");
        }
    }

    #[test]
    fn the_median_of_an_even_number_of_values_is_the_mean_of_the_middle_two() {
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut []), None);
    }

    #[test]
    fn reached_returns_the_value_exceeded_for_the_given_share_of_time() {
        let weighted = vec![(10.0, 30), (7.0, 60), (9.0, 10)];
        assert_eq!(reached(weighted.clone(), 0.25), Some(10.0));
        assert_eq!(reached(weighted.clone(), 0.35), Some(9.0));
        assert_eq!(reached(weighted, 0.9), Some(7.0));
        assert_eq!(reached(Vec::new(), 0.5), None);
    }
}
