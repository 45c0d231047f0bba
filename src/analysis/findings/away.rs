//! Finds incidents in which a member sent no metrics for a while between its first and last
//! seen, although other members did.

use super::gone::{self, Down};
use super::incidents::measure;
use super::spans::{both, union};
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Finding, Kind, told};
use crate::analysis::membership::{LEAST_MS, Membership};
use crate::text::count;
use crate::time::TimeRange;

const DOWN: &str = "nothing but the last day's leader changes is known of a member for at least 10 minutes of its \
    life, while other members of the history are known";

/// The incidents of one cluster in which members sent no metrics for a while or are missing for good. `anybody`
/// holds the times at which any member of any cluster sent metrics. At other times, Prometheus was probably down,
/// and absences are not reported.
pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack, anybody: &[TimeRange]) -> Vec<Finding> {
    let membership = gone::membership(of, cluster);
    let away: Vec<Down<'_>> = cluster.members.iter().map(|member| (down(of, member, anybody), member)).collect();
    let mut found = gone::find(of, cluster, &membership, &away, anybody);
    for range in union(away.iter().flat_map(|(spans, _)| spans.iter().copied())) {
        let down = away.iter().filter(|(spans, _)| spans.iter().any(|span| span.intersect(range).is_some()));
        let down: Vec<&MemberTrack> = down.map(|(_, member)| *member).collect();
        found.push(tell_down(of, cluster, &membership, range, &down));
    }
    found
}

fn down(of: &Collector<'_>, member: &MemberTrack, anybody: &[TimeRange]) -> Vec<TimeRange> {
    let mut down = both(&union(member.away(of.table)), anybody);
    down.retain(|span| span.end_ms - span.start_ms >= LEAST_MS);
    down
}

fn tell_down(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    membership: &Membership,
    range: TimeRange,
    down: &[&MemberTrack],
) -> Finding {
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
    let expected = membership.expected_at(range.start_ms);
    if expected > members {
        finding.says += &format!("; {} of {expected} expected members were left", members.saturating_sub(down.len()));
        finding.tell("members_expected", expected);
    }
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
