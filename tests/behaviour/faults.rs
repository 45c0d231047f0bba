//! A pull through a server that fails, throttles and answers in part gives what an undisturbed one gives, or a
//! sentence and days that the next pull completes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::{
    DAY, Doorman, Fault, Faults, Folder, METRICS, Metrics, Run, START, Tree, answer, assert_empty, assert_same, cells,
    etcd_heatmap, oracle_run, prometheus_of, prometheus_with, simulated,
};

const DAYS: [&str; 6] = ["--start", "2026-10-01", "--end", "2026-10-04", "--series", "raw"];
const ONE_DAY: [&str; 6] = ["--start", "2026-10-01", "--end", "2026-10-02", "--series", "raw"];

/// Pulls into `folder/audit`.
fn pull(faults: &Faults, folder: &Folder, range: &[&str], flags: &[&str]) -> Run {
    etcd_heatmap(&[&["pull", "--url", &faults.url(), "--out", &folder.at("audit")], range, flags].concat())
}

/// What a pull through the calm proxy writes. The address is part of it.
fn undisturbed(faults: &Faults, range: &[&str]) -> Tree {
    let folder = Folder::new("undisturbed");
    faults.calm();
    pull(faults, &folder, range, &["--quiet"]).succeeds();
    folder.tree("audit")
}

fn proxy() -> Faults {
    Faults::before(simulated().prometheus.server().port())
}

/// How pulls through random schedules of faults ended.
#[derive(Debug, Default)]
struct Counts {
    whole_at_once: u32,
    completed_by_the_next: u32,
}

/// One pull through one schedule.
fn pull_through(faults: &Faults, seed: u64, expected: &Tree, counts: &Mutex<Counts>) {
    let folder = Folder::new("faults");
    // From a fault now and then to one in three queries.
    faults.random(seed, [4, 8, 16, 32][seed as usize % 4]);
    let run = pull(faults, &folder, &DAYS, &["--quiet", "--timeout", "2s", "--retries", "6"]);
    let at_once = run.code == Some(0);
    if !at_once {
        run.fails_saying(&[]);
        for (name, bytes) in folder.tree("audit").iter().filter(|(name, _)| name.ends_with(".parquet")) {
            assert_eq!(expected.get(name), Some(bytes), "seed {seed}: {name} is neither whole nor missing");
        }
        faults.calm();
        pull(faults, &folder, &DAYS, &["--quiet"]).succeeds();
    }
    assert_same(expected, &folder.tree("audit"));
    let mut counts = counts.lock().expect("a failed assertion ends the test");
    *(if at_once { &mut counts.whole_at_once } else { &mut counts.completed_by_the_next }) += 1;
}

/// `benches/faults/run.sh` asks for more than the handful that every run of the tests takes.
#[test]
fn pulls_through_random_faults_give_the_bytes_of_an_undisturbed_one() {
    const WORKERS: u64 = 4;
    let schedules = std::env::var("ETCD_HEATMAP_FAULT_SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let counts = Mutex::default();
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let counts = &counts;
            scope.spawn(move || {
                let faults = proxy();
                let expected = undisturbed(&faults, &DAYS);
                for seed in (worker..schedules).step_by(WORKERS as usize) {
                    pull_through(&faults, seed, &expected, counts);
                }
            });
        }
    });
    println!("{schedules} schedules of faults: {:?}", counts.into_inner().expect("all workers ended well"));
}

#[test]
fn transient_faults_are_retried_and_noted() {
    let faults = proxy();
    let expected = undisturbed(&faults, &ONE_DAY);
    let probes = faults.probes();
    for (fault, tried_again) in [
        (Fault::Latency, false),
        (Fault::Reset, true),
        (Fault::ResetInBody, true),
        (Fault::Busy("0"), true),
        (Fault::BadGateway, true),
        (Fault::Unavailable, true),
        (Fault::GatewayTimeout, true),
        (Fault::TruncatedGzip, true),
        (Fault::TruncatedJson, true),
        (Fault::ErrorBody, true),
        (Fault::WrongContentType, false),
        (Fault::Unsorted, false),
        (Fault::SaidTwice, false),
    ] {
        let folder = Folder::new("one-fault");
        // The probes before the first day are answered.
        let calm = vec![Fault::Latency; probes];
        faults.script(&[&calm[..], &[fault.clone(), fault.clone()]].concat());
        let run = pull(&faults, &folder, &ONE_DAY, &[]).succeeds();
        assert_same(&expected, &folder.tree("audit"));
        assert_eq!(run.stderr.contains(" retried"), tried_again, "{fault:?}: {run:?}");
    }
}

