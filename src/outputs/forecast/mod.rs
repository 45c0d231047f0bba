//! What is written of a forecast: tables (`forecast.parquet`, `forecast.csv`), the whole of it for other commands
//! (`forecast.json`), gauges (`forecast.prom`, `forecast.om`), and the text for a terminal.
//!
//! A value that the forecast does not have is absent everywhere: it is never a number that looks healthy.

mod csv;
mod gauges;
mod json;
mod limits_text;
mod metrics_text;
mod parquet;
mod rows;
mod text;
mod trust_text;

use std::path::Path;

pub(crate) use gauges::{forecast_openmetrics, forecast_textfile};
#[cfg(test)]
pub(crate) use json::ForecastError;
pub(crate) use json::read_forecast;
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
pub(crate) fn write_forecast_textfile(path: &Path, forecast: &Forecast, labels: &ExtraLabels) -> Result<(), FileError> {
    WholeFile::write_for_all(path, forecast_textfile(forecast, labels).as_bytes()).map(|_| ())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::fs::{self, File};
    use std::path::PathBuf;

    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use arrow_array::RecordBatch;

    use super::*;
    use crate::analysis::forecast::result::sample::sample;
    use crate::scratch::Scratch;

    /// The files of the sample, which tests/behaviour/forecast_files.rs reads with other programs.
    fn committed() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/behaviour/forecast")
    }

    /// The sample with names that a spreadsheet, a parser or a database could take for something else.
    fn hostile() -> Forecast {
        let mut forecast = sample();
        forecast.clusters[1].cluster = "=c,\"02\"".to_owned();
        forecast.metrics[2].member = "-m\\ \n é".to_owned();
        forecast.limits[6].member = "q\"\\\n".to_owned();
        forecast
    }

    fn rows_of(path: &Path) -> Vec<RecordBatch> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
        reader.map(Result::unwrap).collect()
    }

    #[test]
    fn the_files_of_a_forecast_are_those_that_other_programs_read_in_a_test() {
        let folder = Scratch::new();
        let written = write_forecast(folder.path(), &hostile(), &ExtraLabels::default()).unwrap();
        let names: Vec<&str> = written.iter().map(|file| file.path.as_str()).collect();
        assert!(names.iter().all(|name| FORECAST_FILES.iter().any(|owned| owned.has(name))), "{names:?}");
        assert_eq!(names.len(), FORECAST_FILES.len());
        // Four clusters with 24 hours, and two metrics with four instants.
        assert_eq!(written[0].rows, 4 * 24 + 2 * 4);
        for name in names {
            let (new, old) = (folder.path().join(name), committed().join(name));
            if std::env::var_os("UPDATE_SNAPSHOT").is_some() {
                fs::create_dir_all(committed()).unwrap();
                fs::copy(&new, &old).unwrap();
            }
            if name == PARQUET {
                // Its bytes depend on the version of the program.
                assert!(rows_of(&new) == rows_of(&old), "{name} has other rows");
            } else {
                let is_same = fs::read(&new).unwrap() == fs::read(&old).unwrap();
                assert!(is_same, "{name} differs from tests/behaviour/forecast: write it again with UPDATE_SNAPSHOT=1");
            }
        }
    }

    #[test]
    fn a_textfile_is_readable_for_everybody() {
        let folder = Scratch::new();
        let path = folder.path().join("etcd_forecast.prom");
        write_forecast_textfile(&path, &sample(), &ExtraLabels::default()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), forecast_textfile(&sample(), &ExtraLabels::default()));
    }
}
