//! Clusters with an even number of members, which tolerate no more failures than with one member fewer.

use super::gone::membership;
use super::signs::Signs;
use super::tracks::ClusterTrack;
use super::{Collector, Evidence, Finding, Kind, told};
use crate::analysis::membership::{EvenSize, failures_tolerated, quorum};

pub(super) const RULE: &str = "a cluster has an even number of members for at least a day, or at the end of the history for at least an \
    hour (or all of it): as many as were ever seen at once, or as --expect-members. An even number tolerates no more \
    failures than one member fewer (etcd's FAQ). Learners (etcd_server_is_learner) do not vote and do not count";

pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack) -> Vec<Finding> {
    let membership = membership(of, cluster);
    let knows_learners = cluster.members.iter().any(|member| member.can_tell(|signs: &Signs| signs.is_learner));
    membership.even_sizes().iter().map(|size| tell(of, cluster, size, knows_learners)).collect()
}

fn tell(of: &Collector<'_>, cluster: &ClusterTrack, size: &EvenSize, knows_learners: bool) -> Finding {
    let range = size.range;
    let mut finding = Finding::new(Kind::ClusterSize, &cluster.cluster, range.start_ms, range.end_ms, RULE);
    let (zone, voting) = (of.folding.zone, if knows_learners { "voting members" } else { "members" });
    let lasting = match size.is_open {
        true => format!("since {}", zone.in_words(range.start_ms)),
        false => {
            format!("for {} from {}", told::duration(range.end_ms - range.start_ms), zone.in_words(range.start_ms))
        }
    };
    finding.says = format!("{} ran with {} {voting} {lasting}: {}", cluster.cluster, size.members, size.tolerance());
    finding.tell("members", size.members);
    finding.tell("quorum", Evidence::Of(quorum(size.members) as u64, size.members as u64));
    finding.tell("failures_tolerated", failures_tolerated(size.members));
    finding.tell("failures_tolerated_with_one_fewer", failures_tolerated(size.members - 1));
    if !knows_learners {
        finding.tell("learners", "not in the history");
    }
    finding
}
