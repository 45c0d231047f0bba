//! Finds incidents in which a member sent no metrics for a while between its first and last
//! seen, although other members did.

use super::gone::{self, Down};
use super::incidents::{Incident, measure};
use super::spans::{both, length_within, union};
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Evidence, Finding, Kind, ProblemCause, told};
use crate::analysis::membership::{LEAST_MS, Membership, Staffing};
use crate::text::count;
use crate::time::TimeRange;

pub(super) const DOWN: &str = "a member sends no metrics for at least 10 minutes between its first and last samples, while other \
    members of the history do; the gauge of leader changes does not count, because it stays for a day";

/// The incidents of one cluster in which members sent no metrics for a while or are missing for good. `anybody`
/// holds the times at which any member of any cluster sent metrics. At other times, Prometheus was probably down,
/// and absences are not reported.
pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack, anybody: &[TimeRange]) -> Vec<Incident> {
    let membership = gone::membership(of, cluster);
    let away: Vec<Down<'_>> = cluster.members.iter().map(|member| (down(of, member, anybody), member)).collect();
    let mut found = gone::find(of, cluster, &membership, &away, anybody);
    for range in union(away.iter().flat_map(|(spans, _)| spans.iter().copied())) {
        let down = away.iter().filter(|(spans, _)| spans.iter().any(|span| span.intersect(range).is_some()));
        let down: Vec<&Down<'_>> = down.collect();
        let finding = tell_down(of, cluster, &membership, range, &down);
        let by_member = down.iter().map(|(spans, member)| (member.name(), length_within(spans, range)));
        let by_member = by_member.collect();
        let cause = ProblemCause::MemberWithoutData;
        found.push(Incident { finding, cause, spans: vec![range], low: vec![range], by_member, is_for_good: false });
    }
    found
}

fn down(of: &Collector<'_>, member: &MemberTrack, anybody: &[TimeRange]) -> Vec<TimeRange> {
    let mut down = both(&union(member.away(of.table)), anybody);
    down.retain(|span| span.end_ms - span.start_ms >= LEAST_MS);
    down
}

/// The most members that were down at the same time within a range.
fn most_at_once(down: &[&Down<'_>], range: TimeRange) -> usize {
    let within =
        |at: i64| down.iter().filter(|(spans, _)| spans.iter().any(|s| s.start_ms <= at && at < s.end_ms)).count();
    let starts = down.iter().flat_map(|(spans, _)| spans.iter().map(|span| span.start_ms.max(range.start_ms)));
    starts.filter(|at| *at < range.end_ms).map(within).max().unwrap_or(0)
}

fn tell_down(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    membership: &Membership,
    range: TimeRange,
    down: &[&Down<'_>],
) -> Finding {
    let mut finding = Finding::new(Kind::Incident, &cluster.cluster, range.start_ms, range.end_ms, DOWN);
    finding.members = down.iter().map(|(_, member)| member.name()).collect();
    measure(of, cluster, range, &mut finding);
    finding.lost = None;
    let at_once = |at: i64| cluster.members.iter().filter(|m| m.life.first_ms <= at && at <= m.life.last_ms).count();
    let (members, away) = (at_once(range.start_ms), most_at_once(down, range));
    let expected = membership.expected_at(range.start_ms).max(members);
    let staffing = Staffing { left: members.saturating_sub(away), expected };
    finding.says = format!(
        "{} of {} sent no metrics for {}: {} of {} left, {}",
        finding.members.join(", "),
        finding.cluster,
        told::duration(range.end_ms - range.start_ms),
        staffing.left,
        count(expected, "member"),
        staffing.margin_while_down(),
    );
    finding.staffing = Some(staffing);
    finding.impact = staffing.impact(range.end_ms - range.start_ms);
    finding.tell("members_left", staffing.left);
    finding.tell("members_expected", expected);
    finding.tell("members_away", down.len());
    for (_, member) in down {
        let back = member.restarts().into_iter().find(|at| (range.start_ms..=range.end_ms).contains(at));
        let text = match (member.started.is_empty(), back) {
            (true, _) => "unknown: the history holds no start times".into(),
            (false, Some(at)) => Evidence::Instant(at),
            (false, None) => "not within: the process ran on, and was not scraped".into(),
        };
        finding.tell(&format!("{}_started_again", member.name()), text);
    }
    finding
}
