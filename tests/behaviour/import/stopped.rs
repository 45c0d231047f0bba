//! An import that is killed or told to end: the data directory holds whole blocks only, and the next one completes it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::time::Instant;

use super::{audit, import, names, with_data};
use crate::support::{
    Folder, Prometheus, Run, assert_empty, assert_same, etcd_heatmap_command, mix, needed, oracle, until,
};

/// Kills, unless `KILLS` says otherwise.
const KILLS: u64 = 8;

fn command(folder: &Folder, flags: &[&str]) -> std::process::Command {
    let data = folder.at("data");
    let mut command = etcd_heatmap_command(&[&["import", audit(), "--quiet", "--data-dir", &data], flags].concat());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What the server would take for blocks; it removes unfinished ones, which are empty here, when it starts.
fn blocks(folder: &Folder) -> BTreeSet<String> {
    names(&folder.at("data")).into_iter().filter(|name| !name.ends_with(".tmp-for-creation")).collect()
}

#[test]
fn an_import_that_is_killed_at_any_moment_leaves_whole_blocks_or_none() {
    let kills = std::env::var("KILLS").map_or(KILLS, |n| n.parse().expect("KILLS is a number"));
    let undisturbed = with_data("undisturbed");
    let started = Instant::now();
    import(audit(), &undisturbed, &[]).succeeds();
    let (took, expected) = (started.elapsed(), undisturbed.tree("data"));
    let (mut hits, mut some) = (0, 0);
    for kill in 0..kills {
        let folder = with_data("killed-import");
        let mut run = command(&folder, &[]).spawn().expect("the program can be run");
        if kill % 2 == 0 {
            std::thread::sleep(took.mul_f64((mix(kill) % 1000) as f64 / 1000.0));
        } else {
            // As soon as there is a block: the others follow within a millisecond.
            while blocks(&folder).is_empty() && run.try_wait().is_ok_and(|ended| ended.is_none()) {}
        }
        let _ = run.kill();
        hits += u32::from(run.wait().expect("it was killed").code().is_none());
        let left = folder.tree("data");
        some += u32::from(!left.is_empty() && left.len() < expected.len());
        assert!(left.iter().all(|(name, bytes)| expected.get(name) == Some(bytes)), "half a block is there");
        let blocks = blocks(&folder);
        assert_eq!(left.keys().filter(|name| name.ends_with("/meta.json")).count(), blocks.len());
        assert_eq!(left.len() * names(&undisturbed.at("data")).len(), expected.len() * blocks.len(), "whole blocks");

        import(audit(), &folder, &["--quiet"]).succeeds();
        assert_same(&expected, &folder.tree("data"));
        assert_eq!(names(&folder.at("data")), names(&undisturbed.at("data")));
        assert_eq!(names(&folder.at("")).len(), 1, "nothing is left beside the data directory");
    }
    println!("{kills} kills within {took:.0?}, {hits} of a living import, {some} with some of the blocks there");
}

/// An import that comes no further than so many blocks: strace holds back the rename that would put one more in place.
fn held_after(blocks: usize, folder: &Folder) -> Child {
    let (ours, mut strace) = (command(folder, &[]), needed("strace", "strace"));
    // As a grandchild (-D), so that our child is the import itself; without -f, since the first thread puts all blocks in
    // place, and the others, and promtool, rename things as well.
    strace.args(["-D", "-qq", "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2", "-e"]);
    // Longer than `until` waits.
    strace.arg(format!("inject=rename,renameat,renameat2:delay_enter=120s:when={}", blocks + 1));
    strace.arg(ours.get_program()).args(ours.get_args());
    for (variable, _) in ours.get_envs() {
        strace.env_remove(variable);
    }
    strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    strace.spawn().expect("strace can be run")
}

/// Kills an import that is held, then strace, which would report the death only when its time has come; whether the
/// import was still running.
fn kill_held(mut run: Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", run.id())).unwrap_or_default();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:")).map_or("0", str::trim);
    assert_ne!(tracer, "0", "strace holds the import:\n{status}");
    run.kill().expect("it is ours and alive");
    assert!(std::process::Command::new("kill").args(["-s", "KILL", tracer]).status().is_ok_and(|s| s.success()));
    run.wait().expect("it was killed").code().is_none()
}

#[test]
fn an_import_that_is_killed_between_two_blocks_keeps_the_first_and_is_completed_by_the_next() {
    let undisturbed = with_data("undisturbed-blocks");
    import(audit(), &undisturbed, &[]).succeeds();
    let (expected, all) = (undisturbed.tree("data"), blocks(&undisturbed));
    assert_eq!(all.len(), 19);
    for placed in [1, 18] {
        let folder = with_data("killed-between-blocks");
        // They are put in their places in the order of time, which is that of their names.
        let first: BTreeSet<_> = all.iter().take(placed).cloned().collect();
        let mut run = held_after(placed, &folder);
        until("the first blocks", || {
            assert!(matches!(run.try_wait(), Ok(None)), "it ended before it was killed");
            (blocks(&folder) == first).then_some(())
        });
        assert!(kill_held(run), "it ended before it was killed");
        assert_eq!(blocks(&folder), first);
        let mut whole = expected.clone();
        whole.retain(|name, _| first.iter().any(|block| name.starts_with(&format!("{block}/"))));
        assert_same(&whole, &folder.tree("data"));

        let second = import(audit(), &folder, &[]).succeeds();
        assert!(second.stdout.contains(&format!("{placed} of 19 blocks already existed")), "{second:?}");
        assert_same(&expected, &folder.tree("data"));
        assert_eq!(names(&folder.at("data")), all, "nothing unfinished is left");
        assert_eq!(names(&folder.at("")), ["data".to_owned()].into(), "nothing is left beside the data directory");
        let prometheus = Prometheus::start(folder, |_| String::new());
        oracle("samples.py", &[&prometheus.url(), audit()]);
    }
}

#[test]
fn a_signal_ends_an_import_and_its_promtools() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let folder = with_data("signalled-import");
        let version = r#"[ "$1" = --version ] && exec promtool --version"#;
        let fake =
            folder.write("fake", format!("#!/bin/sh\n{version}\necho $$ > {}\nexec sleep 300\n", folder.at("pid")));
        fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).expect("a file of our own");
        let run = command(&folder, &["--jobs", "1", "--promtool", &fake]).spawn().expect("the program can be run");
        let pid = until("promtool runs", || {
            fs::read_to_string(folder.at("pid")).ok().filter(|pid| pid.ends_with('\n')).map(|pid| pid.trim().to_owned())
        });
        let second = import(audit(), &folder, &["--quiet"]);
        second.fails_saying(&["another import into", "is running"]);
        let id = run.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &id]).status().is_ok_and(|s| s.success()));
        let run = Run::from(run.wait_with_output().expect("it ends by itself"));
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.stderr.starts_with(&format!("stopped by SIG{name} before any block was imported")), "{run:?}");
        assert!(!std::path::Path::new("/proc").join(&pid).exists(), "promtool has ended too");
        assert_empty(&folder, "data");
        assert_eq!(names(&folder.at("")), ["data", "fake", "pid"].map(str::to_owned).into());
    }
}
