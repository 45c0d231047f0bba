//! A data directory of Prometheus, or a copy of one, as a store of samples: its blocks and its head together.

mod error;
mod home;
mod labels;
mod living;
mod opened;
mod survey;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

pub(crate) use error::DirectoryError;
pub(crate) use labels::{NoReplica, Replica, Which};
pub(crate) use living::Living;

use super::block::{BlockFolder, BlockFolders, BlockMeta, Samples, merge};
use super::bucket::{Bucket, unselected_note};
use super::head::{Head, HeadSeries, Lost};
use crate::places::each_at_once;
use crate::sources::raw::{Label, LostSpan, SampleStore, Sighted, is_named};
use crate::text::count;
use home::Home;
use living::has_late_log;
use opened::{BlockSlot, Opened};

/// How often blocks are read at most, while a running server replaces them.
const ATTEMPTS: usize = 5;

/// Blocks in a bucket that are opened or fetched at once.
const AT_ONCE: usize = 8;

/// The blocks and the head of a data directory, of which the series of some metrics are read.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    /// The path or address.
    dir: PathBuf,
    home: Home,
    /// The end of the times that will be read, in milliseconds. What is fetched reaches so far.
    until_ms: AtomicI64,
    /// The metrics whose series are read.
    names: Vec<String>,
    which: Arc<Which>,
    blocks: RwLock<Vec<Arc<BlockSlot>>>,
    /// The series of the head, by labels.
    head: Vec<HeadSeries>,
    head_bytes: u64,
    lost: Vec<LostSpan>,
    notes: Vec<String>,
    /// Bytes of blocks that were closed since.
    read: Arc<opened::BytesRead>,
}

/// An open block, and the places and times of the series to read of it.
type Places<'a> = (&'a Arc<Opened>, Vec<(usize, Range<i64>)>);

/// A series of a data directory, and where its samples are.
#[derive(Debug)]
pub(crate) struct DirectorySeries {
    labels: Vec<Label>,
    /// Open blocks by time, with the place of the series in each.
    parts: Vec<(Arc<Opened>, usize)>,
    /// The place of the series in the head.
    in_head: Option<usize>,
}

impl DataDirectory {
    /// Whether a path is a data directory, or a block.
    pub(crate) fn is_at(path: &Path) -> Result<bool, DirectoryError> {
        Ok(path.is_dir() && (path.join("wal").is_dir() || is_block(path) || BlockFolders::is_any_in(path)?))
    }

    /// Opens the directory to read the series of these metrics, and returns notes about blocks that are left out. A single
    /// block is a directory too.
    pub(crate) fn open(dir: &Path, names: &[String], which: &Which) -> Result<(Self, Vec<String>), DirectoryError> {
        let read = Arc::<opened::BytesRead>::default();
        let home = Home::Disk(dir.to_owned());
        let slot = |folder: BlockFolder| Arc::new(BlockSlot::new(folder, home.clone(), Arc::clone(&read)));
        let Living { head, before, after } = Living::read(dir, names, which)?;
        let blocks = after.into_iter().map(slot).collect();
        let lost = lost_of(&head, begin_of_head(dir, &before));
        let left_out = unselected_note(&home::unselected(dir, which)?);
        let directory = Self {
            dir: dir.to_owned(),
            home,
            until_ms: AtomicI64::new(i64::MIN),
            names: names.to_vec(),
            which: Arc::new(which.clone()),
            blocks: RwLock::new(blocks),
            lost: lost.iter().map(span).collect(),
            notes: notes(&head, &lost),
            head_bytes: head.bytes_read(),
            head: head.into_series(),
            read,
        };
        Ok((directory, left_out.into_iter().collect()))
    }

    /// Opens the blocks in a bucket, and returns notes about those that are left out.
    pub(crate) fn in_bucket(
        bucket: Bucket,
        names: &[String],
        which: &Which,
    ) -> Result<(Self, Vec<String>), DirectoryError> {
        let (bucket, read) = (Arc::new(bucket), Arc::<opened::BytesRead>::default());
        let (dir, listed) = (PathBuf::from(bucket.address()), home::list_bucket(&bucket, which)?);
        let home = Home::Bucket(bucket);
        let slot = |folder: BlockFolder| Arc::new(BlockSlot::new(folder, home.clone(), Arc::clone(&read)));
        let blocks = listed.blocks.into_iter().map(slot).collect();
        let directory = Self {
            dir,
            home,
            until_ms: AtomicI64::new(i64::MIN),
            names: names.to_vec(),
            which: Arc::new(which.clone()),
            blocks: RwLock::new(blocks),
            head: Vec::new(),
            head_bytes: 0,
            lost: Vec::new(),
            notes: Vec::new(),
            read,
        };
        Ok((directory, listed.notes))
    }

