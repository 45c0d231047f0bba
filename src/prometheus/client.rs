//! HTTP to a Prometheus-compatible server.

mod api;

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use tokio::sync::Semaphore;
use url::{Host, Url};

use super::PromError;
use super::matrix::{SeriesLabels, decode_matrix};
use crate::readings::{ColumnReadings, Member};
use crate::spec::Column;
use crate::time::Grid;

/// Time in which a connection must stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time in which a whole answer must be there; Prometheus gives up a query after two minutes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
/// How much of a refusal's text is worth repeating.
const MESSAGE_CHARS: usize = 300;

/// Counts what comes over the wire.
#[derive(Debug, Default)]
pub struct Traffic {
    queries: AtomicU64,
    samples: AtomicU64,
    bytes: AtomicU64,
}

impl Traffic {
    /// What has come so far.
    pub fn received(&self) -> Received {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Received { queries: count(&self.queries), samples: count(&self.samples), bytes: count(&self.bytes) }
    }

    fn add(&self, samples: u64, bytes: u64) {
        self.queries.fetch_add(1, Ordering::Relaxed);
        self.samples.fetch_add(samples, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What has come over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Range queries answered.
    pub queries: u64,
    /// Samples in their answers.
    pub samples: u64,
    /// Bytes of the answers, unpacked.
    pub bytes: u64,
}

impl Received {
    /// What has come since then.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            queries: self.queries - before.queries,
            samples: self.samples - before.samples,
            bytes: self.bytes - before.bytes,
        }
    }
}

/// The labels that name a series' cluster and member.
#[derive(Clone, Debug)]
struct NamingLabels {
    cluster: Option<String>,
    member: String,
}

/// A server, and how its series are named.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Url,
    shown_url: String,
    naming: Arc<NamingLabels>,
    permits: Arc<Semaphore>,
    traffic: Arc<Traffic>,
}

impl Client {
    /// A client for the server at `url` that keeps at most `concurrency` queries in flight.
    pub fn new(
        url: &str,
        concurrency: usize,
        cluster_label: Option<&str>,
        member_label: &str,
    ) -> Result<Self, PromError> {
        let base = parse_url(url)?;
        // Ignored: an error says only that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("etcd-heatmap/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            // Over loopback compression costs both sides more than it saves.
            .gzip(!is_loopback(&base))
            .build()
            .map_err(|e| PromError::NoClient(innermost(&e)))?;
        let mut endpoint = base.clone();
        endpoint.set_path(&format!("{}/api/v1/query_range", base.path().trim_end_matches('/')));
        Ok(Self {
            http,
            endpoint,
            shown_url: without_login(&base),
            naming: Arc::new(NamingLabels {
                cluster: cluster_label.map(str::to_owned),
                member: member_label.to_owned(),
            }),
            permits: Arc::new(Semaphore::new(concurrency.max(1))),
            traffic: Arc::default(),
        })
    }

    /// The server's URL without a login.
    pub fn shown_url(&self) -> &str {
        &self.shown_url
    }

    /// What has come over the wire so far.
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// Evaluates a query on the steps of a grid; the readings stand at `offset` of `len` steps.
    pub async fn query_range(
        &self,
        column: Column,
        promql: &str,
        grid: Grid,
        offset: usize,
        len: usize,
    ) -> Result<ColumnReadings, PromError> {
        let body = self.fetch(promql, &grid).await?;
        let client = self.clone();
        // Megabytes of JSON: not on the threads that serve the connections.
        let decoded = tokio::task::spawn_blocking(move || client.decode(column, &body, &grid, offset, len)).await;
        decoded.unwrap_or_else(|e| Err(self.not_a_matrix(&e)))
    }

    /// Whether a query has any sample on the steps of a grid.
    pub async fn any_sample(&self, promql: &str, grid: Grid) -> Result<bool, PromError> {
        let body = self.fetch(promql, &grid).await?;
        Ok(self.walk(&body, &grid, &mut |_, _| ())? > 0)
    }

