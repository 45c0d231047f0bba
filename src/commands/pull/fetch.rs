//! Reads days from the source and writes them to disk, with a progress bar.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use futures_util::{StreamExt, stream};
use indicatif::HumanBytes;
use tracing::debug;

use crate::commands::{CommandError, Writing};
use crate::folder::Written;
use crate::history::{DayMeta, History, HistoryError, read_day, read_meta, write_day};
use crate::readings::{Member, ReadingSource, Shard, Source, Window};
use crate::text::count;
use crate::time::{TimeRange, UtcDay};

/// How often the bar is updated.
const TICK: Duration = Duration::from_millis(200);
/// Days written to disk at the same time, while others are read.
const WRITES_IN_FLIGHT: usize = 2;

/// A day that was written: the metadata in its file's footer, and the file with its hash.
type FetchedDay = (UtcDay, DayMeta, Written);

/// Why a day was not written: the source could not be read (the pull continues with other days), or the disk
/// could not be written (the pull ends).
enum Failure<E> {
    Day(UtcDay, E),
    Disk(CommandError),
}

/// A part of a day to pull.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) day: UtcDay,
    pub(super) part: TimeRange,
    /// The file of an earlier pull of the day. Its readings are kept where the source no longer has them.
    pub(super) earlier: Option<PathBuf>,
}

/// Reads the `wanted` parts of days and writes them to disk, without clusters outside of the shard. Calls `keep` for each day written; returns the errors
/// of days that could not be read. A failed write ends the pull with an error.
pub(super) async fn fetch<S: ReadingSource>(
    source: &S,
    shard: Option<Shard>,
    history: &History,
    wanted: Vec<Wanted>,
    run: &Writing,
    mut keep: impl FnMut(FetchedDay),
) -> Result<BTreeMap<UtcDay, S::Error>, CommandError> {
    let started = Instant::now();
    let work = source.work(&wanted.iter().map(|wanted| (wanted.day, wanted.part)).collect::<Vec<_>>());
    debug!(in_flight = source.in_flight(), "days at once");
    let bar = run.reporter.start("pulling", work.unit, work.total);
    let (history, description) = (Arc::new(history.clone()), Arc::new(source.describe().clone()));
    let written = stream::iter(wanted)
        .map(|wanted| async move {
            let is_ours = |member: &Member| shard.is_none_or(|shard| shard.holds(&member.cluster));
            let window = source.read(wanted.part).await.map(|window| window.only(is_ours));
            (wanted, window)
        })
        .buffer_unordered(source.in_flight())
        // After a signal: days still being read are dropped, days already read are written.
        .take_until(run.interrupt.raised())
        .map(|(wanted, window)| {
            let (history, description) = (history.clone(), description.clone());
            async move {
                let window = window.map_err(|error| Failure::Day(wanted.day, error))?;
                write(history, description, wanted, window).await.map_err(Failure::Disk)
            }
        })
        .buffer_unordered(WRITES_IN_FLIGHT.min(source.in_flight()));
    let mut written = pin!(written);
    let mut tick = tokio::time::interval(TICK);
    let (mut failed, mut pulled) = (BTreeMap::new(), 0_usize);
    loop {
        let done = match select(written.next(), pin!(tick.tick())).await {
            Either::Left((done, _)) => done,
            Either::Right(_) => {
                let progress = source.progress();
                bar.set(progress.done, &count(progress.samples, "sample"));
                continue;
            }
        };
        match done {
            None => break,
            Some(Ok(day)) => {
                keep(day);
                pulled += 1;
            }
            Some(Err(Failure::Day(day, error))) => drop(failed.insert(day, error)),
            Some(Err(Failure::Disk(error))) => return Err(error),
        }
    }
    bar.clear();
    let progress = source.progress();
    run.reporter.note(&format!(
        "pulled {}: {} from {} in {:.1} s",
        count(pulled, "day"),
        count(progress.samples, "sample"),
        HumanBytes(progress.bytes),
        started.elapsed().as_secs_f64(),
    ));
    Ok(failed)
}

async fn write(
    history: Arc<History>,
    source: Arc<Source>,
    wanted: Wanted,
    window: Window,
) -> Result<FetchedDay, CommandError> {
    let task = tokio::task::spawn_blocking(move || {
        let Wanted { day, part, earlier } = wanted;
        let window = match earlier {
            Some(file) => keep_lost(window, &file)?,
            None => window,
        };
        let path = history.file(day);
        let (meta, stat) = write_day(&path, &window, part, &source)?;
        let written = Written::new(history.out(), &path, meta.rows, stat);
        Ok((day, meta, written))
    });
    task.await.unwrap_or_else(|e| Err(CommandError::Threads(e.to_string())))
}

/// Adds the readings that an earlier pull stored in `file` and that the source no longer has.
fn keep_lost(window: Window, file: &Path) -> Result<Window, HistoryError> {
    let members = read_meta(file)?.lives.iter().map(|(member, _)| member.clone()).collect();
    let earlier = read_day(file, *window.grid(), members, window.companions())?;
    Ok(window.with_lost_readings(&earlier))
}
