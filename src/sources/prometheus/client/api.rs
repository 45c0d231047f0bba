//! API requests other than the queries of a pull.
//!
//! A server without an endpoint answers 404 or 501, which is not an error. Any other refusal does not tell whether
//! the server has the data, so it is an error; each caller decides whether it can continue without the answer.

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tracing::{Instrument, debug, warn_span};
use url::Url;

use super::{Client, LOOK_UP};
use crate::sources::prometheus::PromError;
use crate::sources::prometheus::echo::Parameters;
use crate::sources::prometheus::failure::{Cure, Failure};
use crate::sources::prometheus::labels::in_path;
use crate::sources::prometheus::matrix::Envelope;
use crate::sources::prometheus::null::{OrEmpty, or_empty};
use crate::sources::prometheus::refusal::is_web_page;
use crate::text::terminal::terminal_message;
use crate::time::TimeRange;

/// Path of range queries, relative to the server's base URL.
const QUERY_RANGE: &str = "/api/v1/query_range";

/// A header that VictoriaMetrics adds to each answer, even to a refusal.
const OF_VICTORIA_METRICS: &str = "x-server-hostname";

/// The answer to a request for a page that identifies the server, such as its build information.
pub(in crate::sources::prometheus) struct StatusPage {
    /// Whether a header shows that the server is VictoriaMetrics.
    pub(in crate::sources::prometheus) is_victoria: bool,
    /// The body; `None` if the server does not offer the page, an error if it refused the request.
    pub(in crate::sources::prometheus) body: Result<Option<Vec<u8>>, PromError>,
}

/// An answer of the API that is small enough to parse as a whole.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiAnswer {
    status: String,
    #[serde(default)]
    data: Value,
    #[serde(default, deserialize_with = "or_empty")]
    error_type: String,
    #[serde(default, deserialize_with = "or_empty")]
    error: String,
    #[serde(default, deserialize_with = "or_empty")]
    warnings: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    infos: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    is_partial: bool,
}

/// The parameters of a lookup of series that match any of the selectors, with both ends of the range included.
fn matching(selectors: &[String], range: TimeRange) -> Vec<(&'static str, String)> {
    let selected = selectors.iter().map(|selector| ("match[]", selector.clone()));
    let ends = [("start", range.start_ms), ("end", range.end_ms)].map(|(name, ms)| (name, (ms / 1000).to_string()));
    selected.chain(ends).collect()
}

