//! Requests signed for AWS. botocore verifies each one as it arrives at a gateway before a Prometheus.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::{expected, open};
use crate::support::{Doorman, Folder, Run, Server, answer, etcd_heatmap_command, free_port, python};

const SECRET: &str = "PLANTED/secret+key=";
const TOKEN: &str = "PLANTED-session//token+==";
const REGION: &str = "region: eu-test-1";

/// A gateway that verifies signatures, with the folder of its log.
struct Gateway {
    server: Server,
    folder: Folder,
    /// AWS's token service behind it, if it needs one.
    _sts: Option<Server>,
}

impl Gateway {
    fn start(flags: &[&str]) -> Self {
        Self::with_sts(flags, None)
    }

    /// With moto's token service behind it.
    fn with_roles() -> Self {
        let (folder, port) = (Folder::new("sts"), free_port());
        let mut moto = Command::new(python().with_file_name("moto_server"));
        moto.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        let sts = Server::start(&moto, port, &folder).ready("/moto-api/");
        Self::with_sts(&["--sts", &port.to_string()], Some(sts))
    }

    fn with_sts(flags: &[&str], sts: Option<Server>) -> Self {
        let (folder, port) = (Folder::new("sigv4"), free_port());
        let mut program = Command::new(python());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/sigv4_gateway.py");
        program.args(["-B", script, "--port", &port.to_string(), "--behind", &open().server().port().to_string()]);
        program.args(["--key", &format!("AKID:{SECRET}"), "--key", &format!("ASIA:{SECRET}:{TOKEN}")]).args(flags);
        Self { server: Server::start(&program, port, &folder).ready("/ready"), folder, _sts: sts }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.server.port())
    }

    /// All requests so far.
    fn seen(&self) -> Vec<Value> {
        let log = self.folder.text(&format!("server-{}.log", self.server.port()));
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{log}"))).collect()
    }

    /// The different values of a key of all requests.
    fn all(&self, key: &str) -> BTreeSet<String> {
        self.seen().iter().filter_map(|request| request[key].as_str().map(str::to_owned)).collect()
    }

    /// Asserts that each request was signed rightly.
    #[track_caller]
    fn all_signed(&self) {
        assert_eq!(self.all("wrong"), BTreeSet::new());
        assert!(!self.seen().is_empty());
    }
}

/// Runs `backfill` with a login under `sigv4`, a home without files, and no keys but those in `variables`.
fn pull(folder: &Folder, url: &str, sigv4: &str, flags: &[&str], variables: &[(&str, &str)]) -> Run {
    folder.write("http.yml", format!("sigv4: {{{sigv4}}}\n"));
    let range = ["--start", "2026-10-01T00:00:00Z", "--end", "2026-10-01T02:00:00Z", "--step", "1m"];
    let pull = ["backfill", "--formats", "csv", "--out", "audit", "--http.config.file", "http.yml", "--url", url];
    let mut command = etcd_heatmap_command(&[&pull[..], &range, flags].concat());
    for (variable, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(variable);
    }
    command.current_dir(folder.path()).env("HOME", folder.path()).env("AWS_EC2_METADATA_DISABLED", "true");
    command.envs(variables.iter().copied());
    let run = Run::of(command);
    assert!(!run.stderr.contains("PLANTED") && !run.stdout.contains("PLANTED"), "{run:?}");
    run
}

#[track_caller]
fn pulls_everything(url: &str, sigv4: &str, flags: &[&str], variables: &[(&str, &str)]) {
    let folder = Folder::new("signed");
    pull(&folder, url, sigv4, flags, variables).succeeds();
    assert_eq!(folder.text("audit/heatmap.csv"), expected());
}

#[track_caller]
fn fails(url: &str, sigv4: &str, variables: &[(&str, &str)], words: &[&str]) {
    let folder = Folder::new("unsigned");
    pull(&folder, url, sigv4, &["--quiet"], variables).fails_saying(words);
}

fn own_keys() -> String {
    format!("{REGION}, access_key: AKID, secret_key: '{SECRET}'")
}

