//! `etcd-heatmap import`: imports an output folder's OpenMetrics files into Prometheus (as blocks) or VictoriaMetrics.

mod told;
mod victoria_metrics;

use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::interrupt::Interrupt;
use super::progress::Reporter;
use super::stdout::print_wrapped;
use super::{CommandError, given_folder};
use crate::cli::ImportArgs;
use crate::config::Settings;
use crate::import::{DataDir, Fate, ImportError, Making, Plan, PlannedFile, Promtool, Stage, place};
use crate::outputs::Retention;

/// Imports the files of the folder that the server does not have yet.
pub(super) fn run(args: &ImportArgs, settings: &Settings, reporter: Reporter) -> Result<(), CommandError> {
    let folder = given_folder(settings, args.folder.as_deref())?;
    match (&args.into.victoria_metrics, &args.into.data_dir) {
        (Some(url), _) => victoria_metrics::run(folder, url, args.dry_run, settings, reporter),
        (None, Some(data_dir)) => into_prometheus(folder, data_dir, args, reporter),
        // clap requires one of `--victoria-metrics` and `--data-dir`.
        (None, None) => Ok(()),
    }
}

fn into_prometheus(folder: &Path, data_dir: &Path, args: &ImportArgs, reporter: Reporter) -> Result<(), CommandError> {
    let interrupt = Interrupt::listen(reporter)?;
    let started = Instant::now();
    let promtool = Promtool::find(args.promtool.as_deref())?;
    let data = DataDir::open(data_dir)?;
    let now_ms = now_ms();
    let plan = Plan::new(folder, &data, now_ms)?;
    warn_of_retention(&plan, args.retention.as_ref(), now_ms, &reporter)?;
    if args.dry_run {
        print_wrapped(&told::plan(&plan, &promtool, data.path()), 4)?;
        return told::left(&plan).map_err(CommandError::from);
    }
    let files: Vec<&PlannedFile> = plan.of(Fate::Import).collect();
    Stage::sweep(&data, args.staging.as_deref(), folder);
    if !files.is_empty() {
        data.check_is_writable()?;
        let stage = Stage::open(&data, args.staging.as_deref(), folder)?;
        let samples = files.iter().map(|file| file.block.samples).sum();
        let progress = reporter.start("import", "samples", samples);
        let making = Making {
            block_hours: plan.written.block_hours,
            jobs: args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
            stop: &|| interrupt.signal().is_some(),
            done: &|done| progress.set(done, ""),
        };
        let made = stage.make(&promtool, &data, &files, &making);
        progress.clear();
        let blocks = match (made, interrupt.signal()) {
            (Ok(_) | Err(ImportError::Stopped), Some(signal)) => return Err(CommandError::StoppedImporting(signal)),
            (made, _) => made?,
        };
        if let Some(owner) = place(&data, &blocks)? {
            let data = data.path().display();
            reporter.note(&format!(
                "cannot change the owner of the new blocks to {owner}, who owns {data}: run 'chown -R' as root, so that the server can read and delete them"
            ));
        }
    }
    reporter.summary(&told::summary(&plan, started.elapsed()))?;
    Ok(told::left(&plan)?)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Warns about samples older than the retention, which the server will delete.
fn warn_of_retention(
    plan: &Plan,
    typed: Option<&Retention>,
    now_ms: i64,
    reporter: &Reporter,
) -> Result<(), ImportError> {
    // Without --retention, use the retention that the files were written for.
    let Some(retention) = typed.cloned().or_else(|| plan.written.retention.parse().ok()) else { return Ok(()) };
    let before_ms = now_ms.saturating_sub(retention.millis());
    let samples = plan.samples_before(before_ms).map_err(|source| ImportError::Io {
        action: "read",
        path: "openmetrics".into(),
        source,
    })?;
    if samples > 0 {
        reporter.note(&told::too_old(samples, &retention, before_ms));
    }
    Ok(())
}
