//! Compression of records in `wal/` and `wbl/`.

use std::io::Read as _;

/// Largest size of a decompressed record in bytes, so that a hostile file cannot fill the memory. A record holds what
/// one scrape or one remote-write request adds.
const LARGEST: u64 = 256 << 20;

/// Snappy's shortest copy has 2 bytes and gives at most 64.
const LARGEST_SNAPPY_RATIO: usize = 64;

const PROBLEM: &str = "a record cannot be decompressed";

/// How a record is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Snappy,
    Zstd,
}

impl Compression {
    /// The compression in the upper five bits of a type byte. `None` for bits that no known server sets.
    pub(super) fn of(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::None),
            8 => Some(Self::Snappy),
            16 => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Decompresses `raw` into `record`. Without compression the two are exchanged.
pub(super) fn decode(compression: Compression, raw: &mut Vec<u8>, record: &mut Vec<u8>) -> Result<(), &'static str> {
    record.clear();
    match compression {
        Compression::None => {
            std::mem::swap(raw, record);
            Ok(())
        }
        // The writer leaves an empty record as it is.
        Compression::Snappy | Compression::Zstd if raw.is_empty() => Ok(()),
        Compression::Snappy => {
            let length = snap::raw::decompress_len(raw).map_err(|_| PROBLEM)?;
            if length > raw.len().saturating_mul(LARGEST_SNAPPY_RATIO) {
                return Err(PROBLEM);
            }
            record.resize(length, 0);
            snap::raw::Decoder::new().decompress(raw, record).map_err(|_| PROBLEM).map(|_| ())
        }
        Compression::Zstd => {
            let decoder = zstd::Decoder::with_buffer(raw.as_slice()).map_err(|_| PROBLEM)?;
            decoder.take(LARGEST + 1).read_to_end(record).map_err(|_| PROBLEM)?;
            if record.len() as u64 > LARGEST { Err(PROBLEM) } else { Ok(()) }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn every_compression_gives_the_record() {
        let content: Vec<u8> = (0..10_000_u32).flat_map(|number| (number / 7).to_be_bytes()).collect();
        let snappy = snap::raw::Encoder::new().compress_vec(&content).unwrap();
        let zstd = zstd::encode_all(content.as_slice(), 0).unwrap();
        for (compression, mut raw) in
            [(Compression::None, content.clone()), (Compression::Snappy, snappy), (Compression::Zstd, zstd)]
        {
            let mut record = vec![1, 2, 3];
            decode(compression, &mut raw, &mut record).unwrap();
            assert_eq!(record, content);
        }
    }

    #[test]
    fn a_hostile_length_is_refused_before_it_is_allocated() {
        for compression in [Compression::Snappy, Compression::Zstd] {
            let mut raw = vec![0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3];
            assert_eq!(decode(compression, &mut raw, &mut Vec::new()), Err(PROBLEM));
            assert_eq!(decode(compression, &mut Vec::new(), &mut vec![1]), Ok(()));
        }
    }
}
