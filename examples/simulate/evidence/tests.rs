use std::collections::BTreeMap;

use crate::cluster::{Cluster, clusters};
use crate::families::Families;
use crate::incidents::Setting;
use crate::member::Member;
use crate::requests::plan;
use crate::timeline::{DAY, Interval, MINUTE, SECOND, parse_instant};
use crate::truth;

/// The names of the incidents with a leader change, and of those that must not have one.
const INCIDENTS: [&str; 9] = [
    "leader-restart=member=2,start=2026-10-01T03:00:00Z",
    "leader-restart=member=2,start=2026-10-01T06:00:00Z",
    "network=member=3,start=2026-10-01T09:00:00Z,hours=0.2",
    "process-stopped=member=1,start=2026-10-01T12:00:00Z,hours=0.1",
    "planned-move=start=2026-10-01T15:00:00Z",
    "overload=start=2026-10-01T18:00:00Z,factor=8",
    "quota-full=start=2026-10-01T21:00:00Z,hours=2",
    "follower-restart=member=2,start=2026-10-02T02:00:00Z",
    "leader-change=start=2026-10-02T05:00:00Z",
];
/// Further ones, of the same cluster of another simulation.
const OTHERS: [&str; 4] = [
    "leader-slow-disk=member=1,start=2026-10-01T03:00:00Z,hours=2,changes=3",
    "network=member=2,start=2026-10-01T09:00:00Z,hours=0.6,changes=3",
    "member-down=member=3,start=2026-10-01T14:00:00Z,hours=2",
    "election-storm=start=2026-10-01T20:00:00Z,changes=9",
];

/// A cluster of three members over a day and a half.
fn simulated(seed: u64, incidents: &[&str]) -> (Setting, Vec<Cluster>) {
    let start = instant("01T00:00");
    let range = Interval { start, end: start + DAY + DAY / 2 };
    let setting = Setting { clusters: 1, members: 3, range, scrape: MINUTE, seed, evidence: true };
    let requests: Vec<_> = incidents.iter().map(|text| text.parse().expect("a request")).collect();
    let incidents = plan(&setting, false, &requests, |_| ()).expect("they fit");
    (setting, clusters(&setting, &incidents))
}

/// Such as `01T09:00`, a day of October 2026.
fn instant(text: &str) -> i64 {
    parse_instant(&format!("2026-10-{text}:00Z")).expect("an instant")
}

/// Time, cause, and the members that led before and lead afterwards, as the file of elections has them.
fn elections(clusters: &[Cluster]) -> Vec<(i64, String, String, String)> {
    let text = truth::elections_csv(clusters);
    let rows = text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let time = |row: &[String]| parse_instant(&row[0]).expect("an instant");
    rows.map(|row| (time(&row), row[2].clone(), row[3].clone(), row[4].clone())).collect()
}

/// Time, and whether the member leads and has a leader.
type Scrapes = Vec<(i64, u64, u64)>;

/// Who leads and who has a leader, by the address of the member.
fn leaders(setting: &Setting, clusters: &[Cluster]) -> Vec<(String, Scrapes)> {
    let of = |instance| {
        let member = Member::new(setting, &clusters[0], instance);
        let leads = member.evidence().is_leader();
        let both = leads.into_iter().zip(member.has_leader());
        member.schedule.at.iter().zip(both).map(|(at, (leads, has))| (*at, leads, has)).collect()
    };
    clusters[0].instances.iter().map(|instance| (format!("{}:2379", instance.host), of(instance))).collect()
}

/// The samples of a simulation, read from what it wrote.
struct Written {
    /// By name, and labels in their order.
    series: BTreeMap<String, Vec<(i64, f64)>>,
}

