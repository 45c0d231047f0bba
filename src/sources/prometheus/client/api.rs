//! What a server answers beside range queries.

use serde_json::Value;
use tracing::{Instrument, debug, warn_span};
use url::Url;

use super::Client;
use crate::sources::prometheus::PromError;
use crate::sources::prometheus::failure::{Cure, Failure};
use crate::time::TimeRange;

/// What our endpoint ends with, after the base of the server.
const QUERY_RANGE: &str = "/api/v1/query_range";

impl Client {
    /// The `data` of an answer of the API; `None` where the server does not answer this with success.
    pub(in crate::sources::prometheus) async fn api(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<Option<Value>, PromError> {
        let text = self.text(path, parameters).await?;
        let answer: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(answer.filter(|answer| answer["status"] == "success").map(|mut answer| answer["data"].take()))
    }

    /// The text under a path; `None` where the server does not answer this with success.
    pub(in crate::sources::prometheus) async fn text(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<Option<String>, PromError> {
        let address = self.address(path, parameters);
        let asking = async {
            debug!(?parameters, "looking up");
            self.persist(1, async || self.get_once(&address).await).await.map_err(|failure| failure.error)
        };
        asking.instrument(warn_span!("lookup", path)).await
    }

    /// What the server says of the series that a selector finds; `None` where it says nothing.
    pub(in crate::sources::prometheus) async fn series(
        &self,
        selector: &str,
        range: TimeRange,
    ) -> Result<Option<String>, PromError> {
        let [start, end] = [range.start_ms, range.end_ms].map(|ms| (ms / 1000).to_string());
        self.text("/api/v1/series", &[("match[]", selector.to_owned()), ("start", start), ("end", end)]).await
    }

    /// The values of a label among the series that a pull reads and that these matchers find.
    pub(in crate::sources::prometheus) async fn label_values(
        &self,
        label: &str,
        selector: &str,
        range: TimeRange,
    ) -> Result<Vec<String>, PromError> {
        let series = |metric: &str| ("match[]", format!("{metric}{{{selector}}}"));
        let seconds = |ms: i64| (ms / 1000).to_string();
        let parameters = [
            series("etcd_server_has_leader"),
            // Where only recorded series are kept.
            series("job:process_open_fds:clone"),
            ("start", seconds(range.start_ms)),
            ("end", seconds(range.end_ms)),
        ];
        let values = self.api(&format!("/api/v1/label/{label}/values"), &parameters).await?;
        Ok(values.and_then(|values| serde_json::from_value(values).ok()).unwrap_or_default())
    }

    async fn get_once(&self, address: &Url) -> Result<Option<String>, Failure> {
        let _permit = self.permits().acquire().await;
        self.pace().turn().await;
        let response = self.access.get(address).await.map_err(|error| self.not_sent(error))?;
        match self.read_answer(response).await {
            Ok(body) => Ok(String::from_utf8(body).ok()),
            // Not every server has all that is asked for here.
            Err(failure) if failure.cure == Cure::Again => Err(failure),
            Err(_) => Ok(None),
        }
    }

    /// The address of a path of the API, with these parameters.
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
