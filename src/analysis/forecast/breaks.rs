//! Breaks in a history: a level that was never seen before and stays. What lies before a break says little about what
//! comes after it: a replaced disk, a moved member, another load.

use super::order::{median, quantile, sorted};
use super::series::Series;
use crate::time::HOUR_MS;

/// How many hours a new level must last.
const LASTING: usize = 3;
/// Fewest hours of history that a level can be new to.
const FEWEST: usize = 12;
/// How far outside of all earlier hours a new level lies, as a share of the range between their 5 % and 95 % quantiles.
const OUTSIDE: f64 = 0.5;
/// The smallest such range, as a share of the change: a constant history has none.
const LEAST: f64 = 0.1;
/// The longest history with which a level is compared: two weeks.
const LONGEST: usize = 14 * 24;

/// For each origin (a number of known values), the index of the first value after the last break that was visible then.
///
/// At a break, the medians of the last three hours all lie above, or all below, those of every hour since the break before
/// it, by half of their usual range.
pub fn starts(series: &Series, origins: &[usize]) -> Vec<usize> {
    let hour = series.steps_in(HOUR_MS);
    let hours: Vec<Option<f64>> = series.values.chunks(hour).map(|values| median(values.iter().copied())).collect();
    let mut starts = Vec::with_capacity(origins.len());
    let (mut level, mut before, mut known) = (Level { start: 0, usual: 0.0 }, None, 0);
    for origin in origins {
        // An hour counts once it is complete.
        while (known + 1) * hour <= *origin {
            known += 1;
            let from = |start: usize| start.max(known.saturating_sub(LONGEST));
            let Some(first_of_latest) = known.checked_sub(LASTING).filter(|first| *first >= level.start) else {
                continue;
            };
            let (earlier, latest) = (&hours[from(level.start)..first_of_latest], &hours[first_of_latest..known]);
            let old: Option<Level> = before;
            if let Some(old) =
                old.filter(|old| returned(&hours[from(old.start).min(level.start)..level.start], earlier, latest))
            {
                (level, before) = (old, None);
            } else if let Some(usual) = broken(earlier, latest, level.usual) {
                (before, level) = (Some(level), Level { start: first_of_latest, usual });
            }
        }
        starts.push(level.start * hour);
    }
    starts
}

/// The hours since a break.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// The first hour.
    start: usize,
    /// The usual range of the hours before it.
    usual: f64,
}

/// Whether the latest hours are again among those before the break, and no longer among those after it.
fn returned(old: &[Option<f64>], new: &[Option<f64>], latest: &[Option<f64>]) -> bool {
    let [old, new, latest] = [old, new, latest].map(|hours| sorted(hours.iter().copied().flatten()));
    let (Some(low), Some(high)) = (latest.first(), latest.last()) else { return false };
    let within = |hours: &[f64]| {
        hours.first().is_some_and(|first| first <= low) && hours.last().is_some_and(|last| high <= last)
    };
    let apart =
        |hours: &[f64]| hours.first().is_none_or(|first| high < first) || hours.last().is_none_or(|last| last < low);
    latest.len() == LASTING && within(&old) && apart(&new)
}

/// The usual range of the earlier hours, if the latest hours lie outside of it; `None` otherwise. `least` is the usual range
/// before the last break, because the first hours after it show less than a day does.
fn broken(before: &[Option<f64>], latest: &[Option<f64>], least: f64) -> Option<f64> {
    let earlier = sorted(before.iter().copied().flatten());
    let now = sorted(latest.iter().copied().flatten());
    if earlier.len() < FEWEST || now.len() < LASTING {
        return None;
    }
    let range = (quantile(&earlier, 0.95) - quantile(&earlier, 0.05)).max(least);
    let (lowest, highest) = (earlier[0], earlier[earlier.len() - 1]);
    let change = (now[0] - highest).max(lowest - now[now.len() - 1]);
    (change > OUTSIDE * range && range > 0.0 || change > 0.0 && range == 0.0 && change > LEAST).then_some(range)
}
