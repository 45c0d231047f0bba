//! Servers that allow only one HTTP method, and URLs that are too long for one.

use crate::support::{Folder, Run, answer, behind, etcd_heatmap_command};

use super::{DAY, backfill, base, expected, gateway, is_query, json, parameters_of, pulls_everything};

fn is_post(request: &str) -> bool {
    request.starts_with("POST ")
}

#[test]
fn a_server_that_refuses_post_is_queried_with_get() {
    for (status, body) in [
        ("405 Method Not Allowed", "Method Not Allowed\n"),
        ("501 Not Implemented", ""),
        ("403 Forbidden", r#"{"kind":"Status","message":"cannot create resource \"metrics\""}"#),
        ("405 Method Not Allowed", "<html><title>405 Not Allowed</title></html>"),
    ] {
        let gate = gateway(move |request| is_post(request).then(|| answer(status, "", body)));
        let run = pulls_everything(&gate.url("/?tenant=team-a"), &["--retries", "0"]);
        assert!(!run.stderr.contains("retried"), "{run:?}");
        // Those in flight when the first was refused; all others are sent with GET at once.
        let posts = gate.seen().iter().filter(|request| is_post(request)).count();
        assert!((1..=4).contains(&posts), "{posts} queries with POST");
        for request in gate.seen().iter().filter(|request| is_query(request)) {
            let tenants = parameters_of(request).into_iter().filter(|(name, _)| name == "tenant").count();
            assert_eq!(tenants, 1, "{request}");
        }
    }
    let gate = behind(&base().url(), &["get-only-405"]);
    pulls_everything(&gate.url(), &["--quiet"]);
}

/// Runs `backfill` with the token that the gate `get-only-403` wants.
fn with_token(url: &str, folder: &Folder, flags: &[&str]) -> Run {
    folder.write("http.yml", "authorization:\n  credentials_file: token\n");
    folder.write("token", "made-up\n");
    let config = ["--http.config.file", &folder.at("http.yml")];
    let backfill = ["backfill", "--quiet", "--formats", "csv", "--out", &folder.at("audit"), "--url", url];
    Run::of(etcd_heatmap_command(&[&backfill, &DAY[..], &config, flags].concat()))
}

#[test]
fn a_login_that_may_only_get_is_enough() {
    let gate = behind(&base().url(), &["get-only-403"]);
    for flags in [&[][..], &["--http-method", "get"], &["--server", "managed"]] {
        let folder = Folder::new("get-only");
        with_token(&gate.url(), &folder, flags).succeeds();
        assert_eq!(folder.text("audit/heatmap.csv"), expected());
    }
    let folder = Folder::new("post-only");
    let run = with_token(&gate.url(), &folder, &["--http-method", "post"]);
    run.fails_saying(&["403", "user=reader, verb=create, resource=metrics", "permission"]);
    // Without the token, it is the login that is missing.
    backfill(&gate.url(), &Folder::new("no-token"), &["--quiet"]).fails_saying(&["401", "--http.config.file"]);
}

#[test]
fn the_method_of_the_flag_is_the_only_one() {
    for (method, start) in [("get", "GET "), ("post", "POST ")] {
        let gate = gateway(|_| None);
        pulls_everything(&gate.url(""), &["--quiet", "--http-method", method]);
        let queries: Vec<_> = gate.seen().into_iter().filter(|request| is_query(request)).collect();
        assert!(!queries.is_empty() && queries.iter().all(|request| request.starts_with(start)), "{method}");
    }
}

#[test]
fn if_both_methods_are_refused_the_words_of_the_server_are_shown() {
    for (post, get, words) in [
        (("403 Forbidden", "no posts, please"), ("403 Forbidden", "no reads by guests"), ["403", "no reads by guests"]),
        (("405 Method Not Allowed", "no posts, please"), ("403 Forbidden", "ask Ann"), ["403", "ask Ann"]),
        (("403 Forbidden", "tenant is closed"), ("405 Method Not Allowed", "post only"), ["403", "tenant is closed"]),
        (("405 Method Not Allowed", "neither this"), ("405 Method Not Allowed", "nor that"), ["405", "neither this"]),
        (
            ("405 Method Not Allowed", "x"),
            ("404 Not Found", r#"{"message":"no such project"}"#),
            ["404", "no such project"],
        ),
        (("405 Method Not Allowed", "x"), ("401 Unauthorized", "who are you"), ["401", "who are you"]),
    ] {
        let gate = gateway(move |request| {
            let (status, body) = if is_post(request) { post } else { get };
            is_query(request).then(|| answer(status, "", body))
        });
        let run = backfill(&gate.url(""), &Folder::new("neither"), &["--quiet"]);
        run.fails_saying(&words);
    }
}

#[test]
fn a_url_that_is_too_long_is_split_by_member_or_explained() {
    /// Longer than each query of all members, and than those of one member.
    const LONGEST: usize = 1200;
    let is_too_much = |request: &str| {
        let step = super::second(request, "step").max(1);
        let steps = (super::second(request, "end") - super::second(request, "start")) / step;
        // Only a query of listed members is small enough.
        let is_listed = parameters_of(request)
            .iter()
            .any(|(_, value)| value.contains("instance=~") || value.contains("instance!~"));
        request.contains("/query_range") && steps > 1000 && !is_listed
    };
    let gate = gateway(move |request| match request.lines().next().unwrap_or_default().len() {
        _ if is_post(request) => Some(answer("405 Method Not Allowed", "", "")),
        length if length > LONGEST => Some(answer("414 URI Too Long", "", "")),
        _ if is_too_much(request) => Some(json(
            "422 Unprocessable Entity",
            r#"{"status":"error","errorType":"execution","error":"max number of series limit"}"#,
        )),
        _ => None,
    });
    let run = pulls_everything(&gate.url(""), &["--series", "raw"]);
    assert!(run.stderr.contains("split by cluster or member"), "{run:?}");
    let long = format!("job=\"etcd\", instance!=\"{}\"", "x".repeat(2 * LONGEST));
    let run = backfill(&gate.url(""), &Folder::new("too-long"), &["--quiet", "--selector", &long]);
    run.fails_saying(&["414", "--selector", "--http-method post"]);
}
