//! The forecast of one metric of one member at every origin, by the model that was asked for or by the best of all.

use super::breaks::starts;
use super::leads::{HORIZON_MS, Leads};
use super::model::{Fitted, Model, Refit, Shape};
use super::models::{ModelChoice, continued, light_models, one_liners};
use super::quantiles::{INTERVALS, MEDIAN, Quantiles};
use super::select::{best, blend};
use super::series::{Scale, Series};
use super::trust::MetricTrust;
use super::walk::{BUCKETS, Track, Walk};
use crate::time::{DAY_MS, HOUR_MS};

/// Shortest history for a forecast: the first residuals of 24 hours ahead arrive after two days.
const SHORTEST_MS: i64 = 3 * DAY_MS;
/// Fewest consecutive slots of an anomaly, and the shortest one.
const ANOMALY_SLOTS: usize = 3;
const ANOMALY_MS: i64 = 900_000;

/// A model that is fitted once for all members, with the number of slots from which on it had not seen the values.
pub struct Trained<'a> {
    /// The name of the model.
    pub name: &'static str,
    /// The fitted model.
    pub fitted: &'a dyn Fitted,
    /// The first origin at which it may be judged, as a number of known slots.
    pub from: usize,
}

/// What is forecast of a series, and how good it was.
pub struct SeriesForecast {
    /// The values.
    pub series: Series,
    /// Their scale.
    pub scale: Scale,
    /// The leads.
    pub leads: Leads,
    /// The origins, as numbers of known slots.
    pub origins: Vec<usize>,
    /// For each origin, the median of each slot ahead; `None` without a forecast.
    pub medians: Vec<Option<Vec<f32>>>,
    /// For each origin, each slot ahead if the slope of the last hours goes on; `None` without a clear trend.
    pub trends: Vec<Option<Vec<f32>>>,
    /// The quantiles at the last origin; `None` without a forecast.
    pub last: Option<Quantiles>,
    /// The names of the models at the last origin with their shares, for each bucket.
    pub models: [Vec<(String, f64)>; BUCKETS],
    /// How good the forecasts were.
    pub trust: MetricTrust,
    /// For each bucket, the number of judged origins.
    pub judged: [usize; BUCKETS],
    /// Runs of slots outside of the 99 % interval: first slot, slot after the last, slot furthest outside, its interval.
    pub anomalies: Vec<(usize, usize, usize, [f64; 2])>,
    /// All tracks with their names, for a backtest.
    pub tracks: Vec<Track>,
}

