//! Clusters whose members run different versions of etcd for longer than an upgrade takes.

use std::collections::{BTreeMap, BTreeSet};

use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Finding, Kind, told};
use crate::analysis::membership::LEAST_MS;
use crate::spec::version_text;
use crate::time::{DAY_MS, HOUR_MS, TimeRange};

/// An upgrade of one member after the other is over by then, with a look at each.
const LASTS_MS: i64 = DAY_MS;
/// At the end of the history, nothing says for how long it goes on.
const OPEN_LASTS_MS: i64 = HOUR_MS;
/// Stretches this far apart are one: a member is away while it is upgraded.
const APART_MS: i64 = HOUR_MS;

pub(super) const RULE: &str = "members of a cluster run different versions of etcd (etcd_server_version) for at least a day, or at the end of \
    the history for at least an hour; stretches less than an hour apart are one";

pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack) -> Vec<Finding> {
    let is_open = |range: &TimeRange| of.range.end_ms - range.end_ms < LEAST_MS;
    let lasts = |range: &TimeRange| {
        let ms = range.end_ms - range.start_ms;
        ms >= LASTS_MS || (is_open(range) && ms >= OPEN_LASTS_MS)
    };
    let told = |range: TimeRange| tell(of, cluster, range, is_open(&range));
    mixed(&cluster.members).into_iter().filter(lasts).map(told).collect()
}

/// When the members had at least two versions.
fn mixed(members: &[MemberTrack]) -> Vec<TimeRange> {
    let runs = || members.iter().flat_map(|member| &member.version);
    let ends: BTreeSet<i64> = runs().flat_map(|run| [run.start_ms, run.end_ms]).collect();
    let ends: Vec<i64> = ends.into_iter().collect();
    let mut stretches: Vec<TimeRange> = Vec::new();
    for two in ends.windows(2).filter(|two| versions_at(members, two[0]).len() > 1) {
        match stretches.last_mut() {
            Some(last) if two[0] - last.end_ms < APART_MS => last.end_ms = two[1],
            _ => stretches.push(TimeRange { start_ms: two[0], end_ms: two[1] }),
        }
    }
    stretches
}

/// The members with each version at an instant; a version is a number here.
fn versions_at(members: &[MemberTrack], at_ms: i64) -> BTreeMap<u64, Vec<String>> {
    let mut found: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for member in members {
        let run = member.version.iter().find(|run| (run.start_ms..run.end_ms).contains(&at_ms));
        if let Some(run) = run {
            found.entry(run.state as u64).or_default().push(member.name());
        }
    }
    found
}

/// At most three names; the evidence has all.
fn named(members: &[String]) -> String {
    const NAMED: usize = 3;
    match members.len() {
        ..=NAMED => members.join(", "),
        all => format!("{} and {} more", members[..NAMED - 1].join(", "), all - NAMED + 1),
    }
}

fn tell(of: &Collector<'_>, cluster: &ClusterTrack, range: TimeRange, is_open: bool) -> Finding {
    let mut finding = Finding::new(Kind::MixedVersions, &cluster.cluster, range.start_ms, range.end_ms, RULE);
    let since = of.folding.zone.in_words(range.start_ms);
    let lasting = match is_open {
        true => format!("since {since}"),
        false => format!("for {} from {since}", told::duration(range.end_ms - range.start_ms)),
    };
    // Those of the last moment at which they differed.
    let last = versions_at(&cluster.members, range.end_ms - 1);
    let parts = last.iter().map(|(version, members)| {
        let version = version_text(*version as f64);
        finding.tell(format!("etcd_{version}"), members.join(", "));
        format!("{version} on {}", named(members))
    });
    let parts: Vec<String> = parts.collect();
    finding.says = format!("{} ran etcd {} {lasting}", cluster.cluster, parts.join(" and "));
    finding
}
