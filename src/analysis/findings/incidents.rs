//! Incidents: stretches in which a cluster scored lower than usual. Each cause has its own incidents.

use super::ledger::Ledger;
use super::runs::{Run, within};
use super::spans::{both, length, length_within, overlapping, parts_within, union};
use super::statistics::reached;
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Evidence, Finding, Kind, ProblemCause, spells, told};
use crate::heatmap::costliest;
use crate::score::{Rollup, StepState, Worth};
use crate::spec::{METRICS, Metric};
use crate::text::palette::RED_BELOW;
use crate::text::rounding::score_short;
use crate::time::TimeRange;

/// A cluster is low if it scores at least this far below its usual score. In the seed profile, `open_fds` has a
/// weight of 0.1, so a member with too many open files loses exactly this much.
pub(super) const POINTS_BELOW: f64 = 1.0;
/// The usual score is the highest score that a cluster reaches for at least this share of the time. With a share of
/// a quarter, the usual score is still the healthy one even if the cluster is unhealthy half of the time.
const USUAL_SHARE: f64 = 0.25;
/// An incident ends after this long (half the default width of a cell) without a bad step, at which the cluster
/// is low and a member loses more than usual to the incident's metrics. Unscored steps do not count toward
/// the time without a bad step.
const OVER_MS: i64 = 30 * 60_000;
/// Two bad stretches this far apart are separate incidents, even if every step between them is unscored.
const UNKNOWN_MS: i64 = 2 * 3_600_000;
/// The search for the metric that lost points first begins this long before the incident.
const BEFORE_MS: i64 = 30 * 60_000;

pub(super) const RULE: &str = "the cluster's score is at least 1 point below its usual score (the one it reaches a quarter of the \
    time), or below 5 if it is usually below 5, and a member loses more than usual to metrics of this cause, for at \
    least --min-duration altogether; stretches of one member less than 30 minutes apart are one incident, not counting \
    steps without a score, up to 2 hours";

/// The causes whose incidents are found here. Those of leader changes are found in `storms`.
const CAUSES: [ProblemCause; 4] =
    [ProblemCause::SlowDisk, ProblemCause::FileDescriptors, ProblemCause::ClientTraffic, ProblemCause::DatabaseSize];

/// An incident with its cause.
#[derive(Clone, Debug)]
pub(super) struct Incident {
    pub(super) finding: Finding,
    pub(super) cause: ProblemCause,
    /// The time whose losses belong to the incident: its own range, or for a storm the time for which its changes cost
    /// points. Those of different incidents of one cause and cluster do not overlap.
    pub(super) spans: Vec<TimeRange>,
    /// The part of `spans` in which the cluster was low, or members sent no metrics.
    pub(super) low: Vec<TimeRange>,
    /// How long each member was bad, in milliseconds.
    pub(super) by_member: Vec<(String, i64)>,
    /// Whether members went and never came back, or never came.
    pub(super) is_for_good: bool,
}

impl Incident {
    /// A departure of members: all of the finding's range counts, for each of them.
    pub(super) fn departure(finding: Finding, cause: ProblemCause) -> Self {
        let range = finding.range();
        let by_member = finding.members.iter().map(|member| (member.clone(), range.end_ms - range.start_ms)).collect();
        Self {
            finding,
            cause,
            spans: vec![range],
            low: vec![range],
            by_member,
            is_for_good: cause == ProblemCause::MemberWithoutData,
        }
    }

    /// Something that concerned each of the finding's members all of the time.
    pub(super) fn of_members(finding: Finding, cause: ProblemCause) -> Self {
        Self { is_for_good: false, ..Self::departure(finding, cause) }
    }

    /// The part of the impact that is not a loss of points.
    pub(super) fn unscored_impact(&self) -> f64 {
        (self.finding.impact - self.finding.lost.unwrap_or(0.0)).max(0.0)
    }

    pub(super) fn low_ms(&self) -> i64 {
        length(&self.low)
    }
}

pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack, low: &Low, ledger: &Ledger<'_>) -> Vec<Incident> {
    let mut incidents = Vec::new();
    for cause in CAUSES {
        let own = low.bad_by_member(of, cluster, cause.metrics());
        // Only what is bad on the same member is joined across a gap. Members that are bad at the same time share an
        // incident.
        let joined = own.iter().flat_map(|bad| joined(bad, &low.unknown));
        let bad = union(own.iter().flatten().copied());
        let lasts = |range: &TimeRange| length_within(&bad, *range) >= of.min_duration_ms();
        let ranges = overlapping(joined).into_iter().filter(lasts);
        incidents.extend(ranges.map(|range| tell(of, cluster, low, ledger, range, &own, cause)));
    }
    incidents
}

