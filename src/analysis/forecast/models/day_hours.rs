//! Values by the hour of the local day.

use super::super::order::median;
use crate::time::{DAY_MS, HOUR_MS, Zone};

/// A value for each hour of the local day.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DayHours {
    pub(super) hours: [f64; 24],
    pub(super) zone: Zone,
}

impl DayHours {
    /// The value at an instant, interpolated between the middles of the hours.
    pub(super) fn at(&self, ms: i64) -> f64 {
        let local = ms + self.zone.offset_ms(ms) - HOUR_MS / 2;
        let hour = (local.rem_euclid(DAY_MS) / HOUR_MS) as usize;
        let share = local.rem_euclid(HOUR_MS) as f64 / HOUR_MS as f64;
        self.hours[hour] * (1.0 - share) + self.hours[(hour + 1) % 24] * share
    }
}

/// The median of the values of each local hour; `None` for an hour without any. NaN is missing.
pub(super) fn medians(timed: impl Iterator<Item = (i64, f64)>, zone: Zone) -> [Option<f64>; 24] {
    let mut of_hour: [Vec<f64>; 24] = Default::default();
    for (at_ms, value) in timed {
        of_hour[((at_ms + zone.offset_ms(at_ms)).rem_euclid(DAY_MS) / HOUR_MS) as usize].push(value);
    }
    of_hour.map(median)
}
