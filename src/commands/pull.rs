//! A pull: what a source has and the history lacks becomes days on disk.

mod fetch;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use futures_util::future::{Either, select};
use tracing::info;

use super::evidence::{Gathered, whole_days};
use super::interrupt::{Interrupt, Signal};
use super::{CommandError, Writing, runtime};
use crate::cli::Leave;
use crate::folder::{Manifest, Written};
use crate::history::{DayMetas, History, HistoryError};
use crate::readings::{ReadingSource, Source};
use crate::spec::{Companion, Metric};
use crate::time::{TimeRange, UtcDay};
use fetch::fetch;

/// What became of the days that were asked for.
#[derive(Debug)]
pub(super) enum Pulled {
    /// All are on disk.
    All,
    /// Some are, and some could not be pulled.
    Some(CommandError),
}

impl Pulled {
    pub(super) fn into_result(self) -> Result<(), CommandError> {
        match self {
            Self::All => Ok(()),
            Self::Some(error) => Err(error),
        }
    }
}

/// What to pull, and where to.
pub(super) struct Request<'a> {
    pub(super) range: TimeRange,
    /// The output folder.
    pub(super) out: &'a Path,
    pub(super) leave: Leave,
}

/// The columns of the history that a pull extends.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Its companions; `None` where there is no history.
    pub(super) companions: Option<Vec<Companion>>,
    /// Metrics that the version which wrote it did not have.
    pub(super) unknown_metrics: Vec<Metric>,
}

impl Held {
    fn of(there: &DayMetas) -> Self {
        let companions = there.known.first().map(|(_, meta)| meta.source.companions());
        Self { companions, unknown_metrics: there.unknown_metrics() }
    }
}

/// Pulls what is not yet in the history, and writes the manifest.
///
/// `open` opens the source. It gets the columns that the history has, so that new days have the same.
pub(super) fn pull<S: ReadingSource>(
    request: &Request<'_>,
    run: &Writing,
    open: impl AsyncFnOnce(Held) -> Result<S, CommandError>,
) -> Result<Pulled, CommandError> {
    let Request { range, leave, .. } = *request;
    runtime::start()?.block_on(async {
        let history = History::within(request.out);
        let there = history.read_metas();
        let held = match &there {
            Ok(there) if !leave.overwrite => Held::of(there),
            _ => Held::default(),
        };
        let source = unless_stopped(&run.interrupt, open(held)).await??;
        let mut pull = Pull { history, known: Gathered::default(), files: BTreeMap::new() };
        pull.take_in(there, source.describe(), leave.overwrite)?;
        let parts = pull.known.missing_parts(source.parts(range), leave.allow_partial);
        info!(missing = parts.len(), there = pull.known.len(), "days to pull");
        let (history, mut fetched) = (pull.history.clone(), Vec::new());
        let failed = fetch(&source, &history, parts, run, |day| fetched.push(day)).await;
        source.notes().iter().for_each(|note| run.reporter.note(note));
        let failed = failed?;
        for (day, meta, file) in fetched {
            pull.known.add(day, &meta);
            pull.files.insert(day, file);
        }
        let pulled = match run.interrupt.signal() {
            Some(signal) => pull.stopped(&source.parts(range), leave.allow_partial, signal),
            None => report(source.parts(range).len(), failed),
        };
        pull.write_manifest(source.describe())?;
        Ok(pulled)
    })
}

/// What comes of waiting, unless a signal comes first.
async fn unless_stopped<T>(interrupt: &Interrupt, waiting: impl Future<Output = T>) -> Result<T, CommandError> {
    match select(std::pin::pin!(waiting), std::pin::pin!(interrupt.raised())).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right((signal, _)) => Err(CommandError::StoppedEarly(signal)),
    }
}

/// One pull into one history.
struct Pull {
    history: History,
    /// What is on disk and whole: that was there, or was written in this run.
    known: Gathered,
    /// The same days' files with their hashes.
    files: BTreeMap<UtcDay, Written>,
}

impl Pull {
    /// Takes in what of the history is on disk already, and whole; refuses, or with `overwrite` removes,
    /// another source's.
    fn take_in(
        &mut self,
        there: Result<DayMetas, HistoryError>,
        source: &Source,
        overwrite: bool,
    ) -> Result<(), CommandError> {
        // A day whose file is broken is not known: it is pulled again.
        let checked = there.map(|metas| metas.known).and_then(|metas| match metas.first() {
            Some((day, meta)) => match source.difference(&meta.source) {
                Some(difference) => Err(HistoryError::OtherSource { path: self.history.file(*day), difference }),
                None => Ok(metas),
            },
            None => Ok(metas),
        });
        match checked {
            Err(HistoryError::OtherSource { .. }) if overwrite => {
                self.history.remove()?;
            }
            other => {
                let known = other?;
                self.files = whole_days(&self.history, &known)?;
                let whole = known.iter().filter(|(day, _)| self.files.contains_key(day));
                whole.for_each(|(day, meta)| self.known.add(*day, meta));
            }
        }
        Ok(())
    }

    /// What is there when a signal has ended the pull; it may have come too late for that.
    fn stopped(&self, parts: &[(UtcDay, TimeRange)], partial_will_do: bool, signal: Signal) -> Pulled {
        let (asked, missing) = (parts.len(), self.known.missing_parts(parts.to_vec(), partial_will_do).len());
        let out = self.history.out().to_owned();
        match (missing, self.known.len()) {
            (0, _) => Pulled::All,
            (_, 0) => Pulled::Some(CommandError::StoppedEarly(signal)),
            _ => Pulled::Some(CommandError::StoppedPulling { signal, there: asked - missing, asked, out }),
        }
    }

    fn write_manifest(self, source: &Source) -> Result<(), CommandError> {
        let Some(overview) = self.known.overview() else { return Ok(()) };
        let files = self.files.into_values().collect();
        let manifest = Manifest::of_pull(source, overview.range, &overview.lives, files, &overview.missing)
            .with_partial(&overview.partial);
        Ok(manifest.write(self.history.out())?)
    }
}

fn report<E: Error + Send + Sync + 'static>(asked: usize, failed: BTreeMap<UtcDay, E>) -> Pulled {
    let days: Vec<UtcDay> = failed.keys().copied().collect();
    match failed.into_values().next().map(Box::new) {
        None => Pulled::All,
        Some(cause) if days.len() == asked => Pulled::Some(CommandError::NoDay { asked, cause }),
        Some(cause) => {
            Pulled::Some(CommandError::Partial { failed: days.len(), asked, days: UtcDay::describe(&days), cause })
        }
    }
}