#[test]
fn a_permanent_fault_is_reported_with_its_attempts_and_nothing_is_written() {
    let faults = proxy();
    // Two or three times: once a query was tried three times in vain, those beside it are not tried again.
    for (fault, words) in [
        (Fault::Unavailable, &["503", "(tried "][..]),
        (Fault::Busy("1"), &["429", "slow down", "(tried "]),
        (Fault::Busy("7200"), &["7200 s", "--max-qps"]),
        (Fault::Reset, &["no complete answer", "(tried "]),
        (Fault::TruncatedGzip, &["no complete answer", "(tried "]),
        (Fault::LoginPage, &["redirects to itself again and again", "--url"]),
        (Fault::OffTheGrid, &["not a step"]),
        (Fault::SaidTwiceDifferently, &["two different samples"]),
        (Fault::TooManySteps(0), &["too many samples", "even for a single step and member", "--selector"]),
    ] {
        let folder = Folder::new("lasting");
        faults.always(fault.clone());
        let run = pull(&faults, &folder, &ONE_DAY, &["--quiet", "--retries", "2"]);
        run.fails_saying(words);
        assert_empty(&folder, "audit");
    }
}

/// Ten days, of which the last seven have no samples: seventy queries.
const TEN_DAYS: [&str; 6] = ["--start", "2026-10-01", "--end", "2026-10-11", "--series", "raw"];

#[test]
fn all_queries_in_flight_wait_as_long_as_the_server_asks() {
    const IN_FLIGHT: usize = 4;
    // The date is three seconds from now, and has whole seconds only.
    for (flag, wait) in [("2", "Retry-After: 2"), ("date", "")] {
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let arrivals = Arc::clone(&arrived);
        let doorman = Doorman::before(simulated().prometheus.server().port(), move |_| {
            let mut arrivals = arrivals.lock().ok()?;
            arrivals.push(Instant::now());
            let date = chrono::Utc::now() + Duration::from_secs(3);
            let wait = match wait {
                "" => format!("Retry-After: {}", date.format("%a, %d %b %Y %H:%M:%S GMT")),
                wait => wait.to_owned(),
            };
            let number = arrivals.len();
            if number == 30 {
                return Some(answer("429 Too Many Requests", &format!("{wait}\r\n"), "slow down"));
            }
            drop(arrivals);
            // The three that are in flight with the refused one are answered long after it.
            std::thread::sleep(Duration::from_millis(if (27..30).contains(&number) { 1000 } else { 50 }));
            None
        });
        let folder = Folder::new("wait");
        let out = folder.at("audit");
        let flags =
            ["pull", "--quiet", "--url", &doorman.url(""), "--out", &out, "--concurrency", &IN_FLIGHT.to_string()];
        etcd_heatmap(&[&flags[..], &TEN_DAYS].concat()).succeeds();
        let arrived = arrived.lock().expect("no thread panics with it");
        let since: Vec<_> = arrived[30..].iter().map(|at| at.duration_since(arrived[29])).collect();
        let early = since.iter().filter(|since| **since < Duration::from_millis(1900)).count();
        // Those that were on their way already.
        assert!(early < IN_FLIGHT, "{flag}: {early} queries did not wait: {since:?}");
        assert!(since.len() > 10 * IN_FLIGHT, "{flag}: only {} queries came after it", since.len());
    }
}

