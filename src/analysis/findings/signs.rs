//! What the evidence shows of a member, step by step: whether it was scraped, whether it led, whether it knew a leader, and
//! other questions with yes or no for an answer. A day is reduced to the stretches with the same answers.

use super::databases::{self, Usage};
use super::runs::{Run, runs};
use super::spans::{union, without};
use super::statistics::median;
use super::tracks::MemberTrack;
use crate::readings::{Window, is_idle};
use crate::score::{ABSENT, DayScores};
use crate::spec::{Column, Companion, LOOK_BACK_SECONDS, Metric};
use crate::time::TimeRange;

/// A round trip between members that is too long, in seconds: the threshold of the alert `etcdMemberCommunicationSlow` of
/// etcd's mixin.
pub(super) const FAR_SECONDS: f64 = 0.15;
/// So many proposals wait only if the leader cannot keep up. A healthy leader of the lab had at most 9, a busy one 40.
pub(super) const MOST_WAITING: f64 = 100.0;
/// So many slow applies a second show a disk that is slow enough to matter, if no other member has half as many: on a busy
/// machine all have some. In the lab a leader with 1.5 s a fsync had 0.06 after 20 s and 0.25 after 100 s, and a healthy one
/// up to 0.02; simulated disks with a p99 of 25 ms have 0.03.
pub(super) const SLOW_APPLIES: f64 = 0.05;
/// A member is busy if clients send it so many times the median of its day.
pub(super) const BUSY_TIMES: f64 = 3.0;
/// From this share of the quota on etcd refuses writes, or is about to: it compares the quota with the size after the write.
pub(super) const FULL_SHARE: f64 = 0.98;
/// From this share of the limit on a process is about to run out of descriptors.
pub(super) const LAST_DESCRIPTORS: f64 = 0.95;
/// How much later than the trouble itself a rate or a percentile over five minutes may show it: 91 s in the lab for a very
/// slow disk with few fsyncs.
pub(super) const LAG_MS: i64 = 90_000;
/// A rate or percentile shows what happened up to this long ago.
const WINDOW_MS: i64 = LOOK_BACK_SECONDS * 1000;

/// The answers about a member at a step; `None` if the history has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Signs {
    /// Whether its samples of this step arrived.
    pub(super) is_scraped: bool,
    pub(super) leads: Option<bool>,
    pub(super) knows_leader: Option<bool>,
    pub(super) is_learner: Option<bool>,
    /// Whether round trips to other members are longer than [`FAR_SECONDS`].
    pub(super) is_far: Option<bool>,
    /// Whether more than [`MOST_WAITING`] proposals wait.
    pub(super) keeps_waiting: Option<bool>,
    /// Whether more than [`SLOW_APPLIES`] took longer than 100 ms, and twice as many as at any other member.
    pub(super) applies_slowly: Option<bool>,
    /// Whether clients send more than [`BUSY_TIMES`] the median of the day.
    pub(super) is_busy: bool,
    /// Whether the database is within 2 % of its quota.
    pub(super) is_full: bool,
    /// Whether open descriptors are within 5 % of their limit.
    pub(super) lacks_descriptors: bool,
    /// Whether less than half of a large database is in use.
    pub(super) is_fragmented: Option<bool>,
}

