//! Sends samples to VictoriaMetrics, and reads them back for comparison.

use std::collections::BTreeMap;

use serde::Deserialize;
use tracing::{Instrument, info, warn_span};

use super::null::or_empty;
use super::{Client, PromError};

/// Endpoint that accepts samples in Prometheus or OpenMetrics text.
const IMPORT: &str = "/api/v1/import/prometheus";
/// Endpoint that returns raw samples, exactly as they were sent.
const EXPORT: &str = "/api/v1/export";
/// Endpoint that makes new samples visible to queries at once. VictoriaMetrics clusters do not have it.
const FLUSH: &str = "/internal/force_flush";

/// One exported series with its samples.
#[derive(Debug, Deserialize)]
pub(crate) struct ExportedSeries {
    /// Labels, including the metric name as `__name__`.
    #[serde(deserialize_with = "or_empty")]
    pub(crate) metric: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_empty")]
    values: Vec<Option<f64>>,
    #[serde(deserialize_with = "or_empty")]
    timestamps: Vec<i64>,
}

impl ExportedSeries {
    /// Times in milliseconds, with values; `None` for NaN, which JSON cannot represent.
    pub(crate) fn samples(&self) -> impl Iterator<Item = (i64, Option<f64>)> {
        self.timestamps.iter().copied().zip(self.values.iter().copied())
    }
}

impl Client {
    /// Sends samples in the text format that the import endpoint accepts.
    pub(crate) async fn send_samples(&self, text: &str) -> Result<(), PromError> {
        let address = self.address(IMPORT, &[]);
        let send = async || {
            let _turn = self.turn().await;
            let sent = self.access().post_text(&address, text).await;
            self.read_answer(sent.map_err(|error| self.not_sent(error))?, &[]).await
        };
        let sending = async {
            info!(bytes = text.len(), "sending samples");
            self.persist(1, send).await.map(drop).map_err(|failure| failure.error)
        };
        sending.instrument(warn_span!("import")).await
    }

    /// Makes new samples visible to queries at once, if the server allows it. VictoriaMetrics clusters do not
    /// have this endpoint, and servers with `-forceFlushAuthKey` refuse it. This is not an error: their samples
    /// become visible a little later.
    pub(crate) async fn flush(&self) -> Result<(), PromError> {
        match self.text(FLUSH, &[]).await {
            Err(error) if !error.is_about_the_path() => Err(error),
            _ => Ok(()),
        }
    }

    /// The samples of the series matched by any of these selectors, from `first_ms` to `last_ms` inclusive.
    pub(crate) async fn exported(
        &self,
        selectors: &[String],
        first_ms: i64,
        last_ms: i64,
    ) -> Result<Vec<ExportedSeries>, PromError> {
        let address = self.address(EXPORT, &[]);
        let seconds = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
        let mut form: Vec<(&str, String)> = selectors.iter().map(|selector| ("match[]", selector.clone())).collect();
        form.extend([("start", seconds(first_ms)), ("end", seconds(last_ms))]);
        let ask = async || {
            let _turn = self.turn().await;
            let sent = self.access().post(&address, &form).await;
            self.read_answer(sent.map_err(|error| self.not_sent(error))?, &form).await
        };
        info!(series = selectors.len(), first_ms, last_ms, "querying existing samples");
        let asking = self.persist(1, ask).instrument(warn_span!("export"));
        let body = asking.await.map_err(|failure| failure.error)?;
        let series = serde_json::Deserializer::from_slice(&body).into_iter();
        series.collect::<Result<_, _>>().map_err(|e| self.not_a_matrix(&e).error)
    }
}
