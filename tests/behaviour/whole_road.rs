//! From a Prometheus's history to files that a second Prometheus imports.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{
    Asked, DAY, Folder, Prometheus, START, Server, Simulated, cells, etcd_heatmap, free_port, import, needed, oracle,
    simulated, until,
};

#[test]
fn a_prometheus_history_becomes_scores_that_a_second_prometheus_answers_exactly() {
    let first = simulated();
    let folder = Folder::new("whole-road");
    Asked::all(&first.prometheus, START, Simulated::END).is_answered_exactly(&folder);

    imports_exactly(&folder);
}

/// Every emitted file goes through promtool as the README says, and the samples come out as the scores went in.
#[track_caller]
pub(crate) fn imports_exactly(folder: &Folder) {
    let fresh = Folder::new("second-prometheus");
    for name in folder.tree("audit/openmetrics").keys() {
        import(Path::new(&folder.at(&format!("audit/openmetrics/{name}"))), &fresh, &[]);
    }
    let second = Prometheus::start(fresh, |_| String::new());
    oracle("samples.py", &[&second.url(), &folder.at("audit")]);
}

#[test]
fn a_day_of_more_steps_than_a_server_answers_at_once_is_asked_in_parts() {
    let folder = Folder::new("many-steps");
    let prometheus = &simulated().prometheus;
    let one_cluster = Some(r#"cluster="c01""#);
    let day = Asked { step: 5, selector: one_cluster, ..Asked::all(prometheus, START + DAY, START + 2 * DAY) };
    assert!((day.end - day.start) / day.step > 11_000, "Prometheus answers 11,000 steps and no more");
    day.is_answered_exactly(&folder);
}

#[test]
fn a_step_that_does_not_divide_a_day_keeps_its_grid_across_midnight() {
    let folder = Folder::new("seven-seconds");
    // Neither end is a multiple of 7 seconds, and midnight is none either.
    let around_midnight =
        Asked { step: 7, ..Asked::all(&simulated().prometheus, START + DAY - 3600, START + DAY + 3601) };
    around_midnight.is_answered_exactly(&folder);
}

#[test]
fn three_live_etcd_members_are_scored() {
    let folder = Folder::new("etcd");
    let members = etcd_cluster(&folder);
    let prometheus = Prometheus::start(Folder::new("live-prometheus"), |own| scrape_config(&members, own));
    until("half a minute of scrapes with disk writes on all three members", || {
        // Without writes there is no fsync, and the percentile of nothing is no number.
        members[0].ask("POST", "/v3/kv/put", r#"{"key": "aGVhdA==", "value": "bWFw"}"#)?;
        let writing = "count(rate(etcd_disk_wal_fsync_duration_seconds_count[20s])>0)==3";
        let scraped = "count(count_over_time(up{job=\"etcd\"}[1m])>=30)==3";
        [writing, scraped].iter().all(|query| holds(&prometheus, query)).then_some(())
    });

    let (url, out) = (prometheus.url(), folder.at("latest"));
    etcd_heatmap(&[
        "backfill",
        "--url",
        &url,
        "--start",
        "now-2m",
        "--step",
        "5s",
        "--selector",
        "job=\"etcd\"",
        "--out",
        &out,
    ])
    .succeeds();
    oracle("score.py", &[&out, "--step", "5"]);
    let scored: Vec<_> = cells(&folder.text("latest/heatmap.csv"))
        .into_iter()
        .filter(|cell| cell.scored > 0)
        .filter_map(|cell| cell.member)
        .collect();
    let mut expected: Vec<_> = members.iter().map(|member| format!("127.0.0.1:{}", member.port())).collect();
    expected.sort();
    // Two minutes touch two hours at most, and then each member has a cell in both.
    let mut names = scored.clone();
    names.sort();
    names.dedup();
    assert_eq!(names, expected);

    // The same once more on a range that is over, where the server's answers cannot change while they are compared.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    Asked { step: 5, ..Asked::all(&prometheus, now - 120, now - 10) }.is_answered_exactly(&folder);
}

/// Three etcd members on this machine, once they have elected a leader.
fn etcd_cluster(folder: &Folder) -> Vec<Server> {
    let ports: Vec<_> = (0..3).map(|_| (free_port(), free_port())).collect();
    let cluster: Vec<_> = ports.iter().map(|(_, peer)| format!("m{peer}=http://127.0.0.1:{peer}")).collect();
    let cluster = cluster.join(",");
    let start = |&(client, peer): &(u16, u16)| {
        let mut etcd = needed("etcd", "etcd-server");
        let (client_url, peer_url) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        etcd.args(["--name", &format!("m{peer}"), "--data-dir", &folder.at(&format!("m{peer}"))]);
        etcd.args(["--listen-client-urls", &client_url, "--advertise-client-urls", &client_url]);
        etcd.args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url]);
        etcd.args(["--initial-cluster", &cluster]);
        Server::start(&etcd, client, folder)
    };
    let started: Vec<_> = ports.iter().map(start).collect();
    started.into_iter().map(|member| member.ready("/health")).collect()
}

/// Scrapes the members every second, and Prometheus itself too: its open files are nobody's health.
fn scrape_config(members: &[Server], own: u16) -> String {
    let targets: Vec<_> = members.iter().map(|member| format!("\"127.0.0.1:{}\"", member.port())).collect();
    let targets = targets.join(", ");
    format!(
        r#"global: {{scrape_interval: 1s}}
scrape_configs:
- {{job_name: etcd, static_configs: [{{targets: [{targets}]}}]}}
- {{job_name: prometheus, static_configs: [{{targets: ["127.0.0.1:{own}"]}}]}}
"#
    )
}

/// Whether a comparison in PromQL has an answer.
fn holds(prometheus: &Prometheus, query: &str) -> bool {
    let encoded: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let answer = prometheus.server().ask("GET", &format!("/api/v1/query?query={encoded}"), "");
    answer.is_some_and(|answer| answer.contains(r#""metric""#))
}
