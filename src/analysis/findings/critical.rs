//! Conditions in which etcd does not work, whatever the score says: members without a leader, a database at its quota, a
//! process about to run out of descriptors. They are problems under every profile, and however short.

use super::incidents::{Incident, measure};
use super::signs::Signs;
use super::spans::{length_within, most_at_once, overlapping, parts_within, union};
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Evidence, Finding, Kind, ProblemCause, full, told};
use crate::analysis::membership::Staffing;
use crate::spec::Metric;
use crate::text::count;
use crate::time::TimeRange;

/// Stretches of one condition this far apart are one incident.
const OVER_MS: i64 = 60_000;

pub(super) const NO_LEADER: &str = "a member is scraped and knows no leader (etcd_server_has_leader is 0): it can neither write nor \
    read linearizably; stretches less than a minute apart are one incident";
pub(super) const DATABASE_FULL: &str = "the database of a member is within 2 % of its quota: etcd refuses all writes of the cluster once a \
    write would exceed it, until an operator compacts, defragments and disarms the alarm; stretches less than a minute \
    apart are one incident";
pub(super) const DESCRIPTORS: &str = "open file descriptors of a member are within 5 % of their limit: the next connection, or the next file \
    of the log, may fail; stretches less than a minute apart are one incident";

/// A condition with the stretches in which each member is in it.
struct Condition {
    cause: ProblemCause,
    rule: &'static str,
    is: fn(&Signs) -> bool,
}

const CONDITIONS: [Condition; 3] = [
    Condition {
        cause: ProblemCause::NoLeader,
        rule: NO_LEADER,
        is: |signs| signs.is_scraped && signs.knows_leader == Some(false) && signs.is_learner != Some(true),
    },
    Condition { cause: ProblemCause::DatabaseFull, rule: DATABASE_FULL, is: |signs| signs.is_full },
    Condition { cause: ProblemCause::FileDescriptors, rule: DESCRIPTORS, is: |signs| signs.lacks_descriptors },
];

/// The incidents of one cluster. `known` are those that the score shows: what lies in one of the same cause and member is
/// told there.
pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack, known: &[Incident]) -> Vec<Incident> {
    let of_condition = |condition: &Condition| {
        let own: Vec<Vec<TimeRange>> = cluster.members.iter().map(|member| union(member.shows(condition.is))).collect();
        let told: Vec<TimeRange> =
            union(known.iter().filter(|i| i.cause == condition.cause).flat_map(|i| i.spans.iter().copied()));
        // Only stretches of the same member are joined; members in the condition at the same time share an incident.
        let joined = overlapping(own.iter().flat_map(|spans| joined(spans)));
        let new = joined.into_iter().filter(|range| parts_within(&told, *range).next().is_none());
        new.map(|range| incident(of, cluster, condition, range, &own)).collect::<Vec<_>>()
    };
    CONDITIONS.iter().flat_map(of_condition).collect()
}

fn joined(stretches: &[TimeRange]) -> Vec<TimeRange> {
    let mut joined: Vec<TimeRange> = Vec::new();
    for stretch in stretches {
        match joined.last_mut() {
            Some(last) if stretch.start_ms - last.end_ms < OVER_MS => last.end_ms = stretch.end_ms,
            _ => joined.push(*stretch),
        }
    }
    joined
}

fn incident(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    condition: &Condition,
    range: TimeRange,
    own: &[Vec<TimeRange>],
) -> Incident {
    let mut finding = Finding::new(Kind::Incident, &cluster.cluster, range.start_ms, range.end_ms, condition.rule);
    let times = cluster.members.iter().zip(own).map(|(member, spans)| (member, length_within(spans, range)));
    let concerned: Vec<(&MemberTrack, i64)> = times.filter(|(_, ms)| *ms > 0).collect();
    finding.members = concerned.iter().map(|(member, _)| member.name()).collect();
    let low: Vec<TimeRange> = parts_within(&union(own.iter().flatten().copied()), range).collect();
    let low_ms: i64 = low.iter().map(|span| span.end_ms - span.start_ms).sum();
    measure(of, cluster, range, &mut finding);
    match condition.cause {
        ProblemCause::NoLeader => tell_no_leader(cluster, most_at_once(own, range), range, low_ms, &mut finding),
        ProblemCause::DatabaseFull => {
            let members: Vec<&MemberTrack> = concerned.iter().map(|(member, _)| *member).collect();
            full::tell(of, &members, range, low_ms, &mut finding);
        }
        _ => tell_descriptors(low_ms, &mut finding),
    }
    finding.tell("lasted", Evidence::Duration(low_ms));
    let by_member = concerned.iter().map(|(member, ms)| (member.name(), *ms)).collect();
    Incident { finding, cause: condition.cause, spans: vec![range], low, by_member, is_for_good: false }
}

/// A limit that is nearly reached. It counts like a score of 0.
fn tell_descriptors(low_ms: i64, finding: &mut Finding) {
    let (of, lasted) = (format!("{} of {}", finding.members.join(", "), finding.cluster), told::seconds(low_ms));
    finding.metric = Some(Metric::OpenFds);
    finding.says = format!("{of} had at most 5 % of its file descriptors left for {lasted}");
    finding.impact = Staffing { left: 0, expected: 1 }.impact(low_ms);
}

fn tell_no_leader(cluster: &ClusterTrack, at_once: usize, range: TimeRange, low_ms: i64, finding: &mut Finding) {
    let there = |member: &&MemberTrack| {
        member.life.first_ms < range.end_ms
            && member.life.last_ms >= range.start_ms
            && member.shows(|signs| signs.is_learner != Some(true)).any(|span| span.intersect(range).is_some())
    };
    let expected = cluster.members.iter().filter(there).count();
    let staffing = Staffing { left: expected.saturating_sub(at_once), expected };
    finding.says = format!(
        "{} of {} knew no leader for {}, although {} scraped: {} of {} left, {}",
        finding.members.join(", "),
        finding.cluster,
        told::seconds(low_ms),
        if finding.members.len() == 1 { "it was" } else { "they were" },
        staffing.left,
        count(expected, "member"),
        staffing.margin_while_down(),
    );
    finding.lost = None;
    finding.staffing = Some(staffing);
    finding.impact = staffing.impact(low_ms);
}
