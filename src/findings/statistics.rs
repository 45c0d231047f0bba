//! Medians, a slope that no outlier moves, and an exact test.

/// The median: between the two middle ones where their number is even; sorts them.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        even if even % 2 == 0 => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}

/// The level that the values reach for at least this share of their weights, from above.
pub(super) fn reached(mut weighted: Vec<(f64, i64)>, share: f64) -> Option<f64> {
    weighted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let enough = weighted.iter().map(|(_, weight)| weight).sum::<i64>() as f64 * share;
    let mut passed = 0.0;
    weighted.into_iter().find_map(|(value, weight)| {
        passed += weight as f64;
        (passed >= enough).then_some(value)
    })
}

/// A slope with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slope {
    pub(super) estimate: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The 2.5 % quantile of the normal distribution.
const Z: f64 = -1.959_963_984_540_054;

/// Theil and Sen's slope, the median of the slopes of all pairs, and Sen's interval of it (P. K. Sen,
/// 1968), which corrects for ties of `y`; the `x` ascend strictly. `None` with less than two points.
pub(super) fn theil_sen(points: &[(f64, f64)]) -> Option<Slope> {
    let pairs = points.iter().enumerate().flat_map(|(i, a)| points[i + 1..].iter().map(move |b| (a, b)));
    let mut slopes: Vec<f64> = pairs.map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect();
    let estimate = median(&mut slopes)?;
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

/// Logarithms of factorials, for exact tests with a margin of so many.
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

    /// Fisher's exact test, one-sided: how likely at least `hits` of `drawn` are hits, by chance, where
    /// `all_hits` of `all` are.
    pub(super) fn fisher(&self, hits: usize, drawn: usize, all_hits: usize, all: usize) -> f64 {
        let total = self.choose(all, drawn);
        let most = drawn.min(all_hits);
        // Fewer hits than these do not leave room for the rest among what was not drawn.
        let least = hits.max((drawn + all_hits).saturating_sub(all));
        let chance = |k: usize| (self.choose(all_hits, k) + self.choose(all - all_hits, drawn - k) - total).exp();
        (least..=most).map(chance).sum::<f64>().min(1.0)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_reached_for_its_share_of_the_time() {
        let weighted = vec![(10.0, 30), (7.0, 60), (9.0, 10)];
        assert_eq!(reached(weighted.clone(), 0.25), Some(10.0));
        assert_eq!(reached(weighted.clone(), 0.35), Some(9.0));
        assert_eq!(reached(weighted, 0.9), Some(7.0));
        assert_eq!(reached(Vec::new(), 0.5), None);
    }
}
