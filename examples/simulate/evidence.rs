//! The values of the metrics that explain leader changes.
//!
//! Rates and sizes named "lab" are those of a real etcd 3.5.1 under labelled faults: `tests/lab` has its samples,
//! `benches/lab/README.md` the faults. Where the lab has none, a comment gives the reason for the choice.

use crate::elections::Cause;
use crate::leadership::Leadership;
use crate::member::Member;
use crate::random::Wander;
use crate::schedule::Step;
use crate::timeline::{HOUR, Interval, SECOND};

/// How long a leader that is cut off takes to notice it (lab: 1.3 s).
const NOTICED: i64 = 1_300;
const MEGABYTE: f64 = 1e6;
const PAGE: u64 = 4096;

/// A cause of a counter's growth: how many a second, and when.
type Part<'a> = (f64, &'a [Interval]);

/// What troubles a member, and when.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    /// The member.
    pub(crate) member: &'a Member<'a>,
    /// When it leads.
    pub(crate) leading: Vec<Interval>,
    /// When it is cut off from the others.
    pub(crate) cut: Vec<Interval>,
    /// When its disk is slow, but not slow enough to lose the leadership.
    slow: Vec<Interval>,
    failing_leading: Vec<Interval>,
    /// When it follows a leader whose disk fails.
    behind: Vec<Interval>,
    /// When it leads, and another member's process is gone.
    alone: Vec<Interval>,
    surges: Vec<Interval>,
    surges_leading: Vec<Interval>,
    full: Vec<Interval>,
    /// Elections that it takes part in, except planned moves.
    elections: Vec<i64>,
}

impl Member<'_> {
    /// Its number in the cluster, counted from 0.
    pub(crate) fn number(&self) -> usize {
        self.instance.key[1] as usize
    }

    /// When it learns of another leader. A member that is cut off or hangs learns of the last of several elections.
    pub(crate) fn new_leaders(&self) -> Vec<i64> {
        let Some(leadership) = &self.cluster.leadership else {
            return self.cluster.elections.clone();
        };
        let cuts = leadership.cuts_of(self.number());
        let learns = |at: i64| {
            let hang = self.instance.hangs.iter().find(|hang| hang.contains(at)).map(|hang| hang.end + SECOND);
            let cut = cuts.iter().find(|cut| cut.contains(at)).map(|cut| cut.end);
            hang.or(cut).unwrap_or(at)
        };
        let elections = leadership.elections.iter().map(|election| learns(election.at));
        // etcd counts a leader after a time without one, even if it is the same.
        let mut seen: Vec<i64> = elections.chain(cuts.iter().map(|cut| cut.end)).collect();
        seen.sort_unstable();
        seen.dedup();
        seen
    }

    /// Whether it has a leader at an instant.
    pub(crate) fn knows_leader(&self, leadership: &Leadership, at: i64) -> bool {
        let cuts = leadership.cuts_of(self.number());
        let cut = cuts.iter().any(|cut| cut.start + NOTICED <= at && at < cut.end);
        !cut && leadership.leader(at).is_some()
    }

    /// What explains leader changes.
    pub(crate) fn evidence(&self) -> Evidence<'_> {
        let (range, number, strain) = (self.setting.range, self.number(), &self.cluster.strain);
        let leadership = self.cluster.leadership.as_ref();
        let led_by = |member| leadership.map_or_else(Vec::new, |leadership| leadership.led_by(member, range));
        let leading = led_by(number);
        let peers = || self.cluster.instances.iter().enumerate().filter(|(n, _)| *n != number);
        let behind = peers().flat_map(|(n, peer)| common(&peer.failing, &led_by(n))).collect();
        let gone: Vec<Interval> = peers().flat_map(|(_, peer)| peer.outages.iter().copied()).collect();
        let slow = self.instance.slow.iter().flat_map(|slow| slow.without(&self.instance.failing)).collect::<Vec<_>>();
        let surges: Vec<Interval> = strain.surges.iter().map(|surge| surge.during).collect();
        let elections = leadership.iter().flat_map(|leadership| &leadership.elections);
        let elections = elections.filter(|election| election.cause != Cause::PlannedMove).map(|election| election.at);
        Evidence {
            cut: leadership.map_or_else(Vec::new, |leadership| leadership.cuts_of(number)),
            failing_leading: common(&self.instance.failing, &leading),
            alone: common(&gone, &leading),
            surges_leading: common(&surges, &leading),
            full: strain.full(),
            elections: elections.filter(|at| self.instance.lives(*at)).collect(),
            behind,
            slow,
            surges,
            leading,
            member: self,
        }
    }
}

