//! The file itself: always complete and readable, never stale, and removed when its writer ends.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::{Live, loop_arguments, node_exporter, writer};
use crate::support::{Background, Folder, Run, etcd_heatmap, etcd_heatmap_command, mix, needed, now, put, until};

/// Default number of kills; the variable `KILLS` overrides it.
const KILLS: u64 = 25;

#[test]
fn a_signal_ends_the_loop_and_removes_its_file() {
    let live = Live::shared();
    for signal in ["TERM", "INT"] {
        let folder = Folder::new("ended");
        let writer = writer(&live.prometheus.url(), &folder.at("etcd_score.prom"), &[]);
        until("a score", || folder.path().join("etcd_score.prom").exists().then_some(()));
        let started = Instant::now();
        assert_eq!(writer.end(signal).0, Some(0));
        assert!(started.elapsed() < Duration::from_secs(2), "it took {:?}", started.elapsed());
        assert_eq!(folder.tree("").into_keys().collect::<Vec<_>>(), Vec::<String>::new());
    }
}

/// `timeout` sends its signal twice: to its child, and to the process group that contains the child.
#[test]
fn a_signal_that_timeout_sends_twice_ends_the_loop_like_one() {
    let live = Live::shared();
    for _ in 0..10 {
        let folder = Folder::new("ended-by-timeout");
        let plain = etcd_heatmap_command(&loop_arguments(&live.prometheus.url(), &folder.at("etcd_score.prom"), &[]));
        let mut command = needed("timeout", "coreutils");
        command.args(["--preserve-status", "-s", "TERM", "1"]).arg(plain.get_program()).args(plain.get_args());
        let run = Run::of(command);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(folder.tree("").into_keys().collect::<Vec<_>>(), Vec::<String>::new());
    }
}

#[test]
fn the_textfile_is_world_readable_with_any_umask_and_writable_only_by_its_owner() {
    let (live, folder) = (Live::shared(), Folder::new("umask"));
    let out = folder.at("etcd_score.prom");
    let plain = etcd_heatmap_command(&loop_arguments("", &out, &[]));
    let mut command = std::process::Command::new("sh");
    command.args(["-c", r#"umask 077; exec "$@""#, "sh"]).arg(plain.get_program());
    let writer = Background::start({
        command.args(loop_arguments(&live.prometheus.url(), &out, &[]));
        command
    });
    until("a score", || folder.path().join("etcd_score.prom").exists().then_some(()));
    let mode = std::fs::metadata(&out).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    // A second writer of the same file must be refused, or both would overwrite each other.
    let second = etcd_heatmap(&loop_arguments(&live.prometheus.url(), &out, &[]));
    second.fails_saying(&["another etcd-heatmap is writing", &out]);
    assert_eq!(writer.end("TERM").0, Some(0));
}

#[test]
fn an_outage_removes_the_scores_and_recovery_restores_them() {
    let folder = Folder::new("outage");
    let out = folder.at("etcd_score.prom");
    let has = |words: &str| std::fs::read_to_string(&out).is_ok_and(|text| text.contains(words));
    let live = Live::start();
    until("disk writes on all three members", || {
        put(&live.members[0])?;
        live.is_known().then_some(())
    });
    let url = live.prometheus.url();
    let writer = writer(&url, &out, &["--max-age", "3s", "--retries", "0"]);
    until("a score", || has("etcd_score{").then_some(()));
    let port = live.prometheus.server().port();
    drop(live.prometheus);
    let gone = Instant::now();
    until("a failure that is counted", || has("etcd_heatmap_evaluation_failures_total 1").then_some(()));
    assert!(has("etcd_score{") || gone.elapsed() > Duration::from_secs(2), "a short outage takes no score away");
    until("no score", || (!has("etcd_score{") && has("etcd_score_unknown{")).then_some(()));
    assert!(gone.elapsed() < Duration::from_secs(30), "it took {:?}", gone.elapsed());
    let text = folder.text("etcd_score.prom");
    assert_eq!(text.lines().filter(|l| l.starts_with("etcd_score_unknown{") && l.ends_with(" 1")).count(), 3, "{text}");
    assert!(!text.contains("cluster:") && !text.contains("etcd_points") && !text.contains("etcd_reading"), "{text}");
    let check = etcd_heatmap(&["textfile", "--check-health", "--out", &out, "--max-age", "3s"]);
    check.fails_saying(&["last success"]);
    let (code, said) = writer.end("TERM");
    assert_eq!(code, Some(0));
    // An error is logged once, not at every failure. The end of the server may cut off a query first.
    let refused = format!("error: cannot reach http://127.0.0.1:{port}");
    let lines: Vec<&str> = said.lines().filter(|line| !line.contains("reset by peer")).collect();
    assert!(
        matches!(lines[..], [line] if line.starts_with(&refused) && line.contains("trying again within")),
        "{said}"
    );
}

#[test]
fn a_killed_writer_always_leaves_a_complete_file() {
    let kills = std::env::var("KILLS").map_or(KILLS, |n| n.parse().expect("KILLS is a number"));
    let (live, textfiles) = (Live::shared(), Folder::new("killed-textfile"));
    let (node, out, url) = (node_exporter(&textfiles), textfiles.at("etcd_score.prom"), live.prometheus.url());
    // How long a writer takes to its first file, whatever else this machine does: kills come within twice of that.
    let started = Instant::now();
    let first = writer(&url, &out, &[]);
    until("a first file", || textfiles.path().join("etcd_score.prom").exists().then_some(()));
    let took = started.elapsed();
    drop(first);
    let (mut scrapes, mut left_partial, mut seen) = (0, 0, 0);
    for kill in 0..kills {
        let writer = writer(&url, &out, &[]);
        let until = Instant::now() + took.mul_f64((mix(kill) % 2000) as f64 / 1000.0);
        loop {
            let scraped = node.ask("GET", "/metrics", "").expect("node_exporter answers");
            assert!(scraped.contains("node_textfile_scrape_error 0"), "{scraped}");
            let has = |name: &str| scraped.lines().any(|line| line.starts_with(name));
            let (first, last) = (has("etcd_score{"), has("etcd_heatmap_info{"));
            assert_eq!(first, last, "a part of a file: {scraped}");
            (scrapes, seen) = (scrapes + 1, seen + u64::from(last));
            if Instant::now() >= until {
                break;
            }
        }
        drop(writer);
        left_partial += u64::from(textfiles.path().join(".etcd_score.prom.partial").exists());
    }
    println!("{kills} kills, {scrapes} scrapes, {seen} with a score, {left_partial} beside a half-written file");
    assert!(seen > 0, "no writer came as far as a file");
    // Leftovers of a killed writer do not stop the next one.
    let writer = writer(&url, &out, &[]);
    let fresh = now();
    until("a fresh file", || {
        let text = textfiles.text("etcd_score.prom");
        let at = text.lines().find_map(|l| l.strip_prefix("etcd_heatmap_last_success_timestamp_seconds "))?;
        (at.parse::<f64>().ok()? >= (fresh + 1) as f64).then_some(())
    });
    assert_eq!(writer.end("TERM").0, Some(0));
    assert!(nothing_is_left(&textfiles));
}

/// Whether no file of a killed writer is left after another one has ended normally.
fn nothing_is_left(textfiles: &Folder) -> bool {
    textfiles.tree("").into_keys().all(|name| name.starts_with("server-"))
}