/// The times at which a cluster scored lower than usual.
#[derive(Debug)]
pub(super) struct Low {
    /// The usual score, 0 to 10.
    pub(super) usual: f64,
    below: Vec<TimeRange>,
    unknown: Vec<TimeRange>,
    /// Highest score that counts as low.
    limit: f64,
    /// For each member, its usual loss from each metric, in the unit of the score table.
    usual_losses: Vec<[u64; METRICS]>,
}

impl Low {
    pub(super) fn of(of: &Collector<'_>, cluster: &ClusterTrack) -> Self {
        let score = |worth: Worth| of.table.points(worth.score);
        let scored = cluster.line.iter().filter_map(|run| match run.state {
            StepState::Scored(worth) => Some((score(worth), run.end_ms - run.start_ms)),
            _ => None,
        });
        let usual = reached(scored.collect(), USUAL_SHARE).unwrap_or(10.0);
        // If the usual score is red, every red score is low: the limit is the largest number below RED_BELOW.
        // Otherwise, 1e-9 allows for rounding errors of the subtraction.
        let limit =
            if usual < RED_BELOW { f64::from_bits(RED_BELOW.to_bits() - 1) } else { usual - POINTS_BELOW + 1e-9 };
        let below = cluster.line.iter().filter(|run| match run.state {
            StepState::Scored(worth) => score(worth) <= limit,
            _ => false,
        });
        let below: Vec<TimeRange> = below.map(Run::span).collect();
        // With the rollup `worst`, a single unscored member leaves the cluster unscored. If another member is low, the
        // cluster's score would be at least as low, so the cluster counts as low.
        let members = cluster.members.iter().filter(|_| of.folding.rollup == Rollup::Worst);
        let of_members = members.flat_map(|member| {
            let is_low = |code: u16| of.table.look_up(code).worth.is_some_and(|worth| score(worth) <= limit);
            member.voting(&union(member.codes.iter().filter(|run| is_low(run.state)).map(Run::span)))
        });
        let below = union(below.into_iter().chain(of_members));
        let is_unscored = |state| matches!(state, StepState::Unknown | StepState::Idle);
        let unknown = cluster.line.iter().filter(|run| is_unscored(run.state));
        let usual_losses = cluster.members.iter().map(|member| Metric::ALL.map(|m| usual_loss(of, member, &[m])));
        let (usual_losses, unknown) = (usual_losses.collect(), union(unknown.map(Run::span)));
        Self { usual, below, unknown, limit, usual_losses }
    }

    /// For each member, the times at which it voted, the cluster was low, and `metrics` cost the member more points than
    /// usual (or any points at all, if the cluster's usual score is red).
    pub(super) fn bad_by_member(
        &self,
        of: &Collector<'_>,
        cluster: &ClusterTrack,
        metrics: &[Metric],
    ) -> Vec<Vec<TimeRange>> {
        let bad = |member: &MemberTrack| member.voting(&both(&self.below, &union(self.bad_of(of, member, metrics))));
        cluster.members.iter().map(bad).collect()
    }

    fn bad_of(&self, of: &Collector<'_>, member: &MemberTrack, metrics: &[Metric]) -> Vec<TimeRange> {
        let usual = if self.usual < RED_BELOW { 0 } else { usual_loss(of, member, metrics) };
        let losses = member.codes.iter().filter(|run| loss(of, run.state, metrics).is_some_and(|lost| lost > usual));
        losses.map(Run::span).collect()
    }
}

/// Points lost to `metrics` at a step with this code, in the unit of the score table; `None` for an unscored step.
fn loss(of: &Collector<'_>, code: u16, metrics: &[Metric]) -> Option<u64> {
    let worth = of.table.look_up(code).worth?;
    Some(metrics.iter().map(|metric| worth.losses[metric.index()]).sum())
}

/// The usual loss of a member: the smallest loss that it does not exceed for at least a quarter of the time.
fn usual_loss(of: &Collector<'_>, member: &MemberTrack, metrics: &[Metric]) -> u64 {
    let lost = member.codes.iter().filter_map(|run| {
        let lost = loss(of, run.state, metrics)?;
        Some((-(lost as f64), run.end_ms - run.start_ms))
    });
    reached(lost.collect(), USUAL_SHARE).map_or(0, |lost| -lost as u64)
}

