//! Reads raw samples: the instant query of a range selector returns the samples themselves.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use tracing::{Instrument, warn_span};

use super::failure::Failure;
use super::matrix::{Envelope, Sample};
use super::null::or_empty;
use super::transport::Kind;
use super::{Client, PromError};
use crate::sources::raw::{Sampled, Selector};
use crate::sources::tsdb::block::Samples;
use crate::time::{Grid, TimeRange};

/// Path of instant queries, for errors.
const QUERY: &str = "/api/v1/query";

/// The result of an instant query.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    result_type: String,
    #[serde(default, deserialize_with = "or_empty")]
    result: Vec<Series>,
}

/// A series of the answer. Samples of native histograms are ignored.
#[derive(Deserialize)]
struct Series {
    #[serde(default, deserialize_with = "or_empty")]
    metric: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_empty")]
    values: Vec<Sample>,
}

impl Client {
    /// The series of these selectors with their samples in the window that ends at a whole second, inclusive. The server
    /// decides whether the start of the window is in it.
    pub(crate) async fn samples_until(
        &self,
        selectors: &[Selector],
        window_ms: i64,
        at_seconds: i64,
    ) -> Result<Vec<Sampled>, PromError> {
        let mut found = Vec::new();
        for selector in selectors {
            let promql = format!("{selector}[{window_ms}ms]");
            let read = |client: &Self, body: &[u8], sent: &str| client.decode_samples(body, sent);
            let at = Grid::second(at_seconds);
            let ask = async || self.try_once(&promql, &at, Kind::Instant, read).await;
            let asked = self.persist(1, ask).instrument(warn_span!("raw samples", metric = %selector.name)).await;
            found.extend(asked.map_err(|failure| failure.error)?);
        }
        Ok(found)
    }

    /// Whether the server has any series of these selectors in a range; true if it cannot look series up.
    pub(crate) async fn has_series(&self, selectors: &[Selector], range: TimeRange) -> Result<bool, PromError> {
        let selectors: Vec<String> = selectors.iter().map(Selector::to_string).collect();
        Ok(self.any_series(&selectors, range).await?.unwrap_or(true))
    }

    fn decode_samples(&self, body: &[u8], sent: &str) -> Result<(Vec<Sampled>, Envelope), Failure> {
        let (data, mut envelope) = self.data_of(QUERY, &[("query", sent.to_owned())], body)?;
        self.refuse_part(&envelope)?;
        let series = match data {
            Value::Null => Vec::new(),
            data => series_of(data).map_err(|reason| self.not_a_matrix(&reason))?,
        };
        envelope.series = series.len() as u64;
        envelope.samples = series.iter().map(|one| one.samples.len() as u64).sum();
        self.traffic().add(envelope.samples, body.len() as u64);
        Ok((series, envelope))
    }
}

/// The series with samples.
fn series_of(data: Value) -> Result<Vec<Sampled>, String> {
    let answer: Answer = serde_json::from_value(data).map_err(|error| error.to_string())?;
    if answer.result_type != "matrix" {
        return Err(format!("a {} instead of a matrix", answer.result_type));
    }
    let sampled = |Series { metric, values }: Series| -> Result<Sampled, String> {
        let mut samples = Samples::default();
        for Sample { ts_ms, value } in values {
            if samples.times_ms.last().is_some_and(|last| *last >= ts_ms) {
                return Err(format!("a sample at {ts_ms} ms after a later one"));
            }
            samples.push(ts_ms, value);
        }
        let labels = metric.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Ok(Sampled { labels, samples })
    };
    let all: Vec<Sampled> = answer.result.into_iter().map(sampled).collect::<Result<_, _>>()?;
    Ok(all.into_iter().filter(|one| !one.samples.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: Value) -> Result<Vec<Sampled>, String> {
        series_of(data)
    }

    #[test]
    fn a_matrix_at_an_instant_has_the_samples_with_their_own_times() {
        let series = read(serde_json::json!({"resultType": "matrix", "result": [
            {"metric": {"__name__": "m", "instance": "a"}, "values": [[1.001, "3"], [2.5, "+Inf"]]},
            {"metric": {"__name__": "n"}, "histograms": [[1, {}]]},
        ]}));
        let series = series.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(series.iter().map(Sampled::shown).collect::<Vec<_>>(), ["m{instance=\"a\"}"]);
        assert_eq!(series[0].samples.iter().collect::<Vec<_>>(), [(1001, 3.0), (2500, f64::INFINITY)]);
        assert!(read(serde_json::json!({"resultType": "matrix", "result": null})).is_ok_and(|all| all.is_empty()));
    }

    #[test]
    fn other_answers_are_errors() {
        let sample = |values: Value| serde_json::json!({"resultType": "matrix", "result": [{"values": values}]});
        for (data, expected) in [
            (serde_json::json!({"resultType": "vector", "result": []}), "a vector instead of a matrix"),
            (serde_json::json!([]), "invalid"),
            (sample(serde_json::json!([[2, "1"], [1, "2"]])), "a sample at 1000 ms after a later one"),
            (sample(serde_json::json!([[2, "x"]])), "'x' is not a number"),
        ] {
            let error = read(data).err().unwrap_or_default();
            assert!(error.contains(expected), "{error}");
        }
    }
}
