//! Interrupted pulls, scoring and overwrites: complete files stay, and the same command resumes.

use std::process::{Child, Command, Stdio};

use crate::support::{
    DAY, Folder, Gate, Run, START, Tree, assert_same, etcd_heatmap, etcd_heatmap_command, simulated, until,
};

pub(crate) const FIRST_DAY: &str = "history/date=2026-10-01/readings.parquet";

/// A gate that holds back all queries after the first day, and the files of an undisturbed run.
pub(crate) fn gate() -> (Gate, Tree) {
    let gate = Gate::before(simulated().prometheus.server().port());
    let undisturbed = Folder::new("undisturbed");
    etcd_heatmap(&arguments("backfill", &gate.url(), &undisturbed.at("audit"))).succeeds();
    gate.hold_from(START + DAY);
    (gate, undisturbed.tree("audit"))
}

/// The arguments of every run. With `--series raw` all range queries are for readings.
pub(crate) fn arguments<'a>(command: &'a str, url: &'a str, out: &'a str) -> [&'a str; 12] {
    let range = ["--start", "2026-10-01", "--end", "2026-10-04"];
    let [start, first, end, last] = range;
    [command, "--quiet", "--url", url, "--out", out, start, first, end, last, "--series", "raw"]
}

/// Starts a command and waits until its first day is written.
pub(crate) fn until_the_first_day(command: &str, folder: &Folder, url: &str) -> Child {
    until_there(&arguments(command, url, &folder.at("audit")), folder, FIRST_DAY)
}

/// Starts a command and waits until it has written this file of `audit`.
fn until_there(arguments: &[&str], folder: &Folder, file: &str) -> Child {
    let mut command: Command = etcd_heatmap_command(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    until("the first day of the history", || {
        assert!(matches!(run.try_wait(), Ok(None)), "it ended before its first day was written");
        folder.path().join("audit").join(file).is_file().then_some(())
    });
    run
}

#[test]
fn a_killed_run_leaves_only_complete_files_and_can_be_resumed() {
    let ((gate, expected), folder) = (gate(), Folder::new("killed"));
    let mut run = until_the_first_day("backfill", &folder, &gate.url());
    run.kill().expect("it is ours and alive");
    run.wait().expect("it was killed");
    let left = folder.tree("audit");

    for (name, bytes) in left.iter().filter(|(name, _)| name.ends_with(".parquet")) {
        assert_eq!(expected.get(name), Some(bytes), "{name} is incomplete");
    }
    assert!(left.contains_key(FIRST_DAY) && !left.contains_key("heatmap.parquet"), "{:?}", left.keys());

    gate.open();
    etcd_heatmap(&arguments("backfill", &gate.url(), &folder.at("audit"))).succeeds();
    assert_same(&expected, &folder.tree("audit"));
}

#[test]
fn when_a_server_dies_pulled_days_stay_and_the_error_lists_the_others() {
    for command in ["backfill", "pull"] {
        let ((gate, expected), folder) = (gate(), Folder::new("server-died"));
        let run = until_the_first_day(command, &folder, &gate.url());
        gate.fall();
        let run = Run::from(run.wait_with_output().expect("it ends by itself"));
        assert_eq!(run.code, Some(1), "{command}: {run:?}");
        run.fails_saying(&["2026-10-02", "2026-10-03"]);

        let left = folder.tree("audit");
        let days: Vec<_> = left.keys().filter(|name| name.starts_with("history/")).collect();
        assert_eq!(days, [FIRST_DAY], "{command}");
        assert!(left[FIRST_DAY] == expected[FIRST_DAY], "the pulled day is complete");
    }
}

/// The first new day of a pull with `--overwrite`.
const FIRST_NEW_DAY: &str = "history.new/date=2026-10-01/readings.parquet";

/// A folder with a scored history, pulled from the server without the gate.
fn old_history() -> Folder {
    let folder = Folder::new("old-history");
    let url = simulated().url();
    etcd_heatmap(&arguments("backfill", &url, &folder.at("audit"))).succeeds();
    folder
}

fn overwriting<'a>(command: &'a str, url: &'a str, out: &'a str) -> Vec<&'a str> {
    [&arguments(command, url, out)[..], &["--overwrite"]].concat()
}

