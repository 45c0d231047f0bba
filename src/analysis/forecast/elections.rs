//! Leader changes ahead: those of the last day that are still counted, and new ones at the rate of late.

use super::disk_elections::LEVELS;
use super::random::Random;
use crate::time::{DAY_MS, HOUR_MS};

/// The time in which an election counts half for the rate of now.
const HALF_LIFE_MS: i64 = 2 * HOUR_MS;
/// The time in which the rate of now falls half of the way to the usual one.
const SETTLED_MS: i64 = 3 * HOUR_MS;
/// Elections that a history without any is taken to have had: Jeffreys' prior of a Poisson rate.
const PRIOR: f64 = 0.5;

/// The leader changes of a cluster, as counts of the last day at each slot.
#[derive(Clone, Debug)]
pub struct Elections {
    /// The count of the last day; NaN is missing.
    counts: Vec<f64>,
    /// New changes in each slot.
    new: Vec<f64>,
    slot_ms: i64,
}

/// What is known of elections at an origin.
#[derive(Clone, Debug)]
pub struct ElectionOutlook {
    /// For each slot ahead, the changes of the last day at the origin that are still counted.
    remaining: Vec<f64>,
    /// For each slot ahead, the expected number of new changes in it.
    rates: Vec<f64>,
}

impl Elections {
    /// Takes the counts of the members of a cluster: at each slot the highest, because all members count the same elections.
    pub fn of<'a>(members: impl Iterator<Item = &'a [f64]>, slot_ms: i64) -> Self {
        let mut counts: Vec<f64> = Vec::new();
        for member in members {
            counts.resize(counts.len().max(member.len()), f64::NAN);
            counts.iter_mut().zip(member).for_each(|(count, other)| *count = count.max(*other));
        }
        let mut last = f64::NAN;
        let new = counts.iter().map(|count| {
            let rise = (count - last).max(0.0);
            last = if count.is_nan() { last } else { *count };
            if rise.is_finite() { rise } else { 0.0 }
        });
        Self { new: new.collect(), counts, slot_ms }
    }

    /// The leader changes in a slot.
    pub fn new_in(&self, slot: usize) -> f64 {
        self.new.get(slot).copied().unwrap_or(0.0)
    }

    /// What is known after `end` slots about the `ahead` slots that follow; `None` without a count in the last day.
    pub fn outlook(&self, end: usize, ahead: usize) -> Option<ElectionOutlook> {
        let day = (DAY_MS / self.slot_ms) as usize;
        let now = self.counts[end.saturating_sub(day)..end].iter().rev().find(|count| !count.is_nan())?;
        let known: f64 = self.new[end.saturating_sub(day)..end].iter().sum();
        let mut remaining = Vec::with_capacity(ahead);
        let mut left = known;
        for lead in 0..ahead {
            // The slot a day before this one leaves the window.
            left -= (end + lead).checked_sub(day).map_or(0.0, |gone| if gone < end { self.new[gone] } else { 0.0 });
            // Changes from before the history are in the count of now, but not among the known ones.
            remaining.push(if lead < day { (left + (now - known).max(0.0)).max(0.0) } else { 0.0 });
        }
        Some(ElectionOutlook { remaining, rates: self.rates(end, ahead) })
    }

    /// The expected new changes in each slot ahead.
    fn rates(&self, end: usize, ahead: usize) -> Vec<f64> {
        let usual = (self.new[..end].iter().sum::<f64>() + PRIOR) / end.max(1) as f64;
        let half = HALF_LIFE_MS as f64 / self.slot_ms as f64;
        let weight = |back: usize| (-(back as f64) / half).exp2();
        let reach = (12.0 * half) as usize;
        let (mut sum, mut weights) = (0.0, 0.0);
        for back in 0..reach.min(end) {
            sum += weight(back) * self.new[end - 1 - back];
            weights += weight(back);
        }
        let lately = if weights > 0.0 { sum / weights } else { usual };
        let settled = SETTLED_MS as f64 / self.slot_ms as f64;
        (0..ahead).map(|lead| usual + (lately - usual).max(0.0) * (-(lead as f64) / settled).exp2()).collect()
    }
}

impl ElectionOutlook {
    /// One course of the count: what remains, and new changes drawn from Poisson distributions, with the rate of late or that of
    /// the disk, whichever is higher. `levels` are those of the slowest disk in each slot ahead, `by_disk` the elections in a
    /// slot at each of them.
    pub fn course(&self, random: &mut Random, levels: &[usize], by_disk: &[f64; LEVELS]) -> Vec<f64> {
        let mut new = 0.0;
        let slot = |((remaining, rate), level): ((&f64, &f64), &usize)| {
            new += random.poisson(rate.max(by_disk[*level])) as f64;
            remaining + new
        };
        self.remaining.iter().zip(&self.rates).zip(levels).map(slot).collect()
    }
}
