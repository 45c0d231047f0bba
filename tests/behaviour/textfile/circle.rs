//! The whole circle: etcd, Prometheus, the loop, node_exporter, Prometheus again.

use std::time::Duration;

use super::{Live, address, writer};
use crate::support::{Folder, Server, etcd_heatmap, holds, needed, now, oracle_run, put, until};

/// Pauses or continues a member.
fn signal(member: &Server, name: &str) {
    let command_line = format!("--listen-client-urls {}", member.url());
    let sent = needed("pkill", "procps").args([&format!("-{name}"), "-f", "--", &command_line]).status();
    assert!(sent.is_ok_and(|status| status.success()), "no etcd listens on {}", member.url());
}

#[test]
fn live_scores_scraped_from_node_exporter_match_a_backfill() {
    let (live, folder) = (Live::start(), Folder::new("circle"));
    until("disk writes on all three members", || {
        put(&live.members[0])?;
        live.is_known().then_some(())
    });
    let url = live.prometheus.url();
    let writer = writer(&url, &live.textfiles.at("etcd_score.prom"), &[]);
    until("a score that was scraped", || holds(&live.prometheus, "count(etcd_score)==3").then_some(()));
    let start = now();
    let go_on = |seconds: u64| {
        for _ in 0..seconds * 5 {
            put(&live.members[0]);
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    go_on(6);
    signal(&live.members[2], "STOP");
    go_on(8);
    signal(&live.members[2], "CONT");
    until("a score of the member that is back", || {
        put(&live.members[0])?;
        holds(&live.prometheus, "count(etcd_score)==3").then_some(())
    });
    go_on(6);
    let end = now();
    // Wait until the last scraped instant lies in the range of the backfill.
    std::thread::sleep(Duration::from_secs(4));
    let (code, said) = writer.end("TERM");
    assert_eq!((code, said.as_str()), (Some(0), ""));

    let out = folder.at("audit");
    let (from, to) = ((start - 60).to_string(), end.to_string());
    let range = ["--start", &from, "--end", &to, "--step", "1s", "--selector", r#"job="etcd""#];
    etcd_heatmap(&[&["backfill", "--url", &url, "--out", &out], &range[..]].concat()).succeeds();
    let run = oracle_run("live.py", &[&url, &out, &start.to_string(), &end.to_string(), &address(&live.node)]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    // Scrapes of the paused member fail, so its series become stale at once.
    let unknown: u32 = run.stdout.rsplit(' ').next().and_then(|count| count.trim().parse().ok()).expect("a count");
    assert!(unknown >= 3, "the paused member was never unknown:\n{}", run.stdout);
}
