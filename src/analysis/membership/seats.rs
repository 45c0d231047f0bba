//! The places of members in a cluster: which member replaced which, and how many places are filled at each instant.

use std::collections::{BTreeMap, BTreeSet};

use super::{LOOK_BACK_MS, REPLACED_WITHIN_MS};
use crate::readings::Life;
use crate::time::{HOUR_MS, Step, TimeRange};

/// A replacement may join this long before the old member goes: operators often add the new member before
/// they remove the old one.
const ADDED_BEFORE_MS: i64 = HOUR_MS;

/// A place in the cluster: the member that holds it, and the member that takes it next.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) name: String,
    pub(super) life: Life,
    /// The first step without the member.
    pub(super) left_ms: i64,
    /// When the member begins to count: a replacement that joins early counts once the old member has gone.
    from_ms: i64,
    /// The index of the member that took the place of this one.
    pub(super) replaced_by: Option<usize>,
}

impl Seat {
    /// The latest instant at which the member may have sent its last sample. If the sample were newer, the look-back
    /// would still reach it at `left_ms`.
    pub(super) fn went_ms(&self) -> i64 {
        self.life.last_ms.min(self.left_ms - LOOK_BACK_MS).max(self.life.first_ms)
    }
}

/// Assigns each new member to the place of at most one departed member. Returns all members, in the order in
/// which they were last seen.
pub(super) fn assign(lives: Vec<(String, Life)>, step: Step, range: TimeRange) -> Vec<Seat> {
    let seat = |(name, life): (String, Life)| Seat {
        name,
        life,
        left_ms: life.last_ms + step.millis(),
        from_ms: life.first_ms,
        replaced_by: None,
    };
    let mut seats: Vec<Seat> = lives.into_iter().map(seat).collect();
    seats.sort_by(|a, b| (a.left_ms, &a.name).cmp(&(b.left_ms, &b.name)));
    let timeline = Timeline::of(&seats);
    let gone = |seat: &Seat| seat.left_ms < range.end_ms;
    let mut free: BTreeSet<(i64, usize)> =
        seats.iter().enumerate().filter(|(_, seat)| gone(seat)).map(|(index, seat)| (seat.left_ms, index)).collect();
    let mut new: Vec<usize> = (0..seats.len()).filter(|&i| seats[i].life.first_ms > range.start_ms).collect();
    new.sort_by_key(|&index| seats[index].life.first_ms);
    for index in new {
        let came_ms = seats[index].life.first_ms;
        let before = timeline.at(came_ms - 1);
        // In the first hour of a cluster, or while it grows from one odd size to the next (its size is even), a new
        // member may be an addition rather than an early replacement.
        let may_be_early = came_ms - range.start_ms >= ADDED_BEFORE_MS && before % 2 == 1;
        let place = place_of(&free, index, came_ms, may_be_early);
        if let Some(place) = place {
            free.remove(&place);
            seats[place.1].replaced_by = Some(index);
            seats[index].from_ms = came_ms.max(place.0);
        }
    }
    seats
}

/// The free place that a member first seen at `came_ms` takes: that of a member that went within the day before,
/// else of one that goes within the next hour (only if `may_be_early`), else the one that has been free longest.
fn place_of(free: &BTreeSet<(i64, usize)>, index: usize, came_ms: i64, may_be_early: bool) -> Option<(i64, usize)> {
    let after = (came_ms - REPLACED_WITHIN_MS + 1, 0)..=(came_ms, usize::MAX);
    let early = (came_ms + 1, 0)..=(came_ms + ADDED_BEFORE_MS, usize::MAX);
    let soon = || free.range(early).find(|(_, other)| *other != index).filter(|_| may_be_early);
    let oldest = || free.range(..=(came_ms - REPLACED_WITHIN_MS, usize::MAX)).next();
    free.range(after).next().or_else(soon).or_else(oldest).copied()
}

/// The number of members over time, as the instants at which it changes.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// The instant, the number of members from then on, and the largest number so far.
    changes: Vec<(i64, usize, usize)>,
}

impl Timeline {
    pub(super) fn of(seats: &[Seat]) -> Self {
        let mut moves: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
        for seat in seats.iter().filter(|seat| seat.from_ms < seat.left_ms) {
            moves.entry(seat.from_ms).or_default().0 += 1;
            moves.entry(seat.left_ms).or_default().1 += 1;
        }
        let (mut members, mut most) = (0_usize, 0);
        let mut changes = Vec::with_capacity(moves.len());
        for (at, (came, went)) in moves {
            let now = members + came - went;
            most = now.max(most);
            if now != members || changes.is_empty() {
                changes.push((at, now, most));
            }
            members = now;
        }
        Self { changes }
    }

    /// The number of members at an instant.
    pub(super) fn at(&self, ms: i64) -> usize {
        self.until(ms).map_or(0, |(_, members, _)| members)
    }

    /// The largest number of members at once until an instant.
    pub(super) fn most_until(&self, ms: i64) -> usize {
        self.until(ms).map_or(0, |(.., most)| most)
    }

    /// The largest number of members at once.
    pub(super) fn most(&self) -> usize {
        self.changes.last().map_or(0, |(.., most)| *most)
    }

    /// The next instant after this one at which the number of members changes.
    pub(super) fn next_change(&self, ms: i64) -> Option<i64> {
        let next = self.changes.partition_point(|(at, ..)| *at <= ms);
        self.changes.get(next).map(|(at, ..)| *at)
    }

    /// The stretches between changes in the number of members, each with that number, until `end_ms`.
    pub(super) fn stretches(&self, end_ms: i64) -> Vec<(TimeRange, usize)> {
        let ends = self.changes.iter().skip(1).map(|(at, ..)| *at.min(&end_ms)).chain([end_ms]);
        let stretch =
            |(&(start_ms, members, _), end_ms): (&(i64, usize, usize), i64)| (TimeRange { start_ms, end_ms }, members);
        self.changes.iter().zip(ends).map(stretch).filter(|(range, _)| range.start_ms < range.end_ms).collect()
    }

    fn until(&self, ms: i64) -> Option<(i64, usize, usize)> {
        let next = self.changes.partition_point(|(at, ..)| *at <= ms);
        next.checked_sub(1).map(|index| self.changes[index])
    }
}