#[test]
fn a_lost_server_is_waited_for_once_rather_than_once_per_day() {
    // Of the 20 days of the range, the server has three, and leader changes look back from a fourth.
    const DAYS_ASKED: usize = 4;
    // What one column and the start of processes take without evidence: two queries a day, two days at once.
    let (a_day, at_once, tries) = (2, 2, 4);
    let asked = Arc::new(Mutex::new(0_usize));
    let count = Arc::clone(&asked);
    let doorman = Doorman::before(simulated().prometheus.server().port(), move |request| {
        // The probes, which find out whether there are such series, are answered: they look at less than a whole day.
        let second = |name: &str| {
            let (_, rest) = request.split_once(name)?;
            rest.split('&').next()?.parse::<i64>().ok()
        };
        let span = second("start=").zip(second("end=")).map_or(0, |(start, end)| end - start);
        let is_of_a_day = request.contains("&step=60&") && span == DAY - 60;
        if is_of_a_day {
            *count.lock().ok()? += 1;
        }
        is_of_a_day.then(String::new)
    });
    let folder = Folder::new("lost");
    let out = folder.at("audit");
    let mut flags = vec!["pull", "--quiet", "--url", "", "--out", &out, "--concurrency", "1", "--retries", "3"];
    let url = doorman.url("");
    flags[3] = &url;
    for metric in METRICS.into_iter().filter(|metric| *metric != "db_size") {
        flags.extend(["--without", metric]);
    }
    let range = ["--start", "2026-10-01", "--end", "2026-10-21", "--series", "raw", "--evidence", "none"];
    let run = etcd_heatmap(&[&flags[..], &range].concat());
    run.fails_saying(&["cannot pull any of 4 days", "no complete answer"]);
    let asked = *asked.lock().expect("no thread panics with it");
    let most = at_once * a_day * tries + (DAYS_ASKED - at_once) * a_day;
    assert!((DAYS_ASKED..=most).contains(&asked), "{asked} queries of a server that is gone, at most {most}");
}

#[test]
fn queries_keep_their_distance() {
    let faults = proxy();
    faults.calm();
    let start = Instant::now();
    pull(&faults, &Folder::new("distance"), &ONE_DAY, &["--quiet", "--max-qps", "10"]).succeeds();
    let least = Duration::from_millis(100) * u32::try_from(faults.asked() - 1).expect("a few");
    assert!(start.elapsed() > least, "{} queries took {:?}", faults.asked(), start.elapsed());
}

#[test]
fn windows_are_halved_until_accepted_and_stay_small() {
    let faults = proxy();
    let expected = undisturbed(&faults, &DAYS);
    // How many steps the server takes, and what halving a day of 1440 then comes to.
    for (most, size) in [(20, 12), (100, 90), (1439, 720)] {
        let folder = Folder::new("halves");
        faults.always(Fault::TooManySteps(most));
        let run = pull(&faults, &folder, &DAYS, &["--concurrency", "8"]).succeeds();
        assert_same(&expected, &folder.tree("audit"));
        assert!(run.stderr.contains("windows were halved "), "{run:?}");
        // Twelve queries over three days; each learns once, and the day in flight beside it with it.
        let (windows, looks, refusals) = (3 * 12 * (1440 / size), 12 * (60 / size + 1), 12 * 8 * 3);
        assert!(faults.asked() <= windows + looks + refusals, "{most}: forgotten: {} queries", faults.asked());
        each_minute_is_answered_once(&faults.bodies_of_days(), most);
    }
}

/// Of each query every minute of the three days was asked for once in a window that the server takes.
#[track_caller]
fn each_minute_is_answered_once(bodies: &[String], most: i64) {
    let mut minutes: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for body in bodies {
        let form: BTreeMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let second = |name: &str| form[name].parse::<i64>().expect("whole seconds");
        let (start, end) = (second("start"), second("end"));
        // A look at a range has longer steps.
        if second("step") == 60 && (end - start) / 60 < most {
            minutes.entry(form["query"].clone()).or_default().extend((start..=end).step_by(60));
        }
    }
    let expected: Vec<i64> = (START..START + 3 * DAY).step_by(60).collect();
    // Six metrics, the start of processes, two limits, and who knows a leader.
    assert_eq!(minutes.len(), 10, "{:?}", minutes.keys());
    for (query, mut asked) in minutes {
        asked.sort_unstable();
        assert!(asked == expected, "{most}: of {query} not each minute was asked for once: {}", asked.len());
    }
}

#[test]
fn a_prometheus_with_a_small_limit_of_samples_gives_the_same_history() {
    let mut metrics = Metrics::default();
    metrics.member("job=\"etcd\",instance=\"a\"", START - DAY..START + DAY);
    let text = metrics.text();
    let (free, limited) = (prometheus_of(&text), prometheus_with(&text, &["--query.max-samples=4000"]));
    let faults = Faults::before(free.server().port());
    let expected = undisturbed(&faults, &ONE_DAY);
    faults.stand_before(limited.server().port());
    let folder = Folder::new("limited-audit");
    let run = pull(&faults, &folder, &ONE_DAY, &[]).succeeds();
    assert_same(&expected, &folder.tree("audit"));
    assert!(run.stderr.contains("halved"), "{run:?}");
}