impl Client {
    /// The `data` of an API answer; `None` if the server does not offer the path.
    pub(in crate::sources::prometheus) async fn api(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<Option<Value>, PromError> {
        let read = |body: &[u8]| {
            let (data, envelope) = self.data_of(path, parameters, body)?;
            self.refuse_part(&envelope)?;
            Ok(data)
        };
        self.look_up(path, parameters, read).await
    }

    /// The body of an answer; `None` if the server does not offer the path.
    pub(in crate::sources::prometheus) async fn text(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<Option<String>, PromError> {
        self.look_up(path, parameters, |body| Ok(String::from_utf8_lossy(body).into_owned())).await
    }

    /// The answer of the series API for a selector, as text; `None` if the server does not offer that API.
    pub(in crate::sources::prometheus) async fn series(
        &self,
        selector: &str,
        range: TimeRange,
    ) -> Result<Option<String>, PromError> {
        self.text("/api/v1/series", &matching(&[selector.to_owned()], range)).await
    }

    /// Whether any series matches one of these selectors in a range; `None` if the server does not offer the series API.
    pub(in crate::sources::prometheus) async fn any_series(
        &self,
        selectors: &[String],
        range: TimeRange,
    ) -> Result<Option<bool>, PromError> {
        const PATH: &str = "/api/v1/series";
        // The API's `end` is inclusive, and the end of a `TimeRange` is exclusive.
        let parameters = matching(selectors, TimeRange { end_ms: range.end_ms - 1, ..range });
        let read = |body: &[u8]| {
            let (data, envelope) = self.data_without_notes(PATH, &parameters, body)?;
            match data.as_array().is_some_and(|series| !series.is_empty()) {
                true => Ok(true),
                // In a partial answer, the missing stores may have series, so this is an error without `--allow-partial`.
                false => self.refuse_part(&envelope).map(|()| false),
            }
        };
        // One series is enough. If the server refuses `limit`, ask again without it.
        let limited = [&parameters[..], &[("limit", "1".to_owned())]].concat();
        match self.look_up(PATH, &limited, read).await {
            Err(error) if error.is_about_the_path() => self.look_up(PATH, &parameters, read).await,
            answer => answer,
        }
    }

    /// Values of a label among the series of these selectors; `None` if the server does not offer the label values API.
    pub(in crate::sources::prometheus) async fn values_among(
        &self,
        label: &str,
        selectors: &[String],
        range: TimeRange,
    ) -> Result<Option<Vec<String>>, PromError> {
        self.values(label, &matching(selectors, range), |envelope| self.refuse_part(envelope)).await
    }

    /// Values of a label among the series of `etcd_server_has_leader`, and of one recording rule, that `selector`
    /// matches; `None` if the server does not offer the label values API.
    pub(in crate::sources::prometheus) async fn label_values(
        &self,
        label: &str,
        selector: &str,
        range: TimeRange,
    ) -> Result<Option<Vec<String>>, PromError> {
        // Some servers have only recorded series, without etcd's own metrics.
        let metrics = ["etcd_server_has_leader", "job:process_open_fds:clone"];
        let selectors = metrics.map(|metric| format!("{metric}{{{selector}}}"));
        // A partial list is good enough: callers use it only to split a query in two, and both halves
        // together always cover all series.
        self.values(label, &matching(&selectors, range), |_| Ok(())).await
    }

    /// Looks up the values of a label; `accept` may refuse a partial answer.
    async fn values(
        &self,
        label: &str,
        parameters: &[(&str, String)],
        accept: impl Fn(&Envelope) -> Result<(), Failure>,
    ) -> Result<Option<Vec<String>>, PromError> {
        let path = format!("/api/v1/label/{}/values", in_path(label));
        let read = |body: &[u8]| {
            let (values, envelope) = self.data_of(&path, parameters, body)?;
            accept(&envelope)?;
            let values: OrEmpty<_> = serde_json::from_value(values).map_err(|e| self.not_of_the_api(&path, &e))?;
            Ok(values.0)
        };
        self.look_up(&path, parameters, read).await
    }

    /// Sends a request and retries it until it succeeds or another retry is pointless.
    async fn look_up<T>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        read: impl Fn(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, PromError> {
        let address = self.address(path, parameters);
        let ask = async || {
            let Some(body) = self.get_once(&address, parameters).await? else { return Ok(None) };
            read(&body).map(Some)
        };
        let asking = async {
            debug!(?parameters, "looking up");
            self.persist_in_lookup(LOOK_UP, ask).await.map_err(|failure| failure.error)
        };
        asking.instrument(warn_span!("lookup", path)).await
    }

    async fn get_once(&self, address: &Url, parameters: &Parameters<'_>) -> Result<Option<Vec<u8>>, Failure> {
        let _turn = self.turn().await;
        let response = self.access.get(address).await.map_err(|error| self.not_sent(error))?;
        if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED) {
            return Ok(None);
        }
        self.read_answer(response, parameters).await.map(Some)
    }

    /// A page that shows what the server is. A refusal is part of the answer; an error means that there is no answer.
    pub(in crate::sources::prometheus) async fn status_page(&self, path: &str) -> Result<StatusPage, PromError> {
        let address = self.address(path, &[]);
        let ask = async || {
            let _turn = self.turn().await;
            let response = self.access.get(&address).await.map_err(|error| self.not_sent(error))?;
            let is_victoria = response.headers().contains_key(OF_VICTORIA_METRICS);
            let is_offered = !matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED);
            let body = match self.read_answer(response, &[]).await {
                Ok(body) => Ok(Some(body)),
                Err(_) if !is_offered => Ok(None),
                // No retry: the header already identifies the server.
                Err(failure) if is_victoria => Err(failure.error),
                Err(failure) => return Err(failure),
            };
            Ok(StatusPage { is_victoria, body })
        };
        let asking = async {
            debug!("looking up");
            self.persist_a_little(LOOK_UP, ask).await
        };
        match asking.instrument(warn_span!("lookup", path)).await {
            Ok(page) => Ok(page),
            Err(failure) if failure.error.is_about_the_path() => {
                Ok(StatusPage { is_victoria: false, body: Err(failure.error) })
            }
            Err(failure) => Err(failure.error),
        }
    }

    /// The `data` of a status page that is an answer of the API; `Ok(None)` if the server does not offer the page.
    pub(in crate::sources::prometheus) fn data_of_page(
        &self,
        path: &str,
        page: StatusPage,
    ) -> Result<Option<Value>, PromError> {
        let Some(body) = page.body? else { return Ok(None) };
        self.data_of(path, &[], &body).map(|(data, _)| Some(data)).map_err(|failure| failure.error)
    }

    /// The data of an answer, and everything else in it; keeps the warnings as notes.
    pub(in crate::sources::prometheus) fn data_of(
        &self,
        path: &str,
        sent: &Parameters<'_>,
        body: &[u8],
    ) -> Result<(Value, Envelope), Failure> {
        let (data, envelope) = self.data_without_notes(path, sent, body)?;
        self.heed(&envelope, sent)?;
        Ok((data, envelope))
    }

    /// The data of an answer to a lookup. Drops warnings that do not matter to the user, such as the one
    /// that `limit` truncated the result.
    fn data_without_notes(&self, path: &str, sent: &Parameters<'_>, body: &[u8]) -> Result<(Value, Envelope), Failure> {
        let answer: ApiAnswer = serde_json::from_slice(body).map_err(|e| match e.is_eof() {
            _ if is_web_page(body) => self.web_page(body),
            // The JSON ends too early. The body may have been cut off in transit, so retry.
            true => Failure { cure: Cure::Again, ..self.not_of_the_api(path, &e) },
            false => self.not_of_the_api(path, &e),
        })?;
        let envelope = Envelope {
            status: answer.status,
            error_type: answer.error_type,
            error: answer.error,
            warnings: answer.warnings,
            infos: answer.infos,
            is_partial: answer.is_partial,
            ..Envelope::default()
        };
        if envelope.status != "success" {
            return Err(self.refused(StatusCode::OK, &envelope.error_type, &envelope.error, sent));
        }
        Ok((answer.data, envelope))
    }

    fn not_of_the_api(&self, path: &str, reason: &dyn ToString) -> Failure {
        let error = PromError::NotOfTheApi {
            url: self.shown_url().to_owned(),
            path: path.to_owned(),
            reason: terminal_message(&self.access().hide(&reason.to_string())),
        };
        Failure::new(error, Cure::Nothing)
    }

    /// The URL of an API path, with these query parameters.
    pub(in crate::sources::prometheus) fn address(&self, path: &str, parameters: &[(&str, String)]) -> Url {
        let mut address = self.endpoint.clone();
        let base = address.path().trim_end_matches(QUERY_RANGE).to_owned();
        address.set_path(&format!("{base}{path}"));
        if !parameters.is_empty() {
            address.query_pairs_mut().extend_pairs(parameters);
        }
        address
    }
}
