//! Companions of the six metrics: the limits that thresholds are shares of, and the start times of processes.

use crate::support::{
    Asked, Cell, DAY, Doorman, Folder, HOUR, Metrics, Prometheus, START, answer, cells, etcd_heatmap, oracle,
    prometheus_of,
};

const EARLY: i64 = START - HOUR;
const END: i64 = START + 6 * HOUR;

fn labels(member: &str) -> String {
    format!(r#"cluster="c",job="etcd",instance="{member}""#)
}

/// Healthy members with databases of 4 to 5 MB.
fn members(names: &[&str], seconds: std::ops::Range<i64>) -> Metrics {
    let mut metrics = Metrics::default();
    for member in names {
        metrics.member(&labels(member), seconds.clone());
        metrics.series("process_max_fds", &labels(member), seconds.clone(), |_| 1024.0);
    }
    metrics
}

#[track_caller]
fn find<'a>(cells: &'a [Cell], member: Option<&str>, hour: u32) -> &'a Cell {
    let found = cells.iter().find(|cell| cell.member.as_deref() == member && cell.hour == hour);
    found.unwrap_or_else(|| panic!("{member:?} has no cell at {hour}: {cells:?}"))
}

fn quotas() -> Prometheus {
    let mut metrics = members(&["default", "disabled", "small", "lost", "endless"], EARLY..END);
    let quota = "etcd_server_quota_backend_bytes";
    metrics.series(quota, &labels("default"), EARLY..END, |_| 2_147_483_648.0);
    metrics.series(quota, &labels("disabled"), EARLY..END, |_| -1.0);
    // The database reaches 70 % of the quota, then 90 %.
    metrics.series(
        quota,
        &labels("small"),
        EARLY..END,
        |t| if t < START + 3 * HOUR { 5_850_000.0 } else { 4_580_000.0 },
    );
    metrics.series(quota, &labels("lost"), EARLY..START + 2 * HOUR, |_| 2_147_483_648.0);
    metrics.series(quota, &labels("endless"), EARLY..END, |_| f64::INFINITY);
    prometheus_of(&metrics.text())
}

#[test]
fn the_database_size_is_scored_relative_to_its_quota_if_there_is_one() {
    let (prometheus, folder) = (quotas(), Folder::new("quota"));
    let asked = Asked { profile: Some("openshift"), ..Asked::all(&prometheus, START, END) };
    asked.is_answered_exactly(&folder);

    let cells = cells(&folder.text("audit/heatmap.csv"));
    for member in ["default", "disabled", "endless"] {
        assert_eq!(find(&cells, Some(member), 4).mean, Some(10.0), "{member}");
    }
    // db_size has a weight of 0.1: above 65 % of the quota it costs 0.2 points, above 85 % one point.
    assert_eq!(find(&cells, Some("small"), 1).mean, Some(9.8));
    assert_eq!(find(&cells, Some("small"), 4).mean, Some(9.0));
    let lost = find(&cells, Some("lost"), 4);
    assert_eq!((lost.mean, lost.scored, lost.expected), (None, 0, 60), "its quota is missing");
    let cluster = find(&cells, None, 4);
    assert_eq!(cluster.mean, None, "the cluster is unscored with that member");
}

#[test]
fn explain_shows_the_share_of_the_limit() {
    let (prometheus, folder) = (quotas(), Folder::new("quota-explained"));
    let asked = Asked { profile: Some("mixin"), ..Asked::all(&prometheus, START, START + 2 * HOUR) };
    asked.run("backfill", &folder).succeeds();
    let (audit, start, end) = (folder.at("audit"), START + HOUR, START + 2 * HOUR);
    let [start, end] = [start, end].map(|second| second.to_string());
    let run = ["explain", &audit, "--cluster", "c", "--at", &start, "--profile", "mixin"];
    let text = folder.write("explanation.txt", &etcd_heatmap(&run).succeeds().stdout);
    // A negative quota has no share to show. The oracle checks the other members only.
    let printed = std::fs::read_to_string(&text).expect("it was just written");
    assert!(printed.contains("% of quota") && printed.contains("% of max_fds"), "{printed}");
    let disabled = printed.split("\nmember ").find(|block| block.starts_with("disabled")).expect("it is a member");
    assert!(!disabled.contains("% of quota") && disabled.contains("% of max_fds"), "{disabled}");
    let others = printed.replace(&format!("\nmember {disabled}"), "");
    let text = folder.write("others.txt", &others);
    let only = ["--cluster", "c", "--start", &start, "--end", &end, "--profile", "mixin", "--except", "disabled"];
    oracle("explain.py", &[&[audit.as_str(), &text], &only[..]].concat());
}

