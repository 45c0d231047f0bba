//! Incidents of missing members: a member never came back, a member was replaced after a gap, a whole cluster
//! ended, or a cluster never had all of its expected members.

use std::sync::Arc;

use super::incidents::{Incident, measure};
use super::spans::{length_within, union};
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Evidence, Finding, Kind, ProblemCause, lacking, told};
use crate::analysis::membership::{
    Departure, LEAST_MS, LOOK_BACK_MS, Membership, Outcome, Shortage, Staffing, failures_tolerated, quorum,
};
use crate::readings::Life;
use crate::text::count;
use crate::time::TimeRange;

pub(super) const GONE: &str = "a member is seen for the last time at least 10 minutes before the end of the history, and no new \
    member is first seen within a day; it sent its last sample at least 5 minutes (the look-back) before its first \
    missing step; members expected: --expect-members, or else the most seen at once until then";
pub(super) const REPLACED: &str = "a member is seen for the last time, and a new member is first seen at least 10 minutes and less \
    than a day later";
pub(super) const ENDED: &str = "all members of a cluster are seen for the last time at least 10 minutes before the end of the \
    history";
pub(super) const FEWER: &str = "a cluster has fewer members than --expect-members for at least 10 minutes from when it was first \
    seen";

/// A member, with the stretches between its first and last seen in which it sent no metrics.
pub(super) type Down<'a> = (Vec<TimeRange>, &'a MemberTrack);

/// When a member was first and last seen. If its gauges ended before its rates, it went right after the last gauge, and not
/// at any time in the five minutes before the last rate.
fn lived(of: &Collector<'_>, member: &MemberTrack) -> Life {
    let life = member.life;
    let ended_ms = member.scraped().last().map(|span| span.end_ms).filter(|end_ms| *end_ms <= life.last_ms);
    // What happened to it while its source has no data is unknown: it is expected there, and has not gone.
    let last = TimeRange { start_ms: life.last_ms, end_ms: life.last_ms + 1 };
    let ended_ms = ended_ms.filter(|_| !lacking::lacks_all(of, &member.member.cluster, last));
    let last_ms = ended_ms.map_or(life.last_ms, |end_ms| end_ms + LOOK_BACK_MS - of.step.millis());
    Life { last_ms, ..life }
}

/// The membership of one cluster over the history.
pub(super) fn membership(of: &Collector<'_>, cluster: &ClusterTrack) -> Membership {
    // Learners do not vote.
    let voters = cluster.members.iter().filter_map(|member| Some((member, member.votes_from()?)));
    let lives = voters.map(|(member, from_ms)| {
        let life = lived(of, member);
        (member.name(), Life { first_ms: life.first_ms.max(from_ms).min(life.last_ms), ..life })
    });
    let lives = lives.collect();
    Membership::new(cluster.cluster.to_string(), lives, of.step, of.range, of.expected.of(&cluster.cluster))
}

