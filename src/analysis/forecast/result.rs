//! What a forecast found, as plain values: the input of outputs and of `forecast.json`.

use serde::{Deserialize, Serialize};

use super::leads::BUCKET_HOURS;
use super::quantiles::LEVELS;
use super::walk::BUCKETS;
use crate::spec::Metric;
use crate::time::HOUR_MS;

#[cfg(test)]
pub(crate) mod sample;

/// The horizons of the question whether a cluster becomes red, in hours.
pub const HORIZON_HOURS: [i64; 3] = [1, 6, 24];

/// A forecast of all clusters of a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The end of the last step of the history that was forecast from, milliseconds since 1970.
    pub origin_ms: i64,
    /// The distance of two values of the forecast series in milliseconds: the step of the history, or 5 min.
    pub step_ms: i64,
    /// The end of the history, milliseconds since 1970: a forecast of a longer or shorter history is another one.
    #[serde(default)]
    pub history_end_ms: i64,
    /// The first step of the history that was used, milliseconds since 1970.
    pub from_ms: i64,
    /// The name of the profile that decides what red is.
    pub profile: String,
    /// The model that was asked for, as in `--model`.
    pub model: String,
    /// The clusters, sorted by name.
    pub clusters: Vec<ClusterForecast>,
    /// The forecasts of members' metrics, sorted by cluster, member and metric.
    pub metrics: Vec<MetricForecast>,
    /// When limits are reached, sorted by cluster, member and limit.
    pub limits: Vec<LimitForecast>,
    /// Steps of the past that no model expected, sorted by cluster, start and member.
    pub anomalies: Vec<Anomaly>,
    /// How good such forecasts were on the past: of all clusters together.
    pub trust: Trust,
}

impl Forecast {
    /// How far a point is ahead of the last reading, which is one step before the origin, in milliseconds.
    pub fn lead_ms(&self, point: &FanPoint) -> i64 {
        point.at_ms - self.origin_ms + self.step_ms
    }

    /// The index of the bucket of leads that a point belongs to, as in [`MetricForecast::models`].
    pub fn bucket(&self, point: &FanPoint) -> usize {
        let lead_ms = self.lead_ms(point);
        BUCKET_HOURS.iter().position(|hours| lead_ms <= hours * HOUR_MS).unwrap_or(BUCKETS - 1)
    }
}

/// The outlook of one cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterForecast {
    /// The cluster.
    pub cluster: String,
    /// The mean score of the last hour, 0 to 10; `None` without a score, which is not healthy.
    pub now: Option<f64>,
    /// Whether it becomes red, for each of [`HORIZON_HOURS`]; or why that cannot be said, as a sentence.
    pub outlooks: Result<[Outlook; HORIZON_HOURS.len()], String>,
    /// The score of the cluster ahead: mean scores of the hours after the origin. Empty if there is no outlook.
    pub hours: Vec<ScoreHour>,
}

/// Whether a cluster becomes red within a horizon: whether the mean score of any hour of it is below 5.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// The horizon in hours.
    pub hours: i64,
    /// The probability, 0 to 1, calibrated on the outcomes of earlier forecasts.
    pub probability: f64,
    /// The base rate: the share of earlier origins of this cluster after which it became red within the horizon.
    pub usual: f64,
    /// When it would become red; `None` if that happened in no simulated course.
    pub first: Option<FirstHour>,
    /// The member and metric that would cost most points then; `None` if no simulated course became red.
    pub blame: Option<Blame>,
}

/// When a cluster would become red, if it does: among simulated courses that do, the start of the first red hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FirstHour {
    /// The start that 10 % of them come before, milliseconds since 1970.
    pub earliest_ms: i64,
    /// The median start.
    pub median_ms: i64,
    /// The start that 10 % of them come after.
    pub latest_ms: i64,
}

/// What would make a cluster red.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blame {
    /// The member whose score would be the lowest.
    pub member: String,
    /// The metric that would cost it most points.
    #[serde(with = "metric_name")]
    pub metric: Metric,
}

/// The mean score of an hour ahead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreHour {
    /// The start of the hour, milliseconds since 1970.
    pub start_ms: i64,
    /// The quantiles of the mean score at [`LEVELS`], 0 to 10.
    pub quantiles: [f64; LEVELS.len()],
    /// The share of simulated courses in which the hour is red. Not calibrated.
    pub red: f64,
}

