//! What the network sees of a past: hours, the latest values, the local time of each, and what was usual at the target times.

use super::super::super::leads::Leads;
use super::super::super::order::{median, quantile, sorted};
use super::super::super::series::Past;
use super::super::last_hour::level;
use crate::time::{DAY_MS, HOUR_MS, Zone};

/// The numbers that the network sees at a time step: value, whether there is one, whether the step is a short one, and
/// local time of day and of week, each as sine and cosine.
pub(super) const FEATURES: usize = 7;
/// Hourly medians before the origin: two days, so that the same hours of two days can be compared.
const HOURS: usize = 48;
/// Shorter medians that follow: an hour in steps of 5 minutes, or as many values if their distance is longer.
const SHORT: usize = 12;
/// The length of a short step, 5 minutes, or the distance of two values if it is longer.
const SHORT_MS: i64 = 300_000;
/// The number of time steps.
pub(super) const STEPS: usize = HOURS + SHORT;
/// The numbers for each lead about the same time of earlier days: yesterday, a week ago, the usual, and the usual change.
pub(super) const SEASONAL: usize = 4;
/// From how many days the usual value is taken: two weeks.
const DAYS: usize = 14;
/// Values further from the level than this many scales count as this far: one outlier must not fill the network.
const FARTHEST: f64 = 8.0;
/// The distance between the 10 % and the 90 % quantile of a normal distribution in standard deviations.
const NORMAL_DECILES: f64 = 2.563_103;

/// The past of one origin as the network sees it.
pub(super) struct Window {
    /// The median of the last hour with values, which the forecast starts from.
    pub level: f64,
    /// The spread of the hours that are seen, on the scale of the values; above 0. The unit of everything below.
    pub scale: f64,
    /// [`FEATURES`] numbers for each of [`STEPS`], oldest first.
    pub steps: Vec<f32>,
    /// [`SEASONAL`] rows with a number for each lead.
    pub seasonal: Vec<f32>,
}

/// The spread of the last two days: the distance of their deciles, as standard deviations of a normal distribution.
/// `None` without values.
///
/// It is taken from what is seen at the origin rather than from the training part, so that a member that the network has not
/// been trained on can be forecast, and so that a series that became calmer or wilder still fills the network's range.
/// Deciles, because quartiles of a flat series with spikes are the same.
pub(super) fn spread(past: Past<'_>) -> Option<f64> {
    let seen = sorted(past.last(HOURS * past.steps_in(HOUR_MS)).iter().copied());
    (!seen.is_empty()).then(|| (quantile(&seen, 0.9) - quantile(&seen, 0.1)) / NORMAL_DECILES)
}

impl Window {
    /// Looks back from the end of a past. `floor` is the smallest scale. `None` without a value in the last day, or with
    /// values so large that their distance is not finite.
    pub(super) fn new(past: Past<'_>, leads: &Leads, floor: f64) -> Option<Self> {
        let level = level(past).filter(|level| level.is_finite())?;
        // Below this, differences are those of rounding.
        let scale = spread(past)?.max(floor).max(level.abs() * 1e-9).max(f64::MIN_POSITIVE);
        if !scale.is_finite() {
            return None;
        }
        let scaled = |value: f64| ((value - level) / scale).clamp(-FARTHEST, FARTHEST);
        let hourly = hourly(past);
        let (hour, short) = (past.steps_in(HOUR_MS), past.steps_in(SHORT_MS));
        let mut steps = Vec::with_capacity(STEPS * FEATURES);
        for back in (0..HOURS).rev() {
            let value = hourly.get(back).copied().unwrap_or(f64::NAN);
            steps.extend(features(past, scaled(value), back * hour, hour, 0.0));
        }
        for back in (0..SHORT).rev() {
            let value = median(past.without_last(back * short).last(short).iter().copied()).unwrap_or(f64::NAN);
            steps.extend(features(past, scaled(value), back * short, short, 1.0));
        }
        let seasonal = seasonal(past, leads, &hourly, level, scaled);
        Some(Self { level, scale, steps, seasonal })
    }
}

/// The medians of the hours before the origin, the latest first; NaN for an hour without values.
fn hourly(past: Past<'_>) -> Vec<f64> {
    let hours = past.values().rchunks(past.steps_in(HOUR_MS)).take((DAYS + 1) * 24);
    hours.map(|values| median(values.iter().copied()).unwrap_or(f64::NAN)).collect()
}

/// The numbers of a time step that ends `back` values before the end of the past and is `long` values long.
fn features(past: Past<'_>, value: f64, back: usize, long: usize, short: f32) -> [f32; FEATURES] {
    let middle = past.origin_ms() - (2 * back + long) as i64 * past.step_ms() / 2;
    let local = middle + past.zone().offset_ms(middle);
    let turn = |period: i64| std::f64::consts::TAU * local.rem_euclid(period) as f64 / period as f64;
    let (day, week) = (turn(DAY_MS), turn(7 * DAY_MS));
    let (value, present) = if value.is_nan() { (0.0, 0.0) } else { (value, 1.0) };
    let [value, day_sin, day_cos, week_sin, week_cos] =
        [value, day.sin(), day.cos(), week.sin(), week.cos()].map(|number| number as f32);
    [value, present, short, day_sin, day_cos, week_sin, week_cos]
}

/// What was at the same local time on earlier days, relative to the level; 0 where it is missing.
fn seasonal(past: Past<'_>, leads: &Leads, hourly: &[f64], level: f64, scaled: impl Fn(f64) -> f64) -> Vec<f32> {
    let at = |ahead: i64, days: usize| at_hour(hourly, hours_back(past, ahead, days));
    let usual = |ahead: i64| {
        let first = (ahead.max(0) as usize).div_ceil(DAY_MS as usize).max(1);
        median((first..first + DAYS).map(|days| at(ahead, days)))
    };
    let now = usual(0).unwrap_or(f64::NAN);
    let mut rows = vec![0.0; SEASONAL * leads.len()];
    for lead in 0..leads.len() {
        let ahead = leads.ms(lead);
        let usual = usual(ahead).unwrap_or(f64::NAN);
        let numbers = [at(ahead, 1), at(ahead, 7), usual, level + (usual - now)].map(&scaled);
        for (row, number) in numbers.into_iter().enumerate().filter(|(_, number)| !number.is_nan()) {
            rows[row * leads.len() + lead] = number as f32;
        }
    }
    rows
}

/// How many hours before the origin it was, on a day so many days before the target, the local time of the target.
fn hours_back(past: Past<'_>, ahead_ms: i64, days: usize) -> f64 {
    let zone: Zone = past.zone();
    let target = past.origin_ms() + ahead_ms;
    let earlier = target - days as i64 * DAY_MS;
    let same_clock = earlier + zone.offset_ms(target) - zone.offset_ms(earlier);
    (past.origin_ms() - same_clock) as f64 / (past.steps_in(HOUR_MS) as i64 * past.step_ms()) as f64
}

/// The value so many hours before the origin, interpolated between the middles of hours; NaN if it is missing, or in the
/// future.
fn at_hour(hourly: &[f64], back: f64) -> f64 {
    if back < 0.0 {
        return f64::NAN;
    }
    let place = (back - 0.5).max(0.0);
    let at = |hour: usize| hourly.get(hour).copied().unwrap_or(f64::NAN);
    let (near, far) = (at(place as usize), at(place as usize + 1));
    match (near.is_nan(), far.is_nan()) {
        (_, true) => near,
        (true, _) => far,
        _ => near + (far - near) * place.fract(),
    }
}
