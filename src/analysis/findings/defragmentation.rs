//! Defragmentations, recognized by a drop of the database size or, with evidence, by etcd's own count of them.

use super::databases::{Counted, Drop};
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Evidence, Finding, Kind, told};
use crate::spec::{Metric, percent};
use crate::text::count;
use crate::time::{HOUR_MS, TimeRange};

/// Smallest drop that counts without evidence, as a share of the size. A database file never shrinks by itself: etcd
/// reuses free pages, and only a defragmentation (or a replaced file) releases them. Saving less than 5 %
/// is not worth a defragmentation.
pub(super) const LEAST_SHARE: f64 = 0.05;
/// A drop this close to a process restart is ignored, unless etcd counted a defragmentation: the member may have started with
/// another database file.
const RESTART_MS: i64 = 10 * 60_000;
/// Operators defragment one member after the other: members at most this far apart are one round.
const TOGETHER_MS: i64 = HOUR_MS;
/// A sentence gives the sizes of each of so many members; of more it gives the ranges.
const NAMED: usize = 3;

pub(super) const RULE: &str = "the size of a member's database falls by at least 5 % from one known step to the next, at most an \
    hour apart, and its process was not started within 10 minutes of that; or the time that defragmentations took \
    (etcd_disk_backend_defrag_duration_seconds) rises, whatever the size does. Members at most an hour apart are one \
    finding, a round; a member that is defragmented again begins the next one";

/// One defragmentation of a member's database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Defragmented {
    /// The last step known before it, and the first one after it; sizes in bytes.
    change: Drop,
    /// How long it took, in seconds, if etcd counted it: more or less, because a rate extrapolates.
    took_seconds: Option<f64>,
}

impl Defragmented {
    /// From the last step before it to the first one after it.
    pub(super) fn range(&self) -> TimeRange {
        TimeRange { start_ms: self.change.before_ms, end_ms: self.change.at_ms }
    }

    fn freed(&self) -> f64 {
        (self.change.before - self.change.after).max(0.0)
    }

    fn freed_little(&self) -> bool {
        self.change.after > self.change.before * (1.0 - LEAST_SHARE)
    }

    /// `1.20 GiB → 400.00 MiB in about 2.5 s`.
    fn says(&self) -> String {
        let took = self.took_seconds.map_or_else(String::new, |seconds| format!(" in about {}", told::about(seconds)));
        format!("{} → {}{took}", told::bytes(self.change.before), told::bytes(self.change.after))
    }
}

impl MemberTrack {
    /// The member's defragmentations, in order of time: those that etcd counted, and other drops of the size that are large
    /// enough and not near a restart of the process.
    pub(super) fn defragmented(&self, window_ms: i64) -> Vec<Defragmented> {
        let restarts = self.restarts();
        let restarted = |drop: &Drop| {
            restarts.iter().any(|at| (drop.before_ms - RESTART_MS..=drop.at_ms + RESTART_MS).contains(at))
        };
        let mut drops = self.database.drops.clone();
        let counted = self.database.counted.iter().filter_map(|counted| {
            // The rate shows a defragmentation within its window. The size falls at the same scrape.
            let is_its = |drop: &Drop| counted.at_ms - window_ms < drop.at_ms && drop.before_ms < counted.at_ms;
            let own = drops.iter().rposition(is_its).map(|index| drops.remove(index));
            let change = own.or_else(|| counted.sizes())?;
            Some(Defragmented { change, took_seconds: Some(counted.share * window_ms as f64 / 1000.0) })
        });
        let mut all: Vec<Defragmented> = counted.collect();
        let large = drops.into_iter().filter(|drop| drop.after <= drop.before * (1.0 - LEAST_SHARE));
        all.extend(large.filter(|drop| !restarted(drop)).map(|change| Defragmented { change, took_seconds: None }));
        all.sort_by_key(|one| one.change.at_ms);
        all
    }
}

impl Counted {
    /// The sizes around it, if they are known.
    fn sizes(&self) -> Option<Drop> {
        let ((before_ms, before), after) = (self.before?, self.after?);
        Some(Drop { before_ms, at_ms: self.at_ms, before, after })
    }
}

