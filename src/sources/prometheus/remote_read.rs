//! Reads raw samples by remote read, and computes the queries here: a server answers it several times faster than it
//! evaluates PromQL.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use futures_util::future::try_join_all;
use tracing::{Instrument, debug, info, warn_span};

use super::access::external_labels;
use super::dialect::ServerKind;
use super::failure::{Cure, Failure};
use super::labels::in_promql;
use super::read_mode::ReadMode;
use super::slices::joined;
use super::{Client, PromError};
use crate::readings::{QuerySource, Window};
use crate::sources::promql::Version;
use crate::sources::raw::{
    Label, LostSpan, METRIC_NAME, Queries, RawError, Rules, SampleStore, Selection, Selector, Sighted, is_named,
    on_threads,
};
use crate::sources::remote_read::{
    Limits, Matcher, MatcherKind, Query, REQUEST_HEADERS, RemoteReadError, RemoteSeries, Request, Response,
};
use crate::sources::tsdb::block::Samples;
use crate::time::TimeRange;

const PATH: &str = "/api/v1/read";
const CONFIG: &str = "/api/v1/status/config";
const FLAGS: &str = "/api/v1/status/flags";

/// Most bytes of one response: the samples of a metric on a day.
const LONGEST_RESPONSE: u64 = 1 << 30;

/// Whether a pull reads raw samples.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// `None` if the queries are left to the server.
    pub(crate) reader: Option<RemoteReader>,
    /// Why [`ReadMode::Auto`] leaves them to the server.
    pub(crate) reason: Option<String>,
}

/// Reads windows by remote read.
#[derive(Debug)]
pub(crate) struct RemoteReader {
    queries: Arc<Queries>,
    rules: Arc<Rules>,
    /// Labels that the server adds to every series, and that PromQL does not show.
    external: Vec<(String, String)>,
}

impl RemoteReader {
    /// Prepares a pull of these queries. With [`ReadMode::Raw`] it is an error if raw samples cannot be read.
    ///
    /// Results are those of the server's own version if it is a Prometheus, otherwise those of `rules`.
    pub(crate) async fn prepare(
        client: &Client,
        mode: ReadMode,
        chosen: &BTreeMap<String, QuerySource>,
        rules: Rules,
        range: TimeRange,
    ) -> Result<Prepared, PromError> {
        if mode == ReadMode::Promql {
            return Ok(Prepared { reader: None, reason: None });
        }
        let prepared = async {
            let reader = Self::of(client, chosen, rules, range).await?;
            reader.is_streamed(client).await.map(|is_streamed| (reader, is_streamed))
        };
        match prepared.instrument(warn_span!("remote read")).await {
            Ok((reader, is_streamed)) if mode == ReadMode::Raw || is_streamed => {
                Ok(Prepared { reader: Some(reader), reason: None })
            }
            Ok(_) => {
                let reason = "the server does not stream chunks, so remote read would take longer".to_owned();
                Ok(Prepared { reader: None, reason: Some(reason) })
            }
            Err(
                error @ (PromError::RemoteRead { .. }
                | PromError::NoExternalLabels { .. }
                | PromError::NotComputed { .. }),
            ) if mode == ReadMode::Raw => Err(error),
            Err(error) if mode == ReadMode::Raw => {
                Err(PromError::RemoteRead { url: client.shown_url().to_owned(), cause: error.to_string() })
            }
            Err(error) => {
                info!(cause = %error, "no remote read: using PromQL");
                Ok(Prepared { reader: None, reason: Some(error.to_string()) })
            }
        }
    }

    async fn of(
        client: &Client,
        chosen: &BTreeMap<String, QuerySource>,
        mut rules: Rules,
        range: TimeRange,
    ) -> Result<Self, PromError> {
        let queries = Queries::parse(chosen).map_err(|(column, reason)| PromError::NotComputed { column, reason })?;
        let identity = client.identity().await?;
        let chosen_version = rules.is_version_chosen.then_some(rules.version);
        if identity.kind == Some(ServerKind::Prometheus) {
            let version = identity.name.as_deref().and_then(|name| name.rsplit(' ').next()?.parse::<Version>().ok());
            rules.version = version.or(chosen_version).ok_or_else(|| unknown_version(client))?;
        } else if identity.kind.is_none() {
            rules.version = chosen_version.ok_or_else(|| unknown_version(client))?;
        }
        let config = client.api(CONFIG, &[]).await?;
        let yaml = config.as_ref().and_then(|config| config["yaml"].as_str());
        let url = || client.shown_url().to_owned();
        let yaml =
            yaml.ok_or_else(|| PromError::NoExternalLabels { url: url(), cause: "it has no such page".to_owned() })?;
        let external = external_labels(yaml)
            .map_err(|error| PromError::NoExternalLabels { url: url(), cause: error.to_string() })?;
        let reader = Self { queries: Arc::new(queries), rules: Arc::new(rules), external };
        reader.require_default_lookback(client).await?;
        reader.require_no_own_labels(client, range).await?;
        debug!(version = %reader.rules.version, external = reader.external.len(), "computing from raw samples");
        Ok(reader)
    }

