//! Chooses at each origin, from the forecasts whose outcomes had arrived by then: the best one-liner, and a blend of all
//! models.

use super::quantiles::{LEVELS, Quantiles};
use super::walk::{BUCKETS, Track, Walk};
use crate::time::DAY_MS;

/// How far back forecasts count for a choice: two weeks, or the last break in the history.
const MEMORY_MS: i64 = 14 * DAY_MS;
/// The time in which a forecast's score counts half. The shorter, the sooner a model is dropped that has become worse; at a
/// day, noise decides. Chosen between 1.5, 3 and 30 days on eleven public series (`benches/forecast`).
const HALF_LIFE_MS: i64 = 36 * DAY_MS / 24;
/// Fewest judged origins before a model may be chosen for its score.
const FEWEST: usize = 24;
/// How fast the weight of a model falls with its score: one that is 5 % worse than the best has e⁻¹ of its weight.
const SHARPNESS: f64 = 20.0;
/// How much more the best one-liner weighs than a model with the same score.
const YARDSTICK_BONUS: f64 = 3.0;
/// Models below this share of the largest weight are left out.
const LEAST_WEIGHT: f64 = 0.01;

/// Forecasts that are made of those of several tracks.
pub struct Choice {
    /// The forecasts, judged.
    pub track: Track,
    /// For each origin and bucket, the share of each track; all 0 before there is a forecast.
    pub shares: Vec<[Vec<f64>; BUCKETS]>,
}

/// Follows at each origin and bucket the track with the lowest mean score: the yardstick, if the tracks are
/// one-liners.
pub fn best(walk: &Walk<'_>, name: &str, tracks: &[&Track]) -> Choice {
    let shares = shares(walk, |origin, bucket| {
        let scores = mean_scores(walk, tracks, origin, bucket);
        let lowest =
            (0..tracks.len()).filter(|i| !scores[*i].is_nan()).min_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        (0..tracks.len()).map(|index| f64::from(u8::from(Some(index) == lowest))).collect()
    });
    let blended = blended(walk, tracks, &shares);
    Choice { track: walk.judged(name, blended), shares }
}

/// Blends all tracks, of which the first is the yardstick: a track whose mean score is a share s above the lowest gets
/// the weight exp(-20 × s), as in exponentially weighted aggregation (Cesa-Bianchi and Lugosi, 2006). The
/// mean of quantiles is never further from the outcome than the mean of the tracks, because the pinball loss is convex.
pub fn blend(walk: &Walk<'_>, name: &str, tracks: &[&Track]) -> Choice {
    let shares = shares(walk, |origin, bucket| {
        let weights = weights(&mean_scores(walk, tracks, origin, bucket));
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| if total > 0.0 { weight / total } else { 0.0 }).collect()
    });
    let blended = blended(walk, tracks, &shares);
    Choice { track: walk.adapted(name, blended), shares }
}

fn shares(walk: &Walk<'_>, of: impl Fn(usize, usize) -> Vec<f64>) -> Vec<[Vec<f64>; BUCKETS]> {
    (0..walk.origins.len()).map(|origin| std::array::from_fn(|bucket| of(origin, bucket))).collect()
}

/// The weighted means of the quantiles at each origin.
fn blended(walk: &Walk<'_>, tracks: &[&Track], shares: &[[Vec<f64>; BUCKETS]]) -> Vec<Option<Quantiles>> {
    let at = |origin: usize| {
        let rows = (0..walk.leads.len()).map(|lead| {
            let shares = &shares[origin][walk.leads.bucket(lead)];
            let mut row = None;
            for (track, share) in tracks.iter().zip(shares).filter(|(_, share)| **share > 0.0) {
                let own = &track.quantiles[origin].as_ref()?.0[lead];
                let row = row.get_or_insert([0.0; LEVELS.len()]);
                row.iter_mut().zip(own).for_each(|(sum, value)| *sum += value * share);
            }
            row
        });
        rows.collect::<Option<Vec<_>>>().map(Quantiles)
    };
    (0..walk.origins.len()).map(at).collect()
}

/// The mean score of each track at an origin and bucket, in which a forecast counts half as much as one that is
/// [`HALF_LIFE_MS`] younger. NaN for a track without a forecast here, infinite for one with too few judged forecasts.
///
/// A track that did not forecast at every origin is compared with the first one where both did.
fn mean_scores(walk: &Walk<'_>, tracks: &[&Track], at: usize, bucket: usize) -> Vec<f64> {
    let half = HALF_LIFE_MS as f64 / walk.series.step_ms as f64;
    let counted: Vec<(usize, f64)> = judged(walk, at, bucket)
        .map(|origin| (origin, (-((walk.origins[at] - walk.origins[origin]) as f64) / half).exp2()))
        .collect();
    let mean = |track: &Track, beside: &Track| {
        let (mut count, mut sum, mut weights) = (0, 0.0, 0.0);
        for &(origin, weight) in &counted {
            let score = track.scores[origin][bucket];
            if !score.is_nan() && !beside.scores[origin][bucket].is_nan() {
                (count, sum, weights) = (count + 1, sum + weight * score, weights + weight);
            }
        }
        (count, sum / weights)
    };
    let (all, first) = mean(tracks[0], tracks[0]);
    let score = |track: &&Track| {
        if track.quantiles[at].is_none() {
            return f64::NAN;
        }
        let ((count, own), (_, beside)) = (mean(track, tracks[0]), mean(tracks[0], track));
        match count {
            count if count < FEWEST => f64::INFINITY,
            count if count == all || beside <= 0.0 => own,
            _ => own / beside * first,
        }
    };
    tracks.iter().map(score).collect()
}

/// The origins whose outcomes in a bucket had arrived at another, and still count there.
fn judged<'a>(walk: &'a Walk<'_>, at: usize, bucket: usize) -> impl Iterator<Item = usize> + 'a {
    let oldest = walk.origins[at].saturating_sub(walk.series.steps_in(MEMORY_MS)).max(walk.starts[at]);
    (0..at).filter(move |origin| walk.origins[*origin] >= oldest && walk.arrived(*origin, bucket, at))
}

/// Weights of mean scores. While none is finite, the first track with a forecast has all.
fn weights(scores: &[f64]) -> Vec<f64> {
    let lowest = scores.iter().copied().fold(f64::INFINITY, f64::min);
    if lowest == f64::INFINITY {
        let first = scores.iter().position(|score| !score.is_nan());
        return (0..scores.len()).map(|index| f64::from(u8::from(Some(index) == first))).collect();
    }
    let weight = |(index, score): (usize, &f64)| {
        let bonus = if index == 0 { YARDSTICK_BONUS } else { 1.0 };
        if score.is_finite() { bonus * (-(score / lowest.max(1e-12) - 1.0) * SHARPNESS).exp() } else { 0.0 }
    };
    let weights: Vec<f64> = scores.iter().enumerate().map(weight).collect();
    let largest = weights.iter().copied().fold(0.0, f64::max);
    weights.into_iter().map(|weight| if weight < LEAST_WEIGHT * largest { 0.0 } else { weight }).collect()
}
