//! Samples of the errors of `sources`.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use super::{START_MS, Samples, copied, filled, io_error, path, quarter, samples_of, url};
use crate::history::HistoryError;
use crate::places::AwsFileError;
use crate::readings::identity::MixedMembers;
use crate::scratch::Scratch;
use crate::sources::prometheus::{
    AccessError, HttpConfig, PlainHeaders, ProgramError, PromError, QueryError, QuerySet, shown_url,
};
use crate::sources::sample::SampleError;
use crate::spec::{Column, Companion, Metric};
use crate::time::Step;

pub(super) fn samples() -> Vec<Samples> {
    let mut server = connections();
    server.extend(clouds());
    server.extend(answers());
    server.extend(series());
    vec![
        samples_of(access()),
        samples_of(server),
        samples_of(programs()),
        samples_of(aws_files()),
        samples_of(queries()),
        samples_of(embedded_sample()),
        samples_of(mixed_members()),
    ]
}

pub(super) fn unreachable_server() -> PromError {
    PromError::Unreachable { url: url(), cause: "Connection refused (os error 111)".to_owned() }
}

pub(super) fn too_many_samples() -> PromError {
    let message = "query processing would load too many samples into memory in query execution";
    PromError::Refused { url: url(), status: "with an error of type execution".to_owned(), message: message.to_owned() }
}

fn mixed_members() -> Vec<MixedMembers> {
    let mixed = |labels: &str, values: &str, others: &str, flags: &str| MixedMembers {
        member: "127.0.0.1:2381 of kube-etcd".to_owned(),
        processes: format!("{} processes that differ in {labels} ({values})", values.split(", ").count()),
        others: others.to_owned(),
        flags: flags.to_owned(),
    };
    vec![
        mixed("env", "north, south", ", as are 2 other members", "--cluster-label env"),
        mixed(
            "node",
            "node-1, node-2",
            ", as is 1 other member",
            r#"--member-label node --selector 'job="etcd", node!=""'"#,
        ),
        mixed("env,region", "dev/eu, dev/us, prod/eu, …", "", "--cluster-label env,region"),
    ]
}

