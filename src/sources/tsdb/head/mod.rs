//! The head of a Prometheus TSDB, read from its files without the server: the samples of the last hours, which are not
//! in [blocks](super::block) yet. Prometheus 2.x to 3.x.
//!
//! `wal/` has all samples of the head since the last block, with the newest checkpoint in place of removed segments.
//! `wbl/` has those that came out of order. `chunks_head/` has the same samples again, in chunks; they count where they
//! differ, because Prometheus uses them. A `chunk_snapshot.*` folder is not read: it only lets the server start faster,
//! and the log before it stays.
//!
//! A server may write while the head is read. What it adds meanwhile may be missing. It may also write a block and
//! remove the samples of it from the head, so that blocks must be listed again *after* the head was read.
//!
//! Where the server would discard all records after damage, reading goes on with the next one, and [`Head::lost`] has
//! the time in which samples may be missing. A deletion in a damaged part of the log is unknown, so that deleted samples
//! may be read.

mod bytes;
mod chunks;
mod compression;
mod error;
mod files;
mod histogram;
mod log;
mod lost;
mod record;
mod references;
mod replay;
mod stream;

#[cfg(test)]
mod damage;
#[cfg(test)]
pub(in crate::sources::tsdb) mod encode;
#[cfg(test)]
mod real;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::HeadError;
pub use lost::Lost;
pub use replay::HeadMetric;

use super::block::Samples;
use chunks::{ChunkFile, Item};
use files::{Files, Part};
use log::{Event, Segment, Tail};
use lost::{Damage, Log};
use replay::{Replay, Wanted};
use stream::Stream;

/// How often reading is tried while a server removes files.
const ATTEMPTS: u32 = 5;

/// A series of the head, and its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadSeries {
    /// Names and values in ascending order, `__name__` included. Series share the texts.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
    /// The samples by time. Stale markers are samples too: NaN with the bits 7ff0000000000002.
    pub samples: Samples,
}

/// What was read from the head of a data directory.
#[derive(Debug)]
pub struct Head {
    series: Vec<HeadSeries>,
    metrics: Vec<HeadMetric>,
    lost: Vec<Lost>,
    unknown_types: BTreeMap<u8, u64>,
    bad_chunks: u64,
    bytes_read: u64,
}

impl Head {
    /// Reads the samples of the series of the metrics `names` at or after `from_ms`. Without names it only gives
    /// [`Self::metrics`].
    ///
    /// `blocks_end_ms` is the end (exclusive) of the newest block of samples in order: of the blocks with compaction level 1
    /// and no hint, because Prometheus before 3.14 forgets the hint `from-out-of-order` when it merges blocks. Samples in
    /// order before it are left out, as Prometheus does: they are in blocks, or were deleted there. A directory without a
    /// head, such as a snapshot by the API, gives an empty one.
    pub fn read(data_dir: &Path, names: &[&str], from_ms: i64, blocks_end_ms: Option<i64>) -> Result<Self, HeadError> {
        let wanted = Wanted { from_ms, in_order_ms: blocks_end_ms.unwrap_or(i64::MIN) };
        let mut attempt = 1;
        loop {
            let is_last = attempt == ATTEMPTS;
            match read(data_dir, names, wanted, is_last) {
                Err(Failure::Moving(_)) if !is_last => attempt += 1,
                Err(Failure::Moving(file)) => return Err(HeadError::Vanished { file, attempts: ATTEMPTS }),
                Err(Failure::Error(error)) => return Err(error),
                Ok(head) => return Ok(head),
            }
        }
    }

    /// The wanted series that have samples, in ascending order of their labels: by name, then value, label by label.
    pub fn series(&self) -> &[HeadSeries] {
        &self.series
    }

    /// The series, for a caller that keeps them.
    pub fn into_series(self) -> Vec<HeadSeries> {
        self.series
    }

    /// All metrics of the head in ascending order of their names, wanted or not.
    pub fn metrics(&self) -> &[HeadMetric] {
        &self.metrics
    }

    /// First and last sample of all metrics, in milliseconds since 1970. `None` if there is no sample.
    pub fn range_ms(&self) -> Option<(i64, i64)> {
        let ranges = self.metrics.iter().filter_map(|metric| metric.range_ms);
        ranges.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }

    /// What could not be read, and when samples may be missing because of it.
    pub fn lost(&self) -> &[Lost] {
        &self.lost
    }

    /// How many records there are of each type that only later versions of Prometheus know. They were passed over.
    pub fn unknown_records(&self) -> &BTreeMap<u8, u64> {
        &self.unknown_types
    }

    /// How many chunks, or ends of files of chunks, were damaged or of unknown encoding. The logs have their samples too,
    /// unless the server has repaired the logs before. [`Self::lost`] has the chunks for which this was found.
    pub fn bad_chunks(&self) -> u64 {
        self.bad_chunks
    }

    /// How many bytes were read from all files.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }
}

enum Failure {
    /// A file was removed after it was listed.
    Moving(PathBuf),
    Error(HeadError),
}

