//! Who leads a cluster over time.
//!
//! Elections come from the same triggers as those of a simulation without evidence. Where an incident needs a certain
//! leader, an earlier election elects it, or else an operator moves the leadership to it in a calm hour before.

use crate::cluster::Instance;
use crate::elections::{Cause, Trigger};
use crate::incidents::{Incident, Kind, Setting};
use crate::majority::with_majority;
use crate::random::Random;
use crate::schedule::Schedule;
use crate::timeline::{Interval, MINUTE, SECOND};

/// How far an inserted move is from anything else: further than the hour within which findings look for causes.
const APART: i64 = 65 * MINUTE;

/// A change of leadership.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Election {
    /// From here on the cluster has no leader.
    pub(crate) lost: i64,
    /// When the new leader is elected.
    pub(crate) at: i64,
    /// The instance that led before.
    pub(crate) from: usize,
    /// The instance that leads afterwards.
    pub(crate) to: usize,
    /// Why.
    pub(crate) cause: Cause,
}

/// A member that the others cannot reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// The instance.
    pub(crate) member: usize,
    /// For how long.
    pub(crate) during: Interval,
}

/// Who leads when.
#[derive(Debug, Clone)]
pub(crate) struct Leadership {
    /// The leader before the first election.
    first: usize,
    /// All changes, in order.
    pub(crate) elections: Vec<Election>,
    /// When leaders were cut off.
    pub(crate) cuts: Vec<Cut>,
}

impl Leadership {
    /// Elects leaders for a cluster with these triggers.
    pub(crate) fn new(
        setting: &Setting,
        cluster: usize,
        instances: &[Instance],
        incidents: &[&Incident],
        triggers: &[(i64, Trigger)],
    ) -> Self {
        let scrapes = instances.iter().map(|instance| Schedule::of(setting, instance).at).collect();
        let random = Random::keyed(setting.seed, &[cluster as u64, 105]);
        let triggers = with_majority(instances, triggers, setting.range.end);
        let busy = busy(incidents, &triggers);
        let mut electorate = Electorate { setting, instances, scrapes, busy, random };
        let first = electorate.choose(&(0..setting.members).collect::<Vec<_>>(), &triggers);
        let mut leadership = Self { first, elections: Vec::new(), cuts: Vec::new() };
        for (n, (at, trigger)) in triggers.iter().enumerate() {
            leadership.happen(&mut electorate, *at, *trigger, &triggers[n + 1..]);
        }
        leadership
    }

    /// Who leads at an instant; `None` during an election.
    pub(crate) fn leader(&self, at: i64) -> Option<usize> {
        let next = self.elections.partition_point(|election| election.at <= at);
        if self.elections.get(next).is_some_and(|election| election.lost <= at) {
            return None;
        }
        Some(next.checked_sub(1).map_or(self.first, |last| self.elections[last].to))
    }

    /// When an instance leads.
    pub(crate) fn led_by(&self, member: usize, range: Interval) -> Vec<Interval> {
        let starts = std::iter::once((range.start, self.first)).chain(self.elections.iter().map(|e| (e.at, e.to)));
        let ends = self.elections.iter().map(|election| election.lost).chain([range.end]);
        let terms = starts.zip(ends).filter(|((_, leader), _)| *leader == member);
        terms.map(|((start, _), end)| Interval { start, end }).filter(|term| term.length() > 0).collect()
    }

    /// When an instance is cut off.
    pub(crate) fn cuts_of(&self, member: usize) -> Vec<Interval> {
        self.cuts.iter().filter(|cut| cut.member == member).map(|cut| cut.during).collect()
    }

    fn last(&self, range: Interval) -> (i64, usize) {
        self.elections.last().map_or((range.start, self.first), |election| (election.at, election.to))
    }

    /// Applies a trigger; `later` are those after it.
    fn happen(&mut self, electorate: &mut Electorate<'_>, at: i64, trigger: Trigger, later: &[(i64, Trigger)]) {
        let elected = at + SECOND + electorate.random.below(SECOND as usize) as i64;
        let (_, leader) = self.last(electorate.setting.range);
        let wanted = match trigger {
            Trigger::Lost(member, _) | Trigger::Cut(Some(member), _) | Trigger::SlowDisk { member, back: false } => {
                (leader != member).then(|| vec![member])
            }
            Trigger::Follower(member) if leader == member => {
                Some((0..electorate.instances.len()).filter(|n| *n != member).collect())
            }
            _ => None,
        };
        if let Some(wanted) = wanted {
            self.move_before(electorate, at, &wanted);
        }
        let (_, leader) = self.last(electorate.setting.range);
        if matches!(trigger, Trigger::Stop(member) if member != leader) || matches!(trigger, Trigger::Follower(_)) {
            return;
        }
        let again = matches!(trigger, Trigger::Regained(_));
        let mut rivals: Vec<usize> = (0..electorate.instances.len())
            .filter(|n| (again || *n != leader) && self.can_lead(electorate, *n, elected))
            .collect();
        if let Trigger::SlowDisk { member, back: true } = trigger {
            // The member with the slow disk gets the leadership back, so that it can lose it again.
            if rivals.contains(&member) {
                rivals = vec![member];
            }
        }
        if rivals.is_empty() || !electorate.setting.range.contains(elected) {
            return;
        }
        let to = electorate.choose(&rivals, later);
        if let Trigger::Cut(_, until) = trigger {
            self.cuts.push(Cut { member: leader, during: Interval { start: at, end: until } });
        }
        // Without a majority, the cluster has had no leader since it lost it.
        let at = if let Trigger::Regained(lost) = trigger { lost } else { at };
        self.elect(electorate, at, elected, to, trigger.cause());
    }