    /// Announces that days are read in order up to this time, so that what is fetched of a block need not be asked for again.
    pub(crate) fn will_read_until(&self, end_ms: i64) {
        self.until_ms.store(end_ms, Ordering::Relaxed);
    }

    /// Whether there is neither a block nor a head with samples.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots().is_empty() && self.head_bytes == 0
    }

    /// What the directory is, in words.
    pub(crate) fn description(&self) -> String {
        match (self.slots().len(), self.head_bytes) {
            (blocks, 0) => count(blocks, "block"),
            (0, _) => "a write-ahead log".to_owned(),
            (blocks, _) => format!("{} and a write-ahead log", count(blocks, "block")),
        }
    }

    fn slots(&self) -> Vec<Arc<BlockSlot>> {
        self.blocks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The blocks that may have samples in the range, opened. Closes those that are earlier by more than a day, because
    /// days are read in order.
    fn open_within(&self, range_ms: &Range<i64>) -> Result<Vec<Arc<Opened>>, DirectoryError> {
        let mut needed = Vec::new();
        for slot in self.slots() {
            let block_ms = slot.range_ms();
            if block_ms.start < range_ms.end && block_ms.end > range_ms.start {
                needed.push(slot);
            } else if block_ms.end < range_ms.start.saturating_sub(opened::KEPT_OPEN_MS) {
                slot.close();
            }
        }
        self.opened(&needed)
    }

    /// Opens blocks, those in a bucket several at once.
    fn opened(&self, slots: &[Arc<BlockSlot>]) -> Result<Vec<Arc<Opened>>, DirectoryError> {
        each_at_once(slots, if self.home.is_far() { AT_ONCE } else { 1 }, |slot| slot.open(&self.names))
    }

    /// Reads again if a running server has replaced blocks since they were listed. An open block stays readable.
    fn of_living<T>(&self, read: impl Fn() -> Result<T, DirectoryError>) -> Result<T, DirectoryError> {
        for _ in 1..ATTEMPTS {
            match read() {
                Err(_) if self.list_again().unwrap_or(false) => {}
                done => return done,
            }
        }
        read()
    }

    fn series_once(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<DirectorySeries>, DirectoryError> {
        let mut found: BTreeMap<&[Label], Vec<(Arc<Opened>, usize)>> = BTreeMap::new();
        let blocks = self.open_within(range_ms)?;
        for block in &blocks {
            for (at, labels) in block.named(names) {
                found.entry(labels).or_default().push((Arc::clone(block), at));
            }
        }
        let mut series: BTreeMap<Vec<Label>, DirectorySeries> = found
            .into_iter()
            .map(|(labels, parts)| {
                let labels = labels.to_vec();
                (labels.clone(), DirectorySeries { labels, parts, in_head: None })
            })
            .collect();
        for (at, one) in self.in_head(names, range_ms) {
            let new = || DirectorySeries { labels: one.labels.clone(), parts: Vec::new(), in_head: None };
            series.entry(one.labels.clone()).or_insert_with(new).in_head = Some(at);
        }
        Ok(series.into_values().collect())
    }

    /// The series of these metrics in the head that may have samples in the range.
    fn in_head<'a>(
        &'a self,
        names: &'a [&str],
        range_ms: &'a Range<i64>,
    ) -> impl Iterator<Item = (usize, &'a HeadSeries)> {
        let is_wanted = move |one: &HeadSeries| {
            let ends = one.samples.times_ms.first().zip(one.samples.times_ms.last());
            ends.is_some_and(|(first, last)| *first < range_ms.end && *last >= range_ms.start)
                && is_named(&one.labels, names)
        };
        self.head.iter().enumerate().filter(move |(_, one)| is_wanted(one))
    }

    /// Lists the blocks again, because a running Prometheus has replaced some. Returns whether there is a difference.
    fn list_again(&self) -> Result<bool, DirectoryError> {
        let folders = self.home.list(&self.which)?;
        let mut blocks = self.blocks.write().unwrap_or_else(PoisonError::into_inner);
        let is_known = |folder: &BlockFolder| blocks.iter().any(|slot| slot.dir() == folder.dir);
        if folders.len() == blocks.len() && folders.iter().all(is_known) {
            return Ok(false);
        }
        let slot = |folder: BlockFolder| {
            let known = blocks.iter().find(|slot| slot.dir() == folder.dir).cloned();
            known.unwrap_or_else(|| Arc::new(BlockSlot::new(folder, self.home.clone(), Arc::clone(&self.read))))
        };
        let known: Vec<Arc<BlockSlot>> = folders.into_iter().map(slot).collect();
        blocks.iter().filter(|slot| !known.iter().any(|kept| kept.dir() == slot.dir())).for_each(|slot| slot.close());
        *blocks = known;
        Ok(true)
    }
}

