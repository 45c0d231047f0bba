//! What is written of a forecast: tables (`forecast.parquet`, `forecast.csv`), the whole of it for other commands
//! (`forecast.json`), gauges (`forecast.prom`, `forecast.om`), and the text for a terminal.
//!
//! A value that the forecast does not have is absent everywhere: it is never a number that looks healthy.

mod buckets;
mod csv;
mod gauges;
mod json;
mod limits_text;
mod metrics_text;
mod parquet;
mod rows;
mod text;
mod trust_text;
mod words;

use std::path::Path;

pub(crate) use buckets::Bucket;
pub(crate) use gauges::{forecast_openmetrics, forecast_textfile};
pub(crate) use json::{ForecastError, missing_forecast, read_forecast};
pub(crate) use text::{ForecastListing, forecast_text};

use super::{ExtraLabels, OutputError};
use crate::analysis::forecast::result::Forecast;
use crate::files::{FileError, WholeFile};
use crate::folder::{Owned, Written};

const PARQUET: &str = "forecast.parquet";
const CSV: &str = "forecast.csv";
const JSON: &str = "forecast.json";
const TEXTFILE: &str = "forecast.prom";
const OPENMETRICS: &str = "forecast.om";

/// The files of a forecast in an output folder.
pub(crate) const FORECAST_FILES: [Owned; 5] = [
    Owned::Single(PARQUET),
    Owned::Single(CSV),
    Owned::Single(JSON),
    Owned::Single(TEXTFILE),
    Owned::Single(OPENMETRICS),
];

/// Writes all files of a forecast into an output folder. Each appears under its name when it is complete;
/// `forecast.json` is the last, so that its forecast has its tables.
pub(crate) fn write_forecast(
    out: &Path,
    forecast: &Forecast,
    labels: &ExtraLabels,
) -> Result<Vec<Written>, OutputError> {
    let rows = rows::rows(forecast);
    let mut written = vec![parquet::write(out, &rows)?];
    let count = rows.len() as u64;
    for (name, text, count) in [
        (CSV, csv::csv(&rows), count),
        (TEXTFILE, forecast_textfile(forecast, labels), 1),
        (OPENMETRICS, forecast_openmetrics(forecast, labels), 1),
        (JSON, json::json(forecast)?, 1),
    ] {
        let path = out.join(name);
        let stat = WholeFile::write(&path, text.as_bytes())?;
        written.push(Written::new(out, &path, count, stat));
    }
    Ok(written)
}

/// Writes the gauges of a forecast to a file for node_exporter, which all users can read.
pub(crate) fn write_forecast_textfile(
    path: &Path,
    forecast: &Forecast,
    labels: &ExtraLabels,
) -> Result<(), FileError> {
    WholeFile::write_for_all(path, forecast_textfile(forecast, labels).as_bytes()).map(|_| ())
}
