//! Elections, out of gauges that say how many changes each member has seen in the last day.
//!
//! Such a gauge rises with each change and falls a day later. A change that comes when an older one
//! leaves shows as neither: the older one did not fall when it should have. All members count the same
//! election, and a restart counts as one for the member alone that was restarted.

use std::collections::VecDeque;

use super::Collector;
use super::runs::Run;
use super::tracks::{ClusterTrack, MemberTrack};
use crate::spec::LOOK_BACK_SECONDS;
use crate::time::{DAY_MS, HOUR_MS};

/// After a gap this long in a member's gauge its rise says nothing of when.
const GAP_MS: i64 = HOUR_MS;
/// How long around the start of a process its own gauge is not believed: a counter that begins anew is a change.
const RESTART_MS: i64 = 5 * 60_000;
/// Members are scraped at most so far apart, besides the step: they see one election together.
const TOGETHER_MS: i64 = 2 * 60_000;

/// A change that members saw at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The first step at which it was seen.
    pub(super) seen_ms: i64,
    /// The last step at which another member saw it.
    pub(super) until_ms: i64,
    /// How many, of the member that saw the most.
    pub(super) count: u64,
    /// How many members saw it.
    pub(super) members: usize,
}

/// What a cluster's gauges tell.
#[derive(Debug)]
pub(super) struct Elections {
    /// What members saw apart from their own restarts.
    pub(super) elected: Seen,
    /// The same with the members' own restarts, which cost points as well.
    pub(super) counted: Seen,
}

/// Changes that members saw.
#[derive(Debug)]
pub(super) struct Seen {
    /// Joined where they were seen together, in order.
    pub(super) changes: Vec<Change>,
    /// Step, member and number, in order.
    arrivals: Vec<(i64, usize, u64)>,
}

impl Elections {
    pub(super) fn of(of: &Collector<'_>, cluster: &ClusterTrack) -> Self {
        let step_ms = of.step.millis();
        let mut elections = Vec::new();
        let mut counted = Vec::new();
        let alone = cluster.members.len() == 1;
        for (index, member) in cluster.members.iter().enumerate() {
            let restarts = member.restarts();
            for (at, count) in arrivals(&member.leader, step_ms) {
                counted.push((at, index, count));
                let near = |start: &i64| (start - RESTART_MS..=start + RESTART_MS + step_ms).contains(&at);
                // Who is alone elects itself after a restart.
                if alone || !restarts.iter().any(near) {
                    elections.push((at, index, count));
                }
            }
        }
        let together = TOGETHER_MS.max(2 * step_ms);
        Self { elected: Seen::of(elections, together), counted: Seen::of(counted, together) }
    }
}

impl Seen {
    fn of(mut arrivals: Vec<(i64, usize, u64)>, together_ms: i64) -> Self {
        let changes = group(&mut arrivals, together_ms);
        Self { changes, arrivals }
    }

    /// How many there were from one change to another: of the member that saw the most. Where they
    /// follow each other within minutes, groups of what members saw together overlap, and their sum is too high.
    pub(super) fn count(&self, first: &Change, last: &Change) -> u64 {
        let mut by_member = std::collections::BTreeMap::new();
        for (_, member, count) in self.arrivals.iter().filter(|(at, ..)| (first.seen_ms..=last.until_ms).contains(at)) {
            *by_member.entry(member).or_insert(0) += count;
        }
        by_member.into_values().max().unwrap_or(0)
    }
}

/// When a gauge of one member counted a change, and how many.
fn arrivals(gauge: &[Run<f64>], step_ms: i64) -> Vec<(i64, u64)> {
    // When a change falls out again depends on the scrape before it.
    let late_ms = LOOK_BACK_SECONDS * 1000 + 2 * step_ms;
    let mut arrivals = Vec::new();
    // When they came, and how many: a gauge of somebody else's may hold any number.
    let mut inside: VecDeque<(i64, u64)> = VecDeque::new();
    let mut last: Option<&Run<f64>> = None;
    for run in gauge {
        let before = last.replace(run).filter(|before| run.start_ms - before.end_ms <= GAP_MS);
        let Some(before) = before else {
            inside.clear();
            continue;
        };
        while let Some((masked, count)) = inside.pop_front_if(|(at, _)| *at + DAY_MS + late_ms < run.start_ms) {
            // They left when others came.
            arrivals.push((masked + DAY_MS, count));
            inside.push_back((masked + DAY_MS, count));
        }
        let moved = run.state - before.state;
        if moved > 0.0 {
            arrivals.push((run.start_ms, moved as u64));
            inside.push_back((run.start_ms, moved as u64));
        }
        let mut left = (-moved).max(0.0) as u64;
        while let Some((_, count)) = inside.front_mut().filter(|_| left > 0) {
            let gone = left.min(*count);
            (*count, left) = (*count - gone, left - gone);
            if *count == 0 {
                inside.pop_front();
            }
        }
    }
    arrivals
}

