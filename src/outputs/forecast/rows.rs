//! The rows of `forecast.parquet` and `forecast.csv`: one for each cluster, member, metric and instant ahead.

use crate::analysis::forecast::quantiles::{LEVELS, MEDIAN};
use crate::analysis::forecast::result::{Forecast, MetricForecast};
use crate::outputs::shared::ahead::Bucket;
use crate::spec::{Metric, Unit};

/// The quantiles that get a column, with their places in [`LEVELS`].
pub(super) const QUANTILES: [(&str, usize); 11] = [
    ("p0_5", 0),
    ("p2_5", 1),
    ("p5", 2),
    ("p10", 3),
    ("p25", 6),
    ("p50", 11),
    ("p75", 16),
    ("p90", 19),
    ("p95", 20),
    ("p97_5", 21),
    ("p99_5", 22),
];

/// The name in the column `metric` of rows with the score of a cluster.
const SCORE: &str = "score";

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row<'a> {
    pub(super) cluster: &'a str,
    /// `None` for the score of a cluster.
    pub(super) member: Option<&'a str>,
    pub(super) metric: &'static str,
    pub(super) unit: &'static str,
    /// Milliseconds since 1970.
    pub(super) origin_ms: i64,
    /// Milliseconds since 1970; of a score, the start of the hour.
    pub(super) ts_ms: i64,
    /// `None` for the score of a cluster, which is computed from the forecasts of all metrics.
    pub(super) model: Option<String>,
    pub(super) quantiles: [f64; QUANTILES.len()],
    /// The share of simulated courses in which the hour is red; only for the score of a cluster.
    pub(super) red: Option<f64>,
    /// The bucket of the median; only for percentiles.
    pub(super) bucket: Option<Bucket>,
}

impl Row<'_> {
    pub(super) fn lead_seconds(&self) -> i64 {
        (self.ts_ms - self.origin_ms) / 1000
    }
}

/// All rows: the scores of all clusters first, then the metrics, both in the order of the forecast.
pub(super) fn rows(forecast: &Forecast) -> Vec<Row<'_>> {
    let scores = forecast.clusters.iter().flat_map(|cluster| {
        cluster.hours.iter().map(|hour| Row {
            cluster: &cluster.cluster,
            member: None,
            metric: SCORE,
            unit: "points",
            origin_ms: forecast.origin_ms,
            ts_ms: hour.start_ms,
            model: None,
            quantiles: shown(&hour.quantiles),
            red: Some(hour.red),
            bucket: None,
        })
    });
    scores.chain(forecast.metrics.iter().flat_map(|of| of_metric(forecast, of))).collect()
}

fn of_metric<'a>(forecast: &'a Forecast, of: &'a MetricForecast) -> impl Iterator<Item = Row<'a>> {
    let models: Vec<Option<String>> = of.models.iter().map(|shares| model(shares)).collect();
    of.fan.iter().flatten().map(move |point| {
        let quantiles = shown(&point.quantiles);
        Row {
            cluster: &of.cluster,
            member: Some(&of.member),
            metric: of.metric.name(),
            unit: unit(of.metric),
            origin_ms: forecast.origin_ms,
            ts_ms: point.at_ms,
            model: models[forecast.bucket(point)].clone(),
            quantiles,
            red: None,
            bucket: is_percentile(of.metric).then(|| Bucket::of(point.quantiles[MEDIAN])),
        }
    })
}

/// Whether readings are percentiles of one of etcd's histograms.
pub(super) fn is_percentile(metric: Metric) -> bool {
    metric.unit() == Unit::Seconds
}

fn shown(quantiles: &[f64; LEVELS.len()]) -> [f64; QUANTILES.len()] {
    QUANTILES.map(|(_, place)| quantiles[place])
}

/// `arima`, or the shares of a blend: `0.75 arima + 0.25 last-hour`; `None` if there is no model.
pub(super) fn model(shares: &[(String, f64)]) -> Option<String> {
    match shares {
        [] => None,
        [(name, _)] => Some(name.clone()),
        blend => {
            let parts: Vec<String> = blend.iter().map(|(name, share)| format!("{share:.2} {name}")).collect();
            Some(parts.join(" + "))
        }
    }
}

fn unit(metric: Metric) -> &'static str {
    match metric.unit() {
        Unit::Seconds | Unit::Instant => "seconds",
        Unit::Count | Unit::Share | Unit::Flag | Unit::Version => "",
        Unit::PerSecond => "1/s",
        Unit::BytesPerSecond => "bytes/s",
        Unit::Bytes => "bytes",
    }
}
