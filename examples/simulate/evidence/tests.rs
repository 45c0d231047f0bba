use std::collections::BTreeMap;

use crate::cluster::{Cluster, clusters};
use crate::families::Families;
use crate::incidents::Setting;
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

/// The samples of a simulation, read from what it wrote.
struct Written {
    /// By name, and labels in their order.
    series: BTreeMap<String, Vec<(i64, f64)>>,
    clusters: Vec<Cluster>,
}

impl Written {
    fn new(seed: u64, incidents: &[&str]) -> Self {
        let start = parse_instant("2026-10-01").expect("an instant");
        let range = Interval { start, end: start + DAY + DAY / 2 };
        let setting = Setting { clusters: 1, members: 3, range, scrape: MINUTE, seed, evidence: true };
        let requests: Vec<_> = incidents.iter().map(|text| text.parse().expect("a request")).collect();
        let incidents = plan(&setting, false, &requests, |_| ()).expect("they fit");
        let clusters = clusters(&setting, &incidents);
        let mut out = Vec::new();
        Families::new(&setting, &clusters, "etcd", start, &mut out).write().expect("written");
        let mut series: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
        let text = String::from_utf8(out).expect("text");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let parts: Vec<&str> = line.rsplitn(3, ' ').collect();
            let at = parts[0].replace('.', "").parse().expect("milliseconds");
            series.entry(parts[2].to_owned()).or_default().push((at, parts[1].parse().expect("a value")));
        }
        Self { series, clusters }
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
        let [from, to] = [times.0, times.1].map(|time| parse_instant(&format!("2026-10-{time}Z")).expect("an instant"));
        let (_, samples) = self.of(name, &[&host]).next().expect("a series");
        let inside = samples.iter().filter(|(at, _)| (from..to).contains(at));
        inside.map(|(_, value)| *value).collect()
    }

    /// Time, cause, and the members that led before and lead afterwards, as the file of elections has them.
    fn elections(&self) -> Vec<(i64, String, String, String)> {
        let text = truth::elections_csv(&self.clusters);
        let rows = text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        let parsed = rows
            .map(|row| (parse_instant(&row[0]).expect("an instant"), row[2].clone(), row[3].clone(), row[4].clone()));
        parsed.collect()
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
            let written = Written::new(seed, incidents);
            let elections = written.elections();
            for two in elections.windows(2) {
                assert_eq!(two[0].3, two[1].2, "seed {seed}: {two:?}");
            }
            for (series, samples) in written.of("etcd_server_is_leader", &[]) {
                for (at, leads) in samples {
                    // Times in the file are whole seconds, and a leader that is cut off leads for another second.
                    if elections.iter().any(|(elected, ..)| (at - elected).abs() < 2 * MINUTE) {
                        continue;
                    }
                    let last = elections.iter().rev().find(|(elected, ..)| elected <= at);
                    let leader = last.map_or(&elections[0].2, |(.., to)| to);
                    assert_eq!(*leads == 1.0, series.contains(leader.as_str()), "seed {seed}, {at}: {series}");
                }
            }
        }
    }
}

#[test]
fn one_member_leads_except_during_elections() {
    for seed in 0..10 {
        let written = Written::new(seed, &OTHERS);
        let elections = written.elections();
        let members: Vec<&[(i64, f64)]> = written.of("etcd_server_is_leader", &[]).map(|(_, all)| all).collect();
        let knows: Vec<&[(i64, f64)]> = written.of("etcd_server_has_leader", &[]).map(|(_, all)| all).collect();
        let mut checked = 0;
        for minute in (members[0][0].0..members[0][members[0].len() - 1].0).step_by(MINUTE as usize) {
            if elections.iter().any(|(elected, ..)| (minute - elected).abs() < 3 * MINUTE) {
                continue;
            }
            let now = |samples: &[(i64, f64)]| {
                let last = samples.partition_point(|(at, _)| *at <= minute).checked_sub(1)?;
                (minute - samples[last].0 < 2 * MINUTE).then_some(samples[last].1)
            };
            let leaders: f64 = members.iter().filter_map(|samples| now(samples)).sum();
            assert_eq!(leaders, 1.0, "seed {seed}, {minute}");
            checked += knows.iter().filter_map(|samples| now(samples)).filter(|known| *known == 1.0).count();
        }
        assert!(checked > 2_000, "{checked}");
    }
}

