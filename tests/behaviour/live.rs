//! Live etcd members, scraped every second by a real Prometheus.

use crate::from_files::equals_the_server;
use crate::remote_read::equals_promql;
use crate::support::{
    Asked, Cell, Folder, Prometheus, Server, cells, etcd_cluster, etcd_heatmap, etcd_programs, holds, now, oracle, put,
    started, until,
};

#[test]
fn three_live_etcd_members_are_scored() {
    let folder = Folder::new("etcd");
    let members = etcd_cluster(&folder);
    let prometheus = Prometheus::start(Folder::new("live-prometheus"), |own| scrape_config(&members, own));
    until("half a minute of scrapes with disk writes on all three members", || {
        // Without writes there is no fsync, and the percentile of nothing is no number.
        put(&members[0])?;
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
    let evidence = Some("all");
    let asked = Asked { step: 5, evidence, ..Asked::all(&prometheus, now() - 120, now() - 10) };
    asked.is_answered_exactly(&folder);
    assert!(folder.text("audit/manifest.json").contains("\"peer_round_trip\""));
    // And from its data directory, and by remote read.
    equals_the_server(&asked, &prometheus.data(), &Folder::new("etcd-files"));
    equals_promql(&asked, "raw", &Folder::new("etcd-remote"));
    let (start, data) = (asked.start.to_string(), prometheus.data());
    for source in [["--url", url.as_str()], ["--from", data.as_str()]] {
        let checked =
            etcd_heatmap(&[&["check", "--evidence", "all", "--step", "5s", "--start", &start], &source[..]].concat());
        // Failures to send to peers have no series before the first one.
        let line = "of 16 series that show causes";
        assert!(checked.stdout.contains(line), "{}", checked.stdout);
    }
    let (cluster, at) = ("etcd", asked.start.to_string());
    let explained = etcd_heatmap(&["explain", &folder.at("audit"), "--cluster", cluster, "--at", &at]).succeeds();
    for name in ["has_leader", "is_leader", "resident_memory"] {
        assert!(explained.stdout.contains(name), "{}", explained.stdout);
    }
}

#[test]
fn a_restarted_live_member_has_unscored_steps_and_a_restart_mark() {
    let folder = Folder::new("etcd-restart");
    let programs = etcd_programs(&folder);
    let mut members = started(&programs, &folder);
    let prometheus = Prometheus::start(Folder::new("restart-prometheus"), |own| scrape_config(&members, own));
    let is_scraped = || {
        put(&members[0])?;
        holds(&prometheus, "count(count_over_time(up{job=\"etcd\"}[1m])>=15)==3").then_some(())
    };
    until("a quarter of a minute of scrapes of all three members", is_scraped);
    let begin = now() - 10;
    // Kill the member, wait for failed scrapes, and restart it on the same disk.
    let down = format!("up{{job=\"etcd\", instance=\"127.0.0.1:{}\"}} == 0", programs[2].1);
    drop(members.pop());
    until("a failed scrape", || holds(&prometheus, &down).then_some(()));
    std::thread::sleep(std::time::Duration::from_secs(4));
    members.push(Server::start(&programs[2].0, programs[2].1, &folder).ready("/health"));
    let back = down.replace("== 0", "== 1");
    until("a scrape of the member that is back", || holds(&prometheus, &back).then_some(()));
    std::thread::sleep(std::time::Duration::from_secs(4));

    let asked = Asked {
        step: 1,
        selector: Some(r#"job="etcd""#),
        profile: Some("mixin"),
        ..Asked::all(&prometheus, begin, now() - 2)
    };
    asked.is_answered_exactly(&folder);
    equals_the_server(&asked, &prometheus.data(), &Folder::new("etcd-restart-files"));
    let cells = cells(&folder.text("audit/heatmap.csv"));
    let of = |member: &Server| {
        let name = format!("127.0.0.1:{}", member.port());
        let of_member: Vec<_> = cells.iter().filter(|cell| cell.member.as_deref() == Some(&name)).collect();
        let sum = |count: fn(&Cell) -> u32| of_member.iter().map(|cell| count(cell)).sum::<u32>();
        (sum(|cell| cell.expected - cell.scored), sum(|cell| cell.after_restart.expect("the server knows it")))
    };
    let ((gap, after), (_, others)) = (of(&members[2]), of(&members[0]));
    // Prometheus marks a series of a failed scrape as stale: it is unknown at once, not after five minutes.
    assert!(gap >= 3, "{gap} unknown steps: {cells:?}");
    // All members are younger than five minutes: those that were not restarted are marked at every step.
    let expected: u32 = cells.iter().filter(|cell| cell.member.is_some()).map(|cell| cell.expected).max().unwrap_or(0);
    assert!(after + gap >= expected - 2 && others + 1 >= expected, "{after}, {gap}, {others} of {expected}: {cells:?}");
}

#[test]
fn recording_rules_of_a_live_prometheus_match_score() {
    let folder = Folder::new("etcd-rules");
    let programs = etcd_programs(&folder);
    let mut members = started(&programs, &folder);
    let selector = r#"job="etcd""#;
    let files = [vec!["rules", "--selector", selector], vec!["rules", "--alerts"]].map(|command| {
        let printed = etcd_heatmap(&command).succeeds().stdout;
        folder.write(&format!("{}.rules.yml", command[1].trim_start_matches('-')), printed)
    });
    let prometheus = Prometheus::start(Folder::new("rules-prometheus"), |own| {
        let files = files.map(|file| format!("{file:?}")).join(", ");
        format!("rule_files: [{files}]\n{}", scrape_config(&members, own))
    });
    until("a quarter of a minute in which all members are known", || {
        put(&members[0])?;
        holds(&prometheus, "count(count_over_time(etcd_score[1m])>=15)==3").then_some(())
    });
    let begin = now() - 12;
    let name = format!("member=\"127.0.0.1:{}\"", programs[2].1);
    drop(members.pop());
    let pending = format!(r#"ALERTS{{alertname="EtcdScoreUnknown",alertstate="pending",cluster="etcd",{name}}}"#);
    until("an alert that is pending for the member that is down", || holds(&prometheus, &pending).then_some(()));
    assert!(!holds(&prometheus, "cluster:etcd_score:worst"), "a cluster has no score while a member has none");
    members.push(Server::start(&programs[2].0, programs[2].1, &folder).ready("/health"));
    let known = format!("count_over_time(etcd_score{{{name}}}[4s])>=3");
    until("three scores of the member that is back", || {
        // On a slow test machine there may be too few writes for a percentile.
        put(&members[0])?;
        holds(&prometheus, &known).then_some(())
    });
    let ended = || (!holds(&prometheus, r#"ALERTS{alertname="EtcdScoreUnknown"}"#)).then_some(());
    until("the end of the alert for the member that is back", ended);
    let rules = prometheus.server().ask("GET", "/api/v1/rules", "").expect("Prometheus tells its rules");
    let health = |state: &str| rules.matches(&format!(r#""health":"{state}""#)).count();
    // Six series, as many readings, one more, who is a learner, six points, a score, who has none, the worst; thresholds;
    // weights; alerts.
    assert_eq!(
        (health("ok"), rules.matches(r#""health""#).count()),
        (6 + 6 + 2 + 6 + 3 + 5 + 6 + 7, health("ok")),
        "{rules}"
    );

    let (url, out, start) = (prometheus.url(), folder.at("audit"), begin.to_string());
    // Compare with scores of a pull that does not read the recorded series.
    let asked =
        ["backfill", "--quiet", "--url", &url, "--start", &start, "--end", "now", "--step", "1s", "--series", "raw"];
    etcd_heatmap(&[&asked[..], &["--selector", selector, "--emit", "worst", "--out", &out]].concat()).succeeds();
    oracle("live_rules.py", &[&url, &out]);
}

/// Scrapes the members every second, and Prometheus itself too: its open files are nobody's health.
fn scrape_config(members: &[Server], own: u16) -> String {
    let targets: Vec<_> = members.iter().map(|member| format!("\"127.0.0.1:{}\"", member.port())).collect();
    let targets = targets.join(", ");
    format!(
        r#"global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
- {{job_name: etcd, static_configs: [{{targets: [{targets}]}}]}}
- {{job_name: prometheus, static_configs: [{{targets: ["127.0.0.1:{own}"]}}]}}
"#
    )
}