fn connections() -> Vec<PromError> {
    let broken = |cause: &str| PromError::Broken { url: url(), cause: cause.to_owned() };
    let no_tls = |cause: &str| PromError::NoTls { url: "https://prometheus:9090".to_owned(), cause: cause.to_owned() };
    let redirects = |to: &str| PromError::Redirects { url: url(), to: to.to_owned() };
    let no_token = |cause: String| {
        let url = "https://login.example/token".to_owned();
        PromError::NoToken { url, cause, passes: false }
    };
    let connection = "sources/prometheus/access/connection.rs";
    let not_allowed = |status: &str, words: &str, remedy| PromError::NotAllowed {
        url: url(),
        status: status.to_owned(),
        words: words.to_owned(),
        remedy: copied("sources/prometheus/refusal.rs", remedy),
    };
    vec![
        shown_url("prometheus:9090").expect_err("no scheme"),
        shown_url("ftp://prometheus").expect_err("another scheme"),
        shown_url("http://prometheus:port").expect_err("no port"),
        PromError::NoClient("No CA certificates were loaded from the system".to_owned()),
        unreachable_server(),
        broken("connection closed before message completed"),
        broken(&filled("sources/prometheus/transport.rs", "timed out after {} s", &["300"])),
        PromError::Unforwarded {
            url: url(),
            proxy: "http://proxy.example:3128".to_owned(),
            cause: "Connection refused (os error 111)".to_owned(),
        },
        PromError::NotFound { url: url() },
        PromError::NothingThere { url: url(), words: " (no such tenant)".to_owned() },
        PromError::EtcdItself { url: "http://10.0.0.1:2379".to_owned() },
        PromError::WebPage { url: url(), title: String::new() },
        PromError::WebPage { url: url(), title: " \"Sign in\"".to_owned() },
        PromError::NoTlsThere { url: "https://prometheus:9090".to_owned() },
        PromError::WantsTls { url: url() },
        PromError::NotHttp { url: url() },
        PromError::LongUrl { url: url(), status: "414 URI Too Long".to_owned() },
        not_allowed(
            "401 Unauthorized",
            "",
            "a login is required; put basic_auth or authorization in a file, and name that file with --http.config.file",
        ),
        not_allowed(
            "401 Unauthorized",
            "",
            "the login of --http.config.file or --url was rejected: check it and its permissions",
        ),
        not_allowed(
            "403 Forbidden",
            " (no access to metrics)",
            "the login of --http.config.file or --url lacks a permission: check its role and the tenant or project in --url",
        ),
        not_allowed(
            "401 Unauthorized",
            " (no org id)",
            "a tenant is required; set it with --header 'X-Scope-OrgID: NAME', or in http_headers of --http.config.file",
        ),
        no_tls(copied(connection, "client and server have no TLS version in common (min_version, max_version)")),
        no_tls(copied(connection, "the server requires a client certificate (cert_file, key_file)")),
        no_tls(copied(connection, "the server rejects the client certificate, or requires one (cert_file, key_file)")),
        no_tls(&filled(
            connection,
            "the server's certificate is not trusted: {reason} (ca_file, server_name)",
            &["UnknownIssuer"],
        )),
        redirects(&filled("sources/prometheus/access/mod.rs", "{}, perhaps a login page", &["https://login.example"])),
        redirects(copied("sources/prometheus/access/mod.rs", "itself again and again")),
        redirects(copied("sources/prometheus/access/mod.rs", "an invalid URL")),
        no_token(filled(
            "sources/prometheus/access/oauth2.rs",
            "it answered {status}{error}",
            &["401 Unauthorized", " (invalid_client)"],
        )),
        no_token(copied("sources/prometheus/access/oauth2.rs", "its token is not a valid header value").to_owned()),
    ]
}

/// Logins of clouds.
fn clouds() -> Vec<PromError> {
    let command = "sources/prometheus/access/command.rs";
    let program = |program: &str, cause: String| {
        let program = program.to_owned();
        PromError::NoCredential { program, cause, passes: false }
    };
    let printed = |text| program("gcloud", copied(command, text).to_owned());
    let keys = |cause: String| PromError::NoAwsKeys { cause, passes: false };
    let no_keys = |file, text| keys(copied(file, text).to_owned());
    let (source, machine) = ("sources/prometheus/access/sigv4/keys.rs", "sources/prometheus/access/sigv4/machine.rs");
    let mut errors: Vec<PromError> = programs().into_iter().map(|error| program("gcloud", error.to_string())).collect();
    errors.extend([
        printed("printed nothing: it must print the token to standard output"),
        printed("printed more than one word: it must print the token and nothing else"),
        printed("printed something else than text: print the token alone"),
        printed("printed JSON without a token (status.token, access_token or accessToken): print the token alone"),
        printed("printed a token that is not a valid header value"),
        program(
            "aws",
            copied(
                source,
                "printed no JSON with AccessKeyId and SecretAccessKey: it must print what `aws configure \
                 export-credentials` prints",
            )
            .to_owned(),
        ),
        no_keys(source, "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY"),
        no_keys(source, "AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID"),
        no_keys(source, "without a home folder, a profile needs AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE"),
        no_keys(source, "an access key or session token is empty, or has characters such as line breaks"),
        no_keys(machine, "the environment and the files of the AWS command line have none"),
        no_keys(
            machine,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI needs AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE here: use \
             credentials_command with `aws configure export-credentials`",
        ),
        keys(format!(
            "{} (Connection refused (os error 111))",
            copied(machine, "the environment, the AWS command line's files and this machine's role have none",)
        )),
        keys(filled(
            "sources/prometheus/access/sigv4/role.rs",
            "{} cannot be assumed at {url}: {cause}",
            &[
                "arn:aws:iam::123456789012:role/metrics",
                "https://sts.eu-central-1.amazonaws.com",
                "403 Forbidden (AccessDenied: not authorized to perform: sts:AssumeRole)",
            ],
        )),
        no_keys("sources/prometheus/access/sigv4/role.rs", "AWS_ENDPOINT_URL_STS is not a URL"),
    ]);
    errors.extend(aws_files().into_iter().take(1).map(PromError::AwsFile));
    errors
}

