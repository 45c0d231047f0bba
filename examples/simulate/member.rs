//! The values of each metric of an etcd member at its scrapes.
//!
//! Each metric has its own stream of random numbers, so metrics can be generated, written and dropped one at a time:
//! memory holds one metric of one member.

use crate::cluster::{Cluster, Instance, LEADERLESS};
use crate::incidents::Setting;
use crate::load::Load;
use crate::random::{Random, Wander};
use crate::schedule::{Schedule, Step};
use crate::timeline::{DAY, HOUR, SECOND};

/// One instance of a cluster, and when it is scraped.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    /// The simulated clusters and range.
    pub(crate) setting: &'a Setting,
    /// The cluster that it is part of.
    pub(crate) cluster: &'a Cluster,
    /// Its outages, slow disk and leaks.
    pub(crate) instance: &'a Instance,
    /// When it is scraped.
    pub(crate) schedule: Schedule,
}

impl<'a> Member<'a> {
    /// The member, with its scrape schedule.
    pub(crate) fn new(setting: &'a Setting, cluster: &'a Cluster, instance: &'a Instance) -> Self {
        Self { setting, cluster, instance, schedule: Schedule::of(setting, instance) }
    }

    /// The random numbers of one of its metrics.
    pub(crate) fn random(&self, metric: u64) -> Random {
        let [cluster, member] = self.instance.key;
        Random::keyed(self.setting.seed, &[cluster, member, metric])
    }

    /// The mean load since the last scrape.
    pub(crate) fn load(&self) -> impl Fn(Step) -> f64 {
        let load = Load::new(self.setting.seed, self.cluster.number, self.setting.range);
        // Before the start of the range, assume average load.
        move |step| {
            if step.since > HOUR { 0.75 } else { load.at(step.at) }
        }
    }

    /// The requests that it serves since the last scrape, as a multiple of those of a normal working hour.
    pub(crate) fn traffic(&self) -> impl Fn(Step) -> f64 {
        let load = self.load();
        move |step| {
            let surge = if step.since > HOUR { 1.0 } else { self.cluster.strain.traffic(step.at) };
            load(step) * surge * self.active(step)
        }
    }

    /// The share of the time since the last scrape in which its process did not hang.
    fn active(&self, step: Step) -> f64 {
        1.0 - step.milliseconds(&self.instance.hangs) / step.since.max(1) as f64
    }

    /// Leader changes that each process has seen: its first leader, and each election after that.
    pub(crate) fn leader_changes(&self) -> Vec<u64> {
        let mut seen_before = self.random(4);
        let elections = self.new_leaders();
        self.schedule.count(|step| {
            let since = step.at - step.since;
            let seen = |at| elections.partition_point(|elected| *elected <= at);
            let before = if step.first {
                1 + (step.since as f64 / (8 * DAY) as f64 * seen_before.between(0.8, 1.2)) as u64
            } else {
                0
            };
            // `before` counts the elections before its first scrape.
            before + if step.first { 0 } else { (seen(step.at) - seen(since)) as u64 }
        })
    }

    /// 1, or 0 at a scrape in the middle of an election.
    pub(crate) fn has_leader(&self) -> Vec<u64> {
        let at = self.schedule.at.iter();
        if let Some(leadership) = &self.cluster.leadership {
            return at.map(|at| u64::from(self.knows_leader(leadership, *at))).collect();
        }
        let elections = &self.cluster.elections;
        at.map(|at| {
            let next = elections.get(elections.partition_point(|elected| elected <= at));
            u64::from(next.is_none_or(|elected| elected - at > LEADERLESS))
        })
        .collect()
    }

