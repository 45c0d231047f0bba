//! Finds out whether all series of a member come from one etcd process.
//!
//! Series with the same cluster and member names are merged by taking the worse reading. That is right for replicas
//! of Prometheus that scrape the same process, but it hides different processes that only another label
//! distinguishes. So each set of labels on a member's series, here called a *target*, is compared with the member's
//! other targets: by the start time of the process, by its counters, and by its gauges.
//!
//! Nothing here sends queries: a source collects [`Evidence`] and gets a [`Verdict`].

mod advice;
mod doubles;
mod instants;
mod mixed;

pub(crate) use advice::Naming;
pub(crate) use doubles::{Doubles, Started, shares_start};
pub(crate) use instants::{Look, Moments, ends_and_middle, to_study};
pub(crate) use mixed::MixedMembers;

use std::collections::{BTreeMap, BTreeSet};

use super::Member;

/// The labels of a series, without its name and `le`.
pub(crate) type Labels = BTreeMap<String, String>;

/// Start times of one process may differ by this much: the clock of the machine is adjusted.
const SAME_START_SECONDS: f64 = 1.0;
/// Consecutive instants at most this far apart can belong to the same look: a group of samples of the gauges.
const LOOK_MS: i64 = 1_800_000;
/// Instants in one look.
const IN_A_LOOK: usize = 3;
/// If start times or counters indicate one process, gauges outweigh them only after this many looks. A gauge that
/// fluctuates has separate ranges in one look in ten by chance, but hardly in three looks and in the same order.
const LOOKS: usize = 3;
/// At most this many targets of a member are compared.
const MOST_TARGETS: usize = 120;

/// What a value shows of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clue {
    /// The start time of the process, in seconds since 1970.
    StartTime,
    /// A counter, which only grows while the process runs.
    Counter,
    /// Any other value.
    Gauge,
}

/// The values of one metric of a target, by instant in milliseconds.
#[derive(Clone, Debug)]
struct Trace {
    clue: Clue,
    values: BTreeMap<i64, f64>,
}

/// What was seen of a target: its metrics by name.
#[derive(Clone, Debug, Default)]
struct Target(BTreeMap<String, Trace>);

/// What was seen of the targets of each member.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// Maximum age of the sample behind a value.
    slack_ms: i64,
    members: BTreeMap<Member, BTreeMap<Labels, Target>>,
}

impl Evidence {
    /// Creates empty evidence. The value at an instant comes from a sample up to `slack_ms` old, so only instants
    /// further apart than that certainly have samples in the same order.
    pub(crate) fn new(slack_ms: i64) -> Self {
        Self { slack_ms, members: BTreeMap::new() }
    }

    /// Adds values of a metric, by instant in milliseconds. The name and `le` of the series are dropped.
    pub(crate) fn add(
        &mut self,
        member: &Member,
        mut labels: Labels,
        (metric, clue): (&str, Clue),
        values: impl IntoIterator<Item = (i64, f64)>,
    ) {
        labels.retain(|name, value| name != "__name__" && name != "le" && !value.is_empty());
        let target = self.members.entry(member.clone()).or_default().entry(labels).or_default();
        let trace = target.0.entry(metric.to_owned()).or_insert_with(|| Trace { clue, values: BTreeMap::new() });
        trace.values.extend(values.into_iter().filter(|(_, value)| !value.is_nan()));
    }

    /// Compares the targets of each member.
    pub(crate) fn verdict(&self) -> Verdict {
        let mut verdict = Verdict::default();
        for (member, targets) in &self.members {
            let targets: Vec<(&Labels, &Target)> = targets.iter().take(MOST_TARGETS).collect();
            for (at, (labels, target)) in targets.iter().enumerate() {
                for (others, other) in &targets[at + 1..] {
                    let pair = Pair { member: member.clone(), labels: [(*labels).clone(), (*others).clone()] };
                    match compare(target, other, self.slack_ms) {
                        Likeness::Apart => {}
                        Likeness::Same => verdict.same.push(pair),
                        Likeness::Different => verdict.different.push(pair),
                        Likeness::Unknown => verdict.unknown.push(pair),
                    }
                }
            }
        }
        verdict
    }
}

/// What was found out about the members of a source.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    /// What the user should know in any case.
    pub(crate) notes: Vec<String>,
    /// Members whose series come from different processes.
    pub(crate) mixed: Option<MixedMembers>,
    /// Whether some series are too new to be compared.
    pub(crate) is_open: bool,
}

impl Identity {
    /// The notes, or the error that a member is several processes. `may_merge` turns the error into a note.
    pub(crate) fn settled(self, may_merge: bool) -> Result<Vec<String>, MixedMembers> {
        let mut notes = self.notes;
        match self.mixed {
            Some(mixed) if may_merge => notes.push(mixed.note()),
            Some(mixed) => return Err(mixed),
            None => {}
        }
        Ok(notes)
    }
}

/// Two targets of one member, with values at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) member: Member,
    pub(crate) labels: [Labels; 2],
}

impl Pair {
    /// The names of the labels in which the targets differ.
    pub(crate) fn differing(&self) -> BTreeSet<&str> {
        let [one, other] = &self.labels;
        let names = one.keys().chain(other.keys()).map(String::as_str);
        names.filter(|name| one.get(*name) != other.get(*name)).collect()
    }
}

/// The pairs of targets that have values at the same time. Other pairs are in none of the lists: where one target
/// follows the other, a label has changed, such as the uid of a restarted pod.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    /// Pairs that are one process, such as those of HA replicas.
    pub(crate) same: Vec<Pair>,
    /// Pairs that are different processes.
    pub(crate) different: Vec<Pair>,
    /// Pairs with too little evidence.
    pub(crate) unknown: Vec<Pair>,
}

