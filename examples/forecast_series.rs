//! Judges every model on series of other people: CSV files with the columns timestamp (no zone) and value. Writes a CSV
//! with a row for each series, model, bucket of leads and day of origins, for `benches/forecast`.
//!
//! ```text
//! cargo run --release --example forecast_series -- FOLDER > models.csv
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDateTime;
use etcd_heatmap::forecast::backtest::model_days;
use etcd_heatmap::forecast::leads::{HORIZON_MS, Leads};
use etcd_heatmap::forecast::member_metric::{SeriesForecast, Trained, forecast};
use etcd_heatmap::forecast::model::Model;
use etcd_heatmap::forecast::models::{Arima, Lstm, ModelChoice};
use etcd_heatmap::forecast::series::{Scale, Series};
use etcd_heatmap::time::{DAY_MS, HOUR_MS, UtcDay, Zone};
use rayon::prelude::*;

const BUCKETS: [&str; 3] = ["0-1", "1-6", "6-24"];

/// The share of a series on which the LSTM is trained; it is judged a day after that.
const TRAINING_SHARE: f64 = 0.5;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("error: give the folder of the CSV files");
        return ExitCode::from(2);
    };
    match run(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(folder: &Path) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    files.sort();
    let judged: Vec<(String, Result<SeriesForecast, String>)> =
        files.par_iter().map(|path| (name(path), read(path).and_then(judge))).collect();
    println!("series,model,hours,day,origins,crps,outcomes,within_80,within_95");
    for (name, found) in &judged {
        match found {
            Err(reason) => eprintln!("{name}: {reason}"),
            Ok(found) => print(name, found),
        }
    }
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn print(name: &str, found: &SeriesForecast) {
    for day in model_days(found) {
        println!(
            "{name},{},{},{},{},{},{},{},{}",
            day.model,
            BUCKETS[day.bucket],
            UtcDay::of(day.day_ms),
            day.origins,
            day.crps,
            day.outcomes,
            day.within_80,
            day.within_95
        );
    }
}

fn judge((series, scale): (Series, Scale)) -> Result<SeriesForecast, String> {
    let hour = series.steps_in(HOUR_MS);
    let origins: Vec<usize> = (series.steps_in(DAY_MS)..=series.values.len()).step_by(hour).collect();
    let end = (series.values.len() as f64 * TRAINING_SHARE) as usize;
    let lstm = Lstm { metric: "value".to_owned(), leads: Leads::up_to(HORIZON_MS, series.step_ms), seed: 1 };
    let network = lstm.fit(&[series.until(end)]);
    if let Err(reason) = &network {
        eprintln!("lstm: {reason}");
    }
    let from = end + series.steps_in(DAY_MS);
    let trained = network.as_deref().map(|fitted| Trained { name: lstm.name(), fitted, from });
    let trained: Vec<Trained<'_>> = trained.into_iter().collect();
    forecast(series.clone(), scale, &origins, &ModelChoice::Auto, &[&Arima as &dyn Model], &trained)
}

/// Reads a file into even steps: the median distance of two rows. Of several values in a step, the last counts.
fn read(path: &Path) -> Result<(Series, Scale), String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let mut rows: Vec<(i64, f64)> = Vec::new();
    for (number, line) in text.lines().enumerate().skip(1) {
        let wrong = || format!("line {}: '{line}' is not a timestamp and a value", number + 1);
        let (at, value) = line.split_once(',').ok_or_else(wrong)?;
        let at = NaiveDateTime::parse_from_str(at, "%Y-%m-%d %H:%M:%S").map_err(|_| wrong())?;
        rows.push((at.and_utc().timestamp_millis(), value.trim().parse().map_err(|_| wrong())?));
    }
    rows.sort_by_key(|row| row.0);
    let mut distances: Vec<i64> = rows.windows(2).map(|two| two[1].0 - two[0].0).filter(|ms| *ms > 0).collect();
    distances.sort_unstable();
    let step_ms = *distances.get(distances.len() / 2).ok_or("fewer than two rows")?;
    if HOUR_MS % step_ms != 0 {
        return Err(format!("a step of {} s does not divide an hour", step_ms / 1000));
    }
    let start_ms = rows[0].0.div_euclid(step_ms) * step_ms;
    let slots = (rows[rows.len() - 1].0 - start_ms) / step_ms + 1;
    let mut readings = vec![f64::NAN; usize::try_from(slots).map_err(|e| e.to_string())?];
    for (at, value) in rows {
        readings[((at - start_ms) / step_ms) as usize] = value;
    }
    let scale = Scale::of(&readings);
    let values = readings.iter().map(|reading| scale.value(*reading)).collect();
    Ok((Series { start_ms, step_ms, values, zone: Zone::default() }, scale))
}