fn programs() -> Vec<ProgramError> {
    let failed =
        |status, words: &str| ProgramError::Failed { status: ExitStatus::from_raw(status), words: words.to_owned() };
    vec![
        ProgramError::Missing,
        ProgramError::NotRun(io_error(ErrorKind::PermissionDenied)),
        failed(1 << 8, " (ERROR: (gcloud.auth.print-access-token) You do not have an active account selected.)"),
        failed(9, ""),
        ProgramError::Slow(60),
        ProgramError::TooMuch,
    ]
}

fn aws_files() -> Vec<AwsFileError> {
    let (file, name) = (|| path("/home/ann/.aws/credentials"), || "prod".to_owned());
    let half = |has, lacks| AwsFileError::HalfKeys { name: name(), path: file(), has, lacks };
    vec![
        AwsFileError::Unreadable { path: file(), reason: io_error(ErrorKind::PermissionDenied).to_string() },
        AwsFileError::Invalid {
            path: file(),
            reason: "line 2: Found opening bracket for section name but no closing bracket".to_owned(),
        },
        AwsFileError::NoProfile { name: name(), credentials: file(), config: path("/home/ann/.aws/config") },
        half("aws_access_key_id", "aws_secret_access_key"),
        AwsFileError::NoKeys { name: name() },
        AwsFileError::OnlyForTheCommandLine { name: name(), key: "sso_session" },
    ]
}

fn answers() -> Vec<PromError> {
    let too_much = |cause, even: String| PromError::TooMuch { cause: Box::new(cause), even };
    let failure = "sources/prometheus/failure.rs";
    let split =
        |reason: &str| filled(failure, "and the query cannot be split by cluster and member ({reason})", &[reason]);
    let json = || "expected value at line 1 column 1".to_owned();
    vec![
        PromError::BadQuery {
            url: url(),
            message: r#"invalid parameter "query": 1:42: parse error: unexpected "}" in label matching"#.to_owned(),
        },
        PromError::QuotedLabel {
            url: url(),
            label: "k8s.cluster.name".to_owned(),
            message: r#"invalid parameter "query": 1:42: parse error: unexpected "k8s.cluster.name" in grouping opts"#
                .to_owned(),
        },
        PromError::Refused {
            url: url(),
            status: "503 Service Unavailable".to_owned(),
            message: "upstream connect error".to_owned(),
        },
        too_many_samples(),
        PromError::LongWait { url: url(), seconds: 1 },
        PromError::LongWait { url: url(), seconds: 900 },
        PromError::TooLarge { url: url(), mebibytes: 256 },
        too_much(too_many_samples(), copied(failure, "even for a single step and member").to_owned()),
        too_much(too_many_samples(), copied(failure, "even for a single member").to_owned()),
        too_much(too_many_samples(), split("its series have no label instance")),
        PromError::PartialAnswer { url: url(), message: "1 of 2 stores did not answer".to_owned() },
        PromError::Tried { times: 2, cause: Box::new(unreachable_server()) },
        PromError::NotAMatrix { url: url(), reason: json() },
        PromError::NotOfTheApi { url: url(), path: "/api/v1/label/instance/values".to_owned(), reason: json() },
    ]
}

