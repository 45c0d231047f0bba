//! The program prints no secret, even if a server echoes its request.

use std::process::Stdio;
use std::time::Duration;

use super::open;
use crate::support::{Doorman, Folder, Run, answer, etcd_heatmap_command};

/// Every secret contains one of these: the word, or its start in base64 (Python: base64.b64encode(b"ann:PLANTED")).
const MARKS: [&str; 3] = ["PLANTED", "YW5uOlBMQU5U", "planted"];

const LOGINS: [&str; 6] = [
    "basic_auth: {username: ann, password: PLANTED-password}",
    "basic_auth: {username: ann, password_file: secret-file}",
    "authorization: {credentials: PLANTED-token/+ &x}",
    "sigv4: {region: r, access_key: AKID, secret_key: PLANTED/secret, session_token: PLANTED-session}",
    "authorization: {credentials_command: [sh, -c, 'echo PLANTED-printed-$1 # PLANTED', sh, PLANTED]}",
    "oauth2: {client_id: me, client_secret: PLANTED-client, token_url: TOKENS, endpoint_params: {a: PLANTED-param}}",
];
const HEADERS: &str = "\nhttp_headers:\n  X-Api-Key: {secrets: [PLANTED-header], files: [secret-file]}\n";

/// The answer of a server to a request with secrets; `None` forwards it.
type Judge = fn(&str) -> Option<String>;

fn echo(status: &str, request: &str) -> Option<String> {
    // Echo only the lines with secrets: errors are truncated, and the whole request would be too long.
    let lines: Vec<&str> = request.lines().filter(|line| MARKS.iter().any(|mark| line.contains(mark))).collect();
    Some(answer(status, "Content-Type: text/plain\r\n", &lines.join("\n")))
}

fn json(request: &str) -> Option<String> {
    let lines: Vec<&str> = request.lines().filter(|line| MARKS.iter().any(|mark| line.contains(mark))).collect();
    let body = serde_json::json!({"status": "error", "errorType": "bad_data", "error": lines.join(" ")}).to_string();
    Some(answer("400 Bad Request", "Content-Type: application/json\r\n", &body))
}

fn labels(request: &str) -> Option<String> {
    let line = request.lines().find(|line| line.to_lowercase().starts_with("authorization"))?;
    let series = serde_json::json!({"metric": {"job": line}, "values": [[1_790_812_800, "1"]]});
    let body = serde_json::json!({"status": "success", "data": {"resultType": "matrix", "result": [series]}});
    Some(answer("200 OK", "Content-Type: application/json\r\n", &body.to_string()))
}

const SERVERS: [(&str, Judge); 9] = [
    ("accepts", |_| None),
    ("401", |request| echo("401 Unauthorized", request)),
    ("403", |request| echo("403 Forbidden", request)),
    ("500", |request| echo("500 Internal Server Error", request)),
    ("200", |request| echo("200 OK", request)),
    ("400", json),
    ("labels", labels),
    ("redirect", |request| {
        let words: String = request.lines().filter(|line| line.contains("PLANTED")).collect();
        let words: String = words.chars().filter(char::is_ascii_alphanumeric).collect();
        Some(answer("302 Found", &format!("Location: http://elsewhere.invalid/{words}\r\n"), ""))
    }),
    // A redirect that is followed, within the server, again and again.
    ("loop", |_| Some(answer("307 Temporary Redirect", "Location: /PLANTED-path/api/v1/query_range\r\n", ""))),
];

