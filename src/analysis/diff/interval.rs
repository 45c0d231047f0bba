//! Confidence interval of a difference of means: a block bootstrap over days.
//!
//! Consecutive hours are correlated, and days somewhat less, so resampling hours would make almost any difference
//! look significant. Whole local days are resampled instead, in blocks of several days for longer periods: the
//! moving block bootstrap (H. R. Künsch, Annals of Statistics 17 (1989) 1217), made circular so that all days are
//! drawn equally often (D. N. Politis, J. P. Romano, "A circular block-resampling procedure", 1992). The block
//! length is the cube root of the number of days, rounded down, or less if a resample would have fewer than seven
//! blocks: 1 day for 7 days, 2 for 14, 3 for 30, 7 for 365.
//!
//! With few blocks, a percentile interval is too narrow. Two corrections by T. C. Hesterberg ("What Teachers
//! Should Know About the Bootstrap", The American Statistician 69 (2015) 371) widen it: deviations from the mean
//! are multiplied by √(n/(n−1)) for n blocks, and Student's t with n−1 degrees of freedom (of the side with
//! fewer blocks) sets the percentiles.

use super::QUANTITIES;
use crate::time::UtcDay;

/// Minimum number of days with a score on each side; with fewer days there is no interval.
pub(crate) const MIN_DAYS: usize = 7;
pub(crate) const RESAMPLES: usize = 4000;
/// Seed of the random numbers, constant so that the same cells always give the same interval. Any value would do.
const SEED: u64 = 0x6574_6364;

/// A 95 % confidence interval, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Sums over the scored steps of one local day.
#[derive(Clone, Debug)]
pub(super) struct DaySums {
    pub(super) date: UtcDay,
    scored: f64,
    totals: [f64; QUANTITIES],
}

impl DaySums {
    pub(super) fn new(date: UtcDay) -> Self {
        Self { date, scored: 0.0, totals: [0.0; QUANTITIES] }
    }

    /// Adds a cell with its number of scored steps and its means.
    pub(super) fn add(&mut self, scored: f64, means: &[f64; QUANTITIES]) {
        self.scored += scored;
        for (total, mean) in self.totals.iter_mut().zip(means) {
            *total += scored * mean;
        }
    }

    /// Means over the scored steps of one or more days.
    pub(super) fn means<'a>(days: impl IntoIterator<Item = &'a Self>) -> [f64; QUANTITIES] {
        let Self { scored, totals, .. } = Self::sum(days);
        totals.map(|total| total / scored)
    }

    fn sum<'a>(days: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::new(UtcDay::from_days(0));
        for day in days {
            sum.scored += day.scored;
            for (sum, total) in sum.totals.iter_mut().zip(&day.totals) {
                *sum += total;
            }
        }
        sum
    }
}

/// The interval of each quantity's difference, after minus before; `None` if a side has too few days.
pub(super) fn intervals(before: &[DaySums], after: &[DaySums]) -> Option<[Interval; QUANTITIES]> {
    if before.len().min(after.len()) < MIN_DAYS {
        return None;
    }
    let mut draws = Draws(SEED);
    let sides = [before, after].map(Blocks::of);
    let fewest = sides[0].drawn.min(sides[1].drawn);
    let mut differences: [Vec<f64>; QUANTITIES] = std::array::from_fn(|_| Vec::with_capacity(RESAMPLES));
    for _ in 0..RESAMPLES {
        let [before, after] = [0, 1].map(|side| sides[side].draw(&mut draws));
        for (quantity, values) in differences.iter_mut().enumerate() {
            values.push(after[quantity] - before[quantity]);
        }
    }
    let tail = normal_below(-student_975(fewest - 1));
    Some(differences.map(|mut values| {
        values.sort_unstable_by(f64::total_cmp);
        Interval { low: quantile(&values, tail), high: quantile(&values, 1.0 - tail) }
    }))
}

/// The days of one side as overlapping blocks of consecutive days. One block begins at each day.
struct Blocks {
    blocks: Vec<DaySums>,
    /// Number of blocks in a resample.
    drawn: usize,
    means: [f64; QUANTITIES],
    /// Factor for deviations from the mean, which are too small with few blocks: √(n/(n−1)) for n = `drawn`.
    stretch: f64,
}

impl Blocks {
    fn of(days: &[DaySums]) -> Self {
        let length = block_length(days.len());
        let drawn = days.len() / length;
        let block = |first| DaySums::sum(days.iter().cycle().skip(first).take(length));
        Self {
            blocks: (0..days.len()).map(block).collect(),
            drawn,
            means: DaySums::means(days),
            stretch: (drawn as f64 / (drawn as f64 - 1.0)).sqrt(),
        }
    }

    /// Means of one resample of blocks, drawn with replacement. Deviations from the side's
    /// means are multiplied by `stretch`.
    fn draw(&self, draws: &mut Draws) -> [f64; QUANTITIES] {
        let drawn = DaySums::means((0..self.drawn).map(|_| &self.blocks[draws.below(self.blocks.len())]));
        std::array::from_fn(|q| self.means[q] + (drawn[q] - self.means[q]) * self.stretch)
    }
}

/// Block length in days: the cube root of `days`, rounded down, or less if that
/// leaves fewer than [`MIN_DAYS`] blocks.
fn block_length(days: usize) -> usize {
    let longest = days / MIN_DAYS;
    (1..=longest).take_while(|length| length.pow(3) <= days).last().unwrap_or(1)
}

/// Random numbers by SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014): four lines instead of a crate.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A random number below `end`, by multiplication instead of modulo. Its bias is below 2⁻⁵⁰ for
    /// any realistic number of days.
    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}