fn series() -> Vec<PromError> {
    let no_label = |label: &str, remedy| PromError::NoLabel {
        column: Column::Metric(Metric::WalFsync),
        series: r#"{"job":"etcd","endpoint":"metrics"}"#.to_owned(),
        label: label.to_owned(),
        remedy: copied("readings/naming.rs", remedy),
    };
    let nothing_at =
        |selector: &str| PromError::NothingAt { url: url(), at_ms: START_MS, selector: selector.to_owned() };
    let nothing = |selector: &str| PromError::Nothing { url: url(), range: quarter(), selector: selector.to_owned() };
    let selector = r#" with {job="etcd"}"#;
    vec![
        PromError::TooManyMembers { column: Column::Metric(Metric::OpenFds), members: 100_000 },
        no_label("env", "set --cluster-label to an existing label"),
        no_label("cluster or job", "set --cluster-label to the label that distinguishes clusters, or use --series raw"),
        no_label("pod", "set --member-label to the label that distinguishes members"),
        PromError::RemoteRead { url: url(), cause: "frame 3 at byte 2097420 has a wrong checksum".to_owned() },
        PromError::NoExternalLabels { url: url(), cause: "it has no such page".to_owned() },
        PromError::NotComputed {
            column: Column::Metric(Metric::DbSize),
            reason: "the function 'avg_over_time' is not supported here".to_owned(),
        },
        PromError::NoSeries { metric: Metric::BackendCommit, range: quarter() },
        PromError::TooFewSamples {
            metric: Metric::WalFsync,
            advice: "scraped every 10 min: rate[5m] never sees two samples; use --rate-window 30m".to_owned(),
        },
        PromError::TooFewSamples {
            metric: Metric::DbSize,
            advice: "too few samples for a value; scrape more often".to_owned(),
        },
        PromError::NativeRefused { metric: Metric::WalFsync, cause: "histogram_quantile returns no value".to_owned() },
        PromError::NotEtcd { metric: Metric::OpenFds },
        PromError::NoLimit { limit: Companion::Quota, metric: Metric::DbSize, range: quarter() },
        nothing_at(""),
        nothing_at(selector),
        nothing(""),
        nothing(selector),
    ]
}

fn access() -> Vec<AccessError> {
    let missing = HttpConfig::load(Some(Path::new("http.yml")), PlainHeaders::default());
    let lines = [
        "basic_auth: [",
        "basic_auth:\n  username: a\n---\n",
        "basic_auth: &login\ntls_config: *login\n",
        "basic_auth:\n  username: a\n  username: b\n",
        "basic_auths:\n  username: a\n",
        "token: a\n",
        "basic_auth: secret\n",
        "basic_auth:\n  username: [a]\n",
        "basic_auth:\n  username: a\n  username_ref: b\n",
        "basic_auth:\n  password: a\n  password_file: b\n",
        "basic_auth:\n  username: a\nbearer_token: b\n",
        "authorization:\n  type: Basic\n",
        "authorization:\n  type: Bearer\n",
        "authorization:\n  credentials_command: gcloud auth print-access-token\n",
        "authorization:\n  credentials_command: [gcloud]\n  credentials_file: token\n",
        "sigv4:\n  access_key: a\n",
        "sigv4:\n  secret_key: a\n",
        "sigv4:\n  session_token: a\n",
        "sigv4:\n  access_key: a\n  secret_key: b\n  profile: c\n",
        "sigv4:\n  external_id: a\n",
        "sigv4:\n  tags: {a: b}\n",
        "sigv4:\n  role: a\n",
        "oauth2:\n  grant_type: password\n",
        "oauth2:\n  client_id: a\n",
        "oauth2:\n  client_id: a\n  token_url: login.example\n",
        "oauth2:\n  token_url: https://login.example/token\n",
        "follow_redirects: perhaps\n",
        "http_headers:\n  'X A':\n    values: [a]\n",
        "http_headers:\n  Host:\n    values: [a]\n",
        "http_headers:\n  X-Team:\n    values: a\n",
        "tls_config:\n  cert_file: client.pem\n",
        "tls_config:\n  key_file: client.key\n",
        "tls_config:\n  min_version: TLS13\n  max_version: TLS12\n",
        "tls_config:\n  min_version: TLS10\n",
        "tls_config:\n  min_version: '1.2'\n",
        "tls_config:\n  server_name: 10.0.1.1\n",
        "no_proxy: prometheus\n",
        "proxy_url: http://proxy.example:3128\nno_proxy: prometheus:9090\n",
        "proxy_url: socks5://proxy.example\n",
        "proxy_url: proxy.example\n",
    ];
    let file = |what, reason: String| AccessError::SecretFile { what, path: path("/etc/etcd-heatmap/secret"), reason };
    let tls = "sources/prometheus/access/tls.rs";
    let text = |file, text| copied(file, text).to_owned();
    let mut errors = vec![missing.err().unwrap_or(AccessError::TwoLogins)];
    errors.extend(lines.map(of_file));
    errors.extend([
        file("password_file", io_error(ErrorKind::NotFound).to_string()),
        file("http_headers", text("sources/prometheus/access/headers.rs", "a header value must be a single line")),
        file("ca_file", text(tls, "no certificate in PEM format found")),
        file("key_file", text(tls, "not an unencrypted private key in PEM format")),
        file(
            "key_file",
            filled(
                tls,
                "the key does not match the certificate ({cause})",
                &["keys may not be consistent: KeyMismatch"],
            ),
        ),
        AccessError::Value { what: "ca", reason: text(tls, "no certificate in PEM format found") },
        AccessError::Value {
            what: "proxy_url",
            reason: text(
                "sources/prometheus/access/proxy.rs",
                "not a valid proxy URL: write it like http://proxy.example:3128",
            ),
        },
        AccessError::Value {
            what: "sigv4",
            reason: text("sources/prometheus/access/sigv4.rs", "needs region: add the region of the workspace"),
        },
        AccessError::TwoLogins,
    ]);
    errors
}

