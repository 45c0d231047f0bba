//! Standard output is complete or an error is reported; `--quiet` leaves only what the command is for.

use std::fs::{File, create_dir};
use std::io::pipe;
use std::process::Stdio;

use std::sync::OnceLock;

use crate::support::{
    Folder, HOUR, Metrics, Prometheus, Run, etcd_heatmap, etcd_heatmap_command, now, prometheus_of, simulated,
};

/// Runs a command with this standard output.
fn run_into(arguments: &[&str], stdout: impl Into<Stdio>) -> Run {
    let mut command = etcd_heatmap_command(arguments);
    command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
    Run::from(command.spawn().and_then(std::process::Child::wait_with_output).expect("the program can be run"))
}

/// A full disk.
fn full() -> File {
    File::options().write(true).open("/dev/full").expect("every Linux has it")
}

/// A pipe without a reader.
fn closed() -> std::io::PipeWriter {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    writer
}

/// A folder with the scored sample in `audit`, and an empty data directory in `data`.
fn scored() -> Folder {
    let folder = Folder::new("standard-output");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")]).succeeds();
    create_dir(folder.path().join("data")).expect("a folder of our own");
    folder
}

/// A Prometheus with samples of a member until now and beyond.
fn live() -> &'static Prometheus {
    static LIVE: OnceLock<Prometheus> = OnceLock::new();
    LIVE.get_or_init(|| {
        let mut metrics = Metrics::default();
        metrics.member(r#"job="etcd",instance="m""#, now() - HOUR..now() + HOUR);
        prometheus_of(&metrics.text())
    })
}

/// Command lines in which `DIR` stands for the folder, `URL` for a Prometheus, and `LIVE` for one with current samples.
fn commands(folder: &Folder, lines: &[&'static str]) -> Vec<Vec<String>> {
    let (dir, url, live) = (folder.at(""), simulated().url(), live().url());
    let word = |word: &str| word.replace("DIR/", &dir).replace("URL", &url).replace("LIVE", &live);
    lines.iter().map(|line| line.split(' ').map(word).collect()).collect()
}

/// Commands whose purpose is their output.
const PRINTS: [&str; 20] = [
    "findings DIR/audit",
    "findings DIR/audit --csv",
    "explain DIR/audit --cluster c01 --at 2026-10-07T14",
    "show DIR/audit",
    "diff DIR/audit --at 2026-10-07 --csv",
    "score DIR/audit --out DIR/compared --compare seed,fleet",
    "rules",
    "rules --alerts",
    "sql",
    "config show",
    "completions bash",
    "completions zsh",
    "man",
    "--help",
    "explain --help",
    "--version",
    "check --url URL --start 2026-10-01 --end 2026-10-02 --step 5m",
    "textfile --url LIVE",
    "import DIR/audit --data-dir DIR/data --dry-run",
    "help import",
];

/// Commands that write files, check or import, and print a summary.
const SUMMARIZES: [&str; 6] = [
    "score DIR/audit --out DIR/again",
    "backfill --sample --out DIR/backfill",
    "show DIR/audit --svg DIR/heatmap.svg",
    "diff DIR/audit --at 2026-10-07",
    "lint DIR/clean.om",
    "import DIR/audit --data-dir DIR/data",
];

fn with_clean_file() -> Folder {
    let folder = scored();
    folder.write("clean.om", "# HELP a A.\n# TYPE a gauge\na 1 1790812800\n# EOF\n");
    folder
}

#[test]
fn output_to_a_full_disk_fails_with_one_sentence() {
    let folder = with_clean_file();
    for line in commands(&folder, &[&PRINTS[..], &SUMMARIZES].concat()) {
        let run = run_into(&line.iter().map(String::as_str).collect::<Vec<_>>(), full());
        assert_eq!(run.code, Some(1), "{line:?}: {run:?}");
        let error = "error: cannot write to standard output: the disk is full; free some space, or redirect the output";
        let last = run.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with(error), "{line:?}: {run:?}");
        assert_eq!(run.stderr.matches("error: ").count(), 1, "{line:?}: {run:?}");
    }
}

#[test]
fn a_closed_pipe_ends_a_command_without_an_error() {
    let folder = with_clean_file();
    for line in commands(&folder, &[&PRINTS[..], &SUMMARIZES].concat()) {
        let run = run_into(&line.iter().map(String::as_str).collect::<Vec<_>>(), closed());
        assert!(run.code == Some(0) && !run.stderr.contains("error"), "{line:?}: {run:?}");
    }
}

#[test]
fn quiet_leaves_the_output_that_a_command_is_for() {
    let folder = scored();
    for line in commands(&folder, &PRINTS) {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let (loud, quiet) = (etcd_heatmap(&line).succeeds(), etcd_heatmap(&[&["--quiet"], &line[..]].concat()));
        assert!(!loud.stdout.is_empty() && quiet.stderr.is_empty(), "{line:?}: {quiet:?}");
        // Generated files contain their command line; `check` and `textfile` print how long they took.
        let stable = |text: &str| -> Vec<String> {
            let varies = ["etcd-heatmap ", "pull  ", "etcd_heatmap_"];
            let lines = text.lines().filter(|line| !varies.iter().any(|start| line.contains(start)));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(stable(&loud.stdout), stable(&quiet.succeeds().stdout), "{line:?}");
    }
}

#[test]
fn quiet_silences_summaries_and_pictures() {
    let folder = with_clean_file();
    for line in commands(&folder, &SUMMARIZES) {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let run = etcd_heatmap(&[&line[..], &["--quiet"]].concat()).succeeds();
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""), "{line:?}");
    }
}

#[test]
fn an_error_that_cannot_be_printed_keeps_its_exit_code() {
    for (arguments, code) in [(&["paint"][..], 2), (&["score", "/nonexistent"], 1)] {
        let mut command = etcd_heatmap_command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(full());
        let run =
            Run::from(command.spawn().and_then(|child| child.wait_with_output()).expect("the program can be run"));
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{arguments:?}");
    }
}
