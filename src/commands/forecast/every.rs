//! `forecast --every`: pulls what a history lacks of the last days and forecasts, again and again until a signal comes.

use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::select;

use super::DAYS;
use crate::cli::{ForecastArgs, Leave};
use crate::commands::pull::Pulled;
use crate::commands::sources::pull_set;
use crate::commands::{CommandError, Writing, runtime};
use crate::config::Settings;
use crate::history::History;
use crate::time::Step;

/// The longest wait after a failure: a server that restarts is back soon, and an alert needs two forecasts in a row.
const SOON: Duration = Duration::from_secs(300);
/// The step of a new history. Models learn nothing from a shorter one.
const STEP_MS: i64 = 300_000;

/// Forecasts until a signal comes. A failure is noted, and tried again soon. The gauges of the last forecast stay when this
/// ends: they hold its time, and alerts ask for a fresh one.
pub(in crate::commands) fn run(
    every: Duration,
    folder: &Path,
    args: &ForecastArgs,
    settings: &Settings,
    run: &Writing,
) -> Result<(), CommandError> {
    loop {
        let started = Instant::now();
        let outcome = turn(folder, args, settings, run);
        let wait = match outcome {
            _ if run.interrupt.signal().is_some() => return Ok(()),
            Err(error) if error.is_lasting() => return Err(error),
            Err(error) => {
                let wait = every.min(SOON);
                run.reporter.note(&format!("error: {error}; trying again in {}", humantime::format_duration(wait)));
                wait
            }
            Ok(()) => every.saturating_sub(started.elapsed()),
        };
        runtime::start()?.block_on(async {
            select(pin!(tokio::time::sleep(wait)), pin!(run.interrupt.raised())).await;
        });
    }
}

/// Pulls and forecasts once. If some days could not be pulled, forecasts from the others and then returns the error.
fn turn(folder: &Path, args: &ForecastArgs, settings: &Settings, run: &Writing) -> Result<(), CommandError> {
    let history = History::within(folder);
    let known = history.read_metas()?.known;
    let step = Step::from_millis(known.first().map_or(STEP_MS, |(_, meta)| meta.source.step_seconds * 1000))?;
    let pulled = pull_set(&settings.of_last_days(DAYS, folder, step), Leave::default(), run)?;
    match pulled {
        Pulled::Some(error) if error.signal().is_some() || history.days()?.is_empty() => Err(error),
        pulled => {
            super::run(folder, args, settings, run)?;
            run.folder.sync()?;
            pulled.into_result()
        }
    }
}
