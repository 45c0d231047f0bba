//! The number of members of a cluster over time: members that went and never came back, and clusters with fewer
//! members than expected.
//!
//! Everything here follows from when members were first and last seen. A member that leaves counts as missing until
//! another one takes its place: nothing in the metrics shows that it was removed on purpose.

mod even;
mod expected;
mod margin;
mod seats;

pub(crate) use even::EvenSize;
pub(crate) use expected::ExpectedMembers;
pub(crate) use margin::{failures_tolerated, quorum};

use crate::readings::{Life, Lives};
use crate::text::count;
use crate::time::{CellWidth, DAY_MS, Step, TimeRange, Zone};
use seats::{Seat, Timeline};

/// Shortest absence that is reported: twice the five minutes for which Prometheus returns a series after its last
/// sample. A restart takes only a minute or two.
pub(crate) const LEAST_MS: i64 = 10 * 60_000;
/// A new member within this time counts as the replacement of a member that went.
const REPLACED_WITHIN_MS: i64 = DAY_MS;
/// Prometheus returns a series for this long after its last sample, and rates look back as far.
pub(crate) const LOOK_BACK_MS: i64 = 5 * 60_000;

/// The number of members left and the number expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Staffing {
    pub(crate) left: usize,
    pub(crate) expected: usize,
}

/// A stretch of time in which a cluster has fewer members than expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shortage {
    pub(crate) cluster: String,
    pub(crate) range: TimeRange,
    pub(crate) staffing: Staffing,
    /// Whether the shortage lasts until the end of the history.
    pub(crate) is_open: bool,
    /// Whether a member of the cluster was ever seen.
    pub(crate) is_seen: bool,
}

/// One or more members of a cluster that were last seen at about the same time and had the same outcome.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Departure {
    /// The names of the members, in the order in which they were last seen.
    pub(crate) members: Vec<String>,
    /// The latest instant at which the member that went first may have sent its last sample.
    pub(crate) went_ms: i64,
    /// The first step without the member that went first.
    pub(crate) left_ms: i64,
    /// The step at which the member that went last was last seen.
    pub(crate) last_seen_ms: i64,
    pub(crate) outcome: Outcome,
}

/// What became of the place of a member that went.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// New members came within a day.
    Replaced { by: Vec<String>, at_ms: i64 },
    /// No new member came within a day.
    Gone {
        staffing: Staffing,
        /// When the number of members next changed after the departure; `None` if it did not.
        until_ms: Option<i64>,
        /// The number of members at the end of the history.
        at_end: usize,
        /// The member that took the place after more than a day, and when it was first seen.
        refilled: Option<(String, i64)>,
    },
    /// No member of the cluster is left.
    Ended { expected: usize },
}

/// The members of one cluster over a history.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    cluster: String,
    /// From the cluster's first step to the end of the history.
    range: TimeRange,
    /// The number of members that the user expects.
    expected: Option<usize>,
    seats: Vec<Seat>,
    timeline: Timeline,
}

/// The memberships of all clusters, sorted by name.
pub(crate) fn memberships(lives: &Lives, step: Step, range: TimeRange, expected: &ExpectedMembers) -> Vec<Membership> {
    let all: Vec<_> = lives.iter().collect();
    let clusters = all.chunk_by(|(a, _), (b, _)| a.cluster == b.cluster);
    let membership = |members: &[_]| {
        let cluster = members
            .first()
            .map_or_else(String::new, |(member, _): &(&crate::readings::Member, &Life)| member.cluster.to_string());
        let expected = expected.of(&cluster);
        let lives = members.iter().map(|(member, life)| (member.member.to_string(), **life));
        Membership::new(cluster, lives.collect(), step, range, expected)
    };
    clusters.map(membership).collect()
}

