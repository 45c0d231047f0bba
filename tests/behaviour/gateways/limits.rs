//! Limits of servers in words of their own, and refusals that repeat the request.

use serde_json::json as value;

use crate::support::{Folder, answer, behind};

use super::{backfill, base, gateway, is_query, json, parameters_of, pulls_everything, second};

/// Whether a range query spans more than these hours.
fn spans(request: &str, hours: i64) -> bool {
    request.contains("/query_range") && second(request, "end") - second(request, "start") > hours * 3600
}

#[test]
fn a_limit_that_is_named_in_any_words_is_kept_by_smaller_windows() {
    for words in [
        "the query hit the aggregated data size limit",
        "you may read six hours at once",
        "result would be bigger than 10MiB",
    ] {
        let gate = behind(&base().url(), &["limit-words", words]);
        let run = pulls_everything(&gate.url(), &["--retries", "0"]);
        assert!(run.stderr.contains("windows were halved "), "{run:?}");
    }
}

#[test]
fn a_limit_is_recognized_under_other_statuses_and_forms() {
    let api = |words: &str| value!({"status": "error", "errorType": "bad_data", "error": words}).to_string();
    let google = value!({"error": {"code": 400, "message": "Query is over quota", "status": "RESOURCE_EXHAUSTED"}});
    let text = "<html><head><title>Response size limit exceeded</title></head></html>".to_owned();
    for (status, body) in [
        ("400 Bad Request", api("the queried range exceeds 6 hours")),
        ("400 Bad Request", google.to_string()),
        ("200 OK", api("at most 360 data points may be requested")),
        ("413 Content Too Large", String::new()),
        (
            "500 Internal Server Error",
            "rpc error: code = ResourceExhausted desc = larger than max (7 vs. 6)".to_owned(),
        ),
        ("422 Unprocessable Entity", value!({"message": "no"}).to_string()),
        ("503 Service Unavailable", text),
    ] {
        let gate = {
            let body = body.clone();
            gateway(move |request| spans(request, 6).then(|| json(status, &body)))
        };
        let run = pulls_everything(&gate.url(""), &["--retries", "0"]);
        assert!(run.stderr.contains("windows were halved "), "{status} {body}: {run:?}");
    }
}

#[test]
fn a_limit_on_series_is_kept_by_splitting() {
    let gate = gateway(|request| {
        let asks_for_one = parameters_of(request)
            .iter()
            .any(|(_, value)| value.contains("instance=~") || value.contains("instance!~"));
        let body = value!({"status": "error", "errorType": "execution", "error": "selector matches too many series"});
        (request.contains("/query_range") && !asks_for_one).then(|| json("422 Unprocessable Entity", &body.to_string()))
    });
    let run = pulls_everything(&gate.url(""), &["--retries", "0", "--series", "raw"]);
    assert!(run.stderr.contains("split by cluster or member") && !run.stderr.contains("halved"), "{run:?}");
}

#[test]
fn an_unknown_permanent_refusal_ends_after_few_queries_with_its_own_words() {
    let body = value!({"status": "error", "errorType": "execution", "error": "the moon is full"}).to_string();
    let gate =
        gateway(move |request| request.contains("/query_range").then(|| json("422 Unprocessable Entity", &body)));
    let flags = ["--quiet", "--series", "raw", "--concurrency", "1"];
    let run = backfill(&gate.url(""), &Folder::new("moon"), &flags);
    run.fails_saying(&["execution", "the moon is full"]);
    assert!(!run.stderr.contains("raise the server's"), "no limit is known: {run:?}");
    let asked = gate.seen().iter().filter(|request| is_query(request)).count();
    // Six metrics at once, each by time and then by member.
    assert!(asked <= 6 * 20, "{asked} queries");
}

#[test]
fn words_of_the_request_in_a_refusal_decide_nothing() {
    for (selector, status, echo) in [
        (r#"job!="partial""#, "400 Bad Request", r#"{"error":{"message":"cannot serve 'QUERY' to guests"}}"#),
        (r#"job!="receive series from""#, "422 Unprocessable Entity", r#"{"message":"cannot parse QUERY"}"#),
        (r#"job!="too many samples in memory""#, "400 Bad Request", "no such view: QUERY"),
        (r#"job!="timeout""#, "400 Bad Request", r#"{"detail":"unknown parameter in 'QUERY'? ask support"}"#),
        (r#"job!="nocache limit of bytes""#, "400 Bad Request", "bad request: /api/v1/query_range?query=ENCODED"),
        (r#"job!="timed out""#, "405 Method Not Allowed", "QUERY"),
    ] {
        let gate = gateway(move |request| {
            let (_, query) = parameters_of(request).into_iter().find(|(name, _)| name == "query")?;
            let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
            let escaped = value!(query).to_string();
            let query = if echo.starts_with('{') { escaped.trim_matches('"').to_owned() } else { query };
            let body = echo.replace("QUERY", &query).replace("ENCODED", &encoded);
            is_query(request).then(|| answer(status, "", &body))
        });
        let flags = ["--quiet", "--selector", selector, "--series", "raw", "--server", "prometheus"];
        let run = backfill(&gate.url(""), &Folder::new("echo"), &flags);
        run.fails_saying(&[]);
        assert!(!run.stderr.contains("--allow-partial") && !run.stderr.contains("tried"), "{run:?}");
        assert!(!run.stderr.contains("even for"), "{run:?}");
        let asked = gate.seen().iter().filter(|request| is_query(request)).count();
        // Six metrics, with POST and GET, or again without `timeout`.
        assert!(asked <= 12, "{selector}: {asked} queries");
    }
}
