//! Into a VictoriaMetrics, by its import API: what it has is asked first, and again afterwards.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::HumanCount;

use crate::commands::interrupt::Interrupt;
use crate::commands::progress::Reporter;
use crate::commands::{CommandError, runtime};
use crate::config::Settings;
use crate::files::FileStat;
use crate::folder::Manifest;
use crate::import::{Batch, ImportError, Labels, batches};
use crate::sources::prometheus::{Client, PromError};

/// How long a sample may take to be seen that was taken, without a way to hurry it.
const SEEN_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Why a batch did not go in.
enum Failure {
    Io(io::Error),
    Other(CommandError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Sends what `folder` holds and the server at `url` does not.
pub(super) fn run(
    folder: &Path,
    url: &str,
    dry_run: bool,
    settings: &Settings,
    reporter: Reporter,
) -> Result<(), CommandError> {
    let interrupt = Interrupt::listen(reporter)?;
    let (source, started) = (&settings.source, Instant::now());
    let client = Client::new(url, &source.http_config()?, source.terms, None, &source.member_label)?;
    let runtime = runtime::start()?;
    let manifest = Manifest::read(folder)?.ok_or_else(|| ImportError::NoManifest(folder.to_owned()))?;
    let written = manifest.openmetrics.filter(|written| !written.blocks.is_empty());
    let written = written.ok_or_else(|| ImportError::NoOpenMetrics(folder.to_owned()))?;
    let progress = reporter.start("import", "samples", written.blocks.iter().map(|block| block.samples).sum());
    let (mut sent, mut seen) = (0, 0);
    for block in &written.blocks {
        let path = folder.join(&block.path);
        let listed = manifest.files.iter().find(|file| file.path == block.path);
        if listed.is_none_or(|listed| FileStat::read(&path).ok().as_ref() != Some(&listed.stat)) {
            return Err(ImportError::Changed(path).into());
        }
        let bring = |batch: Batch| -> Result<(), Failure> {
            if let Some(signal) = interrupt.signal() {
                return Err(Failure::Other(CommandError::StoppedSending { signal, sent }));
            }
            seen += batch.len() as u64;
            sent += runtime.block_on(bring(&client, &batch, &path, dry_run)).map_err(Failure::Other)?;
            progress.set(seen, "");
            Ok(())
        };
        batches(&path, bring).map_err(|failure| match failure {
            Failure::Io(source) => ImportError::Io { action: "read", path: path.clone(), source }.into(),
            Failure::Other(error) => error,
        })?;
    }
    progress.clear();
    reporter.result(&summary(client.shown_url(), seen, sent, dry_run, started.elapsed()));
    Ok(())
}

/// Sends the samples of a batch that the server does not have, and looks whether it then has all; how
/// many were sent.
async fn bring(client: &Client, batch: &Batch, path: &Path, dry_run: bool) -> Result<u64, CommandError> {
    let (lines, count) = missing(client, batch, path).await?;
    if count == 0 || dry_run {
        return Ok(count);
    }
    client.send_samples(&lines).await?;
    client.flush().await?;
    let sent_at = Instant::now();
    loop {
        match missing(client, batch, path).await?.1 {
            0 => return Ok(count),
            left if sent_at.elapsed() > SEEN_WITHIN => {
                return Err(ImportError::NotTaken { file: path.to_owned(), left, of: batch.len() as u64 }.into());
            }
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// The lines of a batch that the server does not have, and how many.
async fn missing(client: &Client, batch: &Batch, path: &Path) -> Result<(String, u64), CommandError> {
    let held = held(client, batch).await?;
    batch.missing(&held).map_err(|clash| {
        let labels = clash.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>();
        let series = format!("{{{}}}", labels.join(", "));
        let (held, ours) = (clash.held.to_string(), clash.ours.to_string());
        ImportError::Conflict { file: path.to_owned(), series, at_ms: clash.at_ms, held, ours }.into()
    })
}

/// What the server has of the batch's series in its time.
async fn held(client: &Client, batch: &Batch) -> Result<BTreeMap<Labels, BTreeMap<i64, f64>>, PromError> {
    let (first_ms, last_ms) = batch.span_ms();
    let mut held: BTreeMap<Labels, BTreeMap<i64, f64>> = BTreeMap::new();
    for series in client.exported(&batch.selectors(), first_ms, last_ms).await? {
        let samples = series.samples().map(|(ms, value)| (ms, value.unwrap_or(f64::NAN))).collect::<Vec<_>>();
        held.entry(series.metric).or_default().extend(samples);
    }
    Ok(held)
}

fn summary(url: &str, all: u64, sent: u64, dry_run: bool, took: Duration) -> String {
    let (all, there, count) = (HumanCount(all), HumanCount(all - sent), HumanCount(sent));
    match (sent, dry_run) {
        (0, _) => format!("nothing was imported: {url} has all {all} samples already\n"),
        (_, true) => format!("{count} of {all} samples would be sent to {url}; nothing was sent\n"),
        _ => format!(
            "imported {count} samples into {url} in {:.1} s, and it has all {all} now ({there} were there)\n",
            took.as_secs_f64()
        ),
    }
}
