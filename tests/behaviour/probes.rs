//! What `check` and a pull look for before they pull: at what cost, and what they say of what they did not find.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{
    DAY, Doorman, Folder, HOUR, METRICS, Metrics, Run, START, answer, behind, case, cells, etcd_heatmap,
    native_histograms, prometheus_of, until,
};

fn check(url: &str, flags: &[&str]) -> Run {
    etcd_heatmap(&[&["check", "--url", url][..], flags].concat())
}

fn pull(url: &str, folder: &Folder, flags: &[&str]) -> Run {
    etcd_heatmap(&[&["pull", "--url", url, "--out", &folder.at("audit")][..], flags].concat())
}

fn line<'a>(run: &'a Run, start: &str) -> &'a str {
    run.stdout.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no line {start}: {run:?}"))
}

/// The queries of the folder's manifest.
fn queries(folder: &Folder) -> Value {
    let manifest: Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("the manifest is JSON");
    manifest["queries"].clone()
}

fn days(folder: &Folder) -> usize {
    folder.tree("audit/history").len()
}

/// The two days of most cases, which begin at 2026-11-20.
const CASE: [&str; 4] = ["--start", "2026-11-20", "--end", "2026-11-22"];

/// Steps of all range and instant queries that a proxy forwarded, and the longest span of one, in seconds.
fn cost(doorman: &Doorman) -> (i64, i64) {
    let (mut steps, mut longest) = (0, 0);
    for request in doorman.seen() {
        let line = request.lines().next().unwrap_or_default();
        if !line.contains("/api/v1/query") {
            continue;
        }
        let form = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let query = line.split_once('?').map_or("", |(_, rest)| rest.split(' ').next().unwrap_or_default());
        let fields: BTreeMap<String, String> =
            url::form_urlencoded::parse(format!("{form}&{query}").as_bytes()).into_owned().collect();
        let number = |name: &str| fields.get(name).and_then(|value| value.parse::<i64>().ok());
        let span = number("end").zip(number("start")).map_or(0, |(end, start)| end - start);
        steps += number("step").map_or(1, |step| span / step + 1);
        longest = longest.max(span);
    }
    (steps, longest)
}

/// A member over so many days, with a sample every two and a half minutes: rates always see two.
fn member(days: i64) -> Metrics {
    let mut metrics = Metrics::every(150);
    metrics.member("job=\"etcd\",instance=\"a\"", START..START + days * DAY - HOUR);
    metrics
}

#[test]
fn check_of_a_month_costs_two_percent_of_the_pull_and_no_query_spans_more_than_a_day() {
    let month = member(30).text();
    let without_db_size =
        month.lines().filter(|line| !line.contains("db_total_size")).collect::<Vec<_>>().join("\n") + "\n";
    for (text, flags) in [(&month, &[][..]), (&without_db_size, &[]), (&month, &["--rate-window", "15m"])] {
        let prometheus = prometheus_of(text);
        let doorman = Doorman::before(prometheus.server().port(), |_| None);
        let range = ["--start", "2026-10-01", "--end", "2026-10-31"];
        check(&doorman.url(""), &[&range[..], flags].concat());
        let (steps, longest) = cost(&doorman);
        // Six metrics and the start time, once a minute.
        let pulled = 7 * 30 * 24 * 60;
        assert!(steps * 100 <= pulled * 2, "{steps} steps, and a pull has {pulled}");
        assert!(longest <= DAY, "a query spans {longest} s");
    }
}

#[test]
fn check_of_a_year_at_one_second_samples_it() {
    let prometheus = prometheus_of(&member(3).text());
    let doorman = Doorman::before(prometheus.server().port(), |_| None);
    let range = ["--start", "2025-10-04", "--end", "2026-10-04", "--step", "1s"];
    let run = check(&doorman.url(""), &range);
    assert!(line(&run, "note").contains("left out: 362 days before 2026-10-01"), "{run:?}");
    let (steps, longest) = cost(&doorman);
    assert!(steps < 200_000 && longest <= DAY, "{steps} steps, {longest} s");
}