/// Joins what members saw together.
fn group(seen: &mut [(i64, usize, u64)], together_ms: i64) -> Vec<Change> {
    seen.sort_unstable();
    let mut changes = Vec::new();
    let mut rest = &*seen;
    while let Some(&(seen_ms, ..)) = rest.first() {
        let (group, later) = rest.split_at(rest.partition_point(|(at, ..)| *at <= seen_ms + together_ms));
        let mut by_member: Vec<(usize, u64)> = group.iter().map(|(_, member, count)| (*member, *count)).collect();
        by_member.sort_unstable();
        let sums = by_member.chunk_by(|a, b| a.0 == b.0).map(|own| own.iter().map(|(_, count)| count).sum::<u64>());
        let sums: Vec<u64> = sums.collect();
        changes.push(Change {
            seen_ms,
            until_ms: group.last().map_or(seen_ms, |(at, ..)| *at),
            count: sums.iter().copied().max().unwrap_or(0),
            members: sums.len(),
        });
        rest = later;
    }
    changes
}

impl MemberTrack {
    /// When it was last seen before it was away or gone for good.
    pub(super) fn leaves(&self, of: &Collector<'_>) -> Vec<i64> {
        let seen = super::spans::union(self.seen(of.table));
        let ends = seen.iter().map(|span| span.end_ms);
        ends.filter(|end| *end < of.range.end_ms).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn gauge(values: &[(i64, i64, f64)]) -> Vec<Run<f64>> {
        let run =
            |&(start, end, state): &(i64, i64, f64)| Run { start_ms: start * MINUTE, end_ms: end * MINUTE, state };
        values.iter().map(run).collect()
    }

    #[test]
    fn a_gauge_rises_with_a_change_and_its_fall_a_day_later_is_none() {
        let day = DAY_MS / MINUTE;
        let seen = gauge(&[(0, 10, 2.0), (10, 30, 3.0), (30, 40, 2.0), (40, 9 + day, 4.0), (9 + day, 39 + day, 3.0)]);
        assert_eq!(arrivals(&seen, MINUTE), [(10 * MINUTE, 1), (40 * MINUTE, 2)]);
    }

    #[test]
    fn a_change_that_comes_when_an_older_one_leaves_is_seen_by_what_did_not_fall() {
        let day = DAY_MS / MINUTE;
        let seen = gauge(&[(0, 10, 0.0), (10, 10 + 2 * day, 1.0), (10 + 2 * day, 11 + 2 * day, 0.0)]);
        assert_eq!(arrivals(&seen, MINUTE), [(10 * MINUTE, 1), ((10 + day) * MINUTE, 1)]);
    }

    #[test]
    fn a_gauge_may_hold_any_number() {
        let seen = gauge(&[(0, 10, 0.0), (10, 20, 1e18), (20, 30, 3.0), (30, 40, 5.0)]);
        assert_eq!(arrivals(&seen, MINUTE), [(10 * MINUTE, 1_000_000_000_000_000_000), (30 * MINUTE, 2)]);
    }

    #[test]
    fn a_rise_over_a_gap_is_no_change() {
        assert_eq!(arrivals(&gauge(&[(0, 10, 0.0), (100, 110, 3.0)]), MINUTE), []);
    }

    #[test]
    fn what_members_see_together_is_one_election_with_the_highest_count() {
        let mut seen = [(0, 0, 1), (1, 1, 1), (2, 2, 2), (9, 0, 1)];
        let change = |seen_ms, until_ms, count, members| Change { seen_ms, until_ms, count, members };
        assert_eq!(group(&mut seen, 2), [change(0, 2, 2, 3), change(9, 9, 1, 1)]);
    }
}
