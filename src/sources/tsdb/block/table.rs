//! A table of an index, read once from front to back in pieces, so that the tables of a server with millions of series
//! do not have to fit into memory.

use super::bytes::Cursor;
use super::error::BlockError;
use super::file::{BlockFile, CRC_SIZE};

/// Size of the field that holds the length of a table, in bytes.
const LENGTH_SIZE: u64 = 4;

/// A table between its length and its CRC32C.
pub(super) struct Table<'f> {
    file: &'f BlockFile,
    /// What this table is, for errors.
    what: &'static str,
    /// Offset of the first byte after the length.
    start: u64,
    /// Offset of the first byte that was not read.
    next: u64,
    /// Offset of the CRC32C.
    end: u64,
    /// The bytes before `next` that no entry has consumed, after `at` consumed ones.
    buffer: Vec<u8>,
    at: usize,
    /// CRC32C of the bytes from `start` to `next`.
    checksum: u32,
}

impl<'f> Table<'f> {
    /// The table whose length is at `offset`.
    pub(super) fn open(file: &'f BlockFile, offset: u64, what: &'static str) -> Result<Self, BlockError> {
        let length = Cursor::new(&file.read(offset, LENGTH_SIZE, what)?, offset, file).be32()?;
        let start = offset + LENGTH_SIZE;
        file.require(start, u64::from(length) + CRC_SIZE, what)?;
        let end = start + u64::from(length);
        Ok(Self { file, what, start, next: start, end, buffer: Vec::new(), at: 0, checksum: 0 })
    }

    /// Decodes the next entry. `decode` may be called again with more bytes, and then starts from the front.
    pub(super) fn entry<T>(
        &mut self,
        decode: impl Fn(&mut Cursor<'_>) -> Result<T, BlockError>,
    ) -> Result<T, BlockError> {
        loop {
            let base = self.next - (self.buffer.len() - self.at) as u64;
            let mut cursor = Cursor::new(&self.buffer[self.at..], base, self.file);
            match decode(&mut cursor) {
                Ok(entry) => {
                    self.at += cursor.consumed();
                    return Ok(entry);
                }
                Err(_) if self.next < self.end => self.read_more()?,
                // All bytes are there, so that the checksum tells a damaged file from one of a strange writer.
                Err(error) => return Err(self.compare().err().unwrap_or(error)),
            }
        }
    }

    /// Bytes after the last entry that was decoded.
    pub(super) fn left(&self) -> u64 {
        self.end - self.next + (self.buffer.len() - self.at) as u64
    }

    /// Reads the rest and compares the checksum. Nothing that was decoded may be used before.
    pub(super) fn finish(mut self) -> Result<(), BlockError> {
        while self.next < self.end {
            self.at = self.buffer.len();
            self.read_more()?;
        }
        self.compare()
    }

    /// Reads as much again as is buffered, at least a piece: an entry of any size needs few attempts.
    fn read_more(&mut self) -> Result<(), BlockError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let kept = self.buffer.len();
        let length = self.file.piece().max(kept as u64).min(self.end - self.next);
        self.buffer.resize(kept + length as usize, 0);
        self.file.read_into(self.next, &mut self.buffer[kept..])?;
        self.checksum = crc32c::crc32c_append(self.checksum, &self.buffer[kept..]);
        self.next += length;
        Ok(())
    }

    fn compare(&self) -> Result<(), BlockError> {
        let stored = self.file.read(self.end, CRC_SIZE, self.what)?;
        self.file.compare(self.start, self.checksum, &stored, self.what)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::file::BytesRead;
    use super::*;
    use crate::scratch::Scratch;

    /// A table of entries with a length before each.
    fn table(entries: &[Vec<u8>]) -> Vec<u8> {
        let mut content = Vec::new();
        for entry in entries {
            let mut length = entry.len();
            while length > 127 {
                content.push(length as u8 | 0x80);
                length >>= 7;
            }
            content.push(length as u8);
            content.extend(entry);
        }
        let mut bytes = (content.len() as u32).to_be_bytes().to_vec();
        bytes.extend(&content);
        bytes.extend(crc32c::crc32c(&content).to_be_bytes());
        bytes
    }

    #[test]
    fn entries_larger_than_a_piece_and_across_its_end_are_whole() {
        let entries: Vec<Vec<u8>> =
            [3, 0, 300_000, 1, 262_144, 100, 700_000, 5].map(|length: usize| vec![length as u8; length]).to_vec();
        let scratch = Scratch::new();
        let file = BlockFile::open(scratch.write("index", &table(&entries)), &BytesRead::default()).unwrap();
        let mut read = Table::open(&file, 0, "test table").unwrap();
        for entry in &entries {
            assert_eq!(&read.entry(|cursor| cursor.string().map(<[u8]>::to_vec)).unwrap(), entry);
        }
        assert_eq!(read.left(), 0);
        assert!(read.entry(|cursor| cursor.byte()).is_err());
        read.finish().unwrap();
    }

    #[test]
    fn damage_after_the_last_entry_that_is_used_is_found() {
        let mut bytes = table(&[vec![1; 10], vec![2; 600_000]]);
        bytes[500_000] ^= 1;
        let scratch = Scratch::new();
        let file = BlockFile::open(scratch.write("index", &bytes), &BytesRead::default()).unwrap();
        let mut read = Table::open(&file, 0, "test table").unwrap();
        assert_eq!(read.entry(|cursor| cursor.string().map(<[u8]>::to_vec)).unwrap(), [1; 10]);
        assert!(matches!(read.finish(), Err(BlockError::Checksum { .. })));
    }
}