type Event<'a> = (Defragmented, &'a MemberTrack);

pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack) -> Vec<Finding> {
    let own = |member| MemberTrack::defragmented(member, of.rate_window_ms).into_iter().map(move |one| (one, member));
    let mut events: Vec<Event<'_>> = cluster.members.iter().flat_map(own).collect();
    events.sort_by_key(|(one, member)| (one.change.at_ms, member.name()));
    rounds(&events).into_iter().map(|round| tell(of, cluster, round)).collect()
}

/// Members one after the other, until one of them is defragmented again.
fn rounds<'a, 'b>(events: &'b [Event<'a>]) -> Vec<&'b [Event<'a>]> {
    let mut rounds = Vec::new();
    let mut from = 0;
    for next in 1..=events.len() {
        let ends = events.get(next).is_none_or(|(one, member)| {
            let round = &events[from..next];
            let last = &round[round.len() - 1].0.change;
            one.change.at_ms - last.at_ms > TOGETHER_MS || round.iter().any(|(_, m)| m.member == member.member)
        });
        if ends && from < events.len() {
            rounds.push(&events[from..next]);
            from = next;
        }
    }
    rounds
}

fn tell(of: &Collector<'_>, cluster: &ClusterTrack, round: &[Event<'_>]) -> Finding {
    let (start_ms, last) = (round[0].0.change.before_ms, round[round.len() - 1].0.change);
    let end_ms = last.at_ms + of.step.millis();
    let mut finding = Finding::new(Kind::Defragmentation, &cluster.cluster, start_ms, end_ms, RULE);
    finding.metric = Some(Metric::DbSize);
    finding.members = round.iter().map(|(_, member)| member.name()).collect();
    finding.members.sort_unstable();
    finding.says = match round {
        [(one, member)] => {
            let (name, says) = (member.name(), one.says());
            format!("the database of {name} of {} was defragmented: {says}{}", cluster.cluster, little(round))
        }
        _ => format!(
            "the databases of {} of {} were defragmented: {}{}",
            count(round.len(), "member"),
            cluster.cluster,
            sizes(round),
            little(round)
        ),
    };
    for (one, member) in round {
        let name = member.name();
        finding.tell(format!("{name}_before"), Evidence::Bytes(one.change.before));
        finding.tell(format!("{name}_after"), Evidence::Bytes(one.change.after));
        finding.tell(format!("{name}_at"), Evidence::Instant(one.change.at_ms));
        if let Some(seconds) = one.took_seconds {
            finding.tell(format!("{name}_took"), Evidence::Seconds(seconds));
        }
    }
    if round.iter().all(|(_, member)| !member.database.is_counted) {
        finding.tell("took", "not in the history");
    }
    finding
}

/// The sizes of each of a few members, or the ranges of more of them, and what was freed in all.
fn sizes(round: &[Event<'_>]) -> String {
    let freed = told::bytes(round.iter().map(|(one, _)| one.freed()).sum());
    let sizes = match round.len() {
        ..=NAMED => {
            let each = round.iter().map(|(one, member)| format!("{} {}", member.name(), one.says()));
            each.collect::<Vec<_>>().join(", ")
        }
        _ => {
            let sizes =
                |size: fn(&Drop) -> f64| told::range(round.iter().map(|(one, _)| size(&one.change)), told::bytes);
            let took: Vec<f64> = round.iter().filter_map(|(one, _)| one.took_seconds).collect();
            let took = match took.is_empty() {
                true => String::new(),
                false => format!(" in about {} each", told::range(took.into_iter(), told::about)),
            };
            format!("{} → {}{took}", sizes(|change| change.before), sizes(|change| change.after))
        }
    };
    format!("{sizes}; {freed} freed in all")
}

/// Adds that there was little to free, and at how many of the members.
fn little(round: &[Event<'_>]) -> String {
    let few = round.iter().filter(|(one, _)| one.freed_little()).count();
    let least = percent(LEAST_SHARE).replace('%', " %");
    match few {
        0 => String::new(),
        all if all == round.len() => format!("; it freed less than {least}"),
        some => format!("; at {some} of them it freed less than {least}"),
    }
}

#[cfg(test)]
mod tests;
