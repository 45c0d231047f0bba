//! `etcd-heatmap merge`: joins the shards of a history.
//!
//! A shard is complete if its manifest says so: a pull writes it last. Each day of the history is written from the same day
//! of all shards, as a pull of all clusters would have written it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::evidence::manifest_to_replace;
use super::rewrite::{Day, Rewrite, joined_note, ranges};
use super::{CommandError, Writing};
use crate::folder::{Manifest, Written, shard_folder, shards_in};
use crate::history::{DayMeta, Footnotes, History, HistoryError, members_in, read_day};
use crate::readings::{Lives, Shard, Source, Window};
use crate::spec::Companion;
use crate::text::count;
use crate::time::{Grid, Step, TimeRange, UtcDay};

/// Why shards cannot be joined.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeError {
    #[error("{} holds no shards: pull them with 'etcd-heatmap pull --shard', and name the folder of its --out", .0.display())]
    NoShards(PathBuf),
    /// Shards of different numbers of shards.
    #[error("{} holds shards of {one} and of {other}: move away the folders of one kind", .folder.display())]
    Mixed { folder: PathBuf, one: u32, other: u32 },
    /// Shards without a folder, or whose pull did not end.
    #[error(
        "{missing} of {of} shards {} missing or unfinished ({list}): run the 'etcd-heatmap pull --shard' of each again",
        if *.missing == 1 { "is" } else { "are" }
    )]
    Missing { missing: usize, of: u32, list: String },
    /// A shard that was pulled in another way than the first one.
    #[error(
        "shard {shard} was pulled in another way than shard {first} ({difference}): pull one of them again with --overwrite"
    )]
    Different { shard: Shard, first: Shard, difference: String },
    /// A day that other shards have.
    #[error("shard {shard} lacks {days}, which other shards have: run its 'etcd-heatmap pull --shard' again")]
    Incomplete { shard: Shard, days: String },
    /// The folder has a history that is not of these shards.
    #[error("{} is of another source than the shards ({difference}): move it away with the other days, or pull the shards into another --out", .path.display())]
    OtherSource { path: PathBuf, difference: String },
    /// A file that is not the one that the pull wrote.
    #[error("{} is damaged: it is not the file that the manifest of shard {shard} lists; remove it, and pull the shard again", .path.display())]
    Damaged { path: PathBuf, shard: Shard },
}

/// A complete shard.
struct Part {
    shard: Shard,
    history: History,
    manifest: Manifest,
    days: BTreeMap<UtcDay, DayMeta>,
}

/// Fails if the folder holds no shards, before anything is created in it.
pub(super) fn check(folder: &Path) -> Result<(), CommandError> {
    match shards_in(folder)?.is_empty() {
        true => Err(MergeError::NoShards(folder.to_owned()).into()),
        false => Ok(()),
    }
}

/// Joins the shards in `folder/shards/` into the history of `folder`.
pub(super) fn run(folder: &Path, run: &Writing) -> Result<(), CommandError> {
    let started = Instant::now();
    let earlier = manifest_to_replace(folder, &run.reporter)?;
    let parts = parts(folder)?;
    let first = &parts[0];
    let source = same_source(&parts)?;
    let days = same_days(&parts)?;
    parts.iter().try_for_each(whole)?;
    let history = History::within(folder);
    let (step, lives) = (Step::from_millis(source.step_seconds * 1000)?, lives(&parts));
    let rewrite = Rewrite { history: &history, source: &source, step, lives: &lives, run };
    if let Some((day, difference)) = rewrite.of_another_source()? {
        return Err(MergeError::OtherSource { path: history.file(day), difference }.into());
    }
    let ranges = ranges(parts.iter().map(|part| &part.days));
    let joined = |day| join(&parts, day, Grid::within(ranges[&day], step), ranges[&day], &source.companions());
    let written = rewrite.days("joining", &days, joined)?;
    let asked = first.manifest.asked_ranges().unwrap_or_default();
    rewrite.manifest(&asked, written, earlier.as_ref())?;
    run.reporter.note(&joined_note(&count(parts.len(), "shard"), &lives, days.len(), started));
    Ok(())
}

