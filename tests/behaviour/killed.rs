//! SIGKILL at any moment: running the same command again gives the same bytes as an undisturbed run.
//!
//! One test kills at random moments, which may all be too early or too late; another kills while a gate holds the run
//! between two days.
//!
//! `KILLS=50 cargo test --release killed -- --nocapture` kills 50 times, and prints how many kills hit a
//! running process.

use std::process::{Child, Stdio};
use std::time::Instant;

use crate::support::{
    DAY, Folder, Gate, START, Tree, assert_same, etcd_heatmap, etcd_heatmap_command, mix, simulated, until,
};

/// Default of `KILLS`: kills per kind of run.
const KILLS: u64 = 4;

/// One kind of run.
struct Case {
    name: &'static str,
    command: &'static str,
    /// The end of the history that already exists; `None` for an empty folder.
    grown_from: Option<&'static str>,
}

const CASES: [Case; 3] = [
    Case { name: "pull", command: "pull", grown_from: None },
    Case { name: "backfill", command: "backfill", grown_from: None },
    // The existing history ends within a day, which is pulled again.
    Case { name: "grown backfill", command: "backfill", grown_from: Some("2026-10-02T06:00:00Z") },
];

/// With `--series raw` all range queries are for readings, so that the gate does not hold back any others.
fn arguments<'a>(command: &'a str, url: &'a str, out: &'a str, end: &'a str) -> [&'a str; 14] {
    let range = ["--start", "2026-10-01", "--end", end];
    let [start, first, end, last] = range;
    [command, "--quiet", "--url", url, "--out", out, start, first, end, last, "--step", "1m", "--series", "raw"]
}

const END: &str = "2026-10-04";
const DAYS: [&str; 3] = [
    "history/date=2026-10-01/readings.parquet",
    "history/date=2026-10-02/readings.parquet",
    "history/date=2026-10-03/readings.parquet",
];

fn prepared(case: &Case, url: &str) -> Folder {
    let folder = Folder::new("killed");
    if let Some(end) = case.grown_from {
        etcd_heatmap(&arguments(case.command, url, &folder.at("audit"), end)).succeeds();
    }
    folder
}

/// Runs the command of the case to its end.
fn complete(case: &Case, url: &str, folder: &Folder) {
    etcd_heatmap(&arguments(case.command, url, &folder.at("audit"), END)).succeeds();
}

/// Starts the command of the case.
fn start(case: &Case, url: &str, folder: &Folder) -> Child {
    let mut command = etcd_heatmap_command(&arguments(case.command, url, &folder.at("audit"), END));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the program can be run")
}

/// Kills a run. Returns whether it was still running.
fn kill(mut run: Child) -> bool {
    let _ = run.kill();
    run.wait().expect("it was killed").code().is_none()
}

fn days(tree: &Tree) -> Vec<&str> {
    tree.keys().map(String::as_str).filter(|name| name.ends_with("/readings.parquet")).collect()
}

#[test]
fn a_run_killed_between_two_days_keeps_the_complete_days_and_can_be_resumed() {
    for case in &CASES {
        let gate = Gate::before(simulated().prometheus.server().port());
        let (undisturbed, folder) = (prepared(case, &gate.url()), prepared(case, &gate.url()));
        complete(case, &gate.url(), &undisturbed);
        let expected = undisturbed.tree("audit");
        assert_eq!(days(&expected), DAYS, "{}", case.name);

        // The gate lets the first two days through, and holds back the third.
        gate.hold_from(START + 2 * DAY);
        let mut run = start(case, &gate.url(), &folder);
        let is_whole =
            |day: &&str| std::fs::read(folder.at(&format!("audit/{day}"))).is_ok_and(|d| d == expected[*day]);
        until("the first two of three days", || {
            assert!(matches!(run.try_wait(), Ok(None)), "{}: it ended before it was killed", case.name);
            DAYS[..2].iter().all(is_whole).then_some(())
        });
        assert!(kill(run), "{}: it ended before it was killed", case.name);
        let left = folder.tree("audit");
        assert_eq!(days(&left), DAYS[..2], "{}", case.name);
        assert!(DAYS[..2].iter().all(|day| left[*day] == expected[*day]), "{}: a day is incomplete", case.name);

        gate.open();
        complete(case, &gate.url(), &folder);
        assert_same(&expected, &folder.tree("audit"));
    }
}

#[test]
fn a_run_killed_at_any_moment_can_be_resumed() {
    let kills = std::env::var("KILLS").map_or(KILLS, |n| n.parse().expect("KILLS is a number"));
    let url = simulated().url();
    for case in &CASES {
        let undisturbed = prepared(case, &url);
        let started = Instant::now();
        complete(case, &url, &undisturbed);
        let (took, expected) = (started.elapsed(), undisturbed.tree("audit"));
        let (mut hits, mut between, mut leftovers) = (0, 0, 0);
        for number in 0..kills {
            let folder = prepared(case, &url);
            let run = start(case, &url, &folder);
            std::thread::sleep(took.mul_f64((mix(number) % 1000) as f64 / 1000.0));
            let was_running = kill(run);
            let left = folder.tree("audit");
            hits += u32::from(was_running);
            between += u32::from((1..3).contains(&days(&left).len()));
            leftovers += u32::from(left.keys().any(|name| name.ends_with(".partial")));
            complete(case, &url, &folder);
            assert_same(&expected, &folder.tree("audit"));
        }
        println!(
            "{}: {kills} kills within {took:.0?}, {hits} hit a running process, {between} left some of the days, \
             {leftovers} left a partial file; all {kills} were resumed to the same bytes",
            case.name
        );
    }
}
