//! A walk over the origins of the past: at each one, every model forecasts from what was known then, and its intervals
//! come from the residuals that had arrived by then. So each forecast is one that would have been made.

use super::conformal::{Adaptation, Residuals, quantiles, residual, usual_spreads};
use super::leads::{BUCKET_HOURS, Leads};
use super::model::Shape;
use super::quantiles::{INTERVALS, Quantiles, crps};
use super::series::{Past, Series};
use crate::time::DAY_MS;

/// The number of buckets in which forecasts are judged.
pub const BUCKETS: usize = BUCKET_HOURS.len();

/// How long residuals are kept: two weeks, so that each hour of the week occurs twice.
const KEPT_MS: i64 = 14 * DAY_MS;

/// A series with the origins from which it is forecast.
pub struct Walk<'a> {
    /// The values.
    pub series: &'a Series,
    /// The leads of every forecast.
    pub leads: &'a Leads,
    /// The origins, ascending: the number of values known at each.
    pub origins: Vec<usize>,
    /// For each origin, the index of the first value after the last break in the history.
    pub starts: Vec<usize>,
}

/// What one model forecast at each origin, and how good it was.
#[derive(Clone, Debug)]
pub struct Track {
    /// The name of the model.
    pub name: String,
    /// The forecast at each origin; `None` where the model or its intervals had too little to go by.
    pub quantiles: Vec<Option<Quantiles>>,
    /// For each origin and bucket, the mean CRPS over the leads with an outcome; NaN without one.
    pub scores: Vec<[f64; BUCKETS]>,
}

impl<'a> Walk<'a> {
    /// The past at an origin.
    pub fn past(&self, origin: usize) -> Past<'a> {
        self.series.until(self.origins[origin]).from(self.starts[origin])
    }

    /// The value at a lead of an origin; NaN if missing or not known yet.
    pub fn outcome(&self, origin: usize, lead: usize) -> f64 {
        let index = self.origins[origin] + self.leads.steps()[lead] - 1;
        self.series.values.get(index).copied().unwrap_or(f64::NAN)
    }

    /// Gives the shapes of a model intervals, and judges them.
    pub fn track(&self, name: &str, shapes: &[Option<Shape>]) -> Track {
        let mut pools = Residuals::new(self.kept());
        let mut arrivals = Arrivals::of(self);
        let (usual, seen) = (usual_spreads(shapes), self.seen());
        let mut known: Vec<Option<Quantiles>> = Vec::with_capacity(shapes.len());
        for (origin, shape) in shapes.iter().enumerate() {
            arrivals.advance(self, origin, &known, |from, lead, outcome| {
                if let Some(shape) = &shapes[from] {
                    pools.add(self.leads.residual_bucket(lead), residual(shape, usual[from], lead, outcome));
                }
            });
            let stretch = |lead: usize, level: f64| arrivals.adaptation.stretch(self.leads.bucket(lead), level);
            known.push(shape.as_ref().and_then(|shape| {
                let quantiles = quantiles(shape, usual[origin], &pools, self.leads, stretch)?;
                Some(quantiles.within(seen[origin]))
            }));
        }
        self.judged(name, known)
    }

    /// For each origin, the range in which a forecast may lie: that of all values so far, and as much again to both sides.
    fn seen(&self) -> Vec<[f64; 2]> {
        let (mut low, mut high, mut known) = (f64::INFINITY, f64::NEG_INFINITY, 0);
        let range = |end: &usize| {
            for value in self.series.values[known..*end].iter().filter(|value| !value.is_nan()) {
                (low, high) = (low.min(*value), high.max(*value));
            }
            known = *end;
            [low - (high - low), high + (high - low)]
        };
        self.origins.iter().map(range).collect()
    }

    /// Adapts the intervals of finished forecasts, such as a blend, to their own misses, and judges them.
    pub fn adapted(&self, name: &str, own: Vec<Option<Quantiles>>) -> Track {
        let (mut arrivals, seen) = (Arrivals::of(self), self.seen());
        let mut known: Vec<Option<Quantiles>> = Vec::with_capacity(own.len());
        for (origin, quantiles) in own.into_iter().enumerate() {
            arrivals.advance(self, origin, &known, |_, _, _| {});
            let stretch = |lead: usize, level: f64| arrivals.adaptation.stretch(self.leads.bucket(lead), level);
            known.push(quantiles.map(|quantiles| quantiles.stretched(stretch).within(seen[origin])));
        }
        self.judged(name, known)
    }

    /// Judges forecasts.
    pub fn judged(&self, name: &str, quantiles: Vec<Option<Quantiles>>) -> Track {
        let scores = quantiles.iter().enumerate().map(|(origin, of)| self.scores(origin, of.as_ref())).collect();
        Track { name: name.to_owned(), quantiles, scores }
    }

    fn scores(&self, origin: usize, quantiles: Option<&Quantiles>) -> [f64; BUCKETS] {
        let (mut sums, mut counts) = ([0.0; BUCKETS], [0.0; BUCKETS]);
        let Some(Quantiles(rows)) = quantiles else { return [f64::NAN; BUCKETS] };
        for (lead, row) in rows.iter().enumerate() {
            let outcome = self.outcome(origin, lead);
            if !outcome.is_nan() {
                sums[self.leads.bucket(lead)] += crps(row, outcome);
                counts[self.leads.bucket(lead)] += 1.0;
            }
        }
        std::array::from_fn(|bucket| sums[bucket] / counts[bucket])
    }

    /// The most residuals that a bucket keeps: those of two weeks of origins, with a few leads each.
    fn kept(&self) -> usize {
        let stride = self.origins.windows(2).map(|two| two[1] - two[0]).min().unwrap_or(1);
        let origins = KEPT_MS / (stride as i64 * self.series.step_ms);
        (origins.max(50) * 6) as usize
    }

    /// Whether all outcomes of a bucket of an origin had arrived at another.
    pub fn arrived(&self, origin: usize, bucket: usize, at: usize) -> bool {
        let steps = self.series.steps_in(BUCKET_HOURS[bucket] * crate::time::HOUR_MS).min(self.leads.longest());
        self.origins[origin] + steps <= self.origins[at]
    }
}