/// Joins the bad stretches of one member across short or unscored gaps.
fn joined(bad: &[TimeRange], unknown: &[TimeRange]) -> Vec<TimeRange> {
    let mut joined: Vec<TimeRange> = Vec::new();
    for &stretch in bad {
        if let Some(last) = joined.last_mut() {
            let gap = TimeRange { start_ms: last.end_ms, end_ms: stretch.start_ms };
            let apart = gap.end_ms - gap.start_ms;
            if apart - length_within(unknown, gap) < OVER_MS && apart < UNKNOWN_MS {
                last.end_ms = stretch.end_ms;
                continue;
            }
        }
        joined.push(stretch);
    }
    joined
}

fn tell(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    low: &Low,
    ledger: &Ledger<'_>,
    range: TimeRange,
    own: &[Vec<TimeRange>],
    cause: ProblemCause,
) -> Incident {
    let mut finding = Finding::new(Kind::Incident, &cluster.cluster, range.start_ms, range.end_ms, RULE);
    let bad = union(own.iter().flat_map(|bad| parts_within(bad, range)));
    let times = cluster.members.iter().zip(own).map(|(member, bad)| (member, length_within(bad, range)));
    let times: Vec<(&MemberTrack, i64)> = times.filter(|(_, ms)| *ms > 0).collect();
    // Name every member that was bad long enough. If none was, because several were bad in turn, name the one that was bad
    // longest.
    let least = of.min_duration_ms().min(times.iter().map(|(_, ms)| *ms).max().unwrap_or(0));
    let concerned: Vec<&MemberTrack> = times.iter().filter(|(_, ms)| *ms >= least).map(|(member, _)| *member).collect();
    finding.members = concerned.iter().map(|member| member.name()).collect();
    measure(of, cluster, range, &mut finding);
    let lost = cause.metrics().iter().map(|metric| (*metric, ledger.point_hours(ledger.lost(&[*metric], range))));
    let mut lost: Vec<(Metric, f64)> = lost.collect();
    finding.lost = finding.lost.map(|_| ledger.point_hours(ledger.lost(cause.metrics(), range)));
    if lost.iter().all(|(_, lost)| *lost <= 0.0) {
        // The cluster has no score, or another member costs it more: compare what the members lost themselves.
        let costs = costs(of, &concerned, range);
        lost = cause.metrics().iter().map(|metric| (*metric, told::point_hours(costs[metric.index()]))).collect();
    }
    finding.metric = costliest(cause.metrics(), |metric| lost.iter().find(|(m, _)| *m == metric).map_or(0.0, |l| l.1));
    finding.first = first_moved(of, cluster, low, range, &mut finding);
    finding.impact = finding.lost.unwrap_or(0.0);
    finding.says = says(of, &finding, low, length(&bad));
    finding.tell("usual_score", Evidence::Score(low.usual));
    finding.tell("low_is_at_most", Evidence::Score(low.limit));
    finding.tell("low_for", Evidence::Duration(length(&bad)));
    finding.tell("unknown_for", Evidence::Duration(length_within(&low.unknown, range)));
    let own_loss = finding.lost.is_some_and(|lost| lost > 0.0);
    for (metric, lost) in lost.into_iter().filter(|(_, lost)| *lost > 0.0) {
        let whose = if own_loss { "lost" } else { "lost_by_members" };
        finding.tell(format!("{metric}_{whose}"), Evidence::PointHours(lost));
    }
    if cause == ProblemCause::SlowDisk {
        spells::tell(of, &concerned, &bad, &mut finding);
    }
    let by_member = times.iter().map(|(member, ms)| (member.name(), *ms)).collect();
    Incident { finding, cause, spans: vec![range], low: bad, by_member, is_for_good: false }
}

/// The sentence of an incident: how long the cluster was low, why, and how far.
fn says(of: &Collector<'_>, finding: &Finding, low: &Low, low_ms: i64) -> String {
    let span_ms = finding.end_ms - finding.start_ms;
    let within = match told::duration(span_ms) {
        same if same == told::duration(low_ms) => String::new(),
        span => format!(" within {span}"),
    };
    let why = finding.metric.map_or_else(String::new, |metric| {
        let members = finding.members.join(", ");
        match told::threshold(of.profile, metric) {
            Some(threshold) => format!(": {} of {members} above {threshold}", metric.title()),
            None => format!(": {} of {members}", metric.title()),
        }
    });
    let lowest = finding.lowest.map_or_else(
        || "without a score".to_owned(),
        |lowest| format!("lowest score {}, usually {}", score_short(lowest), score_short(low.usual)),
    );
    format!("{} was low for {}{within}{why} ({lowest})", finding.cluster, told::duration(low_ms))
}

