//! The usual value at each local hour of the day, if the last days kept to it.

use super::super::super::order::{median, sorted};
use super::super::super::series::Past;
use super::super::day_hours::{DayHours, medians};
use super::window::folded;
use crate::time::{DAY_MS, HOUR_MS, Zone};

/// The longest past that the profile is made of: four weeks.
const LONGEST_DAYS: usize = 28;
/// The shortest: a median of fewer than seven days follows single events.
const SHORTEST_DAYS: usize = 7;
/// The days on which the profile of the days before must prove itself.
const HELD_OUT_DAYS: usize = 3;
/// The profile must leave less than this share of the mean absolute deviation on those days. Shuffled hours leave
/// more than 1, because a median of few days adds its own error.
const LEFT: f64 = 0.9;

/// The medians of 24 local hours, less their mean: only the shape of the day, because the level is the equation's.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Profile(DayHours);

impl Profile {
    /// The profile of the last weeks; `None` with less than a week, or if it does not help.
    pub(super) fn of(past: Past<'_>) -> Option<Self> {
        let per = past.steps_in(HOUR_MS);
        let step_ms = per as i64 * past.step_ms();
        let per_day = (DAY_MS / step_ms) as usize;
        if step_ms > HOUR_MS || per_day == 0 {
            return None;
        }
        let by_hour = folded(past.last(LONGEST_DAYS * per_day * per), per);
        if by_hour.len() < SHORTEST_DAYS * per_day {
            return None;
        }
        let last_ms = past.origin_ms() - (per as i64 - 1) * past.step_ms() / 2;
        let from_ms = last_ms - (by_hour.len() as i64 - 1) * step_ms;
        let timed: Vec<(i64, f64)> =
            by_hour.iter().enumerate().map(|(index, value)| (from_ms + index as i64 * step_ms, *value)).collect();
        let (before, held_out) = timed.split_at(timed.len() - HELD_OUT_DAYS * per_day);
        let trial = Self::from(before, past.zone())?;
        let deviation = |of: &dyn Fn(i64) -> f64| {
            let left = sorted(held_out.iter().map(|(at_ms, value)| value - of(*at_ms)));
            let middle = median(left.iter().copied())?;
            Some(left.iter().map(|value| (value - middle).abs()).sum::<f64>())
        };
        let helps = deviation(&|at_ms| trial.at(at_ms))? < LEFT * deviation(&|_| 0.0)?;
        if helps { Self::from(&timed, past.zone()) } else { None }
    }

    /// The medians by local hour; `None` unless each hour has values.
    fn from(timed: &[(i64, f64)], zone: Zone) -> Option<Self> {
        let finite = timed.iter().copied().filter(|(_, value)| value.is_finite());
        let mut hours = [0.0; 24];
        for (hour, median) in hours.iter_mut().zip(medians(finite, zone)) {
            *hour = median?;
        }
        let mean = hours.iter().sum::<f64>() / 24.0;
        Some(Self(DayHours { hours: hours.map(|value| value - mean), zone }))
    }

    /// The usual deviation from the level at an instant.
    pub(super) fn at(&self, ms: i64) -> f64 {
        self.0.at(ms)
    }
}
