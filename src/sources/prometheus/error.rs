//! Errors of requests to a server.

use super::AccessError;
use crate::places::AwsFileError;
use crate::spec::{Column, Companion, Metric};
use crate::time::{TimeRange, format_instant};

/// Errors of requests to a server; each message says what to do. A `url` never contains the login.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PromError {
    #[error("'{url}' is not a server URL ({reason}): write it like http://127.0.0.1:9090")]
    BadUrl { url: String, reason: String },
    /// The HTTP client could not be created.
    #[error("the HTTP client cannot start: {0}; check the CA certificates of this system")]
    NoClient(String),
    /// The connection could not be established, or it broke.
    #[error("cannot reach {url}: {cause}; check that the server is running and that --url is right")]
    Unreachable { url: String, cause: String },
    /// The connection through a proxy could not be established, or it broke.
    #[error(
        "cannot reach {url} through the proxy {proxy}: {cause}; check the proxy, or add the host to NO_PROXY (to no_proxy beside proxy_url)"
    )]
    Unforwarded {
        url: String,
        /// The URL of the proxy, without a login.
        proxy: String,
        cause: String,
    },
    /// The answer was cut off or timed out.
    #[error("{url} gave no complete answer: {cause}; try a shorter range, a longer --step or a smaller --concurrency")]
    Broken { url: String, cause: String },
    /// 404: there is no Prometheus API at this path.
    #[error(
        "{url} answered 404 Not Found: set --url to the part of the address before /api/v1/query_range, including any path prefix"
    )]
    NotFound { url: String },
    /// 404 with an explanation or in JSON: a gateway knows the path, but perhaps not the tenant or project in --url.
    #[error("{url} answered 404 Not Found{words}: check the path prefix, tenant or project in --url")]
    NothingThere {
        url: String,
        /// ` (…)` with the server's words, or empty.
        words: String,
    },
    /// The address is that of an etcd member.
    #[error("{url} is the address of an etcd member: set --url to the Prometheus that scrapes it")]
    EtcdItself { url: String },
    /// The answer is an HTML page instead of JSON.
    #[error(
        "{url} answered with a web page{title} instead of JSON, perhaps a login page: set --url to the part of the address before /api/v1/query_range"
    )]
    WebPage {
        url: String,
        /// The page's title in quotes after a space, or empty.
        title: String,
    },
    /// 401 or 403: authentication failed or is missing, or a permission is.
    #[error("{url} answered {status}{words}: {remedy}")]
    NotAllowed {
        url: String,
        status: String,
        /// ` (…)` with the server's words, or empty.
        words: String,
        remedy: &'static str,
    },
    /// The authentication settings, or a file with a secret, cannot be used.
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("TLS connection to {url} failed: {cause}; check tls_config of --http.config.file")]
    NoTls { url: String, cause: String },
    /// The server answers plain HTTP where TLS was expected.
    #[error("{url} does not speak TLS at this port: write http:// instead of https:// in --url")]
    NoTlsThere { url: String },
    /// The server reports that it expects TLS.
    #[error("{url} expects TLS at this port: write https:// instead of http:// in --url")]
    WantsTls { url: String },
    /// The answer is not HTTP/1.1: TLS or gRPC.
    #[error(
        "{url} does not answer in HTTP: write https:// in --url if this port expects TLS, or set --url to the server's HTTP port"
    )]
    NotHttp { url: String },
    /// 414 or 431: the URL of a GET request is too long, and a split does not make it shorter.
    #[error(
        "{url} answered {status}, because the URL of a GET is too long: shorten --selector, or set --http-method post"
    )]
    LongUrl { url: String, status: String },
    /// A redirect that is not followed.
    #[error("{url} redirects to {to}, which is not followed: set --url to the server's own address")]
    Redirects {
        url: String,
        /// Scheme, host and port of the target, or words that complete the message, such as `an invalid URL`.
        to: String,
    },
    /// No OAuth 2 token could be fetched.
    #[error("cannot get a token from {url}: {cause}; check oauth2 of --http.config.file")]
    NoToken {
        /// The token server's URL without its login.
        url: String,
        cause: String,
        /// Whether a retry may succeed.
        passes: bool,
    },
    /// A program printed no credential.
    #[error("credentials_command of --http.config.file: {program} {cause}")]
    NoCredential {
        program: String,
        cause: String,
        /// Whether a retry may succeed.
        passes: bool,
    },
    /// There are no keys to sign requests with, or they cannot be used.
    #[error("cannot get AWS keys: {cause}; check sigv4 of --http.config.file")]
    NoAwsKeys {
        cause: String,
        /// Whether a retry may succeed.
        passes: bool,
    },
    #[error(transparent)]
    AwsFile(#[from] AwsFileError),
    /// The server rejected the PromQL.
    #[error("{url} cannot evaluate the query ({message}): check --selector, the labels and the files of --queries")]
    BadQuery { url: String, message: String },
    /// The server rejected the PromQL, in which a label name is quoted.
    #[error(
        "{url} cannot evaluate the query ({message}): quoted label names such as {label} need Prometheus 3 or newer: use another label"
    )]
    QuotedLabel {
        url: String,
        /// The first label of --cluster-label or --member-label that needs quotes.
        label: String,
        message: String,
    },
    /// Any other refusal, with the server's message.
    #[error("{url} answered {status}: {message}")]
    Refused {
        url: String,
        /// HTTP status, or the API's error type.
        status: String,
        message: String,
    },
    /// 429 or 503 with a Retry-After that is longer than the program waits.
    #[error(
        "{url} asks to wait {seconds} s before the next query: run the same command again after that, with --max-qps to send fewer queries"
    )]
    LongWait {
        url: String,
        /// The requested wait in seconds.
        seconds: u64,
    },
    /// The answer exceeds the size limit.
    #[error("{url} answered with more than {mebibytes} MiB: use a shorter range or a narrower --selector")]
    TooLarge { url: String, mebibytes: usize },
    /// The server finds even the smallest possible query too large.
    #[error("{cause}, {even}: narrow --selector, or raise the server's query limits, such as --query.max-samples")]
    TooMuch {
        /// The server's refusal of the smallest possible query.
        cause: Box<PromError>,
        /// The end of the message: how small that query was, or why it could not be split.
        even: String,
    },
    /// A query returns more members than fit into the memory limit for one column of a day.
    #[error(
        "the query of {column} returns more than {members} members, too many for memory at this step: narrow --selector, or use a longer --step"
    )]
    TooManyMembers {
        column: Column,
        /// The maximum number of members.
        members: usize,
    },
    /// The answer is marked as partial, or one of its warnings reports missing data, and `--allow-partial` is off.
    #[error(
        "{url} answered with partial data ({message}): wait until all stores answer, or accept partial responses with --allow-partial"
    )]
    PartialAnswer { url: String, message: String },
    /// A failure that remained after all retries.
    #[error("{cause} (tried {times} times)")]
    Tried {
        /// Number of attempts, including the first one.
        times: u32,
        /// The failure of the last attempt.
        cause: Box<PromError>,
    },
    /// The answer is not a Prometheus matrix.
    #[error(
        "the answer of {url} is not a Prometheus matrix ({reason}): check that --url is a Prometheus-compatible server, with its path prefix"
    )]
    NotAMatrix { url: String, reason: String },
    /// The answer to a lookup does not have the format of the Prometheus API.
    #[error(
        "the answer of {url} to {path} is not from the Prometheus API ({reason}): check that --url is a Prometheus-compatible server, with its path prefix"
    )]
    NotOfTheApi {
        url: String,
        /// Path of the lookup below the base URL.
        path: String,
        reason: String,
    },
    /// The answer to a remote read cannot be used.
    #[error("the remote read of {url} failed: {cause}; use --read promql")]
    RemoteRead { url: String, cause: String },
    /// Without its external labels, the series of a remote read cannot be told from those of PromQL.
    #[error("cannot learn the external labels of {url}, which remote read adds ({cause}): use --read promql")]
    NoExternalLabels { url: String, cause: String },
    /// A query has a form that cannot be computed from raw samples.
    #[error("the query of {column} cannot be computed from raw samples ({reason}): use --read promql")]
    NotComputed {
        column: Column,
        /// What is not supported, in a few words.
        reason: String,
    },
    /// A series lacks a label that names its cluster or member.
    #[error("the series {series} of {column} has no label {label}: {remedy}")]
    NoLabel {
        column: Column,
        /// Labels of the series, as the server sent them.
        series: String,
        label: String,
        remedy: &'static str,
    },
    /// A metric has no series in the range.
    #[error(
        "no series of {metric} from {range}: select its series with {metric}.promql in --queries DIR or with --selector, or leave it out with --without {metric}"
    )]
    NoSeries { metric: Metric, range: TimeRange },
    /// A metric has series, but never enough samples for a value.
    #[error("{metric} has no value: {advice}, or leave it out with --without {metric}")]
    TooFewSamples {
        metric: Metric,
        /// How often the metric is scraped, if known, and the remedy.
        advice: String,
    },
    /// A metric has native histograms only, and the server cannot evaluate them.
    #[error(
        "{metric} exists as native histograms only, which this server cannot evaluate ({cause}): leave it out with --without {metric}"
    )]
    NativeRefused {
        metric: Metric,
        /// The server's refusal, or a note that `histogram_quantile` returns no value.
        cause: String,
    },
    /// Every process has this metric (such as `process_open_fds`), and no target with it also has a series of etcd.
    #[error(
        "{metric} exists only on targets without etcd's own series, such as etcd_server_has_leader: check the scrape config and --selector, or use --without {metric}"
    )]
    NotEtcd { metric: Metric },
    /// A limit that the profile uses (a companion) has no series in the range.
    #[error(
        "no series of {limit} from {range}; the profile compares {metric} with it: select the series with {limit}.promql in --queries DIR, or use --without {metric} or --profile seed"
    )]
    NoLimit {
        limit: Companion,
        /// The metric that is compared with the limit.
        metric: Metric,
        range: TimeRange,
    },
    /// None of the metrics has a series at the instant.
    #[error(
        "{url} has none of etcd's six metrics at {}{selector}: check --url and --selector; 'etcd-heatmap check' shows what the server has",
        format_instant(*.at_ms)
    )]
    NothingAt {
        url: String,
        at_ms: i64,
        /// ` with {…}` if there is a selector, otherwise empty.
        selector: String,
    },
    /// None of the metrics has a series in the range.
    #[error("{url} has none of etcd's six metrics from {range}{selector}: check --start, --end and --selector")]
    Nothing {
        url: String,
        range: TimeRange,
        /// ` with {…}` if there is a selector, otherwise empty.
        selector: String,
    },
}

impl PromError {
    /// Whether the error concerns only one metric or limit, so that the others can still be chosen.
    pub(super) fn is_about_a_column(&self) -> bool {
        matches!(
            self,
            Self::NoSeries { .. } | Self::TooFewSamples { .. } | Self::NativeRefused { .. } | Self::NotEtcd { .. }
        )
    }

    /// Whether the error concerns only this API path: the server is reachable, but refused the request or sent an
    /// unusable answer. Other paths may still work.
    pub(super) fn is_about_the_path(&self) -> bool {
        match self {
            Self::Tried { cause, .. } => cause.is_about_the_path(),
            Self::NotFound { .. }
            | Self::NothingThere { .. }
            | Self::LongUrl { .. }
            | Self::WebPage { .. }
            | Self::NotAllowed { .. }
            | Self::Broken { .. }
            | Self::BadQuery { .. }
            | Self::QuotedLabel { .. }
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::PartialAnswer { .. }
            | Self::NotOfTheApi { .. } => true,
            _ => false,
        }
    }
}
