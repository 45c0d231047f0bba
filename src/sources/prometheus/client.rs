//! Client of a Prometheus-compatible server: sends queries, retries them, and decodes the answers.

mod api;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};
use tokio::time::sleep;
use tracing::{info, warn};
use url::{Host, Url};

use super::access::{Access, HttpConfig, without_login};
use super::dialect::{Dialect, OF_QUERIES};
use super::failure::{Cure, Failure};
use super::matrix::{Envelope, SeriesLabels};
use super::notes::Notes;
use super::pace::Pace;
use super::retry::{Trust, chance, wait_after};
use super::slices::Slices;
use super::transport::Kind;
use super::windows::WindowSizes;
use super::{PromError, Terms, Traffic, USER_AGENT};
use crate::readings::ColumnReadings;
use crate::readings::NamingLabels;
use crate::spec::Column;
use crate::time::Grid;

/// Timeout for establishing a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Retries of a lookup that queries wait for.
const FEW_RETRIES: u32 = 2;

/// How hard to try to get an answer to a request.
#[derive(Clone, Copy)]
struct Effort {
    steps: usize,
    retries: u32,
    is_query: bool,
}

/// The `steps` argument of [`Client::persist_in_lookup`] for a lookup. Any number above one ends the retries at the
/// second timeout, because callers can do without a lookup.
const LOOK_UP: usize = 2;

/// A series of an answer with all its labels.
#[derive(Clone, Debug)]
pub(super) struct Labeled {
    pub(super) labels: SeriesLabels,
    /// Instants in milliseconds with their values, without NaN.
    pub(super) samples: Vec<(i64, f64)>,
}

/// A client for one server, with the labels that name cluster and member.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    access: Access,
    endpoint: Url,
    shown_url: String,
    naming: Arc<NamingLabels>,
    terms: Terms,
    traffic: Arc<Traffic>,
    learnt: Arc<Learnt>,
}

/// State shared by all queries of a run: limits on requests, and what earlier answers showed about the server.
#[derive(Debug)]
struct Learnt {
    permits: Semaphore,
    pace: Pace,
    trust: Trust,
    window_sizes: WindowSizes,
    slices: Slices,
    notes: Notes,
    dialect: Dialect,
    /// The largest number of members found in any answer so far.
    members: AtomicUsize,
}

impl Client {
    /// Creates a client for the server at `url`. Each label may be a list of names such as `env,region`.
    pub(crate) fn new(
        url: &str,
        config: &HttpConfig,
        terms: Terms,
        cluster_label: Option<&str>,
        member_label: &str,
    ) -> Result<Self, PromError> {
        let base = parse_url(url)?;
        // Fails only if a provider is already installed, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(terms.timeout)
            // Over loopback, compression takes longer than it saves.
            .gzip(!is_loopback(&base));
        let access = Access::open(&base, config, builder)?;
        let mut endpoint = base.clone();
        endpoint.set_path(&format!("{}/api/v1/query_range", base.path().trim_end_matches('/')));
        Ok(Self {
            access,
            endpoint,
            shown_url: without_login(&base),
            naming: Arc::new(NamingLabels::new(cluster_label, member_label)),
            terms,
            traffic: Arc::default(),
            learnt: Arc::new(Learnt {
                permits: Semaphore::new(terms.concurrency.max(1)),
                pace: Pace::new(terms.max_qps),
                trust: Trust::default(),
                window_sizes: WindowSizes::default(),
                slices: Slices::default(),
                notes: Notes::default(),
                dialect: Dialect::default(),
                members: AtomicUsize::default(),
            }),
        })
    }

    /// The server's URL without its login.
    pub(crate) fn shown_url(&self) -> &str {
        &self.shown_url
    }