    fn can_lead(&self, electorate: &Electorate<'_>, member: usize, at: i64) -> bool {
        let cut = self.cuts.iter().any(|cut| cut.member == member && cut.during.contains(at));
        electorate.instances[member].lives(at) && !cut
    }

    /// Adds an election; without a leader for as long as its cause makes the members wait.
    fn elect(&mut self, electorate: &mut Electorate<'_>, at: i64, elected: i64, to: usize, cause: Cause) {
        let (before, from) = self.last(electorate.setting.range);
        let elected = elected.max(before + 2 * SECOND);
        let lost = match cause {
            // Leadership is transferred without an election timeout: no scrape of the lab, one every 2 s, shows a
            // member without a leader.
            Cause::PlannedMove => elected,
            // In the lab, the others elect a leader 1.2 to 1.5 s after they lost one.
            Cause::Restart | Cause::SlowDisk | Cause::Network | Cause::ProcessStopped => at,
            // Votes are lost or late, so members campaign several times, each for 1 to 2 s.
            Cause::Overload => elected - (electorate.random.between(2.0, 20.0) * SECOND as f64) as i64,
            Cause::Unexplained => electorate.long_without(elected),
        };
        // A leader leads at least for a moment.
        let lost = lost.max(before + SECOND).min(elected);
        self.elections.push(Election { lost, at: elected, from, to, cause });
    }

    /// Moves the leadership to one of `wanted` in a calm hour before an incident that needs it there; in the middle of
    /// the time since the last election if there is none.
    fn move_before(&mut self, electorate: &mut Electorate<'_>, at: i64, wanted: &[usize]) {
        let (before, _) = self.last(electorate.setting.range);
        let calm = (1..).map(|n| at - APART - n * MINUTE).take_while(|at| *at > before + APART).find(|at| {
            let calm = !electorate.busy.iter().any(|busy| busy.contains(*at));
            calm && wanted.iter().any(|member| electorate.instances[*member].lives(*at))
        });
        let moved = calm.unwrap_or(before + (at - before) / 2);
        let wanted: Vec<usize> = wanted.iter().copied().filter(|n| self.can_lead(electorate, *n, moved)).collect();
        if wanted.is_empty() || moved <= before + 2 * SECOND {
            return;
        }
        let to = wanted[electorate.random.below(wanted.len())];
        self.elect(electorate, moved, moved, to, Cause::PlannedMove);
    }
}

/// The members, and what the choice of leaders depends on.
struct Electorate<'a> {
    setting: &'a Setting,
    instances: &'a [Instance],
    /// When each instance is scraped.
    scrapes: Vec<Vec<i64>>,
    /// Around incidents and triggers: no time for an inserted move.
    busy: Vec<Interval>,
    random: Random,
}

impl Electorate<'_> {
    /// One of the candidates, which suits the next incidents if possible.
    fn choose(&mut self, candidates: &[usize], later: &[(i64, Trigger)]) -> usize {
        let mut suitable = candidates.to_vec();
        for (_, trigger) in later {
            match trigger {
                Trigger::Stop(_) => {}
                Trigger::Follower(member) => {
                    if suitable.len() > 1 {
                        suitable.retain(|n| n != member);
                    }
                }
                Trigger::Lost(member, _)
                | Trigger::Cut(Some(member), _)
                | Trigger::SlowDisk { member, back: false } => {
                    if suitable.contains(member) {
                        suitable = vec![*member];
                    }
                    break;
                }
                Trigger::SlowDisk { member, back: true } => {
                    if suitable.len() > 1 {
                        suitable.retain(|n| n != member);
                    }
                    break;
                }
                Trigger::Challenge(_) | Trigger::Cut(None, _) | Trigger::Regained(_) => break,
            }
        }
        suitable[self.random.below(suitable.len())]
    }

    /// When the cluster loses its leader so that one or two scrapes of a member show it.
    fn long_without(&mut self, elected: i64) -> i64 {
        let usual = elected - (self.random.between(0.5, 1.2) * self.setting.scrape as f64) as i64;
        let seen = self.scrapes.iter().filter_map(|at| {
            let last = at[..at.partition_point(|at| *at < elected)].last().copied()?;
            (elected - last <= self.setting.scrape).then_some(last)
        });
        seen.max().map_or(usual, |seen| usual.min(seen - SECOND / 2))
    }
}

/// The times around incidents and triggers.
fn busy(incidents: &[&Incident], triggers: &[(i64, Trigger)]) -> Vec<Interval> {
    let of = |incident: &&Incident| match incident.kind {
        Kind::SlowDisk { .. } => incident.slow_hours(),
        Kind::FdLeak { .. } => vec![Interval { start: incident.during.end, end: incident.during.end + MINUTE }],
        _ => vec![incident.during],
    };
    let changes = triggers.iter().map(|(at, _)| Interval { start: *at, end: *at });
    let all = incidents.iter().flat_map(of).chain(changes);
    all.map(|Interval { start, end }| Interval { start: start - APART, end: end + APART }).collect()
}
