//! Election storms: so many leader changes that they cost points. The incident covers the elections themselves; its
//! loss is that of the 24 hours for which the metric counts them.

use super::elections::{Change, Elections};
use super::incidents::{Incident, Low, first_moved, measure};
use super::leader_changes::Changes;
use super::ledger::Ledger;
use super::spans::{both, length, length_within, union};
use super::tracks::ClusterTrack;
use super::{Collector, Evidence, Finding, Kind, ProblemCause, told};
use crate::spec::Metric;
use crate::text::count;
use crate::time::{DAY_MS, HOUR_MS, TimeRange};

/// Elections at most this far apart belong to one storm. This is much shorter than the 24 hours for which
/// the metric counts an election, so that storms on the same day can be told apart.
const TOGETHER_MS: i64 = 2 * HOUR_MS;
const METRIC: [Metric; 1] = [Metric::LeaderChanges];

pub(super) const RULE: &str = "leader changes of the last day make the cluster lose at least 1 point of its usual score; the \
    incident spans the change with which that begins and those of the same cause at most 2 hours before or after another of \
    them; later \
    changes are a storm of their own if they alone would cost points; the loss is that of all the time for which the \
    changes count";

pub(super) fn find(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    low: &Low,
    ledger: &Ledger<'_>,
    (elections, changes): (&Elections, &Changes),
) -> Vec<Incident> {
    let together = |one: &Change, other: &Change| {
        other.seen_ms - one.until_ms <= TOGETHER_MS && changes.have_one_cause(one, other, elections.together_ms)
    };
    let mut found: Vec<Incident> = Vec::new();
    let own = low.bad_by_member(of, cluster, &METRIC);
    let bad = union(own.iter().flatten().copied());
    // Use the losses of members instead of the cluster's: while one member is down, the cluster may have no score, but
    // the other members still report the leader changes.
    let losing = union(cluster.members.iter().flat_map(|member| member.losing(of.table, &METRIC)));
    for lingering in losing.into_iter().filter(|losing| length_within(&bad, *losing) > 0) {
        let known = &elections.counted.changes;
        let until = known.partition_point(|c| c.seen_ms <= lingering.start_ms);
        let storms = storms(&known[..], until, lingering, threshold(of), together);
        for (storm, span) in parts(of, &storms, lingering) {
            let start_ms = range(of, storm).start_ms;
            match found.last_mut().filter(|last| last.finding.start_ms == start_ms) {
                // One storm may cost points in several stretches.
                Some(last) => last.spans.push(span),
                None => found.push(begin(of, cluster, elections, storm, span)),
            }
        }
    }
    for incident in &mut found {
        tell(of, cluster, low, ledger, incident, &own);
    }
    found
}

/// Divides the time for which changes cost points among the storms: each has the time from its first change on, and the
/// first storm what comes before.
fn parts<'a>(of: &Collector<'_>, storms: &[&'a [Change]], lingering: TimeRange) -> Vec<(&'a [Change], TimeRange)> {
    let begins = |storm: &[Change]| range(of, storm).start_ms.clamp(lingering.start_ms, lingering.end_ms);
    let part = |(index, storm): (usize, &&'a [Change])| {
        let start_ms = if index == 0 { lingering.start_ms } else { begins(storm) };
        let end_ms = storms.get(index + 1).map_or(lingering.end_ms, |next| begins(next));
        (*storm, TimeRange { start_ms, end_ms })
    };
    storms.iter().enumerate().map(part).collect()
}

/// The highest number of changes within 24 hours that costs no points.
fn threshold(of: &Collector<'_>) -> u64 {
    of.profile.rule(Metric::LeaderChanges).bands.list.first().map_or(0, |band| band.above as u64)
}

/// Range of a storm: from the step before the first change was seen to the step after the last.
fn range(of: &Collector<'_>, storm: &[Change]) -> TimeRange {
    let step_ms = of.step.millis();
    TimeRange { start_ms: storm[0].seen_ms - step_ms, end_ms: storm[storm.len() - 1].until_ms + step_ms }
}

