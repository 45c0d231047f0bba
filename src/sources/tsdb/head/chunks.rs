//! Files of `chunks_head/`: chunks of up to two hours that the server has moved out of its memory. All of their
//! samples are in `wal/` or `wbl/` too, unless the server has repaired these.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use super::super::block::bytes::uvarint;
use super::error::HeadError;

const MAGIC: [u8; 4] = [0x01, 0x30, 0xbc, 0x91];
const VERSION: u8 = 1;

/// Magic number, version and three bytes of padding, in bytes.
const HEADER_SIZE: u64 = 8;

/// Reference, first and last time, and encoding before a chunk.
const META: usize = 25;

/// Longest length of a chunk, in bytes of its encoding.
const LONGEST_LENGTH: usize = 5;

const CRC: usize = 4;

/// Set in the encoding of chunks with samples out of order.
const OUT_OF_ORDER: u8 = 0x80;

/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;

/// What the file has of a chunk before its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    /// Offset in the file.
    pub(super) offset: u64,
    /// Bytes in the file.
    pub(super) size: u64,
    pub(super) reference: u64,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) out_of_order: bool,
    pub(super) encoding: u8,
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// [`ChunkFile::data`] has the samples.
    Chunk(Meta),
    /// The checksum of a chunk is wrong. Its times are probably right, because the chunk after it was found.
    Damaged(Meta),
}

/// A file of head chunks, read from front to back.
pub(super) struct ChunkFile<'p> {
    path: &'p Path,
    reader: BufReader<File>,
    size: u64,
    at: u64,
    bytes: Vec<u8>,
    data: (usize, usize),
    /// A damaged chunk, until the one after it is found.
    damaged: Option<Meta>,
    ready: Option<Meta>,
    /// Whether the chunks ended as they should.
    is_intact: bool,
}

impl<'p> ChunkFile<'p> {
    /// Opens a file. `None` if it has no header of a known version: a server that is killed leaves such files.
    pub(super) fn open(path: &'p Path) -> Result<Option<Self>, HeadError> {
        let io = |source| HeadError::Io { file: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let reader = BufReader::with_capacity(BUFFER, file);
        let bytes = Vec::new();
        let mut file =
            Self { path, reader, size, at: 0, bytes, data: (0, 0), damaged: None, ready: None, is_intact: false };
        let is_known = file.fill(HEADER_SIZE as usize)? && file.bytes[..4] == MAGIC && file.bytes[4] == VERSION;
        Ok(is_known.then_some(file))
    }

    /// The encoded samples of the last chunk.
    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[self.data.0..self.data.1]
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.at
    }

    /// Whether the chunks ended with the file or before zeroes.
    pub(super) fn is_intact(&self) -> bool {
        self.is_intact
    }

    /// The next chunk. `None` at the end of the chunks: after it there are zeroes, or a chunk that is being written, or
    /// damage that hides where the next chunk begins.
    pub(super) fn next(&mut self) -> Result<Option<Item>, HeadError> {
        if let Some(meta) = self.ready.take() {
            return Ok(Some(Item::Chunk(meta)));
        }
        loop {
            let Some((meta, is_intact)) = self.read()? else {
                return Ok(self.damaged.take().filter(|_| self.is_intact).map(Item::Damaged));
            };
            match (is_intact, self.damaged.take()) {
                (true, None) => return Ok(Some(Item::Chunk(meta))),
                (true, Some(damaged)) => {
                    self.ready = Some(meta);
                    return Ok(Some(Item::Damaged(damaged)));
                }
                (false, None) => self.damaged = Some(meta),
                // After two wrong checksums, the lengths are probably wrong too.
                (false, Some(_)) => return Ok(None),
            }
        }
    }

    /// Reads a chunk, and compares its checksum.
    fn read(&mut self) -> Result<Option<(Meta, bool)>, HeadError> {
        let offset = self.at;
        if !self.fill(META)? {
            self.is_intact = self.bytes.is_empty();
            return Ok(None);
        }
        let number = |at: usize| self.bytes[at..at + 8].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let (reference, first_ms, last_ms) = (number(0), number(8) as i64, number(16) as i64);
        // The server reserves space with zeroes. No series has the reference 0.
        if reference == 0 && first_ms == 0 && last_ms == 0 {
            self.is_intact = true;
            return Ok(None);
        }
        let encoding = self.bytes[META - 1];
        let Some(length) = self.length()? else { return Ok(None) };
        let start = self.bytes.len();
        let size = (start as u64).saturating_add(length).saturating_add(CRC as u64);
        if offset.saturating_add(size) > self.size {
            return Ok(None);
        }
        if !self.extend(size as usize - start)? {
            return Ok(None);
        }
        let (content, stored) = self.bytes.split_at(self.bytes.len() - CRC);
        let is_intact = crc32c::crc32c(content).to_be_bytes() == stored;
        self.data = (start, content.len());
        let (out_of_order, encoding) = (encoding & OUT_OF_ORDER != 0, encoding & !OUT_OF_ORDER);
        Ok(Some((Meta { offset, size, reference, first_ms, last_ms, out_of_order, encoding }, is_intact)))
    }

