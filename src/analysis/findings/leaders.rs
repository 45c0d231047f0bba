//! Members of one cluster that lead at the same time: two clusters under one name, or a partition.

use std::collections::{BTreeMap, BTreeSet};

use super::spans::{length, union};
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Evidence, Finding, Kind, told};
use crate::analysis::membership::LOOK_BACK_MS;
use crate::time::{HOUR_MS, TimeRange};

/// Two members may both claim to lead for a step: a process that hung or was cut off believes in itself for an election
/// timeout, and scrapes of a step lie up to a scrape interval apart. Longer than this, and for at least [`LEAST_STEPS`].
const LONGER_THAN_MS: i64 = 60_000;
const LEAST_STEPS: i64 = 2;
/// Stretches at most this far apart are one finding: each of two clusters is without a leader for a moment now and then.
const TOGETHER_MS: i64 = HOUR_MS;
/// Two leaders for at least this share of the time at which the cluster was scraped are two clusters.
const CONSTANT_SHARE: f64 = 0.5;

pub(super) const RULE: &str = "etcd_server_is_leader is 1 at two or more members of a cluster that are scraped, for at least 2 steps in a \
    row and longer than a minute; up to 5 minutes after the last sample of one of them do not count, because Prometheus \
    repeats it; stretches at most an hour apart are one finding";

/// A stretch in which the same members led.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Together {
    range: TimeRange,
    /// Indices of the members in their cluster.
    leaders: BTreeSet<usize>,
}

/// The findings of one cluster, and whether it is two clusters rather than one.
pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack) -> (Vec<Finding>, bool) {
    let stretches = stretches(of, cluster);
    let scraped = union(cluster.members.iter().flat_map(|member| member.scraped()));
    let all: Vec<TimeRange> = union(stretches.iter().map(|one| one.range));
    if !all.is_empty() && length(&all) as f64 >= CONSTANT_SHARE * length(&scraped) as f64 {
        return (vec![tell(of, cluster, &stretches, true)], true);
    }
    let groups = stretches.chunk_by(|a, b| b.range.start_ms - a.range.end_ms <= TOGETHER_MS);
    (groups.map(|group| tell(of, cluster, group, false)).collect(), false)
}

/// The stretches with more than one leader that are long enough, in order of time.
fn stretches(of: &Collector<'_>, cluster: &ClusterTrack) -> Vec<Together> {
    let mut moves: BTreeMap<i64, Vec<(usize, bool)>> = BTreeMap::new();
    for (index, member) in cluster.members.iter().enumerate() {
        for range in union(member.shows(|signs| signs.is_scraped && signs.leads == Some(true))) {
            moves.entry(range.start_ms).or_default().push((index, true));
            moves.entry(range.end_ms).or_default().push((index, false));
        }
    }
    let mut leading: BTreeSet<usize> = BTreeSet::new();
    let mut found: Vec<Together> = Vec::new();
    let mut since: Option<Together> = None;
    for (at_ms, moves) in moves {
        for (index, leads) in moves {
            if leads {
                leading.insert(index)
            } else {
                leading.remove(&index)
            };
        }
        match (&mut since, leading.len() > 1) {
            (None, true) => {
                let range = TimeRange { start_ms: at_ms, end_ms: at_ms };
                since = Some(Together { range, leaders: leading.clone() });
            }
            (Some(since), true) => since.leaders.extend(&leading),
            (Some(_), false) => {
                let over = since.take().map(|one| Together { range: TimeRange { end_ms: at_ms, ..one.range }, ..one });
                found.extend(over);
            }
            (None, false) => {}
        }
    }
    found.retain(|one| lasts(of, cluster, one));
    found
}

