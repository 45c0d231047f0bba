//! Tokens that a program prints, and tokens in files that change.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{expected, fails, open, pull, pulls_everything};
use crate::support::{Doorman, Folder, answer};

fn token(request: &str) -> Option<String> {
    request.lines().find_map(|line| line.split_once("Bearer ")).map(|(_, token)| token.trim().to_owned())
}

/// A proxy that forwards requests whose token `accepts` allows.
fn guarded(accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Doorman {
    Doorman::before(open().server().port(), move |request| {
        let is_allowed = token(request).is_some_and(|token| accepts(&token));
        (!is_allowed).then(|| answer("401 Unauthorized", "", "no token"))
    })
}

/// A program that prints `token-1`, `token-2`, … and counts in the file `runs`. It is named relative to the file of the login.
const COUNTING: &str =
    "authorization:\n  credentials_command: [/bin/sh, -c, 'echo >> runs; printf token-; wc -l < runs']\n";

#[test]
fn one_run_of_the_program_serves_the_whole_pull() {
    let folder = Folder::new("command");
    let server = guarded(|token| token == "token-1");
    pull(&folder, &server.url(""), COUNTING, &[]).succeeds();
    assert_eq!(folder.text("audit/heatmap.csv"), expected());
    assert_eq!(folder.text("runs").lines().count(), 1);
    // A program beside the file, and an ExecCredential as Kubernetes's plugins print it.
    let program = folder.write("print", "#!/bin/sh\necho \"{\\\"status\\\": {\\\"token\\\": \\\"$1\\\"}}\"\n");
    fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("it is ours");
    let config = "authorization: {type: Bearer, credentials_command: [./print, token-1]}";
    pull(&folder, &server.url(""), config, &["--overwrite"]).succeeds();
}

#[test]
fn the_program_runs_again_when_the_server_refuses_its_token() {
    let folder = Folder::new("command");
    let uses = Arc::new(AtomicUsize::new(0));
    let server = guarded(move |token| token != "token-1" || uses.fetch_add(1, Ordering::SeqCst) < 3);
    pull(&folder, &server.url(""), COUNTING, &["--concurrency", "1"]).succeeds();
    assert_eq!(folder.text("audit/heatmap.csv"), expected());
    assert_eq!(folder.text("runs").lines().count(), 2, "the first until it is refused, and then another");
    let folder = Folder::new("command");
    let run = pull(&folder, &guarded(|_| false).url(""), COUNTING, &["--quiet"]);
    run.fails_saying(&["401", "was rejected"]);
}

#[test]
fn a_program_that_prints_no_token_is_named_with_the_reason() {
    let server = guarded(|_| true);
    let says = |command: &str, words: &[&str]| {
        let config = format!("authorization:\n  credentials_command: {command}\n");
        fails(&server.url(""), &config, &[&["credentials_command of --http.config.file: "], words].concat());
    };
    says("[no-such-program, login]", &["no-such-program was not found"]);
    says("[sh, -c, 'echo hidden; echo not logged in >&2; exit 4']", &["sh ended with exit status: 4 (not logged in)"]);
    says("['true']", &["true printed nothing"]);
    says("[echo, two, words]", &["echo printed more than one word"]);
    says("[echo, '{\"password\": \"x\"}']", &["echo printed JSON without a token", "status.token"]);
    assert!(server.seen().is_empty(), "nothing is asked without a token: {:?}", server.seen());
}

#[test]
fn a_token_file_that_changes_before_the_server_reads_the_request_is_read_again() {
    let folder = Folder::new("rotated");
    let file = folder.write("token", "token-1\n");
    // The token is replaced while the request is on its way, as the kubelet does with those of service accounts.
    let server = guarded(move |token| {
        if token == "token-1" {
            fs::write(&file, "token-2\n").expect("the folder is there");
        }
        token == "token-2"
    });
    pull(&folder, &server.url(""), "authorization: {credentials_file: token}", &["--concurrency", "1"]).succeeds();
    assert_eq!(folder.text("audit/heatmap.csv"), expected());
    let refused = server.seen().iter().filter(|request| token(request).as_deref() == Some("token-1")).count();
    assert_eq!(refused, 1, "only one request is sent with the old token");
    // The same token is not sent twice.
    let server = guarded(|_| false);
    let folder = Folder::new("refused");
    folder.write("token", "token-1\n");
    let check = ["--quiet", "--http-method", "post", "--server", "prometheus", "--concurrency", "1"];
    pull(&folder, &server.url(""), "authorization: {credentials_file: token}", &check).fails_saying(&["401"]);
    let queries = server.seen();
    let distinct: BTreeSet<&String> = queries.iter().collect();
    assert_eq!(queries.len(), distinct.len(), "{queries:?}");
    pulls_everything(&guarded(|token| token == "a").url(""), "bearer_token_file: token", &[("token", "a")], &[]);
}
