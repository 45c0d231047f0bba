//! `etcd-heatmap forecast`: reads the last days of a history, forecasts, and writes and prints what it found.

mod backtest;
mod every;
#[cfg(feature = "lstm")]
mod networks;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) use every::run as run_every;

use super::evidence::{DayReader, Opened, companions_with, no_history};
use super::explain::as_scored;
use super::score::{Broken, check_known, list_forecast, redraw};
use super::stdout::print;
use super::textfile::must_exist;
use super::window::Window;
use super::{CommandError, Writing};
use crate::analysis::forecast::forecaster::{self, Forecasted, Plan};
use crate::analysis::forecast::member_metric::Trained;
use crate::analysis::forecast::model::Model;
use crate::analysis::forecast::models::{Arima, ModelChoice};
use crate::analysis::forecast::panel::{COMPANIONS, Panel};
use crate::analysis::forecast::result::Forecast;
use crate::cli::{ForecastArgs, WantedMetric};
use crate::config::Settings;
use crate::folder::Manifest;
use crate::heatmap::Folding;
use crate::history::{History, HistoryError};
use crate::outputs::{ForecastListing, Palette, forecast_text, write_forecast, write_forecast_textfile};
use crate::score::ScoreTable;
use crate::spec::Metric;
use crate::time::{DAY_MS, TimeRange, UtcDay};

/// The days of history that a forecast uses: four of each weekday.
const DAYS: i64 = 28;

/// Finds mistakes before any work begins.
pub(super) fn check(folder: &Path, args: &ForecastArgs, settings: &Settings) -> Result<(), CommandError> {
    let given = args.flags.given.iter().map(|given| given.key);
    if args.every.is_some() {
        if settings.several.is_empty() {
            settings.source.url()?;
        }
    } else if let Some(flag) = given.filter(|key| key.is_of_a_source()).find_map(|key| key.flag.as_ref()) {
        return Err(CommandError::WithoutEvery(flag.name));
    } else if History::within(folder).days()?.is_empty() {
        return Err(no_history(folder, Manifest::read(folder)?.as_ref()));
    }
    // A folder that is missing now is missing after the forecast as well.
    match args.textfile.as_deref().and_then(Path::parent) {
        Some(parent) if !parent.as_os_str().is_empty() => Ok(must_exist(parent)?),
        _ => Ok(()),
    }
}

/// Forecasts from the end of the history in `folder`.
pub(super) fn run(folder: &Path, args: &ForecastArgs, settings: &Settings, run: &Writing) -> Result<(), CommandError> {
    let history = History::within(folder);
    let manifest = Manifest::read(folder)?;
    let mut opened = Opened::of(&history, manifest.as_ref())?;
    let footers = std::mem::take(&mut opened.broken);
    let (profile, folding) = as_scored(&args.flags.given, &settings.how, manifest.as_ref());
    let profile = profile.without(&opened.source.left_out())?;
    check_known(&profile, &opened.metas)?;
    let table = ScoreTable::new(&profile);
    let of_panel = opened.source.companions().into_iter().filter(|c| COMPANIONS.contains(c));
    let companions = companions_with(&table, &opened.source, of_panel);
    let (panel, broken) = read_panel(&opened, &opened.reader(&history, &companions), &table, folding, run)?;
    let also: Vec<Metric> = match args.metric {
        Some(WantedMetric::Metric(metric)) => vec![metric],
        _ => Vec::new(),
    };
    let arima = args.backtest || args.model == ModelChoice::Named(Arima.name().to_owned());
    let heavy: &[&dyn Model] = if arima { &[&Arima] } else { &[] };
    let plan = Plan {
        profile: &profile,
        rollup: folding.rollup,
        zone: folding.zone,
        choice: &args.model,
        heavy,
        also: &also,
        stopped: &|| run.interrupt.signal().is_some(),
        history_end_ms: opened.overview.range.end_ms,
        horizon_ms: args.horizon.as_millis() as i64,
    };
    #[cfg(feature = "lstm")]
    let networks = networks::Networks::for_run(args, &panel, &plan, run)?;
    #[cfg(feature = "lstm")]
    let trained = |metric: Metric| networks.of(metric);
    #[cfg(not(feature = "lstm"))]
    let trained = |_: Metric| Vec::new();
    let mut forecasted = forecast(&panel, &plan, trained, run);
    if let Some(signal) = run.interrupt.signal() {
        return Err(CommandError::StoppedEarly(signal));
    }
    if args.backtest {
        backtest::write(folder, &panel, &forecasted)?;
    }
    let found = &mut forecasted.forecast;
    if let Some(wanted) = args.metric {
        found.metrics.retain(|of| wanted == WantedMetric::Metric(of.metric));
    }
    write(folder, args, settings, manifest, found, run)?;
    let listing = ForecastListing {
        palette: Palette::of(&std::io::stdout(), settings.scale),
        width: Window::of_stdout().width,
        zone: folding.zone,
        metrics: args.metric.is_some(),
    };
    print(&forecast_text(found, &listing))?;
    Broken::new(&history, footers, broken).into_result()
}