impl Written {
    fn new(seed: u64, incidents: &[&str]) -> Self {
        let (setting, clusters) = simulated(seed, incidents);
        let start = setting.range.start;
        let mut out = Vec::new();
        Families::new(&setting, &clusters, "etcd", start, &mut out).write().expect("written");
        let mut series: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
        let text = String::from_utf8(out).expect("text");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let parts: Vec<&str> = line.rsplitn(3, ' ').collect();
            let at = parts[0].replace('.', "").parse().expect("milliseconds");
            series.entry(parts[2].to_owned()).or_default().push((at, parts[1].parse().expect("a value")));
        }
        Self { series }
    }

    /// The series of a metric whose name and labels contain all of `parts`.
    fn of<'a, 'b>(
        &'a self,
        name: &'b str,
        parts: &'b [&'b str],
    ) -> impl Iterator<Item = (&'a str, &'a [(i64, f64)])> + use<'a, 'b> {
        let named = move |series: &str| series.split('{').next() == Some(name);
        let all = self.series.iter().map(|(series, samples)| (series.as_str(), samples.as_slice()));
        all.filter(move |(series, _)| named(series) && parts.iter().all(|part| series.contains(part)))
    }

    /// The samples of one series of a member, counted from 1, between two times of the first of October.
    fn between(&self, name: &str, member: usize, times: (&str, &str)) -> Vec<f64> {
        let host = format!("10.0.1.{member}:2379");
        let (from, to) = (instant(times.0), instant(times.1));
        let (_, samples) = self.of(name, &[&host]).next().expect("a series");
        let inside = samples.iter().filter(|(at, _)| (from..to).contains(at));
        inside.map(|(_, value)| *value).collect()
    }
}

/// How much a counter rose: the last sample less the first.
fn rise(samples: &[f64]) -> f64 {
    samples[samples.len() - 1] - samples[0]
}

#[test]
fn who_leads_agrees_with_the_elections() {
    for seed in 0..10 {
        for incidents in [&INCIDENTS[..], &OTHERS] {
            let (setting, clusters) = simulated(seed, incidents);
            let elections = elections(&clusters);
            for two in elections.windows(2) {
                assert_eq!(two[0].3, two[1].2, "seed {seed}: {two:?}");
            }
            for (member, scrapes) in leaders(&setting, &clusters) {
                for (at, leads, _) in scrapes {
                    // Without a leader, the time of the next election does not show it.
                    if elections.iter().any(|(elected, ..)| (at - elected).abs() < 2 * MINUTE) {
                        continue;
                    }
                    let last = elections.iter().rev().find(|(elected, ..)| *elected <= at);
                    let leader = last.map_or(&elections[0].2, |(.., to)| to);
                    assert_eq!(leads == 1, member == *leader, "seed {seed}, {at}: {member}");
                }
            }
        }
    }
}

#[test]
fn one_member_leads_except_during_elections() {
    for seed in 0..10 {
        for incidents in [&INCIDENTS[..], &OTHERS] {
            let (setting, clusters) = simulated(seed, incidents);
            let (elections, members) = (elections(&clusters), leaders(&setting, &clusters));
            let mut checked = 0;
            for minute in (setting.range.start + 2 * MINUTE..setting.range.end).step_by(MINUTE as usize) {
                if elections.iter().any(|(elected, ..)| (minute - elected).abs() < 3 * MINUTE) {
                    continue;
                }
                let last = |scrapes: &[(i64, u64, u64)]| {
                    let last = scrapes.partition_point(|(at, ..)| *at <= minute).checked_sub(1)?;
                    (minute - scrapes[last].0 < 2 * MINUTE).then_some(scrapes[last])
                };
                let now: Vec<_> = members.iter().filter_map(|(_, scrapes)| last(scrapes)).collect();
                assert_eq!(now.iter().map(|(_, leads, _)| leads).sum::<u64>(), 1, "seed {seed}, {minute}");
                assert!(now.iter().all(|(_, leads, has)| leads <= has));
                checked += 1;
            }
            assert!(checked > 1_800, "{checked}");
        }
    }
}

#[test]
fn a_cluster_without_a_majority_has_no_leader() {
    let two_down = [
        "member-down=member=1,start=2026-10-01T03:00:00Z,hours=2",
        "member-down=member=2,start=2026-10-01T04:00:00Z,hours=2",
    ];
    for seed in 0..10 {
        let (setting, clusters) = simulated(seed, &two_down);
        let alone = &leaders(&setting, &clusters)[2].1;
        let seen = |from: &str, to: &str| {
            let (from, to) = (instant(from), instant(to));
            alone.iter().filter(move |(at, ..)| (from..to).contains(at))
        };
        assert!(seen("01T04:00", "01T05:00").all(|(_, leads, has)| leads + has == 0), "seed {seed}");
        assert!(seen("01T03:01", "01T04:00").all(|(_, _, has)| *has == 1));
        assert!(seen("01T05:01", "01T06:00").all(|(_, _, has)| *has == 1));
        let back = (instant("01T05:00")..instant("01T05:01"), "restart");
        assert!(elections(&clusters).iter().any(|(at, cause, ..)| back.0.contains(at) && cause == back.1));
    }
}

