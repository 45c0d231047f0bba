//! Clusters and their instances over time: presence, restarts and leader elections.

use crate::incidents::{Incident, Kind, Setting};
use crate::random::Random;
use crate::timeline::{DAY, Interval, SECOND};

/// How long a process cannot be scraped because of a restart.
const RESTART: i64 = 45 * SECOND;
/// How long before its first scrape a process starts.
const STARTUP: i64 = 5 * SECOND;

/// A leak of file descriptors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leak {
    /// From the first leaked descriptor to the restart.
    pub(crate) during: Interval,
    /// Open descriptors at its end.
    pub(crate) peak: u64,
}

/// One etcd process at one address, over the whole range.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    /// The key of its random numbers: cluster and instance number.
    pub(crate) key: [u64; 2],
    /// `10.0.1.2`
    pub(crate) host: String,
    /// When it is part of the cluster.
    pub(crate) present: Interval,
    /// When it is not scraped, sorted. Each outage ends with a new process.
    pub(crate) outages: Vec<Interval>,
    /// When its disk is slow.
    pub(crate) slow: Vec<Interval>,
    /// When its descriptors leak.
    pub(crate) leaks: Vec<Leak>,
    /// When its first process started.
    pub(crate) started: i64,
}

/// A cluster and all instances that it has over the range.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    /// `c01`
    pub(crate) label: String,
    /// Counted from 0; the key of its random numbers.
    pub(crate) number: u64,
    /// The first members, then those that replace some of them.
    pub(crate) instances: Vec<Instance>,
    /// When a leader was elected, sorted.
    pub(crate) elections: Vec<i64>,
    /// The cause of each election.
    pub(crate) causes: Vec<Cause>,
}

/// The cause of a leader election.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The leader's process ended.
    Restart,
    /// Its disk was slow.
    SlowDisk,
    /// Without a visible cause.
    Unexplained,
}

impl Cause {
    /// The name in the CSV file of elections.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::SlowDisk => "slow_disk",
            Self::Unexplained => "unexplained",
        }
    }
}

/// A process of an instance: from its start to the outage that ends it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    /// When it started.
    pub(crate) started: i64,
    /// When it can be scraped.
    pub(crate) scraped: Interval,
}

impl Instance {
    fn new(setting: &Setting, cluster: usize, number: usize, present: Interval) -> Self {
        let key = [cluster as u64, number as u64];
        let long_ago = Random::keyed(setting.seed, &[key[0], key[1], 100]).between(2.0, 40.0);
        let fresh = present.start > setting.range.start;
        let uptime = if fresh { STARTUP } else { (long_ago * DAY as f64) as i64 };
        Self {
            key,
            host: host(cluster + 1, number + 1),
            present,
            outages: Vec::new(),
            slow: Vec::new(),
            leaks: Vec::new(),
            started: present.start - uptime,
        }
    }

    /// Its processes, in order.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let starts = self.outages.iter().map(|outage| outage.end - STARTUP);
        std::iter::once(self.started)
            .chain(starts)
            .zip(self.scraped())
            .map(|(started, scraped)| Process { started, scraped })
            .collect()
    }

    /// The stretches between its outages: one more than there are outages. The last one may be empty.
    fn scraped(&self) -> Vec<Interval> {
        let ends = self.outages.iter().map(|outage| outage.start);
        let starts = self.outages.iter().map(|outage| outage.end);
        std::iter::once(self.present.start)
            .chain(starts)
            .zip(ends.chain([self.present.end]))
            .map(|(start, end)| Interval { start, end }.meet(self.present))
            .collect()
    }

    fn lives(&self, at: i64) -> bool {
        self.scraped().iter().any(|alive| alive.contains(at))
    }
}

/// Such as `10.0.1.2`; cluster numbers above 255 carry into the second number.
pub(crate) fn host(cluster: usize, member: usize) -> String {
    format!("10.{}.{}.{member}", cluster >> 8, cluster & 255)
}

