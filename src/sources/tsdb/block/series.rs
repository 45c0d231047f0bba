//! Entries of series: labels, and where the chunks are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::bytes::{Cursor, uvarint};
use super::error::BlockError;
use super::file::{BlockFile, CRC_SIZE};
use super::postings::METRIC_NAME;

/// Entries begin at multiples of this many bytes; a reference counts these multiples.
const ALIGNMENT: u64 = 16;

/// Most bytes of the length of an entry.
const LENGTH_SIZE: u64 = 10;

/// Bytes after the begin of the last entry that are read with the ones before it: an entry of two hours, and its length.
const USUAL_SIZE: u64 = 512;

/// Largest distance of entries that are read together.
const LARGEST_GAP: u64 = 4 << 10;

/// Most bytes that are read at once, unless an entry is larger.
const LARGEST_READ: u64 = 256 << 10;

/// What an entry is called in errors.
const WHAT: &str = "the entry of a series";

/// Where a chunk is and what time it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkMeta {
    /// Time of its first sample, in milliseconds since 1970.
    pub min_ms: i64,
    /// Time of its last sample, in milliseconds since 1970.
    pub max_ms: i64,
    /// Number of the segment file in the upper 32 bits, counted from 0, and offset in it in the lower.
    pub reference: u64,
}

impl ChunkMeta {
    /// Whether the chunk may have samples in a half-open range of milliseconds.
    pub(in crate::sources) fn overlaps(&self, range_ms: &Range<i64>) -> bool {
        self.min_ms < range_ms.end && self.max_ms >= range_ms.start
    }
}

/// A series of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesEntry {
    /// Identifies the series in this block, also in its tombstones.
    pub reference: u64,
    /// Names and values in the order of the index, `__name__` included. Series share the texts.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
    /// The chunks by time.
    pub chunks: Vec<ChunkMeta>,
}

impl SeriesEntry {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        label_of(&self.labels, name)
    }

    /// Offset of the entry in the index.
    pub(super) fn offset(&self) -> u64 {
        self.reference * ALIGNMENT
    }
}

/// The series in PromQL notation, for messages.
impl fmt::Display for SeriesEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&in_promql(&self.labels))
    }
}

/// The value of a label; `None` if the series does not have it.
pub(crate) fn label_of<'a>(labels: &'a [(Arc<str>, Arc<str>)], name: &str) -> Option<&'a str> {
    labels.iter().find(|(own, _)| own.as_ref() == name).map(|(_, value)| value.as_ref())
}

/// A series with these labels in PromQL notation, for messages.
pub(in crate::sources) fn in_promql(labels: &[(Arc<str>, Arc<str>)]) -> String {
    let (names, others): (Vec<_>, Vec<_>) = labels.iter().partition(|(name, _)| name.as_ref() == METRIC_NAME);
    let name = names.first().map_or("", |(_, name)| name.as_ref());
    let others: Vec<String> = others.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    if others.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", others.join(", ")) }
}

/// A series whose labels are still numbers of symbols.
pub(super) struct RawSeries {
    reference: u64,
    labels: Vec<(u32, u32)>,
    chunks: Vec<ChunkMeta>,
}

impl RawSeries {
    /// Reads the entry with this reference.
    #[cfg(test)]
    pub(super) fn read(file: &BlockFile, reference: u32) -> Result<Self, BlockError> {
        EntryReader::new(file).first_of(&[reference])
    }

    /// Adds the numbers of the symbols of all labels.
    pub(super) fn add_symbols(&self, wanted: &mut BTreeSet<u32>) {
        wanted.extend(self.labels.iter().flat_map(|(name, value)| [*name, *value]));
    }

    /// Replaces the numbers by symbols, which include all of [`Self::add_symbols`].
    pub(super) fn resolve(self, symbols: &BTreeMap<u32, Arc<str>>) -> SeriesEntry {
        let labels = self.labels.iter().filter_map(|(name, value)| {
            let symbol = |number| symbols.get(number).cloned();
            symbol(name).zip(symbol(value))
        });
        SeriesEntry { reference: self.reference, labels: labels.collect(), chunks: self.chunks }
    }
}