/// Whether a stretch is long enough, without the look-back after the last sample of a member that went silent with it.
fn lasts(of: &Collector<'_>, cluster: &ClusterTrack, one: &Together) -> bool {
    let end_ms = one.range.end_ms;
    let is_silent = |member: &MemberTrack| {
        let went_on = member.scraped().any(|span| span.start_ms <= end_ms && end_ms < span.end_ms);
        !went_on && end_ms < of.range.end_ms
    };
    let repeated = one.leaders.iter().any(|index| is_silent(&cluster.members[*index]));
    let lasted_ms = end_ms - one.range.start_ms - if repeated { LOOK_BACK_MS } else { 0 };
    lasted_ms > LONGER_THAN_MS && lasted_ms >= LEAST_STEPS * of.step.millis()
}

fn tell(of: &Collector<'_>, cluster: &ClusterTrack, group: &[Together], is_constant: bool) -> Finding {
    let range = TimeRange { start_ms: group[0].range.start_ms, end_ms: group[group.len() - 1].range.end_ms };
    let mut finding = Finding::new(Kind::TwoLeaders, &cluster.cluster, range.start_ms, range.end_ms, RULE);
    let leaders: BTreeSet<usize> = group.iter().flat_map(|one| one.leaders.iter().copied()).collect();
    finding.members = leaders.iter().map(|index| cluster.members[*index].name()).collect();
    let spans = union(group.iter().map(|one| one.range));
    let names: Vec<String> = cluster.members.iter().map(MemberTrack::name).collect();
    let what = match (is_constant, ports(&names, &finding.members)) {
        (true, Some([first, second])) => format!(
            "two clusters under one name; the ports {first} and {second} of the same hosts tell them apart (pull each with a \
             --selector such as 'instance=~\".*:{first}\"')"
        ),
        (true, None) => "two clusters under one name; give --cluster-label a label that tells them apart".to_owned(),
        (false, _) => "two clusters under one name, or a partition".to_owned(),
    };
    finding.says = format!(
        "{} of {} led at the same time for {}: {what}",
        named(&finding.members),
        finding.cluster,
        told::seconds(length(&spans)),
    );
    finding.tell("at_the_same_time", Evidence::Duration(length(&spans)));
    finding.tell("stretches", spans.len());
    for index in leaders {
        let mut own = group.iter().filter(|one| one.leaders.contains(&index));
        let (first, last) = (own.clone().next(), own.next_back());
        let name = cluster.members[index].name();
        if let (Some(first), Some(last)) = (first, last) {
            finding.tell(format!("{name}_from"), Evidence::Instant(first.range.start_ms));
            finding.tell(format!("{name}_until"), Evidence::Instant(last.range.end_ms - of.step.millis()));
        }
    }
    finding
}

/// `a and b`, `a, b and c`, or `a, b and 3 more members`.
fn named(members: &[String]) -> String {
    const NAMED: usize = 3;
    let last = match members.len() {
        ..=NAMED => members.last().cloned().unwrap_or_default(),
        all => format!("{} more members", all - NAMED + 1),
    };
    let shown = members.len().min(NAMED).saturating_sub(1);
    format!("{} and {last}", members[..shown].join(", "))
}

/// The two ports that tell two clusters apart: every host has a member on each of them, and the leaders are on both. kops runs
/// a cluster for events beside the main one like this.
fn ports(members: &[String], leaders: &[String]) -> Option<[String; 2]> {
    let place = |name: &String| name.rsplit_once(':').map(|(host, port)| (host.to_owned(), port.to_owned()));
    let places: Option<Vec<(String, String)>> = members.iter().map(place).collect();
    let mut hosts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (host, port) in places? {
        hosts.entry(host).or_default().insert(port);
    }
    let ports: Vec<String> = hosts.values().next()?.iter().cloned().collect();
    let ports: [String; 2] = ports.try_into().ok()?;
    let same = hosts.values().all(|own| own.iter().eq(ports.iter()));
    let led = ports.iter().all(|port| leaders.iter().filter_map(place).any(|(_, own)| own == *port));
    (same && led).then_some(ports)
}

#[cfg(test)]
mod tests;