#[test]
fn explain_and_findings_refuse_a_profile_whose_limits_the_history_lacks_as_score_does() {
    let (prometheus, folder) = (quotas(), Folder::new("no-limits"));
    let without = Asked { evidence: Some("none"), ..Asked::all(&prometheus, START, START + 2 * HOUR) };
    without.run("backfill", &folder).succeeds();
    let audit = folder.at("audit");
    for profile in ["mixin", "openshift", "fleet"] {
        for command in [vec!["explain", "--cluster", "c", "--at", "2026-10-01T01"], vec!["score"], vec!["findings"]] {
            let run = etcd_heatmap(&[&command[..], &[&audit, "--profile", profile]].concat());
            run.fails_saying(&["which the history lacks", profile, "--overwrite"]);
        }
    }
    let explain = ["explain", &audit, "--cluster", "c", "--at", "2026-10-01T01"];
    etcd_heatmap(&explain).succeeds();
    etcd_heatmap(&[&explain[..], &["--profile", "openshift", "--without", "db_size,open_fds"]].concat()).succeeds();
}

#[test]
fn the_steps_after_a_restart_are_marked() {
    let mut metrics = members(&["m1", "m2"], EARLY..END);
    let restarts = [START + 2 * HOUR + 90, START + 3 * HOUR + 3540];
    let name = "process_start_time_seconds";
    metrics.series(name, &labels("m1"), EARLY..END, |t| {
        restarts.into_iter().rev().find(|&at| at <= t).unwrap_or(EARLY - DAY) as f64 + 0.25
    });
    metrics.series(name, &labels("m2"), EARLY..END, |_| (EARLY - DAY) as f64);
    // Another process of the same instance restarts all the time and must be ignored.
    metrics.series(name, r#"cluster="c",job="node",instance="m2""#, EARLY..END, |t| t as f64);
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("restarts"));
    Asked::all(&prometheus, START, END).is_answered_exactly(&folder);

    let cells = cells(&folder.text("audit/heatmap.csv"));
    let marked = |member| (0..6).map(|hour| find(&cells, member, hour).after_restart).collect::<Vec<_>>();
    // The first restart marks the steps from 120 s to 390 s of its hour; the second, at 3540 s, those up to 240 s of
    // the next hour.
    let expected: Vec<_> = [0, 0, 5, 1, 5, 0].map(Some).into();
    assert_eq!((marked(Some("m1")), marked(None)), (expected.clone(), expected));
    assert_eq!(marked(Some("m2")), [Some(0); 6]);
    let explained = etcd_heatmap(&["explain", &folder.at("audit"), "--cluster", "c", "--at", "2026-10-01T02"]);
    let text = explained.succeeds().stdout;
    assert!(text.contains("member m1: ") && text.contains("60 of 60 steps scored, 5 just after a restart"), "{text}");
}

#[test]
fn a_limit_without_series_stops_the_run_with_remedies() {
    let prometheus = prometheus_of(&members(&["m1"], EARLY..END).text());
    let folder = Folder::new("no-quota");
    let asked = Asked { profile: Some("mixin"), ..Asked::all(&prometheus, START, END) };
    asked.run("backfill", &folder).fails_saying(&["quota", "db_size", "quota.promql", "--without db_size", "seed"]);
    Asked { without: Some("db_size"), ..asked }.is_answered_exactly(&folder);
}

