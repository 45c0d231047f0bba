//! Election storms: so many leader changes that they cost points. The incident covers the elections themselves, not
//! the 24 hours for which the metric counts them.

use super::elections::{Change, Elections};
use super::incidents::{Low, first_moved, measure};
use super::spans::{length_within, union};
use super::tracks::ClusterTrack;
use super::{Collector, Finding, Kind, told};
use crate::spec::Metric;
use crate::text::count;
use crate::text::rounding::score_short;
use crate::time::{DAY_MS, HOUR_MS, TimeRange};

/// Elections at most this far apart belong to one storm. This is much shorter than the 24 hours for which
/// the metric counts an election, so that storms on the same day can be told apart.
const TOGETHER_MS: i64 = 2 * HOUR_MS;
const METRIC: [Metric; 1] = [Metric::LeaderChanges];

const RULE: &str = "leader changes of the last day make the cluster lose at least 1 point of its usual score; the \
    incident is the change with which that begins and those before and after it with no more than 2 hours between \
    two, and ends with the last of them, not when the last day no longer holds them; later ones are one of their own \
    where they alone would cost points";

pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack, low: &Low, elections: &Elections) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let bad = union(low.bad_by_member(of, cluster, &METRIC).into_iter().flatten());
    // Use the losses of members instead of the cluster's: while one member is down, the cluster may have no score, but
    // the other members still report the leader changes.
    let losing = union(cluster.members.iter().flat_map(|member| member.losing(of.table, &METRIC)));
    for lingering in losing.into_iter().filter(|losing| length_within(&bad, *losing) > 0) {
        let known = &elections.counted.changes;
        let until = known.partition_point(|c| c.seen_ms <= lingering.start_ms);
        for storm in storms(&known[..], until, lingering, threshold(of)) {
            // One storm may lose points in several stretches; report it once.
            if found.last().is_none_or(|last| last.start_ms != range(of, storm).start_ms) {
                found.push(tell(of, cluster, low, elections, storm, lingering));
            }
        }
    }
    found
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
fn storms(known: &[Change], until: usize, lingering: TimeRange, threshold: u64) -> Vec<&[Change]> {
    let count = |storm: &[Change]| storm.iter().map(|change| change.count).sum::<u64>();
    let from = known.partition_point(|c| c.seen_ms < lingering.start_ms - DAY_MS);
    let to = known.partition_point(|c| c.seen_ms < lingering.end_ms);
    let mut storms = Vec::new();
    let mut begun = from;
    for storm in known[from..to].chunk_by(|a, b| b.seen_ms - a.until_ms <= TOGETHER_MS) {
        let indices = begun..begun + storm.len();
        begun = indices.end;
        let crosses = until > from && indices.contains(&(until - 1));
        if crosses || (indices.start >= until && count(storm) > threshold) {
            storms.push(storm);
        }
    }
    storms
}

fn tell(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    low: &Low,
    elections: &Elections,
    storm: &[Change],
    lingering: TimeRange,
) -> Finding {
    let (first, last) = (&storm[0], &storm[storm.len() - 1]);
    let range = range(of, storm);
    let mut finding = Finding::new(Kind::Incident, &cluster.cluster, range.start_ms, range.end_ms, RULE);
    finding.metric = Some(Metric::LeaderChanges);
    measure(of, cluster, range, &mut finding);
    finding.first = first_moved(of, cluster, low, range, &mut finding);
    let changes = elections.counted.count(first, last);
    finding.says = format!(
        "a member of {} counted {} within {}; they are among those of the last day, and cost points, from {} to {}",
        finding.cluster,
        count(changes, "leader change"),
        told::duration(range.end_ms - range.start_ms),
        told::instant(lingering.start_ms),
        told::instant(lingering.end_ms),
    );
    finding.tell("changes", changes);
    finding.tell("of_these_elections", elections.elected.count(first, last));
    let day = elections.counted.changes.partition_point(|c| c.seen_ms < lingering.start_ms - DAY_MS);
    finding.tell("changes_from_a_day_before", elections.counted.count(&elections.counted.changes[day], last));
    finding.tell("changes_a_day_without_loss", threshold(of));
    finding.tell("first_seen", told::instant(first.seen_ms));
    finding.tell("last_seen", told::instant(last.until_ms));
    finding.tell("points_lost_from", told::instant(lingering.start_ms));
    finding.tell("points_lost_until", told::instant(lingering.end_ms));
    finding.tell("usual_score", score_short(low.usual));
    finding
}
