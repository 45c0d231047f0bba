//! Finds incidents in which a member sent no metrics for a while between its first and last seen, although other members
//! did, and restarts.

use super::gone::{self, Down};
use super::incidents::{Incident, measure};
use super::spans::{both, length_within, most_at_once, union};
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Evidence, Finding, Kind, ProblemCause, told};
use crate::analysis::membership::{LEAST_MS, Membership, Staffing};
use crate::spec::version_text;
use crate::text::count;
use crate::time::TimeRange;

pub(super) const DOWN: &str = "a member sends no metrics at one or more steps between its first and last samples, while other members \
    of the history do; only gauges count, because rates go on for five minutes after the last sample, and the gauge of \
    leader changes for a day";
pub(super) const RESTARTED: &str =
    "the start time of a member's process changes, and it is without metrics for less than 10 minutes";

/// The incidents of one cluster in which members restarted, sent no metrics for a while or are missing for good. `anybody`
/// holds the times at which any member of any cluster sent metrics. At other times, Prometheus was probably down,
/// and absences are not reported.
pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack, anybody: &[TimeRange]) -> Vec<Incident> {
    let membership = gone::membership(of, cluster);
    let silent: Vec<Down<'_>> = cluster.members.iter().map(|member| (silent(of, member, anybody), member)).collect();
    let mut found = gone::find(of, cluster, &membership, &silent, anybody);
    let mut away = Vec::new();
    for (silent, member) in silent {
        let restarts = restarts(of, member, &silent);
        let is_restart = |span: &TimeRange| restarts.iter().any(|restart| restart.range == *span);
        found.extend(restarts.iter().map(|restart| restarted(of, cluster, &membership, member, restart)));
        away.push((silent.into_iter().filter(|span| !is_restart(span)).collect::<Vec<TimeRange>>(), member));
    }
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

/// When the member was not scraped although others were. Rates of a member that went for good go on for five minutes; that
/// is told as its departure.
fn silent(of: &Collector<'_>, member: &MemberTrack, anybody: &[TimeRange]) -> Vec<TimeRange> {
    let mut silent = both(&union(member.shows(|signs| !signs.is_scraped)), anybody);
    let left_ms = member.life.last_ms + of.step.millis();
    if of.range.end_ms - left_ms >= LEAST_MS {
        silent.retain(|span| span.end_ms < left_ms);
    }
    silent
}

/// A restart of a member's process.
struct Restart {
    range: TimeRange,
    /// Whether `range` is a gap in the samples.
    is_gap: bool,
    /// The start time of the new process.
    started_ms: i64,
}

/// The time without samples around each restart, or the step at which the new process was first seen if none is missing.
/// Longer absences are told as such, with the restart among their evidence.
fn restarts(of: &Collector<'_>, member: &MemberTrack, silent: &[TimeRange]) -> Vec<Restart> {
    let step_ms = of.step.millis();
    let around = member.starts().filter_map(|(before, after)| {
        let (seen_ms, started_ms) = (after.start_ms, (after.state * 1000.0) as i64);
        let gap = silent.iter().find(|span| span.start_ms >= before.start_ms && span.end_ms == seen_ms);
        let range = gap.copied().unwrap_or(TimeRange { start_ms: seen_ms, end_ms: seen_ms + step_ms });
        let is_long = gap.is_some() && range.end_ms - range.start_ms >= LEAST_MS;
        (!is_long).then_some(Restart { range, is_gap: gap.is_some(), started_ms })
    });
    around.collect()
}

fn restarted(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    membership: &Membership,
    member: &MemberTrack,
    restart: &Restart,
) -> Incident {
    let range = restart.range;
    let mut finding = Finding::new(Kind::Incident, &cluster.cluster, range.start_ms, range.end_ms, RESTARTED);
    finding.members = vec![member.name()];
    measure(of, cluster, range, &mut finding);
    finding.lost = None;
    let gap = match restart.is_gap {
        true => format!("no samples for {}", told::seconds(range.end_ms - range.start_ms)),
        false => "no sample is missing".to_owned(),
    };
    let at = told::instant(restart.started_ms);
    let versions = member.new_version(restart.started_ms).map(|(before, after)| [before, after].map(version_text));
    let with = versions.as_ref().map(|[before, after]| format!(" with etcd {after} instead of {before}"));
    let with = with.unwrap_or_default();
    finding.says = format!("{} of {} restarted at {at}{with} ({gap})", member.name(), finding.cluster);
    let expected = membership.expected_at(range.start_ms);
    let away = usize::from(member.votes_at(range.start_ms));
    let staffing = Staffing { left: expected.saturating_sub(away), expected };
    finding.impact = staffing.impact(range.end_ms - range.start_ms);
    finding.staffing = Some(staffing);
    finding.tell("started", Evidence::Instant(restart.started_ms));
    if let Some([before, after]) = versions {
        finding.tell("version_before", before);
        finding.tell("version_after", after);
    }
    Incident::of_members(finding, ProblemCause::Restart)
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
    let votes = |member: &MemberTrack| member.votes_at(range.start_ms);
    let voters = down.iter().filter(|(_, member)| votes(member));
    let spans: Vec<Vec<TimeRange>> = voters.map(|(spans, _)| spans.clone()).collect();
    let members = cluster.members.iter().filter(|member| votes(member)).count();
    let away = most_at_once(&spans, range);
    let expected = membership.expected_at(range.start_ms).max(members);
    let staffing = Staffing { left: members.saturating_sub(away), expected };
    let learners: Vec<String> = down.iter().filter(|(_, m)| !votes(m)).map(|(_, member)| member.name()).collect();
    let learners = match learners.as_slice() {
        [] => String::new(),
        [learner] => format!(" ({learner} is a learner and does not vote)"),
        learners => format!(" ({} are learners and do not vote)", learners.join(", ")),
    };
    finding.says = format!(
        "{} of {} sent no metrics for {}: {} of {} left, {}{learners}",
        finding.members.join(", "),
        finding.cluster,
        told::seconds(range.end_ms - range.start_ms),
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
        finding.tell(format!("{}_started_again", member.name()), text);
    }
    finding
}
