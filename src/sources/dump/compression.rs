//! Decompresses by the first bytes, whatever the name of a file.

use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::error::DumpError;

/// Bytes that are needed to recognize a format.
const LONGEST_MAGIC: usize = 6;

/// Compressed bytes that are read at once.
const BUFFER: usize = 128 << 10;

/// Formats that are not read: first bytes, name, and what to do.
const OTHERS: [(&[u8], &str, &str); 5] = [
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], "compressed with xz", "decompress it first (xz -d)"),
    (b"BZh", "compressed with bzip2", "decompress it first (bzip2 -d)"),
    (b"PK\x03\x04", "a zip archive", "unpack it first (unzip)"),
    (&[0xff, 0xfe], "UTF-16 text, as PowerShell writes", "convert it first (iconv -f UTF-16 -t UTF-8)"),
    (&[0xfe, 0xff], "UTF-16 text", "convert it first (iconv -f UTF-16 -t UTF-8)"),
];

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The bytes of an input, decompressed if its first bytes are those of gzip (one or several members) or zstd.
pub(in crate::sources) type Decompressed<'a> = Box<dyn Read + 'a>;

/// Why an input cannot be decompressed.
#[derive(Debug)]
pub(in crate::sources) enum Refused {
    /// It cannot be read.
    Io(io::Error),
    /// It has a format that is not supported: what it is, and what to do.
    Format(&'static str, &'static str),
}

impl Refused {
    /// The error for the dump with this name.
    pub(super) fn named(self, name: &str) -> DumpError {
        let name = name.to_owned();
        match self {
            Self::Io(source) => DumpError::Io { name, lines: 0, source },
            Self::Format(format, remedy) => DumpError::Format { name, format, remedy },
        }
    }
}

/// Decompresses gzip and zstd, and leaves everything else as it is.
pub(in crate::sources) fn decompress<'a>(mut input: impl Read + 'a) -> Result<Decompressed<'a>, Refused> {
    let mut start = Vec::with_capacity(LONGEST_MAGIC);
    input.by_ref().take(LONGEST_MAGIC as u64).read_to_end(&mut start).map_err(Refused::Io)?;
    if let Some((_, format, remedy)) = OTHERS.iter().find(|(magic, ..)| start.starts_with(magic)) {
        return Err(Refused::Format(format, remedy));
    }
    let is_gzip = start.starts_with(GZIP);
    let is_zstd = start.starts_with(ZSTD);
    if start.starts_with(UTF8_MARK) {
        start.drain(..UTF8_MARK.len());
    }
    let whole: Chain<Cursor<Vec<u8>>, _> = Cursor::new(start).chain(input);
    if is_gzip {
        return Ok(Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, whole))));
    }
    if is_zstd {
        let buffered = BufReader::with_capacity(BUFFER, whole);
        return Ok(Box::new(zstd::stream::read::Decoder::with_buffer(buffered).map_err(Refused::Io)?));
    }
    Ok(Box::new(whole))
}