#[test]
fn each_election_has_the_cause_of_its_incident_and_its_leader() {
    for seed in 0..20 {
        let elections = elections(&simulated(seed, &INCIDENTS).1);
        let at = |time: &str| {
            let start = instant(time);
            let near: Vec<_> = elections.iter().filter(|(at, ..)| (start..start + 5 * SECOND).contains(at)).collect();
            assert_eq!(near.len(), 1, "seed {seed}, {time}: {elections:?}");
            (near[0].1.as_str(), near[0].2.as_str())
        };
        // Between the two restarts of one member, it gets the leadership back.
        assert_eq!(at("01T03:00"), ("restart", "10.0.1.2:2379"));
        assert_eq!(at("01T06:00"), ("restart", "10.0.1.2:2379"));
        assert_eq!(at("01T09:00"), ("network", "10.0.1.3:2379"));
        assert_eq!(at("01T12:00"), ("process_stopped", "10.0.1.1:2379"));
        assert_eq!(at("01T15:00").0, "planned_move");
        assert!(elections.iter().any(|(_, cause, ..)| cause == "overload"));
        let restart = instant("02T02:00");
        let near = elections.iter().filter(|(at, ..)| (at - restart).abs() < 5 * MINUTE).count();
        assert_eq!(near, 0, "seed {seed}: a follower's restart has no election");
    }
}

#[test]
fn a_member_with_a_slow_disk_loses_the_leadership_by_it_and_gets_it_back_by_a_move() {
    for seed in 0..20 {
        let elections = elections(&simulated(seed, &OTHERS).1);
        let at = |cause: &str| elections.iter().filter(|(_, of, ..)| of == cause).collect::<Vec<_>>();
        let slow = at("slow_disk");
        assert_eq!(slow.len(), 2, "seed {seed}");
        assert!(slow.iter().all(|(_, _, from, _)| from == "10.0.1.1:2379"), "seed {seed}: {slow:?}");
        let between = slow[0].0..slow[1].0;
        let back =
            at("planned_move").into_iter().filter(|(time, _, _, to)| between.contains(time) && to == "10.0.1.1:2379");
        assert_eq!(back.count(), 1, "seed {seed}");
        let cut: Vec<_> = elections.iter().filter(|(_, cause, ..)| cause == "network").collect();
        assert_eq!(cut.len(), 3, "seed {seed}");
        assert_eq!(cut[0].2, "10.0.1.2:2379");
    }
}

#[test]
fn an_election_without_a_cause_shows_a_member_without_a_leader_and_a_move_does_not() {
    for seed in 0..20 {
        let (setting, clusters) = simulated(seed, &INCIDENTS);
        let members = leaders(&setting, &clusters);
        let least = |from: &str, to: &str| {
            let (from, to) = (instant(from), instant(to));
            let all = members.iter().flat_map(|(_, scrapes)| scrapes);
            all.filter(|(at, ..)| (from..to).contains(at)).map(|(_, _, has)| *has).min()
        };
        assert_eq!(least("01T14:50", "01T15:10"), Some(1), "seed {seed}");
        assert_eq!(least("02T04:55", "02T05:01"), Some(0), "seed {seed}");
        let mut cut = members[2].1.iter().filter(|(at, ..)| (instant("01T09:02")..instant("01T09:11")).contains(at));
        assert!(cut.all(|(_, _, has)| *has == 0), "seed {seed}");
    }
}

#[test]
fn counters_fall_only_at_restarts() {
    for incidents in [&INCIDENTS[..], &OTHERS] {
        let written = Written::new(3, incidents);
        let mut counters = 0;
        for (series, samples) in &written.series {
            let name = series.split('{').next().expect("a name");
            if !name.ends_with("_total") && !name.ends_with("_bucket") && !name.ends_with("_sum") {
                continue;
            }
            counters += 1;
            let host = series.split("instance=\"").nth(1).expect("an instance").split('"').next().expect("a host");
            let (_, started) = written.of("process_start_time_seconds", &[host]).next().expect("a start");
            let of = |at: i64| started.iter().find(|(scraped, _)| *scraped == at).expect("the same scrapes").1;
            for two in samples.windows(2) {
                assert!(two[1].1 >= two[0].1 || of(two[1].0) > of(two[0].0), "{series} falls at {}", two[1].0);
            }
        }
        assert!(counters > 3 * 90, "{counters}");
    }
}

