//! When a target is scraped, and which of its processes answers.

use std::ops::Range;

use crate::cluster::{Instance, Process};
use crate::incidents::Setting;
use crate::random::Random;
use crate::timeline::{Interval, SECOND};

/// The share of scrapes that fail, as in reality.
const MISSED: f64 = 0.0002;
/// Scrapes are at multiples of this many milliseconds, which are exact as binary seconds: promtool reads timestamps as
/// floating-point seconds and truncates them to milliseconds.
const GRAIN: i64 = 125;

/// All scrapes of one target.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    /// The times of the scrapes, ascending.
    pub(crate) at: Vec<i64>,
    /// The scrapes that each process answered.
    pub(crate) runs: Vec<Run>,
}

/// The scrapes that one process answered.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Indices of the scrapes.
    pub(crate) steps: Range<usize>,
    /// When the process started.
    pub(crate) started: i64,
}

/// A scrape, with the time since the previous one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// The time of the scrape.
    pub(crate) at: i64,
    /// Milliseconds since the previous scrape, or since the start of the process.
    pub(crate) since: i64,
    /// Whether this is the first scrape of the process, whose counters started at 0.
    pub(crate) first: bool,
}

impl Step {
    /// The time since the previous scrape that lies in the intervals, which must not overlap, in milliseconds.
    pub(crate) fn milliseconds(&self, intervals: &[Interval]) -> f64 {
        let passed = Interval { start: self.at - self.since, end: self.at };
        intervals.iter().map(|interval| interval.meet(passed).length().max(0)).sum::<i64>() as f64
    }

    /// The same in seconds.
    pub(crate) fn seconds(&self, intervals: &[Interval]) -> f64 {
        self.milliseconds(intervals) / SECOND as f64
    }
}

impl Schedule {
    /// The scrapes of an instance of etcd.
    pub(crate) fn of(setting: &Setting, instance: &Instance) -> Self {
        let random = Random::keyed(setting.seed, &[instance.key[0], instance.key[1], 0]);
        Self::new(setting, &instance.processes(), &instance.hangs, random)
    }

    /// The scrapes of a target with these processes, which do not answer while they hang. Each target has its own
    /// offset within the scrape interval.
    pub(crate) fn new(setting: &Setting, processes: &[Process], hangs: &[Interval], mut random: Random) -> Self {
        let offset = random.below((setting.scrape / GRAIN) as usize) as i64 * GRAIN;
        let mut at = Vec::new();
        let mut runs = Vec::new();
        for process in processes {
            let first = at.len();
            let Interval { start, end } = process.scraped;
            let phase = setting.range.start + offset;
            let skipped = (start - phase + setting.scrape - 1).div_euclid(setting.scrape);
            let instants = (phase + skipped * setting.scrape..end).step_by(setting.scrape as usize);
            let answered = instants.filter(|_| !random.chance(MISSED));
            at.extend(answered.filter(|at| !hangs.iter().any(|hang| hang.contains(*at))));
            runs.push(Run { steps: first..at.len(), started: process.started });
        }
        Self { at, runs }
    }

    /// All scrapes in order.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step> {
        self.runs.iter().flat_map(move |run| {
            let mut before = run.started;
            run.steps.clone().map(move |n| {
                let since = self.at[n] - before;
                before = self.at[n];
                Step { at: self.at[n], since, first: n == run.steps.start }
            })
        })
    }

    /// A counter that starts at 0 with each process and grows by `increase` at each scrape.
    pub(crate) fn count(&self, mut increase: impl FnMut(Step) -> u64) -> Vec<u64> {
        let mut total = 0;
        self.steps()
            .map(|step| {
                let before = if step.first { 0 } else { total };
                total = before + increase(step);
                total
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::{DAY, HOUR, MINUTE};

    fn setting() -> Setting {
        Setting {
            clusters: 1,
            members: 1,
            range: Interval { start: 20_000 * DAY, end: 20_001 * DAY },
            scrape: MINUTE,
            seed: 1,
            evidence: false,
        }
    }

    fn schedule() -> Schedule {
        let setting = setting();
        let range = setting.range;
        let process = |start: i64, end: i64| Process {
            started: range.start + start - HOUR,
            scraped: Interval { start: range.start + start, end: range.start + end },
        };
        let processes = [process(0, 6 * HOUR), process(9 * HOUR, DAY)];
        Schedule::new(&setting, &processes, &[], Random::keyed(1, &[]))
    }

    #[test]
    fn scrapes_keep_their_rhythm_over_an_outage() {
        let schedule = schedule();
        let gaps: Vec<i64> = schedule.at.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(gaps.iter().all(|gap| *gap > 0 && gap % MINUTE == 0));
        assert_eq!(gaps.iter().filter(|gap| **gap > 5 * MINUTE).count(), 1);
        assert!(schedule.at.iter().all(|at| setting().range.contains(*at)));
        assert!(schedule.at.len() >= 21 * 60 - 5, "{}", schedule.at.len());
    }

    #[test]
    fn counters_rise_and_start_again_with_the_process() {
        let schedule = schedule();
        let counter = schedule.count(|step| (step.since / MINUTE) as u64);
        let restart = schedule.runs[1].steps.start;
        for (n, two) in counter.windows(2).enumerate() {
            assert_eq!(two[1] < two[0], n + 1 == restart, "{n}");
        }
        assert!(counter[0] >= 60 && counter[restart] >= 60 && counter[restart] < 62);
    }
}
