//! Addresses that are not those of a Prometheus, and refusals that explain themselves.

use std::process::Command;

use crate::support::{
    Answering, Authority, Folder, Server, answer, each_connection, etcd_heatmap, etcd_programs, free_port, needed,
    started,
};

use super::{DAY, backfill, base, gateway};

#[track_caller]
fn fails(url: &str, words: &[&str]) {
    let run = backfill(url, &Folder::new("mistaken"), &["--quiet", "--retries", "0"]);
    run.fails_saying(words);
}

#[test]
fn the_address_of_an_etcd_member_is_recognized() {
    let folder = Folder::new("etcd");
    let mut programs = etcd_programs(&folder);
    let metrics = free_port();
    programs[0].0.args(["--listen-metrics-urls", &format!("http://127.0.0.1:{metrics}")]);
    let members = started(&programs, &folder);
    let expected = ["address of an etcd member", "set --url to the Prometheus that scrapes it"];
    for url in [members[1].url(), format!("http://127.0.0.1:{metrics}"), members[1].url() + "/prometheus"] {
        fails(&url, &expected);
        let run = etcd_heatmap(&[&["check", "--url", &url][..], &DAY].concat());
        run.fails_saying(&expected);
        etcd_heatmap(&["textfile", "--url", &url]).fails_saying(&expected);
    }
}

#[test]
fn https_to_a_plain_port_and_http_to_a_tls_port_name_the_right_scheme() {
    let plain = base().url().replace("http://", "https://");
    fails(&plain, &["does not speak TLS", "http:// instead of https://"]);
    etcd_heatmap(&["check", "--url", &plain]).fails_saying(&["http:// instead of https://"]);
    for (status, body) in [
        ("400 Bad Request", "Client sent an HTTP request to an HTTPS server.\n"),
        (
            "400 Bad Request",
            "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
        ),
        ("400 Bad Request", "Bad Request\nThis combination of host and port requires TLS.\n"),
    ] {
        fails(&Answering::with(status, "text/plain", body).url(), &["expects TLS", "https:// instead of http://"]);
    }
    // etcd with TLS, as kubeadm starts it: a Go server.
    let (folder, port) = (Folder::new("tls-etcd"), free_port());
    let authority = Authority::new();
    let mut etcd: Command = needed("etcd", "etcd-server");
    let (client, peer) = (format!("https://127.0.0.1:{port}"), format!("http://127.0.0.1:{}", free_port()));
    etcd.args(["--data-dir", &folder.at("data"), "--cert-file", &authority.at("server.pem")]);
    etcd.args(["--key-file", &authority.at("server.key")]);
    etcd.args(["--listen-client-urls", &client, "--advertise-client-urls", &client, "--initial-cluster"]);
    etcd.args([&format!("default={peer}"), "--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    let _member = Server::start(&etcd, port, &folder).says("ready to serve client requests");
    fails(&format!("http://127.0.0.1:{port}"), &["expects TLS", "https:// instead of http://"]);
}

#[test]
fn a_port_that_speaks_no_http_is_explained() {
    // What a TLS server of OpenSSL and a gRPC server send first.
    let alert = (&b"\x15\x03\x01\x00\x02\x02\x16"[..], "expects TLS");
    let settings = (&b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00"[..], "does not answer in HTTP");
    for (bytes, words) in [alert, settings] {
        let port = each_connection(move |mut stream| {
            let _ = std::io::Read::read(&mut stream, &mut [0; 65_536]);
            let _ = std::io::Write::write_all(&mut stream, bytes);
        });
        fails(&format!("http://127.0.0.1:{port}"), &[words, "https://"]);
    }
}

#[test]
fn the_words_of_a_refusal_reach_the_user() {
    for (status, body, words) in [
        (
            "403 Forbidden",
            r#"{"message":"project 7 is suspended"}"#,
            ["403 Forbidden (project 7 is suspended)", "login"],
        ),
        (
            "401 Unauthorized",
            "token expired at noon",
            ["401 Unauthorized (token expired at noon)", "--http.config.file"],
        ),
        ("403 Forbidden", "<html><title>Blocked by Acme &amp; Sons</title>", ["Blocked by Acme & Sons", "login"]),
        (
            "404 Not Found",
            r#"{"error":{"code":404,"message":"Project was not found."}}"#,
            ["404 Not Found (Project was not found.)", "tenant or project in --url"],
        ),
        ("404 Not Found", "404 page not found", ["answered 404 Not Found: ", "before /api/v1/query_range"]),
        ("404 Not Found", "default backend - 404", ["default backend - 404", "--url"]),
        ("405 Method Not Allowed", "only on Sundays", ["405 Method Not Allowed", "only on Sundays"]),
        (
            "500 Internal Server Error",
            r#"{"error":{"reason":"disk gone"}}"#,
            ["500 Internal Server Error", "disk gone"],
        ),
        ("502 Bad Gateway", "<html><title>502 Acme</title>", ["502 Bad Gateway", "502 Acme"]),
        ("200 OK", "<html><title>Sign in to Acme</title>", ["web page \"Sign in to Acme\"", "login page"]),
        ("400 Bad Request", r#"{"detail":"bad moon"}"#, ["400 Bad Request", "bad moon"]),
        ("418 I'm a teapot", "short\nand\u{1b}[31m stout", ["418", "short and [31m stout"]),
    ] {
        let gate = gateway(move |_| Some(answer(status, "", body)));
        fails(&gate.url("/prefix"), &words);
    }
}

#[test]
fn the_words_of_a_refusal_are_shown_without_secrets() {
    for status in ["401 Unauthorized", "403 Forbidden", "404 Not Found", "405 Method Not Allowed", "500 Oops"] {
        let gate = gateway(move |request| {
            let authorization = request.lines().find(|line| line.starts_with("authorization")).unwrap_or_default();
            let body = format!("{{\"message\":\"no entry for {authorization} with ann:s3cret-word, key a-long-key\"}}");
            Some(answer(status, "", &body))
        });
        let url = gate.url("/?key=a-long-key").replace("//", "//ann:s3cret-word@");
        let run = backfill(&url, &Folder::new("secret"), &["--quiet", "--retries", "0"]);
        run.fails_saying(&["no entry for"]);
        // Python: base64.b64encode(b"ann:s3cret-word")
        for secret in ["s3cret-word", "YW5uOnMzY3JldC13b3Jk", "a-long-key"] {
            assert!(!run.stderr.contains(secret), "{status}: {run:?}");
        }
    }
}