#[test]
fn days_before_and_after_those_with_series_are_left_out() {
    let prometheus = prometheus_of(&member(3).text());
    for (start, end, words) in [
        ("1900-01-01", "2026-10-04", &["left out: 46,294 days before 2026-10-01"][..]),
        ("2020-01-01", "2026-10-20", &["left out: 2,465 days before 2026-10-01 and 15 days after 2026-10-04"]),
        ("2026-09-30", "2026-10-04", &["left out: 1 day before 2026-10-01"]),
        ("2026-10-02", "2026-10-03", &[]),
    ] {
        let folder = Folder::new("left-out");
        let range = ["--start", start, "--end", end, "--step", "5m"];
        let run = pull(&prometheus.url(), &folder, &range).succeeds();
        for word in words {
            assert!(run.stderr.contains(word), "{word}: {run:?}");
        }
        assert_eq!(run.stderr.contains("left out"), !words.is_empty(), "{run:?}");
        let expected = if start == "2026-10-02" { 1 } else { 3 + usize::from(end == "2026-10-20") };
        assert_eq!(days(&folder), expected, "{start}");
        let checked = check(&prometheus.url(), &range).succeeds();
        for word in words {
            assert!(checked.stdout.contains(word), "{word}: {checked:?}");
        }
    }
}