    /// Fails if gauges of the server look back another time than ours.
    async fn require_default_lookback(&self, client: &Client) -> Result<(), PromError> {
        let flags = client.api(FLAGS, &[]).await?.unwrap_or_default();
        match flags["query.lookback-delta"].as_str() {
            None | Some("5m" | "5m0s") => Ok(()),
            Some(other) => {
                let cause = format!("--query.lookback-delta is {other}, and only 5m is supported");
                Err(PromError::RemoteRead { url: client.shown_url().to_owned(), cause })
            }
        }
    }

    /// Fails if series have an external label themselves. An answer does not show whether a label is the server's or the
    /// series' own, and the server also leaves external labels out of matchers.
    async fn require_no_own_labels(&self, client: &Client, range: TimeRange) -> Result<(), PromError> {
        let selections = self.queries.selections(range, self.rules.step);
        for (label, _) in &self.external {
            let with_label = |selection: &Selection<'_>| having(selection.selector, label);
            let selectors: Vec<String> = selections.iter().map(with_label).collect();
            if client.any_series(&selectors, range).await?.unwrap_or(true) {
                let cause =
                    format!("series have the label {label} themselves, which is an external label of the server");
                return Err(PromError::RemoteRead { url: client.shown_url().to_owned(), cause });
            }
        }
        Ok(())
    }

    /// Whether the server streams chunks, instead of sending all samples at once. Fails if it does not offer remote read.
    async fn is_streamed(&self, client: &Client) -> Result<bool, PromError> {
        let nothing = Query { start_ms: 0, end_ms: 0, matchers: vec![equal(METRIC_NAME, "etcd_server_has_leader")] };
        client.remote_read(&nothing).await.map(|answer| answer.is_streamed).map_err(|failure| failure.error)
    }

    /// The version of Prometheus whose results are computed.
    pub(crate) fn version(&self) -> Version {
        self.rules.version
    }

    /// The number of requests for a part of a day.
    pub(super) fn requests(&self, part: TimeRange) -> usize {
        self.queries.selections(part, self.rules.step).len()
    }

    /// Reads one part of a day as a window.
    pub(super) async fn read(&self, client: &Client, part: TimeRange) -> Result<Window, PromError> {
        let selections = self.queries.selections(part, self.rules.step);
        let answers = selections.iter().map(|selection| self.fetch(client, selection));
        let store = Fetched::of(try_join_all(answers).await?.into_iter().flatten());
        let (queries, rules) = (Arc::clone(&self.queries), Arc::clone(&self.rules));
        let window = on_threads(move || queries.window(&store, &rules, part)).await;
        let window = window.unwrap_or(Err(RawError::Interrupted));
        let window = window.map_err(|error| computed(client, error))?;
        let known = self.queries.columns().map(|column| window.known_readings(column)).sum();
        client.traffic().add_samples(known);
        client.learn_members(window.members().len());
        Ok(window)
    }

    async fn fetch(&self, client: &Client, selection: &Selection<'_>) -> Result<Vec<RemoteSeries>, PromError> {
        let Selection { selector: Selector { name, matchers }, range_ms } = selection;
        let others = matchers.iter().map(|matcher| {
            let kind = match matcher.operator() {
                "=" => MatcherKind::Equal,
                "!=" => MatcherKind::NotEqual,
                "=~" => MatcherKind::Regex,
                _ => MatcherKind::NotRegex,
            };
            Matcher::new(kind, matcher.name(), matcher.value())
        });
        let matchers = [equal(METRIC_NAME, name)].into_iter().chain(others).collect();
        let query = Query { start_ms: range_ms.start, end_ms: range_ms.end - 1, matchers };
        let mut answer = client.remote_read(&query).await.map_err(|failure| failure.error)?;
        answer.series.iter_mut().for_each(|one| one.remove_labels(&self.external));
        Ok(answer.series)
    }
}

/// The error if PromQL's results cannot be reproduced, because they depend on the version.
fn unknown_version(client: &Client) -> PromError {
    let cause =
        "its version is unknown (/api/v1/status/buildinfo), and results depend on it: name it with --promql".to_owned();
    PromError::RemoteRead { url: client.shown_url().to_owned(), cause }
}

/// A query's selector of series that also have a label.
fn having(selector: &Selector, label: &str) -> String {
    let matchers = joined(&selector.matchers_in_promql(), &format!("{}!=\"\"", in_promql(label)));
    format!("{}{{{matchers}}}", selector.name)
}

fn equal(name: &str, value: &str) -> Matcher {
    Matcher::new(MatcherKind::Equal, name, value)
}

