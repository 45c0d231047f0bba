//! Look-ups beside the queries of a pull (labels, series, the status of a server): 404 and 501 mean that a server does
//! not offer them, and nothing follows from any other refusal.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::support::{
    Doorman, Folder, HOUR, Metrics, Prometheus, Run, START, answer, etcd_heatmap, needed, prometheus_of,
    prometheus_with,
};

const TOO_MANY: &str = "query processing would load too many samples into memory in query execution";

/// A refusal in the form of the API.
fn refusal(status: &str, kind: &str, message: &str) -> String {
    let body = serde_json::json!({"status": "error", "errorType": kind, "error": message}).to_string();
    answer(status, "Content-Type: application/json\r\n", &body)
}

/// Stands before a server and answers every request that contains `path` itself.
fn refusing(behind: &Prometheus, path: &'static str, refusal: String) -> Doorman {
    Doorman::before(behind.server().port(), move |request| {
        let line = request.lines().next().unwrap_or_default();
        line.contains(path).then(|| refusal.clone())
    })
}

/// Four clusters of three members over three hours.
fn twelve_members() -> String {
    let mut metrics = Metrics::default();
    for cluster in ["a", "b", "c", "d"] {
        for member in ["m1", "m2", "m3"] {
            let labels = format!("cluster=\"{cluster}\",job=\"etcd\",instance=\"{member}\"");
            metrics.member(&labels, START - 26 * HOUR..START + HOUR);
        }
    }
    metrics.text()
}

const AN_HOUR: [&str; 6] = ["--start", "2026-10-01T00:00:00Z", "--end", "2026-10-01T01:00:00Z", "--series", "raw"];

fn backfill(url: &str, folder: &Folder, flags: &[&str]) -> Run {
    let backfill = ["backfill", "--formats", "csv", "--out", &folder.at("audit"), "--url", url];
    etcd_heatmap(&[&backfill, &AN_HOUR[..], flags].concat())
}

/// The cells that come of a server without anybody in between.
fn expected(url: &str) -> String {
    let folder = Folder::new("undisturbed");
    backfill(url, &folder, &["--quiet"]).succeeds();
    folder.text("audit/heatmap.csv")
}

#[test]
fn a_query_that_cannot_be_split_is_refused_with_the_reason() {
    // Not even one step of one series.
    let limited = prometheus_with(&twelve_members(), &["--query.max-samples=3"]);
    for (refusal, words) in [
        (answer("401 Unauthorized", "", ""), ["401", "login"]),
        (answer("403 Forbidden", "", ""), ["403", "login"]),
        (
            refusal("422 Unprocessable Entity", "execution", "label values are off"),
            ["execution", "label values are off"],
        ),
        (answer("503 Service Unavailable", "", "no label values today"), ["503", "no label values today"]),
        (answer("200 OK", "", "<html>"), ["a web page", "--url"]),
        (
            answer("200 OK", "", "{\"status\":\"success\",\"data\":7}"),
            ["/label/cluster/values", "not from the Prometheus API"],
        ),
        (answer("404 Not Found", "", ""), ["does not offer", "label values"]),
        (answer("501 Not Implemented", "", ""), ["does not offer", "label values"]),
        (answer("200 OK", "", "{\"status\":\"success\",\"data\":[]}"), ["have no label", "instance"]),
    ] {
        let server = refusing(&limited, "/api/v1/label/", refusal);
        let folder = Folder::new("unsplit");
        let run = backfill(&server.url(""), &folder, &["--quiet", "--retries", "0"]);
        run.fails_saying(
            &[&["too many samples", "cannot be split by cluster and member", "--selector"], &words[..]].concat(),
        );
        assert!(!run.stderr.contains("even for a single"), "it asked for all members: {run:?}");
    }
}