/// Reads the entries of series, neighbours together: the series of a metric usually follow each other immediately.
pub(super) struct EntryReader<'f> {
    file: &'f BlockFile,
    /// Offset of `window`.
    start: u64,
    window: Vec<u8>,
}

impl<'f> EntryReader<'f> {
    /// Reads nothing yet.
    pub(super) fn new(file: &'f BlockFile) -> Self {
        Self { file, start: 0, window: Vec::new() }
    }

    /// Reads the entry of the first of some ascending references, and with it as many of the others as are next to it.
    pub(super) fn first_of(&mut self, references: &[u32]) -> Result<RawSeries, BlockError> {
        let file = self.file;
        let reference = references.first().copied().map_or(0, u64::from);
        let offset = reference * ALIGNMENT;
        file.require(offset, 1, WHAT)?;
        let head = self.load(offset, LENGTH_SIZE.min(file.size() - offset), references)?;
        let (length, length_size) =
            uvarint(head).ok_or_else(|| file.malformed(offset, "the entry of a series has no valid length"))?;
        let start = offset + length_size as u64;
        file.require(start, length.saturating_add(CRC_SIZE), WHAT)?;
        let bytes = self.load(offset, length_size as u64 + length + CRC_SIZE, references)?;
        let (content, rest) = bytes[length_size..].split_at(length as usize);
        file.check(start, content, &rest[..CRC_SIZE as usize], WHAT)?;
        let mut cursor = Cursor::new(content, start, file);
        let (labels, chunks) = (labels(&mut cursor)?, chunks(&mut cursor)?);
        if cursor.left() > 0 {
            return Err(cursor.malformed("the entry of a series is longer than its labels and chunks"));
        }
        Ok(RawSeries { reference, labels, chunks })
    }

    /// At least `needed` bytes from `offset` on, which the file has.
    fn load(&mut self, offset: u64, needed: u64, references: &[u32]) -> Result<&[u8], BlockError> {
        let skip = offset.checked_sub(self.start);
        let known = skip.filter(|skip| skip.saturating_add(needed) <= self.window.len() as u64);
        if let Some(skip) = known {
            return Ok(&self.window[skip as usize..]);
        }
        let length = needed.max(read_ahead(references)).min(self.file.size() - offset);
        self.window = self.file.read(offset, length, WHAT)?;
        self.start = offset;
        Ok(&self.window)
    }
}

/// Where the entry with this reference is, and what usually suffices to read it.
pub(super) fn entry_range(reference: u32) -> Range<u64> {
    let offset = u64::from(reference) * ALIGNMENT;
    offset..offset + USUAL_SIZE
}

/// From the first entry to the usual end of the last one that is read with it.
fn read_ahead(references: &[u32]) -> u64 {
    let offset = |reference: &u32| u64::from(*reference) * ALIGNMENT;
    let mut length = USUAL_SIZE;
    for pair in references.windows(2) {
        let distance = offset(&pair[1]).saturating_sub(offset(&references[0]));
        let gap = offset(&pair[1]).saturating_sub(offset(&pair[0]));
        if gap > LARGEST_GAP || distance < length - USUAL_SIZE || distance + USUAL_SIZE > LARGEST_READ {
            break;
        }
        length = distance + USUAL_SIZE;
    }
    length
}

/// Pairs of symbol numbers. Each has at least two bytes, which bounds the allocation.
fn labels(cursor: &mut Cursor<'_>) -> Result<Vec<(u32, u32)>, BlockError> {
    let count = count(cursor, 2)?;
    let mut labels = Vec::with_capacity(count);
    for _ in 0..count {
        labels.push((cursor.uvarint32()?, cursor.uvarint32()?));
    }
    Ok(labels)
}