/// The error for raw samples that cannot be computed.
fn computed(client: &Client, error: RawError<RemoteReadError>) -> PromError {
    match error {
        RawError::NoLabel { column, series, label, remedy } => PromError::NoLabel { column, series, label, remedy },
        error => PromError::RemoteRead { url: client.shown_url().to_owned(), cause: error.to_string() },
    }
}

/// The series in an answer.
pub(super) struct Answer {
    series: Vec<RemoteSeries>,
    is_streamed: bool,
}

impl Client {
    /// Reads the raw samples of series, with the retries of queries.
    async fn remote_read(&self, query: &Query) -> Result<Answer, Failure> {
        let request = Request { queries: vec![query.clone()] };
        let body = request.encode().map_err(|error| self.unusable(&error))?;
        self.persist(1, async || self.remote_read_once(&body).await).await
    }

    async fn remote_read_once(&self, body: &[u8]) -> Result<Answer, Failure> {
        let _turn = self.turn().await;
        let sent = self.access().post_bytes(&self.address(PATH, &[]), body, &REQUEST_HEADERS).await;
        let mut response = sent.map_err(|error| self.not_sent(error))?;
        if !response.status().is_success() {
            return Err(match self.read_answer(response, &[]).await {
                Err(failure) => failure,
                Ok(_) => self.unusable(&"the status is no success"),
            });
        }
        let header = response.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let decoder = Response::new(header.as_deref(), 1, Limits::default());
        let mut decoder = decoder.map_err(|error| self.unusable(&error))?;
        let is_streamed = decoder.is_streamed();
        let (mut series, mut bytes) = (Vec::new(), 0);
        while let Some(chunk) = response.chunk().await.map_err(|error| self.no_answer(&error))? {
            bytes += chunk.len() as u64;
            if bytes > LONGEST_RESPONSE {
                let (url, mebibytes) = (self.shown_url().to_owned(), (LONGEST_RESPONSE >> 20) as usize);
                return Err(Failure::new(PromError::TooLarge { url, mebibytes }, Cure::Nothing));
            }
            series.extend(decoder.push(&chunk).map_err(|error| self.cut_off(&error))?);
        }
        series.extend(decoder.finish().map_err(|error| self.cut_off(&error))?);
        self.traffic().add(0, bytes);
        info!(series = series.len(), bytes, "remote read");
        Ok(Answer { series, is_streamed })
    }

    /// An answer that another request would not change.
    fn unusable(&self, cause: &dyn ToString) -> Failure {
        let cause = self.access().hide(&cause.to_string());
        Failure::new(PromError::RemoteRead { url: self.shown_url().to_owned(), cause }, Cure::Nothing)
    }

    /// An answer that was damaged on the way, or ended early.
    fn cut_off(&self, error: &RemoteReadError) -> Failure {
        Failure { cure: Cure::Again, ..self.unusable(error) }
    }
}

/// Series that were fetched for a part of a day.
#[derive(Debug)]
struct Fetched(Vec<RemoteSeries>);

impl Fetched {
    /// Sorts series by labels. A series that two selectors select comes twice: the chunks are joined then, and their equal
    /// samples merged when they are read.
    fn of(series: impl Iterator<Item = RemoteSeries>) -> Self {
        let mut by_labels: BTreeMap<Vec<Label>, RemoteSeries> = BTreeMap::new();
        for one in series {
            match by_labels.get_mut(&one.labels) {
                Some(known) => known.chunks.extend(one.chunks),
                None => drop(by_labels.insert(one.labels.clone(), one)),
            }
        }
        Self(by_labels.into_values().collect())
    }

    fn named<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (usize, &'a RemoteSeries)> {
        self.0.iter().enumerate().filter(move |(_, one)| is_named(&one.labels, names))
    }
}

impl SampleStore for Fetched {
    type Error = RemoteReadError;
    /// The place of the series.
    type Series = usize;

    fn series(&self, names: &[&str], _: &Range<i64>) -> Result<Vec<usize>, RemoteReadError> {
        Ok(self.named(names).map(|(at, _)| at).collect())
    }

    fn labels<'a>(&'a self, series: &'a usize) -> &'a [Label] {
        &self.0[*series].labels
    }

    fn samples(&self, series: &usize, range_ms: &Range<i64>) -> Result<Samples, RemoteReadError> {
        self.0[*series].samples(range_ms.clone())
    }

    fn survey(&self, names: &[&str], _: &Range<i64>) -> Result<Vec<Sighted>, RemoteReadError> {
        let sighted = |(_, one): (usize, &RemoteSeries)| {
            let first_ms = one.chunks.iter().map(|chunk| chunk.min_ms).min()?;
            let last_ms = one.chunks.iter().map(|chunk| chunk.max_ms).max()?;
            Some(Sighted { labels: one.labels.clone(), first_ms, last_ms, bytes: 0 })
        };
        Ok(self.named(names).filter_map(sighted).collect())
    }

    fn lost(&self) -> &[LostSpan] {
        &[]
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
