//! Blocks that are opened when their time is first read, and closed when it has passed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::DirectoryError;
use super::home::Home;
use super::labels::with_external;
use crate::sources::raw::{Label, Sighted, is_named};
use crate::sources::tsdb::block::{Block, BlockFolder, ChunkMeta, Samples, SeriesEntry};
use crate::time::DAY_MS;

/// How long after its end a block stays open: several days are read at once, and queries look back a day.
pub(super) const KEPT_OPEN_MS: i64 = DAY_MS;

/// Estimated size of a chunk of 120 samples, where the next chunk of the series does not tell it.
const USUAL_CHUNK: u64 = 200;

/// Bytes read from all blocks that were closed.
#[derive(Debug, Default)]
pub(super) struct BytesRead(AtomicU64);

impl BytesRead {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A block of a directory, open or not.
#[derive(Debug)]
pub(super) struct BlockSlot {
    folder: BlockFolder,
    home: Home,
    opened: Mutex<Option<Arc<Opened>>>,
    read: Arc<BytesRead>,
}

impl BlockSlot {
    pub(super) fn new(folder: BlockFolder, home: Home, read: Arc<BytesRead>) -> Self {
        Self { folder, home, opened: Mutex::new(None), read }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.folder.dir
    }

    pub(super) fn range_ms(&self) -> Range<i64> {
        self.folder.meta.range_ms()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Opened>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// Opens the block and reads the series of these metrics, unless it is open already.
    pub(super) fn open(&self, names: &[String]) -> Result<Arc<Opened>, DirectoryError> {
        let mut slot = self.lock();
        if let Some(opened) = &*slot {
            return Ok(Arc::clone(opened));
        }
        let opened = Arc::new(Opened::read(&self.folder, &self.home, names)?);
        *slot = Some(Arc::clone(&opened));
        Ok(opened)
    }

    pub(super) fn close(&self) {
        if let Some(opened) = self.lock().take() {
            self.read.0.fetch_add(opened.block.bytes_read(), Ordering::Relaxed);
        }
    }

    /// The number of files of the open block, and of chunks in its lists; `None` if it is closed.
    pub(super) fn size(&self) -> Option<(usize, usize)> {
        self.lock().as_ref().map(|opened| opened.size())
    }

    /// Bytes read from the block while it is open.
    pub(super) fn bytes_read(&self) -> u64 {
        self.lock().as_ref().map_or(0, |opened| opened.block.bytes_read())
    }
}

/// An open block with its series of the wanted metrics.
#[derive(Debug)]
pub(crate) struct Opened {
    block: Block,
    /// How many files it has open at most.
    files: usize,
    series: Vec<SeriesEntry>,
    /// The labels of each series with the external labels of the block; `None` if it has none.
    joined: Option<Vec<Vec<Label>>>,
    /// The number of chunks of all series.
    chunks: usize,
    /// The times of which the chunks of series were fetched, in milliseconds.
    fetched: Mutex<BTreeMap<usize, Range<i64>>>,
}

impl Opened {
    fn read(folder: &BlockFolder, home: &Home, names: &[String]) -> Result<Self, DirectoryError> {
        let mut block = home.open(folder)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let series = block.series_named(&names)?;
        block.forget_names();
        let external = &folder.meta.thanos.labels;
        let joined = || series.iter().map(|one| with_external(&one.labels, external)).collect();
        let joined = (!external.is_empty()).then(joined);
        let chunks = series.iter().map(|one| one.chunks.len()).sum();
        // Nothing of a bucket stays open but what holds fetched chunks.
        let files = if home.is_far() { 0 } else { block.files() };
        Ok(Self { block, files, series, joined, chunks, fetched: Mutex::default() })
    }

    /// The places and labels of the series of these metrics.
    pub(super) fn named<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (usize, &'a [Label])> {
        let labels =
            |at: usize| self.joined.as_ref().map_or(self.series[at].labels.as_slice(), |all| all[at].as_slice());
        (0..self.series.len()).map(move |at| (at, labels(at))).filter(move |(_, labels)| is_named(labels, names))
    }

    pub(super) fn samples(&self, at: usize, range_ms: &Range<i64>) -> Result<Samples, DirectoryError> {
        Ok(self.block.samples(&self.series[at], range_ms.clone())?)
    }

    /// Fetches the chunks of series at these places and times, unless they were fetched before.
    pub(super) fn fetch(&self, wanted: &[(usize, Range<i64>)]) -> Result<(), DirectoryError> {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let within = self.block.meta().range_ms();
        let inside = |range: &Range<i64>| range.start.max(within.start)..range.end.min(within.end);
        let is_there = |at: &usize, range: &Range<i64>| {
            fetched.get(at).is_some_and(|known| known.start <= range.start && range.end <= known.end)
        };
        let missing: Vec<(usize, Range<i64>)> = wanted
            .iter()
            .map(|(at, range)| (*at, inside(range)))
            .filter(|(at, range)| !range.is_empty() && !is_there(at, range))
            .collect();
        self.block.fetch(missing.iter().map(|(at, range)| (&self.series[*at], range.clone())))?;
        for (at, range) in missing {
            match fetched.get_mut(&at) {
                Some(known) if known.start <= range.end && range.start <= known.end => {
                    *known = known.start.min(range.start)..known.end.max(range.end);
                }
                _ => drop(fetched.insert(at, range)),
            }
        }
        Ok(())
    }

    /// The number of files of the block, and of chunks in the lists of all series.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.files, self.chunks)
    }

    /// The inclusive ranges in which samples of a series were deleted.
    pub(super) fn deleted(&self, at: usize) -> &[(i64, i64)] {
        self.block.deleted(&self.series[at])
    }

    /// The series of these metrics with chunks in the range.
    pub(super) fn survey<'a>(
        &'a self,
        names: &'a [&str],
        range_ms: &'a Range<i64>,
    ) -> impl Iterator<Item = Sighted> + 'a {
        self.named(names).filter_map(|(at, labels)| {
            let chunks = &self.series[at].chunks;
            let inside: Vec<usize> = (0..chunks.len()).filter(|chunk| chunks[*chunk].overlaps(range_ms)).collect();
            let (first, last) = (chunks.get(*inside.first()?)?, chunks.get(*inside.last()?)?);
            let bytes = inside.iter().map(|chunk| size_of_chunk(chunks, *chunk)).sum();
            let first_ms = first.min_ms.max(range_ms.start);
            Some(Sighted { labels: labels.to_vec(), first_ms, last_ms: last.max_ms.min(range_ms.end - 1), bytes })
        })
    }
}

/// The distance to the next chunk of the series, which usually follows immediately.
fn size_of_chunk(chunks: &[ChunkMeta], at: usize) -> u64 {
    let next = chunks.get(at + 1).map(|next| next.reference.wrapping_sub(chunks[at].reference));
    next.filter(|distance| *distance < 16 * USUAL_CHUNK).unwrap_or(USUAL_CHUNK)
}
