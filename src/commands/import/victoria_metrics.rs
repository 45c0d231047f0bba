//! Imports into VictoriaMetrics through its import API: queries existing samples, sends the missing ones, and verifies.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::HumanCount;

use crate::commands::interrupt::Interrupt;
use crate::commands::progress::Reporter;
use crate::commands::stdout::print;
use crate::commands::{CommandError, runtime};
use crate::config::Settings;
use crate::import::{Batch, Exported, ImportError, Labels, Missing, batches};
use crate::sources::prometheus::{Client, PromError, shown_url};
use crate::text::count;

/// Maximum time until sent samples must be visible. A server that offers no flush takes longer than others.
const SEEN_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Why a batch was not imported.
enum Failure {
    Io(io::Error),
    Other(CommandError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Sends the samples in `folder` that the server at `url` does not have.
pub(super) fn run(
    folder: &Path,
    url: &str,
    dry_run: bool,
    settings: &Settings,
    reporter: Reporter,
) -> Result<(), CommandError> {
    let interrupt = Interrupt::listen(reporter)?;
    let (source, started) = (&settings.source, Instant::now());
    shown_url(url).map_err(CommandError::ImportUrl)?;
    let client = Client::new(url, &source.http_config()?, source.terms, None, &source.member_label)?;
    let runtime = runtime::start()?;
    let exported = Exported::of(folder)?;
    let progress = reporter.start("import", "samples", exported.files.iter().map(|file| file.block.samples).sum());
    let mut tally = Tally::default();
    for file in &exported.files {
        file.check_unchanged()?;
        let path = &file.path;
        let bring = |batch: Batch| -> Result<(), Failure> {
            if let Some(signal) = interrupt.signal() {
                return Err(Failure::Other(CommandError::StoppedSending { signal, sent: tally.sent }));
            }
            tally.add(&batch, runtime.block_on(bring(&client, &batch, path, dry_run)).map_err(Failure::Other)?);
            progress.set(tally.seen, "");
            Ok(())
        };
        batches(path, bring).map_err(|failure| match failure {
            Failure::Io(source) => ImportError::Io { action: "read", path: path.clone(), source }.into(),
            Failure::Other(error) => error,
        })?;
    }
    progress.clear();
    let summary = tally.summary(client.shown_url(), dry_run, started.elapsed());
    Ok(if dry_run { print(&summary) } else { reporter.summary(&summary) }?)
}

/// Counts of one batch: samples sent (in a dry run, to be sent), and samples that the server stores rounded.
#[derive(Clone, Copy)]
struct Brought {
    sent: u64,
    rounded: u64,
}

/// Sends the samples of a batch that the server does not have, then checks that the server has the whole batch.
/// With `dry_run`, only counts the missing samples.
async fn bring(client: &Client, batch: &Batch, path: &Path, dry_run: bool) -> Result<Brought, CommandError> {
    let found = missing(client, batch, path).await?;
    if found.count == 0 || dry_run {
        return Ok(Brought { sent: found.count, rounded: found.rounded });
    }
    client.send_samples(&found.lines).await?;
    client.flush().await?;
    let sent_at = Instant::now();
    loop {
        match missing(client, batch, path).await? {
            Missing { count: 0, rounded, .. } => return Ok(Brought { sent: found.count, rounded }),
            Missing { count: left, .. } if sent_at.elapsed() > SEEN_WITHIN => {
                return Err(ImportError::NotTaken { file: path.to_owned(), left, of: batch.len() as u64 }.into());
            }
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// The samples of a batch that the server does not have.
async fn missing(client: &Client, batch: &Batch, path: &Path) -> Result<Missing, CommandError> {
    let held = held(client, batch).await?;
    batch.missing(&held).map_err(|clash| {
        let labels = clash.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>();
        let series = format!("{{{}}}", labels.join(", "));
        let (held, ours) = (clash.held.to_string(), clash.ours.to_string());
        ImportError::Conflict { file: path.to_owned(), series, at_ms: clash.at_ms, held, ours }.into()
    })
}

/// The server's samples of the batch's series within the batch's time range.
async fn held(client: &Client, batch: &Batch) -> Result<BTreeMap<Labels, BTreeMap<i64, f64>>, PromError> {
    let (first_ms, last_ms) = batch.span_ms();
    let mut held: BTreeMap<Labels, BTreeMap<i64, f64>> = BTreeMap::new();
    for series in client.exported(&batch.selectors(), first_ms, last_ms).await? {
        let samples = series.samples().map(|(ms, value)| (ms, value.unwrap_or(f64::NAN))).collect::<Vec<_>>();
        held.entry(series.metric).or_default().extend(samples);
    }
    Ok(held)
}

/// Totals over all batches so far.
#[derive(Default)]
struct Tally {
    seen: u64,
    sent: u64,
    rounded: u64,
}

impl Tally {
    fn add(&mut self, batch: &Batch, brought: Brought) {
        self.seen += batch.len() as u64;
        self.sent += brought.sent;
        self.rounded += brought.rounded;
    }

    fn summary(&self, url: &str, dry_run: bool, took: Duration) -> String {
        let [seen, sent, there] = [self.seen, self.sent, self.seen - self.sent].map(HumanCount);
        let summary = match (self.sent, dry_run) {
            (0, _) => format!("nothing was imported: {url} already has all samples ({seen})\n"),
            (_, true) => format!("{sent} of {} would be sent to {url}; nothing was sent\n", count(self.seen, "sample")),
            _ => format!(
                "imported {} into {url} in {:.1} s; it now has all {seen} ({there} existed before)\n",
                count(self.sent, "sample"),
                took.as_secs_f64()
            ),
        };
        match self.rounded {
            0 => summary,
            rounded => format!(
                "{summary}{} of them {} stored rounded to 12 significant digits, as VictoriaMetrics stores every value\n",
                HumanCount(rounded),
                if rounded == 1 { "is" } else { "are" }
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_one_sample_in_the_singular() {
        let summary = |seen, sent, rounded, dry_run| {
            Tally { seen, sent, rounded }.summary("http://vm", dry_run, Duration::from_secs(2))
        };
        assert_eq!(summary(1, 0, 0, false), "nothing was imported: http://vm already has all samples (1)\n");
        assert_eq!(summary(1, 1, 0, true), "1 of 1 sample would be sent to http://vm; nothing was sent\n");
        assert_eq!(
            summary(1234, 1, 1, false),
            "imported 1 sample into http://vm in 2.0 s; it now has all 1,234 (1,233 existed before)\n\
             1 of them is stored rounded to 12 significant digits, as VictoriaMetrics stores every value\n"
        );
        assert!(
            summary(2, 2, 2, false).contains("imported 2 samples") && summary(2, 2, 2, false).contains("2 of them are")
        );
    }
}
