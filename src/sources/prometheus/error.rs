//! What can go wrong between us and a server.

use super::AccessError;
use crate::spec::{Column, Companion, Metric};
use crate::time::{TimeRange, format_instant};

/// What can go wrong between us and the server; each message says what to do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PromError {
    /// The URL is no URL.
    #[error("'{url}' is not a URL of a server ({reason}): write it like http://127.0.0.1:9090")]
    BadUrl { url: String, reason: String },
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot start: {0}")]
    NoClient(String),
    /// No connection, or it broke.
    #[error("cannot reach {url}: {cause}; is the server running, and is the address right?")]
    Unreachable {
        /// Without a login.
        url: String,
        /// The innermost cause.
        cause: String,
    },
    /// Connected, but no whole answer in time.
    #[error("{url} gave no whole answer: {cause}; try a shorter range, a longer --step or a smaller --concurrency")]
    Broken {
        /// Without a login.
        url: String,
        /// The innermost cause.
        cause: String,
    },
    /// 404: there is no such API at this path.
    #[error(
        "{url} answered 404 Not Found: give as --url the address under which /api/v1/query_range lies, with its path prefix if it has one"
    )]
    NotFound {
        /// Without a login.
        url: String,
    },
    /// A page for people.
    #[error(
        "{url} answered with a web page instead of JSON: a login page or a wrong path? Give as --url the address under which /api/v1/query_range lies"
    )]
    WebPage {
        /// Without a login.
        url: String,
    },
    /// 401 or 403: it wants to know who asks.
    #[error("{url} answered {status}: {remedy}")]
    NotAllowed {
        /// Without a login.
        url: String,
        /// HTTP status.
        status: String,
        remedy: &'static str,
    },
    /// What a person says about logging in, or a file that holds a secret.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Connected, but not on one encrypted line.
    #[error("no TLS connection to {url}: {cause}; check tls_config of --http.config.file")]
    NoTls {
        /// Without a login.
        url: String,
        /// What TLS has against it.
        cause: String,
    },
    /// It sends us elsewhere.
    #[error(
        "{url} redirects to {to}, where no login goes: is that a login page? Otherwise give the address of the server itself as --url"
    )]
    Redirects {
        /// Without a login.
        url: String,
        /// Scheme, host and port.
        to: String,
    },
    /// OAuth 2 without a token.
    #[error("no token from {url}: {cause}; check oauth2 of --http.config.file")]
    NoToken {
        /// The token server's URL without a login.
        url: String,
        cause: String,
        /// Whether it may be over soon, and the token come.
        passes: bool,
    },
    /// PromQL that the server cannot evaluate.
    #[error("{url} cannot evaluate the query ({message}): check --selector, the labels and the files of --queries")]
    BadQuery {
        /// Without a login.
        url: String,
        message: String,
    },
    /// Another status than success, with what the server says.
    #[error("{url} answered {status}: {message}")]
    Refused {
        /// Without a login.
        url: String,
        /// HTTP status, or the API's own error type.
        status: String,
        message: String,
    },
    /// 429 or 503 with a Retry-After that is longer than a run is kept alive for.
    #[error(
        "{url} asks to wait {seconds} s before the next query: run the same command again then, perhaps with --max-qps"
    )]
    LongWait {
        /// Without a login.
        url: String,
        /// How long.
        seconds: u64,
    },
    /// More bytes than an answer may have.
    #[error("{url} answered with more than {mebibytes} MiB")]
    TooLarge {
        /// Without a login.
        url: String,
        /// How many an answer may have.
        mebibytes: usize,
    },
    /// The smallest query that can be made is too much.
    #[error("{cause}, {even}: pull less with --selector, such as one cluster a folder")]
    TooMuch {
        /// The server's refusal.
        cause: Box<PromError>,
        /// How small it was, or why it could not be smaller.
        even: String,
    },
    /// More series than a day can hold.
    #[error(
        "the query of {column} has more than {members} members: pull less at once with --selector, or a longer --step"
    )]
    TooManyMembers {
        /// What the query asks for.
        column: Column,
        /// How many were taken.
        members: usize,
    },
    /// The server says that it left something out.
    #[error(
        "{url} answered with a part only ({message}): wait until all of its stores answer, or take what it has with --allow-partial"
    )]
    PartialAnswer {
        /// Without a login.
        url: String,
        message: String,
    },
    /// Any of these, more than once.
    #[error("{cause} (tried {times} times)")]
    Tried {
        /// How often.
        times: u32,
        /// The last time.
        cause: Box<PromError>,
    },
    /// An answer that is no matrix of the Prometheus API.
    #[error(
        "{url} answered something that is not a Prometheus matrix ({reason}): is it a Prometheus-compatible server, and the path of --url right?"
    )]
    NotAMatrix {
        /// Without a login.
        url: String,
        /// Where the decoder stopped.
        reason: String,
    },
    /// An answer of another API than that of Prometheus to a look-up.
    #[error(
        "{url} answered {path} with something that is not of the Prometheus API ({reason}): is it a Prometheus-compatible server, and the path of --url right?"
    )]
    NotOfTheApi {
        /// Without a login.
        url: String,
        /// The path of the API.
        path: String,
        /// Where the decoder stopped.
        reason: String,
    },
    /// A series that cannot be given to a member.
    #[error("the series {series} of {column} has no label {label}: {remedy}")]
    NoLabel {
        /// What the query asks for.
        column: Column,
        /// Its labels as the server gave them.
        series: String,
        /// The missing label.
        label: String,
        remedy: &'static str,
    },
    /// A metric that exists nowhere in the range.
    #[error(
        "no series of {metric} from {range}: name its series with a file {metric}.promql in --queries DIR (or with --selector), or leave it out with --without {metric}"
    )]
    NoSeries {
        metric: Metric,
        /// The range that was asked for.
        range: TimeRange,
    },
    /// A limit that a profile needs exists nowhere in the range.
    #[error(
        "no series of {limit} from {range}, which the profile judges {metric} against: name its series with a file {limit}.promql in --queries DIR, leave {metric} out with --without {metric}, or take --profile seed"
    )]
    NoLimit {
        limit: Companion,
        /// What is judged against it.
        metric: Metric,
        /// The range that was asked for.
        range: TimeRange,
    },
    /// None of the metrics exists at the instant.
    #[error(
        "{url} has none of etcd's six metrics at {}{selector}: check --url and --selector; 'etcd-heatmap check' tells what is there",
        format_instant(*.at_ms)
    )]
    NothingAt {
        /// Without a login.
        url: String,
        /// When, in milliseconds.
        at_ms: i64,
        /// ` with {…}`, or nothing.
        selector: String,
    },
    /// None of the metrics exists in the range.
    #[error("{url} has none of etcd's six metrics from {range}{selector}: check --start, --end and --selector")]
    Nothing {
        /// Without a login.
        url: String,
        /// The range that was asked for.
        range: TimeRange,
        /// ` with {…}`, or nothing.
        selector: String,
    },
}

impl PromError {
    /// Whether the server was reached and refused this path, or answered it with something else: other
    /// paths may still be answered.
    pub(super) fn is_about_the_path(&self) -> bool {
        match self {
            Self::Tried { cause, .. } => cause.is_about_the_path(),
            Self::NotFound { .. }
            | Self::WebPage { .. }
            | Self::NotAllowed { .. }
            | Self::Broken { .. }
            | Self::BadQuery { .. }
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::PartialAnswer { .. }
            | Self::NotOfTheApi { .. } => true,
            _ => false,
        }
    }
}
