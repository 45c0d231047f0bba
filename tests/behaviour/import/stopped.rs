//! An import that is killed or told to end: the data directory holds whole blocks only, and the next one completes it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Instant;

use super::{audit, import, names, with_data};
use crate::support::{Folder, Run, assert_empty, assert_same, etcd_heatmap_command, mix, until};

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
        assert!(run.stderr.starts_with(&format!("stopped by SIG{name}: the data directory is as it was")), "{run:?}");
        assert!(!std::path::Path::new("/proc").join(&pid).exists(), "promtool has ended too");
        assert_empty(&folder, "data");
        assert_eq!(names(&folder.at("")), ["data", "fake", "pid"].map(str::to_owned).into());
    }
}
