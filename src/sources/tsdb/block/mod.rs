//! Persistent blocks of a Prometheus TSDB, read from their files without a server: the folders with `meta.json`,
//! `index`, `chunks/` and `tombstones` that Prometheus, `promtool tsdb create-blocks-from`, Thanos and Mimir write.
//!
//! Everything is read at its position when it is needed, never written and never mapped into memory. Every checksum of
//! what is read is compared, so that a damaged file gives an error that names it, and never a wrong number. The formats
//! are those of `tsdb/docs/format` of Prometheus.
//!
//! The samples of the last hours are not in blocks but in the head of the server, in `wal/` and `chunks_head/`.

pub(super) mod bytes;
mod chunks;
mod directory;
mod encoding;
mod error;
mod file;
mod header;
mod index;
mod merge;
mod meta;
mod postings;
mod samples;
mod series;
mod storage;
mod symbols;
mod table;
mod tombstones;
mod xor;
mod xor2;

#[cfg(test)]
mod damage;
#[cfg(test)]
pub(in crate::sources) mod encode;
#[cfg(test)]
pub(in crate::sources) mod encode_xor2;
#[cfg(test)]
pub(in crate::sources) mod random;
#[cfg(test)]
pub(in crate::sources) mod real;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use directory::{BlockFolder, BlockFolders};
pub(in crate::sources::tsdb) use error::remedy;
pub use error::{BlockError, Place};
pub use merge::{Conflict, Merged, merge};
pub use meta::{BlockMeta, Compaction, Downsample, Parent, Stats, Thanos, Ulid};
pub use samples::Samples;
pub use series::{ChunkMeta, SeriesEntry};

pub(in crate::sources) use encoding::{Decoder, Encoding, Unsupported};
pub(crate) use postings::METRIC_NAME;
pub(in crate::sources) use series::in_promql;
pub(crate) use series::label_of;

pub(in crate::sources::tsdb) use file::{BytesRead, Positioned};
pub(in crate::sources::tsdb) use meta::FILE_NAME as META_FILE;
pub(in crate::sources::tsdb) use storage::{Positions, Storage};

use chunks::{Chunk, ChunkReader, Segments, ranges_of};
use index::Index;
use storage::Disk;
use tombstones::{Interval, Tombstones};

/// An open block. Several threads can read it at once.
#[derive(Debug)]
pub struct Block {
    dir: PathBuf,
    meta: BlockMeta,
    index: Index,
    segments: Segments,
    tombstones: Tombstones,
    read: BytesRead,
}

/// Most files of a block that are open all the time. A block of three hours usually has one file of chunks.
const MOST_FILES: usize = 16;