    /// Reads the length of the data. `None` if it is longer than that of any chunk, or the file ends.
    fn length(&mut self) -> Result<Option<u64>, HeadError> {
        for _ in 0..LONGEST_LENGTH {
            if !self.extend(1)? {
                return Ok(None);
            }
            if let Some((length, _)) = uvarint(&self.bytes[META..]) {
                return Ok(Some(length));
            }
        }
        Ok(None)
    }

    /// Reads bytes in place of those before. `false` if the file has fewer.
    fn fill(&mut self, length: usize) -> Result<bool, HeadError> {
        self.bytes.clear();
        self.extend(length)
    }

    /// Reads bytes after those before. `false` if the file has fewer.
    fn extend(&mut self, length: usize) -> Result<bool, HeadError> {
        let read = self.reader.by_ref().take(length as u64).read_to_end(&mut self.bytes);
        let read = read.map_err(|source| HeadError::Io { file: self.path.to_owned(), source })?;
        self.at += read as u64;
        Ok(read == length)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::encode::chunk_file;
    use super::*;
    use crate::scratch::Scratch;

    /// Reference and data of each chunk, negative references of damaged ones, and whether the file is known.
    fn read(bytes: &[u8]) -> Option<Vec<(i64, Vec<u8>)>> {
        let scratch = Scratch::new();
        let path = scratch.write("000001", bytes);
        let mut file = ChunkFile::open(&path).unwrap()?;
        let mut list = Vec::new();
        while let Some(item) = file.next().unwrap() {
            list.push(match item {
                Item::Chunk(meta) => (meta.reference as i64, file.data().to_vec()),
                Item::Damaged(meta) => (-(meta.reference as i64), Vec::new()),
            });
        }
        Some(list)
    }

    fn three() -> (Vec<u8>, [(i64, Vec<u8>); 3]) {
        let data = [vec![1; 5], vec![2; 300], vec![3; 70]];
        let [one, two, three] = data.clone();
        let bytes = chunk_file(&[(1, 10, 20, 1, one), (2, 11, 21, 0x81, two), (3, 12, 22, 1, three)]);
        let [one, two, three] = data;
        (bytes, [(1, one), (2, two), (3, three)])
    }

    #[test]
    fn chunks_end_at_the_end_of_the_file_or_at_zeroes() {
        let (mut bytes, chunks) = three();
        assert_eq!(read(&bytes), Some(chunks.to_vec()));
        bytes.resize(bytes.len() + 10_000, 0);
        assert_eq!(read(&bytes), Some(chunks.to_vec()));
        for end in 8..bytes.len() {
            let part = read(&bytes[..end]).unwrap();
            assert!(chunks.starts_with(&part));
        }
        assert_eq!(read(&bytes[..8]), Some(vec![]));
        // The checksum of the last chunk, with and without zeroes after it.
        let end = chunk_file(&[]).len() + bytes.iter().rposition(|byte| *byte != 0).unwrap() - 8;
        bytes[end] ^= 1;
        let damaged = [&chunks[..2], &[(-3, vec![])]].concat();
        assert_eq!(read(&bytes), Some(damaged.clone()));
        assert_eq!(read(&bytes[..end + 1]), Some(damaged));
    }

    #[test]
    fn a_damaged_chunk_does_not_hide_the_next_one() {
        let (bytes, [one, _, three]) = three();
        let mut damaged = bytes.clone();
        damaged[200] ^= 1;
        assert_eq!(read(&damaged), Some(vec![one.clone(), (-2, vec![]), three]));
        // The length.
        damaged = bytes.clone();
        damaged[8 + 25 + 1 + 5 + 4 + 25] ^= 1;
        assert_eq!(read(&damaged), Some(vec![one]));
    }

    #[test]
    fn files_without_header_have_no_chunks() {
        let (bytes, _) = three();
        for (at, value) in [(0, 0), (3, 0x92), (4, 2)] {
            let mut other = bytes.clone();
            other[at] = value;
            assert_eq!(read(&other), None);
        }
        assert_eq!(read(&bytes[..7]), None);
        assert_eq!(read(&[0; 100]), None);
    }

    #[test]
    fn out_of_order_is_a_bit_of_the_encoding() {
        let scratch = Scratch::new();
        let path = scratch.write("000001", &three().0);
        let mut file = ChunkFile::open(&path).unwrap().unwrap();
        let mut next = || match file.next().unwrap() {
            Some(Item::Chunk(meta)) => (meta.offset, meta.first_ms, meta.last_ms, meta.out_of_order, meta.encoding),
            other => panic!("{other:?}"),
        };
        assert_eq!(next(), (8, 10, 20, false, 1));
        assert_eq!(next(), (43, 11, 21, true, 1));
    }
}
