//! Integers and strings as the files of a block encode them, with the offset of what is wrong.

use super::error::BlockError;
use super::file::BlockFile;

/// Longest encoding of a 64-bit integer, in bytes.
const LONGEST_VARINT: usize = 10;

/// Decodes an unsigned integer of seven bits a byte, least significant first: its value and its length in bytes.
/// `None` if the bytes end early or the value has more than 64 bits.
pub(in crate::sources::tsdb) fn uvarint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(LONGEST_VARINT).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == LONGEST_VARINT - 1 && *byte > 1 {
            return None;
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

/// Decodes a signed integer: a [`uvarint`] whose lowest bit is the sign.
pub(in crate::sources::tsdb) fn varint(bytes: &[u8]) -> Option<(i64, usize)> {
    let (zigzag, length) = uvarint(bytes)?;
    Some(((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64), length))
}

/// A position in bytes that were read from a file.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Offset of `bytes` in the file.
    base: u64,
    file: &'a BlockFile,
}

impl<'a> Cursor<'a> {
    /// Starts at the first of `bytes`, which begin at `base` in the file.
    pub(super) fn new(bytes: &'a [u8], base: u64, file: &'a BlockFile) -> Self {
        Self { bytes, at: 0, base, file }
    }

    /// The file, for errors about an offset before the position.
    pub(super) fn file(&self) -> &'a BlockFile {
        self.file
    }

    /// Bytes before the position.
    pub(super) fn consumed(&self) -> usize {
        self.at
    }

    /// Bytes after the position.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Offset of the position in the file.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The error for what is at the position.
    pub(super) fn malformed(&self, problem: &'static str) -> BlockError {
        self.file.malformed(self.offset(), problem)
    }

    pub(super) fn bytes(&mut self, length: u64) -> Result<&'a [u8], BlockError> {
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let taken = taken.ok_or_else(|| self.malformed("an entry is longer than the section that contains it"))?;
        self.at += taken.len();
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, BlockError> {
        Ok(self.bytes(1)?[0])
    }

    pub(super) fn be32(&mut self) -> Result<u32, BlockError> {
        Ok(self.bytes(4)?.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    pub(super) fn be64(&mut self) -> Result<u64, BlockError> {
        Ok(self.bytes(8)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    pub(in crate::sources::tsdb) fn uvarint(&mut self) -> Result<u64, BlockError> {
        let (value, length) = uvarint(&self.bytes[self.at..])
            .ok_or_else(|| self.malformed("an integer is longer than its section or than 64 bits"))?;
        self.at += length;
        Ok(value)
    }

    pub(in crate::sources::tsdb) fn uvarint32(&mut self) -> Result<u32, BlockError> {
        let at = self.at;
        u32::try_from(self.uvarint()?).map_err(|_| {
            let offset = self.base + at as u64;
            self.file.malformed(offset, "a reference has more than 32 bits")
        })
    }

    pub(in crate::sources::tsdb) fn varint(&mut self) -> Result<i64, BlockError> {
        let (value, length) = varint(&self.bytes[self.at..])
            .ok_or_else(|| self.malformed("an integer is longer than its section or than 64 bits"))?;
        self.at += length;
        Ok(value)
    }

    /// Bytes after their number.
    pub(super) fn string(&mut self) -> Result<&'a [u8], BlockError> {
        let length = self.uvarint()?;
        self.bytes(length)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::file::BytesRead;
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn integers_are_those_of_gos_encoding_binary() {
        // From the tests and the documentation of Go's encoding/binary.
        for (bytes, value) in [
            (&[0][..], 0),
            (&[1], 1),
            (&[0x7f], 127),
            (&[0x80, 1], 128),
            (&[0xff, 1], 255),
            (&[0x80, 2], 256),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], u64::MAX),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1], 1 << 63),
        ] {
            assert_eq!(uvarint(bytes), Some((value, bytes.len())));
        }
        for (bytes, value) in [(&[1][..], -1), (&[2], 1), (&[0x7f], -64), (&[0x7e], 63), (&[0x80, 1], 64)] {
            assert_eq!(varint(bytes), Some((value, bytes.len())));
        }
        let smallest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(varint(&smallest), Some((i64::MIN, 10)));
    }

    #[test]
    fn too_long_or_unfinished_integers_are_none() {
        let overflow = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2];
        for bytes in [&[][..], &[0x80], &[0xff; 9], &[0xff; 10], &[0x80; 11], &overflow] {
            assert_eq!(uvarint(bytes), None);
        }
    }

    #[test]
    fn a_cursor_names_the_offset_of_what_is_wrong() {
        let scratch = Scratch::new();
        let file = BlockFile::open(scratch.write("index", &[0; 9]), &BytesRead::default()).unwrap();
        let mut cursor = Cursor::new(&[0, 0, 1, 2, 2, b'a', b'b', 200], 100, &file);
        assert_eq!(cursor.be32().unwrap(), 0x102);
        assert_eq!(cursor.string().unwrap(), b"ab");
        assert_eq!((cursor.offset(), cursor.left(), cursor.consumed()), (107, 1, 7));
        let text = cursor.uvarint().unwrap_err().to_string();
        assert!(text.contains("index at byte 107: an integer is longer than its section"), "{text}");
        assert!(cursor.be64().is_err());
        assert_eq!(cursor.byte().unwrap(), 200);
        let mut cursor = Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0x1f], 50, &file);
        assert!(cursor.uvarint32().unwrap_err().to_string().contains("at byte 50: a reference has more than 32 bits"));
    }
}