impl Block {
    /// Opens the block in a folder: reads `meta.json`, `tombstones` and the postings offset table of `index`.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, BlockError> {
        let (dir, read) = (dir.into(), BytesRead::default());
        let meta = BlockMeta::read_counted(&dir, &read)?;
        Self::open_in(&(Arc::new(Disk) as _), dir, meta, read)
    }

    /// Opens the block in a folder of a storage, of which `meta.json` was read already.
    pub(in crate::sources::tsdb) fn open_in(
        storage: &Arc<dyn Storage>,
        dir: PathBuf,
        meta: BlockMeta,
        read: BytesRead,
    ) -> Result<Self, BlockError> {
        meta.require_raw(&dir)?;
        let tombstones = Tombstones::read(&**storage, &dir, &read)?;
        let index = Index::open(&**storage, &dir, &read)?;
        let segments = Segments::list(Arc::clone(storage), &dir, &read)?;
        Ok(Self { dir, meta, index, segments, tombstones, read })
    }

    /// Opens the files of chunks, which can then be read even if a server removes the block. Not those of a block with so many
    /// that processes may not have them open; they are opened when they are read.
    pub(in crate::sources) fn open_chunks(&self) -> Result<(), BlockError> {
        if self.files() > MOST_FILES { Ok(()) } else { self.segments.open_all() }
    }

    /// How many files the block has open at most.
    pub(in crate::sources) fn files(&self) -> usize {
        1 + self.segments.len()
    }

    /// The folder, as it was given.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What `meta.json` says.
    pub fn meta(&self) -> &BlockMeta {
        &self.meta
    }

    /// How many bytes were read from all files since the block was opened.
    pub fn bytes_read(&self) -> u64 {
        self.read.get()
    }

    /// The names of all metrics in the block, in ascending order.
    pub fn metric_names(&self) -> impl Iterator<Item = &str> {
        self.index.names()
    }

    /// The series of metrics in the order of the index, which is that of their labels. A metric that the block does not
    /// have adds none. Each call reads the symbol table once, so that one call with all names is the fastest.
    pub fn series_named(&self, names: &[&str]) -> Result<Vec<SeriesEntry>, BlockError> {
        let series = self.index.series_named(names)?;
        series.iter().try_for_each(|series| self.require_inside(series))?;
        Ok(series)
    }

    /// Releases what is only needed to find series. Afterwards the block seems to have no metrics.
    pub(in crate::sources::tsdb) fn forget_names(&mut self) {
        self.index.forget();
    }

    /// The samples of a series in a half-open range of milliseconds, without deleted ones. The series must be from
    /// [`Self::series_named`] of this block. Stale markers are samples too: NaN with the bits 7ff0000000000002.
    pub fn samples(&self, series: &SeriesEntry, range_ms: Range<i64>) -> Result<Samples, BlockError> {
        let block = self.meta.range_ms();
        let range_ms = range_ms.start.max(block.start)..range_ms.end.min(block.end);
        let deleted = self.tombstones.of(series.reference);
        let chunks: Vec<ChunkMeta> =
            series.chunks.iter().copied().filter(|chunk| is_needed(chunk, &range_ms, deleted)).collect();
        let mut reader = ChunkReader::new(&self.segments, series);
        let (mut decoder, mut samples) = (Decoder::default(), Samples::default());
        for (position, meta) in chunks.iter().enumerate() {
            let Some(chunk) = reader.first_of(&chunks[position..])? else { continue };
            let from = samples.len();
            decode(&chunk, meta, &mut decoder, &mut samples)?;
            samples.trim_from(from, &range_ms);
            if from > 0 && samples.times_ms.get(from).is_some_and(|time| *time <= samples.times_ms[from - 1]) {
                samples = merge_overlapping(&chunk, series, samples, from)?;
            }
        }
        deleted.iter().for_each(|(first, last)| samples.remove(*first, *last));
        Ok(samples)
    }

    /// Fetches the chunks of series in their ranges of milliseconds together, where that is faster than one by one.
    pub(in crate::sources::tsdb) fn fetch<'a>(
        &self,
        wanted: impl Iterator<Item = (&'a SeriesEntry, Range<i64>)>,
    ) -> Result<(), BlockError> {
        let mut by_segment: BTreeMap<u64, Vec<Range<u64>>> = BTreeMap::new();
        for (series, range_ms) in wanted {
            let deleted = self.tombstones.of(series.reference);
            let chunks = series.chunks.iter().filter(|chunk| is_needed(chunk, &range_ms, deleted));
            ranges_of(chunks, |segment, range| by_segment.entry(segment).or_default().push(range));
        }
        by_segment.into_iter().try_for_each(|(segment, ranges)| self.segments.fetch(segment, ranges))
    }

    /// The inclusive ranges of milliseconds in which samples of a series of this block were deleted.
    pub(in crate::sources) fn deleted(&self, series: &SeriesEntry) -> &[(i64, i64)] {
        self.tombstones.of(series.reference)
    }

    /// Fails if `meta.json` excludes a chunk of a series, or a part of it. Prometheus cuts chunks at the ends of a block,
    /// and `meta.json` has no checksum: without this, one wrong digit there would hide samples.
    fn require_inside(&self, series: &SeriesEntry) -> Result<(), BlockError> {
        let Range { start: start_ms, end: end_ms } = self.meta.range_ms();
        let outside = series.chunks.iter().find(|chunk| chunk.min_ms < start_ms || chunk.max_ms >= end_ms);
        let Some(ChunkMeta { min_ms, max_ms, .. }) = outside.copied() else { return Ok(()) };
        let (place, series) = (self.index.file().place(series.offset()), series.to_string());
        Err(BlockError::OutsideBlock { place, series, min_ms, max_ms, start_ms, end_ms })
    }
}

/// Whether a chunk can have samples in the range that are not deleted.
fn is_needed(chunk: &ChunkMeta, range_ms: &Range<i64>, deleted: &[Interval]) -> bool {
    chunk.overlaps(range_ms) && !deleted.iter().any(|(first, last)| *first <= chunk.min_ms && chunk.max_ms <= *last)
}

/// Adds the samples of a chunk, and compares their times with the index.
fn decode(chunk: &Chunk<'_>, meta: &ChunkMeta, decoder: &mut Decoder, samples: &mut Samples) -> Result<(), BlockError> {
    let from = samples.len();
    decoder
        .decode(chunk.encoding, chunk.data, samples)
        .map_err(|problem| chunk.file.malformed(chunk.offset, problem))?;
    let times = &samples.times_ms[from..];
    let inside = |time: Option<&i64>| time.is_none_or(|time| (meta.min_ms..=meta.max_ms).contains(time));
    if inside(times.first()) && inside(times.last()) {
        return Ok(());
    }
    Err(chunk.file.malformed(chunk.offset, "a chunk has samples outside of the time that the index gives for it"))
}

/// Merges the samples of a chunk, from an index on, with those of the chunks before, which it overlaps.
fn merge_overlapping(
    chunk: &Chunk<'_>,
    series: &SeriesEntry,
    mut samples: Samples,
    from: usize,
) -> Result<Samples, BlockError> {
    let last = Samples { times_ms: samples.times_ms.split_off(from), values: samples.values.split_off(from) };
    let merged = merge([samples, last]);
    let Some(Conflict { at_ms, kept: first, dropped: second }) = merged.example else { return Ok(merged.samples) };
    let (file, series) = (chunk.file.path().to_owned(), series.to_string());
    Err(BlockError::TwoValues { file, series, at_ms, first, second })
}
