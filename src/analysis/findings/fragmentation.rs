//! Databases that are mostly free pages at the end of the history: what a defragmentation would free.

use super::databases::Usage;
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Evidence, Finding, Kind, told};
use crate::analysis::membership::LEAST_MS;
use crate::spec::Metric;
use crate::text::count;
use crate::time::TimeRange;

/// A database is fragmented if less than this share of it is in use, and more than [`LEAST_IN_USE`] bytes of it: the
/// condition of the alert `etcdDatabaseHighFragmentationRatio` of etcd's mixin.
const FRAGMENTED_BELOW: f64 = 0.5;
const LEAST_IN_USE: f64 = 104_857_600.0;
/// How long the alert waits.
const LASTS_MS: i64 = 10 * 60_000;
/// From this share in use on, a defragmentation frees too little: old revisions must be compacted first.
pub(super) const IN_USE: f64 = 0.95;
/// A sentence gives what is free of each of so many members; of more it gives the range.
const NAMED: usize = 3;

pub(super) const RULE: &str = "at the end of the history, less than half of a member's database is in use, and more than 100 MiB of \
    it, for at least 10 minutes (the alert etcdDatabaseHighFragmentationRatio of etcd's mixin)";

impl Usage {
    pub(super) fn is_fragmented(self) -> bool {
        self.in_use < FRAGMENTED_BELOW * self.size && self.in_use > LEAST_IN_USE
    }

    /// What a defragmentation frees, in bytes.
    pub(super) fn free(self) -> f64 {
        (self.size - self.in_use).max(0.0)
    }

    fn free_share(self) -> f64 {
        self.free() / self.size
    }

    /// Both added up over several databases; `None` without any.
    pub(super) fn sum(all: impl Iterator<Item = Self>) -> Option<Self> {
        all.reduce(|a, b| Self { size: a.size + b.size, in_use: a.in_use + b.in_use })
    }

    /// What to do about a large database: `a defragmentation would free 40 % of it (820.00 MiB)`. `would` is the verb.
    pub(super) fn action(self, would: &str) -> String {
        match self.in_use >= IN_USE * self.size {
            true => format!(
                "{} of its size is in use: compact old revisions before defragmenting",
                share(self.in_use / self.size)
            ),
            false => format!(
                "a defragmentation {would} {} of its size ({})",
                share(self.free_share()),
                told::bytes(self.free())
            ),
        }
    }
}

/// A share in whole percent.
fn share(share: f64) -> String {
    told::share((share * 100.0 + 1e-9).floor() / 100.0)
}

/// The fragmented databases of a cluster, as one finding.
pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack) -> Option<Finding> {
    let members = cluster.members.iter();
    let all = members.filter_map(|member| Some((member, fragmented(of, member)?, member.database.usage?)));
    let all: Vec<(&MemberTrack, TimeRange, Usage)> = all.collect();
    let start_ms = all.iter().map(|(_, range, _)| range.start_ms).min()?;
    let end_ms = all.iter().map(|(_, range, _)| range.end_ms).max()?;
    let mut finding = Finding::new(Kind::Fragmentation, &cluster.cluster, start_ms, end_ms, RULE);
    finding.metric = Some(Metric::DbSize);
    finding.members = all.iter().map(|(member, ..)| member.name()).collect();
    finding.says = says(&cluster.cluster, &all);
    for (member, range, usage) in &all {
        let name = member.name();
        finding.tell(format!("{name}_size"), Evidence::Bytes(usage.size));
        finding.tell(format!("{name}_size_in_use"), Evidence::Bytes(usage.in_use));
        finding.tell(format!("{name}_since"), Evidence::Instant(range.start_ms));
    }
    Some(finding)
}

/// The time for which the database has been fragmented, if it is at the end. Steps without readings change nothing.
fn fragmented(of: &Collector<'_>, member: &MemberTrack) -> Option<TimeRange> {
    let healthy_ms =
        member.shows(|signs| signs.is_fragmented == Some(false)).last().map_or(i64::MIN, |last| last.end_ms);
    let mut since = member.shows(|signs| signs.is_fragmented == Some(true)).filter(|span| span.start_ms >= healthy_ms);
    let first = since.next()?;
    let range = TimeRange { start_ms: first.start_ms, end_ms: since.last().unwrap_or(first).end_ms };
    let is_now = of.range.end_ms - range.end_ms <= LEAST_MS;
    (is_now && range.end_ms - range.start_ms >= LASTS_MS).then_some(range)
}

fn says(cluster: &str, all: &[(&MemberTrack, TimeRange, Usage)]) -> String {
    let free = |usage: &Usage| format!("{} of {}", share(usage.free_share()), told::bytes(usage.size));
    match all {
        [(member, _, usage)] => {
            let (name, bytes) = (member.name(), told::bytes(usage.free()));
            format!("a defragmentation of {name} of {cluster} would free {bytes} ({})", free(usage))
        }
        _ => {
            let sum: f64 = all.iter().map(|(_, _, usage)| usage.free()).sum();
            let each = |(member, _, usage): &(&MemberTrack, TimeRange, Usage)| {
                format!("{} {} ({})", member.name(), told::bytes(usage.free()), free(usage))
            };
            let each = match all.len() {
                ..=NAMED => all.iter().map(each).collect::<Vec<_>>().join(", "),
                _ => format!("{} of each", told::range(all.iter().map(|(.., usage)| usage.free_share()), share)),
            };
            let members = count(all.len(), "member");
            format!("defragmentations of {members} of {cluster} would free {}: {each}", told::bytes(sum))
        }
    }
}

#[cfg(test)]
mod tests;
