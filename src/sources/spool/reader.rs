//! Reads samples from the temporary file.

use std::ops::Range;
use std::path::Path;

use super::error::SpoolError;
use super::file::SpoolFile;
use super::writer::SpoolWriter;
use super::{Chunk, Labels};
use crate::sources::tsdb::block::{ChunkMeta, Decoder, Encoding, Samples, SeriesEntry, merge};

/// Most bytes that are read at once, unless a chunk is larger.
const LARGEST_READ: u64 = 256 << 10;

/// The samples of dumps. Several threads can read them at once.
#[derive(Debug)]
pub struct Spool {
    file: SpoolFile,
    /// By labels; the chunks by time.
    series: Vec<(Labels, Vec<Chunk>)>,
}

impl Spool {
    /// Creates a temporary file in a folder, or in the folder for temporary files, that takes samples.
    pub fn create(dir: Option<&Path>) -> Result<SpoolWriter, SpoolError> {
        SpoolWriter::create(dir)
    }

    pub(super) fn new(file: SpoolFile, mut series: Vec<(Labels, Vec<Chunk>)>) -> Self {
        series.iter_mut().for_each(|(_, chunks)| chunks.sort_by_key(|chunk| (chunk.min_ms, chunk.offset)));
        Self { file, series }
    }

    /// Size of the temporary file in bytes.
    pub fn size(&self) -> u64 {
        self.file.size()
    }

    /// All series by their labels, in the order of Prometheus. References are specific to this spool.
    pub fn series(&self) -> impl Iterator<Item = SeriesEntry> {
        (0..).zip(&self.series).map(|(reference, (labels, chunks))| {
            let chunks = chunks.iter();
            let chunks = chunks.map(|Chunk { min_ms, max_ms, offset, .. }| ChunkMeta {
                min_ms: *min_ms,
                max_ms: *max_ms,
                reference: *offset,
            });
            SeriesEntry { reference, labels: labels.clone(), chunks: chunks.collect() }
        })
    }

    /// The samples of a series of [`Self::series`] in a half-open range of milliseconds, by time and without repetition.
    pub fn samples(&self, series: &SeriesEntry, range_ms: Range<i64>) -> Result<Samples, SpoolError> {
        let entry = usize::try_from(series.reference).ok().and_then(|index| self.series.get(index));
        let Some((_, chunks)) = entry else { return Ok(Samples::default()) };
        let needed = chunks.iter().filter(|chunk| chunk.min_ms < range_ms.end && chunk.max_ms >= range_ms.start);
        let mut samples = read_chunks(&self.file, needed.copied())?;
        samples.trim_from(0, &range_ms);
        Ok(samples)
    }
}

/// The samples of chunks of one series, those next to each other in the file with one read.
pub(super) fn read_chunks(file: &SpoolFile, chunks: impl Iterator<Item = Chunk>) -> Result<Samples, SpoolError> {
    let chunks: Vec<Chunk> = chunks.collect();
    let (mut decoder, mut bytes, mut samples) = (Decoder::default(), Vec::new(), Samples::default());
    let mut rest = chunks.as_slice();
    while let Some(first) = rest.first() {
        let (together, after) = rest.split_at(neighbors(rest));
        rest = after;
        let length: u64 = together.iter().map(|chunk| u64::from(chunk.length)).sum();
        bytes.clear();
        bytes.resize(length as usize, 0);
        file.read(first.offset, &mut bytes)?;
        let mut left = bytes.as_slice();
        for chunk in together {
            let (data, after) = left.split_at(chunk.length as usize);
            left = after;
            samples = add(chunk, data, &mut decoder, samples)?;
        }
    }
    Ok(samples)
}

/// How many chunks at the start follow each other immediately in the file: at least one.
fn neighbors(chunks: &[Chunk]) -> usize {
    let first = chunks[0].offset;
    let near = |pair: &&[Chunk]| {
        let end = pair[0].offset + u64::from(pair[0].length);
        pair[1].offset == end && end + u64::from(pair[1].length) - first <= LARGEST_READ
    };
    1 + chunks.windows(2).take_while(near).count()
}

/// Adds the samples of a chunk, which may overlap with those before.
fn add(chunk: &Chunk, data: &[u8], decoder: &mut Decoder, mut samples: Samples) -> Result<Samples, SpoolError> {
    let damaged = |problem| SpoolError::Damaged { offset: chunk.offset, problem };
    if crc32c::crc32c(data) != chunk.checksum {
        return Err(damaged("a checksum is wrong"));
    }
    let after = samples.times_ms.last().is_none_or(|last| *last < chunk.min_ms);
    if after {
        decoder.decode(Encoding::Xor, data, &mut samples).map_err(damaged)?;
        return Ok(samples);
    }
    let mut part = Samples::default();
    decoder.decode(Encoding::Xor, data, &mut part).map_err(damaged)?;
    Ok(merge([samples, part]).samples)
}