    async fn fetch(&self, promql: &str, grid: &Grid) -> Result<Vec<u8>, PromError> {
        let form = [
            ("query", promql.to_owned()),
            ("start", (grid.first_ms() / 1000).to_string()),
            ("end", (grid.last_ms() / 1000).to_string()),
            ("step", grid.step().seconds().to_string()),
        ];
        let _permit = self.permits.acquire().await;
        let response =
            self.http.post(self.endpoint.clone()).form(&form).send().await.map_err(|e| self.no_answer(&e))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|e| self.no_answer(&e))?;
        if status.is_success() { Ok(body.into()) } else { Err(self.refusal(status, &body)) }
    }

    fn decode(
        &self,
        column: Column,
        body: &[u8],
        grid: &Grid,
        offset: usize,
        len: usize,
    ) -> Result<ColumnReadings, PromError> {
        let mut readings = ColumnReadings::default();
        let mut unnamed = None;
        self.walk(body, grid, &mut |labels, values| match self.name(column, labels) {
            Ok(member) => readings.merge_series(member, len, offset, values),
            Err(error) => unnamed = unnamed.take().or(Some(error)),
        })?;
        unnamed.map_or(Ok(readings), Err)
    }

    /// Hands each series of an answer to `take`; returns how many samples they have together.
    fn walk(&self, body: &[u8], grid: &Grid, take: &mut dyn FnMut(&SeriesLabels, &[f64])) -> Result<u64, PromError> {
        let envelope = decode_matrix(body, grid, take)
            .map_err(|e| if is_web_page(body) { self.web_page() } else { self.not_a_matrix(&e) })?;
        if envelope.status != "success" {
            return Err(self.refused(&envelope.error_type, &envelope.error));
        }
        self.traffic.add(envelope.samples, body.len() as u64);
        Ok(envelope.samples)
    }

    /// Which member a series belongs to.
    fn name(&self, column: Column, labels: &SeriesLabels) -> Result<Member, PromError> {
        let label = |name: &str| labels.get(name).filter(|value| !value.is_empty());
        let no_label = |label: &str, remedy| PromError::NoLabel {
            column,
            series: serde_json::to_string(labels).unwrap_or_default(),
            label: label.to_owned(),
            remedy,
        };
        let cluster = match &self.naming.cluster {
            Some(name) => label(name).ok_or_else(|| no_label(name, "name the right one with --cluster-label")),
            None => label("cluster").or_else(|| label("job")).ok_or_else(|| {
                no_label(
                    "cluster or job",
                    "name the one that tells clusters apart with --cluster-label, or take --series raw",
                )
            }),
        }?;
        let member = label(&self.naming.member).ok_or_else(|| {
            no_label(&self.naming.member, "name the one that tells members apart with --member-label")
        })?;
        Ok(Member::new(cluster, member))
    }

    fn no_answer(&self, error: &reqwest::Error) -> PromError {
        let url = self.shown_url.clone();
        let cause = innermost(error);
        if error.is_connect() {
            PromError::Unreachable { url, cause }
        } else {
            let cause =
                if error.is_timeout() { format!("timed out after {} s", ANSWER_TIMEOUT.as_secs()) } else { cause };
            PromError::Broken { url, cause }
        }
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> PromError {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct ApiError {
            #[serde(default)]
            error_type: String,
            error: String,
        }
        let url = self.shown_url.clone();
        match (status, serde_json::from_slice(body)) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                PromError::NotAllowed { url, status: status.to_string() }
            }
            (_, Ok(ApiError { error_type, error })) if error_type.is_empty() => {
                self.refused(&status.to_string(), &error)
            }
            (_, Ok(ApiError { error_type, error })) => self.refused(&error_type, &error),
            (StatusCode::NOT_FOUND, _) => PromError::NotFound { url },
            _ if is_web_page(body) => self.refused(&status.to_string(), "a web page"),
            _ => self.refused(&status.to_string(), &String::from_utf8_lossy(body)),
        }
    }

    /// `kind` is the API's error type, or the HTTP status where there is none.
    fn refused(&self, kind: &str, message: &str) -> PromError {
        let url = self.shown_url.clone();
        let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let message: String = match words.is_empty() {
            true => "without a reason".to_owned(),
            false => words.chars().take(MESSAGE_CHARS).collect(),
        };
        match kind {
            "bad_data" => PromError::BadQuery { url, message },
            _ => PromError::Refused { url, status: kind.to_owned(), message },
        }
    }

    fn web_page(&self) -> PromError {
        PromError::WebPage { url: self.shown_url.clone() }
    }

    fn not_a_matrix(&self, reason: &dyn ToString) -> PromError {
        PromError::NotAMatrix { url: self.shown_url.clone(), reason: reason.to_string() }
    }
}

/// The URL of a server as it may be shown, and whether a login or a query had to be left out for that.
pub(crate) fn shown_url(text: &str) -> Result<(String, bool), PromError> {
    let url = parse_url(text)?;
    let has_secret = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
    Ok((without_login(&url), has_secret))
}

fn parse_url(text: &str) -> Result<Url, PromError> {
    let bad = |reason: String| PromError::BadUrl { url: redact(text), reason };
    let url = Url::parse(text).map_err(|e| bad(e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(format!("its scheme is {}, not http or https", url.scheme())));
    }
    Ok(url)
}

/// What may be repeated of a URL that cannot be read: nothing before an `@`, where a login would stand.
fn redact(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, rest)| format!("…@{rest}"))
}

/// The URL as it may be shown: no user, no password, no query, in which a token might stand.
fn without_login(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path().trim_end_matches('/'))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn is_web_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// The deepest cause of an error: the ones above it only say that something failed.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    // reqwest's own message would name the URL, with a login if there is one.
    if error.source().is_none() { "the request failed".to_owned() } else { cause.to_string() }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> SeriesLabels {
        pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn a_url_is_shown_without_its_login_and_query() {
        let client = Client::new("https://ann:secret@prom.example/prefix/?token=abc", 1, None, "instance").unwrap();
        assert_eq!(client.shown_url(), "https://prom.example/prefix");
        assert_eq!(client.endpoint.path(), "/prefix/api/v1/query_range");
        let error = Client::new("ann:secret@prom", 1, None, "instance").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn the_cluster_is_named_by_cluster_else_by_job() {
        let client = Client::new("http://h", 1, None, "instance").unwrap();
        let name = |pairs: &[(&str, &str)]| client.name(crate::spec::Metric::DbSize.into(), &labels(pairs));
        assert_eq!(name(&[("cluster", "c"), ("job", "j"), ("instance", "i")]).unwrap(), Member::new("c", "i"));
        assert_eq!(name(&[("cluster", ""), ("job", "j"), ("instance", "i")]).unwrap(), Member::new("j", "i"));
        assert!(name(&[("instance", "i")]).unwrap_err().to_string().contains("--cluster-label"));
        assert!(name(&[("job", "j")]).unwrap_err().to_string().contains("--member-label"));
    }

    #[test]
    fn compression_is_asked_for_only_beyond_loopback() {
        for (url, loopback) in [
            ("http://127.0.0.1:9090", true),
            ("http://[::1]", true),
            ("http://localhost", true),
            ("http://prom", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), loopback, "{url}");
        }
    }
}
