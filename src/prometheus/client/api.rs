//! What a server answers beside range queries.

use serde_json::Value;
use tokio::time::sleep;
use url::Url;

use super::Client;
use crate::prometheus::PromError;
use crate::prometheus::failure::Failure;

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
        let address = self.address(path, parameters);
        let mut tried = 0;
        loop {
            tried += 1;
            let failure = match self.get_once(&address).await {
                Ok(text) => return Ok(text),
                Err(failure) => failure,
            };
            match self.wait_for(&failure, tried, 1) {
                Some(wait) => sleep(wait).await,
                None => return Err(failure.after(tried).error),
            }
        }
    }

    async fn get_once(&self, address: &Url) -> Result<Option<String>, Failure> {
        let _permit = self.permits().acquire().await;
        self.pace().turn().await;
        let response = self.access.get(address).await.map_err(|error| self.not_sent(error))?;
        let is_success = response.status().is_success();
        let body = self.read_body(response).await?;
        Ok(String::from_utf8(body).ok().filter(|_| is_success))
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