/// The shortages of all clusters against `--expect-members`. Those shorter than a cell count as replacements and
/// are left out, unless they last until the end of the history. A cluster that `--expect-members` names and that
/// was never seen is short in all of `range`.
pub(crate) fn shortages(
    memberships: &[Membership],
    range: TimeRange,
    expected: &ExpectedMembers,
    width: CellWidth,
) -> Vec<Shortage> {
    let least_ms = i64::from(width.minutes()) * 60_000;
    let lasts = |shortage: &Shortage| shortage.is_open || shortage.range.end_ms - shortage.range.start_ms >= least_ms;
    let unseen = expected
        .named()
        .filter(|(name, members)| *members > 0 && memberships.iter().all(|membership| membership.cluster != *name));
    let never = unseen.map(|(name, members)| Shortage {
        cluster: name.to_owned(),
        range,
        staffing: Staffing { left: 0, expected: members },
        is_open: true,
        is_seen: false,
    });
    memberships.iter().flat_map(Membership::shortages).filter(lasts).chain(never).collect()
}

/// The note that suggests `--expect-members` in a run with `--fail-below`: members went and never came back in
/// clusters for which the user expects no number. `None` without such members.
pub(crate) fn note(memberships: &[Membership]) -> Option<String> {
    let (mut members, mut needed) = (0, Vec::new());
    for membership in memberships.iter().filter(|membership| membership.expected.is_none()) {
        let gone = membership.departures().into_iter().filter(Departure::is_open);
        let gone = gone.map(|departure| departure.members.len()).sum::<usize>();
        members += gone;
        if gone > 0 {
            needed.push((membership.cluster.as_str(), membership.timeline.most()));
        }
    }
    let flag = match needed.as_slice() {
        [] => return None,
        [(_, members)] if memberships.len() == 1 => members.to_string(),
        needed => {
            const NAMED: usize = 3;
            let rest = if needed.len() > NAMED { ",…" } else { "" };
            let named: Vec<String> = needed.iter().take(NAMED).map(|(name, n)| format!("{name}={n}")).collect();
            named.join(",") + rest
        }
    };
    let fails = if members == 1 { "makes this fail" } else { "makes these fail" };
    Some(format!(
        "{} went and never came back (see findings); --expect-members {flag} {fails}",
        count(members, "member")
    ))
}

impl Membership {
    /// `lives` are the members with their first and last seen; `range` is that of the history.
    pub(crate) fn new(
        cluster: String,
        lives: Vec<(String, Life)>,
        step: Step,
        range: TimeRange,
        expected: Option<usize>,
    ) -> Self {
        let first_ms = lives.iter().map(|(_, life)| life.first_ms).min().unwrap_or(range.start_ms);
        let range = TimeRange { start_ms: first_ms, ..range };
        let seats = seats::assign(lives, step, range);
        let timeline = Timeline::of(&seats);
        Self { cluster, range, expected, seats, timeline }
    }

    pub(crate) fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The number of members expected at an instant: what the user expects, or else the largest number of members at
    /// once until then.
    pub(crate) fn expected_at(&self, ms: i64) -> usize {
        self.expected.unwrap_or_else(|| self.timeline.most_until(ms))
    }

    /// The first step without any member of the cluster; `None` if that is less than [`LEAST_MS`] before
    /// the end of the history.
    fn ended_ms(&self) -> Option<i64> {
        let left_ms = self.seats.iter().map(|seat| seat.left_ms).max()?;
        (self.range.end_ms - left_ms >= LEAST_MS).then_some(left_ms)
    }

    /// The members that went, in order of time. Left out are members that were replaced within [`LEAST_MS`], and those
    /// that the cluster does not need to reach `--expect-members`.
    pub(crate) fn departures(&self) -> Vec<Departure> {
        let ended_ms = self.ended_ms();
        let mut found: Vec<Departure> = Vec::new();
        let mut last_left_ms = i64::MIN;
        for seat in self.seats.iter().filter(|seat| self.range.end_ms - seat.left_ms >= LEAST_MS) {
            let Some(outcome) = self.outcome(seat, ended_ms) else { continue };
            let joins = found.last_mut().filter(|_| seat.left_ms - last_left_ms < LEAST_MS);
            match joins {
                Some(departure) if departure.joins(&outcome) => departure.join(seat, outcome),
                _ => found.push(Departure {
                    members: vec![seat.name.clone()],
                    went_ms: seat.went_ms(),
                    left_ms: seat.left_ms,
                    last_seen_ms: seat.life.last_ms,
                    outcome,
                }),
            }
            last_left_ms = seat.left_ms;
        }
        found.retain(|departure| match &departure.outcome {
            Outcome::Gone { staffing, .. } => staffing.left < staffing.expected,
            Outcome::Ended { expected } => *expected > 0,
            Outcome::Replaced { .. } => true,
        });
        found
    }