/// What two targets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Likeness {
    /// They have no values at the same time, or no metric in common.
    Apart,
    Same,
    Different,
    Unknown,
}

/// Compares two targets. One metric that indicates different processes outweighs all others.
fn compare(one: &Target, other: &Target, slack_ms: i64) -> Likeness {
    let instants = |target: &Target| -> BTreeSet<i64> {
        target.0.values().flat_map(|trace| trace.values.keys().copied()).collect()
    };
    let common: Vec<i64> = instants(one).intersection(&instants(other)).copied().collect();
    // A series that has ended still has a value until the look-back loses its last sample. Common values at two
    // instants further apart than that show that both series continue.
    let overlap = common.windows(2).any(|two| two[1] - two[0] > slack_ms && two[1] - two[0] <= LOOK_MS);
    let traces: Vec<(&Trace, &Trace)> =
        one.0.iter().filter_map(|(metric, trace)| Some((trace, other.0.get(metric)?))).collect();
    // Readings are merged metric by metric, so targets without a common metric are never merged.
    if !overlap || traces.is_empty() {
        return Likeness::Apart;
    }
    let of = |clue| traces.iter().copied().filter(move |(trace, _)| trace.clue == clue);
    let starts: Vec<Opinion> = of(Clue::StartTime).map(|(one, other)| by_start(one, other)).collect();
    let counters: Vec<Opinion> = of(Clue::Counter).map(|(one, other)| by_counter(one, other, slack_ms)).collect();
    let agrees = starts.iter().chain(&counters).any(|opinion| *opinion == Opinion::For);
    let needed = if agrees { LOOKS } else { 1 };
    let gauges = of(Clue::Gauge).map(|(one, other)| by_gauge(one, other, needed));
    let all: Vec<Opinion> = starts.iter().chain(&counters).copied().chain(gauges).collect();
    match () {
        () if all.contains(&Opinion::Against) => Likeness::Different,
        () if agrees => Likeness::Same,
        () => Likeness::Unknown,
    }
}

/// What one metric says about two targets being one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opinion {
    For,
    Against,
    Neither,
}

/// The values of two traces at the same instants.
fn paired(one: &Trace, other: &Trace) -> Vec<(i64, [f64; 2])> {
    one.values.iter().filter_map(|(at, value)| Some((*at, [*value, *other.values.get(at)?]))).collect()
}

/// Start times at most instants decide: right after a restart, one of two replicas still has the old one.
fn by_start(one: &Trace, other: &Trace) -> Opinion {
    let pairs = paired(one, other);
    let differ = pairs.iter().filter(|(_, [one, other])| (one - other).abs() > SAME_START_SECONDS).count();
    match pairs.len() {
        0 => Opinion::Neither,
        all if 2 * differ > all => Opinion::Against,
        all if 2 * differ < all => Opinion::For,
        _ => Opinion::Neither,
    }
}

/// If both traces are the same counter, each value lies between the other trace's values before and after it. A
/// counter that does not move is no evidence for one process: many others have the same value.
fn by_counter(one: &Trace, other: &Trace, slack_ms: i64) -> Opinion {
    let pairs = paired(one, other);
    let (mut judged, mut outside, mut moves) = (0_usize, 0_usize, false);
    for ([one, other], [one_later, other_later]) in later_pairs(&pairs, slack_ms) {
        // A restart has reset the counter.
        if one_later < one || other_later < other {
            continue;
        }
        judged += 1;
        outside += usize::from(one > other_later || other > one_later);
        moves |= one_later > one && other_later > other;
    }
    match judged {
        0 => Opinion::Neither,
        _ if 2 * outside > judged => Opinion::Against,
        _ if moves && outside == 0 => Opinion::For,
        _ => Opinion::Neither,
    }
}

/// Consecutive pairs of values whose samples are certainly one after the other.
fn later_pairs(pairs: &[(i64, [f64; 2])], slack_ms: i64) -> impl Iterator<Item = ([f64; 2], [f64; 2])> {
    let apart = move |two: &&[(i64, [f64; 2])]| two[1].0 - two[0].0 > slack_ms;
    pairs.windows(2).filter(apart).map(|two| (two[0].1, two[1].1))
}

/// Indicates different processes if the ranges of the two gauges do not overlap in any look, and the same gauge is
/// always the higher one. `needed` is the minimum number of looks.
fn by_gauge(one: &Trace, other: &Trace, needed: usize) -> Opinion {
    let pairs = paired(one, other);
    let near = pairs.chunk_by(|one, other| other.0 - one.0 <= LOOK_MS);
    let looks: Vec<&[(i64, [f64; 2])]> =
        near.flat_map(|near| near.chunks(IN_A_LOOK)).filter(|look| look.len() > 1).collect();
    let is_below = |low: usize, high: usize| {
        let highest = |look: &[(i64, [f64; 2])]| look.iter().map(|(_, pair)| pair[low]).fold(f64::MIN, f64::max);
        let lowest = |look: &[(i64, [f64; 2])]| look.iter().map(|(_, pair)| pair[high]).fold(f64::MAX, f64::min);
        looks.iter().all(|look| highest(look) < lowest(look))
    };
    match looks.len() >= needed && (is_below(0, 1) || is_below(1, 0)) {
        true => Opinion::Against,
        false => Opinion::Neither,
    }
}

#[cfg(test)]
mod tests;