/// The signs of one member of a day, from its first to its last seen.
pub(super) fn of_day(window: &Window, scores: &DayScores, member: usize) -> Vec<Run<Signs>> {
    let row = |companion: Companion| window.companions().contains(&companion).then(|| window.row(companion, member));
    let flag = |row: Option<&[f64]>, step: usize| row.map(|row| row[step]).filter(|v| !v.is_nan()).map(|v| v > 0.0);
    let above = |row: Option<&[f64]>, step: usize, limit: f64| {
        row.map(|row| row[step]).filter(|value| !value.is_nan()).map(|value| value > limit)
    };
    let lacks_descriptors = |max_fds: Option<&[f64]>, step: usize| {
        let limit = max_fds.map_or(f64::NAN, |row| row[step]);
        limit > 0.0 && window.row(Metric::OpenFds, member)[step] >= LAST_DESCRIPTORS * limit
    };
    let (leads, knows, learner) = (row(Companion::IsLeader), row(Companion::HasLeader), row(Companion::IsLearner));
    let (far, waiting, quota, max_fds) = (
        row(Companion::PeerRoundTrip),
        row(Companion::ProposalsPending),
        row(Companion::Quota),
        row(Companion::MaxFds),
    );
    let (applies, in_use) = (row(Companion::SlowApplies), row(Companion::DbInUse));
    let others: Vec<usize> = (0..scores.members.len())
        .filter(|other| *other != member && scores.members[*other].cluster == scores.members[member].cluster)
        .collect();
    let most_of_others = |step: usize| {
        let of = |other: &usize| window.row(Companion::SlowApplies, *other)[step];
        applies.map_or(0.0, |_| others.iter().map(of).fold(0.0, f64::max))
    };
    let (traffic, sizes) = (window.row(Metric::ClientTrafficIn, member), window.row(Metric::DbSize, member));
    let mut known: Vec<f64> = traffic.iter().copied().filter(|value| !value.is_nan()).collect();
    let busy = median(&mut known).unwrap_or(0.0) * BUSY_TIMES;
    let scraped = scraped(window, member);
    let of_step = |step: usize| {
        let is_there = scores.codes(member)[step] != ABSENT;
        is_there.then(|| Signs {
            is_scraped: scraped[step],
            leads: flag(leads, step),
            knows_leader: flag(knows, step),
            is_learner: flag(learner, step),
            is_far: above(far, step, FAR_SECONDS),
            keeps_waiting: above(waiting, step, MOST_WAITING),
            applies_slowly: above(applies, step, SLOW_APPLIES.max(2.0 * most_of_others(step))),
            is_busy: busy > 0.0 && traffic[step] > busy,
            is_full: quota.is_some_and(|quota| databases::is_full(sizes[step], quota[step])),
            lacks_descriptors: lacks_descriptors(max_fds, step),
            is_fragmented: Usage::of(sizes[step], in_use.map(|row| row[step])).map(Usage::is_fragmented),
        })
    };
    runs(&scores.grid, (0..scores.grid.len()).map(of_step), 0)
}

/// At which steps the member's samples arrived. Gauges tell: rates go on for five minutes after the last sample. Where rates
/// go on for longer, or the history has no gauges of the member, only the gauges are missing.
fn scraped(window: &Window, member: usize) -> Vec<bool> {
    let grid = window.grid();
    let any = |columns: &[Column]| -> Vec<bool> {
        let rows: Vec<&[f64]> = columns.iter().map(|column| window.row(*column, member)).collect();
        let is_there = |value: f64| !value.is_nan() || is_idle(value);
        (0..grid.len()).map(|step| rows.iter().any(|row| is_there(row[step]))).collect()
    };
    let mut gauges = vec![Column::from(Metric::OpenFds), Column::from(Metric::DbSize)];
    let is_gauge = |companion: &Companion| {
        use Companion::{HasLeader, IsLeader, MaxFds, Quota, StartTime};
        matches!(companion, HasLeader | IsLeader | MaxFds | Quota | StartTime)
    };
    gauges.extend(window.companions().iter().copied().filter(is_gauge).map(Column::from));
    let rates: Vec<Column> = Metric::ALL.into_iter().filter(|metric| metric.shows_life()).map(Column::from).collect();
    let (mut scraped, rates) = (any(&gauges), any(&rates));
    let mut from = 0;
    while from < grid.len() {
        let to = (from..grid.len()).find(|step| scraped[*step]).unwrap_or(grid.len());
        let goes_on = (from..to).any(|step| rates[step] && grid.at(step) - grid.at(from) > WINDOW_MS);
        scraped[from..to].fill(goes_on);
        from = to + 1;
    }
    scraped
}