#[test]
fn a_process_that_hangs_is_not_scraped_and_goes_on() {
    let written = Written::new(4, &INCIDENTS);
    let times = ("01T11:50", "01T12:15");
    let started = written.between("process_start_time_seconds", 1, times);
    assert!((18..=20).contains(&started.len()), "{started:?}");
    assert!(started.iter().all(|start| *start == started[0]));
    let others = written.between("process_start_time_seconds", 2, times);
    assert!(others.len() >= 24, "{others:?}");
    // It counts the leader that the others elected once it is back.
    assert_eq!(rise(&written.between("etcd_server_leader_changes_seen_total", 1, times)), 1.0);
}

#[test]
fn an_overload_has_hundreds_of_pending_proposals_and_more_memory() {
    for seed in 0..2 {
        let written = Written::new(seed, &INCIDENTS);
        let all = |name: &str, times| (1..=3).map(|member| written.between(name, member, times)).collect::<Vec<_>>();
        let during = ("01T18:10", "01T18:50");
        let before = ("01T17:00", "01T17:40");
        let most = |samples: &[Vec<f64>]| samples.iter().flatten().fold(0.0, |most, value| f64::max(most, *value));
        assert!(most(&all("etcd_server_proposals_pending", during)) > 200.0);
        assert!(most(&all("etcd_server_proposals_pending", before)) < 10.0);
        let memory = |times| most(&all("process_resident_memory_bytes", times));
        assert!(memory(during) > 1.3 * memory(before));
        for member in 1..=3 {
            let bytes = |times| rise(&written.between("etcd_network_client_grpc_received_bytes_total", member, times));
            assert!(bytes(during) > 5.0 * bytes(before), "{} {}", bytes(during), bytes(before));
            assert!(rise(&written.between("etcd_server_slow_apply_total", member, during)) > 1_000.0);
        }
    }
}

#[test]
fn a_full_database_refuses_puts_and_commits_nothing() {
    let written = Written::new(5, &INCIDENTS);
    let full = ("01T22:02", "01T22:58");
    for member in 1..=3 {
        let quota = written.between("etcd_server_quota_backend_bytes", member, full)[0];
        let sizes = written.between("etcd_mvcc_db_total_size_in_bytes", member, full);
        assert!(sizes.iter().all(|size| *size >= quota), "{sizes:?}");
        let commits = written.between("etcd_disk_backend_commit_duration_seconds_count", member, full);
        assert_eq!(rise(&commits), 0.0);
        let host = format!("10.0.1.{member}:2379");
        let calls = |code: &str, times: (&str, &str)| {
            let part = format!("grpc_code=\"{code}\",grpc_method=\"Put\"");
            let (_, samples) = written.of("grpc_server_handled_total", &[&host, &part]).next().expect("a series");
            let (from, to) = (instant(times.0), instant(times.1));
            let values: Vec<f64> = samples.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, v)| *v).collect();
            rise(&values)
        };
        assert!(calls("ResourceExhausted", full) > 1_000.0);
        assert_eq!(calls("OK", full), 0.0);
        let after = ("01T23:02", "01T23:58");
        assert_eq!(calls("ResourceExhausted", after), 0.0);
        assert!(calls("OK", after) > 1_000.0);
        let later = written.between("etcd_mvcc_db_total_size_in_bytes", member, after);
        assert!(later.iter().all(|size| *size < 0.6 * quota), "{later:?}");
        let defragmented =
            written.between("etcd_disk_backend_defrag_duration_seconds_count", member, ("01T22:50", "01T23:10"));
        assert!(rise(&defragmented) >= 1.0);
        assert_eq!(rise(&written.between("etcd_server_proposals_failed_total", member, full)), 0.0);
    }
}

#[test]
fn messages_to_a_member_that_is_cut_off_fail() {
    let written = Written::new(6, &INCIDENTS);
    let (from, to) = (instant("01T09:00"), instant("01T09:12"));
    let mut most = 0.0;
    for (_, samples) in written.of("etcd_network_peer_sent_failures_total", &[]) {
        let inside: Vec<f64> = samples.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, v)| *v).collect();
        if inside.len() > 1 {
            most = f64::max(most, rise(&inside));
        }
    }
    assert!(most > 1_000.0, "{most}");
    let name = "etcd_network_peer_round_trip_time_seconds_bucket";
    let mut long = 0;
    for (_, samples) in written.of(name, &["instance=\"10.0.1.3:2379\"", "le=\"0.4096\""]) {
        let inside: Vec<f64> =
            samples.iter().filter(|(at, _)| (from + MINUTE..to).contains(at)).map(|(_, v)| *v).collect();
        long += usize::from(rise(&inside) == 0.0);
    }
    assert_eq!(long, 2, "no round trip below 0.4 s to either of the others");
}
