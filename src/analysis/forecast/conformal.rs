//! Split conformal intervals: the quantiles of signed residuals of earlier origins, and their adaptation to misses.

use std::collections::VecDeque;

use super::leads::{BUCKET_HOURS, Leads, RESIDUAL_BUCKETS};
use super::model::Shape;
use super::quantiles::{LEVELS, Quantiles};

/// Fewest residuals in a bucket before a forecast gets intervals.
pub const FEWEST_RESIDUALS: usize = 20;

/// The smallest spread that residuals are divided by, as a share of the mean spread of all forecasts so far. Without it, the first
/// change after days without any would be millions of spreads, and so would the intervals after it.
const SMALLEST_SPREAD: f64 = 0.2;
/// The largest residual, in spreads.
const LARGEST_RESIDUAL: f64 = 50.0;

/// The signed residuals of earlier origins, in buckets of similar leads. Those of a model with a spread are in units of
/// that spread.
#[derive(Clone, Debug)]
pub struct Residuals {
    buckets: [Bucket; RESIDUAL_BUCKETS],
    most: usize,
}

#[derive(Clone, Debug, Default)]
struct Bucket {
    sorted: Vec<f64>,
    arrived: VecDeque<f64>,
}

impl Residuals {
    /// No residuals yet; each bucket keeps the latest `most`.
    pub fn new(most: usize) -> Self {
        Self { buckets: Default::default(), most }
    }

    /// Adds the residual of a lead whose value has arrived.
    pub fn add(&mut self, bucket: usize, residual: f64) {
        let most = self.most;
        let Bucket { sorted, arrived } = &mut self.buckets[bucket];
        let place = sorted.partition_point(|known| *known < residual);
        sorted.insert(place, residual);
        arrived.push_back(residual);
        if arrived.len() > most
            && let Some(oldest) = arrived.pop_front()
        {
            let place = sorted.partition_point(|known| *known < oldest);
            sorted.remove(place);
        }
    }

    /// The number of residuals in a bucket.
    pub fn count(&self, bucket: usize) -> usize {
        self.buckets[bucket].sorted.len()
    }

    /// The quantile of a bucket at this level, with the correction of split conformal prediction for its size n: the
    /// ⌈(n + 1) × level⌉-th smallest above the median, the ⌊(n + 1) × level⌋-th below it, and the most extreme one
    /// where n is too small for the level (Vovk et al., 2005; Romano et al., 2019). 0 without residuals.
    pub fn quantile(&self, bucket: usize, level: f64) -> f64 {
        let sorted = &self.buckets[bucket].sorted;
        let rank = (sorted.len() + 1) as f64 * level;
        // 0.95 × 20 must be 19, although 0.95 is not exact.
        let rank = if level > 0.5 { (rank - 1e-9).ceil() } else { (rank + 1e-9).floor() };
        match sorted.len() {
            0 => 0.0,
            n => sorted[(rank as usize).clamp(1, n) - 1],
        }
    }
}

/// The mean spread of the forecasts of a model at each origin and before; 0 without one.
pub fn usual_spreads(shapes: &[Option<Shape>]) -> Vec<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    let mean = |shape: &Option<Shape>| {
        if let Some(spread) = shape.as_ref().and_then(|shape| shape.spread.as_ref()) {
            sum += spread.iter().flatten().sum::<f64>() / (2 * spread.len()) as f64;
            count += 1.0;
        }
        if count > 0.0 { sum / count } else { 0.0 }
    };
    shapes.iter().map(mean).collect()
}

/// The residual of an outcome, in units of the spread if the model gives one. `usual` is the mean spread so far.
pub fn residual(shape: &Shape, usual: f64, lead: usize, outcome: f64) -> f64 {
    let off = outcome - shape.center[lead];
    match shape.spread {
        None => off,
        Some(_) => (off / unit(shape, usual, lead, off)).clamp(-LARGEST_RESIDUAL, LARGEST_RESIDUAL),
    }
}

/// What a residual of this sign is divided by; 1 without a spread, or as long as all spreads were 0.
fn unit(shape: &Shape, usual: f64, lead: usize, off: f64) -> f64 {
    match &shape.spread {
        Some(spread) if usual > 0.0 => spread[lead][usize::from(off >= 0.0)].max(usual * SMALLEST_SPREAD),
        _ => 1.0,
    }
}