/// Descriptions of chunks. All but the first are differences to the one before; each has at least three bytes.
fn chunks(cursor: &mut Cursor<'_>) -> Result<Vec<ChunkMeta>, BlockError> {
    let count = count(cursor, 3)?;
    let mut chunks: Vec<ChunkMeta> = Vec::with_capacity(count);
    for _ in 0..count {
        let offset = cursor.offset();
        let (min_ms, length, reference) = match chunks.last() {
            None => (cursor.varint()?, cursor.uvarint()?, cursor.uvarint()?),
            Some(last) => {
                // The writer casts a negative difference, of overlapping chunks, to an unsigned integer.
                let min_ms = last.max_ms.wrapping_add(cursor.uvarint()? as i64);
                (min_ms, cursor.uvarint()?, last.reference.wrapping_add(cursor.varint()? as u64))
            }
        };
        let problem = "a chunk ends after the year 292,000,000";
        let max_ms = min_ms.checked_add_unsigned(length).ok_or_else(|| cursor.file().malformed(offset, problem))?;
        chunks.push(ChunkMeta { min_ms, max_ms, reference });
    }
    Ok(chunks)
}

/// A number of entries that fit into the rest.
fn count(cursor: &mut Cursor<'_>, smallest: usize) -> Result<usize, BlockError> {
    let offset = cursor.offset();
    let count = cursor.uvarint()?;
    let fits = usize::try_from(count).ok().filter(|count| *count <= cursor.left() / smallest);
    fits.ok_or_else(|| cursor.file().malformed(offset, "the entry of a series has more labels or chunks than bytes"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::file::BytesRead;
    use super::*;
    use crate::scratch::Scratch;

    fn read(content: &[u8]) -> Result<RawSeries, BlockError> {
        let scratch = Scratch::new();
        let mut bytes = vec![0; 16];
        bytes.push(content.len() as u8);
        bytes.extend(content);
        bytes.extend(crc32c::crc32c(content).to_be_bytes());
        RawSeries::read(&BlockFile::open(scratch.write("index", &bytes), &BytesRead::default()).unwrap(), 1)
    }

    #[test]
    fn chunks_are_differences() {
        // One label; chunks 5 to 7 at 8, 8 to 8 at 100, and an overlapping one from 6 to 9 at 90.
        let overlapping = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        let mut content = vec![1, 3, 4, 3, 10, 2, 8, 1, 0, 184, 1];
        content.extend(overlapping);
        content.extend([3, 19]);
        let series = read(&content).unwrap();
        let chunks: Vec<_> = series.chunks.iter().map(|chunk| (chunk.min_ms, chunk.max_ms, chunk.reference)).collect();
        assert_eq!(chunks, [(5, 7, 8), (8, 8, 100), (6, 9, 90)]);
        assert_eq!((series.labels, series.reference), (vec![(3, 4)], 1));
    }

    #[test]
    fn counts_larger_than_the_entry_are_refused() {
        for (content, problem) in [
            (
                &[255, 255, 255, 255, 15, 1, 1][..],
                "byte 17: the entry of a series has more labels or chunks than bytes",
            ),
            (&[0, 2, 1, 1, 1, 1], "byte 18: the entry of a series has more labels"),
            (&[0, 0, 0], "byte 19: the entry of a series is longer"),
            (&[], "byte 17: an integer is longer"),
            (&[0, 1, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 8], "byte 19: a chunk ends after"),
        ] {
            let text = read(content).err().unwrap().to_string();
            assert!(text.contains(problem), "{text}");
        }
    }

    #[test]
    fn a_series_is_written_as_in_promql() {
        let label = |(name, value): (&str, &str)| (Arc::from(name), Arc::from(value));
        let mut series = SeriesEntry { reference: 1, labels: vec![label(("__name__", "up"))], chunks: Vec::new() };
        assert_eq!(series.to_string(), "up");
        series.labels.extend([("a", "x\"\n"), ("b", "ü")].map(label));
        assert_eq!(series.to_string(), r#"up{a="x\"\n", b="ü"}"#);
    }
}