/// Writes the files of a forecast, lists them in the manifest, and draws the pages again that show them.
fn write(
    folder: &Path,
    args: &ForecastArgs,
    settings: &Settings,
    manifest: Option<Manifest>,
    found: &Forecast,
    run: &Writing,
) -> Result<(), CommandError> {
    let labels = &settings.emission.labels;
    write_forecast(folder, found, labels)?;
    if let Some(textfile) = &args.textfile {
        write_forecast_textfile(textfile, found, labels)?;
    }
    // A history that was copied without its manifest gets one from `score`.
    let Some(mut manifest) = manifest else { return Ok(()) };
    manifest.list_history_again(folder)?;
    list_forecast(folder, &mut manifest)?;
    redraw(folder, &mut manifest, found, settings, run)?;
    Ok(manifest.write(folder)?)
}

fn forecast<'t>(
    panel: &Panel,
    plan: &Plan<'_>,
    trained: impl Fn(Metric) -> Vec<Trained<'t>> + Sync,
    run: &Writing,
) -> Forecasted {
    let works = forecaster::works(panel, plan) as u64;
    let progress = run.reporter.start("forecasting", "series and clusters", works);
    let done = AtomicU64::new(0);
    let forecasted = forecaster::run(panel, plan, trained, || {
        progress.set(done.fetch_add(1, Ordering::Relaxed) + 1, "");
    });
    progress.clear();
    forecasted
}

/// Reads the last days into a panel. Days that cannot be read are missing in it, and returned with their errors.
fn read_panel(
    opened: &Opened,
    reader: &DayReader<'_>,
    table: &ScoreTable,
    folding: Folding,
    run: &Writing,
) -> Result<(Panel, Vec<(UtcDay, HistoryError)>), CommandError> {
    let overview = &opened.overview;
    let range =
        TimeRange { start_ms: overview.range.start_ms.max(overview.range.end_ms - DAYS * DAY_MS), ..overview.range };
    let days: Vec<UtcDay> = overview.days().into_iter().filter(|day| day.range().intersect(range).is_some()).collect();
    let mut panel = Panel::new(range, opened.step, &overview.lives);
    let progress = run.reporter.start("reading", "days", days.len() as u64);
    let at_once = reader.days_at_once(&days, &overview.lives);
    let mut broken = Vec::new();
    for (done, chunk) in days.chunks(at_once.batch()).enumerate() {
        progress.set((done * at_once.batch()) as u64, "");
        let read =
            at_once.each(chunk, |day| Ok::<_, CommandError>((day, reader.score(table, &overview.lives, day))))?;
        for (day, (scored, error)) in read {
            panel.add(&scored.window, &scored.scores, table, folding.rollup);
            broken.extend(error.map(|error| (day, error)));
        }
    }
    progress.clear();
    panel.trim();
    Ok((panel, broken))
}
