//! A pull: reads from a source the days that the history lacks, and writes them to disk.

mod fetch;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use futures_util::future::{Either, select};
use tracing::info;

use super::evidence::{Gathered, asked_in_vain, manifest_to_replace, whole_days};
use super::interrupt::{Interrupt, Signal};
use super::{CommandError, Writing, runtime};
use crate::cli::Leave;
use crate::folder::{Manifest, Owned, Written};
use crate::history::{DayMeta, DayMetas, History, HistoryError};
use crate::outputs::ANNOTATIONS_FILE;
use crate::readings::{QuerySource, ReadingSource, Shard, Source};
use crate::spec::{Companion, Metric};
use crate::time::{TimeRange, UtcDay};
use fetch::{Wanted, fetch};

/// The outcome of a pull.
#[derive(Debug)]
pub(super) enum Pulled {
    /// All days are on disk.
    All,
    /// Some days could not be pulled; the others are on disk.
    Some(CommandError),
    /// With `--overwrite`: some days could not be pulled, so the old history stays.
    NotReplaced(CommandError),
}

impl Pulled {
    pub(super) fn into_result(self) -> Result<(), CommandError> {
        match self {
            Self::All => Ok(()),
            Self::Some(error) | Self::NotReplaced(error) => Err(error),
        }
    }
}

/// The range to pull, the folder to write to, and what the flags `--overwrite` and `--allow-partial` permit.
pub(super) struct Request<'a> {
    pub(super) range: TimeRange,
    pub(super) out: &'a Path,
    pub(super) leave: Leave,
    /// Whether series of different processes may be merged into one member.
    pub(super) merge_members: bool,
    /// The share of the clusters to pull; `None` pulls all.
    pub(super) shard: Option<Shard>,
}

/// The columns of the history that is already in the folder. New days get the same columns.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The companions (limits and start times) in the history; `None` if there is no history yet.
    pub(super) companions: Option<Vec<Companion>>,
    /// Metrics that did not exist in the version that wrote the history.
    pub(super) unknown_metrics: Vec<Metric>,
    /// The queries of the history; empty if there is none yet.
    pub(super) queries: BTreeMap<String, QuerySource>,
}

impl Held {
    fn of(there: &DayMetas) -> Self {
        let companions = there.known.first().map(|(_, meta)| meta.source.companions());
        let queries = there.known.first().map(|(_, meta)| meta.source.queries.clone()).unwrap_or_default();
        Self { companions, unknown_metrics: there.unknown_metrics(), queries }
    }
}

/// Pulls the days that are not in the history yet, and writes the manifest.
///
/// `open` opens the source. It receives the columns of the existing history, so that new days get the same columns.
pub(super) fn pull<S: ReadingSource>(
    request: &Request<'_>,
    run: &Writing,
    open: impl AsyncFnOnce(Held) -> Result<S, CommandError>,
) -> Result<Pulled, CommandError> {
    let leave = request.leave;
    let manifest = manifest_to_replace(request.out, &run.reporter)?;
    runtime::start()?.block_on(async {
        let history = History::within(request.out);
        let there = history.read_metas();
        let held = match &there {
            Ok(there) if !leave.overwrite => Held::of(there),
            _ => Held::default(),
        };
        let source = unless_stopped(&run.interrupt, open(held)).await??;
        let mut pull = match Target::of(&history, there, source.describe(), leave.overwrite)? {
            Target::Extend(metas) => Pull::extending(&history, manifest.as_ref(), &metas, source.describe())?,
            Target::Replace => Pull::replacing(&history, source.describe())?,
        };
        pull.shard = request.shard;
        let identity = unless_stopped(&run.interrupt, source.identity(request.range)).await?;
        identity.settled(request.merge_members)?.iter().for_each(|note| run.reporter.note(note));
        let parts = source.parts(request.range);
        let wanted = pull.known.missing_parts(parts.clone(), leave.allow_partial);
        info!(missing = wanted.len(), there = pull.known.len(), "days to pull");
        let (into, mut fetched) = (pull.into.clone(), Vec::new());
        let to_fetch = wanted.iter().map(|&(day, part)| Wanted { day, part, earlier: pull.file_of(day) }).collect();
        let failed = fetch(&source, request.shard, &into, to_fetch, run, |day| fetched.push(day)).await;
        source.notes().iter().for_each(|note| run.reporter.note(note));
        let failed = failed?;
        fetched.into_iter().for_each(|(day, meta, file)| pull.add(day, &meta, file));
        pull.known.ask(wanted.into_iter().filter(|(day, _)| failed.contains_key(day)).map(|(_, part)| part));
        let error = match run.interrupt.signal() {
            Some(signal) => pull.stopped(parts, leave.allow_partial, signal),
            None => report(parts.len(), failed),
        };
        pull.finish(source.describe(), manifest.as_ref(), error)
    })
}