#[test]
fn without_label_values_shorter_windows_are_queried() {
    let text = twelve_members();
    // A day of one series and one step of all members, but not sixteen steps of them.
    let (free, limited) = (prometheus_of(&text), prometheus_with(&text, &["--query.max-samples=1500"]));
    let expected = expected(&free.url());
    for refusal in [answer("403 Forbidden", "", ""), answer("404 Not Found", "", "")] {
        let server = refusing(&limited, "/api/v1/label/", refusal);
        let folder = Folder::new("short-windows");
        let run = backfill(&server.url(""), &folder, &[]).succeeds();
        assert_eq!(folder.text("audit/heatmap.csv"), expected);
        assert!(run.stderr.contains("halved") && !run.stderr.contains("split by"), "{run:?}");
    }
}

#[test]
fn a_refused_series_lookup_does_not_change_the_result() {
    let prometheus = prometheus_of(&twelve_members());
    let expected = expected(&prometheus.url());
    const NOTE: &str = "a lookup of series failed: ";
    for (refusal, words) in [
        (answer("403 Forbidden", "", ""), "403"),
        (refusal("422 Unprocessable Entity", "execution", "too many series"), "too many series"),
        (answer("404 Not Found", "", ""), ""),
    ] {
        let server = refusing(&prometheus, "/api/v1/series", refusal);
        let folder = Folder::new("no-series");
        let run = backfill(&server.url(""), &folder, &["--retries", "0"]).succeeds();
        assert_eq!(folder.text("audit/heatmap.csv"), expected);
        assert_eq!(run.stderr.matches(NOTE).count(), usize::from(!words.is_empty()), "{words}: {run:?}");
        assert!(run.stderr.contains(words), "{run:?}");
    }
}

#[test]
fn queries_are_retried_after_a_lookup_has_used_up_its_retries() {
    let prometheus = prometheus_of(&twelve_members());
    let expected = expected(&prometheus.url());
    let seen = Mutex::new(BTreeSet::new());
    let server = Doorman::before(prometheus.server().port(), move |request| {
        let line = request.lines().next().unwrap_or_default();
        let is_lookup = line.contains("/api/v1/series");
        // Each query is refused once.
        let is_new = line.contains("/api/v1/query_range") && seen.lock().ok()?.insert(request.to_owned());
        (is_lookup || is_new).then(|| answer("503 Service Unavailable", "", "busy"))
    });
    let folder = Folder::new("lookup-exhausted");
    let run = backfill(&server.url(""), &folder, &["--retries", "1", "--concurrency", "1"]).succeeds();
    assert_eq!(folder.text("audit/heatmap.csv"), expected);
    assert!(run.stderr.contains("a lookup of series failed"), "{run:?}");
}

fn check(url: &str, flags: &[&str]) -> Run {
    etcd_heatmap(&[&["check", "--url", url, "--retries", "0"], &AN_HOUR[..], flags].concat())
}

#[test]
fn check_draws_no_conclusion_from_a_refused_lookup() {
    let other_job = prometheus_of(&twelve_members());
    let elsewhere = ["--selector", "job=\"no-such-job\""];
    for (refusal, words) in [
        (answer("401 Unauthorized", "", ""), "401"),
        (refusal("422 Unprocessable Entity", "execution", TOO_MANY), "too many samples"),
        (refusal("503 Service Unavailable", "timeout", "query timed out"), "timed out"),
        (answer("404 Not Found", "", ""), "404"),
        (answer("200 OK", "", "{\"status\":\"success\",\"data\":{\"result\":[]},\"isPartial\":true}"), "partial data"),
    ] {
        let run = check(&refusing(&other_job, "/api/v1/label/", refusal.clone()).url(""), &elsewhere);
        let wrong = run.stdout.lines().find(|line| line.starts_with("wrong")).unwrap_or_default();
        assert!(wrong.contains("no-such-job") && wrong.contains(words), "{run:?}");
        assert!(wrong.contains("could not find out which jobs there are"), "{run:?}");
        assert!(!wrong.contains("no job on this server"), "{run:?}");
        // Without the series API, each day is queried.
        let run = check(&refusing(&other_job, "/api/v1/series", refusal).url(""), &elsewhere);
        assert!(run.stdout.contains("--selector 'job=\"etcd\"'"), "{run:?}");
    }
    let run = check(&other_job.url(), &elsewhere);
    assert!(run.stdout.contains("--selector 'job=\"etcd\"'"), "it is there: {run:?}");
}

