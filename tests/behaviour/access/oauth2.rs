//! OAuth 2: tokens for the client's own credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{fails, open, pulls_everything};
use crate::support::{Doorman, answer};

/// A token server that gives `token-1`, `token-2` …, each for so long, and asks for the login in the way that it likes.
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

/// Lets in who has a token that `accepts`.
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
fn a_token_that_expires_or_is_withdrawn_is_replaced() {
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
fn a_login_that_gives_no_token_is_told() {
    let nobody = token_server("", |_| false);
    let server = guarded(|_| true);
    fails(
        &server.url(""),
        &config(&nobody).replace("_file: secret", ": x"),
        &["no token from", "/token", "401", "invalid_client", "oauth2"],
    );
    assert!(server.seen().is_empty(), "nothing is asked without a token");
    let gone = config(&nobody).replace(&nobody.port.to_string(), "9").replace("_file: secret", ": x");
    fails(&server.url(""), &gone, &["no token from http://127.0.0.1:9/token"]);
}
