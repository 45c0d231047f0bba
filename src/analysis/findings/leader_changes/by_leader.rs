//! The cause of a leader change if the history says who led: what happened to the member that lost the leadership.
//!
//! A process that ended or hung explains the change whatever else was wrong. Otherwise each of a slow disk, the network and
//! overload is looked for, and more than one is told as such. A change is called planned only if nothing at all was wrong.

use std::borrow::Cow;

use super::super::leadership::{Handover, Switch};
use super::super::runs::within;
use super::super::signs::{FAR_SECONDS, LAG_MS, MOST_WAITING, Signs, behind};
use super::super::spans::{both, length_within, union};
use super::super::tracks::{ClusterTrack, MemberTrack};
use super::super::{Cause, Collector, Evidence, told};
use super::{DISK, Explained, LEAST_SLOW_STEPS};
use crate::spec::version_text;
use crate::time::TimeRange;

/// A member that sends nothing until this long before the end of the history is gone.
const AFTER_MS: i64 = 2 * 60_000;
/// A hang that is shorter may lie between two steps.
const SHORT_HANG_MS: i64 = 15_000;
/// Overload, or the loss of a leader, explains a change if it is at most this long before.
const BEFORE_MS: i64 = 2 * 60_000;
/// Round trips are long before a change if they are for at least this long: a single one shows for five minutes.
const LEAST_FAR_MS: i64 = 6 * 60_000;
/// Round trips that become long within this time after the change may have to do with it: members probe each other every
/// half minute.
const ONSET_MS: i64 = 60_000;
/// Slow applies show a slow disk at most this long after the change: 20 s in the lab, and a step.
const FELT_MS: i64 = 45_000;
/// What is seen within this time after the change (or a step, if that is longer) may have begun before it.
const NEAR_MS: i64 = 30_000;
/// With steps further apart than this, a hang of half a minute lies between two of them, and looks like a planned move.
const FINE_STEP_MS: i64 = 60_000;

/// Everything that the rules look at in one cluster.
pub(super) struct Members<'a> {
    of: &'a Collector<'a>,
    all: Vec<Trouble<'a>>,
    /// When any member led.
    led: Vec<TimeRange>,
}

/// The troubles of one member over the whole range.
struct Trouble<'a> {
    member: &'a MemberTrack,
    starts: Vec<i64>,
    /// When its last sample arrived.
    last_ms: i64,
    /// When it was not scraped although other members were.
    silent: Vec<TimeRange>,
    /// When its disk was slow, and when that showed.
    slow: Vec<TimeRange>,
    shows_slow: Vec<TimeRange>,
    far: Vec<TimeRange>,
    overloaded: Vec<TimeRange>,
    /// When it was scraped and knew no leader.
    leaderless: Vec<TimeRange>,
}

