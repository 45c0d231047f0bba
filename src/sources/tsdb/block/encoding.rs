//! The encodings of chunks: which ones have plain samples, and why the others are refused.

use super::samples::Samples;
use super::{xor, xor2};

/// Why a chunk cannot be decoded, as a main clause.
pub(in crate::sources) type Problem = &'static str;

/// An encoding of plain samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sources) enum Encoding {
    /// Number 1, of every version of Prometheus.
    Xor,
    /// Number 4, of Prometheus 3.11 and later with `storage.tsdb.chunk_encoding.floats: xor2`.
    Xor2,
}

/// An encoding whose values are no plain samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sources) struct Unsupported {
    /// What Prometheus or Thanos calls the encoding.
    pub(in crate::sources) name: &'static str,
    /// Whether the samples are native histograms, beside which there may be series of classic buckets.
    pub(in crate::sources) is_histogram: bool,
}

impl Encoding {
    /// The encoding with a number. Values of the other encodings would be wrong numbers, not missing ones.
    pub(in crate::sources) fn of(number: u8) -> Result<Self, Unsupported> {
        let (name, is_histogram) = match number {
            1 => return Ok(Self::Xor),
            4 => return Ok(Self::Xor2),
            2 => ("histogram", true),
            3 => ("floathistogram", true),
            // With start timestamps.
            5 => ("histogramST", true),
            6 => ("floathistogramST", true),
            255 => ("aggregates of Thanos", false),
            _ => ("unknown", false),
        };
        Err(Unsupported { name, is_histogram })
    }
}

/// Decodes chunks of plain samples, one after the other.
#[derive(Debug, Default)]
pub(in crate::sources) struct Decoder {
    xor: xor::Decoder,
    xor2: xor2::Decoder,
}

impl Decoder {
    /// Adds the samples of a chunk to `samples`. After an error, some of what was added is invalid.
    pub(in crate::sources) fn decode(
        &mut self,
        encoding: Encoding,
        data: &[u8],
        samples: &mut Samples,
    ) -> Result<(), Problem> {
        match encoding {
            Encoding::Xor => self.xor.decode(data, samples),
            Encoding::Xor2 => self.xor2.decode(data, samples),
        }
    }
}
