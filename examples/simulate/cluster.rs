//! Clusters and their instances over time: presence, restarts and leader elections.

use crate::elections::{Cause, elections, triggers};
use crate::incidents::{Incident, Kind, Setting};
use crate::leadership::Leadership;
use crate::random::Random;
use crate::strain::Strain;
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
    /// When its process hangs: it is not scraped, and goes on afterwards.
    pub(crate) hangs: Vec<Interval>,
    /// When its disk is slow.
    pub(crate) slow: Vec<Interval>,
    /// The part of `slow` in which the disk is slow enough to make it lose the leadership.
    pub(crate) failing: Vec<Interval>,
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
    /// Who leads; only with evidence, because no other metric shows it.
    pub(crate) leadership: Option<Leadership>,
    /// What troubles the cluster as a whole.
    pub(crate) strain: Strain,
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
            hangs: Vec::new(),
            slow: Vec::new(),
            failing: Vec::new(),
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

    /// Whether it has a process that does not hang.
    pub(crate) fn lives(&self, at: i64) -> bool {
        self.scraped().iter().any(|alive| alive.contains(at)) && !self.hangs.iter().any(|hang| hang.contains(at))
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
            let mut random = Random::keyed(setting.seed, &[number as u64, 101]);
            let triggers = triggers(setting, &instances, &own, &mut random);
            let leadership = setting.evidence.then(|| Leadership::new(setting, number, &instances, &own, &triggers));
            let (elections, causes) = match &leadership {
                Some(leadership) => leadership.elections.iter().map(|election| (election.at, election.cause)).unzip(),
                None => elections(setting, &instances, triggers, &mut random).into_iter().unzip(),
            };
            let label = format!("c{:0width$}", number + 1);
            let strain = Strain::of(&own);
            Cluster { label, number: number as u64, elections, causes, instances, leadership, strain }
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
        Kind::SlowDisk { .. } => instance.slow.extend(incident.slow_hours()),
        Kind::LeaderSlowDisk { .. } => {
            instance.slow.push(during);
            instance.failing.push(during);
        }
        Kind::MemberDown => instance.outages.push(during),
        Kind::ProcessStopped => instance.hangs.push(during),
        Kind::LeaderRestart | Kind::FollowerRestart => {
            instance.outages.push(Interval { start: during.start, end: during.start + RESTART })
        }
        Kind::MemberReplaced => instance.present.end = during.start,
        Kind::FdLeak { peak } => {
            instance.leaks.push(Leak { during, peak });
            instance.outages.push(Interval { start: during.end, end: during.end + RESTART });
        }
        Kind::ElectionStorm { .. }
        | Kind::LateCluster
        | Kind::LeaderChange
        | Kind::PlannedMove
        | Kind::Network { .. }
        | Kind::Overload { .. }
        | Kind::QuotaFull => {}
    }
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
            evidence: false,
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
    fn each_kind_has_its_elections_without_evidence_too() {
        let requests = [
            ("leader-restart=start=2026-10-01T02:00:00Z", &[Cause::Restart][..]),
            ("leader-slow-disk=start=2026-10-01T02:00:00Z,changes=2", &[Cause::SlowDisk, Cause::PlannedMove]),
            ("network=start=2026-10-01T02:00:00Z,hours=0.5,changes=3", &[Cause::Network; 3]),
            ("process-stopped=start=2026-10-01T02:00:00Z", &[Cause::ProcessStopped]),
            ("planned-move=start=2026-10-01T02:00:00Z", &[Cause::PlannedMove]),
            ("overload=start=2026-10-01T02:00:00Z,changes=2", &[Cause::Overload; 2]),
            ("leader-change=start=2026-10-01T02:00:00Z", &[Cause::Unexplained]),
            ("quota-full=start=2026-10-01T02:00:00Z", &[]),
            ("follower-restart=start=2026-10-01T02:00:00Z", &[]),
        ];
        let start = parse_instant("2026-10-01T02:00:00Z").expect("an instant");
        let during = Interval { start, end: start + 2 * HOUR };
        for (request, expected) in requests {
            let cluster = cluster(&[request]);
            let elections = cluster.elections.iter().zip(&cluster.causes).filter(|(at, _)| during.contains(**at));
            assert_eq!(elections.map(|(_, cause)| *cause).collect::<Vec<_>>(), expected, "{request}");
            assert!(cluster.leadership.is_none());
        }
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
