//! What survives a power failure, judged by the order of system calls that strace records.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::{Folder, Run, etcd_heatmap, etcd_heatmap_command, needed};

/// Runs the program with `arguments` under strace with `flags`.
fn traced(flags: &[&str], arguments: &[&str]) -> Run {
    let ours = etcd_heatmap_command(arguments);
    let mut strace = needed("strace", "strace");
    strace.args(["-f", "-y", "-qq"]).args(flags).arg(ours.get_program()).args(ours.get_args());
    Run::of(strace)
}

/// A successful call that changes what is on disk; calls are listed in the order in which they returned.
#[derive(Debug, PartialEq)]
enum Call {
    Made(PathBuf),
    Synced(PathBuf),
    Renamed { from: PathBuf, to: PathBuf },
}

impl Call {
    /// The final path, if the call renames a file.
    fn name(&self) -> Option<PathBuf> {
        if let Self::Renamed { to, .. } = self { Some(to.clone()) } else { None }
    }
}

/// Runs the program, which must succeed, and returns its successful calls.
///
/// strace prints a call in two lines when another thread calls in between. With `-z` it holds each call back until it
/// has succeeded, and prints it whole.
fn calls(folder: &Folder, arguments: &[&str]) -> Vec<Call> {
    let log = folder.at("calls");
    let trace = "trace=mkdir,fsync,fdatasync,rename,renameat,renameat2";
    traced(&["-z", "-o", &log, "-e", trace], arguments).succeeds();
    folder.text("calls").lines().map(call).collect()
}

/// Parses a line such as `4711 fsync(5</path>) = 0`.
#[track_caller]
fn call(line: &str) -> Call {
    let parsed = || {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').trim_end().strip_suffix(" = 0")?;
        let (name, arguments) = call.trim_end().strip_suffix(')')?.split_once('(')?;
        let quoted: Vec<PathBuf> = arguments.split('"').skip(1).step_by(2).map(PathBuf::from).collect();
        match (name, quoted.as_slice()) {
            ("mkdir", [path]) => Some(Call::Made(path.clone())),
            ("fsync" | "fdatasync", []) => {
                let (_, file) = arguments.strip_suffix('>')?.split_once('<')?;
                Some(Call::Synced(file.trim_end_matches(" (deleted)").into()))
            }
            ("rename" | "renameat" | "renameat2", [from, to]) => {
                Some(Call::Renamed { from: from.clone(), to: to.clone() })
            }
            _ => None,
        }
    };
    parsed().unwrap_or_else(|| panic!("not a whole call: {line}"))
}

/// Checks that every file is synced before it is renamed, and its folder afterwards.
#[track_caller]
fn outlasts_a_power_failure(calls: &[Call]) {
    let parent = |path: &Path| path.parent().expect("it has one").to_owned();
    let is_synced = |path: &Path, among: &[Call]| among.iter().any(|call| matches!(call, Call::Synced(p) if p == path));
    for (place, call) in calls.iter().enumerate() {
        match call {
            Call::Renamed { from, to } => {
                assert!(is_synced(from, &calls[..place]), "{} was not synced before", to.display());
                assert!(is_synced(&parent(to), &calls[place..]), "the folder of {} is not synced", to.display());
            }
            Call::Made(made) => {
                assert!(is_synced(&parent(made), &calls[place..]), "the folder of {} is not synced", made.display());
            }
            Call::Synced(_) => {}
        }
    }
}

#[test]
fn all_files_of_a_run_and_their_folders_are_synced() {
    let folder = Folder::new("power");
    let [out, made, other] = ["new/audit", "new", "other"].map(|name| folder.at(name));
    let calls_of_backfill = calls(&folder, &["backfill", "--sample", "--quiet", "--out", &out]);
    outlasts_a_power_failure(&calls_of_backfill);
    let named: BTreeSet<_> = calls_of_backfill.iter().filter_map(Call::name).collect();
    let on_disk: BTreeSet<_> = folder.tree("new/audit").into_keys().map(|name| Path::new(&out).join(name)).collect();
    assert_eq!(named, on_disk, "strace saw all files");
    assert!(calls_of_backfill.contains(&Call::Made(made.into())), "strace recorded the new parent folder");
    // Each folder is synced once, not once per file.
    let of_history = Path::new(&out).join("history");
    assert_eq!(calls_of_backfill.iter().filter(|call| **call == Call::Synced(of_history.clone())).count(), 1);

    // Also commands that write no manifest or take no lock.
    outlasts_a_power_failure(&calls(&folder, &["score", "--quiet", &out, "--out", &other, "--compare", "seed,fleet"]));
    let svg = folder.at("pictures/heatmap.svg");
    let calls = calls(&folder, &["show", "--quiet", &out, "--svg", &svg]);
    outlasts_a_power_failure(&calls);
    assert_eq!(calls.iter().filter_map(Call::name).collect::<Vec<_>>(), [Path::new(&svg)]);
}

#[test]
fn a_failed_sync_of_a_folder_is_an_error_unless_the_file_system_does_not_support_it() {
    let folder = Folder::new("power-failed");
    let expected = folder.at("expected");
    etcd_heatmap(&["backfill", "--sample", "--quiet", "--out", &expected]).succeeds();
    for (error, fails) in [("EIO", true), ("ENOSPC", true), ("EINVAL", false), ("EOPNOTSUPP", false)] {
        let out = folder.at(error);
        let (history, inject) = (format!("{out}/history"), format!("inject=fsync:error={error}"));
        let flags = ["-o", "/dev/null", "-P", &history, "-e", "trace=fsync", "-e", &inject];
        let run = traced(&flags, &["backfill", "--sample", "--quiet", "--out", &out]);
        match fails {
            true => {
                assert_eq!(run.code, Some(1), "{error}: {run:?}");
                run.fails_saying(&["cannot write", &history]);
            }
            false => assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{error}: {run:?}"),
        }
        crate::support::assert_same(&folder.tree("expected"), &folder.tree(error));
    }
}
