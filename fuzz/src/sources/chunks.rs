//! The decoder of chunks, and encoders to compare it with: that of the spool, and those of the unit tests.

#[path = "../../../src/sources/tsdb/block/encode.rs"]
mod encode;
#[path = "../../../src/sources/tsdb/block/encode_xor2.rs"]
mod encode_xor2;
#[path = "../../../src/sources/spool/encode.rs"]
mod spool;

use super::tsdb::block::{Decoder, Encoding, Samples};

/// Decodes chunks, one after the other.
#[derive(Debug, Default)]
pub struct Chunks(Decoder);

impl Chunks {
    /// The samples of a chunk in the encoding XOR2 or XOR.
    pub fn decode(&mut self, is_xor2: bool, data: &[u8]) -> Result<Samples, &'static str> {
        let mut samples = Samples::default();
        let encoding = if is_xor2 { Encoding::Xor2 } else { Encoding::Xor };
        self.0.decode(encoding, data, &mut samples).map(|()| samples)
    }
}

/// An XOR chunk by the encoder of the spool.
pub fn spooled(samples: &Samples) -> Vec<u8> {
    let mut bytes = Vec::new();
    spool::chunk(&samples.times_ms, &samples.values, &mut bytes);
    bytes
}

/// An XOR chunk, bit by bit.
pub fn xor(samples: &Samples) -> Vec<u8> {
    encode::chunk(&samples.iter().collect::<Vec<_>>())
}

/// An XOR2 chunk, bit by bit. Each sample has a start timestamp: `starts` repeats until the last sample.
pub fn xor2(samples: &Samples, starts: &[i64]) -> Vec<u8> {
    let starts = starts.iter().copied().cycle();
    let samples = samples.iter().zip(starts).map(|((time, value), start)| encode_xor2::Started { start, time, value });
    encode_xor2::chunk(&samples.collect::<Vec<_>>())
}