#[test]
fn days_are_found_without_the_series_api_and_when_it_knows_recent_series_only() {
    let prometheus = prometheus_of(&member(3).text());
    let range = ["--start", "2026-09-25", "--end", "2026-10-06", "--step", "5m"];
    let refused = Doorman::before(prometheus.server().port(), |request| {
        request.contains("/api/v1/series?").then(|| answer("403 Forbidden", "", ""))
    });
    // As of a server whose series API reads the last day only.
    let recent = Doorman::before(prometheus.server().port(), |request| {
        let end = request.split("&end=").nth(1).map_or("", |rest| rest.split(['&', ' ']).next().unwrap_or_default());
        let is_old = end.parse::<i64>().is_ok_and(|end| end < START + 2 * DAY);
        (request.contains("/api/v1/series?") && is_old)
            .then(|| answer("200 OK", "", r#"{"status":"success","data":[]}"#))
    });
    for (doorman, expected) in [(refused, 4), (recent, 11)] {
        let folder = Folder::new("no-series-api");
        pull(&doorman.url(""), &folder, &[&range[..], &["--retries", "0"]].concat()).succeeds();
        assert_eq!(days(&folder), expected);
        let text = folder.tree("audit/history");
        assert!(text.keys().any(|name| name.contains("2026-10-01")), "the first day is there");
    }
}

#[test]
fn slow_scrapes_are_measured_and_a_longer_rate_window_suffices() {
    let slow = case("slow_scrapes");
    let run = check(&slow.url(), &CASE);
    assert_eq!(run.code, Some(1), "{run:?}");
    let wrong: Vec<_> = run.stdout.lines().filter(|line| line.starts_with("wrong")).collect();
    let words = ["scraped every 4 min", "rate[5m] sees two samples in 25 % of windows", "--rate-window 15m"];
    assert!(words.iter().all(|word| wrong[0].contains(word)), "{run:?}");
    assert_eq!(wrong.len(), 3, "fsyncs, commits and traffic: {run:?}");
    assert!(!run.stdout.contains("none") && !run.stdout.contains("ready"), "{run:?}");

    let flags = [&CASE[..], &["--rate-window", "15m"]].concat();
    let run = check(&slow.url(), &flags).succeeds();
    assert!(!run.stdout.contains("scraped every"), "{run:?}");
    let folder = Folder::new("rate-window");
    pull(&slow.url(), &folder, &flags).succeeds();
    let promql = queries(&folder)["wal_fsync"]["promql"].as_str().unwrap_or_default().to_owned();
    assert!(promql.contains("[15m]"), "{promql}");
    etcd_heatmap(&["score", "--quiet", &folder.at("audit")]).succeeds();
}

#[test]
fn scrapes_too_slow_for_any_rate_stop_a_pull_with_the_window_that_suffices() {
    for (every, words) in [
        (600, &["wal_fsync", "scraped every 10 min", "never sees two samples", "--rate-window 30m"][..]),
        (420, &["wal_fsync", "scraped every 7 min", "--rate-window 30m"]),
        (300, &["wal_fsync", "scraped every 5 min", "hardly ever sees two samples", "--rate-window 15m"]),
    ] {
        let mut metrics = Metrics::every(every);
        // Off the grid of the steps, as real scrapes are.
        metrics.member("job=\"etcd\",instance=\"a\"", START + 17..START + DAY);
        let text: String = metrics
            .text()
            .lines()
            .map(|line| {
                match line.rsplit_once(' ').and_then(|(series, second)| Some((series, second.parse::<i64>().ok()?))) {
                    Some((series, second)) if !line.starts_with('#') => format!("{series} {}\n", second + 17),
                    _ => format!("{line}\n"),
                }
            })
            .collect();
        let prometheus = prometheus_of(&text);
        let folder = Folder::new("too-slow");
        let range = ["--start", "2026-10-01", "--end", "2026-10-02"];
        pull(&prometheus.url(), &folder, &range).fails_saying(words);
        let run = check(&prometheus.url(), &range);
        assert_eq!(run.code, Some(1));
        assert!(words.iter().all(|word| run.stdout.contains(word)), "{words:?}: {run:?}");
    }
}

#[test]
fn an_idle_etcd_is_known_but_has_no_p99() {
    let mut metrics = Metrics::default();
    for metric in METRICS.into_iter().filter(|metric| !metric.contains("fsync") && !metric.contains("commit")) {
        metrics.raw(metric, "job=\"etcd\",instance=\"a\"", START..START + DAY);
    }
    metrics.series("etcd_server_has_leader", "job=\"etcd\",instance=\"a\"", START..START + DAY, |_| 1.0);
    for histogram in ["etcd_disk_wal_fsync_duration_seconds", "etcd_disk_backend_commit_duration_seconds"] {
        for le in ["0.001", "0.008", "+Inf"] {
            let labels = format!("job=\"etcd\",instance=\"a\",le=\"{le}\"");
            metrics.series(&format!("{histogram}_bucket"), &labels, START..START + DAY, |_| 7.0);
        }
    }
    let prometheus = prometheus_of(&metrics.text());
    let range = ["--start", "2026-10-01", "--end", "2026-10-02"];
    let run = check(&prometheus.url(), &range);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(line(&run, "wal_fsync").contains("known, but no fsync in any window (p99 is NaN)"), "{run:?}");
    assert!(line(&run, "backend_commit").contains("known, but no commit in any window (p99 is NaN)"), "{run:?}");
    assert!(!run.stdout.contains("no series of"), "{run:?}");
    check(&prometheus.url(), &[&range[..], &["--without", "wal_fsync", "--without", "backend_commit"]].concat())
        .succeeds();
    // It is evidence all the same.
    let folder = Folder::new("idle");
    pull(&prometheus.url(), &folder, &range).succeeds();
}

#[test]
fn an_allow_list_without_has_leader_leaves_open_fds_scored() {
    let allowed = case("allow_list");
    let folder = Folder::new("allow-list");
    let run = check(&allowed.url(), &CASE[..2].iter().chain(&["--end", "2026-11-21"]).copied().collect::<Vec<_>>());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(line(&run, "open_fds").ends_with("pulled"), "{run:?}");
    pull(&allowed.url(), &folder, &["--start", "2026-11-20", "--end", "2026-11-21"]).succeeds();
    etcd_heatmap(&["score", "--quiet", &folder.at("audit")]).succeeds();
    let cells = cells(&folder.text("audit/heatmap.csv"));
    // Only the first minute has no rates yet.
    assert!(cells.iter().all(|cell| cell.scored + 1 >= cell.expected), "open_fds is missing");
    // The next day keeps the query.
    pull(&allowed.url(), &folder, &["--start", "2026-11-20", "--end", "2026-11-22"]).succeeds();
}

#[test]
fn any_series_of_etcd_shows_whose_descriptors_are_etcds() {
    let labels = |instance: &str| format!("job=\"x\",instance=\"{instance}\"");
    for (helper, is_etcd) in [
        ("etcd_mvcc_db_total_size_in_bytes", true),
        ("etcd_server_leader_changes_seen_total", true),
        ("etcd_network_client_grpc_received_bytes_total", true),
        ("etcd_server_has_leader", true),
        ("http_requests_total", false),
    ] {
        let mut metrics = Metrics::default();
        for instance in ["a", "b"] {
            metrics.series("process_open_fds", &labels(instance), START..START + HOUR, |_| 70.0);
        }
        metrics.series(helper, &labels("a"), START..START + HOUR, |_| 1.0);
        let prometheus = prometheus_of(&metrics.text());
        let mut flags = vec!["--start", "2026-10-01", "--end", "2026-10-01T01:00:00Z"];
        for metric in METRICS.into_iter().filter(|metric| *metric != "open_fds") {
            flags.extend(["--without", metric]);
        }
        let run = check(&prometheus.url(), &flags);
        if is_etcd {
            let words: Vec<_> = line(&run, "open_fds").split_whitespace().collect();
            assert_eq!((words[2], words[words.len() - 1]), ("1", "pulled"), "{helper}: {run:?}");
        } else {
            assert_eq!(run.code, Some(1), "{helper}: {run:?}");
        }
    }
}

#[test]
fn a_process_without_any_series_of_etcd_is_refused_with_the_helper_that_is_missing() {
    let mut metrics = Metrics::default();
    metrics.member("job=\"etcd\",instance=\"a\"", START..START + HOUR);
    let text = metrics.text().replace("process_open_fds{job=\"etcd\"", "process_open_fds{job=\"node\"");
    let prometheus = prometheus_of(&text);
    let run = check(&prometheus.url(), &["--start", "2026-10-01", "--end", "2026-10-01T01:00:00Z"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let wrong = line(&run, "wrong");
    assert!(wrong.contains("open_fds") && wrong.contains("etcd_server_has_leader"), "{run:?}");
}

#[test]
fn a_metric_of_other_times_is_named_with_them() {
    let mut metrics = member(1).without(&["etcd_mvcc_db_total_size"]);
    metrics.raw("db_size", "job=\"etcd\",instance=\"a\"", START + 7 * HOUR..START + 9 * HOUR);
    let prometheus = prometheus_of(&metrics.text());
    for (range, words) in [
        (
            ["2026-10-01T00:00:00Z", "2026-10-01T06:00:00Z"],
            &["no series of db_size", "some from 2026-10-01T06:00:00Z to 2026-10-01T09:00:00Z"][..],
        ),
        (["2026-10-01T12:00:00Z", "2026-10-01T18:00:00Z"], &["no series of db_size", "some from 2026-10-01T06:00:00Z"]),
    ] {
        let run = check(&prometheus.url(), &["--start", range[0], "--end", range[1]]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(words.iter().all(|word| line(&run, "wrong").contains(word)), "{run:?}");
        assert_eq!(run.stdout.matches("no series of db_size").count(), 1, "said once: {run:?}");
    }
    // Within the range, but at none of the sampled times of a longer one.
    let run = check(&prometheus.url(), &["--start", "2026-10-01", "--end", "2026-10-02"]);
    assert!(line(&run, "db_size").contains("2026-10-01T0"), "it is found: {run:?}");
}

#[test]
fn a_refused_look_back_is_no_evidence_that_there_is_no_job() {
    let base = case("base");
    let gate = behind(&base.url(), &["long-instant"]);
    let elsewhere = ["--start", "2026-10-01", "--end", "2026-11-22", "--selector", "job=\"no-such\""];
    let run = check(&gate.url(), &elsewhere);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(line(&run, "wrong").contains("--selector 'job=\"etcd\"'") && !run.stdout.contains("no job"), "{run:?}");
    // Whatever is refused, its words are there.
    let refusing = Doorman::before(base.server().port(), |request| {
        let body = r#"{"status":"error","errorType":"execution","error":"labels are off today"}"#;
        request.contains("/api/v1/label/").then(|| answer("422 Unprocessable Entity", "", body))
    });
    let run = check(&refusing.url(""), &[&elsewhere[..], &["--retries", "0"]].concat());
    let words = ["could not find out which jobs there are", "labels are off today"];
    assert!(words.iter().all(|word| line(&run, "wrong").contains(word)) && !run.stdout.contains("no job"), "{run:?}");
}

#[test]
fn native_histograms_are_read_where_there_are_no_buckets() {
    let (prometheus, _target) = native_histograms();
    let native = "/api/v1/query?query=count_over_time(etcd_disk_wal_fsync_duration_seconds%5B1h%5D)%20%3E%208";
    until("some scrapes", || prometheus.server().ask("GET", native, "")?.contains("instance").then_some(()));
    let range = ["--start", "now-4s", "--end", "now", "--step", "1s"];
    let run = check(&prometheus.url(), &range);
    assert_eq!(line(&run, "wal_fsync").split_whitespace().nth(1), Some("native"), "{run:?}");
    assert!(line(&run, "wal_fsync").ends_with("pulled"), "{run:?}");
    let folder = Folder::new("native-pull");
    pull(&prometheus.url(), &folder, &range).succeeds();
    assert_eq!(queries(&folder)["backend_commit"]["form"], "native");
    etcd_heatmap(&["score", "--quiet", &folder.at("audit"), "--formats", "csv"]).succeeds();
    let scored: Vec<_> = cells(&folder.text("audit/heatmap.csv")).into_iter().filter(|cell| cell.scored > 0).collect();
    // Fsyncs and commits of 6 ms, by the bounds of the bucket: no points are lost.
    assert!(!scored.is_empty() && scored.iter().all(|cell| cell.mean == Some(10.0)), "{run:?}");

    // A server that has them and cannot evaluate them.
    let refusing = Doorman::before(prometheus.server().port(), |request| {
        let body = r#"{"status":"error","errorType":"execution","error":"native histograms are off"}"#;
        let is_native = request.contains("histogram_quantile") && request.contains("+or+");
        is_native.then(|| answer("422 Unprocessable Entity", "", body))
    });
    let run = pull(&refusing.url(""), &folder, &[&range[..], &["--overwrite"]].concat());
    run.fails_saying(&["wal_fsync", "native histograms only", "native histograms are off", "--without wal_fsync"]);
}

#[test]
fn a_percentile_is_the_same_across_a_change_of_the_bucket_labels() {
    // Prometheus 3 writes le="1.0" where earlier versions kept the target's le="1".
    let mut metrics = Metrics::default();
    metrics.member("job=\"etcd\",instance=\"a\"", START - HOUR..START + 2 * HOUR);
    let metrics_without = metrics.without(&["etcd_disk_wal_fsync"]);
    let mut both = Metrics::default();
    both.append(&metrics_without);
    let labels = |le: &str| format!("job=\"etcd\",instance=\"a\",le=\"{le}\"");
    let name = "etcd_disk_wal_fsync_duration_seconds_bucket";
    let count = |t: i64| (t - START + HOUR) as f64;
    both.series(name, &labels("0.5"), START - HOUR..START + 2 * HOUR, |t| 0.5 * count(t));
    both.series(name, &labels("1"), START - HOUR..START + HOUR, |t| 0.9 * count(t));
    both.series(name, &labels("1.0"), START + HOUR..START + 2 * HOUR, |t| 0.9 * count(t));
    both.series(name, &labels("2"), START - HOUR..START + HOUR, count);
    both.series(name, &labels("2.0"), START + HOUR..START + 2 * HOUR, count);
    both.series(name, &labels("+Inf"), START - HOUR..START + 2 * HOUR, count);
    let prometheus = prometheus_of(&both.text());
    let folder = Folder::new("le");
    let range = ["--start", "2026-10-01", "--end", "2026-10-01T02:00:00Z"];
    pull(&prometheus.url(), &folder, &range).succeeds();
    etcd_heatmap(&["score", "--quiet", &folder.at("audit")]).succeeds();
    // Nine of ten take at most a second, all of them two: the 99th percentile is 1.9 s, at every step.
    let wide = folder.tree("audit/scores");
    assert!(!wide.is_empty());
    let explained =
        etcd_heatmap(&["explain", &folder.at("audit"), "--cluster", "etcd", "--at", "2026-10-01T01:00:00Z"]).succeeds();
    assert!(explained.stdout.contains("1900.00 ms  1900.00 ms"), "{explained:?}");
}
