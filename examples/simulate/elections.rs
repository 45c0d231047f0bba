//! What triggers leader elections, and the elections of a simulation without evidence.

use crate::cluster::Instance;
use crate::incidents::{Incident, Kind, Setting};
use crate::random::Random;
use crate::timeline::{DAY, Interval, SECOND};

/// The cause of a leader election.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The leader's process ended.
    Restart,
    /// Its disk was slow.
    SlowDisk,
    /// The others could not reach it.
    Network,
    /// Its process hung.
    ProcessStopped,
    /// An operator moved the leadership.
    PlannedMove,
    /// The cluster had more requests than it can serve.
    Overload,
    /// Without a visible cause.
    Unexplained,
}

impl Cause {
    /// The name in the CSV file of elections.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::SlowDisk => "slow_disk",
            Self::Network => "network",
            Self::ProcessStopped => "process_stopped",
            Self::PlannedMove => "planned_move",
            Self::Overload => "overload",
            Self::Unexplained => "unexplained",
        }
    }
}

/// What can change the leader.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger {
    /// Another member takes over from the leader, whichever leads.
    Challenge(Cause),
    /// The disk of this member makes it lose the leadership, or, every second time, get it back.
    SlowDisk {
        /// The member with the slow disk.
        member: usize,
        /// It gets the leadership back.
        back: bool,
    },
    /// This instance leads, and its process ends or hangs.
    Lost(usize, Cause),
    /// The leader is cut off from the others until then; the first of several cuts names the leader.
    Cut(Option<usize>, i64),
    /// This instance stops; triggers an election only if it leads.
    Stop(usize),
    /// This instance stops, and does not lead.
    Follower(usize),
    /// Enough members for a leader are back; there were too few since then.
    Regained(i64),
}

impl Trigger {
    /// The cause of an election that it triggers.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::Challenge(cause) | Self::Lost(_, cause) => cause,
            // It leads again by somebody's move: the disk of the member that led then is well.
            Self::SlowDisk { back: true, .. } => Cause::PlannedMove,
            Self::SlowDisk { .. } => Cause::SlowDisk,
            Self::Cut(..) => Cause::Network,
            Self::Stop(_) | Self::Follower(_) | Self::Regained(_) => Cause::Restart,
        }
    }
}

/// All triggers in order: storms, leaders that stop, and rare ones without a cause.
pub(crate) fn triggers(
    setting: &Setting,
    instances: &[Instance],
    incidents: &[&Incident],
    random: &mut Random,
) -> Vec<(i64, Trigger)> {
    let mut triggers = Vec::new();
    for day in setting.range.days() {
        let at = day + random.below(DAY as usize) as i64;
        if random.chance(0.06) && setting.range.contains(at) {
            triggers.push((at, Trigger::Challenge(Cause::Unexplained)));
        }
    }
    for incident in incidents {
        let storm = storm(incident, random);
        triggers.extend(storm.into_iter().map(|at| (at, Trigger::Challenge(Cause::Unexplained))));
        triggers.extend(provoked(incident));
    }
    for (number, instance) in instances.iter().enumerate() {
        let ends = instance.outages.iter().map(|outage| outage.start);
        let ends = ends.chain([instance.present.end]);
        triggers.extend(ends.map(|at| (at, Trigger::Stop(number))));
    }
    // The process that a follower's restart ends must not be taken for a leader's.
    let restarts = incidents.iter().filter(|incident| incident.kind == Kind::FollowerRestart);
    let restarts: Vec<_> = restarts.map(|incident| (incident.during.start, incident.member)).collect();
    triggers.retain(|(at, trigger)| match trigger {
        Trigger::Stop(member) => !restarts.contains(&(*at, Some(*member))),
        _ => true,
    });
    triggers.sort_by_key(|(at, _)| *at);
    triggers
}

/// The elections when no metric shows which member leads, so that it can be any.
pub(crate) fn elections(
    setting: &Setting,
    instances: &[Instance],
    triggers: Vec<(i64, Trigger)>,
    random: &mut Random,
) -> Vec<(i64, Cause)> {
    let mut leader = None;
    let mut elections = Vec::new();
    for (at, trigger) in triggers {
        // An election takes a second or two.
        let elected = at + SECOND + random.below(SECOND as usize) as i64;
        let leads = match trigger {
            Trigger::Lost(stopped, _) | Trigger::Cut(Some(stopped), _) => stopped,
            Trigger::Follower(_) => continue,
            _ => leader.unwrap_or_else(|| random.below(setting.members)),
        };
        leader = Some(leads);
        if matches!(trigger, Trigger::Stop(stopped) if stopped != leads) {
            continue;
        }
        let rivals: Vec<usize> = (0..instances.len()).filter(|n| *n != leads && instances[*n].lives(elected)).collect();
        if !rivals.is_empty() && setting.range.contains(elected) {
            leader = Some(rivals[random.below(rivals.len())]);
            elections.push((elected, trigger.cause()));
        }
    }
    elections.sort_unstable();
    elections
}

/// The elections that an incident triggers.
fn provoked(incident: &Incident) -> Vec<(i64, Trigger)> {
    let Interval { start, end } = incident.during;
    let length = incident.during.length() as f64;
    match (incident.kind, incident.member) {
        (Kind::LeaderChange, _) => vec![(start, Trigger::Challenge(Cause::Unexplained))],
        (Kind::PlannedMove, _) => vec![(start, Trigger::Challenge(Cause::PlannedMove))],
        (Kind::LeaderRestart, Some(member)) => vec![(start, Trigger::Lost(member, Cause::Restart))],
        (Kind::ProcessStopped, Some(member)) => vec![(start, Trigger::Lost(member, Cause::ProcessStopped))],
        (Kind::FollowerRestart, Some(member)) => vec![(start, Trigger::Follower(member))],
        // Only after the disk has been slow for a while.
        (Kind::LeaderSlowDisk { changes }, Some(member)) => late(incident, changes)
            .enumerate()
            .map(|(n, at)| (at, Trigger::SlowDisk { member, back: n % 2 == 1 }))
            .collect(),
        (Kind::Overload { changes, .. }, _) => {
            late(incident, changes).map(|at| (at, Trigger::Challenge(Cause::Overload))).collect()
        }
        (Kind::Network { changes: 1 }, Some(member)) => vec![(start, Trigger::Cut(Some(member), end))],
        (Kind::Network { changes }, Some(member)) => {
            let at = |part: f64| start + (length * part / changes as f64) as i64;
            let first = |n: usize| (n == 0).then_some(member);
            (0..changes).map(|n| (at(n as f64), Trigger::Cut(first(n), at(n as f64 + 0.5)))).collect()
        }
        _ => Vec::new(),
    }
}

/// Evenly spaced instants in the last two thirds of an incident.
fn late(incident: &Incident, count: usize) -> impl Iterator<Item = i64> {
    let Interval { start, .. } = incident.during;
    let length = incident.during.length() as f64;
    let share = move |n: usize| (n as f64 + 0.5) / count as f64;
    (0..count).map(move |n| start + (length * (1.0 + 2.0 * share(n)) / 3.0) as i64)
}

/// The challenges of an election storm, far enough apart to be seen by different scrapes.
fn storm(incident: &Incident, random: &mut Random) -> Vec<i64> {
    let Kind::ElectionStorm { changes } = incident.kind else {
        return Vec::new();
    };
    let gap = incident.during.length() as f64 / changes as f64;
    (0..changes).map(|n| incident.during.start + ((n as f64 + random.between(0.25, 0.7)) * gap) as i64).collect()
}
