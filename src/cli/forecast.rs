//! Arguments of `forecast`, which says whether clusters become red, and how far to trust that.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::{Flags, HISTORY_FOLDER, OfForecast};
use crate::analysis::forecast::models::{ModelChoice, named};
use crate::config::Heading;
use crate::spec::Metric;

#[derive(Debug, Args)]
pub(crate) struct ForecastArgs {
    #[arg(value_name = "DIR", help = HISTORY_FOLDER)]
    pub(crate) folder: Option<PathBuf>,

    /// Only forecast this metric, such as wal_fsync, or the score
    #[arg(
        long, value_name = "METRIC", help_heading = Heading::Selection.title(),
        long_help = "Only list forecasts of this metric in forecast.csv and forecast.parquet: a metric's name, such as \
                     wal_fsync, or score for the clusters' scores. A metric that costs no points, such as \
                     client_traffic_in, is forecast only if named here"
    )]
    pub(crate) metric: Option<WantedMetric>,

    /// Model of the metrics: auto, best-naive, arima, …
    #[arg(
        long, value_name = "NAME", default_value = "auto", hide_default_value = true, value_parser = named,
        help_heading = Heading::Forecast.title(),
        long_help = "Model of the metrics [default: auto]: auto (a blend of those that were best on earlier origins), \
                     best-naive (the best one-liner), last-hour, last-value, same-time-yesterday, same-time-last-week, \
                     last-day, hour-of-week, rhythm, trend, arima or lstm"
    )]
    pub(crate) model: ModelChoice,

    /// Longest lead of the forecasts of metrics, up to 24h [default: 24h]
    #[arg(
        long, value_name = "DURATION", default_value = "24h", hide_default_value = true, value_parser = horizon,
        help_heading = Heading::Forecast.title()
    )]
    pub(crate) horizon: Duration,

    /// Let ARIMA and the LSTM compete, and write how every model did
    #[arg(
        long, help_heading = Heading::Forecast.title(),
        long_help = "Let ARIMA and the LSTM compete with the light models, which takes minutes, and write how every model \
                     and every warning of the past did to backtest-models.csv and backtest-breaches.csv"
    )]
    pub(crate) backtest: bool,

    /// Folder of networks that --save wrote
    #[cfg(feature = "lstm")]
    #[arg(
        long, value_name = "FOLDER", help_heading = Heading::Forecast.title(), hide_short_help = true,
        long_help = "Use the networks that --save wrote to this folder instead of training new ones, and let them compete. \
                     They must be of the same metrics and step"
    )]
    pub(crate) load: Option<PathBuf>,

    /// Write the trained networks to this folder
    #[cfg(feature = "lstm")]
    #[arg(
        long, value_name = "FOLDER", help_heading = Heading::Output.title(), hide_short_help = true,
        conflicts_with = "load",
        long_help = "Write the networks that --backtest or --model lstm trains to this folder, one lstm-METRIC.safetensors \
                     for each metric"
    )]
    pub(crate) save: Option<PathBuf>,

    /// Pull from the server at --url and forecast at this interval
    #[arg(
        long, value_name = "DURATION", value_parser = every, help_heading = Heading::Forecast.title(),
        long_help = "Pull what DIR lacks of the last 28 days from the server at --url, forecast, and repeat this at the \
                     interval, such as 1h, until a signal comes [default: forecast once, from the history in DIR]. A new \
                     history has steps of 5 minutes"
    )]
    pub(crate) every: Option<Duration>,

    #[command(flatten)]
    pub(crate) flags: Flags<OfForecast>,

    /// Also write the gauges to this file, named *.prom
    #[arg(
        long, value_name = "FILE", help_heading = Heading::Output.title(),
        long_help = "Also write the gauges to this file, named *.prom, in the directory of node_exporter's textfile \
                     collector"
    )]
    pub(crate) textfile: Option<PathBuf>,
}

/// What `--metric` selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WantedMetric {
    /// The score of clusters.
    Score,
    /// A metric of members.
    Metric(Metric),
}

impl FromStr for WantedMetric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "score" {
            return Ok(Self::Score);
        }
        match text.parse() {
            // The count of the last day has no value of its own to forecast: it follows from elections.
            Ok(Metric::LeaderChanges) => Err("leader changes are forecast as part of the score: use score".to_owned()),
            Ok(metric) => Ok(Self::Metric(metric)),
            Err(error) => Err(format!("{error}, or score")),
        }
    }
}

/// Parses a horizon of one to 24 hours.
fn horizon(text: &str) -> Result<Duration, String> {
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    match humantime::parse_duration(text.trim()) {
        Ok(horizon) if (hours(1)..=hours(24)).contains(&horizon) => Ok(horizon),
        Ok(_) => Err("forecasts reach from 1h to 24h ahead".to_owned()),
        Err(_) => Err("write a duration such as 6h".to_owned()),
    }
}

/// Parses an interval between two forecasts.
fn every(text: &str) -> Result<Duration, String> {
    let [shortest, longest] = [1, 86_400].map(Duration::from_secs);
    match humantime::parse_duration(text.trim()) {
        Ok(every) if (shortest..=longest).contains(&every) => Ok(every),
        Ok(_) => Err("forecasts are made every 1s to 24h".to_owned()),
        Err(_) => Err("write a duration such as 1h".to_owned()),
    }
}