/// All clusters with their incidents.
pub(crate) fn clusters(setting: &Setting, incidents: &[Incident]) -> Vec<Cluster> {
    let width = setting.clusters.to_string().len().max(2);
    (0..setting.clusters)
        .map(|number| {
            let own: Vec<&Incident> = incidents.iter().filter(|i| i.cluster == number).collect();
            let instances = instances(setting, number, &own);
            let (elections, causes) = elections(setting, number, &instances, &own).into_iter().unzip();
            Cluster { label: format!("c{:0width$}", number + 1), number: number as u64, elections, causes, instances }
        })
        .collect()
}

fn instances(setting: &Setting, cluster: usize, incidents: &[&Incident]) -> Vec<Instance> {
    let mut present = setting.range;
    for late in incidents.iter().filter(|i| i.kind == Kind::LateCluster) {
        present.start = late.during.end;
    }
    let mut instances: Vec<Instance> =
        (0..setting.members).map(|number| Instance::new(setting, cluster, number, present)).collect();
    for incident in incidents {
        let Some(member) = incident.member else {
            continue;
        };
        befall(&mut instances[member], incident);
        if incident.kind == Kind::MemberReplaced {
            let present = Interval { start: incident.during.end, end: setting.range.end };
            let number = instances.len();
            instances.push(Instance::new(setting, cluster, number, present));
        }
    }
    for instance in &mut instances {
        instance.outages.sort_by_key(|outage| outage.start);
    }
    instances
}

/// Applies an incident to its member.
fn befall(instance: &mut Instance, incident: &Incident) {
    let during = incident.during;
    match incident.kind {
        Kind::SlowDisk { .. } | Kind::LeaderSlowDisk { .. } => instance.slow.extend(incident.slow_hours()),
        Kind::MemberDown => instance.outages.push(during),
        Kind::LeaderRestart => instance.outages.push(Interval { start: during.start, end: during.start + RESTART }),
        Kind::MemberReplaced => instance.present.end = during.start,
        Kind::FdLeak { peak } => {
            instance.leaks.push(Leak { during, peak });
            instance.outages.push(Interval { start: during.end, end: during.end + RESTART });
        }
        Kind::ElectionStorm { .. } | Kind::LateCluster | Kind::LeaderChange => {}
    }
}

/// What triggers an election.
enum Trigger {
    /// Another member challenges the leader.
    Challenge(Cause),
    /// This instance leads, and stops.
    Lost(usize),
    /// This instance stops; triggers an election only if it leads.
    Stop(usize),
}

/// All elections: storms, leaders that stop, and rare ones without a cause.
fn elections(setting: &Setting, cluster: usize, instances: &[Instance], incidents: &[&Incident]) -> Vec<(i64, Cause)> {
    let mut random = Random::keyed(setting.seed, &[cluster as u64, 101]);
    let mut triggers = Vec::new();
    for day in setting.range.days() {
        let at = day + random.below(DAY as usize) as i64;
        if random.chance(0.06) && setting.range.contains(at) {
            triggers.push((at, Trigger::Challenge(Cause::Unexplained)));
        }
    }
    for incident in incidents {
        let storm = storm(incident, &mut random);
        triggers.extend(storm.into_iter().map(|at| (at, Trigger::Challenge(Cause::Unexplained))));
        triggers.extend(provoked(incident));
    }
    for (number, instance) in instances.iter().enumerate() {
        let ends = instance.outages.iter().map(|outage| outage.start);
        let ends = ends.chain([instance.present.end]);
        triggers.extend(ends.map(|at| (at, Trigger::Stop(number))));
    }
    triggers.sort_by_key(|(at, _)| *at);

    let mut leader = None;
    let mut elections = Vec::new();
    for (at, trigger) in triggers {
        // An election takes a second or two.
        let elected = at + SECOND + random.below(SECOND as usize) as i64;
        let leads = match trigger {
            // No metric shows which member leads, so it can be any.
            Trigger::Lost(stopped) => stopped,
            _ => leader.unwrap_or_else(|| random.below(setting.members)),
        };
        leader = Some(leads);
        if matches!(trigger, Trigger::Stop(stopped) if stopped != leads) {
            continue;
        }
        let rivals: Vec<usize> = (0..instances.len()).filter(|n| *n != leads && instances[*n].lives(elected)).collect();
        if !rivals.is_empty() && setting.range.contains(elected) {
            leader = Some(rivals[random.below(rivals.len())]);
            let cause = match trigger {
                Trigger::Challenge(cause) => cause,
                Trigger::Lost(_) | Trigger::Stop(_) => Cause::Restart,
            };
            elections.push((elected, cause));
        }
    }
    elections.sort_unstable();
    elections
}

