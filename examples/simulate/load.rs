//! The load of a cluster: by hour, by weekday, and random.

use crate::random::{Random, Wander};
use crate::timeline::{DAY, HOUR, Interval, MINUTE};

/// Load by UTC hour of the day; 1 is a normal working hour.
const HOURLY: [f64; 24] = [
    0.42, 0.38, 0.36, 0.35, 0.37, 0.44, 0.56, 0.72, 0.90, 1.02, 1.08, 1.10, 1.04, 1.06, 1.12, 1.10, 1.04, 0.96, 0.86,
    0.78, 0.70, 0.62, 0.54, 0.47,
];
/// Load by weekday, Monday first.
const WEEKLY: [f64; 7] = [1.0, 1.05, 1.04, 1.02, 0.95, 0.58, 0.52];

/// The load of a cluster, one value per minute.
#[derive(Debug)]
pub(crate) struct Load {
    start: i64,
    minutes: Vec<f64>,
}

impl Load {
    /// The load of a cluster; `seed` and its number are the key of its random numbers.
    pub(crate) fn new(seed: u64, cluster: u64, range: Interval) -> Self {
        let mut random = Random::keyed(seed, &[cluster, 102]);
        // Clusters serve users in different time zones.
        let shift = random.below(4) as i64 * HOUR;
        let mut noise = Wander::new(random);
        let minutes = (range.start..range.end)
            .step_by(MINUTE as usize)
            .map(|at| usual(at + shift) * (1.0 + 0.06 * noise.step()))
            .collect();
        Self { start: range.start, minutes }
    }

    /// The load at an instant of the range.
    pub(crate) fn at(&self, at: i64) -> f64 {
        self.minutes[((at - self.start) / MINUTE) as usize]
    }
}

/// The load without randomness, interpolated between hours and between days.
fn usual(at: i64) -> f64 {
    let hour = at.rem_euclid(DAY) / HOUR;
    let next = (hour + 1) % 24;
    let into = at.rem_euclid(HOUR) as f64 / HOUR as f64;
    let hourly = HOURLY[hour as usize] * (1.0 - into) + HOURLY[next as usize] * into;
    let today = WEEKLY[weekday(at)];
    let tomorrow = WEEKLY[weekday(at + DAY)];
    // In the last three hours of a day, it changes to that of the next day.
    let turned = ((at.rem_euclid(DAY) - 21 * HOUR) as f64 / (3 * HOUR) as f64).max(0.0);
    hourly * (today * (1.0 - turned) + tomorrow * turned)
}

/// The weekday, 0 for Monday (1970-01-01 was a Thursday).
fn weekday(at: i64) -> usize {
    (at.div_euclid(DAY) + 3).rem_euclid(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::parse_instant;

    #[test]
    fn afternoons_are_busier_than_nights_and_sundays() {
        let load = |text| usual(parse_instant(text).expect("an instant"));
        // 2026-10-01 was a Thursday.
        assert!(load("2026-10-01T14:00:00Z") > 2.5 * load("2026-10-01T03:00:00Z"));
        assert!(load("2026-10-01T14:00:00Z") > 1.5 * load("2026-10-04T14:00:00Z"));
    }

    #[test]
    fn load_never_jumps() {
        let start = parse_instant("2026-10-01").expect("an instant");
        let minutes = (start..start + 7 * DAY).step_by(MINUTE as usize);
        let steepest = minutes.map(|at| (usual(at + MINUTE) - usual(at)).abs()).fold(0.0, f64::max);
        assert!(steepest < 0.01, "{steepest}");
    }
}