/// The error of a file of `--http.config.file` with this text.
fn of_file(text: &str) -> AccessError {
    let folder = Scratch::new();
    let file = folder.path().join("http.yml");
    std::fs::write(&file, text).expect("the folder for temporary files is writable");
    match HttpConfig::load(Some(&file), PlainHeaders::default()) {
        Err(AccessError::Line { line, reason, .. }) => AccessError::Line { path: path("http.yml"), line, reason },
        other => panic!("{text:?} gives {other:?}"),
    }
}

fn queries() -> Vec<QueryError> {
    let load = |name: &str, text: &str| {
        let folder = Scratch::new();
        std::fs::write(folder.path().join(name), text).expect("the folder for temporary files is writable");
        QuerySet::load(Some(folder.path()), "", None, "instance").expect_err("a wrong folder")
    };
    let shown = |name: &str, error| match error {
        QueryError::NoneThere { names, .. } => QueryError::NoneThere { folder: path("queries"), names },
        QueryError::UnknownName { suggestion, names, .. } => {
            QueryError::UnknownName { path: path("queries").join(name), suggestion, names }
        }
        QueryError::NoRawForm { .. } => QueryError::NoRawForm { path: path("queries").join(name) },
        other => other,
    };
    let wrong = |name: &str, text: &str| shown(name, load(name, text));
    vec![
        QueryError::Unreadable { path: path("queries"), source: io_error(ErrorKind::NotFound) },
        wrong("notes.txt", ""),
        wrong("wal-fsync.promql", "up"),
        wrong("cpu_seconds.promql", "up"),
        wrong("db_size.promql", "# recorded:\nup"),
    ]
}

fn embedded_sample() -> Vec<SampleError> {
    vec![
        SampleError::Day(HistoryError::NotReadings {
            path: path("sample/date=2026-10-01"),
            reason: "Parquet error: Invalid Parquet file. Corrupt footer".to_owned(),
        }),
        SampleError::Time("often".parse::<Step>().expect_err("not a step")),
        SampleError::Empty,
    ]
}
