//! Targets are made by hand; the expected verdicts follow from how they were made.

#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use super::*;

const MINUTE: i64 = 60_000;
const SLACK: i64 = 5 * MINUTE;
const START: (&str, Clue) = ("start", Clue::StartTime);
const COUNTER: (&str, Clue) = ("commits", Clue::Counter);
const GAUGE: (&str, Clue) = ("fds", Clue::Gauge);

/// Three instants for each of these hours: six minutes before it, on it, and six minutes after it.
fn around(hours: &[i64]) -> Vec<i64> {
    hours.iter().flat_map(|hour| [-6, 0, 6].map(|minute| hour * 60 * MINUTE + minute * MINUTE)).collect()
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The value of a metric of a process, by minute since 1970.
type Process = fn(minute: f64) -> f64;

struct Made {
    evidence: Evidence,
    member: Member,
}

impl Made {
    fn new() -> Self {
        Self { evidence: Evidence::new(SLACK), member: Member::new("c", "m") }
    }

    fn add(mut self, label: &str, metric: (&str, Clue), instants: &[i64], value: impl Fn(f64) -> f64) -> Self {
        let values = instants.iter().map(|at| (*at, value(*at as f64 / MINUTE as f64)));
        self.evidence.add(&self.member, labels(&[("replica", label)]), metric, values);
        self
    }

    /// The numbers of pairs that are one process, different processes, and neither.
    #[track_caller]
    fn is(self, same: usize, different: usize, unknown: usize) {
        let verdict = self.evidence.verdict();
        assert_eq!((verdict.same.len(), verdict.different.len(), verdict.unknown.len()), (same, different, unknown));
    }
}

/// 100 commits a minute since the epoch.
const BUSY: Process = |minute| 100.0 * minute;

#[test]
fn replicas_have_one_start_time_and_counters_within_a_scrape() {
    let at = around(&[10, 20, 30]);
    let ha = || Made::new().add("a", START, &at, |_| 5e8).add("b", START, &at, |_| 5e8 + 0.01);
    ha().is(1, 0, 0);
    // One scrapes 20 s before the instant, the other 4 min before it.
    ha().add("a", COUNTER, &at, |m| BUSY(m - 0.33)).add("b", COUNTER, &at, |m| BUSY(m - 4.0)).is(1, 0, 0);
    // Without start times, counters that grow alike are enough.
    Made::new().add("a", COUNTER, &at, BUSY).add("b", COUNTER, &at, |m| BUSY(m - 1.0)).is(1, 0, 0);
    // The number of open files fluctuates, and the replicas see it at different times.
    let wobble = |minute: f64| 60.0 + (minute * 7.3).sin().abs() * 20.0;
    ha().add("a", GAUGE, &at, wobble).add("b", GAUGE, &at, move |m| wobble(m - 0.5)).is(1, 0, 0);
    // A database that grows all the time: one replica is always behind.
    ha().add("a", GAUGE, &at, BUSY).add("b", GAUGE, &at, |m| BUSY(m - 1.0)).is(1, 0, 0);
}

#[test]
fn a_restart_between_two_scrapes_does_not_split_replicas() {
    // Around hour 20, one replica still reports the old process when the other reports the new one,
    // whose counter starts at 0.
    let at = around(&[10, 20, 30]);
    let restart = 20.0 * 60.0;
    let start = |minute: f64| if minute < restart { 1e8 } else { 2e8 };
    let counter = |minute: f64| if minute < restart { BUSY(minute) } else { BUSY(minute - restart) };
    Made::new()
        .add("a", START, &at, start)
        .add("b", START, &at, move |m| start(m - 2.0))
        .add("a", COUNTER, &at, counter)
        .add("b", COUNTER, &at, move |m| counter(m - 2.0))
        .is(1, 0, 0);
}

#[test]
fn different_processes_differ_in_start_time_counters_or_gauges() {
    let at = around(&[10, 20, 30]);
    Made::new().add("a", START, &at, |_| 1e8).add("b", START, &at, |_| 1e8 + 77.0).is(0, 1, 0);
    // Two processes with the same start time, for example after a boot of their machine.
    let boot = || Made::new().add("a", START, &at, |_| 1e8).add("b", START, &at, |_| 1e8);
    boot().add("a", COUNTER, &at, BUSY).add("b", COUNTER, &at, |m| BUSY(m) * 3.0).is(0, 1, 0);
    boot().add("a", GAUGE, &at, |_| 91.0).add("b", GAUGE, &at, |_| 92.0).is(0, 1, 0);
    // Equal start times and too few looks at a gauge.
    let once = around(&[10]);
    Made::new()
        .add("a", START, &once, |_| 1e8)
        .add("b", START, &once, |_| 1e8)
        .add("a", GAUGE, &once, |_| 91.0)
        .add("b", GAUGE, &once, |_| 92.0)
        .is(1, 0, 0);
    // Without start times and counters, one look at a gauge is enough.
    Made::new().add("a", GAUGE, &once, |_| 91.0).add("b", GAUGE, &once, |_| 2000.0).is(0, 1, 0);
    // Idle processes, whose counters stand still at different values.
    Made::new().add("a", COUNTER, &at, |_| 5.0).add("b", COUNTER, &at, |_| 7.0).is(0, 1, 0);
}

#[test]
fn equal_values_that_stand_still_show_nothing() {
    let at = around(&[10, 20, 30]);
    Made::new().add("a", COUNTER, &at, |_| 5.0).add("b", COUNTER, &at, |_| 5.0).is(0, 0, 1);
    Made::new().add("a", GAUGE, &at, |_| 5.0).add("b", GAUGE, &at, |_| 5.0).is(0, 0, 1);
}

#[test]
fn series_one_after_the_other_are_a_label_that_changed() {
    let at = around(&[10, 20]);
    let (before, after) = at.split_at(3);
    // The old series still has a value at one instant, from its last sample.
    let lingering = [before, &after[..1]].concat();
    let made = |old: &[i64]| Made::new().add("a", START, old, |_| 1e8).add("b", START, after, |_| 2e8);
    made(before).is(0, 0, 0);
    made(&lingering).is(0, 0, 0);
    made(&[before, after].concat()).is(0, 1, 0);
}

#[test]
fn targets_without_a_common_metric_are_never_merged() {
    let at = around(&[10, 20]);
    Made::new().add("a", START, &at, |_| 1e8).add("b", GAUGE, &at, |_| 2e8).is(0, 0, 0);
}

/// A cluster and member, the labels of a target, and the start time of its process.
type Started<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

/// The evidence and the targets of members whose processes have the given start times.
fn started_apart(targets: &[Started<'_>]) -> (Evidence, Vec<(Member, Labels)>) {
    let mut evidence = Evidence::new(SLACK);
    let mut everyone = Vec::new();
    for (name, pairs, start) in targets {
        let (cluster, member) = name.split_once(' ').unwrap();
        let member = Member::new(cluster, member);
        evidence.add(&member, labels(pairs), START, around(&[10, 20]).into_iter().map(|at| (at, *start)));
        everyone.push((member, labels(pairs)));
    }
    (evidence, everyone)
}

fn mixed(targets: &[Started<'_>]) -> String {
    let (evidence, everyone) = started_apart(targets);
    let naming = Naming { member: vec!["instance".to_owned()], ..Naming::default() };
    let mixed = MixedMembers::of(&evidence.verdict(), &everyone, &naming, str::to_owned);
    mixed.map_or(String::new(), |mixed| mixed.to_string())
}

/// The flags that an error advises.
fn flags(targets: &[Started<'_>]) -> String {
    let error = mixed(targets);
    let flags = error.split_once(": set ").and_then(|(_, rest)| rest.split_once(", or merge"));
    flags.map_or(error.clone(), |(flags, _)| flags.to_owned())
}

#[test]
fn two_clusters_under_one_name_are_told_apart_by_a_label_of_clusters() {
    let targets: [Started<'_>; 4] = [
        ("etcd a", &[("env", "north"), ("instance", "a")], 1.0),
        ("etcd b", &[("env", "north"), ("instance", "b")], 10.0),
        ("etcd a", &[("env", "south"), ("instance", "a")], 20.0),
        ("etcd b", &[("env", "south"), ("instance", "b")], 30.0),
    ];
    assert_eq!(
        mixed(&targets),
        "member a of etcd is 2 processes that differ in env (north, south), as is 1 other member: set --cluster-label \
         env, or merge them with --merge-members"
    );
}

#[test]
fn processes_of_one_member_are_told_apart_by_a_label_of_members() {
    let node = |name: &'static str, start| ("etcd localhost:2381", name, start);
    let of = [node("n1", 1.0), node("n2", 20.0), node("n3", 40.0), node("n4", 60.0)];
    let labels: Vec<[(&str, &str); 2]> =
        of.iter().map(|(_, name, _)| [("instance", "x"), ("k8s_node_name", *name)]).collect();
    let targets: Vec<Started<'_>> =
        of.iter().zip(&labels).map(|((member, _, start), labels)| (*member, &labels[..], *start)).collect();
    let error = mixed(&targets);
    assert!(
        error
            .starts_with("member localhost:2381 of etcd is 4 processes that differ in k8s_node_name (n1, n2, n3, …): ")
    );
    assert!(error.contains("set --member-label k8s_node_name, or"), "{error}");
}

#[test]
fn labels_that_only_together_tell_clusters_apart_are_combined() {
    let place = |env: &'static str, region: &'static str| [("env", env), ("region", region), ("instance", "x")];
    let places = [place("dev", "eu"), place("dev", "us"), place("prod", "eu"), place("prod", "us")];
    let mut targets: Vec<Started<'_>> = Vec::new();
    for (at, labels) in places.iter().enumerate() {
        targets.push(("etcd a", labels, at as f64 * 10.0));
        targets.push(("etcd b", labels, at as f64 * 10.0 + 100.0));
    }
    assert_eq!(flags(&targets), "--cluster-label env,region");
}

#[test]
fn federated_clusters_need_a_label_for_the_cluster_and_one_for_the_member() {
    let target = |cluster: &'static str, instance: &'static str| {
        [("exported_cluster", cluster), ("exported_instance", instance), ("instance", "prom:9090")]
    };
    let all = [target("x", "a"), target("x", "b"), target("y", "a"), target("y", "b")];
    let targets: Vec<Started<'_>> =
        all.iter().enumerate().map(|(at, labels)| ("federate prom:9090", &labels[..], at as f64 * 9.0)).collect();
    assert_eq!(flags(&targets), "--cluster-label exported_cluster --member-label exported_instance");
    assert_eq!(flags(&targets[..2]), "--member-label exported_instance");
    // Some other series, scraped with honor_labels, lack that label: the selector must require it.
    let honored: [(&str, &str); 1] = [("instance", "a")];
    let both = [&targets[..2], &[("etcd a", &honored[..], 5.0)]].concat();
    assert_eq!(flags(&both), "--member-label exported_instance --selector 'exported_instance!=\"\"'");
}

#[test]
fn a_label_of_replicas_is_not_advised_although_it_differs() {
    let target =
        |env: &'static str, replica: &'static str| [("env", env), ("prometheus_replica", replica), ("instance", "a")];
    let all = [target("n", "r1"), target("n", "r2"), target("s", "r1"), target("s", "r2")];
    let targets: Vec<Started<'_>> =
        all.iter().map(|labels| ("etcd a", &labels[..], if labels[0].1 == "n" { 1.0 } else { 50.0 })).collect();
    assert_eq!(flags(&targets), "--cluster-label env");
    // `prometheus_replica` differs as well, but the two targets with each env are replicas of one process.
    let (evidence, _) = started_apart(&targets);
    assert_eq!(evidence.verdict().same.len(), 2);
}

#[test]
fn names_that_stay_necessary_are_kept_in_the_advice() {
    // `env` distinguishes two clusters named prod. A third cluster, edge, has the same env as one
    // of them, so `cluster` stays.
    let of = |cluster: &'static str, env: &'static str, instance: &'static str| {
        [("cluster", cluster), ("env", env), ("instance", instance)]
    };
    let all =
        [of("prod", "n", "a"), of("prod", "s", "a"), of("prod", "n", "b"), of("prod", "s", "b"), of("edge", "n", "z")];
    let names = ["prod a", "prod a", "prod b", "prod b", "edge z"];
    let targets: Vec<Started<'_>> =
        all.iter().zip(names).enumerate().map(|(at, (labels, name))| (name, &labels[..], at as f64 * 9.0)).collect();
    assert_eq!(flags(&targets), "--cluster-label cluster,env");
    // Two members on each node.
    let on = |node: &'static str, instance: &'static str| [("node", node), ("instance", instance)];
    let all = [on("n1", "localhost:1"), on("n2", "localhost:1"), on("n1", "localhost:2"), on("n2", "localhost:2")];
    let names = ["etcd localhost:1", "etcd localhost:1", "etcd localhost:2", "etcd localhost:2"];
    let targets: Vec<Started<'_>> =
        all.iter().zip(names).enumerate().map(|(at, (labels, name))| (name, &labels[..], at as f64 * 9.0)).collect();
    assert_eq!(flags(&targets), "--member-label instance,node");
}

#[test]
fn notes_name_the_labels_of_replicas() {
    let at = around(&[10, 20]);
    let made = Made::new().add("r1", START, &at, |_| 1e8).add("r2", START, &at, |_| 1e8);
    assert_eq!(
        made.evidence.verdict().notes(str::to_owned),
        ["the series of 1 member differ in replica (r1, r2): they are merged, because each member is one process"]
    );
}

/// Six targets of three processes; each with its labels and start time.
fn scraped_twice(label: &str, values: [&str; 2], ports: [&str; 2]) -> Vec<doubles::Started> {
    let target = |n: usize, at: usize| {
        let instance = format!("192.168.7.{n}:{}", ports[at]);
        let labels = labels(&[(label, values[at]), ("instance", &instance)]);
        (Member::new("edge", &instance), labels, 1e8 + n as f64)
    };
    (1..=3).flat_map(|n| [target(n, 0), target(n, 1)]).collect()
}

fn note(started: &[doubles::Started], counter: impl Fn(usize, f64) -> f64) -> Option<String> {
    let mut evidence = Evidence::new(SLACK);
    let at = around(&[10]);
    for (place, (member, labels, start)) in started.iter().enumerate() {
        evidence.add(member, labels.clone(), START, at.iter().map(|at| (*at, *start)));
        let counted = at.iter().map(|at| (*at, counter(place, *at as f64 / MINUTE as f64)));
        evidence.add(member, labels.clone(), COUNTER, counted);
    }
    let doubles = Doubles::of(&shares_start(started), started, &evidence);
    doubles.map(|doubles| doubles.note(started, &Naming::default(), str::to_owned))
}

#[test]
fn a_process_scraped_by_two_jobs_or_ports_is_counted_twice() {
    let one_process = |place: usize, minute: f64| BUSY(minute) * (1 + place / 2) as f64;
    let jobs = scraped_twice("job", ["apiserver", "kube-etcd"], ["6443", "2381"]);
    assert_eq!(
        note(&jobs, one_process).unwrap(),
        "3 processes are counted twice, as 192.168.7.1:2381 and 192.168.7.1:6443 (jobs apiserver, kube-etcd): use \
         --selector 'job=\"kube-etcd\"'"
    );
    let ports = scraped_twice("job", ["etcd", "etcd"], ["2379", "2381"]);
    assert!(note(&ports, one_process).unwrap().ends_with("use --selector 'instance=~\".+:2379\"'"));
    let endpoints = scraped_twice("endpoint", ["client", "metrics"], ["2379", "2381"]);
    assert!(note(&endpoints, one_process).unwrap().ends_with("use --selector 'endpoint=\"client\"'"));
    // Another cluster has one job only, so that job must not be left out.
    let mut more = jobs.clone();
    let other = labels(&[("job", "external"), ("instance", "10.0.0.1:2379")]);
    more.push((Member::new("far", "10.0.0.1:2379"), other, 7.0));
    assert!(note(&more, one_process).unwrap().ends_with("use --selector 'job!=\"apiserver\"'"));
    // Processes that only started in the same millisecond.
    assert_eq!(note(&jobs, |place, minute| BUSY(minute) * (1 + place) as f64), None);
}

#[test]
fn members_of_one_job_on_different_hosts_are_not_suspected() {
    let target = |n: usize| {
        let instance = format!("10.9.0.{n}:2379");
        (Member::new("etcd", &instance), labels(&[("job", "etcd"), ("instance", &instance)]), 1e8)
    };
    assert_eq!(shares_start(&[target(1), target(2), target(3)]), [[0; 2]; 0]);
}
