//! Recovers elections from each member's gauge of leader changes within the last 24 hours.
//!
//! The gauge rises with each change and falls 24 hours later. If a new change arrives just as an old one expires, the
//! gauge does not move; the missing fall reveals the change. All members count the same election, but a restart is
//! counted only by the member that restarted.

use std::collections::VecDeque;

use super::Collector;
use super::runs::Run;
use super::tracks::{ClusterTrack, MemberTrack};
use crate::spec::LOOK_BACK_SECONDS;
use crate::time::{DAY_MS, HOUR_MS};

/// A rise across a longer gap in the gauge is ignored, because its time is unknown.
const GAP_MS: i64 = HOUR_MS;
/// Rises this close to a start of the member's process are ignored: `changes()` counts the counter reset as a change.
const RESTART_MS: i64 = 5 * 60_000;
/// Rises of several members within this time (or two steps, if longer) are one election:
/// members are scraped at different times.
const TOGETHER_MS: i64 = 2 * 60_000;

/// Leader changes that members saw at about the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// First step at which a member saw one of the changes.
    pub(super) seen_ms: i64,
    /// Last step at which a member saw one of the changes.
    pub(super) until_ms: i64,
    /// Number of changes, as counted by the member that saw the most.
    pub(super) count: u64,
    /// Number of members that saw a change.
    pub(super) members: usize,
}

/// Leader changes of one cluster, with and without restarts.
#[derive(Debug)]
pub(super) struct Elections {
    /// Leader changes, without the counter resets that members counted at their own restarts.
    pub(super) elected: Seen,
    /// All changes that the gauges counted, including those at restarts, because these cost points as well.
    pub(super) counted: Seen,
    /// How far apart members may see the same change.
    pub(super) together_ms: i64,
}

/// Leader changes that members saw, both grouped and one by one.
#[derive(Debug)]
pub(super) struct Seen {
    /// The changes in order of time, grouped across members.
    pub(super) changes: Vec<Change>,
    /// Each rise of a gauge as instant, index of the member and number of changes, sorted.
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
                // After a restart, the only member of a cluster elects itself, so a rise near its restart is an election.
                if alone || !restarts.iter().any(near) {
                    elections.push((at, index, count));
                }
            }
        }
        let together_ms = TOGETHER_MS.max(2 * step_ms);
        Self { elected: Seen::of(elections, together_ms), counted: Seen::of(counted, together_ms), together_ms }
    }
}

impl Seen {
    fn of(mut arrivals: Vec<(i64, usize, u64)>, together_ms: i64) -> Self {
        let changes = group(&mut arrivals, together_ms);
        Self { changes, arrivals }
    }

    /// Number of changes from `first` to `last`, as counted by the member that saw the most. Adding up the counts of
    /// the groups would be too high when changes follow each other within minutes, because groups then overlap.
    pub(super) fn count(&self, first: &Change, last: &Change) -> u64 {
        let mut by_member = std::collections::BTreeMap::new();
        for (_, member, count) in self.arrivals.iter().filter(|(at, ..)| (first.seen_ms..=last.until_ms).contains(at)) {
            *by_member.entry(member).or_insert(0) += count;
        }
        by_member.into_values().max().unwrap_or(0)
    }
}

/// Number of changes from `first` to `last`, as counted by the member that saw the most. The sum of the
/// groups' counts may be too high: if changes follow each other within minutes, members may count the
/// same change in two different groups.
fn arrivals(gauge: &[Run<f64>], step_ms: i64) -> Vec<(i64, u64)> {
    // A change should leave the gauge 24 hours after it arrived. Allow a delay of the look-back period and two
    // steps before concluding that a new change hides the fall.
    let late_ms = LOOK_BACK_SECONDS * 1000 + 2 * step_ms;
    let mut arrivals = Vec::new();
    // The changes still in the gauge's window, each entry with its instant and number of changes. One entry for each
    // change could fill the memory, because a user's own query may return huge numbers.
    let mut inside: VecDeque<(i64, u64)> = VecDeque::new();
    let mut last: Option<&Run<f64>> = None;
    for run in gauge {
        let before = last.replace(run).filter(|before| run.start_ms - before.end_ms <= GAP_MS);
        let Some(before) = before else {
            inside.clear();
            continue;
        };
        while let Some((masked, count)) = inside.pop_front_if(|(at, _)| *at + DAY_MS + late_ms < run.start_ms) {
            // The gauge should have fallen but did not, so as many new changes arrived as expired.
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

/// Groups the rises of all members: each group spans at most `together_ms` from its first rise. Sorts `seen`.
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
    /// Instants at which the member stopped sending metrics, for a while or for good.
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
    fn a_rise_of_the_gauge_is_a_change_and_its_fall_a_day_later_is_not() {
        let day = DAY_MS / MINUTE;
        let seen = gauge(&[(0, 10, 2.0), (10, 30, 3.0), (30, 40, 2.0), (40, 9 + day, 4.0), (9 + day, 39 + day, 3.0)]);
        assert_eq!(arrivals(&seen, MINUTE), [(10 * MINUTE, 1), (40 * MINUTE, 2)]);
    }

    #[test]
    fn a_change_that_arrives_as_an_older_one_expires_is_found_by_the_missing_fall() {
        let day = DAY_MS / MINUTE;
        let seen = gauge(&[(0, 10, 0.0), (10, 10 + 2 * day, 1.0), (10 + 2 * day, 11 + 2 * day, 0.0)]);
        assert_eq!(arrivals(&seen, MINUTE), [(10 * MINUTE, 1), ((10 + day) * MINUTE, 1)]);
    }

    #[test]
    fn a_huge_gauge_value_does_not_break_the_count() {
        let seen = gauge(&[(0, 10, 0.0), (10, 20, 1e18), (20, 30, 3.0), (30, 40, 5.0)]);
        assert_eq!(arrivals(&seen, MINUTE), [(10 * MINUTE, 1_000_000_000_000_000_000), (30 * MINUTE, 2)]);
    }

    #[test]
    fn a_rise_across_a_long_gap_is_ignored() {
        assert_eq!(arrivals(&gauge(&[(0, 10, 0.0), (100, 110, 3.0)]), MINUTE), []);
    }

    #[test]
    fn rises_of_several_members_at_once_are_one_election_with_the_highest_count() {
        let mut seen = [(0, 0, 1), (1, 1, 1), (2, 2, 2), (9, 0, 1)];
        let change = |seen_ms, until_ms, count, members| Change { seen_ms, until_ms, count, members };
        assert_eq!(group(&mut seen, 2), [change(0, 2, 2, 3), change(9, 9, 1, 1)]);
    }
}