#[test]
fn queries_lookups_and_remote_reads_are_signed_as_they_are_sent() {
    let gateway = Gateway::start(&[]);
    let url = gateway.url("/workspaces/ws-1?a=b+c%20d*~&&flag");
    for flags in [
        &["--selector", r#"job=~"etcd|a+b\\*|é.~",job!="%2B &=""#][..],
        &["--http-method", "get", "--header", "X-Amz-Meta: one  two"],
        &["--read", "raw"],
    ] {
        pulls_everything(&url, &own_keys(), flags, &[]);
    }
    gateway.all_signed();
    let paths = gateway.all("path");
    let has = |part: &str| assert!(paths.iter().any(|path| path.contains(part)), "no request has {part}");
    has("/workspaces/ws-1/api/v1/query_range?a=b%20c%20d%2A~&flag=");
    has("/api/v1/query_range?a=b%20c%20d%2A~&flag=&start=1790812800&end=1790819940");
    has("/workspaces/ws-1/api/v1/read");
    has("/api/v1/series");
    assert_eq!(gateway.all("method"), ["GET", "POST"].map(str::to_owned).into());
}

#[test]
fn keys_come_from_the_environment_a_profile_or_a_program() {
    let gateway = Gateway::start(&[]);
    let url = gateway.url("/workspaces/ws-1");
    let environment = [
        ("AWS_ACCESS_KEY_ID", "ASIA"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", TOKEN),
        ("AWS_REGION", "eu-test-1"),
    ];
    pulls_everything(&url, "", &[], &environment);
    assert_eq!(gateway.all("key"), ["ASIA".to_owned()].into());
    // Files of the AWS command line, found at their usual place and by variable.
    let folder = Folder::new("profile");
    let profile = format!(
        "[default]\naws_access_key_id = AKID\naws_secret_access_key = {SECRET}\n\
         [prod]\naws_access_key_id = ASIA\naws_secret_access_key = {SECRET}\naws_session_token = {TOKEN}\n"
    );
    std::fs::create_dir(folder.at(".aws")).expect("the folder is writable");
    let file = folder.write(".aws/credentials", &profile);
    folder.write(".aws/config", "[default]\nregion = eu-test-1\n[profile prod]\nregion = eu-test-1\n");
    pull(&folder, &url, "", &[], &[]).succeeds();
    assert_eq!(gateway.all("key").len(), 2);
    pull(&folder, &url, "profile: prod", &["--overwrite"], &environment[..2]).succeeds();
    let named = [("AWS_SHARED_CREDENTIALS_FILE", file.as_str()), ("AWS_PROFILE", "prod")];
    pulls_everything(&url, REGION, &[], &named);
    // A program that prints what `aws configure export-credentials` prints.
    let printed = serde_json::json!({"Version": 1, "AccessKeyId": "ASIA", "SecretAccessKey": SECRET,
        "SessionToken": TOKEN, "Expiration": "2100-01-01T00:00:00+00:00"});
    folder.write("keys.json", printed.to_string());
    let command = format!("{REGION}, credentials_command: [cat, keys.json]");
    pull(&folder, &url, &command, &["--overwrite"], &[]).succeeds();
    folder.write("secret", format!("{SECRET}\n"));
    folder.write("token", format!("{TOKEN}\n"));
    let of_files = format!("{REGION}, access_key: ASIA, secret_key_file: secret, session_token_file: token");
    pull(&folder, &url, &of_files, &["--overwrite"], &[]).succeeds();
    gateway.all_signed();
}

#[test]
fn keys_come_from_a_container_or_an_instance() {
    let gateway = Gateway::start(&[]);
    let url = gateway.url("/workspaces/ws-1");
    let keys = serde_json::json!({"AccessKeyId": "ASIA", "SecretAccessKey": SECRET, "Token": TOKEN,
        "Expiration": "2100-01-01T00:00:00Z"})
    .to_string();
    // Neither answers outside AWS, so these are fakes of EKS's agent and of the metadata of an instance.
    let agent = Doorman::before(0, move |request| {
        let is_allowed = request.starts_with("GET /v1/credentials ") && request.contains("PLANTED-pod");
        Some(if is_allowed { answer("200 OK", "", &keys) } else { answer("403 Forbidden", "", "no") })
    });
    let folder = Folder::new("container");
    let token = folder.write("pod-token", "PLANTED-pod");
    let full_url = agent.url("/v1/credentials");
    let container =
        [("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*full_url), ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token)];
    // A proxy is never asked for an address of the machine.
    let unreachable = [container[0], container[1], ("http_proxy", "http://127.0.0.1:9"), ("no_proxy", "127.0.0.1")];
    pulls_everything(&url, REGION, &[], &container);
    pulls_everything(&url, REGION, &[], &unreachable);
    assert_eq!(agent.seen().len(), 2, "once for each pull");

    let instance = Doorman::before(0, |request| {
        let keys = serde_json::json!({"Code": "Success", "AccessKeyId": "ASIA", "SecretAccessKey": SECRET,
            "Token": TOKEN, "Expiration": "2100-01-01T00:00:00Z"});
        let has_token = request.to_lowercase().contains("x-aws-ec2-metadata-token: imds");
        Some(match request.split(' ').take(2).collect::<Vec<_>>()[..] {
            ["PUT", "/latest/api/token"] => answer("200 OK", "", "imds"),
            ["GET", "/latest/meta-data/iam/security-credentials/"] if has_token => answer("200 OK", "", "role"),
            ["GET", "/latest/meta-data/iam/security-credentials/role"] if has_token => {
                answer("200 OK", "", &keys.to_string())
            }
            _ => answer("404 Not Found", "", ""),
        })
    });
    let endpoint = instance.url("/");
    let metadata = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*endpoint), ("AWS_EC2_METADATA_DISABLED", "false")];
    pulls_everything(&url, REGION, &[], &metadata);
    gateway.all_signed();
    assert_eq!(gateway.all("key"), ["ASIA".to_owned()].into());
}

#[test]
fn a_role_is_assumed_with_a_signed_request_and_its_keys_sign_the_queries() {
    let gateway = Gateway::with_roles();
    let url = gateway.url("/workspaces/ws-1");
    let sts = gateway.url("/");
    let role = "role_arn: 'arn:aws:iam::123456789012:role/metrics', external_id: 'a b/c'";
    pulls_everything(&url, &format!("{}, {role}", own_keys()), &[], &[("AWS_ENDPOINT_URL_STS", &sts)]);
    gateway.all_signed();
    let seen = gateway.seen();
    let assumed: Vec<_> = seen.iter().filter(|request| request["action"] == "AssumeRole").collect();
    assert_eq!(assumed.len(), 1, "one set of keys serves the whole pull");
    assert_eq!((&assumed[0]["key"], &assumed[0]["external_id"]), (&"AKID".into(), &"a b/c".into()));
    let others = seen.iter().filter(|request| request["action"].is_null());
    assert!(others.clone().all(|request| request["key"] != "AKID") && others.count() > 3, "{seen:?}");
    // The role of a service account of Kubernetes: its token is read from a file, and the request needs no signature.
    let folder = Folder::new("web");
    let token = folder.write("token", "PLANTED-web-identity");
    let web = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &*token),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod"),
        ("AWS_ENDPOINT_URL_STS", &sts),
    ];
    pulls_everything(&url, REGION, &[], &web);
    gateway.all_signed();
    assert!(gateway.all("action").contains("AssumeRoleWithWebIdentity"));
    // A request to assume a role with wrong keys is refused.
    let wrong = format!("{REGION}, access_key: AKID, secret_key: PLANTED-wrong, {role}");
    fails(&url, &wrong, &[("AWS_ENDPOINT_URL_STS", &sts)], &["role/metrics cannot be assumed", "403", "sigv4"]);
}

