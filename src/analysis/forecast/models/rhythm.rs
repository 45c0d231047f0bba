//! The usual value at this local time of day, and as much of the present deviation as past deviations kept.

use super::super::leads::Leads;
use super::super::model::{Fitted, Model, Refit, Shape, Unfit};
use super::super::order::median;
use super::super::series::Past;
use super::day_hours::{DayHours, medians};
use super::last_hour::level;
use crate::time::HOUR_MS;

/// The longest past from which the profile is taken: a month.
const LONGEST_HOURS: usize = 28 * 24;
/// The shortest: with fewer than three days there is no telling of a rhythm.
const SHORTEST_HOURS: usize = 72;
/// How much less the hours must deviate from the profile than from their median for the profile to count, as a share.
const EXPLAINED: f64 = 0.9;

/// The profile of a day (median of each local hour) plus a share of the present deviation from it. The share for
/// a lead is the autocorrelation of the hourly deviations at that lag.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm;

impl Model for Rhythm {
    fn name(&self) -> &'static str {
        "rhythm"
    }

    fn refit(&self) -> Refit {
        Refit::Never
    }

    fn fit(&self, _panel: &[Past<'_>]) -> Result<Box<dyn Fitted>, Unfit> {
        Ok(Box::new(Self))
    }
}

impl Fitted for Rhythm {
    fn forecast(&self, past: Past<'_>, leads: &Leads) -> Option<Shape> {
        let hours = hourly(past);
        if hours.len() < SHORTEST_HOURS {
            return None;
        }
        let now = level(past)?;
        let profile = profile(past, &hours)?;
        let deviations: Vec<f64> = hours
            .iter()
            .enumerate()
            .map(|(back, value)| value - profile.at(past.origin_ms() - back as i64 * HOUR_MS))
            .collect();
        let deviation = now - profile.at(past.origin_ms() - HOUR_MS / 2);
        let center = (0..leads.len()).map(|lead| {
            let ahead = leads.ms(lead);
            profile.at(past.origin_ms() + ahead) + kept(&deviations, ahead) * deviation
        });
        Some(Shape { center: center.collect(), spread: None })
    }
}

/// The medians of the hours before the origin, the latest first; NaN for an hour without values.
fn hourly(past: Past<'_>) -> Vec<f64> {
    let hour = past.steps_in(HOUR_MS);
    let latest = past.values().rchunks_exact(hour).take(LONGEST_HOURS);
    latest.map(|values| median(values.iter().copied()).unwrap_or(f64::NAN)).collect()
}

/// The usual value of each hour of the local day: the medians of the hours, or one median for all if they explain too little.
fn profile(past: Past<'_>, hours: &[f64]) -> Option<DayHours> {
    let all = median(hours.iter().copied())?;
    let (zone, origin_ms) = (past.zone(), past.origin_ms());
    // The middle of the hour that ends at the origin, and of those before.
    let timed =
        || hours.iter().enumerate().map(|(back, value)| (origin_ms - back as i64 * HOUR_MS - HOUR_MS / 2, *value));
    let profile = DayHours { hours: medians(timed(), zone).map(|median| median.unwrap_or(all)), zone };
    let flat = DayHours { hours: [all; 24], zone };
    let error = |profile: &DayHours| {
        timed().map(|(at_ms, value)| (value - profile.at(at_ms)).abs()).filter(|e| !e.is_nan()).sum::<f64>()
    };
    // Each median is taken of its own hours too, which makes the profile look better by 1 / days.
    let days = (hours.len() as f64 / 24.0).max(2.0);
    Some(if error(&profile) * days / (days - 1.0) < EXPLAINED * error(&flat) { profile } else { flat })
}

/// The share of a deviation that is left after a time: the autocorrelation of the hourly deviations, within 0 and 1.
fn kept(deviations: &[f64], ahead_ms: i64) -> f64 {
    let hours = ahead_ms as f64 / HOUR_MS as f64;
    let (below, share) = (hours.floor() as usize, hours.fract());
    // At lag 0 an hour's median is taken as half an hour old.
    let at = |lag: usize| correlation(deviations, lag);
    at(below) * (1.0 - share) + if share > 0.0 { at(below + 1) * share } else { 0.0 }
}

fn correlation(deviations: &[f64], lag: usize) -> f64 {
    if lag == 0 {
        return 1.0;
    }
    let (mut both, mut own, mut pairs) = (0.0, 0.0, 0);
    for (later, earlier) in deviations.iter().zip(deviations.iter().skip(lag)) {
        if !later.is_nan() && !earlier.is_nan() {
            both += later * earlier;
            own += earlier * earlier;
            pairs += 1;
        }
    }
    if own > 0.0 && pairs >= 24 { (both / own).clamp(0.0, 1.0) } else { 0.0 }
}
