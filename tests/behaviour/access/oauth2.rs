//! OAuth 2 with client credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{fails, open, pulls_everything};
use crate::support::{Doorman, Folder, Run, answer, etcd_heatmap_command};

/// A token server that returns `token-1`, `token-2` … with this JSON about the expiry, if `takes` accepts the login.
fn token_server(expires_in: &'static str, takes: fn(&str) -> bool) -> Doorman {
    let count = AtomicUsize::new(0);
    Doorman::before(0, move |request| {
        if !takes(request) {
            return Some(answer("401 Unauthorized", "", r#"{"error":"invalid_client"}"#));
        }
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let token = format!(r#"{{"access_token":"token-{number}","token_type":"bearer"{expires_in}}}"#);
        Some(answer("200 OK", "Content-Type: application/json\r\n", &token))
    })
}

/// Python: base64.b64encode(b"me:s3cret")
fn takes_basic(request: &str) -> bool {
    request.to_lowercase().contains("authorization: basic bwu6czncret") || request.contains("Basic bWU6czNjcmV0")
}

fn takes_form(request: &str) -> bool {
    request.contains("client_id=me&client_secret=s3cret") && !request.to_lowercase().contains("authorization")
}

/// A proxy that forwards requests whose token `accepts` allows.
fn guarded(accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Doorman {
    Doorman::before(open().server().port(), move |request| {
        let token = request.lines().find_map(|line| line.split_once("Bearer ")).map(|(_, token)| token.trim());
        (!token.is_some_and(&accepts)).then(|| answer("401 Unauthorized", "", "no token"))
    })
}

fn config(token_server: &Doorman) -> String {
    format!(
        "oauth2:\n  client_id: me\n  client_secret_file: secret\n  scopes: [read, metrics]\n  token_url: {}\n  \
         endpoint_params:\n    audience: prom\n",
        token_server.url("/token")
    )
}

const SECRET: [(&str, &str); 1] = [("secret", "s3cret\n")];

#[test]
fn one_token_serves_the_whole_pull() {
    for takes in [takes_basic, takes_form] {
        let tokens = token_server(r#","expires_in":3600"#, takes);
        pulls_everything(&guarded(|token| token == "token-1").url(""), &config(&tokens), &SECRET, &[]);
        let asked: Vec<String> = tokens.seen().into_iter().filter(|request| takes(request)).collect();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert!(asked[0].contains("grant_type=client_credentials&scope=read+metrics&audience=prom"), "{asked:?}");
    }
}

#[test]
fn an_expired_or_revoked_token_is_replaced() {
    let tokens = token_server(r#","expires_in":"5""#, takes_basic);
    pulls_everything(&guarded(|token| token.starts_with("token-")).url(""), &config(&tokens), &SECRET, &[]);
    assert!(tokens.seen().len() > 1, "each was about to expire");

    let uses = Arc::new(AtomicUsize::new(0));
    let tokens = token_server("", takes_basic);
    let server = guarded(move |token| token != "token-1" || uses.fetch_add(1, Ordering::SeqCst) < 3);
    pulls_everything(&server.url(""), &config(&tokens), &SECRET, &["--concurrency", "1"]);
    assert_eq!(tokens.seen().len(), 2, "the first until it is refused, and then another");
}

#[test]
fn a_token_rejected_by_a_lookup_is_replaced() {
    let withdrawn = || guarded(|token| token != "token-1");
    let folder = Folder::new("look-up");
    let tokens = token_server("", takes_basic);
    folder.write("http.yml", config(&tokens));
    folder.write("secret", SECRET[0].1);
    let server = withdrawn();
    let (url, range) = (server.url(""), ["--start", "2026-10-01T00:00:00Z", "--end", "2026-10-01T02:00:00Z"]);
    let check = ["check", "--url", &url, "--http.config.file", "http.yml", "--retries", "0"];
    let mut command = etcd_heatmap_command(&[&check[..], &range].concat());
    command.current_dir(folder.path());
    let run = Run::of(command).succeeds();
    assert!(run.stdout.starts_with("server   Prometheus "), "{run:?}");
    let seen = server.seen();
    let token =
        |request: &str| request.lines().find_map(|line| line.split_once("Bearer ")).map(|(_, token)| token.to_owned());
    let tried: Vec<_> = seen.iter().take(3).map(|request| (&request[..4], token(request))).collect();
    let [first, second] = ["token-1", "token-2"].map(|token| Some(token.to_owned()));
    assert_eq!(tried, [("GET ", first), ("GET ", second.clone()), ("GET ", second)], "one look-up is tried twice");
    assert_eq!(tokens.seen().len(), 2, "one other token serves all that follows");

    // If every token is refused, each of the three lookups and of the six queries is sent at most twice.
    let (tokens, server) = (token_server("", takes_basic), guarded(|_| false));
    fails(&server.url(""), &config(&tokens).replace("_file: secret", ": s3cret"), &["401", "was rejected"]);
    assert!((2..=18).contains(&server.seen().len()), "{:?}", server.seen());
}

#[test]
fn a_failed_token_request_is_reported() {
    let nobody = token_server("", |_| false);
    let server = guarded(|_| true);
    fails(
        &server.url(""),
        &config(&nobody).replace("_file: secret", ": x"),
        &["cannot get a token from", "/token", "401", "invalid_client", "oauth2"],
    );
    assert!(server.seen().is_empty(), "nothing is asked without a token");
    let gone = config(&nobody).replace(&nobody.port.to_string(), "9").replace("_file: secret", ": x");
    fails(&server.url(""), &gone, &["cannot get a token from http://127.0.0.1:9/token"]);
}