impl From<HeadError> for Failure {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::Io { file, source } if source.kind() == ErrorKind::NotFound => Self::Moving(file),
            error => Self::Error(error),
        }
    }
}

/// Reads everything once. Missing segments are damage if this is the last attempt, otherwise a reason for another one.
fn read(data_dir: &Path, names: &[&str], wanted: Wanted, is_last: bool) -> Result<Head, Failure> {
    let files = Files::list(data_dir)?;
    if let Some(file) = files.missing().filter(|_| !is_last) {
        return Err(Failure::Moving(file.to_owned()));
    }
    let mut replay = Replay::new(names, wanted);
    // The logs come first: what the server moves from them to chunks or blocks meanwhile is read twice, not missed.
    let mut bytes_read = read_log(&mut replay, Log::Wal, &files.checkpoint, Tail::Finished)?;
    bytes_read += read_log(&mut replay, Log::Wal, &files.wal, Tail::Open)?;
    bytes_read += read_log(&mut replay, Log::Wbl, &files.wbl, Tail::Open)?;
    if files.checkpoint.is_empty() && files.wal.is_empty() && !files.chunks.is_empty() {
        let problem = "there is no log, which has the labels of the chunks in chunks_head";
        replay.losses.add(Log::Wal, &data_dir.join("wal"), Damage { offset: 0, bytes: 0, problem });
    }
    let mut chunks_are_intact = files.chunks_are_complete;
    for (path, number) in files.chunks.iter().zip(1..) {
        let (bytes, is_intact) = read_chunks(&mut replay, path)?;
        bytes_read += bytes;
        chunks_are_intact &= is_intact;
        // The server may be writing to the last file.
        replay.bad_chunks += u64::from(!is_intact && number < files.chunks.len());
    }
    chunks_are_intact &= replay.bad_chunks == 0;
    let lost = replay.losses.finish(wanted.from_ms, wanted.in_order_ms);
    let mut metrics = replay.metrics;
    metrics.sort_by(|one, other| one.name.cmp(&other.name));
    let series = join(data_dir, replay.streams, chunks_are_intact, wanted.from_ms)?;
    let (unknown_types, bad_chunks) = (replay.unknown_types, replay.bad_chunks);
    Ok(Head { series, metrics, lost, unknown_types, bad_chunks, bytes_read })
}

/// Reads segments, of which the last one may be unfinished if `tail` is open. Gives the number of bytes.
fn read_log(replay: &mut Replay<'_>, log: Log, parts: &[Part], tail: Tail) -> Result<u64, HeadError> {
    let mut bytes_read = 0;
    for (index, part) in parts.iter().enumerate() {
        let path = match part {
            Part::Segment(path) => path,
            Part::Missing(path) => {
                let problem = "the segment is missing, but there are later ones";
                replay.losses.add(log, path, Damage { offset: 0, bytes: 0, problem });
                continue;
            }
        };
        let tail = if index + 1 == parts.len() { tail } else { Tail::Finished };
        let mut segment = Segment::open(path, tail)?;
        while let Some(event) = segment.next()? {
            match event {
                Event::Record(offset) => replay.record(log, segment.path(), offset, segment.record())?,
                Event::Damage(damage) => replay.losses.add(log, segment.path(), damage),
            }
        }
        bytes_read += segment.bytes_read();
    }
    Ok(bytes_read)
}

/// Reads a file of chunks. Gives the number of bytes, and whether the file is intact.
fn read_chunks(replay: &mut Replay<'_>, path: &Path) -> Result<(u64, bool), HeadError> {
    let Some(mut file) = ChunkFile::open(path)? else { return Ok((0, false)) };
    while let Some(item) = file.next()? {
        match item {
            Item::Chunk(meta) => replay.chunk(path, &meta, file.data())?,
            Item::Damaged(meta) => {
                replay.bad_chunk(path, &meta, "the checksum of a chunk does not match its bytes");
            }
        }
    }
    Ok((file.bytes_read(), file.is_intact()))
}

/// The series of streams, in ascending order of their labels.
fn join(
    data_dir: &Path,
    mut streams: Vec<Stream>,
    chunks_are_intact: bool,
    from_ms: i64,
) -> Result<Vec<HeadSeries>, HeadError> {
    streams.sort_by(|one, other| one.labels.cmp(&other.labels));
    let mut series = Vec::new();
    for same in streams.chunk_by_mut(|one, other| one.labels == other.labels) {
        let samples = stream::join(same, chunks_are_intact, from_ms).map_err(|conflict| HeadError::TwoValues {
            dir: data_dir.to_owned(),
            series: stream::name(&same[0].labels),
            at_ms: conflict.at_ms,
            first: conflict.kept,
            second: conflict.dropped,
        })?;
        let labels = std::mem::take(&mut same[0].labels);
        if !samples.is_empty() {
            series.push(HeadSeries { labels, samples });
        }
    }
    Ok(series)
}
