//! Leader changes and their likely causes. If the history says who led, the cause is looked for at the member that lost the
//! leadership; otherwise at any member.

mod by_any;
mod by_leader;

use std::borrow::Cow;

use super::elections::{Change, Elections};
use super::incidents::measure;
use super::leadership::{Leadership, Switch};
use super::tracks::ClusterTrack;
use super::{Cause, Collector, Evidence, Finding, Kind, ProblemCause, told};
use crate::spec::Metric;
use crate::text::count;
use crate::time::TimeRange;

/// A slow stretch explains an election if it lasts for at least this many steps: a single step may be a blip.
const LEAST_SLOW_STEPS: i64 = 2;
/// Where it is known who led, what members count within this time (or two steps, if longer) is one change: members that
/// lost the leader and find it again count later.
const SAME_MS: i64 = 30_000;
const DISK: &[Metric] = ProblemCause::SlowDisk.metrics();
/// Changes with the same cause and members are one finding if they are at most this far apart.
const TOGETHER_MS: i64 = 30 * 60_000;

pub(super) const RULE: &str = "another member leads, or the number of leader changes in the last day rises at members that did not \
    restart (the highest of all members counts). Of the member that led: restart: its process started again around \
    the change, or it went and never came back; upgrade: the same, with another version of etcd; process_stopped: it \
    sent no samples and was the same process afterwards; slow_disk: WAL fsync or backend commit p99 was above the \
    profile's first threshold for at least 2 steps, from 90 s before it shows until 5 minutes before it recovers, and \
    more than 0.05 applies a second were slow; network: it knew no leader for at least 2 steps while another member \
    led, or its round trips and those of others were above 0.15 s for 6 minutes before; overload: clients sent more \
    than 3 times the day's median and more than 100 proposals waited; several of these: several; none, and no member \
    was silent or without a leader: planned_move; else unexplained. Without evidence of who led, restart: a member's \
    process started, or sent its last sample, within 10 minutes; else slow_disk: a member's disk was slow for at \
    least 2 steps of the 10 minutes before; else unexplained. An unexplained change within an annotated planned move \
    is a planned_move. Changes with the same cause and members at most 30 minutes apart are one finding";

/// One election with its cause, the members that caused it, the reason in words, and the evidence.
struct Explained {
    change: Change,
    cause: Cause,
    members: Vec<String>,
    why: String,
    evidence: Vec<(Cow<'static, str>, Evidence)>,
}

impl Explained {
    fn new(change: Change) -> Self {
        Self { change, cause: Cause::Unexplained, members: Vec::new(), why: String::new(), evidence: Vec::new() }
    }

    fn tell(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Evidence>) {
        self.evidence.push((name.into(), value.into()));
    }

    fn adopt(&mut self, found: by_leader::Found) {
        (self.cause, self.members, self.why) = (found.cause, found.members, found.why);
        self.evidence.extend(found.evidence);
    }
}

/// The leader changes of one cluster, in order of time, each with its cause.
pub(super) struct Changes {
    /// Whether the history says who led.
    leaders_are_known: bool,
    all: Vec<Explained>,
}

impl Changes {
    pub(super) fn of(of: &Collector<'_>, cluster: &ClusterTrack, elections: &Elections) -> Self {
        let leadership = Leadership::of(cluster);
        let leaders_are_known = leadership.is_known();
        let switches = match leaders_are_known {
            true => {
                let same_ms = SAME_MS.max(2 * of.step.millis());
                leadership.switches(cluster, &elections.elected.within(same_ms), of.step.millis(), same_ms)
            }
            false => {
                elections.elected.changes.iter().map(|change| Switch { change: *change, handover: None }).collect()
            }
        };
        if switches.is_empty() {
            return Self { leaders_are_known, all: Vec::new() };
        }
        let (members, any) = (by_leader::Members::of(of, cluster), by_any::Members::of(of, cluster));
        let explained = |switch: &Switch| match switch.handover {
            Some(handover) => members.explain(switch, handover),
            None => any.explain(switch.change),
        };
        Self { leaders_are_known, all: switches.iter().map(explained).collect() }
    }

    /// Changes with one cause at the same members, one after the other, are one finding.
    pub(super) fn findings(&self, of: &Collector<'_>, cluster: &ClusterTrack, elections: &Elections) -> Vec<Finding> {
        let together = |a: &Explained, b: &Explained| {
            a.cause == b.cause && b.change.seen_ms - a.change.until_ms <= TOGETHER_MS && a.members == b.members
        };
        let groups = self.all.chunk_by(together);
        groups.map(|explained| tell(of, cluster, self.leaders_are_known, elections, explained)).collect()
    }

    /// Whether two changes that members counted have the same cause. Without knowing who led, nothing tells them apart.
    pub(super) fn have_one_cause(&self, one: &Change, other: &Change, near_ms: i64) -> bool {
        let cause = |change: &Change| {
            let from = self.all.partition_point(|explained| explained.change.until_ms < change.seen_ms - near_ms);
            let own =
                self.all[from..].iter().take_while(|explained| explained.change.seen_ms <= change.until_ms + near_ms);
            own.min_by_key(|explained| (explained.change.seen_ms - change.seen_ms).abs())
                .map(|explained| explained.cause)
        };
        !self.leaders_are_known || cause(one) == cause(other)
    }
}

fn tell(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    leaders_are_known: bool,
    elections: &Elections,
    explained: &[Explained],
) -> Finding {
    let (first, last) = (&explained[0], &explained[explained.len() - 1]);
    let (start_ms, end_ms) = (first.change.seen_ms - of.step.millis(), last.change.until_ms + of.step.millis());
    let mut finding = Finding::new(Kind::LeaderChange, &cluster.cluster, start_ms, end_ms, RULE);
    finding.members.clone_from(&first.members);
    finding.metric = Some(Metric::LeaderChanges);
    finding.cause = Some(first.cause);
    measure(of, cluster, TimeRange { start_ms, end_ms }, &mut finding);
    // The loss belongs to the incidents; here it would be counted twice.
    finding.lost = None;
    // What members counted overlaps between changes that follow each other within minutes; other leaders are counted once.
    let changes = match leaders_are_known {
        true => explained.iter().map(|one| one.change.count).sum(),
        false => elections.elected.count(&first.change, &last.change),
    };
    let count = count(changes, "leader change");
    finding.says = format!("{count} in {} from {}; {}", finding.cluster, told::instant(start_ms), first.why);
    finding.tell("changes", changes);
    finding.tell("seen_by_members", first.change.members);
    if cluster.members.iter().all(|member| member.started.is_empty()) {
        finding.tell("start_times", "unknown: the history holds none");
    }
    for metric in DISK.iter().copied() {
        if let Some(band) = of.profile.rule(metric).bands.list.first() {
            finding.tell(format!("{metric}_slow_above"), Evidence::Reading(metric, band.above));
        }
    }
    finding.evidence.extend(first.evidence.iter().cloned());
    finding
}