    fn outcome(&self, seat: &Seat, ended_ms: Option<i64>) -> Option<Outcome> {
        let replacement =
            seat.replaced_by.map(|index| (self.seats[index].name.clone(), self.seats[index].life.first_ms));
        match replacement {
            Some((_, at_ms)) if at_ms - seat.left_ms < LEAST_MS => return None,
            Some((name, at_ms)) if at_ms - seat.left_ms < REPLACED_WITHIN_MS => {
                return Some(Outcome::Replaced { by: vec![name], at_ms });
            }
            _ => {}
        }
        let expected = self.expected_at(seat.left_ms - 1);
        if ended_ms.is_some_and(|ended_ms| ended_ms - seat.left_ms < LEAST_MS) {
            return Some(Outcome::Ended { expected });
        }
        let left = self.timeline.at(seat.left_ms);
        // A member that was seen within the last ten minutes has not gone.
        let last_ms = self.range.end_ms - LEAST_MS;
        let until_ms = self.timeline.next_change(seat.left_ms).filter(|until_ms| *until_ms <= last_ms);
        let at_end = self.timeline.at(last_ms);
        Some(Outcome::Gone { staffing: Staffing { left, expected }, until_ms, at_end, refilled: replacement })
    }

    /// The stretches of at least [`LEAST_MS`] in which the cluster has fewer members than `--expect-members`, from the
    /// cluster's first step on. Empty if the user expects no number.
    pub(crate) fn shortages(&self) -> Vec<Shortage> {
        let Some(expected) = self.expected else { return Vec::new() };
        let end_ms = self.range.end_ms;
        let stretches = self.timeline.stretches(end_ms);
        let short = stretches
            .into_iter()
            .filter(|(range, members)| *members < expected && range.end_ms - range.start_ms >= LEAST_MS);
        let shortage = |(range, left): (TimeRange, usize)| Shortage {
            cluster: self.cluster.clone(),
            range,
            staffing: Staffing { left, expected },
            is_open: end_ms - range.end_ms < LEAST_MS,
            is_seen: true,
        };
        short.map(shortage).collect()
    }

    /// The shortage that begins with the cluster's first step because it never had as many members as
    /// `--expect-members`. `None` if the cluster reaches that number within [`LEAST_MS`].
    pub(crate) fn short_from_the_start(&self) -> Option<Shortage> {
        self.shortages().into_iter().find(|shortage| shortage.range.start_ms - self.range.start_ms < LEAST_MS).filter(
            |shortage| {
                // If the cluster had all members before, a departure explains the shortage better.
                self.timeline.most_until(shortage.range.start_ms) < shortage.staffing.expected
            },
        )
    }

    /// A sentence for each absence that overlaps `first_ms` to `last_ms`: members that went earlier and were not yet
    /// replaced, or a shortage from the cluster's first step on.
    pub(crate) fn missing_at(&self, first_ms: i64, last_ms: i64, zone: Zone) -> Vec<String> {
        let is_missing = |departure: &Departure| {
            let back_ms = match &departure.outcome {
                Outcome::Replaced { at_ms, .. } | Outcome::Gone { refilled: Some((_, at_ms)), .. } => *at_ms,
                Outcome::Gone { refilled: None, .. } | Outcome::Ended { .. } => i64::MAX,
            };
            departure.went_ms <= last_ms && back_ms > first_ms
        };
        let short = self.short_from_the_start().filter(|shortage| {
            let TimeRange { start_ms, end_ms } = shortage.range;
            start_ms <= last_ms && end_ms > first_ms
        });
        let departures = self.departures().into_iter().filter(is_missing);
        let departures = departures.map(|departure| departure.says(&self.cluster, zone));
        departures.chain(short.map(|shortage| self.says_short(&shortage, zone))).collect()
    }