/// The storms behind `lingering`, a stretch of lost points. `until` is the index of the first change after the loss
/// began; the change before it set off the loss, so its storm is always included. A later storm is included only if
/// its own changes would have cost points.
fn storms(
    known: &[Change],
    until: usize,
    lingering: TimeRange,
    threshold: u64,
    together: impl Fn(&Change, &Change) -> bool,
) -> Vec<&[Change]> {
    let count = |storm: &[Change]| storm.iter().map(|change| change.count).sum::<u64>();
    let from = known.partition_point(|c| c.seen_ms < lingering.start_ms - DAY_MS);
    let to = known.partition_point(|c| c.seen_ms < lingering.end_ms);
    let mut storms = Vec::new();
    let mut begun = from;
    for storm in known[from..to].chunk_by(together) {
        let indices = begun..begun + storm.len();
        begun = indices.end;
        let crosses = until > from && indices.contains(&(until - 1));
        if crosses || (indices.start >= until && count(storm) > threshold) {
            storms.push(storm);
        }
    }
    storms
}

/// The incident of a storm, with the evidence about its changes.
fn begin(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    elections: &Elections,
    storm: &[Change],
    span: TimeRange,
) -> Incident {
    let (first, last) = (&storm[0], &storm[storm.len() - 1]);
    let range = range(of, storm);
    let mut finding = Finding::new(Kind::Incident, &cluster.cluster, range.start_ms, range.end_ms, RULE);
    finding.metric = Some(Metric::LeaderChanges);
    let changes = elections.counted.count(first, last);
    finding.says = format!(
        "a member of {} counted {} within {}, and {} a day cost points",
        finding.cluster,
        count(changes, "leader change"),
        told::duration(range.end_ms - range.start_ms),
        match threshold(of) {
            0 => "any change".to_owned(),
            most => format!("more than {most}"),
        },
    );
    finding.tell("changes", changes);
    finding.tell("of_these_elections", elections.elected.count(first, last));
    let day = elections.counted.changes.partition_point(|c| c.seen_ms < span.start_ms - DAY_MS);
    finding.tell("changes_from_a_day_before", elections.counted.count(&elections.counted.changes[day], last));
    finding.tell("changes_a_day_without_loss", threshold(of));
    finding.tell("first_seen", Evidence::Instant(first.seen_ms));
    finding.tell("last_seen", Evidence::Instant(last.until_ms));
    let cause = ProblemCause::LeaderInstability;
    Incident { finding, cause, spans: vec![span], low: Vec::new(), by_member: Vec::new(), is_for_good: false }
}

/// Adds what the storm cost, in all stretches in which its changes count.
fn tell(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    low: &Low,
    ledger: &Ledger<'_>,
    incident: &mut Incident,
    own: &[Vec<TimeRange>],
) {
    // All members count the same changes, so a storm has no members of its own.
    incident.low = union(own.iter().flat_map(|bad| both(bad, &incident.spans)));
    let lost = incident.spans.iter().map(|span| ledger.lost(&METRIC, *span)).sum();
    let (from, until) = (incident.spans[0].start_ms, incident.spans[incident.spans.len() - 1].end_ms);
    let counted = TimeRange { start_ms: from, end_ms: until };
    let (finding, low_ms) = (&mut incident.finding, length(&incident.low));
    measure(of, cluster, counted, finding);
    finding.first = first_moved(of, cluster, low, finding.range(), finding);
    finding.lost = finding.lost.map(|_| ledger.point_hours(lost));
    finding.impact = finding.lost.unwrap_or(0.0);
    let zone = of.folding.zone;
    finding.says += &format!(
        "; the cluster was low for {} from {} to {}",
        told::duration(low_ms),
        zone.in_words(from),
        zone.in_words(until),
    );
    finding.tell("points_lost_from", Evidence::Instant(from));
    finding.tell("points_lost_until", Evidence::Instant(until));
    finding.tell("low_for", Evidence::Duration(low_ms));
    finding.tell("usual_score", Evidence::Score(low.usual));
    finding.tell("leader_changes_lost", Evidence::PointHours(ledger.point_hours(lost)));
}
