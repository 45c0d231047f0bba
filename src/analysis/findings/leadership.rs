//! Who led a cluster, and when the leadership changed hands, from the gauge `etcd_server_is_leader`.

use super::elections::Change;
use super::runs::{Run, within};
use super::spans::{length_within, union};
use super::tracks::ClusterTrack;
use crate::time::TimeRange;

/// If no member was scraped for longer than this between two leaders, the time of the change is unknown.
const GAP_MS: i64 = 10 * 60_000;
/// How far a leader is looked for before and after a change that members only counted.
const NEAR_MS: i64 = 10 * 60_000;

/// A stretch in which one member led; the end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// Index of the member in its cluster.
    pub(super) member: usize,
    pub(super) range: TimeRange,
}

/// The two leaders around a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handover {
    /// Index of the member that led before, and since when.
    pub(super) from: usize,
    pub(super) from_since_ms: i64,
    /// Index of the member that led afterwards: the same one if it was elected again.
    pub(super) to: usize,
    /// The last step at which the old leader led.
    pub(super) lost_ms: i64,
    /// The first step at which the new one led.
    pub(super) took_ms: i64,
}

/// A change of leadership, and who led around it; `None` if the history cannot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Switch {
    pub(super) change: Change,
    pub(super) handover: Option<Handover>,
}

/// Who led a cluster over the whole range.
#[derive(Debug, Default)]
pub(super) struct Leadership {
    /// In order of time.
    terms: Vec<Term>,
}

impl Leadership {
    pub(super) fn of(cluster: &ClusterTrack) -> Self {
        let led = cluster.members.iter().enumerate().flat_map(|(member, track)| {
            union(track.shows(|signs| signs.leads == Some(true))).into_iter().map(move |range| Term { member, range })
        });
        let mut led: Vec<Term> = led.collect();
        led.sort_by_key(|term| (term.range.start_ms, term.range.end_ms, term.member));
        let mut terms: Vec<Term> = Vec::new();
        for term in led {
            match terms.last_mut() {
                Some(last) if last.member == term.member => {
                    last.range.end_ms = last.range.end_ms.max(term.range.end_ms)
                }
                // A process that hung believes for a moment that it still leads.
                Some(last) if term.range.end_ms <= last.range.end_ms => {}
                _ => terms.push(term),
            }
        }
        Self { terms }
    }

    /// Whether the history says who led, at any time.
    pub(super) fn is_known(&self) -> bool {
        !self.terms.is_empty()
    }

    /// Each change of the leader, with what the members counted at that time. What they counted without another leader
    /// stays a change: the same member was elected again, or a member had lost the leader and found it again.
    pub(super) fn switches(
        &self,
        cluster: &ClusterTrack,
        counted: &[Change],
        step_ms: i64,
        near_ms: i64,
    ) -> Vec<Switch> {
        let handovers = self.handovers(cluster, step_ms);
        let mut is_counted = vec![false; handovers.len()];
        let mut switches = Vec::new();
        for change in counted {
            let from = handovers.partition_point(|h| h.took_ms < change.seen_ms - near_ms);
            let to = handovers.partition_point(|h| h.took_ms <= change.until_ms + near_ms).max(from);
            let own: Vec<usize> = (from..to).filter(|index| !is_counted[*index]).collect();
            if from == to && !is_late(cluster, change, &handovers, near_ms) {
                switches.push(Switch { change: *change, handover: self.around(change, step_ms) });
            }
            let more = change.count.saturating_sub(own.len() as u64);
            for (place, index) in own.iter().enumerate() {
                is_counted[*index] = true;
                let count = if place + 1 == own.len() { 1 + more } else { 1 };
                let change = seen(handovers[*index], count, change.members);
                switches.push(Switch { change, handover: Some(handovers[*index]) });
            }
        }
        // Members do not count the change at their own restart, so that nobody may have counted one.
        for (handover, _) in handovers.iter().zip(&is_counted).filter(|(_, is_counted)| !**is_counted) {
            switches.push(Switch { change: seen(*handover, 1, 0), handover: Some(*handover) });
        }
        switches.sort_by_key(|switch| (switch.change.seen_ms, switch.change.until_ms));
        switches
    }

    fn handovers(&self, cluster: &ClusterTrack, step_ms: i64) -> Vec<Handover> {
        let scraped = union(cluster.members.iter().flat_map(|member| member.shows(|signs| signs.is_scraped)));
        let between = |two: &[Term]| {
            let (before, after) = (two[0], two[1]);
            let gap = TimeRange { start_ms: before.range.end_ms, end_ms: after.range.start_ms };
            let is_known =
                gap.end_ms - gap.start_ms <= GAP_MS || 2 * length_within(&scraped, gap) >= gap.end_ms - gap.start_ms;
            is_known.then(|| handover(before, after, step_ms))
        };
        self.terms.windows(2).filter_map(between).collect()
    }

    /// The leaders before and after a change that members counted.
    fn around(&self, change: &Change, step_ms: i64) -> Option<Handover> {
        let started = self.terms.partition_point(|term| term.range.start_ms < change.seen_ms);
        let before = *self.terms[..started].last().filter(|t| t.range.end_ms + NEAR_MS >= change.seen_ms)?;
        let goes_on = before.range.end_ms > change.until_ms;
        let next = self.terms.get(started).filter(|term| term.range.start_ms <= change.until_ms + NEAR_MS);
        let after = if goes_on { before } else { *next? };
        let mut handover = handover(before, after, step_ms);
        if goes_on {
            (handover.lost_ms, handover.took_ms) = (change.seen_ms - step_ms, change.until_ms);
        }
        Some(handover)
    }
}

/// Whether a member counts a change late that is told already: it was silent or without a leader in between.
fn is_late(cluster: &ClusterTrack, change: &Change, handovers: &[Handover], near_ms: i64) -> bool {
    let Some(last) = handovers.iter().rfind(|handover| handover.took_ms < change.seen_ms) else { return false };
    let since = TimeRange { start_ms: last.took_ms - near_ms, end_ms: change.seen_ms + near_ms };
    let signs = within(&cluster.members[change.first_member].signs, since);
    let away = signs.iter().filter(|run| !run.state.is_scraped || run.state.knows_leader == Some(false)).map(Run::span);
    // Away at the handover, and until it counted it.
    let is_until_now =
        |away: &TimeRange| away.start_ms - near_ms <= last.took_ms && change.seen_ms - near_ms <= away.end_ms;
    change.members == 1 && union(away).iter().any(is_until_now)
}

fn handover(before: Term, after: Term, step_ms: i64) -> Handover {
    // For a moment both may have claimed to lead.
    let lost_ms = (before.range.end_ms - step_ms).min(after.range.start_ms - step_ms);
    Handover {
        from: before.member,
        from_since_ms: before.range.start_ms,
        to: after.member,
        lost_ms: lost_ms.max(before.range.start_ms),
        took_ms: after.range.start_ms,
    }
}

fn seen(handover: Handover, count: u64, members: usize) -> Change {
    Change { seen_ms: handover.took_ms, until_ms: handover.took_ms, count, members, first_member: handover.to }
}