/// The elections that an incident triggers.
fn provoked(incident: &Incident) -> Vec<(i64, Trigger)> {
    let Interval { start, .. } = incident.during;
    match (incident.kind, incident.member) {
        (Kind::LeaderChange, _) => vec![(start, Trigger::Challenge(Cause::Unexplained))],
        (Kind::LeaderRestart, Some(member)) => vec![(start, Trigger::Lost(member))],
        // Only after the disk has been slow for a while.
        (Kind::LeaderSlowDisk { changes }, _) => {
            let share = |n: usize| (n as f64 + 0.5) / changes as f64;
            let at = |n| start + (incident.during.length() as f64 * (1.0 + 2.0 * share(n)) / 3.0) as i64;
            (0..changes).map(|n| (at(n), Trigger::Challenge(Cause::SlowDisk))).collect()
        }
        _ => Vec::new(),
    }
}

/// The challenges of an election storm, far enough apart to be seen by different scrapes.
pub(crate) fn storm(incident: &Incident, random: &mut Random) -> Vec<i64> {
    let Kind::ElectionStorm { changes } = incident.kind else {
        return Vec::new();
    };
    let gap = incident.during.length() as f64 / changes as f64;
    (0..changes).map(|n| incident.during.start + ((n as f64 + random.between(0.25, 0.7)) * gap) as i64).collect()
}

/// How long before the election the old leader is lost.
pub(crate) const LEADERLESS: i64 = 2 * SECOND;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::plan;
    use crate::timeline::{HOUR, MINUTE, parse_instant};

    /// Three members, three days, and the incidents asked for.
    fn cluster(requests: &[&str]) -> Cluster {
        let start = parse_instant("2026-10-01").expect("an instant");
        let setting = Setting {
            clusters: 1,
            members: 3,
            range: Interval { start, end: start + 3 * DAY },
            scrape: MINUTE,
            seed: 5,
        };
        let requests: Vec<_> = requests.iter().map(|text| text.parse().expect("a request")).collect();
        let incidents = plan(&setting, false, &requests, |_| ()).expect("they fit");
        clusters(&setting, &incidents).remove(0)
    }

    #[test]
    fn an_outage_ends_one_process_and_starts_another() {
        let cluster = cluster(&["member-down=member=2,start=2026-10-02,hours=3"]);
        let down = cluster.instances[1].outages[0];
        assert_eq!(down.length(), 3 * HOUR);
        let processes = cluster.instances[1].processes();
        assert_eq!(processes.len(), 2);
        assert_eq!(processes[0].scraped.end, down.start);
        assert_eq!(processes[1].scraped.start, down.end);
        assert!(processes[1].started < down.end && processes[1].started > down.start);
        assert_eq!(cluster.instances[0].processes().len(), 1);
    }

    #[test]
    fn a_replacement_comes_after_the_member_went() {
        let cluster = cluster(&["member-replaced=member=3"]);
        assert_eq!(cluster.instances.len(), 4);
        assert!(cluster.instances[2].present.end < cluster.instances[3].present.start);
        assert_eq!(cluster.instances[3].host, "10.0.1.4");
    }

    #[test]
    fn every_election_of_a_storm_falls_between_other_scrapes() {
        let storm = "election-storm=start=2026-10-02,hours=1,changes=30";
        let cluster = cluster(&[storm]);
        let hour = Interval {
            start: parse_instant("2026-10-02").expect("an instant"),
            end: parse_instant("2026-10-02T01:00:00Z").expect("an instant"),
        };
        let mut seen: Vec<i64> = cluster.elections.clone();
        seen.retain(|at| hour.contains(*at));
        assert!(seen.len() >= 30);
        seen.dedup_by_key(|at| *at / MINUTE);
        assert!(seen.len() >= 30, "{seen:?}");
    }
}