/// All shards, each complete.
fn parts(folder: &Path) -> Result<Vec<Part>, CommandError> {
    let there = shards_in(folder)?;
    let (Some(one), Some(other)) = (there.first(), there.iter().max_by_key(|shard| shard.of())) else {
        return Err(MergeError::NoShards(folder.to_owned()).into());
    };
    if let Some(least) = there.iter().map(|shard| shard.of()).min().filter(|least| *least != other.of()) {
        return Err(MergeError::Mixed { folder: folder.to_owned(), one: least, other: other.of() }.into());
    }
    let (mut parts, mut missing) = (Vec::new(), Vec::new());
    for shard in Shard::all(one.of()) {
        match part(folder, shard)? {
            Some(part) => parts.push(part),
            None => missing.push(shard.to_string()),
        }
    }
    if missing.is_empty() {
        return Ok(parts);
    }
    Err(MergeError::Missing { missing: missing.len(), of: one.of(), list: missing.join(", ") }.into())
}

/// A shard; `None` if its pull has not ended.
fn part(folder: &Path, shard: Shard) -> Result<Option<Part>, CommandError> {
    let out = shard_folder(folder, shard);
    let Some(manifest) = Manifest::read(&out)?.filter(|manifest| manifest.shard() == Some(shard)) else {
        return Ok(None);
    };
    let history = History::within(&out);
    let metas = history.read_metas()?;
    match metas.broken.into_iter().next() {
        Some((_, error)) => Err(error.into()),
        None => Ok(Some(Part { shard, history, manifest, days: metas.known.into_iter().collect() })),
    }
}

/// The source of all shards. Fails if one has another source, or other requested ranges.
fn same_source(parts: &[Part]) -> Result<Source, CommandError> {
    let with_days = |part: &&Part| !part.days.is_empty();
    let Some((first, meta)) = parts.iter().find(with_days).and_then(|part| Some((part, part.days.values().next()?)))
    else {
        return Err(HistoryError::Empty(parts[0].history.out().to_owned()).into());
    };
    for part in parts {
        let of_source = part.days.values().find_map(|other| meta.source.difference(&other.source));
        let (ours, theirs) = (first.manifest.asked_ranges(), part.manifest.asked_ranges());
        let shown = |ranges: &Option<Vec<TimeRange>>| {
            ranges.iter().flatten().map(TimeRange::to_string).collect::<Vec<_>>().join(", ")
        };
        let of_range = (ours != theirs).then(|| format!("range {} instead of {}", shown(&theirs), shown(&ours)));
        if let Some(difference) = of_source.or(of_range) {
            return Err(MergeError::Different { shard: part.shard, first: first.shard, difference }.into());
        }
    }
    Ok(meta.source.clone())
}

/// The days of all shards. Fails if a shard lacks one of them.
fn same_days(parts: &[Part]) -> Result<Vec<UtcDay>, CommandError> {
    let days: BTreeSet<UtcDay> = parts.iter().flat_map(|part| part.days.keys().copied()).collect();
    for part in parts {
        let lacks: Vec<UtcDay> = days.iter().filter(|day| !part.days.contains_key(day)).copied().collect();
        if !lacks.is_empty() {
            return Err(MergeError::Incomplete { shard: part.shard, days: UtcDay::describe(&lacks) }.into());
        }
    }
    Ok(days.into_iter().collect())
}

/// Fails if a file is not the one that the shard's manifest lists.
fn whole(part: &Part) -> Result<(), CommandError> {
    for (day, meta) in &part.days {
        let path = part.history.file(*day);
        let found = Written::read(part.history.out(), &path, meta.rows)?;
        if !part.manifest.history.contains(&found) {
            return Err(MergeError::Damaged { path, shard: part.shard }.into());
        }
    }
    Ok(())
}

fn lives(parts: &[Part]) -> Lives {
    let mut lives = Lives::default();
    parts.iter().flat_map(|part| part.days.values()).for_each(|meta| lives.merge(&meta.lives));
    lives
}

/// A day of all shards.
fn join(
    parts: &[Part],
    day: UtcDay,
    grid: Grid,
    range: TimeRange,
    companions: &[Companion],
) -> Result<Day, HistoryError> {
    let read = |part: &Part| {
        let path = part.history.file(day);
        read_day(&path, grid, members_in(&path)?, companions)
    };
    let windows = parts.iter().map(read).collect::<Result<Vec<Window>, HistoryError>>()?;
    let mut lives = Lives::default();
    parts.iter().filter_map(|part| part.days.get(&day)).for_each(|meta| lives.merge(&meta.lives));
    let footnotes = Footnotes { lives, ..Footnotes::default() };
    Ok(Day { window: Window::joined(grid, companions, windows), range, footnotes })
}
