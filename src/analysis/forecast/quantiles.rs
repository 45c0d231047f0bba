//! The quantiles of a forecast, and how far they are from what came.

/// The levels of all quantiles: every 5 %, and those of the 95 % and 99 % intervals.
pub const LEVELS: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9,
    0.95, 0.975, 0.995,
];

/// The place in [`LEVELS`] of the median.
pub const MEDIAN: usize = 11;

/// The places in [`LEVELS`] of the ends of the 80 %, 95 % and 99 % intervals.
pub const INTERVALS: [[usize; 2]; 3] = [[3, 19], [1, 21], [0, 22]];

/// One row for each lead, with a value for each level, ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles(pub Vec<[f64; LEVELS.len()]>);

impl Quantiles {
    /// The same quantiles, held within a range.
    #[must_use]
    pub fn within(mut self, [low, high]: [f64; 2]) -> Self {
        self.0.iter_mut().flatten().for_each(|value| *value = value.clamp(low, high));
        self
    }

    /// The same medians with all distances from them multiplied by a factor, which depends on lead and level.
    #[must_use]
    pub fn stretched(mut self, factor: impl Fn(usize, f64) -> f64) -> Self {
        for (lead, row) in self.0.iter_mut().enumerate() {
            let middle = row[MEDIAN];
            for (value, level) in row.iter_mut().zip(LEVELS) {
                *value = middle + (*value - middle) * factor(lead, level);
            }
            // Factors that fall towards the ends could cross quantiles.
            row.sort_unstable_by(f64::total_cmp);
        }
        self
    }
}

/// The continuous ranked probability score of quantiles at [`LEVELS`]: twice the pinball loss, integrated over the
/// levels by the trapezoidal rule (Gneiting and Ranjan, 2011). It has the unit of the value; for a single point it is the absolute
/// error.
pub fn crps(quantiles: &[f64; LEVELS.len()], outcome: f64) -> f64 {
    let mut sum = 0.0;
    for (place, (quantile, level)) in quantiles.iter().zip(LEVELS).enumerate() {
        let off = outcome - quantile;
        let loss = if off >= 0.0 { level * off } else { (level - 1.0) * off };
        sum += loss * weight(place);
    }
    2.0 * sum
}

/// The share of all levels that a level stands for: half of the distance between its neighbors, up to 0 and 1 at the ends.
fn weight(place: usize) -> f64 {
    let below = if place == 0 { 0.0 } else { (LEVELS[place - 1] + LEVELS[place]) / 2.0 };
    let above = if place + 1 == LEVELS.len() { 1.0 } else { (LEVELS[place] + LEVELS[place + 1]) / 2.0 };
    above - below
}
