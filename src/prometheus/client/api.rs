//! What a server answers beside range queries.

use serde_json::Value;
use url::Url;

use super::Client;
use crate::prometheus::PromError;

/// What our endpoint ends with, after the base of the server.
const QUERY_RANGE: &str = "/api/v1/query_range";

impl Client {
    /// The `data` of an answer of the API; `None` where the server does not answer this with success.
    pub(in crate::prometheus) async fn api(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<Option<Value>, PromError> {
        let text = self.text(path, parameters).await?;
        let answer: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(answer.filter(|answer| answer["status"] == "success").map(|mut answer| answer["data"].take()))
    }

    /// The text under a path; `None` where the server does not answer this with success.
    pub(in crate::prometheus) async fn text(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<Option<String>, PromError> {
        let _permit = self.permits.acquire().await;
        let response = self.http.get(self.address(path, parameters)).send().await.map_err(|e| self.no_answer(&e))?;
        let status = response.status();
        if !status.is_success() {
            return Ok(None);
        }
        let body = response.bytes().await.map_err(|e| self.no_answer(&e))?;
        Ok(String::from_utf8(body.into()).ok())
    }

    fn address(&self, path: &str, parameters: &[(&str, String)]) -> Url {
        let mut address = self.endpoint.clone();
        let base = address.path().trim_end_matches(QUERY_RANGE).to_owned();
        address.set_path(&format!("{base}{path}"));
        if !parameters.is_empty() {
            address.query_pairs_mut().extend_pairs(parameters);
        }
        address
    }
}