/// Forecasts a series at all origins, which are ascending numbers of known slots. `heavy` are models that are fitted anew at some
/// origins, and `trained` such as are fitted once. Fails with a sentence if there is too little history.
pub fn forecast(
    series: Series,
    scale: Scale,
    origins: &[usize],
    choice: &ModelChoice,
    heavy: &[&dyn Model],
    trained: &[Trained<'_>],
) -> Result<SeriesForecast, String> {
    check(&series)?;
    let leads = Leads::up_to(HORIZON_MS, series.step_ms);
    let walk = Walk { series: &series, leads: &leads, starts: starts(&series, origins), origins: origins.to_vec() };
    let mut tracks: Vec<Track> = one_liners().iter().map(|model| light_track(&walk, &**model)).collect();
    let naive = tracks.len();
    let yardstick = best(&walk, "best-naive", &tracks.iter().collect::<Vec<_>>());
    tracks.extend(light_models().iter().map(|model| light_track(&walk, &**model)));
    tracks.extend(heavy.iter().map(|model| walk.track(model.name(), &shapes_of_heavy(&walk, *model))));
    tracks.extend(trained.iter().map(|model| walk.track(model.name, &shapes_of_trained(&walk, model))));
    let all: Vec<&Track> = std::iter::once(&yardstick.track).chain(&tracks).collect();
    let last = walk.origins.len() - 1;
    let (track, models) = match choice {
        ModelChoice::Auto => {
            let chosen = blend(&walk, "auto", &all);
            let models = shares(&chosen.shares[last], &all, &yardstick.shares[last], &tracks[..naive]);
            (chosen.track, models)
        }
        ModelChoice::BestNaive => {
            let models =
                shares(&[vec![1.0], vec![1.0], vec![1.0]], &all[..1], &yardstick.shares[last], &tracks[..naive]);
            (yardstick.track.clone(), models)
        }
        ModelChoice::Named(name) => {
            let named = tracks
                .iter()
                .find(|track| track.name == *name)
                .ok_or_else(|| format!("the model {name} could not be fitted"))?;
            (named.clone(), std::array::from_fn(|_| vec![(name.clone(), 1.0)]))
        }
    };
    let (trust, judged) = judge(&walk, &track, &yardstick.track);
    let hour = series.steps_in(HOUR_MS);
    let ahead = 24 * hour;
    let of_medians = |Quantiles(rows): &Quantiles| each_slot(rows.iter().map(|row| row[MEDIAN]), &leads, ahead);
    let medians: Vec<Option<Vec<f32>>> =
        track.quantiles.iter().map(|quantiles| quantiles.as_ref().map(of_medians)).collect();
    let of_trend = |origin: usize| {
        let mut slots = each_slot(continued(walk.past(origin), &leads)?.into_iter(), &leads, ahead);
        // Within an hour, the medians know more than a slope.
        let near = medians[origin].iter().flatten().take(hour);
        slots.iter_mut().zip(near).for_each(|(slot, median)| *slot = *median);
        Some(slots)
    };
    let trends = (0..walk.origins.len()).map(of_trend).collect();
    let anomalies = anomalies(&walk, &track);
    let last = track.quantiles[last].clone();
    tracks.extend([yardstick.track, track]);
    Ok(SeriesForecast {
        scale,
        medians,
        trends,
        last,
        models,
        trust,
        judged,
        anomalies,
        tracks,
        leads,
        series,
        origins: origins.to_vec(),
    })
}

/// Why a series cannot be forecast at all.
fn check(series: &Series) -> Result<(), String> {
    let present = series.values.iter().filter(|value| !value.is_nan()).count();
    let span = |slots: usize| slots as f64 * series.step_ms as f64 / DAY_MS as f64;
    let hour = series.steps_in(HOUR_MS);
    let recent = &series.values[series.values.len().saturating_sub(24 * hour)..];
    if present == 0 {
        return Err("no readings".to_owned());
    }
    if (present as i64) * series.step_ms < SHORTEST_MS {
        return Err(format!("{:.1} days of readings; a forecast of 24 h needs 3 days", span(present)));
    }
    if recent.iter().all(|value| value.is_nan()) {
        return Err("no readings in the last 24 h".to_owned());
    }
    Ok(())
}

fn light_track(walk: &Walk<'_>, model: &dyn Model) -> Track {
    // Light models learn nothing beforehand.
    let shapes: Vec<Option<Shape>> = match model.fit(&[]) {
        Ok(fitted) => (0..walk.origins.len()).map(|origin| fitted.forecast(walk.past(origin), walk.leads)).collect(),
        Err(_) => vec![None; walk.origins.len()],
    };
    walk.track(model.name(), &shapes)
}

/// How many origins pass between two fits of a model that takes long to fit: a day of hourly ones.
const REFIT: usize = 24;

/// The shapes of a model that is fitted again once a day, from what was known then, and forecasts every hour.
fn shapes_of_heavy(walk: &Walk<'_>, model: &dyn Model) -> Vec<Option<Shape>> {
    debug_assert!(model.refit() == Refit::EachOrigin);
    let mut fitted: Option<Box<dyn Fitted>> = None;
    let at = |origin: usize| {
        let past = walk.past(origin);
        // A break makes what was fitted before it useless.
        let is_new = origin > 0 && walk.starts[origin] != walk.starts[origin - 1];
        if origin.is_multiple_of(REFIT) || is_new || fitted.is_none() {
            fitted = model.fit(&[past]).ok();
        }
        fitted.as_ref()?.forecast(past, walk.leads)
    };
    (0..walk.origins.len()).map(at).collect()
}

fn shapes_of_trained(walk: &Walk<'_>, model: &Trained<'_>) -> Vec<Option<Shape>> {
    let at = |origin: usize| {
        (walk.origins[origin] >= model.from).then(|| model.fitted.forecast(walk.past(origin), walk.leads)).flatten()
    };
    (0..walk.origins.len()).map(at).collect()
}

/// The shares of the models behind a blend, where that of the best one-liner goes to the one-liner that it follows.
fn shares(
    chosen: &[Vec<f64>; BUCKETS],
    all: &[&Track],
    yardstick: &[Vec<f64>; BUCKETS],
    naive: &[Track],
) -> [Vec<(String, f64)>; BUCKETS] {
    std::array::from_fn(|bucket| {
        let mut shares: Vec<(String, f64)> = Vec::new();
        for (index, share) in chosen[bucket].iter().enumerate().filter(|(_, share)| **share > 0.0) {
            let followed = yardstick[bucket].iter().position(|share| *share > 0.0);
            let name = match followed.filter(|_| index == 0) {
                Some(followed) => &naive[followed].name,
                None => &all[index].name,
            };
            match shares.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += share,
                None => shares.push((name.clone(), *share)),
            }
        }
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    })
}

