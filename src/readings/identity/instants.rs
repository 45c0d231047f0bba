//! Chooses the instants at which members are verified.

use std::collections::BTreeSet;

use crate::readings::Member;
use crate::time::{Grid, HOUR_MS, Step, TimeRange};

/// Maximum number of instants in a range: about one a day in a range of 60 days.
const MOST_INSTANTS: i64 = 60;
/// Minimum distance between instants. Ranges too short for it still get three instants.
const APART_MS: i64 = 3 * HOUR_MS;
/// Distance between the steps at which clues (start times, counters and gauges) are read around an instant. Longer
/// than a server's default look-back, so that no two steps return the same sample.
const STRIDE_MS: i64 = 360_000;
/// Number of instants around which clues are read, if these cover all crowded members.
const STUDIED: usize = 5;
/// Maximum number of instants around which clues are read, if more than [`STUDIED`] are needed
/// to cover all crowded members.
const MOST_STUDIED: usize = 12;

/// When members are verified.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moments {
    /// At instants spread over a range.
    Within(TimeRange),
    /// At one instant, in seconds since 1970. Clues are read in the 18 minutes up to it.
    Until(i64),
}

/// What a look at one instant shows.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) at_seconds: i64,
    /// Whether there are any samples.
    pub(crate) has_samples: bool,
    /// Members with several series of a metric.
    pub(crate) crowded: BTreeSet<Member>,
}

impl Moments {
    /// The instants, in ascending seconds since 1970.
    pub(crate) fn instants(self) -> Vec<i64> {
        match self {
            Self::Until(at_seconds) => vec![at_seconds],
            Self::Within(range) => spread(range.start_ms, range.end_ms - 1),
        }
    }

    /// Instants closer together, if only a small part of the range has samples; `None` if no further look is needed.
    pub(crate) fn closer(self, looks: &[Look]) -> Option<Vec<i64>> {
        let Self::Within(range) = self else { return None };
        let with_samples: Vec<usize> = (0..looks.len()).filter(|at| looks[*at].has_samples).collect();
        let (first, last) = (*with_samples.first()?, *with_samples.last()?);
        let from = if first == 0 { range.start_ms } else { looks[first - 1].at_seconds * 1000 };
        let to = looks.get(last + 1).map_or(range.end_ms - 1, |look| look.at_seconds * 1000);
        let instants = spread(from, to);
        (with_samples.len() * 3 < instants.len()).then_some(instants)
    }

    /// Three steps at which to read clues: around the instant for `Within`, up to the instant for `Until`.
    pub(crate) fn around(self, at_seconds: i64) -> Grid {
        let at = at_seconds * 1000 / STRIDE_MS * STRIDE_MS;
        let from = match self {
            Self::Within(_) => at - STRIDE_MS,
            Self::Until(_) => at - 2 * STRIDE_MS,
        };
        let stride = Step::from_millis(STRIDE_MS).expect("six minutes are a step");
        Grid::within(TimeRange { start_ms: from, end_ms: from + 2 * STRIDE_MS + 1 }, stride)
    }
}

/// Instants from `from_ms` to `to_ms`, both included, in seconds.
fn spread(from_ms: i64, to_ms: i64) -> Vec<i64> {
    let span = (to_ms - from_ms).max(0);
    let count = (span / APART_MS).clamp(3, MOST_INSTANTS);
    let mut instants: Vec<i64> = (0..count).map(|i| (from_ms + span / (count - 1) * i) / 1000).collect();
    instants.dedup();
    instants
}

/// The instants around which to read clues: some of those with crowded members, spread over the range, and more
/// until each crowded member is covered, up to [`MOST_STUDIED`].
pub(crate) fn to_study(looks: &[Look]) -> Vec<i64> {
    let crowded: Vec<&Look> = looks.iter().filter(|look| !look.crowded.is_empty()).collect();
    if crowded.is_empty() {
        return Vec::new();
    }
    let mut studied: Vec<usize> = (0..STUDIED).map(|i| i * (crowded.len() - 1) / (STUDIED - 1)).collect();
    studied.dedup();
    let mut open: BTreeSet<&Member> = crowded.iter().flat_map(|look| &look.crowded).collect();
    studied.iter().for_each(|&at| open.retain(|member| !crowded[at].crowded.contains(*member)));
    while !open.is_empty() && studied.len() < MOST_STUDIED {
        let covered = |at: &usize| crowded[*at].crowded.iter().filter(|member| open.contains(member)).count();
        let Some(best) = (0..crowded.len()).max_by_key(covered) else { break };
        open.retain(|member| !crowded[best].crowded.contains(*member));
        studied.push(best);
    }
    studied.sort_unstable();
    studied.into_iter().map(|at| crowded[at].at_seconds).collect()
}