#[test]
fn a_redirect_within_the_server_and_a_retry_are_signed_anew() {
    // Retry-After is longer than the gateway takes a signature for.
    let gateway = Gateway::start(&["--busy", "1"]);
    pulls_everything(&gateway.url("/old/ws-1"), &own_keys(), &["--concurrency", "1"], &[]);
    gateway.all_signed();
    assert!(gateway.all("path").iter().any(|path| path.starts_with("/new~1/ws-1/api/v1/query_range")));
}

#[test]
fn a_signature_goes_through_a_proxy_and_never_to_another_host() {
    let gateway = Gateway::start(&[]);
    let proxy = Doorman::before(gateway.server.port(), |_| None);
    let folder = Folder::new("proxied");
    let run = {
        let sigv4 = format!("{}}}\nproxy_url: {}\nhttp_headers: {{X-A: {{values: [b]}}", own_keys(), proxy.url(""));
        pull(&folder, "http://prometheus.invalid:9090", &sigv4, &[], &[])
    };
    run.succeeds();
    assert_eq!(folder.text("audit/heatmap.csv"), expected());
    gateway.all_signed();
    assert!(proxy.seen().iter().any(|request| request.starts_with("POST http://prometheus.invalid:9090/api/")));

    let other = Doorman::before(0, |_| None);
    let to = format!("Location: {}\r\n", other.url("/api/v1/query_range"));
    let redirecting = Doorman::before(0, move |_| Some(answer("307 Temporary Redirect", &to, "")));
    fails(&redirecting.url(""), &own_keys(), &[], &["redirects to", "--url"]);
    assert!(other.seen().is_empty(), "{:?}", other.seen());
}

#[test]
fn wrong_keys_are_refused_and_no_secret_is_shown() {
    let gateway = Gateway::start(&[]);
    let url = gateway.url("");
    let wrong = format!("{REGION}, access_key: ASIA, secret_key: PLANTED-wrong, session_token: '{TOKEN}'");
    // The gateway repeats the session token, as AWS does.
    fails(&url, &wrong, &[], &["403", "does not match"]);
    let other = format!("region: eu-test-2, access_key: AKID, secret_key: '{SECRET}'");
    fails(&url, &other, &[], &["403", "scoped to eu-test-1/aps"]);
    let service = format!("{}, service_name: other", own_keys());
    fails(&url, &service, &[], &["403", "eu-test-1/other"]);
    fails(&url, "", &[], &["sigv4", "needs region"]);
    fails(&url, REGION, &[], &["cannot get AWS keys", "the environment and the files", "sigv4"]);
    fails(&url, &format!("{REGION}, profile: nowhere"), &[], &["has the profile 'nowhere'", "aws configure"]);
    let half = [("AWS_ACCESS_KEY_ID", "AKID")];
    fails(&url, REGION, &half, &["AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY"]);
    // Nothing answers at this address.
    let away = [("AWS_EC2_METADATA_DISABLED", ""), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")];
    fails(&url, REGION, &away, &["cannot get AWS keys", "this machine's role", "refused"]);
    let failing = format!("{REGION}, credentials_command: [echo, PLANTED]");
    fails(&url, &failing, &[], &["credentials_command", "echo printed no JSON with AccessKeyId"]);
}