/// Waits for a future; fails if a signal comes first.
pub(super) async fn unless_stopped<T>(
    interrupt: &Interrupt,
    waiting: impl Future<Output = T>,
) -> Result<T, CommandError> {
    match select(std::pin::pin!(waiting), std::pin::pin!(interrupt.raised())).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right((signal, _)) => Err(CommandError::StoppedEarly(signal)),
    }
}

/// What to do with the history in the folder.
enum Target {
    /// The history is empty or has the same source: add new days to the days in this list.
    Extend(Vec<(UtcDay, DayMeta)>),
    /// The history has another source: replace it.
    Replace,
}

impl Target {
    /// Fails for a history of another source, unless `overwrite` is set.
    fn of(
        history: &History,
        there: Result<DayMetas, HistoryError>,
        source: &Source,
        overwrite: bool,
    ) -> Result<Self, CommandError> {
        let checked = there.map(|metas| metas.known).and_then(|metas| match metas.first() {
            Some((day, meta)) => match source.difference(&meta.source) {
                Some(difference) => Err(HistoryError::OtherSource { path: history.file(*day), difference }),
                None => Ok(metas),
            },
            None => Ok(metas),
        });
        match checked {
            Ok(metas) => Ok(Self::Extend(metas)),
            Err(HistoryError::OtherSource { .. }) if overwrite => Ok(Self::Replace),
            Err(error) => Err(error.into()),
        }
    }
}

/// A pull, with the days that it has on disk so far.
struct Pull {
    history: History,
    /// Where new days are written: `history` itself, or the folder for its replacement.
    into: History,
    /// Days with a complete file on disk, from earlier runs and from this one.
    known: Gathered,
    /// The files of the days in `known`, with their hashes.
    files: BTreeMap<UtcDay, Written>,
    /// The share of the clusters that the manifest names.
    shard: Option<Shard>,
}

impl Pull {
    /// A pull that adds days to a history of the same source. `metas` lists the days that it already has.
    fn extending(
        history: &History,
        manifest: Option<&Manifest>,
        metas: &[(UtcDay, DayMeta)],
        source: &Source,
    ) -> Result<Self, CommandError> {
        let mut pull = Self::into(history, history.clone());
        pull.take_in(history, manifest, metas)?;
        pull.known.ask(asked_in_vain(manifest, source, metas));
        Ok(pull)
    }

    /// A pull that replaces a history. Keeps the days that an earlier, unfinished replacement has pulled.
    fn replacing(history: &History, source: &Source) -> Result<Self, CommandError> {
        let mut pull = Self::into(history, history.replacement());
        pull.take_in(history, None, &history.metas_of(source)?)?;
        let waiting = pull.into.clone();
        pull.take_in(&waiting, None, &waiting.metas_of(source)?)?;
        waiting.remove_but(|day| pull.files.contains_key(&day))?;
        Ok(pull)
    }

    fn into(history: &History, into: History) -> Self {
        Self { history: history.clone(), into, known: Gathered::default(), files: BTreeMap::new(), shard: None }
    }

    /// Adds those days in `metas` whose file in `there` is complete. Leaves out all others, so
    /// that they are pulled again.
    fn take_in(
        &mut self,
        there: &History,
        manifest: Option<&Manifest>,
        metas: &[(UtcDay, DayMeta)],
    ) -> Result<(), CommandError> {
        let mut files = whole_days(there, manifest, metas)?;
        for (day, meta) in metas {
            if let Some(file) = files.remove(day) {
                self.add(*day, meta, file);
            }
        }
        Ok(())
    }