    /// Counters of the traffic so far.
    pub(crate) fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// Warnings and infos from the server, without duplicates.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.learnt.notes.texts()
    }

    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    pub(super) fn naming(&self) -> &NamingLabels {
        &self.naming
    }

    /// Whether the server has given any usable answer.
    pub(super) fn has_answered(&self) -> bool {
        self.learnt.trust.has_answered()
    }

    pub(super) fn dialect(&self) -> &Dialect {
        &self.learnt.dialect
    }

    pub(super) fn learnt_notes(&self) -> &Notes {
        &self.learnt.notes
    }

    /// The largest number of members found in any answer so far.
    pub(crate) fn most_members(&self) -> usize {
        self.learnt.members.load(Ordering::Relaxed)
    }

    pub(super) fn learn_members(&self, members: usize) {
        self.learnt.members.fetch_max(members, Ordering::Relaxed);
    }

    /// Waits until a request may be sent; every request calls this first. Waits for a free slot, then until `--max-qps`
    /// and the server's Retry-After allow the next request. The slot is free again when the permit is dropped.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        let permit = self.learnt.permits.acquire().await?;
        self.learnt.pace.turn().await;
        Ok(permit)
    }

    pub(super) fn window_sizes(&self) -> &WindowSizes {
        &self.learnt.window_sizes
    }

    pub(super) fn slices(&self) -> &Slices {
        &self.learnt.slices
    }

    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    pub(super) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Runs a range query over the steps of a grid.
    pub(super) async fn query_range(
        &self,
        column: Column,
        promql: &str,
        grid: Grid,
    ) -> Result<ColumnReadings, Failure> {
        let read = move |client: &Self, body: &[u8], sent: &str| client.decode(column, body, &grid, sent);
        self.persist(grid.len(), async || self.try_once(promql, &grid, Kind::Range, read).await).await
    }

    /// Runs an instant query at the only step of a grid.
    pub(super) async fn query_instant(
        &self,
        column: Column,
        promql: &str,
        at: Grid,
    ) -> Result<ColumnReadings, Failure> {
        let read = move |client: &Self, body: &[u8], sent: &str| client.decode(column, body, &at, sent);
        self.persist(1, async || self.try_once(promql, &at, Kind::Instant, read).await).await
    }

    /// Whether a query has any sample on the steps of a grid. The values of the query must be numbers of members; the
    /// client records the largest one.
    pub(super) async fn any_sample(&self, promql: &str, grid: Grid) -> Result<bool, Failure> {
        let read = move |client: &Self, body: &[u8], sent: &str| {
            let envelope = client.walk(body, &grid, sent, &mut |_, counts| {
                // `f64::max` ignores NaN, which marks steps without a sample.
                client.learn_members(counts.iter().fold(0.0, |most: f64, count| most.max(*count)) as usize);
            })?;
            Ok((envelope.samples > 0, envelope))
        };
        self.persist(grid.len(), async || self.try_once(promql, &grid, Kind::Range, read).await).await
    }

    /// Runs a query as a lookup: each series of the answer with its labels, and its samples with their instants.
    pub(super) async fn query_labeled(&self, promql: &str, grid: Grid, kind: Kind) -> Result<Vec<Labeled>, Failure> {
        let read = move |client: &Self, body: &[u8], sent: &str| {
            let mut found = Vec::new();
            let envelope = client.walk(body, &grid, sent, &mut |labels, values| {
                let samples = values.iter().enumerate().filter(|(_, value)| !value.is_nan());
                let samples = samples.map(|(step, value)| (grid.at(step), *value)).collect();
                found.push(Labeled { labels: labels.clone(), samples });
            })?;
            Ok((found, envelope))
        };
        self.persist_in_lookup(LOOK_UP, async || self.try_once(promql, &grid, kind, read).await).await
    }

    /// The steps of a grid, in milliseconds, at which a query has a sample. As with [`Self::any_sample`], the query
    /// must count members, because the client records the largest value.
    pub(super) async fn steps_with_a_sample(&self, promql: &str, grid: Grid) -> Result<Vec<i64>, Failure> {
        let read = move |client: &Self, body: &[u8], sent: &str| {
            let mut steps = Vec::new();
            let envelope = client.walk(body, &grid, sent, &mut |_, counts| {
                client.learn_members(counts.iter().fold(0.0, |most: f64, count| most.max(*count)) as usize);
                let known = counts.iter().enumerate().filter(|(_, count)| !count.is_nan());
                steps.extend(known.map(|(index, _)| grid.at(index)));
            })?;
            Ok((steps, envelope))
        };
        self.persist(grid.len(), async || self.try_once(promql, &grid, Kind::Range, read).await).await
    }

    /// Sends a request with `ask`, and retries it until it succeeds or another retry is pointless. If `steps` is more
    /// than one, a request that times out is retried only once, because a smaller query can replace it.
    pub(super) async fn persist<T>(
        &self,
        steps: usize,
        ask: impl AsyncFn() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.retry(Effort { steps, retries: self.terms.retries, is_query: true }, ask).await
    }

    /// Same as [`Self::persist`], but for a lookup whose failure the caller can handle. A lookup that fails after all
    /// retries does not end the retries of queries, because the server may still answer those.
    pub(super) async fn persist_in_lookup<T>(
        &self,
        steps: usize,
        ask: impl AsyncFn() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.retry(Effort { steps, retries: self.terms.retries, is_query: false }, ask).await
    }

    /// Same as [`Self::persist_in_lookup`], with few retries: queries wait for this lookup, but can do without it.
    pub(super) async fn persist_a_little<T>(
        &self,
        steps: usize,
        ask: impl AsyncFn() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.retry(Effort { steps, retries: self.terms.retries.min(FEW_RETRIES), is_query: false }, ask).await
    }

    async fn retry<T>(&self, effort: Effort, ask: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
        let mut tried = 0;
        loop {
            tried += 1;
            let failure = match ask().await {
                Ok(answer) => {
                    self.learnt.trust.gain();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            let Some(wait) = self.wait_for(&failure, tried, effort) else {
                info!(cause = %failure.error, tried, "failed");
                return Err(failure.after(tried));
            };
            warn!(cause = %failure.error, tried, wait_ms = wait.as_millis(), "trying again");
            self.traffic.count_again();
            if let Some(asked) = failure.wait {
                self.learnt.pace.hold(asked);
            }
            sleep(wait).await;
        }
    }

    pub(super) async fn try_once<T: Send + 'static>(
        &self,
        promql: &str,
        grid: &Grid,
        kind: Kind,
        read: impl FnOnce(&Self, &[u8], &str) -> Result<(T, Envelope), Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (body, took) = self.fetch(promql, grid, kind).await?;
        let (client, bytes, sent) = (self.clone(), body.len(), promql.to_owned());
        // Decoding megabytes of JSON would block the threads that serve connections.
        let answer = tokio::task::spawn_blocking(move || read(&client, &body, &sent)).await;
        let (answer, Envelope { series, samples, .. }) = answer.unwrap_or_else(|e| Err(self.not_a_matrix(&e)))?;
        info!(series, samples, bytes, ms = took.as_millis(), "answered");
        Ok(answer)
    }

    /// How long to wait before the next retry. `None` if there is no further retry.
    fn wait_for(&self, failure: &Failure, tried: u32, effort: Effort) -> Option<Duration> {
        if !failure.may_pass(tried, effort.steps) || !self.learnt.trust.is_worth_it(failure.cure == Cure::Reach) {
            return None;
        }
        let wait = wait_after(tried, effort.retries, failure.wait, chance());
        if wait.is_none() && effort.is_query {
            self.learnt.trust.lose();
        }
        wait
    }
}

