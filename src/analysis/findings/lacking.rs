//! Incidents in which one of several sources has no data of a cluster: it did not answer, or its server has no samples of that
//! time. What happened to the members then is unknown, so these incidents are about the source and not about them.

use super::incidents::Incident;
use super::runs::Run;
use super::spans::{both, union};
use super::tracks::ClusterTrack;
use super::{Collector, Evidence, Finding, Kind, ProblemCause};
use crate::readings::{Life, SourceTimes};
use crate::score::StepState;
use crate::time::TimeRange;

pub(super) const RULE: &str = "one of several sources should have a part of a day that other sources have, and lacks \
    it: its pull failed, or its server has no samples of that time; members seen within an hour before or after it are \
    expected, and not scored";

/// An incident for each stretch in which the cluster has no score because its source has no data.
pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack) -> Vec<Incident> {
    let Some((source, lacks)) = of.lacking.of_cluster(&cluster.cluster) else { return Vec::new() };
    let unknown = cluster.line.iter().filter(|run| run.state == StepState::Unknown).map(Run::span);
    let stretches = both(&union(unknown), lacks);
    let tell = |range: TimeRange| {
        let mut finding = Finding::new(Kind::Incident, &cluster.cluster, range.start_ms, range.end_ms, RULE);
        let times = SourceTimes::describe(&[range], of.folding.zone);
        finding.says = format!("source {source} has no data for {times}: {} is unknown", cluster.cluster);
        let is_expected = |life: &Life| life.first_ms < range.end_ms && life.last_ms >= range.start_ms;
        let members = cluster.members.iter().filter(|member| is_expected(&member.life)).count();
        finding.tell("source", source.as_str());
        finding.tell("members_expected", members);
        finding.tell("without_a_score", Evidence::Duration(range.end_ms - range.start_ms));
        Incident::departure(finding, ProblemCause::SourceWithoutData)
    };
    stretches.into_iter().map(tell).collect()
}

/// Whether the source of a cluster has no data in all of a range.
pub(super) fn lacks_all(of: &Collector<'_>, cluster: &str, range: TimeRange) -> bool {
    let lacks = of.lacking.of_cluster(cluster).map(|(_, lacks)| lacks).unwrap_or_default();
    lacks.iter().any(|lacks| lacks.contains(range))
}
