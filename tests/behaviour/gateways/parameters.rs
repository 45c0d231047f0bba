//! Which parameters a server gets, and what happens if it refuses one.

use crate::support::{Folder, VictoriaMetrics, answer, behind};

use super::{backfill, gateway, is_query, json, parameters_of, pulls_everything};

const OF_VENDORS: [&str; 5] =
    ["max_lookback", "nocache", "deny_partial_response", "partial_response", "max_source_resolution"];

/// The parameters of vendors in the queries of a pull through a gateway that forwards everything.
fn sent_to_vendors(flags: &[&str]) -> Vec<String> {
    let gate = gateway(|_| None);
    pulls_everything(&gate.url("?dedup=true"), &[&["--quiet"], flags].concat());
    let queries = gate.seen().into_iter().filter(|request| is_query(request));
    let mut names: Vec<_> = queries.flat_map(|request| parameters_of(&request)).map(|(name, _)| name).collect();
    names.retain(|name| OF_VENDORS.contains(&name.as_str()));
    names.sort();
    names.dedup();
    names
}

#[test]
fn a_vendor_parameter_is_sent_to_its_vendor_only() {
    for kind in ["auto", "prometheus", "mimir", "managed"] {
        assert!(sent_to_vendors(&["--server", kind]).is_empty(), "{kind}");
    }
    assert_eq!(sent_to_vendors(&["--server", "thanos"]), ["max_source_resolution", "partial_response"]);
    let victoria = ["deny_partial_response", "max_lookback", "nocache"];
    assert_eq!(sent_to_vendors(&["--server", "victoriametrics"]), victoria);
}

#[test]
fn a_service_that_refuses_unknown_parameters_is_pulled_from_without_retries() {
    let gate = behind(&super::base().url(), &["strict-params"]);
    let run = pulls_everything(&gate.url(), &[]);
    assert!(!run.stderr.contains("partial") && !run.stderr.contains("retried"), "{run:?}");
    for (kind, refused) in [("victoriametrics", "nocache"), ("thanos", "max_source_resolution")] {
        let run = pulls_everything(&gate.url(), &["--server", kind, "--retries", "0"]);
        let note = format!("the server refuses this parameter, so queries are sent without it: {refused}");
        assert!(run.stderr.contains(&note) && !run.stderr.contains("retried"), "{run:?}");
    }
}