#[test]
fn queries_are_split_by_cluster_and_member_if_short_windows_are_too_large() {
    // A dot, a quote and a bar are no more than that in a label's value; one cluster has none.
    let mut metrics = Metrics::default();
    for cluster in ["cluster=\"a.b\",", "cluster=\"a-b\",", "cluster=\"it\\\"s|a.b\",", ""] {
        for member in ["10.0.0.1:2379", "10x0.0.1:2379", "m|n"] {
            metrics.member(&format!("{cluster}job=\"etcd\",instance=\"{member}\""), START - DAY..START + DAY);
        }
    }
    let text = metrics.text();
    let server = |flags: &[&str]| prometheus_with(&text, flags);
    // The first takes a window of one member and no more than a few steps; the second not even that.
    let (free, limited, hopeless) =
        (server(&[]), server(&["--query.max-samples=1460"]), server(&["--query.max-samples=3"]));
    let faults = Faults::before(free.server().port());
    for selector in ["", "job=\"etcd\", "] {
        let hours =
            ["--start", "2026-10-01", "--end", "2026-10-01T06:00:00Z", "--series", "raw", "--selector", selector];
        let expected = undisturbed(&faults, &hours);
        faults.stand_before(limited.server().port());
        let folder = Folder::new("split");
        let run = pull(&faults, &folder, &hours, &[]).succeeds();
        assert_same(&expected, &folder.tree("audit"));
        assert!(run.stderr.contains("split by cluster or member"), "{run:?}");
        faults.stand_before(free.server().port());
    }
    faults.stand_before(hopeless.server().port());
    let folder = Folder::new("hopeless");
    let run = pull(&faults, &folder, &ONE_DAY, &["--quiet"]);
    run.fails_saying(&["too many samples", "even for a single step and member", "--selector"]);
    assert_empty(&folder, "audit");
}

#[test]
fn a_custom_query_is_split_by_cluster_only_and_never_without_a_selector() {
    let mut metrics = Metrics::default();
    for cluster in ["a", "b", "c", "d"] {
        for member in ["m1", "m2", "m3"] {
            let labels = format!("cluster=\"{cluster}\",job=\"etcd\",instance=\"{member}\"");
            metrics.member(&labels, START - DAY..START + DAY);
        }
    }
    let hours = ["--start", "2026-10-01", "--end", "2026-10-01T06:00:00Z", "--series", "raw"];
    let text = metrics.text();
    let (free, limited) = (prometheus_of(&text), prometheus_with(&text, &["--query.max-samples=150"]));
    let faults = Faults::before(free.server().port());
    // What a member says here depends on all members of its cluster.
    let folder = Folder::new("own-query");
    let of_all = "max by (cluster) (etcd_mvcc_db_total_size_in_bytes{$selector})";
    let each = "0 * etcd_mvcc_db_total_size_in_bytes{$selector}";
    folder.write("db_size.promql", format!("{each} + on (cluster) group_left {of_all}"));
    let flags = ["--queries", &folder.at("")];
    let queries = [&hours[..], &flags, &["--without", "leader_changes"]].concat();
    let expected = undisturbed(&faults, &queries);
    faults.stand_before(limited.server().port());
    let run = pull(&faults, &folder, &queries, &[]).succeeds();
    assert_same(&expected, &folder.tree("audit"));
    assert!(run.stderr.contains("split by cluster or member"), "{run:?}");

    // Nobody knows what a part of this would say: it is asked whole, and refused.
    folder.write("db_size.promql", "sum without (job) (etcd_mvcc_db_total_size_in_bytes)");
    let whole = Folder::new("own-query-whole");
    let hopeless = prometheus_with(&text, &["--query.max-samples=10"]);
    faults.stand_before(hopeless.server().port());
    let run = pull(&faults, &whole, &queries, &["--quiet"]);
    run.fails_saying(&["too many samples", "--selector"]);
}

#[test]
fn warnings_are_printed_once_and_do_not_change_the_result() {
    let faults = proxy();
    let expected = undisturbed(&faults, &ONE_DAY);
    let folder = Folder::new("warned");
    faults.always(Fault::Warned("PromQL warning: \u{1b}[31mbucket label \"le\"\nis missing"));
    let run = pull(&faults, &folder, &ONE_DAY, &[]).succeeds();
    assert_same(&expected, &folder.tree("audit"));
    let told =
        run.stderr.matches("warning from the server: PromQL warning: [31mbucket label \"le\" is missing\n").count();
    assert_eq!(told, 1, "{run:?}");
}