#[test]
fn each_election_has_the_cause_of_its_incident_and_its_leader() {
    for seed in 0..20 {
        let written = Written::new(seed, &INCIDENTS);
        let elections = written.elections();
        let at = |time: &str| {
            let start = parse_instant(&format!("2026-10-01T{time}:00Z")).expect("an instant");
            let near: Vec<_> = elections.iter().filter(|(at, ..)| (start..start + 5 * SECOND).contains(at)).collect();
            assert_eq!(near.len(), 1, "seed {seed}, {time}: {elections:?}");
            (near[0].1.as_str(), near[0].2.as_str())
        };
        assert_eq!(at("03:00"), ("restart", "10.0.1.2:2379"));
        assert_eq!(at("06:00"), ("restart", "10.0.1.2:2379"));
        assert_eq!(at("09:00"), ("network", "10.0.1.3:2379"));
        assert_eq!(at("12:00"), ("process_stopped", "10.0.1.1:2379"));
        assert_eq!(at("15:00").0, "planned_move");
        assert!(elections.iter().any(|(_, cause, ..)| cause == "overload"));
        let restart = parse_instant("2026-10-02T02:00:00Z").expect("an instant");
        let near = elections.iter().filter(|(at, ..)| (at - restart).abs() < 5 * MINUTE).count();
        assert_eq!(near, 0, "seed {seed}: a follower's restart has no election");
        // Between the two restarts of one member, an operator moves the leadership back.
        let [first, second] =
            ["03:00", "06:00"].map(|time| parse_instant(&format!("2026-10-01T{time}:00Z")).expect("an instant"));
        let moved =
            elections.iter().filter(|(at, cause, ..)| cause == "planned_move" && (first + MINUTE..second).contains(at));
        assert!(moved.count() >= 1, "seed {seed}");
    }
}

#[test]
fn an_election_without_a_cause_shows_a_member_without_a_leader_and_a_move_does_not() {
    for seed in 0..20 {
        let written = Written::new(seed, &INCIDENTS);
        let least = |times: (&str, &str)| {
            let members = (1..=3).flat_map(|member| written.between("etcd_server_has_leader", member, times));
            members.fold(1.0, f64::min)
        };
        assert_eq!(least(("01T14:50:00", "01T15:10:00")), 1.0, "seed {seed}");
        assert_eq!(least(("02T04:55:00", "02T05:01:00")), 0.0, "seed {seed}");
        let away = written.between("etcd_server_has_leader", 3, ("01T09:02:00", "01T09:11:00"));
        assert!(away.iter().all(|known| *known == 0.0), "seed {seed}: {away:?}");
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
    let times = ("01T11:50:00", "01T12:15:00");
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
    for seed in 0..5 {
        let written = Written::new(seed, &INCIDENTS);
        let all = |name: &str, times| (1..=3).map(|member| written.between(name, member, times)).collect::<Vec<_>>();
        let during = ("01T18:10:00", "01T18:50:00");
        let before = ("01T17:00:00", "01T17:40:00");
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
    let full = ("01T22:02:00", "01T22:58:00");
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
            let [from, to] =
                [times.0, times.1].map(|time| parse_instant(&format!("2026-10-{time}Z")).expect("an instant"));
            let values: Vec<f64> = samples.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, v)| *v).collect();
            rise(&values)
        };
        assert!(calls("ResourceExhausted", full) > 1_000.0);
        assert_eq!(calls("OK", full), 0.0);
        let after = ("01T23:02:00", "01T23:58:00");
        assert_eq!(calls("ResourceExhausted", after), 0.0);
        assert!(calls("OK", after) > 1_000.0);
        let later = written.between("etcd_mvcc_db_total_size_in_bytes", member, after);
        assert!(later.iter().all(|size| *size < 0.6 * quota), "{later:?}");
        let defragmented =
            written.between("etcd_disk_backend_defrag_duration_seconds_count", member, ("01T22:50:00", "01T23:10:00"));
        assert!(rise(&defragmented) >= 1.0);
        assert_eq!(rise(&written.between("etcd_server_proposals_failed_total", member, full)), 0.0);
    }
}

#[test]
fn messages_to_a_member_that_is_cut_off_fail() {
    let written = Written::new(6, &INCIDENTS);
    let [from, to] =
        ["09:00", "09:12"].map(|time| parse_instant(&format!("2026-10-01T{time}:00Z")).expect("an instant"));
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