/// The quantiles of a forecast at all [`LEVELS`]. `stretch` gives the factor of each residual, by lead and level.
/// `None` if a bucket has fewer than [`FEWEST_RESIDUALS`].
pub fn quantiles(
    shape: &Shape,
    usual: f64,
    residuals: &Residuals,
    leads: &Leads,
    stretch: impl Fn(usize, f64) -> f64,
) -> Option<Quantiles> {
    let mut of_bucket = [const { None }; RESIDUAL_BUCKETS];
    let rows = (0..leads.len()).map(|lead| {
        let bucket = leads.residual_bucket(lead);
        if residuals.count(bucket) < FEWEST_RESIDUALS {
            return None;
        }
        let units = of_bucket[bucket].get_or_insert_with(|| LEVELS.map(|level| residuals.quantile(bucket, level)));
        let mut row = [0.0; LEVELS.len()];
        for ((value, unit_residual), level) in row.iter_mut().zip(units.iter()).zip(LEVELS) {
            let middle = units[LEVELS.len() / 2];
            let stretched = middle + (unit_residual - middle) * stretch(lead, level);
            *value = shape.center[lead] + stretched * unit(shape, usual, lead, stretched);
        }
        // Two spreads and a stretched middle may cross quantiles by rounding.
        row.sort_unstable_by(f64::total_cmp);
        Some(row)
    });
    rows.collect::<Option<Vec<_>>>().map(Quantiles)
}

/// How fast the level of an interval follows its misses (γ of Gibbs and Candès, 2021), for each hour. At 0.02 and more the
/// intervals of 6 to 24 h, whose misses arrive late and together, swing: measured on eleven public series.
const RATE: f64 = 0.01;

/// Adaptive conformal inference: for each bucket of leads, the level of its 80 % and 95 % intervals that would have covered as
/// often as they should.
#[derive(Clone, Copy, Debug)]
pub struct Adaptation {
    /// The share that may lie outside, for each bucket: of the 80 % and the 95 % interval.
    outside: [[f64; 2]; BUCKET_HOURS.len()],
}

/// The shares outside of the two intervals.
pub const OUTSIDE: [f64; 2] = [0.2, 0.05];

impl Default for Adaptation {
    fn default() -> Self {
        Self { outside: [OUTSIDE; BUCKET_HOURS.len()] }
    }
}

impl Adaptation {
    /// Learns from leads of a bucket whose values arrived: which share of them lay outside the two intervals.
    pub fn learn(&mut self, bucket: usize, missed: [f64; 2]) {
        for ((outside, missed), wanted) in self.outside[bucket].iter_mut().zip(missed).zip(OUTSIDE) {
            // The state is kept within what can be stretched to; beyond, it would take as long to come back.
            *outside = (*outside + RATE * (wanted - missed)).clamp(wanted / 20.0, wanted * 2.0);
        }
    }

    /// The shares that may lie outside of the 80 % and the 95 % interval of a bucket.
    #[cfg(test)]
    pub(super) fn outside(&self, bucket: usize) -> [f64; 2] {
        self.outside[bucket]
    }

    /// By how much residuals of this level are stretched: 1 if no misses were too many or too few.
    pub fn stretch(&self, bucket: usize, level: f64) -> f64 {
        let tail = level.min(1.0 - level);
        // The factor at 80 % (tail 0.1) and inside, that at 95 % (tail 0.025) and outside, and in between.
        let factors: [f64; 2] = std::array::from_fn(|i| {
            normal_quantile(1.0 - self.outside[bucket][i] / 2.0) / normal_quantile(1.0 - OUTSIDE[i] / 2.0)
        });
        let share = ((0.1 - tail) / (0.1 - 0.025)).clamp(0.0, 1.0);
        factors[0] * (1.0 - share) + factors[1] * share
    }
}

/// The quantile of the standard normal distribution, by Acklam's rational approximation (relative error below 1.2e-9).
pub fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 5] =
        [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416];
    let poly = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        poly(&C, q) / (poly(&D, q) * q + 1.0)
    };
    match p {
        p if p <= 0.0 => f64::NEG_INFINITY,
        p if p >= 1.0 => f64::INFINITY,
        p if p < 0.02425 => tail(p),
        p if p > 0.97575 => -tail(1.0 - p),
        p => {
            let (q, r) = (p - 0.5, (p - 0.5) * (p - 0.5));
            poly(&A, r) * q / (poly(&B, r) * r + 1.0)
        }
    }
}
