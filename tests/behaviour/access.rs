//! Logins with `--http.config.file` (as in promtool) and `--header`, against a Prometheus with users and TLS.

mod command;
mod leaks;
mod oauth2;
mod redirects;
mod sigv4;
mod tls;

use std::sync::OnceLock;

use crate::support::{
    Doorman, Folder, HOUR, Metrics, Prometheus, Run, START, assert_empty, assert_same, etcd_heatmap_command,
    guarded_prometheus_of, prometheus_of,
};

/// Samples of one member over two hours.
fn history() -> String {
    let mut metrics = Metrics::default();
    metrics.member(r#"job="etcd",instance="a""#, START..START + 2 * HOUR);
    metrics.text()
}

/// A Prometheus without a login.
fn open() -> &'static Prometheus {
    static SHARED: OnceLock<Prometheus> = OnceLock::new();
    SHARED.get_or_init(|| prometheus_of(&history()))
}

/// Runs `backfill` of those two hours into `audit` of the folder, with a login in `http.yml`.
fn pull(folder: &Folder, url: &str, http_config: &str, flags: &[&str]) -> Run {
    folder.write("http.yml", http_config);
    let range = ["--start", "2026-10-01T00:00:00Z", "--end", "2026-10-01T02:00:00Z", "--step", "1m"];
    let pull = ["backfill", "--formats", "csv", "--out", "audit", "--http.config.file", "http.yml", "--url", url];
    let mut command = etcd_heatmap_command(&[&pull[..], &range, flags].concat());
    command.current_dir(folder.path());
    Run::of(command)
}

/// The cells from the server without a login.
fn expected() -> &'static str {
    static SHARED: OnceLock<String> = OnceLock::new();
    let cells = || {
        let folder = Folder::new("open");
        pull(&folder, &open().url(), "", &[]).succeeds();
        folder.text("audit/heatmap.csv")
    };
    SHARED.get_or_init(cells)
}

#[track_caller]
fn pulls_everything(url: &str, http_config: &str, files: &[(&str, &str)], flags: &[&str]) {
    let folder = Folder::new("access");
    for (name, content) in files {
        folder.write(name, content);
    }
    pull(&folder, url, http_config, flags).succeeds();
    assert_eq!(folder.text("audit/heatmap.csv"), expected());
}

#[track_caller]
fn fails(url: &str, http_config: &str, words: &[&str]) {
    let folder = Folder::new("access");
    pull(&folder, url, http_config, &["--quiet"]).fails_saying(words);
    assert_empty(&folder, "audit");
}

/// The bcrypt hash of `s3cret-password`, from Python's crypt.
const BCRYPT: &str = "$2b$04$1x/KbLl6/9d9mYB0cEQCVe4U8WG7zDzmrVh9Z8uDV6Rldjg/PH7W.";

#[test]
fn basic_auth_logs_in_to_a_prometheus_with_users() {
    let guarded = guarded_prometheus_of(&history(), &format!("basic_auth_users:\n  ann: {BCRYPT}\n"));
    let url = guarded.url();
    pulls_everything(&url, "basic_auth:\n  username: ann\n  password: s3cret-password\n", &[], &[]);
    let files = [("user", "ann\n"), ("password", "s3cret-password\n")];
    pulls_everything(&url, "basic_auth:\n  username_file: user\n  password_file: password\n", &files, &[]);
    let basic = "authorization:\n  type: Basic \n  credentials: x";
    fails(&url, basic, &["http.yml, line 2", "authorization.type", "basic_auth"]);
    pulls_everything(&url.replace("//", "//ann:s3cret%2Dpassword@"), "", &[], &[]);
    fails(&url, "", &["401", "--http.config.file"]);
    fails(&url, "basic_auth:\n  username: ann\n  password: wrong\n", &["401", "was rejected"]);
    fails(&url, "basic_auth: {username: ann, password_file: missing}", &["password_file", "missing"]);
    let both = "basic_auth: {username: ann, password: x}";
    fails(
        &url.replace("//", "//ann:pass@"),
        both,
        &["--url and --http.config.file each have a login", "--http.config.file"],
    );
}