/// The forecast of one metric of one member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricForecast {
    /// The cluster of the member.
    pub cluster: String,
    /// The member.
    pub member: String,
    /// The metric.
    #[serde(with = "metric_name")]
    pub metric: Metric,
    /// The models that were used: for each bucket of leads (0–1, 1–6, 6–24 h) names and shares, the largest first. The
    /// shares add up to 1.
    pub models: [Vec<(String, f64)>; BUCKETS],
    /// The last reading, in the unit of the metric; `None` if there is none in the last hour.
    pub now: Option<f64>,
    /// The forecast at each lead, or why there is none, as a sentence.
    pub fan: Result<Vec<FanPoint>, String>,
    /// How good forecasts of this metric of this member were, for each bucket of leads; `None` if too few could be judged.
    pub skill: [Option<Judged>; BUCKETS],
}

/// The forecast of a metric at one lead, in the unit of the metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FanPoint {
    /// The instant, milliseconds since 1970.
    pub at_ms: i64,
    /// The quantiles at [`LEVELS`].
    pub quantiles: [f64; LEVELS.len()],
}

/// How good forecasts were beside the best one-liner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// How many forecasts were judged.
    pub origins: usize,
    /// The mean CRPS in doublings (of log2 readings).
    pub crps: f64,
    /// The mean CRPS of the best one-liner at the same origins.
    pub yardstick: f64,
    /// The share of outcomes within the 80 % interval, 0 to 1.
    pub within_80: f64,
    /// The share of outcomes within the 95 % interval, 0 to 1.
    pub within_95: f64,
}

/// Which limit a member approaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The database size and its quota.
    Quota,
    /// Open file descriptors and their maximum.
    MaxFds,
}

/// When a member reaches a limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitForecast {
    /// The cluster of the member.
    pub cluster: String,
    /// The member.
    pub member: String,
    /// The limit.
    pub limit: Limit,
    /// The last reading: bytes or descriptors; `None` without one.
    pub now: Option<f64>,
    /// The latest value of the limit; `None` without one.
    pub of: Option<f64>,
    /// When.
    pub when: super::quota::When,
}

/// Consecutive steps outside of the 99 % interval of a model that had not seen them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// The cluster of the member.
    pub cluster: String,
    /// The member.
    pub member: String,
    /// The metric.
    #[serde(with = "metric_name")]
    pub metric: Metric,
    /// The first step, milliseconds since 1970.
    pub start_ms: i64,
    /// The end of the last step, milliseconds since 1970.
    pub end_ms: i64,
    /// The reading that was furthest outside, in the unit of the metric.
    pub reading: f64,
    /// The 99 % interval at that step, in the unit of the metric.
    pub expected: [f64; 2],
}

/// How far forecasts can be trusted, from what earlier ones would have said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// How many origins were judged.
    pub origins: usize,
    /// The days between the first and the last judged origin.
    pub days: f64,
    /// For each bucket of leads, the CRPS skill of the metrics' forecasts above the best one-liner: 1 − CRPS / its CRPS.
    pub skill: [Option<Skill>; BUCKETS],
    /// For each bucket of leads, the shares of outcomes within the 80 % and the 95 % interval, 0 to 1.
    pub coverage: [Option<[f64; 2]>; BUCKETS],
    /// For each of [`HORIZON_HOURS`], the Brier skill of the probabilities above the conditional base rate; `None` without
    /// enough red hours to judge.
    pub breach: [Option<Skill>; HORIZON_HOURS.len()],
    /// The probability from which a forecast counts as a warning.
    pub warns_from: f64,
    /// The last warnings (at most 30) of the 6-hour horizon, oldest first.
    pub warnings: Vec<Warning>,
    /// How many warnings there were in all.
    pub warnings_in_all: usize,
    /// How many of all warnings came true.
    pub warnings_true: usize,
    /// How many times a cluster became red without a warning in the 6 hours before.
    pub missed: usize,
}

/// A skill with its 95 % interval from a bootstrap of whole days.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skill {
    /// The skill: 1 is perfect, 0 is as good as the yardstick, below 0 is worse.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// A warning of the past, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// The cluster.
    pub cluster: String,
    /// When it would have been given, milliseconds since 1970.
    pub at_ms: i64,
    /// The probability, 0 to 1.
    pub probability: f64,
    /// When the cluster became red within the horizon; `None` if it did not.
    pub red_ms: Option<i64>,
}

/// Metrics by their names.
mod metric_name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::spec::Metric;

    pub(super) fn serialize<S: Serializer>(metric: &Metric, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(metric.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Metric, D::Error> {
        let name = String::deserialize(deserializer)?;
        Metric::ALL
            .into_iter()
            .find(|metric| metric.name() == name)
            .ok_or_else(|| D::Error::custom(format!("unknown metric '{name}'")))
    }
}