/// Values of each slot ahead, interpolated between those of the leads.
fn each_slot(values: impl Iterator<Item = f64>, leads: &Leads, ahead: usize) -> Vec<f32> {
    let mut slots = Vec::with_capacity(ahead);
    let mut before: Option<(usize, f64)> = None;
    for (value, steps) in values.zip(leads.steps()) {
        let (from, start) = before.unwrap_or((0, value));
        for step in from + 1..=*steps {
            let share = (step - from) as f64 / (steps - from) as f64;
            slots.push((start + (value - start) * share) as f32);
        }
        before = Some((*steps, value));
    }
    slots.truncate(ahead);
    slots
}

/// Compares a track with the yardstick at the origins where both have a forecast and an outcome.
fn judge(walk: &Walk<'_>, track: &Track, yardstick: &Track) -> (MetricTrust, [usize; BUCKETS]) {
    let day = walk.series.steps_in(DAY_MS);
    let (mut trust, mut judged) = (MetricTrust::default(), [0; BUCKETS]);
    let mut days = [usize::MAX; BUCKETS];
    for origin in 0..walk.origins.len() {
        for bucket in 0..BUCKETS {
            let (own, other) = (track.scores[origin][bucket], yardstick.scores[origin][bucket]);
            if own.is_nan() || other.is_nan() {
                continue;
            }
            let of = walk.origins[origin] / day;
            if days[bucket] != of {
                days[bucket] = of;
                trust.blocks[bucket].push([0.0; 2]);
            }
            if let Some(block) = trust.blocks[bucket].last_mut() {
                *block = [block[0] + own, block[1] + other];
            }
            judged[bucket] += 1;
        }
        for (lead, row) in track.quantiles[origin].iter().flat_map(|q| q.0.iter().enumerate()) {
            let outcome = walk.outcome(origin, lead);
            if !outcome.is_nan() {
                let [all, within @ ..] = &mut trust.covered[walk.leads.bucket(lead)];
                *all += 1.0;
                for (within, [low, high]) in within.iter_mut().zip(INTERVALS) {
                    *within += f64::from(u8::from((row[low]..=row[high]).contains(&outcome)));
                }
            }
        }
    }
    (trust, judged)
}

/// Runs of slots that lay outside of the 99 % interval of the last forecast before them.
fn anomalies(walk: &Walk<'_>, track: &Track) -> Vec<(usize, usize, usize, [f64; 2])> {
    let fewest = ANOMALY_SLOTS.max((ANOMALY_MS / walk.series.step_ms) as usize);
    let [low, high] = INTERVALS[2];
    let mut runs: Vec<(usize, usize, usize, [f64; 2], f64)> = Vec::new();
    for (origin, quantiles) in track.quantiles.iter().enumerate() {
        let next = walk.origins.get(origin + 1).copied().unwrap_or(usize::MAX);
        for (lead, row) in quantiles.iter().flat_map(|q| q.0.iter().enumerate()) {
            let slot = walk.origins[origin] + walk.leads.steps()[lead] - 1;
            let value = walk.outcome(origin, lead);
            let beyond = (value - row[high]).max(row[low] - value);
            if slot >= next || value.is_nan() || beyond <= 0.0 {
                continue;
            }
            let interval = [row[low], row[high]];
            match runs.last_mut().filter(|(_, end, ..)| *end == slot) {
                Some(run) => {
                    run.1 = slot + 1;
                    if beyond > run.4 {
                        (run.2, run.3, run.4) = (slot, interval, beyond);
                    }
                }
                None => runs.push((slot, slot + 1, slot, interval, beyond)),
            }
        }
    }
    runs.into_iter().filter(|run| run.1 - run.0 >= fewest).map(|run| (run.0, run.1, run.2, run.3)).collect()
}
