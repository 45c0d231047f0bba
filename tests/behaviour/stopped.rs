//! SIGINT and SIGTERM end a run with complete files and a correct manifest, and two runs cannot share a folder.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::interruption::{FIRST_DAY, arguments, gate, until_the_first_day};
use crate::support::{Folder, Run, assert_same, etcd_heatmap, etcd_heatmap_command, isolated, mix, simulated, until};

fn signal(run: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args(["-s", name, &run.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "the run has ended already");
}

/// Checks that the manifest lists exactly the files in the folder.
#[track_caller]
fn assert_manifest_is_right(folder: &Folder) {
    let manifest: Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("the manifest is JSON");
    let listed = ["history", "files"].into_iter().flat_map(|kind| manifest[kind].as_array().expect("a list").iter());
    let mut listed: Vec<String> = listed.map(|file| file["path"].as_str().expect("a path").to_owned()).collect();
    listed.push("manifest.json".to_owned());
    listed.sort();
    assert_eq!(listed, folder.tree("audit").into_keys().collect::<Vec<_>>());
}

#[test]
fn a_signal_ends_a_pull_with_complete_files_and_the_error_says_how_to_resume() {
    for (command, name, code) in [("pull", "INT", 130), ("backfill", "TERM", 143)] {
        let ((gate, expected), folder) = (gate(), Folder::new("stopped"));
        let run = until_the_first_day(command, &folder, &gate.url());
        signal(&run, name);
        let run = Run::from(run.wait_with_output().expect("it ends by itself"));
        assert_eq!(run.code, Some(code), "{run:?}");
        let sentence = format!("stopped by SIG{name}: 1 of 3 days pulled into {}", folder.at("audit"));
        assert!(run.stderr.starts_with(&sentence) && run.stderr.contains("run the same command again"), "{run:?}");
        assert_eq!(run.stderr.trim_end().lines().count(), 1, "{run:?}");

        let left = folder.tree("audit");
        assert_eq!(left.keys().collect::<Vec<_>>(), [FIRST_DAY, "manifest.json"]);
        assert!(left[FIRST_DAY] == expected[FIRST_DAY], "the pulled day is complete");
        assert_manifest_is_right(&folder);

        gate.open();
        etcd_heatmap(&arguments("backfill", &gate.url(), &folder.at("audit"))).succeeds();
        assert_same(&expected, &folder.tree("audit"));
    }
}

#[test]
fn a_signal_at_any_moment_leaves_a_correct_manifest() {
    let (url, undisturbed) = (simulated().url(), Folder::new("undisturbed"));
    let spawn = |folder: &Folder| {
        let (out, range) = (folder.at("audit"), ["--start", "2026-10-01", "--end", "2026-10-04", "--step", "1m"]);
        let arguments = [&["backfill", "--quiet", "--url", &url, "--out", &out][..], &range].concat();
        let mut command = etcd_heatmap_command(&arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program can be run")
    };
    let started = std::time::Instant::now();
    Run::from(spawn(&undisturbed).wait_with_output().expect("it ends")).succeeds();
    let (took, expected) = (started.elapsed(), undisturbed.tree("audit"));
    for moment in 0..6 {
        let folder = Folder::new("signalled");
        let run = spawn(&folder);
        std::thread::sleep(took.mul_f64((mix(moment) % 1000) as f64 / 1000.0).max(Duration::from_millis(30)));
        let _ = std::process::Command::new("kill").args(["-s", "INT", &run.id().to_string()]).output();
        let run = Run::from(run.wait_with_output().expect("it ends"));
        match run.code {
            Some(0) => {}
            Some(130) if folder.tree("audit").is_empty() => {
                assert!(run.stderr.contains("before any file was written"), "{run:?}");
            }
            Some(130) => assert_manifest_is_right(&folder),
            other => panic!("{other:?}: {run:?}"),
        }
        Run::from(spawn(&folder).wait_with_output().expect("it ends")).succeeds();
        assert_same(&expected, &folder.tree("audit"));
    }
}

#[test]
fn a_second_run_in_the_same_folder_is_refused() {
    let ((gate, expected), folder) = (gate(), Folder::new("twice"));
    let first = until_the_first_day("backfill", &folder, &gate.url());
    let out = folder.at("audit");
    for second in [
        &arguments("pull", &gate.url(), &out)[..],
        &["score", "--quiet", &out],
        &["score", "--quiet", &out, "--compare", "seed,fleet"],
        &["backfill", "--quiet", "--sample", "--overwrite", "--out", &out],
    ] {
        etcd_heatmap(second).fails_saying(&["another run", &out, "--out"]);
    }
    // Reading a locked folder is allowed.
    etcd_heatmap(&["score", "--quiet", &out, "--out", &folder.at("elsewhere")]).succeeds();
    gate.open();
    Run::from(first.wait_with_output().expect("it ends")).succeeds();
    assert_same(&expected, &folder.tree("audit"));
}

#[test]
fn a_history_on_a_read_only_disk_can_be_scored_into_another_folder() {
    let folder = Folder::new("read-only");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")]).succeeds();
    let script = r#"mount --bind audit audit && mount -o remount,ro,bind audit && exec "$@""#;
    for (out, expected) in [("elsewhere", ""), ("audit", "--out")] {
        let program = etcd_heatmap_command(&["score", "--quiet", "audit", "--out", out]);
        let mut read_only = isolated("-rm");
        read_only.args(["sh", "-c", script, "sh"]).arg(program.get_program()).args(program.get_args());
        read_only.current_dir(folder.path());
        match expected {
            "" => drop(Run::of(read_only).succeeds()),
            word => Run::of(read_only).fails_saying(&[word, "audit"]),
        }
    }
    let (mut here, mut elsewhere) = (folder.tree("audit"), folder.tree("elsewhere"));
    here.retain(|name, _| !name.starts_with("history/"));
    elsewhere.retain(|name, _| !name.starts_with("history/"));
    // Only a folder without the history has to name the one with it.
    let manifest = elsewhere.get_mut("manifest.json").expect("it is there");
    let mut described: serde_json::Value = serde_json::from_slice(manifest).expect("the manifest is JSON");
    assert_eq!(described["history_folder"].take(), "../audit");
    let alone: serde_json::Value = serde_json::from_slice(&here["manifest.json"]).expect("the manifest is JSON");
    described.as_object_mut().expect("an object").remove("history_folder");
    assert_eq!(described, alone);
    manifest.clone_from(&here["manifest.json"]);
    assert_same(&here, &elsewhere);
}

#[test]
fn a_second_signal_ends_a_run_at_once() {
    let ((gate, _), folder) = (gate(), Folder::new("twice-signalled"));
    let run = until_the_first_day("pull", &folder, &gate.url());
    // Both signals arrive while the process is stopped; the kernel decides which one is delivered first.
    signal(&run, "STOP");
    signal(&run, "INT");
    signal(&run, "TERM");
    signal(&run, "CONT");
    let run = until("the end of the run", {
        let mut run = Some(run);
        move || match run.as_mut()?.try_wait() {
            Ok(Some(_)) => run.take()?.wait_with_output().ok(),
            _ => None,
        }
    });
    assert!(matches!(run.status.code(), Some(130 | 143)), "{run:?}");
}