    /// Bytes that each process has received from clients.
    pub(crate) fn received_bytes(&self) -> Vec<u64> {
        let traffic = self.traffic();
        let mut cluster = Random::keyed(self.setting.seed, &[self.cluster.number, 103]);
        let mut random = self.random(5);
        let per_second = cluster.between(60e3, 700e3) * random.between(0.7, 1.3);
        let mut noise = Wander::new(random);
        self.schedule.count(|step| {
            let rate = per_second * traffic(step) * (1.0 + 0.08 * noise.step());
            (rate * step.since as f64 / SECOND as f64) as u64
        })
    }

    /// Open descriptors: files, peers and clients.
    pub(crate) fn open_fds(&self) -> Vec<u64> {
        let load = Load::new(self.setting.seed, self.cluster.number, self.setting.range);
        let mut random = self.random(7);
        let base = random.between(140.0, 320.0);
        let mut noise = Wander::new(random);
        let at = self.schedule.at.iter();
        at.map(|&at| {
            // A few more clients connect in a surge; most of its requests come from those connected.
            let clients = 10.0 * (self.cluster.strain.traffic(at) - 1.0);
            let usual = base + 60.0 * load.at(at) + clients + 4.0 * noise.step();
            let leaked = self.instance.leaks.iter().find(|leak| leak.during.contains(at));
            let leaked = leaked.map_or(0.0, |leak| {
                let progress = (at - leak.during.start) as f64 / leak.during.length() as f64;
                (leak.peak as f64 - usual) * progress
            });
            (usual + leaked) as u64
        })
        .collect()
    }

    /// When the process of each scrape started, in milliseconds since the epoch.
    pub(crate) fn started(&self) -> Vec<u64> {
        let runs = self.schedule.runs.iter();
        runs.flat_map(|run| run.steps.clone().map(|_| run.started as u64)).collect()
    }

    /// The cluster's quota: etcd's default or the recommended maximum.
    pub(crate) fn quota_bytes(&self) -> u64 {
        if self.cluster.number.is_multiple_of(2) { 2 << 30 } else { 8 << 30 }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::cluster::clusters;
    use crate::requests::plan;
    use crate::timeline::{Interval, MINUTE, parse_instant};

    /// Three hours without the first member.
    pub(crate) const DOWN: &str = "member-down=member=1,start=2026-10-02,hours=3";

    /// Runs `check` on each member of one cluster of three over three days.
    pub(crate) fn each_member(incidents: &[&str], mut check: impl FnMut(usize, &Member<'_>)) {
        let start = parse_instant("2026-10-01").expect("an instant");
        let range = Interval { start, end: start + 3 * DAY };
        for seed in 0..20 {
            let setting = Setting { clusters: 1, members: 3, range, scrape: MINUTE, seed, evidence: false };
            let requests: Vec<_> = incidents.iter().map(|i| i.parse().expect("a request")).collect();
            let incidents = plan(&setting, false, &requests, |_| ()).expect("they fit");
            let cluster = clusters(&setting, &incidents).remove(0);
            for (number, instance) in cluster.instances.iter().enumerate() {
                check(number, &Member::new(&setting, &cluster, instance));
            }
        }
    }

    #[test]
    fn an_election_storm_is_seen_by_all_members() {
        each_member(&["election-storm=start=2026-10-02,changes=9"], |_, member| {
            let storm = parse_instant("2026-10-02").expect("an instant");
            let seen = member.leader_changes();
            let at = |time| member.schedule.at.partition_point(|scraped| *scraped < time);
            assert!(seen[at(storm + HOUR + MINUTE)] - seen[at(storm) - 1] >= 9);
        });
    }

    #[test]
    fn a_leak_passes_1024_and_ends_with_a_restart() {
        each_member(&["fd-leak=member=2,start=2026-10-01,hours=48"], |number, member| {
            let fds = member.open_fds();
            let most = *fds.iter().max().expect("scrapes");
            assert_eq!(most > 1300 && most <= 1420, number == 1, "{most}");
            assert!(fds[fds.len() - 1] < 500);
            assert_eq!(member.schedule.runs.len(), if number == 1 { 2 } else { 1 });
        });
    }
}