/// A proxy that forwards only requests with exactly one header of this name, with this value.
fn wants(header: &'static str) -> Doorman {
    let port = open().server().port();
    let (name, value) = header.split_once(": ").expect("a name and a value");
    Doorman::before(port, move |request| {
        let head = request.split("\r\n\r\n").next().unwrap_or_default();
        let fields = head.lines().filter_map(|line| line.split_once(": "));
        let values: Vec<_> = fields.filter(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect();
        (values != [value]).then(|| crate::support::answer("401 Unauthorized", "", "no org id"))
    })
}

#[test]
fn tenant_and_other_headers_are_sent_with_each_request() {
    let url = wants("X-Scope-OrgID: team-a|team-b").url("");
    for flag in ["X-Scope-OrgID: team-a|team-b", "x-scope-orgid=team-a|team-b"] {
        pulls_everything(&url, "", &[], &["--header", flag]);
    }
    pulls_everything(&url, "http_headers: {X-Scope-OrgID: {values: ['team-a|team-b']}}", &[], &[]);
    // A flag replaces the header of the file, so that each header is sent once.
    for values in ["[x]", "['team-a|team-b']", "[x, 'team-a|team-b']"] {
        let file = format!("http_headers: {{X-Scope-OrgID: {{values: {values}}}}}");
        pulls_everything(&url, &file, &[], &["--header", "X-Scope-OrgID: team-a|team-b"]);
    }
    let secret = wants("X-Api-Key: s3cret").url("/prefix?tenant=a");
    pulls_everything(&secret, "http_headers: {X-Api-Key: {files: [key]}}", &[("key", "s3cret\n")], &[]);
    pulls_everything(&secret, "http_headers: {X-Api-Key: {secrets: [s3cret]}}", &[], &[]);
    fails(&url, "http_headers: {Host: {values: [x]}}", &["http.yml, line 1", "http_headers.Host"]);
}

#[test]
fn histories_of_two_tenants_are_not_mixed() {
    let folder = Folder::new("tenants");
    pull(&folder, &open().url(), "", &["--header", "X-Scope-OrgID: team-a"]).succeeds();
    let before = folder.tree("audit");
    let run = pull(&folder, &open().url(), "", &["--quiet", "--header", "X-Scope-OrgID: team-b"]);
    run.fails_saying(&["team-a", "team-b", "--overwrite"]);
    assert_same(&before, &folder.tree("audit"));
}

#[test]
fn a_token_is_sent_and_its_file_is_reread() {
    let url = wants("Authorization: Bearer t0ken").url("");
    for (config, file) in [
        ("authorization: {credentials: t0ken}", ""),
        ("authorization: {type: Bearer, credentials_file: token}", "t0ken\n"),
        ("bearer_token: t0ken", ""),
        ("bearer_token_file: token", "t0ken"),
    ] {
        pulls_everything(&url, config, &[("token", file)], &[]);
    }
    pulls_everything(
        &wants("Authorization: Token x").url(""),
        "authorization: {type: Token, credentials: x}",
        &[],
        &[],
    );
}

#[test]
fn the_path_prefix_and_query_of_the_url_are_sent_with_each_request() {
    let port = open().server().port();
    let doorman = Doorman::before(port, |_| None);
    pulls_everything(&doorman.url("/prom/?token=s3cret&dedup=true"), "", &[], &[]);
    for request in doorman.seen() {
        let known = [
            "POST /prom/api/v1/query_range?",
            "POST /prom/api/v1/query?",
            "GET /prom/api/v1/series?",
            "GET /prom/api/v1/status/buildinfo?",
            "GET /prom/api/v1/stores?",
        ];
        assert!(known.iter().any(|start| request.starts_with(start)), "{request}");
        assert!(
            request.split_once('?').is_some_and(|(_, query)| query.starts_with("token=s3cret&dedup=true")),
            "{request}"
        );
    }
}

#[test]
fn requests_go_through_the_proxy_of_the_config_file() {
    let port = open().server().port();
    let proxy = Doorman::before(port, |request| {
        request.starts_with("CONNECT").then(|| crate::support::answer("403 Forbidden", "", ""))
    });
    let url = "http://prometheus.invalid:9090";
    let through = proxy.url("").replace("//", "//ann:pass@");
    pulls_everything(url, &format!("proxy_url: {through}"), &[], &[]);
    let seen = proxy.seen();
    let query = "POST http://prometheus.invalid:9090/api/v1/query_range HTTP/1.1";
    assert!(seen.iter().any(|request| request.starts_with(query)), "{seen:?}");
    // Python: base64.b64encode(b"ann:pass")
    let login = "proxy-authorization: basic yw5uonbhc3m=";
    assert!(seen.iter().all(|request| request.to_lowercase().contains(login)), "{seen:?}");
    let except = format!("proxy_url: {through}\nno_proxy: prometheus.invalid");
    fails(url, &except, &["cannot reach", "prometheus.invalid"]);
    let with_header = format!("proxy_url: {}\nproxy_connect_header: {{X-Way: [out]}}", proxy.url(""));
    fails("https://prometheus.invalid", &with_header, &["prometheus.invalid"]);
    let connect = proxy.seen().into_iter().find(|request| request.starts_with("CONNECT")).expect("a tunnel");
    assert!(connect.to_lowercase().contains("x-way: out"), "{connect}");
}

#[test]
fn a_proxy_that_cannot_be_reached_is_named_without_its_login() {
    let folder = Folder::new("no-proxy");
    let url = "http://prometheus.invalid:9090";
    let of_file = "proxy_url: http://ann:PLANTED@127.0.0.1:9\nno_proxy: thanos.invalid";
    let says = ["cannot reach http://prometheus.invalid:9090 through the proxy http://127.0.0.1:9: connection refused"];
    fails(url, of_file, &says);
    let with = |variables: &[(&str, &str)]| {
        let range = ["--start", "2026-10-01T00:00:00Z", "--end", "2026-10-01T02:00:00Z", "--step", "1m"];
        let mut command =
            etcd_heatmap_command(&[&["pull", "--quiet", "--out", "audit", "--url", url], &range[..]].concat());
        command.current_dir(folder.path()).envs(variables.iter().copied());
        let run = Run::of(command);
        assert!(!run.stderr.contains("PLANTED"), "{run:?}");
        run
    };
    let proxy = ("HTTP_PROXY", "http://ann:PLANTED@127.0.0.1:9");
    with(&[proxy]).fails_saying(&says);
    with(&[proxy, ("NO_PROXY", "thanos.invalid")]).fails_saying(&says);
    with(&[proxy, ("NO_PROXY", "prometheus.invalid")]).fails_saying(&["check that the server is running"]);
    with(&[("HTTPS_PROXY", proxy.1)]).fails_saying(&["check that the server is running"]);
}

#[test]
fn a_secret_on_the_command_line_is_rejected_without_printing_it() {
    let folder = Folder::new("refused");
    for header in ["Authorization: Bearer PLANTED", "Cookie: PLANTED", "X-Api-Token=PLANTED", "PLANTED"] {
        let run = pull(&folder, "http://127.0.0.1:9", "", &["--header", header]);
        assert_eq!(run.code, Some(2), "{run:?}");
        run.fails_saying(&["--header", "--http.config.file"]);
        assert!(!run.stderr.contains("PLANTED"), "{run:?}");
    }
    let missing = etcd_heatmap_command(&["config", "show", "--http.config.file", "nowhere.yml"]);
    Run::of(missing).fails_saying(&["nowhere.yml", "--http.config.file"]);
}
