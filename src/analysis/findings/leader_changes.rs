//! Leader changes and their likely causes: a restart, a slow disk, or neither.

use super::elections::{Change, Elections};
use super::incidents::measure;
use super::spans::{length_within, union};
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Cause, Collector, Evidence, Finding, Kind, ProblemCause, told};
use crate::spec::Metric;
use crate::text::count;
use crate::time::TimeRange;

/// A process that stopped or started within this time of an election explains the election. A member notices the
/// loss of its leader after about a second, but Prometheus returns the last samples of a stopped process for five
/// minutes, and the restart may take another five.
const RESTART_MS: i64 = 10 * 60_000;
/// A disk explains an election if it was slow at most this long before the election: twice the range of the rates.
const SLOW_MS: i64 = 10 * 60_000;
/// A slow stretch explains an election if it lasts for at least this many steps: a single step may be a blip.
const LEAST_SLOW_STEPS: i64 = 2;
const DISK: &[Metric] = ProblemCause::SlowDisk.metrics();
/// Changes with the same cause and members are one finding if they are at most this far apart.
const TOGETHER_MS: i64 = 30 * 60_000;

pub(super) const RULE: &str = "the number of leader changes in the last day rises at members that did not restart (the highest of \
    all members counts); restart: a member's process started, or sent its last sample, within 10 minutes; else \
    slow_disk: WAL fsync or backend commit p99 of a member is above the profile's first threshold for at least 2 steps \
    of the 10 minutes before; else unexplained; changes with the same cause and members at most 30 minutes apart are \
    one finding";

/// One election with its cause, the members that caused it, and the evidence.
struct Explained {
    change: Change,
    cause: Cause,
    members: Vec<String>,
    evidence: Vec<(String, Evidence)>,
}

pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack, elections: &Elections) -> Vec<Finding> {
    let traces: Vec<Traces<'_>> = cluster.members.iter().map(|member| Traces::of(of, member)).collect();
    let all: Vec<Explained> = elections.elected.changes.iter().map(|change| explain(of, &traces, *change)).collect();
    let together = |a: &Explained, b: &Explained| {
        a.cause == b.cause && b.change.seen_ms - a.change.until_ms <= TOGETHER_MS && a.members == b.members
    };
    all.chunk_by(together).map(|explained| tell(of, cluster, elections, explained)).collect()
}

/// A member's restarts, departures and slow stretches, any of which may explain an election.
struct Traces<'a> {
    member: &'a MemberTrack,
    starts: Vec<i64>,
    leaves: Vec<i64>,
    slow: Vec<TimeRange>,
}

impl<'a> Traces<'a> {
    fn of(of: &Collector<'_>, member: &'a MemberTrack) -> Self {
        let slow = union(member.losing(of.table, DISK));
        Self { member, starts: member.restarts(), leaves: member.leaves(of), slow }
    }
}

fn explain(of: &Collector<'_>, traces: &[Traces<'_>], change: Change) -> Explained {
    let (from, to) = (change.seen_ms - of.step.millis(), change.until_ms);
    let mut explained = Explained { change, cause: Cause::Unexplained, members: Vec::new(), evidence: Vec::new() };
    let near = from - RESTART_MS..=to + RESTART_MS;
    for Traces { member, starts, leaves, .. } in traces {
        let start = starts.iter().find(|at| near.contains(at)).map(|at| ("started", at));
        if let Some((what, at)) = start.or_else(|| leaves.iter().find(|at| near.contains(at)).map(|at| ("left", at))) {
            explained.cause = Cause::Restart;
            explained.members.push(member.name());
            explained.evidence.push((format!("{}_{what}", member.name()), Evidence::Instant(*at)));
        }
    }
    if explained.cause == Cause::Restart {
        return explained;
    }
    let before = TimeRange { start_ms: from - SLOW_MS, end_ms: to + of.step.millis() };
    for Traces { member, slow, .. } in traces {
        let slow_for = length_within(slow, before);
        if slow_for >= LEAST_SLOW_STEPS * of.step.millis() {
            explained.cause = Cause::SlowDisk;
            explained.members.push(member.name());
            explained.evidence.push((format!("{}_slow_for", member.name()), Evidence::Duration(slow_for)));
        }
    }
    explained
}

fn tell(of: &Collector<'_>, cluster: &ClusterTrack, elections: &Elections, explained: &[Explained]) -> Finding {
    let (first, last) = (&explained[0], &explained[explained.len() - 1]);
    let (start_ms, end_ms) = (first.change.seen_ms - of.step.millis(), last.change.until_ms + of.step.millis());
    let mut finding = Finding::new(Kind::LeaderChange, &cluster.cluster, start_ms, end_ms, RULE);
    finding.members.clone_from(&first.members);
    finding.metric = Some(Metric::LeaderChanges);
    finding.cause = Some(first.cause);
    measure(of, cluster, TimeRange { start_ms, end_ms }, &mut finding);
    // The loss belongs to the incidents; here it would be counted twice.
    finding.lost = None;
    let changes = elections.elected.count(&first.change, &last.change);
    let members = finding.members.join(", ");
    let why = match first.cause {
        Cause::Restart => format!("the process of {members} stopped or started nearby"),
        Cause::SlowDisk => format!("the disk of {members} was slow before"),
        Cause::Unexplained => "no restart or slow disk nearby".to_owned(),
    };
    let count = count(changes, "leader change");
    finding.says = format!("{count} in {} from {}; {why}", finding.cluster, told::instant(start_ms));
    finding.tell("changes", changes);
    finding.tell("seen_by_members", first.change.members);
    if cluster.members.iter().all(|member| member.started.is_empty()) {
        finding.tell("start_times", "unknown: the history holds none");
    }
    for metric in DISK.iter().copied() {
        if let Some(band) = of.profile.rule(metric).bands.list.first() {
            finding.tell(&format!("{metric}_slow_above"), Evidence::Reading(metric, band.above));
        }
    }
    finding.evidence.extend(first.evidence.iter().cloned());
    finding
}