impl<'a> Members<'a> {
    pub(super) fn of(of: &'a Collector<'a>, cluster: &'a ClusterTrack) -> Self {
        let step_ms = of.step.millis();
        let anybody = union(cluster.members.iter().flat_map(|member| member.shows(|signs| signs.is_scraped)));
        let trouble = |member: &'a MemberTrack| {
            let lasts = |range: &TimeRange| range.end_ms - range.start_ms >= LEAST_SLOW_STEPS * step_ms;
            let disk: Vec<TimeRange> = union(member.losing(of.table, DISK)).into_iter().filter(lasts).collect();
            let instant = |at: i64| TimeRange { start_ms: at, end_ms: at + 1 };
            let disk_is_known = |at: i64| {
                within(&member.codes, instant(at)).iter().any(|run| {
                    let points = &of.table.look_up(run.state).points;
                    DISK.iter().any(|metric| points[metric.index()].is_some())
                })
            };
            let showing = |is: fn(&Signs) -> bool| union(member.shows(is));
            let far_is_known =
                |at: i64| within(&member.signs, instant(at)).iter().any(|run| run.state.is_far.is_some());
            let far = showing(|signs| signs.is_far == Some(true));
            Trouble {
                member,
                starts: member.restarts(),
                last_ms: member.scraped().last().map_or(i64::MIN, |span| span.end_ms),
                silent: both(&showing(|signs| !signs.is_scraped), &anybody),
                slow: behind(&disk, LAG_MS + step_ms, disk_is_known),
                shows_slow: disk,
                far: behind(&far, step_ms, far_is_known),
                overloaded: showing(|signs| signs.keeps_waiting == Some(true) && signs.is_busy),
                leaderless: showing(|signs| signs.is_scraped && signs.knows_leader == Some(false)),
            }
        };
        let led = union(cluster.members.iter().flat_map(|member| member.shows(|signs| signs.leads == Some(true))));
        Self { of, all: cluster.members.iter().map(trouble).collect(), led }
    }

    /// The cause of a change of which the leaders are known.
    pub(super) fn explain(&self, switch: &Switch, handover: Handover) -> Explained {
        let mut explained = Explained::new(switch.change);
        let (from, to) = (&self.all[handover.from], &self.all[handover.to]);
        explained.tell("led_before", from.member.name());
        explained.tell("led_until", Evidence::Instant(handover.lost_ms));
        if handover.from == handover.to && !self.ended(from, handover, &mut explained) {
            self.lost_and_found(switch, handover, &mut explained);
            return explained;
        }
        if handover.from != handover.to {
            explained.tell("led_after", to.member.name());
            explained.tell("leads_from", Evidence::Instant(handover.took_ms));
        }
        if explained.cause != Cause::Unexplained || self.ended(from, handover, &mut explained) {
            return explained;
        }
        let hung = self.hung(from, handover);
        let mut found = Vec::new();
        found.extend(self.slow_disk(from, handover));
        match hung {
            // A process that waits for its disk may answer no scrape either.
            Some(hung) if found.is_empty() => found.push(hung),
            _ => {
                found.extend(self.network(from, handover));
                found.extend(self.overload(from, handover));
            }
        }
        match found.len() {
            0 if self.is_planned(switch, handover) => self.planned(from, to, &mut explained),
            0 => explained.why = self.unexplained(from),
            1 => explained.adopt(found.remove(0)),
            _ => {
                let whys: Vec<&str> = found.iter().map(|one| one.why.as_str()).collect();
                explained.why = format!("several causes are possible: {}", whys.join("; "));
                (explained.cause, explained.members) = (Cause::Several, vec![from.member.name()]);
                found.into_iter().for_each(|one| explained.evidence.extend(one.evidence));
            }
        }
        explained
    }

    fn planned(&self, from: &Trouble<'_>, to: &Trouble<'_>, explained: &mut Explained) {
        let (from, to) = (from.member.name(), to.member.name());
        let unseen = match self.of.step.millis() > SHORT_HANG_MS {
            true => format!("; a hang of less than {} would look the same", told::seconds(self.of.step.millis())),
            false => String::new(),
        };
        explained.why = format!(
            "{from} handed the leadership to {to}, as in a planned move: no member was silent, restarted or without a leader, \
             and nothing showed a slow disk{unseen}"
        );
        (explained.cause, explained.members) = (Cause::PlannedMove, vec![from, to]);
    }

    /// From the last step of the old leader to a little after the first one of the new leader.
    fn around(&self, handover: Handover) -> TimeRange {
        let step_ms = self.of.step.millis();
        TimeRange { start_ms: handover.lost_ms - step_ms, end_ms: handover.took_ms + NEAR_MS.max(step_ms) + 1 }
    }

    /// When the old leader was silent from about the change on.
    fn silence(&self, from: &Trouble<'_>, handover: Handover) -> Option<TimeRange> {
        let around = self.around(handover);
        from.silent
            .iter()
            .find(|silent| silent.intersect(around).is_some() && silent.end_ms > handover.lost_ms)
            .copied()
    }

    /// Whether the process of the old leader ended: it started again after it led, or was never seen again.
    fn ended(&self, from: &Trouble<'_>, handover: Handover, explained: &mut Explained) -> bool {
        let (name, around) = (from.member.name(), self.around(handover));
        let silence = self.silence(from, handover);
        let until = silence.map_or(around.end_ms, |silent| silent.end_ms);
        let started =
            from.starts.iter().find(|at| **at > handover.from_since_ms && (around.start_ms..=until).contains(at));
        // Rates of a member that is gone go on for a while.
        let last_ms = from.last_ms;
        let is_gone = (around.start_ms..=around.end_ms).contains(&last_ms) && last_ms + AFTER_MS < self.of.range.end_ms;
        let mut cause = Cause::Restart;
        if let Some(at) = started {
            explained.why = format!("{name}, which led, restarted at {}", told::instant(*at));
            explained.tell(format!("{name}_started"), Evidence::Instant(*at));
            if let Some((before, after)) = from.member.new_version(*at) {
                let [before, after] = [before, after].map(version_text);
                explained.why.push_str(&format!(" with etcd {after} instead of {before}"));
                explained.tell(format!("{name}_version_before"), before);
                explained.tell(format!("{name}_version_after"), after);
                cause = Cause::Upgrade;
            }
        } else if is_gone {
            explained.why = format!("{name}, which led, went and never came back");
            explained.tell(format!("{name}_left"), Evidence::Instant(last_ms));
        } else {
            return false;
        }
        explained.cause = cause;
        explained.members = vec![name];
        true
    }

    /// The old leader sent nothing for a while, and was the same process afterwards.
    fn hung(&self, from: &Trouble<'_>, handover: Handover) -> Option<Found> {
        let silent = self.silence(from, handover)?;
        let name = from.member.name();
        let mut found = Found::new(Cause::ProcessStopped, &from.member.name());
        let length = told::seconds(silent.end_ms - silent.start_ms);
        found.why = if from.member.started.is_empty() {
            found.cause = Cause::Several;
            format!(
                "{name}, which led, sent no samples for {length}: it hung or restarted, and the history has no start times"
            )
        } else {
            format!("{name}, which led, sent no samples for {length} and was the same process afterwards: it hung")
        };
        found.tell(format!("{name}_silent_from"), Evidence::Instant(silent.start_ms));
        found.tell(format!("{name}_silent_for"), Evidence::Duration(silent.end_ms - silent.start_ms));
        Some(found)
    }

    fn slow_disk(&self, from: &Trouble<'_>, handover: Handover) -> Option<Found> {
        let at = TimeRange { start_ms: handover.lost_ms, end_ms: handover.took_ms + self.of.step.millis() };
        let slow = from.slow.iter().find(|slow| slow.intersect(at).is_some())?;
        // A p99 may be above a low threshold every night, and cost nobody the leadership.
        let near = TimeRange { start_ms: handover.lost_ms - LAG_MS, end_ms: handover.took_ms + FELT_MS + 1 };
        let is_felt = || within(&from.member.signs, near).iter().any(|run| run.state.applies_slowly == Some(true));
        if from.member.can_tell(|signs| signs.applies_slowly) && !is_felt() {
            return None;
        }
        let name = from.member.name();
        let mut found = Found::new(Cause::SlowDisk, &name);
        found.why = format!("the disk of {name}, which led, was slow");
        let shown: Vec<&TimeRange> = from.shows_slow.iter().filter(|shown| shown.intersect(*slow).is_some()).collect();
        let since_ms = shown.first().map_or(slow.start_ms, |shown| shown.start_ms);
        found.tell(format!("{name}_slow_from"), Evidence::Instant(since_ms));
        found.tell(format!("{name}_slow_for"), Evidence::Duration(shown.iter().map(|s| s.end_ms - s.start_ms).sum()));
        Some(found)
    }

    /// The old leader answered scrapes but knew no leader while another one led, or round trips were long before it lost
    /// the leadership.
    fn network(&self, from: &Trouble<'_>, handover: Handover) -> Option<Found> {
        let name = from.member.name();
        let mut found = Found::new(Cause::Network, &name);
        if let Some(cut_off_ms) = self.cut_off(from, self.around(handover)) {
            found.why = format!(
                "{name}, which led, was cut off: it answered scrapes and knew no leader for {}",
                told::seconds(cut_off_ms)
            );
            found.tell(format!("{name}_without_leader_for"), Evidence::Duration(cut_off_ms));
            return Some(found);
        }
        let before = TimeRange { start_ms: handover.lost_ms - LEAST_FAR_MS, end_ms: handover.lost_ms };
        let lasts = |far: &&TimeRange| far.start_ms <= before.start_ms && far.end_ms > before.end_ms;
        let far = from.far.iter().find(lasts).filter(|_| self.of.step.millis() <= FINE_STEP_MS)?;
        let others: Vec<String> = self
            .all
            .iter()
            .filter(|other| other.member.name() != name)
            .filter(|other| other.far.iter().any(|span| span.intersect(*far).is_some()))
            .map(|other| other.member.name())
            .collect();
        if others.is_empty() {
            return None;
        }
        found.why = format!("round trips between {name}, which led, and {} were long", others.join(", "));
        found.members.extend(others);
        found.tell(format!("{name}_round_trips_above_{FAR_SECONDS}_s_from"), Evidence::Instant(far.start_ms));
        Some(found)
    }

    /// For how long a member that was scraped knew no leader although another one led, from two steps on: at one step the
    /// members may have been scraped before and after the election.
    fn cut_off(&self, member: &Trouble<'_>, around: TimeRange) -> Option<i64> {
        let near = member.leaderless.iter().find(|span| span.intersect(around).is_some())?;
        let (length, led) = (near.end_ms - near.start_ms, length_within(&self.led, *near));
        (led >= LEAST_SLOW_STEPS * self.of.step.millis() && 2 * led >= length).then_some(length)
    }

    fn overload(&self, from: &Trouble<'_>, handover: Handover) -> Option<Found> {
        let at = TimeRange { start_ms: handover.lost_ms - BEFORE_MS, end_ms: handover.took_ms + self.of.step.millis() };
        let length = length_within(&from.overloaded, at);
        if length < LEAST_SLOW_STEPS * self.of.step.millis() {
            return None;
        }
        let name = from.member.name();
        let mut found = Found::new(Cause::Overload, &name);
        found.why = format!(
            "{name}, which led, was overloaded: clients sent far more than usual, and more than {MOST_WAITING} proposals waited"
        );
        found.tell(format!("{name}_overloaded_for"), Evidence::Duration(length));
        Some(found)
    }

    /// A member counted a change although the leader stayed: it had lost the leader, or the leader was elected again.
    fn lost_and_found(&self, switch: &Switch, handover: Handover, explained: &mut Explained) {
        let leader = self.all[handover.from].member.name();
        let before = TimeRange {
            start_ms: switch.change.seen_ms - BEFORE_MS - self.of.step.millis(),
            end_ms: switch.change.until_ms + 1,
        };
        let cut_off = self.all.iter().filter_map(|one| Some((one, self.cut_off(one, before)?)));
        let cut_off: Vec<(&Trouble<'_>, i64)> = cut_off.collect();
        if cut_off.is_empty() {
            explained.why = format!("{leader} led before and after, and nothing near showed why");
            return;
        }
        explained.cause = Cause::Network;
        explained.members = cut_off.iter().map(|(one, _)| one.member.name()).collect();
        explained.why =
            format!("{} was cut off from the leader {leader} and found it again", explained.members.join(", "));
        for (one, length) in cut_off {
            explained.tell(format!("{}_without_leader_for", one.member.name()), Evidence::Duration(length));
        }
    }

    /// Whether one change happened while nothing was wrong with any member.
    fn is_planned(&self, switch: &Switch, handover: Handover) -> bool {
        let around = self.around(handover);
        let near = |ranges: &[TimeRange]| ranges.iter().any(|range| range.intersect(around).is_some());
        let calm = |one: &Trouble<'_>| {
            let is_asked = one.member.can_tell(|signs| signs.knows_leader);
            let restarted = one.starts.iter().any(|at| (around.start_ms..=around.end_ms).contains(at));
            is_asked && !near(&one.silent) && !near(&one.leaderless) && !restarted
        };
        let at = TimeRange { start_ms: handover.lost_ms, end_ms: handover.took_ms + 1 };
        // A hang between two steps shows only in the round trips of the others.
        let begins = |far: &TimeRange| (around.start_ms..=handover.took_ms + ONSET_MS).contains(&far.start_ms);
        let is_far = self.all[handover.from].far.iter().any(|far| far.intersect(at).is_some())
            || self.all.iter().any(|one| one.far.iter().any(begins));
        switch.change.count == 1 && self.of.step.millis() <= FINE_STEP_MS && !is_far && self.all.iter().all(calm)
    }

    fn unexplained(&self, from: &Trouble<'_>) -> String {
        let name = from.member.name();
        let mut unknown = Vec::new();
        if !from.member.can_tell(|signs| signs.knows_leader) {
            unknown.push("whether members knew a leader");
        }
        if !from.member.can_tell(|signs| signs.is_far) {
            unknown.push("round trips");
        }
        if from.member.started.is_empty() {
            unknown.push("start times");
        }
        let lacks = match unknown.is_empty() {
            true => String::new(),
            false => format!("; the history has no {}", unknown.join(", ")),
        };
        format!(
            "nothing near showed why {name} lost the leadership: no restart or silence, and p99 showed no slow disk{lacks}"
        )
    }
}

/// One possible cause.
pub(super) struct Found {
    pub(super) cause: Cause,
    pub(super) members: Vec<String>,
    pub(super) why: String,
    pub(super) evidence: Vec<(Cow<'static, str>, Evidence)>,
}

impl Found {
    fn new(cause: Cause, member: &str) -> Self {
        Self { cause, members: vec![member.to_owned()], why: String::new(), evidence: Vec::new() }
    }

    fn tell(&mut self, name: impl Into<Cow<'static, str>>, value: Evidence) {
        self.evidence.push((name.into(), value));
    }
}
