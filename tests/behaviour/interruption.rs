//! A run that is cut off leaves whole files, and the same command completes them.

use std::process::{Child, Command, Stdio};

use crate::support::{
    DAY, Folder, Gate, Run, START, Tree, assert_same, etcd_heatmap, etcd_heatmap_command, simulated, until,
};

pub(crate) const FIRST_DAY: &str = "history/date=2026-10-01/readings.parquet";

/// A gate that holds back all but the first day, and what the undisturbed run through it writes.
pub(crate) fn gate() -> (Gate, Tree) {
    let gate = Gate::before(simulated().prometheus.server().port());
    let undisturbed = Folder::new("undisturbed");
    etcd_heatmap(&arguments("backfill", &gate.url(), &undisturbed.at("audit"))).succeeds();
    gate.hold_from(START + DAY);
    (gate, undisturbed.tree("audit"))
}

/// The same command for every run; `--series raw`, so that range queries are for readings only.
pub(crate) fn arguments<'a>(command: &'a str, url: &'a str, out: &'a str) -> [&'a str; 12] {
    let range = ["--start", "2026-10-01", "--end", "2026-10-04"];
    let [start, first, end, last] = range;
    [command, "--quiet", "--url", url, "--out", out, start, first, end, last, "--series", "raw"]
}

/// Starts a command and returns it as soon as its first day is written.
pub(crate) fn until_the_first_day(command: &str, folder: &Folder, url: &str) -> Child {
    let mut command: Command = etcd_heatmap_command(&arguments(command, url, &folder.at("audit")));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    until("the first day of the history", || {
        assert!(matches!(run.try_wait(), Ok(None)), "it ended before its first day was written");
        folder.path().join("audit").join(FIRST_DAY).is_file().then_some(())
    });
    run
}

#[test]
fn a_killed_run_leaves_only_whole_files_and_the_same_command_completes_it() {
    let ((gate, expected), folder) = (gate(), Folder::new("killed"));
    let mut run = until_the_first_day("backfill", &folder, &gate.url());
    run.kill().expect("it is ours and alive");
    run.wait().expect("it was killed");
    let left = folder.tree("audit");

    for (name, bytes) in left.iter().filter(|(name, _)| name.ends_with(".parquet")) {
        assert_eq!(expected.get(name), Some(bytes), "{name} is not whole");
    }
    assert!(left.contains_key(FIRST_DAY) && !left.contains_key("heatmap.parquet"), "{:?}", left.keys());

    gate.open();
    etcd_heatmap(&arguments("backfill", &gate.url(), &folder.at("audit"))).succeeds();
    assert_same(&expected, &folder.tree("audit"));
}

#[test]
fn a_server_that_dies_leaves_the_days_that_were_pulled_and_names_the_others() {
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
        assert!(left[FIRST_DAY] == expected[FIRST_DAY], "the day that was pulled is whole");
    }
}
