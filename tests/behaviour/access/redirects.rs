//! Redirects are followed within a server, but never to another one.

use super::{fails, open, pulls_everything};
use crate::support::{Doorman, answer};

const LOGIN: &str = "basic_auth: {username: ann, password: pass}\nhttp_headers: {X-Key: {secrets: [s3cret]}}\n";

fn redirecting(status: &'static str, to: impl Fn() -> String + Send + Sync + 'static) -> Doorman {
    Doorman::before(open().server().port(), move |request| {
        let moved = || answer(status, &format!("Location: {}\r\n", to()), "");
        (!request.starts_with("POST /new/")).then(moved)
    })
}

#[test]
fn a_redirect_within_the_server_is_followed_with_the_query_and_the_login() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let server = redirecting(status, || "/new/api/v1/query_range".to_owned());
        pulls_everything(&server.url(""), LOGIN, &[], &[]);
        let followed: Vec<_> = server.seen().into_iter().filter(|request| request.starts_with("POST /new/")).collect();
        assert!(!followed.is_empty());
        for request in followed {
            let request = request.to_lowercase();
            assert!(request.contains("authorization: basic") && request.contains("x-key: s3cret"), "{request}");
        }
    }
}

#[test]
fn nothing_is_sent_to_another_host() {
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect"] {
        let other = Doorman::before(open().server().port(), |_| None);
        let to = other.url("/new/api/v1/query_range?user=pass");
        let server = redirecting(status, move || to.clone());
        let origin = other.url("");
        fails(&server.url(""), LOGIN, &["redirects to", &origin, "--url"]);
        assert!(other.seen().is_empty(), "{:?}", other.seen());
    }
}

#[test]
fn redirect_loops_and_disabled_redirects_are_reported() {
    let circle = redirecting("307 Temporary Redirect", || "/again/api/v1/query_range".to_owned());
    fails(&circle.url(""), "", &["redirects to", "again"]);
    let server = redirecting("307 Temporary Redirect", || "/new/api/v1/query_range".to_owned());
    fails(&server.url(""), "follow_redirects: false", &["redirects to", "follow_redirects"]);
}