/// The server's URL for messages, and whether a login or query had to be removed from it.
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
    // A URL copied from Prometheus's UI may contain a query. Each request would then send two queries.
    if let Some((name, _)) = url.query_pairs().find(|(name, _)| OF_QUERIES.contains(&name.as_ref())) {
        return Err(bad(format!("each request sets '{name}' itself, so the URL cannot")));
    }
    Ok(url)
}

/// A URL that cannot be used, for messages. Everything before an `@` may be a login, and everything after a `?` may
/// include a token, so both are replaced.
fn redact(text: &str) -> String {
    let shown = text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, rest)| format!("…@{rest}"));
    shown.split_once('?').map_or_else(|| shown.clone(), |(place, _)| format!("{place}?…"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_login_and_query() {
        let client = Client::new(
            "https://ann:secret@prom.example/prefix/?token=abc",
            &HttpConfig::default(),
            Terms::default(),
            None,
            "instance",
        )
        .unwrap();
        assert_eq!(client.shown_url(), "https://prom.example/prefix");
        assert_eq!(client.endpoint.path(), "/prefix/api/v1/query_range");
        let error = Client::new("ann:secret@prom", &HttpConfig::default(), Terms::default(), None, "instance")
            .unwrap_err()
            .to_string();
        assert!(!error.contains("secret"), "{error}");
        for text in [
            "ftp://prom?token=secret",
            "ann:secret@prom?x",
            "prom?password=secret@x",
            "ftp://ann:secret?a@prom?token=secret",
            "http://ann:secret@prom?query=secret",
            "http://prom/?match%5B%5D=secret&dedup=true",
        ] {
            let error = parse_url(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn compression_is_requested_except_over_loopback() {
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
