//! The cause of a leader change if the history does not say who led: any member that restarted or had a slow disk nearby.

use super::super::elections::Change;
use super::super::spans::{length_within, union};
use super::super::tracks::{ClusterTrack, MemberTrack};
use super::super::{Cause, Collector, Evidence};
use super::{DISK, Explained, LEAST_SLOW_STEPS};
use crate::time::TimeRange;

/// A process that stopped or started within this time of an election explains the election. A member notices the
/// loss of its leader after about a second, but Prometheus returns the last samples of a stopped process for five
/// minutes, and the restart may take another five.
const RESTART_MS: i64 = 10 * 60_000;
/// A disk explains an election if it was slow at most this long before the election: twice the range of the rates.
const SLOW_MS: i64 = 10 * 60_000;

/// A member's restarts, departures and slow stretches, any of which may explain an election.
struct Trace<'a> {
    member: &'a MemberTrack,
    starts: Vec<i64>,
    leaves: Vec<i64>,
    slow: Vec<TimeRange>,
}

impl<'a> Trace<'a> {
    fn of(of: &Collector<'_>, member: &'a MemberTrack) -> Self {
        let slow = union(member.losing(of.table, DISK));
        Self { member, starts: member.restarts(), leaves: member.leaves(of), slow }
    }
}

/// The members of one cluster.
pub(super) struct Members<'a> {
    step_ms: i64,
    traces: Vec<Trace<'a>>,
}

impl<'a> Members<'a> {
    pub(super) fn of(of: &Collector<'_>, cluster: &'a ClusterTrack) -> Self {
        let traces = cluster.members.iter().map(|member| Trace::of(of, member)).collect();
        Self { step_ms: of.step.millis(), traces }
    }

    /// The likely cause of a change.
    pub(super) fn explain(&self, change: Change) -> Explained {
        let (from, to) = (change.seen_ms - self.step_ms, change.until_ms);
        let mut explained = Explained::new(change);
        let near = from - RESTART_MS..=to + RESTART_MS;
        for Trace { member, starts, leaves, .. } in &self.traces {
            let start = starts.iter().find(|at| near.contains(at)).map(|at| ("started", at));
            if let Some((what, at)) =
                start.or_else(|| leaves.iter().find(|at| near.contains(at)).map(|at| ("left", at)))
            {
                explained.cause = Cause::Restart;
                explained.members.push(member.name());
                explained.evidence.push((format!("{}_{what}", member.name()).into(), Evidence::Instant(*at)));
            }
        }
        if explained.cause == Cause::Restart {
            explained.why = format!("the process of {} stopped or started nearby", explained.members.join(", "));
            return explained;
        }
        let before = TimeRange { start_ms: from - SLOW_MS, end_ms: to + self.step_ms };
        for Trace { member, slow, .. } in &self.traces {
            let slow_for = length_within(slow, before);
            if slow_for >= LEAST_SLOW_STEPS * self.step_ms {
                explained.cause = Cause::SlowDisk;
                explained.members.push(member.name());
                explained.evidence.push((format!("{}_slow_for", member.name()).into(), Evidence::Duration(slow_for)));
            }
        }
        explained.why = match explained.cause {
            Cause::SlowDisk => format!("the disk of {} was slow before", explained.members.join(", ")),
            _ => "no restart nearby, and p99 showed no slow disk".to_owned(),
        };
        explained.why += "; the history does not say who led";
        explained
    }
}