    fn add(&mut self, day: UtcDay, meta: &DayMeta, file: Written) {
        self.known.add(day, meta);
        self.files.insert(day, file);
    }

    /// The path of a day's complete file; `None` if the day has no complete file on disk.
    fn file_of(&self, day: UtcDay) -> Option<PathBuf> {
        self.files.get(&day).map(|file| self.history.out().join(&file.path))
    }

    fn is_replacing(&self) -> bool {
        self.into.folder() != self.history.folder()
    }

    /// The error after a signal; `None` if all days were on disk already.
    fn stopped(&self, parts: Vec<(UtcDay, TimeRange)>, partial_will_do: bool, signal: Signal) -> Option<CommandError> {
        let asked = parts.len();
        let missing = self.known.missing_parts(parts, partial_will_do).len();
        match (missing, self.known.len()) {
            (0, _) => None,
            (_, 0) => Some(CommandError::StoppedEarly(signal)),
            _ => {
                let (there, out) = (asked - missing, self.history.out().to_owned());
                Some(CommandError::StoppedPulling { signal, there, asked, out })
            }
        }
    }

    /// Writes the manifest. A replacement takes the place of the old history if every day was pulled; otherwise the old
    /// history and its manifest stay.
    fn finish(
        mut self,
        source: &Source,
        earlier: Option<&Manifest>,
        lacking: Option<CommandError>,
    ) -> Result<Pulled, CommandError> {
        let lacking = match lacking {
            Some(cause) if self.is_replacing() => {
                let (cause, out) = (Box::new(cause), self.history.out().to_owned());
                return Ok(Pulled::NotReplaced(CommandError::NotReplaced { cause, out }));
            }
            lacking => lacking,
        };
        if self.is_replacing() {
            // Move the new days in before removing the old ones: after a crash in between, the same command completes the
            // replacement of the old history.
            self.into.move_into(&self.history)?;
            self.history.remove_but(|day| self.files.contains_key(&day))?;
            for (day, file) in &mut self.files {
                *file = Written::new(self.history.out(), &self.history.file(*day), file.rows, file.stat.clone());
            }
        } else if lacking.is_none() {
            // Removes an unfinished replacement that an earlier run left.
            self.history.replacement().remove_but(|_| false)?;
        }
        let files = self.files.into_values().collect();
        write_manifest(&self.history, source, self.known, files, self.shard, earlier)?;
        Ok(lacking.map_or(Pulled::All, Pulled::Some))
    }
}

/// Writes the manifest of a history with these days and files; `shard` is the share of the clusters that was pulled, if not all.
pub(super) fn write_manifest(
    history: &History,
    source: &Source,
    days: Gathered,
    files: Vec<Written>,
    shard: Option<Shard>,
    earlier: Option<&Manifest>,
) -> Result<(), CommandError> {
    let Some(overview) = days.overview() else { return Ok(()) };
    let mut manifest = Manifest::of_pull(source, &overview.asked, &overview.lives, files, &overview.missing)
        .with_partial(&overview.partial)
        .with_shard(shard)
        .with_lacking(&overview.lacking);
    // The folder keeps its annotations, so it keeps their origin.
    if let (Some(earlier), Owned::Single(file)) = (earlier, ANNOTATIONS_FILE) {
        manifest = manifest.with_annotations_of(earlier, file);
    }
    Ok(manifest.write(history.out())?)
}

/// The error for the days that failed; `None` if all were pulled.
fn report<E: Error + Send + Sync + 'static>(asked: usize, failed: BTreeMap<UtcDay, E>) -> Option<CommandError> {
    let days: Vec<UtcDay> = failed.keys().copied().collect();
    let cause = Box::new(failed.into_values().next()?);
    Some(match days.len() == asked {
        true => CommandError::NoDay { asked, cause },
        false => CommandError::Partial { failed: days.len(), asked, days: UtcDay::describe(&days), cause },
    })
}