#[test]
fn a_partial_answer_is_an_error_unless_allowed_and_is_pulled_again_once_disallowed() {
    const STORE: &str = "receive series from Addr: 10.0.0.7:10901: rpc error: code = Unavailable";
    let faults = proxy();
    let expected = undisturbed(&faults, &ONE_DAY);
    let folder = Folder::new("partial");
    faults.always(Fault::Warned(STORE));
    let refused = pull(&faults, &folder, &ONE_DAY, &["--quiet", "--retries", "1"]);
    refused.fails_saying(&["partial data", "10.0.0.7", "--allow-partial", "(tried 2 times)"]);
    assert_empty(&folder, "audit");

    pull(&faults, &folder, &ONE_DAY, &["--quiet", "--allow-partial"]).succeeds();
    let partial_days = || {
        let manifest: serde_json::Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("JSON");
        manifest["days_partial"].clone()
    };
    assert_eq!(partial_days(), serde_json::json!(["2026-10-01"]));
    let scored = etcd_heatmap(&["score", &folder.at("audit")]).succeeds();
    assert_eq!(partial_days(), serde_json::json!(["2026-10-01"]), "the scores come from the same day");
    assert!(scored.stderr.contains("the source lacks data on 2026-10-01"), "{scored:?}");
    let marked = folder.text("audit/heatmap.csv");
    assert!(marked.lines().next().is_some_and(|header| header.ends_with(",steps_partial,steps_idle")), "{marked}");
    for (cell, line) in cells(&marked).iter().zip(marked.lines().skip(1)) {
        assert!(line.ends_with(&format!(",{},0", cell.expected)), "every step is partial: {line}");
    }
    let counted = oracle_run(
        "query.py",
        &[&format!(
            "select sum(steps_partial - steps_expected), count(*) > 0 from read_parquet('{}')",
            folder.at("audit/heatmap.parquet")
        )],
    );
    assert_eq!(counted.succeeds().stdout.trim(), "0,True");

    let known = folder.tree("audit/history");
    pull(&faults, &folder, &ONE_DAY, &["--quiet", "--allow-partial"]).succeeds();
    assert_same(&known, &folder.tree("audit/history"));
    faults.calm();
    pull(&faults, &folder, &ONE_DAY, &["--quiet"]).succeeds();
    assert_eq!(partial_days(), serde_json::Value::Null);
    etcd_heatmap(&["score", "--quiet", &folder.at("audit")]).succeeds();
    assert!(!folder.text("audit/heatmap.csv").contains("steps_partial"), "a whole history has nothing to mark");
    let history = |tree: &Tree| {
        tree.iter()
            .filter(|(name, _)| name.starts_with("history/"))
            .map(|(name, bytes)| (name.clone(), bytes.clone()))
            .collect::<Tree>()
    };
    assert_same(&history(&expected), &history(&folder.tree("audit")));
}

#[test]
fn an_endless_answer_is_refused() {
    let faults = proxy();
    // Whatever is asked for, the values of labels as well.
    faults.always(Fault::Bomb);
    let folder = Folder::new("bomb");
    let hours = ["--start", "2026-10-01T00:00:00Z", "--end", "2026-10-01T00:04:00Z", "--series", "raw"];
    pull(&faults, &folder, &hours, &["--quiet"]).fails_saying(&["256 MiB", "cannot be split"]);
    assert_empty(&folder, "audit");
}

#[test]
fn errors_of_a_failing_server_never_show_the_login() {
    let faults = proxy();
    for fault in [Fault::Unavailable, Fault::Reset, Fault::TruncatedJson, Fault::LoginPage, Fault::TooManySteps(0)] {
        faults.always(fault.clone());
        let url = faults.url().replace("http://", "http://ann:secret@");
        let folder = Folder::new("login");
        let out = folder.at("audit");
        let run = etcd_heatmap(&[&["pull", "--url", &url, "--out", &out, "--retries", "1"], &ONE_DAY[..]].concat());
        assert_eq!(run.code, Some(1), "{fault:?}: {run:?}");
        assert!(!format!("{run:?}").contains("secret"), "{fault:?}: {run:?}");
    }
}