#[test]
fn scoring_is_refused_with_remedies_if_the_history_lacks_a_limit_of_the_profile() {
    let (prometheus, folder) = (quotas(), Folder::new("no-limits"));
    Asked { evidence: Some("none"), ..Asked::all(&prometheus, START, END) }.run("pull", &folder).succeeds();
    let score = |flags: &[&str]| etcd_heatmap(&[&["score", "--quiet", &folder.at("audit")], flags].concat());
    score(&["--profile", "fleet"]).fails_saying(&["fleet", "open_fds", "max_fds", "--overwrite", "--without open_fds"]);
    score(&["--compare", "seed,fleet"]).fails_saying(&["fleet", "max_fds"]);
    let without = ["--profile", "fleet", "--without", "open_fds", "--without", "db_size"];
    score(&without).succeeds();
    oracle("score.py", &[&[folder.at("audit").as_str(), "--step", "60"], &without[..]].concat());
}

#[test]
fn a_pull_extends_a_history_with_the_same_columns() {
    let mut metrics = members(&["m1"], EARLY..START + 2 * DAY);
    // The start time only exists on the second day.
    metrics.series("process_start_time_seconds", &labels("m1"), START + DAY..START + 2 * DAY, |_| 1e9);
    let prometheus = prometheus_of(&metrics.text());
    let day = |number: i64| Asked::all(&prometheus, START + (number - 1) * DAY, START + number * DAY);
    let with_it = Folder::new("start-time-known");
    day(2).run("pull", &with_it).succeeds();
    Asked { start: START, end: START + 2 * DAY, ..day(2) }.is_answered_exactly(&with_it);

    let without_it = Folder::new("start-time-unknown");
    day(1).run("backfill", &without_it).succeeds();
    day(2).run("backfill", &without_it).succeeds();
    let cells = cells(&without_it.text("audit/heatmap.csv"));
    assert!(cells.len() == 96 && cells.iter().all(|cell| cell.after_restart.is_none()), "missing, not 0");
    oracle("score.py", &[&without_it.at("audit"), "--step", "60"]);
}