impl Evidence<'_> {
    /// 1 while it leads.
    pub(crate) fn is_leader(&self) -> Vec<u64> {
        let at = self.member.schedule.at.iter();
        at.map(|at| u64::from(self.leading.iter().any(|term| term.contains(*at)))).collect()
    }

    /// Heartbeats that it could not send in time while it led.
    pub(crate) fn heartbeat_send_failures(&self) -> Vec<u64> {
        // The lab's leaders report up to 10 at once when their disk or processor is slow, and none when they are cut
        // off or do not have a slow disk. Its slow leader loses the leadership within 1.5 s; one that keeps it for a
        // while reports a few in every minute. A disk with a p99 of 25 ms does not delay a heartbeat of 100 ms.
        let parts: [Part<'_>; 2] = [(0.08, &self.failing_leading[..]), (0.1, &self.surges_leading)];
        self.count(30, 0.0, &parts, 0)
    }

    /// Proposals that failed: clients see a time-out.
    pub(crate) fn proposals_failed(&self) -> Vec<u64> {
        // Lab: 109 in 100 s with a failing disk, 13 with a disk half as slow; 63 to 67 in 60 s when cut off; 3 at each
        // election. A burst of five times the traffic fails none there; an overload does.
        let parts: [Part<'_>; 6] = [
            (0.6, &self.member.instance.failing[..]),
            (0.1, &self.behind),
            (1.05, &self.cut),
            (0.1, &self.member.cluster.strain.far),
            (1.0, &self.surges),
            // After it hung, it has 5 to 14 that came in meanwhile.
            (0.3, &self.member.instance.hangs),
        ];
        self.count(31, 0.0, &parts, 3)
    }

    /// Requests that took more than 100 ms to apply.
    pub(crate) fn slow_applies(&self) -> Vec<u64> {
        // Lab: none in most minutes of calm; 71 and 118 in 100 s with a slow disk; 26 in 60 s when cut off; 54 and 240
        // with round trips of 0.6 s; on the leader 250 in 30 s and 574 in 60 s while another member's process is gone.
        let parts: [Part<'_>; 6] = [
            (0.9, &self.member.instance.failing[..]),
            // A fsync of more than 100 ms is rare with a p99 of 25 ms.
            (0.03, &self.slow),
            (0.35, &self.cut),
            (2.0, &self.member.cluster.strain.far),
            (5.0, &self.surges),
            (8.0, &self.alone),
        ];
        self.count(32, 0.002, &parts, 0)
    }

    /// Linearizable reads that the leader confirmed too late.
    pub(crate) fn slow_read_indexes(&self) -> Vec<u64> {
        // Lab: 19 and 36 in 100 s with a slow disk, 9 in 60 s when cut off, 50 and 98 with round trips of 0.6 s.
        let parts: [Part<'_>; 5] = [
            (0.25, &self.member.instance.failing[..]),
            (0.005, &self.slow),
            (0.13, &self.cut),
            (0.8, &self.member.cluster.strain.far),
            (0.3, &self.surges),
        ];
        self.count(33, 0.0005, &parts, 0)
    }

    /// A counter that grows by `idle` a second, by the rates of its parts, and by `each` at each election.
    fn count(&self, metric: u64, idle: f64, parts: &[Part<'_>], each: u64) -> Vec<u64> {
        let mut random = self.member.random(metric);
        self.member.schedule.count(|step| {
            let rise: f64 = parts.iter().map(|(rate, during)| rate * step.seconds(during)).sum();
            let idle = idle * step.since as f64 / SECOND as f64;
            let mean = (idle + rise) * random.between(0.6, 1.4);
            // Adding a uniform number before rounding down keeps the mean.
            (mean + random.unit()) as u64 + each * self.elections_in(step)
        })
    }

    fn elections_in(&self, step: Step) -> u64 {
        let since = step.at - step.since;
        self.elections.iter().filter(|at| **at > since && **at <= step.at).count() as u64
    }

    /// Proposals that wait at a scrape.
    pub(crate) fn proposals_pending(&self) -> Vec<u64> {
        let mut random = self.member.random(34);
        let inside = |intervals: &[Interval], at| intervals.iter().any(|interval| interval.contains(at));
        let at = self.member.schedule.at.iter();
        at.map(|&at| {
            let traffic = self.member.cluster.strain.traffic(at);
            let (low, high) = if traffic > 2.0 {
                // Requests wait at the leader, and at the members that forward them. The lab has too few clients.
                let many = if inside(&self.leading, at) { (35.0, 60.0) } else { (10.0, 35.0) };
                (many.0 * traffic, many.1 * traffic)
            } else if inside(&self.cut, at) || inside(&self.member.instance.failing, at) {
                // All of the lab's clients wait: up to 9 proposals.
                (3.0, 10.0)
            } else if inside(&self.member.cluster.strain.far, at) || inside(&self.behind, at) {
                (1.0, 9.0)
            } else {
                // Lab: 0 at nine scrapes of ten, 1 to 3 at the others.
                (-27.0, 4.0)
            };
            random.between(low, high).max(0.0) as u64
        })
        .collect()
    }

    /// Resident memory in bytes.
    pub(crate) fn resident_memory(&self) -> Vec<u64> {
        let mut random = self.member.random(35);
        // Lab: 45 MB after the start, 110 MB after half an hour, and the pages of the database that were read.
        let own = random.between(70.0, 120.0) * MEGABYTE;
        let mut noise = Wander::new(random);
        let databases = self.member.databases();
        let steps = self.member.schedule.at.iter().zip(self.member.started());
        let memory = steps.zip(databases).map(|((&at, started), database)| {
            let warm = ((at - started as i64) as f64 / HOUR as f64).min(1.0);
            let surge = self.member.cluster.strain.traffic(at) - 1.0;
            let usual = own * (0.45 + 0.55 * warm) + 0.6 * database.total as f64 * (0.3 + 0.7 * warm);
            // Lab: 97 to 217 MB in a burst of five times the traffic.
            let busy = 0.05 * usual * surge + 25.0 * MEGABYTE * surge.min(6.0);
            let bytes = (usual + busy) * (1.0 + 0.02 * noise.step());
            bytes as u64 / PAGE * PAGE
        });
        memory.collect()
    }

    /// Calls of each method and code, in the order of [`CODES`].
    pub(crate) fn calls(&self, method: Method, code: &str) -> Vec<u64> {
        let mut random = self.member.random(36);
        // Lab: 15 puts and 5 reads a second at each member.
        let puts = random.between(8.0, 20.0);
        let rate = if method == Method::Put { puts } else { puts / 3.0 };
        let traffic = self.member.traffic();
        let mut served = |refused: bool| {
            self.member.schedule.count(|step| {
                let (cut, full) = (step.seconds(&self.cut), step.seconds(&self.full));
                let all = step.since as f64 / SECOND as f64;
                let seconds = match (method, refused) {
                    (Method::Put, true) => full,
                    (Method::Put, false) => all - cut - full,
                    (Method::Range, _) => all - cut,
                };
                (rate * traffic(step) * seconds.max(0.0) * random.between(0.95, 1.05)) as u64
            })
        };
        match (method, code) {
            (_, "OK") => served(false),
            (Method::Put, "ResourceExhausted") => served(true),
            // Time-outs. Lab: 109 puts and 37 reads, 63 and 21.
            (Method::Put, "Unknown") => self.proposals_failed(),
            (Method::Range, "Unknown") => self.proposals_failed().iter().map(|failed| failed / 3).collect(),
            // Lab: one read at each election.
            (Method::Range, "Unavailable") => self.count(37, 0.0, &[], 1),
            _ => vec![0; self.member.schedule.at.len()],
        }
    }
}

/// A method of etcd's key-value service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Reads.
    Range,
    /// Writes.
    Put,
}

/// The codes with which calls end, as etcd names them; the others of gRPC's 17 never occur here.
pub(crate) const CODES: [&str; 5] = ["OK", "DeadlineExceeded", "ResourceExhausted", "Unavailable", "Unknown"];

/// The times that both have in common.
pub(crate) fn common(one: &[Interval], other: &[Interval]) -> Vec<Interval> {
    let meetings = one.iter().flat_map(|one| other.iter().map(|other| one.meet(*other)));
    meetings.filter(|meeting| meeting.length() > 0).collect()
}

#[cfg(test)]
mod tests;
