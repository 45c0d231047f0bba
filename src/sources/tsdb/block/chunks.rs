//! Segment files: the chunks of all series of a block, each with its own checksum.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::bytes::uvarint;
use super::encoding::{Encoding, Unsupported};
use super::error::BlockError;
use super::file::{BlockFile, BytesRead, CRC_SIZE};
use super::header::Header;
use super::series::{ChunkMeta, SeriesEntry};
use super::storage::Storage;

/// Magic number, version and three bytes of padding, in bytes.
const HEADER_SIZE: u64 = 8;

const HEADER: Header = Header {
    magic: 0x85BD_40DD,
    version: 1,
    size: HEADER_SIZE,
    what: "the header of the segment file",
    kind: "segment file of chunks",
    format: "segment",
};

/// What a chunk is called in errors.
const WHAT: &str = "a chunk";

/// Bytes after the begin of the last chunk that are read with the ones before it: most chunks are shorter.
const USUAL_SIZE: u64 = 1 << 9;

/// Most bytes that are read at once, unless a chunk is larger.
const LARGEST_READ: u64 = 256 << 10;

/// Largest distance of chunks that are read together. The chunks of a series usually follow each other immediately.
const LARGEST_GAP: u64 = 16 << 10;

/// Bytes from the begin of a chunk on that hold it: Prometheus begins another one at 1 KiB.
const LARGEST_CHUNK: u64 = 2 << 10;

/// The segment files of a block, each opened when a chunk of it is first read.
#[derive(Debug)]
pub(super) struct Segments {
    files: Vec<(PathBuf, OnceLock<BlockFile>)>,
    dir: PathBuf,
    read: BytesRead,
    storage: Arc<dyn Storage>,
}

impl Segments {
    /// Lists `chunks` in the folder of a block: `000001`, `000002` and so on.
    pub(super) fn list(storage: Arc<dyn Storage>, block: &Path, read: &BytesRead) -> Result<Self, BlockError> {
        let dir = block.join("chunks");
        let names = storage.names(&dir)?;
        let numbered = names.into_iter().filter_map(|name| Some((name.parse::<u64>().ok()?, dir.join(name))));
        let mut files: Vec<(u64, PathBuf)> = numbered.collect();
        files.sort();
        // References count segments from 0 and files from 1; after a gap they would lead to the wrong file.
        if let Some((expected, _)) = (1..).zip(&files).find(|(expected, (number, _))| expected != number) {
            return Err(BlockError::MissingSegment { file: dir.join(format!("{expected:06}")) });
        }
        let files = files.into_iter().map(|(_, path)| (path, OnceLock::new())).collect();
        Ok(Self { files, dir, read: read.clone(), storage })
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Opens all files, which can then be read even if a server removes them.
    pub(super) fn open_all(&self) -> Result<(), BlockError> {
        (0..self.files.len() as u64).try_for_each(|segment| self.file(segment).map(drop))
    }

    /// Fetches ranges of a segment together, with its header.
    pub(super) fn fetch(&self, segment: u64, mut ranges: Vec<Range<u64>>) -> Result<(), BlockError> {
        ranges.push(0..HEADER_SIZE);
        self.opened(segment, |file| file.fetch(ranges.iter().cloned()))?.fetch(ranges.iter().cloned())
    }

    /// The segment with this number, counted from 0.
    fn file(&self, segment: u64) -> Result<&BlockFile, BlockError> {
        self.opened(segment, |_| Ok(()))
    }

    /// The segment with this number. If it is not open yet, something is done before its header is read.
    fn opened(
        &self,
        segment: u64,
        first: impl FnOnce(&BlockFile) -> Result<(), BlockError>,
    ) -> Result<&BlockFile, BlockError> {
        let entry = usize::try_from(segment).ok().and_then(|index| self.files.get(index));
        let Some((path, file)) = entry else {
            let source = io::Error::from(io::ErrorKind::NotFound);
            return Err(BlockError::Io { file: self.dir.join(format!("{:06}", segment + 1)), source });
        };
        if let Some(file) = file.get() {
            return Ok(file);
        }
        let opened = BlockFile::open_in(&*self.storage, path.clone(), &self.read)?;
        first(&opened)?;
        HEADER.check(&opened)?;
        Ok(file.get_or_init(|| opened))
    }
}

/// A chunk of plain samples whose checksum is right.
pub(super) struct Chunk<'a> {
    /// Its file, for errors.
    pub(super) file: &'a BlockFile,
    /// Offset of the chunk in the file.
    pub(super) offset: u64,
    pub(super) encoding: Encoding,
    /// The encoded samples.
    pub(super) data: &'a [u8],
}