/// Two members with two series of a limit each. Databases of 4 to 5 MB reach 90 % of the smaller quota and hardly
/// anything of the greater one. At least 60 descriptors are open, of which the smaller limit allows 64.
fn two_limits(seconds: std::ops::Range<i64>) -> Prometheus {
    let mut metrics = members(&["m1", "m2"], seconds.clone());
    let series = |member: &str, pod: &str| format!(r#"{},pod="{pod}""#, labels(member));
    for (member, pod, quota) in
        [("m1", "a", 4_580_000.0), ("m1", "b", 2_147_483_648.0), ("m2", "a", -1.0), ("m2", "b", 4_580_000.0)]
    {
        metrics.series("etcd_server_quota_backend_bytes", &series(member, pod), seconds.clone(), |_| quota);
    }
    metrics.series("process_max_fds", &series("m1", "b"), seconds, |_| 64.0);
    prometheus_of(&metrics.text())
}

#[test]
fn the_smaller_of_two_limits_of_a_member_is_used_in_a_history() {
    let (prometheus, folder) = (two_limits(EARLY..END), Folder::new("two-limits"));
    let asked = Asked { profile: Some("openshift"), ..Asked::all(&prometheus, START, END) };
    asked.is_answered_exactly(&folder);
    // Above 85 % of the quota costs one point of ten, above 80 % of the descriptors another one.
    let cells = cells(&folder.text("audit/heatmap.csv"));
    let mean = |member| find(&cells, Some(member), 4).mean;
    assert_eq!((mean("m1"), mean("m2")), (Some(8.0), Some(9.0)));
}

#[test]
fn the_smaller_of_two_limits_of_a_member_is_used_live() {
    let now = chrono::Utc::now().timestamp();
    let prometheus = two_limits(now - HOUR..now + 300);
    let live = ["textfile", "--quiet", "--url", &prometheus.url(), "--profile", "openshift", "--query-offset", "1m"];
    let text = etcd_heatmap(&live).succeeds().stdout;
    for (member, metric, value) in
        [("m1", "quota", 4_580_000.0), ("m2", "quota", 4_580_000.0), ("m1", "max_fds", 64.0), ("m2", "max_fds", 1024.0)]
    {
        let start = format!(r#"etcd_reading{{cluster="c",member="{member}",metric="{metric}"}} "#);
        let found = text.lines().find_map(|line| line.strip_prefix(&start)).and_then(|value| value.parse::<f64>().ok());
        assert_eq!(found, Some(value), "{member} {metric}:\n{text}");
    }
}

/// The companions that the manifest of `folder/audit` names.
fn pulled(folder: &Folder) -> Vec<String> {
    let manifest: serde_json::Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("JSON");
    let queries = manifest["queries"].as_object().expect("the queries");
    let beside = ["quota", "max_fds", "has_leader", "is_leader", "proposals_pending"];
    queries.keys().filter(|name| beside.contains(&name.as_str())).cloned().collect()
}

#[test]
fn a_pull_reads_what_findings_need_unless_it_is_told_not_to() {
    let mut metrics = members(&["m1"], EARLY..END);
    metrics.series("etcd_server_is_leader", &labels("m1"), EARLY..END, |_| 1.0);
    metrics.series("etcd_server_quota_backend_bytes", &labels("m1"), EARLY..END, |_| 2_147_483_648.0);
    let prometheus = prometheus_of(&metrics.text());
    let pull = |evidence: Option<&str>| {
        let folder = Folder::new("evidence");
        let asked = Asked { evidence, ..Asked::all(&prometheus, START, START + HOUR) };
        asked.is_answered_exactly(&folder);
        pulled(&folder)
    };
    // What the server does not have is not missed.
    assert_eq!(pull(None), ["has_leader", "is_leader", "max_fds", "quota"]);
    assert_eq!(pull(Some("auto")), pull(None));
    assert!(pull(Some("none")).is_empty());
}

#[test]
fn what_a_server_refuses_to_search_for_is_asked_for_by_itself_or_said_to_be_left_out() {
    let prometheus = prometheus_of(&members(&["m1"], EARLY..END).text());
    let is_search = |request: &str| request.contains("count+by+%28__name__%29");
    let is_series = |request: &str| request.lines().next().unwrap_or_default().contains("/api/v1/series");
    let through = |refusal: String, with_series: bool| {
        let judge =
            move |request: &str| (is_search(request) || (is_series(request) && !with_series)).then(|| refusal.clone());
        let (doorman, folder) = (Doorman::before(prometheus.server().port(), judge), Folder::new("no-search"));
        let (start, end) = (START.to_string(), (START + HOUR).to_string());
        let pull = ["pull", "--url", &doorman.url(""), "--start", &start, "--end", &end, "--retries", "1"];
        let run = etcd_heatmap(&[&pull[..], &["--out", &folder.at("audit")]].concat()).succeeds();
        assert!(doorman.seen().iter().any(|request| is_search(request)), "nothing was searched");
        (run.stderr, pulled(&folder))
    };
    let json = "Content-Type: application/json\r\n";
    let refused = r#"{"status":"error","errorType":"execution","error":"queries over all names are not allowed"}"#;
    for refusal in [
        answer("422 Unprocessable Entity", json, refused),
        answer("422 Unprocessable Entity", "", "queries over all names are not allowed"),
        answer("400 Bad Request", json, &refused.replace("execution", "bad_data")),
        answer("403 Forbidden", "", "queries over all names are not allowed"),
        answer("500 Internal Server Error", "", "queries over all names are not allowed"),
    ] {
        let (said, columns) = through(refusal.clone(), false);
        assert!(said.contains("left out, because the search for evidence of causes failed"), "{said}");
        // Each is asked for by itself then. Whether there is what has no value at the sampled steps stays unknown.
        assert!(said.contains("not allowed") && said.contains("is_leader") && !said.contains("has_leader"), "{said}");
        assert_eq!(columns, ["has_leader", "max_fds"], "{said}");
        // Where the series can be looked up, it is known.
        let (said, columns) = through(refusal, true);
        assert!(!said.contains("left out"), "{said}");
        assert_eq!(columns, ["has_leader", "max_fds"]);
    }
}