pub(super) fn find(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    membership: &Membership,
    down: &[Down<'_>],
    anybody: &[TimeRange],
) -> Vec<Incident> {
    let of_departure = |departure: &Departure| {
        let mut finding = tell(of, cluster, departure, down, anybody);
        let cause = match departure.outcome {
            Outcome::Replaced { .. } => ProblemCause::MemberReplaced,
            // Nothing was seen of the other clusters of its source either.
            Outcome::Ended { .. } if finding.staffing.is_none() && of.origin.source_of(&cluster.cluster).is_some() => {
                ProblemCause::SourceWithoutData
            }
            Outcome::Gone { .. } | Outcome::Ended { .. } => ProblemCause::MemberWithoutData,
        };
        weigh(&mut finding, membership, departure.members.len());
        Incident::departure(finding, cause)
    };
    let mut found: Vec<Incident> = membership.departures().iter().map(of_departure).collect();
    let short = membership.short_from_the_start().map(|shortage| {
        let mut finding = tell_fewer(of, membership, &shortage);
        weigh(&mut finding, membership, 0);
        Incident::departure(finding, ProblemCause::MemberWithoutData)
    });
    found.extend(short);
    found
}

/// Fills in the impact: the hours with fewer members, each weighted by what is left (see [`Staffing::impact`]). A
/// replacement's gap counts as if its `went` members were missing.
fn weigh(finding: &mut Finding, membership: &Membership, went: usize) {
    let expected = membership.expected_at(finding.start_ms);
    let went = Staffing { left: expected.saturating_sub(went), expected };
    // A cluster that ended together with the monitoring may be well: it has no staffing, and no impact.
    let ended = went.left == 0 && finding.staffing.is_none();
    let staffing = finding.staffing.unwrap_or(if ended { Staffing { left: expected, expected } } else { went });
    finding.lost = None;
    finding.impact = staffing.impact(finding.end_ms - finding.start_ms);
}

/// An incident for each cluster that `--expect-members` names and that the history does not contain.
pub(super) fn unseen(of: &Collector<'_>, seen: &[Arc<str>]) -> Vec<Incident> {
    let is_unseen = |name: &str| seen.iter().all(|cluster| **cluster != *name);
    let unseen = of.expected.named().filter(|(name, members)| *members > 0 && is_unseen(name));
    let tell = |(name, expected): (&str, usize)| {
        let mut finding = Finding::new(Kind::Incident, name, of.range.start_ms, of.range.end_ms, FEWER);
        finding.says = format!("no member of {name} was ever seen: {} expected", count(expected, "member"));
        let mut cause = ProblemCause::MemberWithoutData;
        if let Some((source, _)) = of.lacking.of_cluster(name).filter(|_| lacking::lacks_all(of, name, of.range)) {
            cause = ProblemCause::SourceWithoutData;
            finding.rule = lacking::RULE;
            finding.says += &format!(", and source {source} has no data");
            finding.tell("source", source.as_str());
        }
        let staffing = Staffing { left: 0, expected };
        tell_staffing(of, &mut finding, staffing);
        finding.impact = staffing.impact(finding.end_ms - finding.start_ms);
        Incident::departure(finding, cause)
    };
    unseen.map(tell).collect()
}

fn tell(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    departure: &Departure,
    down: &[Down<'_>],
    anybody: &[TimeRange],
) -> Finding {
    let (start_ms, end_ms, rule) = match &departure.outcome {
        Outcome::Replaced { at_ms, .. } => (departure.left_ms, *at_ms, REPLACED),
        Outcome::Gone { refilled, .. } => {
            (departure.went_ms, refilled.as_ref().map_or(of.range.end_ms, |(_, at_ms)| *at_ms), GONE)
        }
        Outcome::Ended { .. } => (departure.went_ms, of.range.end_ms, ENDED),
    };
    let mut finding = Finding::new(Kind::Incident, &cluster.cluster, start_ms, end_ms, rule);
    finding.members.clone_from(&departure.members);
    finding.says = departure.says(&finding.cluster, of.folding.zone);
    let range = TimeRange { start_ms, end_ms };
    match &departure.outcome {
        Outcome::Replaced { by, at_ms } => {
            finding.members.extend(by.iter().cloned());
            measure(of, cluster, range, &mut finding);
            finding.says += &format!(" ({} gap)", told::duration(end_ms - start_ms));
            finding.tell("last_seen", Evidence::Instant(departure.last_seen_ms));
            finding.tell("successor_first_seen", Evidence::Instant(*at_ms));
        }
        Outcome::Gone { staffing, .. } => {
            finding.says += &format!("; {}", staffing.margin(staffing.expected - staffing.left));
            finding.tell("last_seen", Evidence::Instant(departure.last_seen_ms));
            tell_staffing(of, &mut finding, *staffing);
            tell_gap(of, cluster, departure, &mut finding);
            tell_others_down(of, *staffing, range, down, &mut finding);
        }
        Outcome::Ended { expected } => tell_ended(of, departure, *expected, anybody, &mut finding),
    }
    finding.members.sort_unstable();
    finding
}

/// Describes a cluster whose last member is gone. The incident has an impact only if members of other clusters still sent
/// metrics; otherwise, the monitoring may have been down.
fn tell_ended(
    of: &Collector<'_>,
    departure: &Departure,
    expected: usize,
    anybody: &[TimeRange],
    finding: &mut Finding,
) {
    finding.tell("last_seen", Evidence::Instant(departure.last_seen_ms));
    let after = TimeRange { start_ms: departure.last_seen_ms + of.step.millis(), end_ms: of.range.end_ms };
    if length_within(anybody, after) >= LEAST_MS {
        tell_staffing(of, finding, Staffing { left: 0, expected });
    } else {
        match of.origin.source_of(&finding.cluster) {
            Some(source) => {
                finding.says += &format!("; source {source} has no data of any cluster since");
                finding.tell("source", source.as_str());
            }
            None => finding.says += "; nothing else was seen since: the monitoring may have been down",
        }
        finding.tell("members_left", 0_u64);
        finding.tell("members_expected", expected);
    }
}

fn tell_staffing(of: &Collector<'_>, finding: &mut Finding, staffing: Staffing) {
    let Staffing { left, expected } = staffing;
    finding.staffing = Some(staffing);
    finding.tell("members_left", left);
    finding.tell("members_expected", expected);
    let flag = of.expected.of(&finding.cluster).is_some();
    finding.tell("expected_by", if flag { "--expect-members" } else { "the most members at once until then" });
    finding.tell("quorum", Evidence::Of(quorum(expected) as u64, expected as u64));
    finding.tell("failures_tolerated_before", failures_tolerated(expected));
    finding.tell("failures_tolerated_now", left.saturating_sub(quorum(expected)));
    finding.tell("failures_tolerated_if_removed_from_etcd", failures_tolerated(left));
}

/// If no member of the cluster sent metrics for a while after the departure, adds until when: the member may have
/// left at any time in this gap.
fn tell_gap(of: &Collector<'_>, cluster: &ClusterTrack, departure: &Departure, finding: &mut Finding) {
    let seen = union(cluster.members.iter().flat_map(|member| member.seen(of.table)));
    let next = seen.partition_point(|span| span.start_ms < departure.left_ms);
    let (Some(before), Some(after)) = (next.checked_sub(1).map(|index| seen[index]), seen.get(next)) else { return };
    // Scrape times differ between members by up to a scrape interval, so the other members may be last seen
    // slightly later than this one.
    if before.end_ms - departure.left_ms < LEAST_MS / 2 && after.start_ms - before.end_ms >= LEAST_MS {
        let back = of.folding.zone.in_words(after.start_ms);
        finding.says += &format!("; nothing was seen of {} until {back}", finding.cluster);
        finding.tell("no_member_seen_until", Evidence::Instant(after.start_ms));
    }
}

/// Adds the smallest number of members seen at once, if other members were down while
/// the departed ones were missing.
fn tell_others_down(
    of: &Collector<'_>,
    staffing: Staffing,
    range: TimeRange,
    down: &[Down<'_>],
    finding: &mut Finding,
) {
    let within = |spans: &[TimeRange]| spans.iter().filter_map(|span| span.intersect(range)).collect::<Vec<_>>();
    let others: Vec<(Vec<TimeRange>, String)> = down
        .iter()
        .map(|(spans, member)| (within(spans), member.name()))
        .filter(|(spans, _)| !spans.is_empty())
        .collect();
    let at_once =
        |at: i64| others.iter().filter(move |(spans, _)| spans.iter().any(|s| s.start_ms <= at && at < s.end_ms));
    let starts = others.iter().flat_map(|(spans, _)| spans.iter().map(|span| span.start_ms));
    let Some(at_ms) = starts.max_by_key(|at| (at_once(*at).count(), -*at)) else { return };
    let names: Vec<&str> = at_once(at_ms).map(|(_, name)| name.as_str()).collect();
    let seen = staffing.left.saturating_sub(names.len());
    let verb = if names.len() == 1 { "was" } else { "were" };
    let (names, at) = (names.join(", "), of.folding.zone.in_words(at_ms));
    finding.says += &format!("; {seen} of {} left when {names} {verb} down as well, from {at}", staffing.expected);
    finding.tell("fewest_members_seen", seen);
}

fn tell_fewer(of: &Collector<'_>, membership: &Membership, shortage: &Shortage) -> Finding {
    let (cluster, TimeRange { start_ms, end_ms }) = (membership.cluster(), shortage.range);
    let mut finding = Finding::new(Kind::Incident, cluster, start_ms, end_ms, FEWER);
    let Staffing { left, expected } = shortage.staffing;
    let margin = shortage.staffing.margin(expected - left);
    finding.says = format!("{}; {margin}", membership.says_short(shortage, of.folding.zone));
    tell_staffing(of, &mut finding, shortage.staffing);
    finding
}
