//! Incidents of members that sent no metrics while other members did: the member was down, or it
//! was removed and perhaps replaced.

use super::incidents::measure;
use super::spans::{both, union};
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Finding, Kind, told};
use crate::text::count;
use crate::time::{DAY_MS, TimeRange};

/// Shortest absence that is reported: twice the five minutes for which Prometheus returns a series after its last
/// sample. A restart takes only a minute or two.
const LEAST_MS: i64 = 10 * 60_000;
/// A new member within this time counts as the replacement of a removed one. Without a replacement, the cluster
/// was probably scaled down on purpose, which is not an incident.
const REPLACED_WITHIN_MS: i64 = DAY_MS;

const DOWN: &str = "nothing but the last day's leader changes is known of a member for at least 10 minutes of its \
    life, while other members of the history are known";
const GONE: &str = "a member is seen for the last time while others of its cluster go on for at least 10 minutes; the \
    incident ends when a new member is first seen within a day, or with the history where that is less than a day \
    later; without either the cluster was made smaller, which is none";

/// The absences in one cluster. `anybody` holds the times at which any member of any cluster sent metrics. At other
/// times, Prometheus was probably down, and members without metrics are not reported.
pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack, anybody: &[TimeRange]) -> Vec<Finding> {
    let mut found = Vec::new();
    let away: Vec<(Vec<TimeRange>, &MemberTrack)> =
        cluster.members.iter().map(|member| (down(of, member, anybody), member)).collect();
    for range in union(away.iter().flat_map(|(spans, _)| spans.iter().copied())) {
        let down = away.iter().filter(|(spans, _)| spans.iter().any(|span| span.intersect(range).is_some()));
        found.push(tell_down(of, cluster, range, &down.map(|(_, member)| *member).collect::<Vec<_>>()));
    }
    let gone = cluster.members.iter().filter_map(|member| gone(of, cluster, member));
    found.extend(gone.map(|(range, member, successor)| tell_gone(of, cluster, range, member, successor)));
    found
}

fn down(of: &Collector<'_>, member: &MemberTrack, anybody: &[TimeRange]) -> Vec<TimeRange> {
    let mut down = both(&union(member.away(of.table)), anybody);
    down.retain(|span| span.end_ms - span.start_ms >= LEAST_MS);
    down
}

/// If `member` was removed: the range from its removal until its replacement (or the end of the history), the
/// member, and the replacement, if any. `None` if it was not removed, was replaced within [`LEAST_MS`], or had
/// no replacement within [`REPLACED_WITHIN_MS`] although the history goes on for that long.
fn gone<'a>(
    of: &Collector<'_>,
    cluster: &'a ClusterTrack,
    member: &'a MemberTrack,
) -> Option<(TimeRange, &'a MemberTrack, Option<&'a MemberTrack>)> {
    let start_ms = member.life.last_ms + of.step.millis();
    let goes_on = |other: &MemberTrack| other.life.first_ms < start_ms && other.life.last_ms >= start_ms + LEAST_MS;
    if !cluster.members.iter().any(goes_on) {
        return None;
    }
    let came = |other: &&MemberTrack| (start_ms..start_ms + REPLACED_WITHIN_MS).contains(&other.life.first_ms);
    let successor = cluster.members.iter().filter(came).min_by_key(|other| other.life.first_ms);
    let end_ms = match successor {
        Some(successor) => successor.life.first_ms,
        None if of.range.end_ms - start_ms < REPLACED_WITHIN_MS => of.range.end_ms,
        None => return None,
    };
    (end_ms - start_ms >= LEAST_MS).then_some((TimeRange { start_ms, end_ms }, member, successor))
}

fn tell_down(of: &Collector<'_>, cluster: &ClusterTrack, range: TimeRange, down: &[&MemberTrack]) -> Finding {
    let mut finding = Finding::new(Kind::Incident, &cluster.cluster, range.start_ms, range.end_ms, DOWN);
    finding.members = down.iter().map(|member| member.name()).collect();
    measure(of, cluster, range, &mut finding);
    let at_once = |at: i64| cluster.members.iter().filter(|m| m.life.first_ms <= at && at <= m.life.last_ms).count();
    let members = at_once(range.start_ms);
    finding.says = format!(
        "{} of {} of {} sent no metrics for {}",
        finding.members.join(", "),
        count(members, "member"),
        finding.cluster,
        told::duration(range.end_ms - range.start_ms),
    );
    finding.tell("members_of_the_cluster", members);
    finding.tell("members_away", down.len());
    for member in down {
        let back = member.restarts().into_iter().find(|at| (range.start_ms..=range.end_ms).contains(at));
        let text = match (member.started.is_empty(), back) {
            (true, _) => "unknown: the history holds no start times".to_owned(),
            (false, Some(at)) => told::instant(at),
            (false, None) => "not within: the process went on, and was not scraped".to_owned(),
        };
        finding.tell(&format!("{}_started_again", member.name()), text);
    }
    finding
}

fn tell_gone(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    range: TimeRange,
    member: &MemberTrack,
    successor: Option<&MemberTrack>,
) -> Finding {
    let mut finding = Finding::new(Kind::Incident, &cluster.cluster, range.start_ms, range.end_ms, GONE);
    finding.members = std::iter::once(member).chain(successor).map(MemberTrack::name).collect();
    finding.members.sort_unstable();
    measure(of, cluster, range, &mut finding);
    let (name, lasted) = (member.name(), told::duration(range.end_ms - range.start_ms));
    finding.says = match successor {
        Some(next) => format!("{name} of {} was replaced by {} ({lasted} gap)", finding.cluster, next.name()),
        None => format!(
            "{name} of {} was removed and not replaced by the end of the history, {lasted} later",
            finding.cluster
        ),
    };
    finding.tell("last_seen", told::instant(member.life.last_ms));
    if let Some(next) = successor {
        finding.tell("successor_first_seen", told::instant(next.life.first_ms));
    }
    finding
}