/// The outcomes that have arrived so far in a walk, and what the intervals learned from them.
struct Arrivals {
    /// For each lead, the first origin whose outcome has not arrived yet.
    waiting: Vec<usize>,
    adaptation: Adaptation,
}

impl Arrivals {
    fn of(walk: &Walk<'_>) -> Self {
        Self { waiting: vec![0; walk.leads.len()], adaptation: Adaptation::default() }
    }

    /// Takes in the outcomes that are new at an origin, calls `new` with the origin, lead and value of each, and adapts to the
    /// misses among the forecasts that were made before.
    fn advance(
        &mut self,
        walk: &Walk<'_>,
        origin: usize,
        made: &[Option<Quantiles>],
        mut new: impl FnMut(usize, usize, f64),
    ) {
        let mut missed = [[0.0, 0.0, 0.0]; BUCKETS];
        for (lead, waiting) in self.waiting.iter_mut().enumerate() {
            while walk.origins[*waiting] + walk.leads.steps()[lead] <= walk.origins[origin] {
                let (from, outcome) = (*waiting, walk.outcome(*waiting, lead));
                *waiting += 1;
                if outcome.is_nan() {
                    continue;
                }
                new(from, lead, outcome);
                if let Some(quantiles) = &made[from] {
                    count_misses(&mut missed[walk.leads.bucket(lead)], &quantiles.0[lead], outcome);
                }
            }
        }
        for (bucket, [all, misses @ ..]) in missed.into_iter().enumerate().filter(|(_, m)| m[0] > 0.0) {
            self.adaptation.learn(bucket, misses.map(|misses| misses / all));
        }
    }
}

/// Counts an outcome, and whether it lies outside of the 80 % and the 95 % interval.
fn count_misses([all, outside80, outside95]: &mut [f64; 3], row: &[f64], outcome: f64) {
    let outside = |[low, high]: [usize; 2]| f64::from(u8::from(outcome < row[low] || outcome > row[high]));
    *all += 1.0;
    *outside80 += outside(INTERVALS[0]);
    *outside95 += outside(INTERVALS[1]);
}