/// The last, the first and the middle one of ascending instants.
pub(crate) fn ends_and_middle(instants: &[i64]) -> Vec<i64> {
    let mut chosen: Vec<i64> = Vec::new();
    for at in [instants.len().checked_sub(1), Some(0), Some(instants.len() / 2)].into_iter().flatten() {
        match instants.get(at) {
            Some(instant) if !chosen.contains(instant) => chosen.push(*instant),
            _ => {}
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DAY_MS;

    fn look(at_seconds: i64, has_samples: bool, crowded: &[&str]) -> Look {
        Look { at_seconds, has_samples, crowded: crowded.iter().map(|name| Member::new("c", name)).collect() }
    }

    #[test]
    fn every_day_is_looked_at_up_to_60_days() {
        for days in 1..=60 {
            let range = TimeRange { start_ms: 0, end_ms: days * DAY_MS };
            let seen: BTreeSet<i64> = Moments::Within(range).instants().iter().map(|at| at * 1000 / DAY_MS).collect();
            assert_eq!(seen, (0..days).collect(), "{days} days");
        }
        let year = Moments::Within(TimeRange { start_ms: 0, end_ms: 365 * DAY_MS }).instants();
        assert_eq!((year.len(), year[0]), (60, 0));
        assert!(365 * 86_400 - year[59] < 120, "both ends of the range: {year:?}");
        let minute = Moments::Within(TimeRange { start_ms: 0, end_ms: 60_000 }).instants();
        assert_eq!(minute, [0, 29, 59]);
        assert_eq!(Moments::Until(7).instants(), [7]);
    }

    #[test]
    fn a_small_part_with_samples_is_looked_at_closer() {
        let range = TimeRange { start_ms: 0, end_ms: 365 * DAY_MS };
        let looks: Vec<Look> =
            Moments::Within(range).instants().into_iter().map(|at| look(at, at * 1000 > 360 * DAY_MS, &[])).collect();
        let closer = Moments::Within(range).closer(&looks).expect("one instant has samples");
        assert!(closer.len() > 20 && closer.iter().all(|at| at * 1000 > 350 * DAY_MS), "{closer:?}");
        let all: Vec<Look> = looks.iter().map(|one| look(one.at_seconds, true, &[])).collect();
        assert_eq!(Moments::Within(range).closer(&all), None);
        let none: Vec<Look> = looks.iter().map(|one| look(one.at_seconds, false, &[])).collect();
        assert_eq!(Moments::Within(range).closer(&none), None);
    }

    #[test]
    fn the_studied_instants_cover_every_crowded_member() {
        let mut looks: Vec<Look> = (0..40).map(|at| look(at, true, &["a"])).collect();
        looks[7] = look(7, true, &["b", "c"]);
        looks.push(look(99, true, &[]));
        assert_eq!(to_study(&looks), [0, 7, 9, 19, 29, 39]);
        assert_eq!(to_study(&looks[..1]), [0]);
        assert_eq!(to_study(&looks[40..]), [0_i64; 0]);
    }

    #[test]
    fn clues_are_read_around_an_instant_or_before_it() {
        let steps = |grid: Grid| (0..grid.len()).map(|step| grid.at(step) / 1000).collect::<Vec<_>>();
        let range = TimeRange { start_ms: 0, end_ms: DAY_MS };
        assert_eq!(steps(Moments::Within(range).around(3_700)), [3_240, 3_600, 3_960]);
        assert_eq!(steps(Moments::Until(3_700).around(3_700)), [2_880, 3_240, 3_600]);
        assert_eq!(ends_and_middle(&[1, 2, 3, 4]), [4, 1, 3]);
        assert_eq!(ends_and_middle(&[1]), [1]);
        assert_eq!(ends_and_middle(&[]), [0_i64; 0]);
    }
}