    /// A shortage from the start in one sentence: `edge had 2 of 3 members from 2026-11-20 at 00:00 to the end`.
    pub(crate) fn says_short(&self, shortage: &Shortage, zone: Zone) -> String {
        let TimeRange { start_ms, end_ms } = shortage.range;
        let Staffing { left, expected } = shortage.staffing;
        let lasting = match self.came_at(end_ms).filter(|_| !shortage.is_open) {
            Some(name) => format!("until {name} came on {}", zone.in_words(end_ms)),
            None if shortage.is_open => "to the end".to_owned(),
            None => format!("until {}", zone.in_words(end_ms)),
        };
        let (members, start) = (count(expected, "member"), zone.in_words(start_ms));
        format!("{} had {left} of {members} from {start} {lasting}", self.cluster)
    }

    /// The member that was first seen at this instant, if any.
    fn came_at(&self, ms: i64) -> Option<&str> {
        self.seats.iter().find(|seat| seat.life.first_ms == ms).map(|seat| seat.name.as_str())
    }
}

impl Departure {
    /// Whether the members are still missing at the end of the history.
    pub(crate) fn is_open(&self) -> bool {
        match &self.outcome {
            Outcome::Replaced { .. } => false,
            Outcome::Gone { refilled, .. } => refilled.is_none(),
            Outcome::Ended { .. } => true,
        }
    }

    /// Whether a member that went at about the same time, with this outcome, belongs to the same departure.
    fn joins(&self, outcome: &Outcome) -> bool {
        match (&self.outcome, outcome) {
            (Outcome::Replaced { at_ms, .. }, Outcome::Replaced { at_ms: other, .. }) => {
                (at_ms - other).abs() < LEAST_MS
            }
            (Outcome::Gone { refilled, .. }, Outcome::Gone { refilled: other, .. }) => {
                refilled.is_none() && other.is_none()
            }
            (Outcome::Ended { .. }, Outcome::Ended { .. }) => true,
            _ => false,
        }
    }

    fn join(&mut self, seat: &Seat, outcome: Outcome) {
        self.members.push(seat.name.clone());
        self.last_seen_ms = seat.life.last_ms;
        match (&mut self.outcome, outcome) {
            (Outcome::Replaced { by, at_ms }, Outcome::Replaced { by: next, at_ms: next_ms }) => {
                by.extend(next);
                *at_ms = next_ms.max(*at_ms);
            }
            // Keep `staffing.expected`: it was determined before the first of these members went.
            (Outcome::Gone { staffing, until_ms, .. }, Outcome::Gone { staffing: next, until_ms: next_ms, .. }) => {
                staffing.left = next.left;
                *until_ms = next_ms;
            }
            _ => {}
        }
    }

    /// The departure in one sentence, without what it means for the quorum: `etcd-3 went on 2026-11-20 at 12:00 and
    /// never came back: 2 of 3 members since`.
    pub(crate) fn says(&self, cluster: &str, zone: Zone) -> String {
        let (names, at) = (listed(&self.members), zone.in_words(self.went_ms));
        match &self.outcome {
            Outcome::Replaced { by, .. } => {
                let verb = if self.members.len() == 1 { "was" } else { "were" };
                format!("{names} of {cluster} {verb} replaced by {}", listed(by))
            }
            Outcome::Gone { staffing: Staffing { left, expected }, until_ms, at_end, refilled } => {
                let members = format!("{left} of {}", count(*expected, "member"));
                let lasting = match (refilled, until_ms) {
                    (Some((name, at_ms)), _) => format!("until {name} came on {}", zone.in_words(*at_ms)),
                    (None, Some(until_ms)) => format!("until {}, {at_end} at the end", zone.in_words(*until_ms)),
                    (None, None) => "since".to_owned(),
                };
                format!("{names} went on {at} and never came back: {members} {lasting}")
            }
            Outcome::Ended { .. } => format!("no member of {cluster} since {at}: {names} never came back"),
        }
    }
}

/// Joins names for a sentence. If there are many, names the first few and counts the rest.
fn listed(names: &[String]) -> String {
    const NAMED: usize = 5;
    match names.len() {
        0..=NAMED => names.join(", "),
        all => format!("{} and {} more", names[..NAMED].join(", "), all - NAMED),
    }
}

#[cfg(test)]
mod tests;
