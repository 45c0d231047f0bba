//! Defragmentations, recognized by a drop of the database size.

use super::digest::Drop;
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Evidence, Finding, Kind, told};
use crate::spec::Metric;
use crate::text::count;
use crate::time::HOUR_MS;

/// Smallest drop that counts, as a share of the size. A database file never shrinks by itself: etcd
/// reuses free pages, and only a defragmentation (or a replaced file) releases them. Saving less than 5 %
/// is not worth a defragmentation.
pub(super) const LEAST_SHARE: f64 = 0.05;
/// A drop this close to a process restart is ignored: the member may have started with another database file.
const RESTART_MS: i64 = 10 * 60_000;
/// Operators defragment one member after the other: drops at most this far apart are one finding.
const TOGETHER_MS: i64 = HOUR_MS;

pub(super) const RULE: &str = "the size of a member's database falls by at least 5 % from one known step to the next, at most an \
    hour apart, and its process was not started within 10 minutes of that; members within an hour of each other are \
    told together";

impl MemberTrack {
    /// The drops of the database size that are large enough and not near a restart of the process.
    pub(super) fn defragmented(&self) -> Vec<Drop> {
        let restarts = self.restarts();
        let restarted = |drop: &Drop| {
            restarts.iter().any(|at| (drop.before_ms - RESTART_MS..=drop.at_ms + RESTART_MS).contains(at))
        };
        let large = self.drops.iter().filter(|drop| drop.after <= drop.before * (1.0 - LEAST_SHARE));
        large.filter(|drop| !restarted(drop)).copied().collect()
    }
}

pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack) -> Vec<Finding> {
    let own = |member| MemberTrack::defragmented(member).into_iter().map(move |drop| (drop, member));
    let mut drops: Vec<(Drop, &MemberTrack)> = cluster.members.iter().flat_map(own).collect();
    drops.sort_by_key(|(drop, member)| (drop.at_ms, member.name()));
    let groups = drops.chunk_by(|a, b| b.0.at_ms - a.0.at_ms <= TOGETHER_MS);
    groups.map(|group| tell(of, cluster, group)).collect()
}

fn tell(of: &Collector<'_>, cluster: &ClusterTrack, group: &[(Drop, &MemberTrack)]) -> Finding {
    let (first, last) = (group[0].0, group[group.len() - 1].0);
    let end_ms = last.at_ms + of.step.millis();
    let mut finding = Finding::new(Kind::Defragmentation, &cluster.cluster, first.before_ms, end_ms, RULE);
    finding.metric = Some(Metric::DbSize);
    finding.members = group.iter().map(|(_, member)| member.name()).collect();
    finding.members.sort_unstable();
    finding.members.dedup();
    let sum = |size: fn(&Drop) -> f64| group.iter().map(|(drop, _)| size(drop)).sum::<f64>() / group.len() as f64;
    let (before, after) = (sum(|drop| drop.before), sum(|drop| drop.after));
    finding.says = format!(
        "the database of {} of {} was defragmented: from {} to {}{}",
        count(finding.members.len(), "member"),
        finding.cluster,
        told::bytes(before),
        told::bytes(after),
        if group.len() == 1 { "" } else { " on average" },
    );
    for (drop, member) in group {
        let name = member.name();
        finding.tell(&format!("{name}_before"), Evidence::Bytes(drop.before));
        finding.tell(&format!("{name}_after"), Evidence::Bytes(drop.after));
        finding.tell(&format!("{name}_at"), Evidence::Instant(drop.at_ms));
    }
    finding
}