/// A quantile by linear interpolation between order statistics, like NumPy's default.
fn quantile(sorted: &[f64], level: f64) -> f64 {
    let place = level * (sorted.len() - 1) as f64;
    let (from, share) = (place.floor() as usize, place.fract());
    let to = (from + 1).min(sorted.len() - 1);
    sorted[from] + (sorted[to] - sorted[from]) * share
}

/// The 97.5 % quantile of Student's t, by the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5). The error is
/// below 0.002 from 6 degrees of freedom on.
fn student_975(freedom: usize) -> f64 {
    let (z, n) = (1.959_963_984_540_054_f64, freedom as f64);
    let terms = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
    ];
    z + terms[0] / n + terms[1] / n.powi(2) + terms[2] / n.powi(3)
}

/// The standard normal distribution function for `z` ≤ 0 (Abramowitz and Stegun 26.2.17), with an error below 1e-7.
fn normal_below(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let factors = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = factors.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    sum * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    /// Synthetic days of 24 hourly cells each: an AR(1) series around `level`.
    fn series(draws: &mut Draws, days: i32, level: f64, correlation: f64) -> Vec<DaySums> {
        let mut uniform = || (draws.next() >> 11) as f64 / (1_u64 << 53) as f64;
        // Normally distributed numbers, by the Box-Muller transform.
        let mut normal = || (-2.0 * (1.0 - uniform()).ln()).sqrt() * (2.0 * std::f64::consts::PI * uniform()).cos();
        let mut state = normal();
        let days = (0..days).map(|day| {
            let mut sums = DaySums::new(UtcDay::from_days(day));
            for _ in 0..24 {
                state = correlation * state + (1.0 - correlation * correlation).sqrt() * normal();
                sums.add(60.0, &[level + state; QUANTITIES]);
            }
            sums
        });
        days.collect()
    }

    #[test]
    fn about_95_percent_of_intervals_contain_the_true_difference_of_correlated_hours() {
        for (days, correlation) in [(7, 0.5), (7, 0.8), (14, 0.8), (14, 0.9), (30, 0.9), (30, 0.95), (90, 0.95)] {
            let mut draws = Draws(days as u64);
            let holds = |_: &usize| {
                let before = series(&mut draws, days, 8.0, correlation);
                let after = series(&mut draws, days + 3, 8.5, correlation);
                let [interval, ..] = intervals(&before, &after).unwrap();
                interval.low <= 0.5 && 0.5 <= interval.high
            };
            let held = (0..200).filter(holds).count();
            println!("{days} days, correlation {correlation}: {held} of 200");
            assert!((180..=198).contains(&held), "{days} days, correlation {correlation}: {held} of 200");
        }
    }

    #[test]
    fn block_length_grows_with_the_cube_root_of_the_days() {
        let lengths = [7, 13, 14, 26, 27, 30, 64, 365].map(block_length);
        assert_eq!(lengths, [1, 1, 2, 2, 3, 3, 4, 7]);
    }

    #[test]
    fn a_block_begins_at_each_day_and_the_last_one_wraps_around_to_the_first_day() {
        let days: Vec<DaySums> = (0..15)
            .map(|day| {
                let mut sums = DaySums::new(UtcDay::from_days(day));
                // Each day has its own power of two as its number of scored steps, so the sum of a block identifies its days.
                sums.add(f64::from(1_u32 << day), &[f64::from(day); QUANTITIES]);
                sums
            })
            .collect();
        let blocks = Blocks::of(&days);
        // 15 days give blocks of two days, seven blocks in a resample, and a stretch of √(7/6).
        assert_eq!((blocks.blocks.len(), blocks.drawn), (15, 7));
        assert!((blocks.stretch - 1.080_123_449_734_643_5).abs() < 1e-15, "{}", blocks.stretch);
        let steps: Vec<f64> = blocks.blocks.iter().map(|block| block.scored).collect();
        let pairs: Vec<f64> = (0..14).map(|day| f64::from(3_u32 << day)).chain([16_384.0 + 1.0]).collect();
        assert_eq!(steps, pairs);
        // Blocks are two days long and wrap around, so the last one holds days 14 and 0. Day n adds n × 2^n to each
        // total: here 14 × 16,384, and nothing for day 0.
        assert_eq!(blocks.blocks[14].totals, [16_384.0 * 14.0; QUANTITIES]);
    }

    #[test]
    fn fewer_than_seven_days_on_a_side_give_no_interval() {
        let mut draws = Draws(1);
        let (six, seven) = (series(&mut draws, 6, 8.0, 0.5), series(&mut draws, 7, 8.0, 0.5));
        assert!(intervals(&six, &seven).is_none() && intervals(&seven, &six).is_none());
        assert!(intervals(&seven, &seven).is_some());
    }

    /// Expected values from SciPy: stats.t.ppf(0.975, n), stats.norm.cdf(z).
    #[test]
    fn approximated_quantiles_match_scipy() {
        for (freedom, expected) in [(6, 2.446_911_8), (13, 2.160_368_7), (29, 2.045_229_6), (364, 1.966_502_6)] {
            assert!((student_975(freedom) - expected).abs() < 2e-3, "{freedom}: {}", student_975(freedom));
        }
        for (z, expected) in [(-2.446_911_8, 0.007_204_1), (-1.966_502_6, 0.024_620_2), (-1.96, 0.024_997_9)] {
            assert!((normal_below(z) - expected).abs() < 1e-6, "{z}: {}", normal_below(z));
        }
    }
}