/// Reads the chunks of one series, neighbours together.
pub(super) struct ChunkReader<'a> {
    segments: &'a Segments,
    series: &'a SeriesEntry,
    /// Segment and offset of `window`.
    start: (u64, u64),
    window: Vec<u8>,
}

impl<'a> ChunkReader<'a> {
    /// Reads nothing yet.
    pub(super) fn new(segments: &'a Segments, series: &'a SeriesEntry) -> Self {
        Self { segments, series, start: (0, 0), window: Vec::new() }
    }

    /// Reads the first of some chunks, and with it as many of the others as are next to it.
    pub(super) fn first_of(&mut self, chunks: &[ChunkMeta]) -> Result<Option<Chunk<'_>>, BlockError> {
        let Some(first) = chunks.first() else { return Ok(None) };
        let (segment, offset) = split(first.reference);
        let file = self.segments.file(segment)?;
        file.require(offset, 1, WHAT)?;
        let enough = |needed: u64| needed.min(file.size() - offset);
        let head = self.load(file, (segment, offset), enough(16), chunks)?;
        let (length, length_size) =
            uvarint(head).ok_or_else(|| file.malformed(offset, "a chunk has no valid length"))?;
        // The length does not include the byte of the encoding.
        let start = offset + length_size as u64;
        let checked = length.saturating_add(1);
        file.require(start, checked.saturating_add(CRC_SIZE), WHAT)?;
        let needed = length_size as u64 + checked + CRC_SIZE;
        let series = self.series;
        let bytes = self.load(file, (segment, offset), needed, chunks)?;
        let (content, rest) = bytes[length_size..].split_at(checked as usize);
        file.check(start, content, &rest[..CRC_SIZE as usize], WHAT)?;
        let encoding = plain_encoding(file, start, content[0], series)?;
        Ok(Some(Chunk { file, offset, encoding, data: &content[1..] }))
    }

    /// At least `needed` bytes from `at` on, which the file has.
    fn load(
        &mut self,
        file: &BlockFile,
        at: (u64, u64),
        needed: u64,
        chunks: &[ChunkMeta],
    ) -> Result<&[u8], BlockError> {
        let inside = (self.start.0 == at.0).then(|| at.1.checked_sub(self.start.1)).flatten();
        let known = inside.filter(|skip| skip.saturating_add(needed) <= self.window.len() as u64);
        if let Some(skip) = known {
            return Ok(&self.window[skip as usize..]);
        }
        let length = needed.max(read_ahead(chunks)).min(file.size() - at.1);
        // Invalid until the read has succeeded.
        self.window.clear();
        self.window.resize(length as usize, 0);
        file.read_into(at.1, &mut self.window)?;
        self.start = at;
        Ok(&self.window)
    }
}

/// Passes on the ranges of segments that hold chunks of one series, neighbours as one range.
pub(super) fn ranges_of<'a>(chunks: impl Iterator<Item = &'a ChunkMeta>, mut add: impl FnMut(u64, Range<u64>)) {
    let mut last: Option<(u64, Range<u64>)> = None;
    for (segment, offset) in chunks.map(|chunk| split(chunk.reference)) {
        let end = offset.saturating_add(LARGEST_CHUNK);
        match &mut last {
            Some((same, range))
                if *same == segment && (range.start..=range.end.saturating_add(LARGEST_GAP)).contains(&offset) =>
            {
                range.end = range.end.max(end);
            }
            _ => {
                if let Some((segment, range)) = last.replace((segment, offset..end)) {
                    add(segment, range);
                }
            }
        }
    }
    if let Some((segment, range)) = last {
        add(segment, range);
    }
}

/// Segment and offset of a chunk.
fn split(reference: u64) -> (u64, u64) {
    (reference >> 32, reference & u64::from(u32::MAX))
}

/// How many bytes to read from the first chunk on, for it and its neighbours.
fn read_ahead(chunks: &[ChunkMeta]) -> u64 {
    let mut length = 0;
    for pair in chunks.windows(2) {
        let distance = pair[1].reference.wrapping_sub(pair[0].reference);
        if distance > LARGEST_GAP || length + distance + USUAL_SIZE > LARGEST_READ {
            break;
        }
        length += distance;
    }
    length + USUAL_SIZE
}

