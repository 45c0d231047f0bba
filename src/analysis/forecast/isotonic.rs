//! Isotonic regression: a probability that proved too low or too high moves to the share of its forecasts that came true, and
//! a higher probability stays a higher one.

/// Before any outcome is known, each probability counts as right: as if each of [`PLACES`] even places from 0 to 1 had this
/// many outcomes, of which that share came true. With fewer, a handful of hours decided what the highest probabilities meant (`benches/forecast`).
const OUTCOMES: f64 = 5.0;
const PLACES: usize = 20;

/// A forecast and its outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) probability: f64,
    pub(super) happened: bool,
    /// Outcomes that overlap in time share a weight of 1.
    pub(super) weight: f64,
}

/// A fitted regression: probabilities, ascending, and those to which they move.
#[derive(Clone, Debug)]
pub(super) struct Isotonic(Vec<[f64; 2]>);

/// Neighboring probabilities with one fitted value.
struct Pool {
    mean: f64,
    weight: f64,
    probabilities: Vec<f64>,
}

impl Isotonic {
    /// Fits by pooling adjacent violators.
    pub(super) fn fit(judged: &[Judged]) -> Self {
        let place = |place: usize| {
            let even = (place as f64 + 0.5) / PLACES as f64;
            [even, even, OUTCOMES]
        };
        let outcome = |of: &Judged| [of.probability, f64::from(u8::from(of.happened)), of.weight];
        let mut all: Vec<[f64; 3]> = (0..PLACES).map(place).chain(judged.iter().map(outcome)).collect();
        all.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let mut pools: Vec<Pool> = Vec::new();
        // Equal probabilities have one value, before it is compared with others.
        for same in all.chunk_by(|a, b| a[0] == b[0]) {
            let weight = same.iter().map(|of| of[2]).sum::<f64>();
            let mean = same.iter().map(|of| of[1] * of[2]).sum::<f64>() / weight;
            let mut pool = Pool { mean, weight, probabilities: vec![same[0][0]] };
            while let Some(before) = pools.pop_if(|before| before.mean >= pool.mean) {
                pool = before.joined(pool);
            }
            pools.push(pool);
        }
        Self(pools.into_iter().flat_map(|pool| pool.probabilities.into_iter().map(move |p| [p, pool.mean])).collect())
    }

    /// The probability to which one moves, interpolated between those of the outcomes.
    pub(super) fn moved(&self, probability: f64) -> f64 {
        let Self(points) = self;
        let after = points.partition_point(|[p, _]| *p < probability);
        match (after.checked_sub(1).map(|before| points[before]), points.get(after)) {
            (Some([from, low]), Some([to, high])) => low + (high - low) * (probability - from) / (to - from),
            (Some([_, end]), None) => end,
            (None, Some([_, end])) => *end,
            (None, None) => probability,
        }
    }
}

impl Pool {
    fn joined(mut self, other: Self) -> Self {
        let weight = self.weight + other.weight;
        self.mean = (self.mean * self.weight + other.mean * other.weight) / weight;
        self.weight = weight;
        self.probabilities.extend(other.probabilities);
        self
    }
}