/// Whether the directory is itself a block.
fn is_block(dir: &Path) -> bool {
    dir.join("meta.json").is_file() && dir.join("index").is_file()
}

/// Before it, blocks have everything that came in order, if there is such a block. Right after a compaction only blocks of
/// higher levels are left, which are certain if nothing came late.
fn begin_of_head(dir: &Path, blocks: &[BlockFolder]) -> Option<i64> {
    let may_be_late = has_late_log(dir) || blocks.iter().any(|block| !block.meta.compaction.hints.is_empty());
    let is_certain = |meta: &BlockMeta| meta.is_of_the_head() || !may_be_late && meta.seems_in_order();
    blocks.iter().filter(|block| is_certain(&block.meta)).map(|block| block.meta.max_time).max()
}

/// What the head lost. Nothing before its begin can be missing: it is in blocks.
fn lost_of(head: &Head, begin_ms: Option<i64>) -> Vec<Lost> {
    let begin_ms = begin_ms.or(head.range_ms().map(|(first_ms, _)| first_ms)).unwrap_or(i64::MIN);
    head.lost().iter().map(|lost| Lost { first_ms: lost.first_ms.max(begin_ms), ..lost.clone() }).collect()
}

fn span(lost: &Lost) -> LostSpan {
    LostSpan { first_ms: lost.first_ms, last_ms: lost.last_ms, from_metric: String::new() }
}

/// What the user should know about the head.
fn notes(head: &Head, lost: &[Lost]) -> Vec<String> {
    let mut notes: Vec<String> = lost.iter().map(ToString::to_string).collect();
    let unknown: u64 = head.unknown_records().values().sum();
    if unknown > 0 {
        let types: Vec<String> = head.unknown_records().keys().map(u8::to_string).collect();
        let records = count(unknown, "record");
        notes.push(format!(
            "the write-ahead log has {records} of types that this version does not know ({}): samples may be missing",
            types.join(", ")
        ));
    }
    notes
}

impl SampleStore for DataDirectory {
    type Error = DirectoryError;
    type Series = DirectorySeries;

    fn series(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<DirectorySeries>, DirectoryError> {
        self.of_living(|| self.series_once(names, range_ms))
    }

    fn labels<'a>(&'a self, series: &'a DirectorySeries) -> &'a [Label] {
        &series.labels
    }

    fn samples(&self, series: &DirectorySeries, range_ms: &Range<i64>) -> Result<Samples, DirectoryError> {
        let parts = series.parts.iter().map(|(block, at)| block.samples(*at, range_ms));
        let mut parts: Vec<Samples> = parts.collect::<Result<_, _>>()?;
        if let Some(at) = series.in_head {
            let mut samples = self.head[at].samples.within(range_ms);
            // The log keeps samples of blocks for a while, also those that were deleted there.
            let deleted = series.parts.iter().flat_map(|(block, at)| block.deleted(*at));
            deleted.for_each(|(first_ms, last_ms)| samples.remove(*first_ms, *last_ms));
            parts.push(samples);
        }
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        let merged = merge(parts);
        match merged.example {
            None => Ok(merged.samples),
            Some(conflict) => Err(DirectoryError::two_values(&self.dir, &series.labels, merged.conflicts, conflict)),
        }
    }

    fn fetch<'a>(&'a self, wanted: &dyn Fn() -> Vec<(&'a DirectorySeries, Range<i64>)>) -> Result<(), DirectoryError> {
        if !self.home.is_far() {
            return Ok(());
        }
        let until_ms = self.until_ms.load(Ordering::Relaxed);
        let mut blocks: BTreeMap<*const Opened, Places<'_>> = BTreeMap::new();
        for (series, range_ms) in wanted() {
            for (block, at) in &series.parts {
                let (_, places) = blocks.entry(Arc::as_ptr(block)).or_insert_with(|| (block, Vec::new()));
                places.push((*at, range_ms.start..range_ms.end.max(until_ms)));
            }
        }
        let blocks: Vec<_> = blocks.into_values().collect();
        each_at_once(&blocks, AT_ONCE, |(block, places)| block.fetch(places)).map(drop)
    }

    fn has_changed(&self) -> bool {
        self.home.is_far() && self.list_again().unwrap_or(false)
    }

    fn survey(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<Sighted>, DirectoryError> {
        self.of_living(|| self.survey_once(names, range_ms))
    }

    fn lost(&self) -> &[LostSpan] {
        &self.lost
    }

    fn bytes_read(&self) -> u64 {
        self.head_bytes + self.read.get() + self.slots().iter().map(|slot| slot.bytes_read()).sum::<u64>()
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}