/// Fails for chunks that are no plain samples.
fn plain_encoding(file: &BlockFile, offset: u64, encoding: u8, series: &SeriesEntry) -> Result<Encoding, BlockError> {
    Encoding::of(encoding).map_err(|Unsupported { name, is_histogram }| {
        let remedy = match encoding {
            _ if is_histogram => "ask for a metric with classic buckets, or query the server of this block",
            255 => "give the raw block of Thanos (downsample resolution 0), or query Thanos",
            _ => "query the server of this block instead",
        };
        let (place, series) = (file.place(offset), series.to_string());
        BlockError::Encoding { place, series, encoding, name, remedy }
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::storage::Disk;
    use super::*;
    use crate::scratch::Scratch;

    const HEADER: [u8; 8] = [0x85, 0xbd, 0x40, 0xdd, 1, 0, 0, 0];

    fn chunk(encoding: u8, data: &[u8]) -> Vec<u8> {
        let content = [&[encoding], data].concat();
        [&[data.len() as u8], content.as_slice(), &crc32c::crc32c(&content).to_be_bytes()].concat()
    }

    fn series() -> SeriesEntry {
        SeriesEntry { reference: 1, labels: vec![("__name__".into(), "up".into())], chunks: Vec::new() }
    }

    fn at(reference: u64) -> ChunkMeta {
        ChunkMeta { min_ms: 0, max_ms: 0, reference }
    }

    #[test]
    fn neighbours_are_read_together_and_in_any_order() {
        let scratch = Scratch::new();
        let (one, two) = (chunk(1, &[5; 100]), chunk(4, &[6; 60]));
        scratch.write("chunks/000001", &[&HEADER[..], &one, &two].concat());
        scratch.write("chunks/000002", &[&HEADER[..], &two].concat());
        scratch.write("chunks/notes.txt", b"");
        let (read, series) = (BytesRead::default(), series());
        let segments = Segments::list(Arc::new(Disk), scratch.path(), &read).unwrap();
        let all = [at(8), at(8 + one.len() as u64), at(1 << 32 | 8), at(8)];
        let mut reader = ChunkReader::new(&segments, &series);
        let mut data = Vec::new();
        for from in 0..5 {
            data.extend(reader.first_of(&all[from..]).unwrap().map(|chunk| chunk.data.to_vec()));
        }
        assert_eq!(data, [vec![5; 100], vec![6; 60], vec![6; 60], vec![5; 100]]);
        let (first, second) = (one.len() + two.len(), two.len());
        assert_eq!(read.get() as usize, 8 + first + 8 + second + first);
    }

    #[test]
    fn encodings_without_plain_samples_are_refused_with_series_and_file() {
        let scratch = Scratch::new();
        let series = series();
        for (encoding, words) in [
            (0, "encoding 0 (unknown)"),
            (2, "encoding 2 (histogram)"),
            (3, "encoding 3 (floathistogram)"),
            (5, "encoding 5 (histogramST)"),
            (6, "encoding 6 (floathistogramST)"),
            (7, "encoding 7 (unknown)"),
            (255, "encoding 255 (aggregates of Thanos)"),
        ] {
            scratch.write("chunks/000001", &[&HEADER[..], &chunk(encoding, &[0; 9])].concat());
            let segments = Segments::list(Arc::new(Disk), scratch.path(), &BytesRead::default()).unwrap();
            let error = ChunkReader::new(&segments, &series).first_of(&[at(8)]).err().unwrap().to_string();
            assert!(error.contains(words) && error.contains("000001 at byte 9: a chunk of up has"), "{error}");
        }
    }

    #[test]
    fn a_gap_in_the_segments_is_an_error() {
        let scratch = Scratch::new();
        scratch.write("chunks/000001", &HEADER);
        scratch.write("chunks/000003", &HEADER);
        let error = Segments::list(Arc::new(Disk), scratch.path(), &BytesRead::default()).unwrap_err().to_string();
        assert!(error.contains("000002 is missing"), "{error}");
        std::fs::remove_file(scratch.path().join("chunks/000003")).unwrap();
        let segments = Segments::list(Arc::new(Disk), scratch.path(), &BytesRead::default()).unwrap();
        let series = series();
        let error = ChunkReader::new(&segments, &series).first_of(&[at(1 << 32 | 8)]).err().unwrap().to_string();
        assert!(error.contains("cannot read") && error.contains("000002"), "{error}");
        let error = ChunkReader::new(&segments, &series).first_of(&[at(8)]).err().unwrap().to_string();
        assert!(error.contains("000001 at byte 8: a chunk needs 1 byte from here"), "{error}");
    }

    #[test]
    fn a_length_beyond_the_file_is_refused() {
        let scratch = Scratch::new();
        let series = series();
        for length in [&[0x7f][..], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0xff; 9], &[0xff; 12]] {
            scratch.write("chunks/000001", &[&HEADER[..], length, &[1; 20]].concat());
            let segments = Segments::list(Arc::new(Disk), scratch.path(), &BytesRead::default()).unwrap();
            assert!(ChunkReader::new(&segments, &series).first_of(&[at(8)]).is_err());
        }
    }
}
