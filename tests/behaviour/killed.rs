//! SIGKILL at any moment: the same command again gives, byte for byte, what an undisturbed run gives.
//!
//! `KILLS=50 cargo test --release killed -- --nocapture` kills that often, and says how often it hit.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Folder, Tree, assert_same, etcd_heatmap, etcd_heatmap_command, mix, simulated};

/// Kills of each kind of run, unless `KILLS` says otherwise.
const KILLS: u64 = 4;

/// One kind of run.
struct Case {
    name: &'static str,
    command: &'static str,
    /// Where the history ends that is there before; none where nothing is.
    grown_from: Option<&'static str>,
}

const CASES: [Case; 3] = [
    Case { name: "pull", command: "pull", grown_from: None },
    Case { name: "backfill", command: "backfill", grown_from: None },
    // Its last day is there in part, and is pulled again.
    Case { name: "grown backfill", command: "backfill", grown_from: Some("2026-10-02T06:00:00Z") },
];

fn arguments<'a>(command: &'a str, url: &'a str, out: &'a str, end: &'a str) -> [&'a str; 12] {
    [command, "--quiet", "--url", url, "--out", out, "--start", "2026-10-01", "--end", end, "--step", "1m"]
}

const END: &str = "2026-10-04";

fn prepared(case: &Case, url: &str) -> Folder {
    let folder = Folder::new("killed");
    if let Some(end) = case.grown_from {
        etcd_heatmap(&arguments(case.command, url, &folder.at("audit"), end)).succeeds();
    }
    folder
}

/// Kills a run after a time; whether it was still running.
fn killed(case: &Case, url: &str, folder: &Folder, after: Duration) -> bool {
    let mut command = etcd_heatmap_command(&arguments(case.command, url, &folder.at("audit"), END));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = command.spawn().expect("the program can be run");
    std::thread::sleep(after);
    let _ = run.kill();
    run.wait().expect("it was killed").code().is_none()
}

fn days(tree: &Tree) -> usize {
    tree.keys().filter(|name| name.ends_with("/readings.parquet")).count()
}

#[test]
fn a_run_that_is_killed_at_any_moment_is_completed_by_the_same_command() {
    let kills = std::env::var("KILLS").map_or(KILLS, |n| n.parse().expect("KILLS is a number"));
    let url = simulated().url();
    for case in &CASES {
        let undisturbed = prepared(case, &url);
        let started = Instant::now();
        etcd_heatmap(&arguments(case.command, &url, &undisturbed.at("audit"), END)).succeeds();
        let (took, expected) = (started.elapsed(), undisturbed.tree("audit"));
        let (mut hits, mut between, mut leftovers) = (0, 0, 0);
        for kill in 0..kills {
            let folder = prepared(case, &url);
            let after = took.mul_f64((mix(kill) % 1000) as f64 / 1000.0);
            let was_running = killed(case, &url, &folder, after);
            let left = folder.tree("audit");
            hits += u32::from(was_running);
            between += u32::from((1..3).contains(&days(&left)));
            leftovers += u32::from(left.keys().any(|name| name.ends_with(".partial")));
            etcd_heatmap(&arguments(case.command, &url, &folder.at("audit"), END)).succeeds();
            assert_same(&expected, &folder.tree("audit"));
        }
        println!(
            "{}: {kills} kills within {took:.0?}, {hits} of a living run, {between} with some of the days there, \
             {leftovers} with a half-written file; all {kills} completed byte for byte",
            case.name
        );
    }
}