/// Whether findings come from this companion. Round trips count if the history has them; a server computes them for much.
/// So do sizes in use and the time that defragmentations took.
pub(super) fn is_looked_at(companion: Companion) -> bool {
    use Companion::{DbInUse, Defragmenting, PeerRoundTrip};
    matches!(companion, PeerRoundTrip | DbInUse | Defragmenting) || Companion::OF_FINDINGS.contains(&companion)
}

impl MemberTrack {
    /// The stretches at which a question has the answer yes.
    pub(super) fn shows<'a>(&'a self, is: impl Fn(&Signs) -> bool + 'a) -> impl Iterator<Item = TimeRange> + 'a {
        self.signs.iter().filter(move |run| is(&run.state)).map(Run::span)
    }

    /// The stretches in which its samples arrived.
    pub(super) fn scraped(&self) -> impl Iterator<Item = TimeRange> + '_ {
        self.shows(|signs| signs.is_scraped)
    }

    /// Since when the member votes: from the first step on, or since it is no learner any more. `None` if it was always one.
    /// Where the history has no evidence of learners, members vote.
    pub(super) fn votes_from(&self) -> Option<i64> {
        let mut known = self.signs.iter().filter(|run| run.state.is_learner.is_some());
        match known.clone().next().and_then(|run| run.state.is_learner) {
            Some(true) => known.find(|run| run.state.is_learner == Some(false)).map(|run| run.start_ms),
            _ => Some(self.life.first_ms),
        }
    }

    /// Whether the member was there at an instant, and votes.
    pub(super) fn votes_at(&self, ms: i64) -> bool {
        ms <= self.life.last_ms && self.votes_from().is_some_and(|from_ms| from_ms <= ms)
    }

    /// The stretches in which it is a learner, not joined.
    pub(super) fn learns(&self) -> impl Iterator<Item = TimeRange> + '_ {
        self.shows(|signs| signs.is_learner == Some(true))
    }

    /// The parts of stretches in which its cluster's score counts it: those in which it is no learner.
    pub(super) fn voting(&self, stretches: &[TimeRange]) -> Vec<TimeRange> {
        without(stretches, &union(self.learns()))
    }

    /// Whether the history can answer a question about the member at all.
    pub(super) fn can_tell<T>(&self, answer: impl Fn(&Signs) -> Option<T>) -> bool {
        self.signs.iter().any(|run| answer(&run.state).is_some())
    }
}

/// When a trouble lasted that a rate or percentile over five minutes showed in these stretches: it may begin `lag_ms`
/// before it shows, and ends five minutes before the figure has recovered. `recovers` tells whether the
/// figure is known right after a stretch; if not, the trouble may have lasted until then.
pub(super) fn behind(shown: &[TimeRange], lag_ms: i64, recovers: impl Fn(i64) -> bool) -> Vec<TimeRange> {
    let trouble = |shown: &TimeRange| {
        let end_ms = if recovers(shown.end_ms) { shown.end_ms - WINDOW_MS } else { shown.end_ms };
        TimeRange { start_ms: shown.start_ms - lag_ms, end_ms: end_ms.max(shown.start_ms + 1) }
    };
    union(shown.iter().map(trouble))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn minutes(start: i64, end: i64) -> TimeRange {
        TimeRange { start_ms: start * MINUTE, end_ms: end * MINUTE }
    }

    #[test]
    fn a_trouble_ends_five_minutes_before_its_percentile_recovers() {
        // Slow from minute 10 to 12, which shows from 11 to 17.
        assert_eq!(behind(&[minutes(11, 17)], 3 * MINUTE, |_| true), [minutes(8, 12)]);
        // Nothing is known after it: perhaps the process hangs.
        assert_eq!(behind(&[minutes(11, 17)], 3 * MINUTE, |_| false), [minutes(8, 17)]);
        // A single slow fsync, which shows at once.
        let at_once = TimeRange { start_ms: 11 * MINUTE, end_ms: 11 * MINUTE + 1 };
        assert_eq!(behind(&[minutes(11, 16)], 0, |_| true), [at_once]);
    }
}