#[test]
fn a_refused_parameter_is_left_out_whatever_the_form_of_the_refusal() {
    for (name, status, body) in [
        ("nocache", "400 Bad Request", r#"{"message":"Unknown parameter 'nocache'"}"#),
        ("max_lookback", "422 Unprocessable Entity", r#"{"detail":[{"loc":["query","max_lookback"],"msg":"extra"}]}"#),
        ("deny_partial_response", "403 Forbidden", "deny_partial_response is not on the list\n"),
        ("timeout", "400 Bad Request", r#"{"status":"error","errorType":"bad_data","error":"unknown field timeout"}"#),
        ("max_lookback", "400 Bad Request", r#"{"errors":[{"code":1,"title":"unsupported query parameter"}]}"#),
    ] {
        let gate = gateway(move |request| {
            let is_sent = parameters_of(request).iter().any(|(sent, _)| sent == name);
            (is_query(request) && is_sent).then(|| json(status, body))
        });
        let run = pulls_everything(&gate.url(""), &["--server", "victoriametrics", "--retries", "0"]);
        assert!(run.stderr.contains(&format!("sent without it: {name}")), "{run:?}");
        let is_refused =
            |request: &&String| is_query(request) && parameters_of(request).iter().any(|(sent, _)| sent == name);
        // Those that were in flight when the first was refused.
        let (refused, in_flight) = (gate.seen().iter().filter(is_refused).count(), 12);
        assert!(refused <= in_flight, "{name} was sent {refused} times");
    }
}

#[test]
fn a_parameter_of_the_url_takes_the_place_of_ours() {
    let gate = gateway(|_| None);
    let url = gate.url("/?timeout=77s&partial_response=true");
    pulls_everything(&url, &["--quiet", "--server", "thanos"]);
    for request in gate.seen().iter().filter(|request| is_query(request)) {
        let sent = parameters_of(request);
        let values = |name: &str| -> Vec<_> {
            sent.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
        };
        assert_eq!((values("timeout"), values("partial_response")), (vec!["77s"], vec!["true"]), "{request}");
        assert_eq!(values("max_source_resolution"), ["0s"], "{request}");
    }
    let folder = Folder::new("query-in-url");
    for name in ["query", "start", "step", "match[]"] {
        let url = gate.url(&format!("/graph?{name}=s3cret-word"));
        let run = backfill(&url, &folder, &["--quiet"]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(name) && !run.stderr.contains("s3cret"), "{run:?}");
    }
}

/// Requests for the kind of the server among all that it saw.
fn lookups(seen: &[String]) -> Vec<String> {
    let line = |request: &String| request.lines().next().unwrap_or_default().to_owned();
    let is_lookup = |line: &String| ["/status/", "/metrics", "/stores"].iter().any(|path| line.contains(path));
    seen.iter().map(line).filter(is_lookup).collect()
}

#[test]
fn a_server_is_identified_once_and_not_at_all_if_it_is_named() {
    let gate = gateway(|_| None);
    pulls_everything(&gate.url(""), &["--quiet"]);
    let seen = lookups(&gate.seen());
    let expected = ["GET /api/v1/status/buildinfo HTTP/1.1", "GET /api/v1/stores HTTP/1.1"];
    assert_eq!(seen, expected);
    for kind in ["prometheus", "managed", "victoriametrics"] {
        let gate = gateway(|_| None);
        pulls_everything(&gate.url(""), &["--quiet", "--server", kind]);
        assert!(lookups(&gate.seen()).is_empty(), "{kind}");
    }
}

#[test]
fn a_refused_identification_is_a_note_and_never_an_error() {
    for refusal in [
        answer("403 Forbidden", "", "status pages are off"),
        answer("500 Internal Server Error", "", "status pages are off"),
        answer("302 Found", "Location: http://login.invalid/\r\n", ""),
        answer("200 OK", "", "<html>"),
        String::new(),
    ] {
        let gate = gateway(move |request| {
            let line = request.lines().next().unwrap_or_default();
            let is_lookup = ["/status/", "/metrics", "/stores"].iter().any(|path| line.contains(path));
            is_lookup.then(|| refusal.clone())
        });
        let run = pulls_everything(&gate.url(""), &["--retries", "1"]);
        assert!(!run.stderr.contains("error:"), "{run:?}");
    }
    // Nothing was refused, so nothing needs to be said.
    let gate = gateway(|request| {
        let line = request.lines().next().unwrap_or_default();
        let is_lookup = ["/status/", "/metrics", "/stores"].iter().any(|path| line.contains(path));
        is_lookup.then(|| answer("404 Not Found", "", ""))
    });
    let run = pulls_everything(&gate.url(""), &[]);
    assert!(!run.stderr.contains("identified"), "{run:?}");
}

#[test]
fn victoria_metrics_is_recognized_by_its_header_below_any_path() {
    let history = crate::support::case_text("base");
    let victoria = VictoriaMetrics::of(&history, &[]);
    for hidden in [&["/metrics"][..], &["/metrics", "/api/v1/status"], &[]] {
        let gate = crate::support::Doorman::before(victoria.server().port(), move |request| {
            let line = request.lines().next().unwrap_or_default().to_owned();
            let header = "X-Server-Hostname: vm\r\n";
            hidden.iter().any(|path| line.contains(path)).then(|| answer("400 Bad Request", header, "unsupported path"))
        });
        let run = backfill(&gate.url("/select/0/prometheus"), &Folder::new("victoria"), &["--quiet"]).succeeds();
        let queries: Vec<_> = gate.seen().into_iter().filter(|request| is_query(request)).collect();
        assert!(queries.len() > 6, "{run:?}");
        for request in queries {
            let names: Vec<_> = parameters_of(&request).into_iter().map(|(name, _)| name).collect();
            assert!(names.contains(&"max_lookback".to_owned()) && names.contains(&"nocache".to_owned()), "{request}");
            assert!(!names.contains(&"partial_response".to_owned()), "{request}");
        }
    }
}