/// What each metric cost these members, in points × milliseconds.
fn costs(of: &Collector<'_>, members: &[&MemberTrack], range: TimeRange) -> [f64; METRICS] {
    let mut costs = [0.0; METRICS];
    for run in members.iter().flat_map(|member| within(&member.codes, range)) {
        let (Some(part), Some(worth)) = (run.span().intersect(range), of.table.look_up(run.state).worth) else {
            continue;
        };
        for (cost, loss) in costs.iter_mut().zip(worth.losses) {
            *cost += of.table.points(loss) * (part.end_ms - part.start_ms) as f64;
        }
    }
    costs
}

/// The members that are no learners in a range, with their indices.
fn voting(cluster: &ClusterTrack, range: TimeRange) -> impl Iterator<Item = (usize, &MemberTrack)> {
    let votes = move |member: &MemberTrack| member.learns().all(|span| span.intersect(range).is_none());
    cluster.members.iter().enumerate().filter(move |(_, member)| votes(member))
}

/// Fills in the cluster's lowest score, and a loss of 0 that the rule replaces with that of its cause. If the cluster is
/// unscored throughout (the rollup `worst` while a member is down), the lowest score is that of its scored members, and
/// there is no loss.
pub(super) fn measure(of: &Collector<'_>, cluster: &ClusterTrack, range: TimeRange, finding: &mut Finding) {
    let lowest = |scores: &mut dyn Iterator<Item = f64>| scores.reduce(f64::min);
    let of_cluster = within(&cluster.line, range).iter().filter_map(|run| match run.state {
        StepState::Scored(worth) => Some(of.table.points(worth.score)),
        _ => None,
    });
    finding.lowest = lowest(&mut of_cluster.into_iter());
    if finding.lowest.is_some() {
        finding.lost = Some(0.0);
        return;
    }
    let runs = voting(cluster, range).flat_map(|(_, member)| within(&member.codes, range));
    let worths = runs.filter_map(|run| of.table.look_up(run.state).worth);
    finding.lowest = lowest(&mut worths.map(|worth| of.table.points(worth.score)));
    if finding.lowest.is_some() {
        finding.tell("lowest_is_of", "the members with a score: the cluster has none throughout");
    }
}

/// The first metric that began to cost a member more than usual, during the incident or up to [`BEFORE_MS`]
/// before it. Adds the member and the instant to the evidence.
pub(super) fn first_moved(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    low: &Low,
    range: TimeRange,
    finding: &mut Finding,
) -> Option<Metric> {
    let near = TimeRange { start_ms: range.start_ms - BEFORE_MS, end_ms: range.end_ms };
    // Look at steps before this range too: whether a loss is new depends on the loss before it.
    let looked_at = TimeRange { start_ms: near.start_ms - UNKNOWN_MS, ..near };
    let mut first: Option<(i64, u64, Metric, &MemberTrack)> = None;
    for (index, member) in voting(cluster, near) {
        let usual = &low.usual_losses[index];
        for metric in Metric::ALL {
            let usual = usual[metric.index()];
            let mut before = None;
            for run in within(&member.codes, looked_at) {
                let Some(lost) = loss(of, run.state, &[metric]) else { continue };
                let moved = lost > usual && before.is_none_or(|before| before <= usual);
                before = Some(lost);
                let is_earlier = |(at, most, ..): &(i64, u64, Metric, &MemberTrack)| {
                    (run.start_ms, std::cmp::Reverse(lost)) < (*at, std::cmp::Reverse(*most))
                };
                if moved
                    && (near.start_ms..near.end_ms).contains(&run.start_ms)
                    && first.as_ref().is_none_or(is_earlier)
                {
                    first = Some((run.start_ms, lost, metric, member));
                }
            }
        }
    }
    let (at, _, metric, member) = first?;
    finding.tell("moved_first", format!("{metric} of {} at {}", member.name(), told::instant(at)));
    Some(metric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(from: i64, to: i64) -> TimeRange {
        TimeRange { start_ms: from * 60_000, end_ms: to * 60_000 }
    }

    #[test]
    fn stretches_are_joined_across_short_and_unscored_gaps_and_not_across_half_an_hour() {
        assert_eq!(joined(&[minutes(0, 10), minutes(39, 45)], &[]), [minutes(0, 45)]);
        assert_eq!(joined(&[minutes(0, 15), minutes(45, 60)], &[]), [minutes(0, 15), minutes(45, 60)]);
        let unknown = [minutes(20, 80)];
        assert_eq!(joined(&[minutes(0, 15), minutes(85, 100)], &unknown), [minutes(0, 100)]);
        let long = [minutes(15, 150)];
        assert_eq!(joined(&[minutes(0, 15), minutes(150, 160)], &long), [minutes(0, 15), minutes(150, 160)]);
    }
}