/// The version that a Prometheus prints.
fn version() -> String {
    let mut prometheus = needed("prometheus", "prometheus");
    prometheus.arg("--version");
    let run = Run::of(prometheus);
    let text = run.stdout + &run.stderr;
    text.split_whitespace().nth(2).expect("prometheus, version X").to_owned()
}

#[test]
fn a_server_with_a_refused_status_page_can_be_pulled_from() {
    let prometheus = prometheus_of(&twelve_members());
    let named = format!("Prometheus {}", version());
    let (keeps, unknown, silent) = ("keeps 100y", "retention unknown", "retention not reported");
    for (path, status, name, retention) in [
        ("/api/v1/status/buildinfo", "403 Forbidden", "of unknown kind", keeps),
        ("/api/v1/stores", "422 Unprocessable Entity", "of unknown kind", keeps),
        ("/api/v1/status", "401 Unauthorized", "of unknown kind", unknown),
        ("/api/v1/status/runtimeinfo", "403 Forbidden", &named, unknown),
        ("/api/v1/status/runtimeinfo", "404 Not Found", &named, silent),
        ("/api/v1/status", "501 Not Implemented", "of unknown kind", silent),
    ] {
        let server = refusing(&prometheus, path, answer(status, "", ""));
        let run = check(&server.url(""), &[]).succeeds();
        let line = format!("server   {name} at {}, {retention}", server.url(""));
        assert_eq!(run.stdout.lines().next(), Some(&*line), "{path} {status}");
        let is_offered = !matches!(&status[..3], "404" | "501");
        let note = run.stdout.lines().find(|line| line.starts_with("note     cannot identify the server"));
        assert_eq!(
            note.is_some_and(|note| note.contains(&status[..3]) || note.contains("reason")),
            is_offered,
            "{run:?}"
        );
        assert!(run.stdout.contains("ready    a pull would work"), "{run:?}");
    }
    // The buildinfo of a Prometheus needs no confirmation by its metrics.
    let server = refusing(&prometheus, "/metrics", answer("403 Forbidden", "", ""));
    let run = check(&server.url(""), &[]).succeeds();
    assert!(run.stdout.starts_with(&format!("server   {named} at ")) && !run.stdout.contains("identify"), "{run:?}");
    // With --server, nothing is asked that a managed service may refuse.
    let server = refusing(&prometheus, "/status", answer("403 Forbidden", "", ""));
    for (kind, name) in [("managed", "managed service"), ("prometheus", "Prometheus"), ("thanos", "Thanos")] {
        let run = check(&server.url(""), &["--server", kind]).succeeds();
        let line = format!("server   {name} at {}, {silent}", server.url(""));
        assert_eq!(run.stdout.lines().next(), Some(&*line));
        assert!(!run.stdout.contains("identify"), "{run:?}");
    }
}

#[test]
fn a_refused_retention_lookup_is_reported_as_such() {
    let prometheus = prometheus_of(&twelve_members());
    let folder = Folder::new("retention");
    let backfill = |url: &str| {
        let flags = ["backfill", "--quiet", "--sample", "--out", &folder.at("audit"), "--retries", "0"];
        etcd_heatmap(&[&flags[..], &["--retention", url]].concat())
    };
    let forbidden = refusing(&prometheus, "/api/v1/status/", answer("403 Forbidden", "", ""));
    backfill(&forbidden.url("")).fails_saying(&["403", "login"]);
    let silent = refusing(&prometheus, "/api/v1/status/", answer("404 Not Found", "", ""));
    backfill(&silent.url("")).fails_saying(&["does not report its retention", "--retention"]);
}