#[test]
fn secrets_are_never_shown_whatever_a_server_answers() {
    let tokens = Doorman::before(0, |_| {
        Some(answer("200 OK", "", r#"{"access_token":"PLANTED-access","token_type":"Bearer","expires_in":600}"#))
    });
    let echoing_tokens = Doorman::before(0, |request| echo("500 Internal Server Error", request));
    for (name, judge) in SERVERS {
        let server = Doorman::before(open().server().port(), judge);
        for login in LOGINS {
            let login = login.replace("TOKENS", &tokens.url("/token?of=PLANTED-query"));
            says_nothing(name, &server, &(login + HEADERS));
        }
    }
    let server = Doorman::before(open().server().port(), |_| None);
    let login = LOGINS[5].replace("TOKENS", &echoing_tokens.url("/token?of=PLANTED-query"));
    says_nothing("tokens", &server, &login);
    // Files that are invalid or give no login, and contain secrets.
    for login in [
        "basic_auth: PLANTED",
        "basic_auth: {username: ann, password: [PLANTED]}",
        "tls_config: {cert_file: secret-file, key_file: secret-file}",
        "tls_config: {ca: PLANTED}",
        "proxy_url: http://ann:PLANTED@127.0.0.1:9",
        "proxy_url: PLANTED",
        "bearer_token: \"PLANTED",
        "authorization: {credentials_command: [sh, -c, 'echo PLANTED; echo away >&2; exit 3']}",
        "sigv4: {region: r, credentials_command: [sh, -c, 'echo PLANTED', PLANTED]}",
        "sigv4: {region: r, access_key: AKID, secret_key: x, session_token: \"PLANTED\\nPLANTED\"}",
        "bearer_token: \"PLAN\\nPLANTED\"",
    ] {
        says_nothing(login, &server, login);
    }
}

/// Runs `backfill` and `config show` with secrets in login and URL, without a log and with the most detailed one.
fn says_nothing(name: &str, server: &Doorman, http_config: &str) {
    // In parallel, because the runs mostly wait for retries.
    std::thread::scope(|scope| {
        for (verbose, rust_log) in [(None, None), (Some("-vv"), None), (None, Some("trace"))] {
            scope.spawn(move || leaves_nothing(name, server, http_config, verbose, rust_log));
        }
    });
}

/// Searches output, files and process title of the runs for secrets.
fn leaves_nothing(name: &str, server: &Doorman, http_config: &str, verbose: Option<&str>, rust_log: Option<&str>) {
    let folder = Folder::new("leaks");
    folder.write("http.yml", http_config);
    folder.write("secret-file", "PLANTED-file\n");
    let url = server.url("/prefix?token=PLANTED-query");
    let range = ["--start", "2026-10-01T00:00:00Z", "--end", "2026-10-01T02:00:00Z"];
    let pull = ["backfill", "--out", "out/audit", "--http.config.file", "http.yml"];
    for arguments in [[&pull[..], &range].concat(), vec!["config", "show", "--http.config.file", "http.yml"]] {
        let mut command = etcd_heatmap_command(&arguments);
        command.current_dir(folder.path()).env("ETCD_HEATMAP_URL", &url).args(verbose);
        rust_log.map(|text| command.env("RUST_LOG", text));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("our own program");
        std::thread::sleep(Duration::from_millis(5));
        let title = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
        let run = Run::from(child.wait_with_output().expect("its output"));
        let mut all = vec![("title".to_owned(), title)];
        all.push(("stdout".to_owned(), run.stdout.clone().into_bytes()));
        all.push(("stderr".to_owned(), run.stderr.clone().into_bytes()));
        all.extend(folder.tree("out"));
        for (place, bytes) in &all {
            for mark in MARKS {
                let has = bytes.windows(mark.len()).any(|part| part == mark.as_bytes());
                assert!(!has, "{name}: {mark} in {place} with {http_config}\n{run:?}");
            }
        }
        let (is_pull, is_log_wanted) = (arguments[0] == "backfill", verbose.or(rust_log).is_some());
        if name == "accepts" && is_pull {
            assert_eq!(run.stderr.contains("HTTP request"), is_log_wanted, "{run:?}");
        }
        assert_eq!(name == "accepts" && is_pull, folder.tree("out").len() > 3, "{name}: {run:?}");
        std::fs::remove_dir_all(folder.path().join("out")).ok();
    }
}