#[test]
fn a_failed_overwrite_keeps_the_old_history() {
    let folder = old_history();
    let (audit, before) = (folder.at("audit"), folder.tree("audit"));
    for command in ["backfill", "pull"] {
        // Fails at the first query.
        let unreachable = [&overwriting(command, "http://127.0.0.1:1", &audit)[..], &["--retries", "0"]].concat();
        etcd_heatmap(&unreachable).fails_saying(&["cannot reach"]);
        assert_same(&before, &folder.tree("audit"));
    }
    for command in ["backfill", "pull"] {
        // Removes the new days of an earlier attempt with another server.
        let _ = std::fs::remove_dir_all(folder.at("audit/history.new"));
        // Fails after the first of three days.
        let (gate, _) = gate();
        let run = until_there(&overwriting(command, &gate.url(), &audit), &folder, FIRST_NEW_DAY);
        gate.fall();
        Run::from(run.wait_with_output().expect("it ends by itself")).fails_saying(&[
            "cannot pull 2 of 3 days",
            "keeps its old history",
            "run the same command again",
        ]);
        let mut left = folder.tree("audit");
        assert!(left.remove(FIRST_NEW_DAY).is_some(), "{command}: the pulled day stays in history.new");
        assert_same(&before, &left);
    }
    // Extending the old history removes the abandoned new days.
    etcd_heatmap(&arguments("backfill", &simulated().url(), &audit)).succeeds();
    assert_same(&before, &folder.tree("audit"));
}

#[test]
fn a_killed_overwrite_resumes_where_it_stopped() {
    let (folder, (gate, expected)) = (old_history(), gate());
    let (audit, before) = (folder.at("audit"), folder.tree("audit"));
    let mut run = until_there(&overwriting("backfill", &gate.url(), &audit), &folder, FIRST_NEW_DAY);
    run.kill().expect("it is ours and alive");
    run.wait().expect("it was killed");
    let mut left = folder.tree("audit");
    left.retain(|name, _| !name.starts_with("history.new/") && !name.starts_with('.'));
    assert_same(&before, &left);

    gate.open();
    let kept = std::fs::metadata(folder.path().join("audit").join(FIRST_NEW_DAY)).and_then(|file| file.modified());
    etcd_heatmap(&overwriting("backfill", &gate.url(), &audit)).succeeds();
    assert_same(&expected, &folder.tree("audit"));
    let moved = std::fs::metadata(folder.path().join("audit").join(FIRST_DAY)).and_then(|file| file.modified());
    assert_eq!(moved.expect("it is there"), kept.expect("it was there"), "the day in history.new is not pulled again");
}

#[test]
fn an_overwrite_killed_while_moving_days_can_be_resumed() {
    let (folder, (gate, expected)) = (old_history(), gate());
    gate.open();
    let audit = folder.at("audit");
    let other = Folder::new("new-history");
    etcd_heatmap(&arguments("pull", &gate.url(), &other.at("audit"))).succeeds();
    // The state after a kill: the first new day was moved, the second and third were not.
    for (number, place) in [(1, "history"), (2, "history.new"), (3, "history.new")] {
        let day = format!("date=2026-10-0{number}");
        std::fs::create_dir_all(folder.at(&format!("audit/{place}/{day}"))).expect("a folder of our own");
        let file = format!("{day}/readings.parquet");
        let from = other.at(&format!("audit/history/{file}"));
        std::fs::copy(from, folder.at(&format!("audit/{place}/{file}"))).expect("a file of our own");
    }
    etcd_heatmap(&["score", &audit]).fails_saying(&["was pulled differently", "--overwrite"]);
    etcd_heatmap(&overwriting("backfill", &gate.url(), &audit)).succeeds();
    assert_same(&expected, &folder.tree("audit"));
}

#[test]
fn the_sample_can_overwrite_another_history_completely() {
    let (folder, fresh) = (old_history(), Folder::new("fresh-sample"));
    for (folder, overwrite) in [(&folder, &["--overwrite"][..]), (&fresh, &[])] {
        let arguments = ["backfill", "--quiet", "--sample", "--out", &folder.at("audit")];
        etcd_heatmap(&[&arguments[..], overwrite].concat()).succeeds();
    }
    assert_same(&fresh.tree("audit"), &folder.tree("audit"));
}
