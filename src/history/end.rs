//! The footer of a day's file whose content is elsewhere, read from the end of the content alone.

use bytes::Bytes;
use bytes::buf::{Buf, Reader};
use parquet::errors::{ParquetError, Result};
use parquet::file::FOOTER_SIZE;
use parquet::file::metadata::FooterTail;
use parquet::file::reader::{ChunkReader, Length};

use crate::files::End;

/// Bytes at the end of a day's file that hold the footer of a small fleet: about 5 KB, and 70 bytes for each member.
pub(crate) const USUAL_FOOTER: u64 = 8 << 10;

/// The size of the footer of a file that ends with these bytes; `None` if it is not Parquet.
pub(crate) fn footer_size(end: &[u8]) -> Option<u64> {
    let tail = FooterTail::try_new(end.last_chunk::<FOOTER_SIZE>()?).ok()?;
    Some((tail.metadata_length() + FOOTER_SIZE) as u64)
}

/// The end of a day's file. Reading anything before it fails.
#[derive(Debug)]
pub(super) struct EndOfFile {
    bytes: Bytes,
    /// The size of the whole file.
    of: u64,
}

impl From<End> for EndOfFile {
    fn from(end: End) -> Self {
        Self { bytes: end.bytes.into(), of: end.of }
    }
}

impl Length for EndOfFile {
    fn len(&self) -> u64 {
        self.of
    }
}

impl ChunkReader for EndOfFile {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let length = usize::try_from(self.of.saturating_sub(start))?;
        Ok(self.get_bytes(start, length)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let from = self.of.checked_sub(self.bytes.len() as u64).and_then(|begin| start.checked_sub(begin));
        let from = from.and_then(|from| usize::try_from(from).ok());
        let range = from.and_then(|from| Some(from..from.checked_add(length)?));
        match range.filter(|range| range.end <= self.bytes.len()) {
            Some(range) => Ok(self.bytes.slice(range)),
            None => Err(ParquetError::EOF(format!("bytes {start} to {} are not here", start + length as u64))),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::history::day_file::tests::{sample_day, source};
    use crate::history::day_meta::meta_of;
    use crate::history::footer::open_content;
    use crate::history::{read_meta, write_day};
    use crate::scratch::Scratch;

    #[test]
    fn the_end_of_a_file_has_its_footer_and_none_of_its_rows() {
        let folder = Scratch::new();
        let path = folder.path().join("readings.parquet");
        let (window, range) = sample_day();
        write_day(&path, &window, range, &source()).unwrap();
        let content = std::fs::read(&path).unwrap();
        let size = footer_size(&content).unwrap();
        assert!(size < content.len() as u64);
        let end = |length: u64| {
            let bytes = content[content.len() - usize::try_from(length).unwrap()..].to_vec();
            EndOfFile::from(End { bytes, of: content.len() as u64 })
        };
        let opened = open_content(end(size), &path).unwrap();
        assert_eq!(meta_of(&opened, &path).unwrap(), read_meta(&path).unwrap());
        let rows = opened.build().unwrap().collect::<std::result::Result<Vec<_>, _>>();
        assert!(rows.unwrap_err().to_string().contains("not here"));
        let error = open_content(end(size - 1), &path).unwrap_err().to_string();
        assert!(error.contains("not here"), "{error}");
    }

    #[test]
    fn what_is_not_parquet_has_no_footer() {
        for end in [&b"not Parquet"[..], b"PAR1", b""] {
            assert_eq!(footer_size(end), None);
        }
    }
}
