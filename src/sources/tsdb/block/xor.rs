//! XOR chunks: timestamps as differences of differences, and values as XOR with the value before, both in as few bits
//! as they need. This is the encoding of the Gorilla paper with wider timestamps.
//!
//! The decoder looks at 64 bits at once, so that no loop runs over single bits, and a sample takes at most four reads.

use super::bytes::{uvarint, varint};
use super::encoding::Problem;
use super::samples::Samples;

/// Zero bytes after a copied chunk, so that a read of nine bytes at any bit of the last sample stays inside: a sample
/// has at most 4 + 64 bits of time and 13 + 64 bits of value; in XOR2 a bit of both more, and a start of 8 + 64 bits.
const PADDING: usize = 32;

/// Bits of a difference of differences after a prefix of 0, 10, 110 and 1110. After 1111 there are 64.
const WIDTHS: [u32; 4] = [0, 14, 17, 20];

/// Bits of a value before it: 11, number of leading zeroes (5 bits), number of significant bits (6 bits).
const NEW_WINDOW: usize = 13;

const SHORT: Problem = "an XOR chunk ends before its last sample";
const ORDER: Problem = "the timestamps of an XOR chunk do not increase";
const WINDOW: Problem = "a value of an XOR chunk has more than 64 bits";

/// Decodes chunks, one after the other.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// A copy of the chunk, and zeroes.
    padded: Vec<u8>,
}

impl Decoder {
    /// Adds the samples of a chunk to `samples`. After an error, some of what was added is invalid.
    pub(super) fn decode(&mut self, chunk: &[u8], samples: &mut Samples) -> Result<(), Problem> {
        let (count, rest) = chunk.split_first_chunk::<2>().ok_or(SHORT)?;
        let count = usize::from(u16::from_be_bytes(*count));
        if count == 0 {
            return Ok(());
        }
        // Each sample after the first two has at least two bits, which bounds the allocation.
        if count > 2 + rest.len() * 4 {
            return Err(SHORT);
        }
        let (first_ms, length) = varint(rest).ok_or(SHORT)?;
        let (first, rest) = rest[length..].split_first_chunk::<8>().ok_or(SHORT)?;
        let mut state = State { time_ms: first_ms, value: u64::from_be_bytes(*first), ..State::default() };
        let start = samples.times_ms.len();
        samples.times_ms.resize(start + count, first_ms);
        samples.values.resize(start + count, f64::from_bits(state.value));
        if count == 1 {
            return Ok(());
        }
        let (delta, length) = uvarint(rest).ok_or(SHORT)?;
        state.delta = delta as i64;
        pad(&mut self.padded, &rest[length..]);
        let bits = (rest.len() - length) * 8;
        let reader = Bits { bytes: &self.padded };
        let times = &mut samples.times_ms[start + 1..];
        let values = &mut samples.values[start + 1..];
        state.second(&reader, bits, &mut times[0], &mut values[0])?;
        state.others(&reader, bits, &mut times[1..], &mut values[1..])
    }
}

/// Copies bytes, so that zeroes follow them.
pub(super) fn pad(padded: &mut Vec<u8>, bytes: &[u8]) {
    padded.clear();
    padded.extend_from_slice(bytes);
    padded.resize(bytes.len() + PADDING, 0);
}

/// Bits from the most significant one of each byte on.
pub(super) struct Bits<'a> {
    /// Padded by [`pad`].
    pub(super) bytes: &'a [u8],
}

impl Bits<'_> {
    /// The 64 bits from `position` on.
    #[inline(always)]
    pub(super) fn at(&self, position: usize) -> Result<u64, Problem> {
        let (byte, shift) = (position / 8, position % 8);
        let window = self.bytes.get(byte..byte + 9).and_then(|window| window.first_chunk::<9>()).ok_or(SHORT)?;
        let [a, b, c, d, e, f, g, h, last] = *window;
        let word = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        Ok(word << shift | u64::from(last) >> (8 - shift))
    }
}

/// The sample before the next one, and how the next one may refer to it.
#[derive(Default)]
struct State {
    /// Bits that were decoded.
    position: usize,
    time_ms: i64,
    /// Difference to the time before.
    delta: i64,
    /// Bits of the value.
    value: u64,
    /// Zeroes above and below the significant bits of the last XOR that gave them.
    leading: u32,
    trailing: u32,
}

impl State {
    /// The second sample: the difference of times is already known.
    fn second(&mut self, reader: &Bits<'_>, bits: usize, time: &mut i64, value: &mut f64) -> Result<(), Problem> {
        let word = reader.at(0)?;
        self.next_value(reader, word)?;
        self.write(bits, time, value)
    }

    /// The third sample and all later ones.
    fn others(&mut self, reader: &Bits<'_>, bits: usize, times: &mut [i64], values: &mut [f64]) -> Result<(), Problem> {
        for (time, value) in times.iter_mut().zip(values) {
            let mut word = reader.at(self.position)?;
            if word >> 62 == 0 {
                // Same difference of times, same value.
                self.position += 2;
            } else {
                word = self.next_delta(reader, word)?;
                self.next_value(reader, word)?;
            }
            self.write(bits, time, value)?;
        }
        Ok(())
    }

    /// Decodes a difference of differences of times, and gives the bits after it: at least 40.
    #[inline(always)]
    fn next_delta(&mut self, reader: &Bits<'_>, word: u64) -> Result<u64, Problem> {
        let ones = (!word).leading_zeros() as usize;
        let Some(width) = WIDTHS.get(ones).copied() else {
            self.delta = self.delta.wrapping_add(reader.at(self.position + 4)? as i64);
            self.position += 68;
            return reader.at(self.position);
        };
        let prefix = ones as u32 + 1;
        // A shift by 64, for a width of 0, is not defined.
        let raw = ((word << prefix) >> 1 >> (63 - width)) as i64;
        // Unlike in two's complement, a one and zeroes are the largest positive number.
        let half = 1 << width >> 1;
        let difference = if raw > half { raw - (1 << width) } else { raw };
        self.delta = self.delta.wrapping_add(difference);
        self.position += (prefix + width) as usize;
        Ok(word << (prefix + width))
    }

    /// Decodes a value that begins at the position; `word` has the bits from there on.
    #[inline(always)]
    fn next_value(&mut self, reader: &Bits<'_>, word: u64) -> Result<(), Problem> {
        if word >> 63 == 0 {
            self.position += 1;
            return Ok(());
        }
        if word >> 62 == 0b10 {
            self.position += 2;
        } else {
            self.leading = (word >> 57) as u32 & 31;
            // 64 does not fit into six bits, and is written as 0.
            let significant = match (word >> 51) as u32 & 63 {
                0 => 64,
                significant => significant,
            };
            self.trailing = 64_u32.checked_sub(self.leading + significant).ok_or(WINDOW)?;
            self.position += NEW_WINDOW;
        }
        let significant = 64 - self.leading - self.trailing;
        let xor = reader.at(self.position)? >> (64 - significant);
        self.value ^= xor << self.trailing;
        self.position += significant as usize;
        Ok(())
    }

    /// Ends a sample: it must not have used bits after the chunk, and must be after the one before.
    #[inline(always)]
    fn write(&mut self, bits: usize, time: &mut i64, value: &mut f64) -> Result<(), Problem> {
        let now = self.time_ms.wrapping_add(self.delta);
        if self.position > bits {
            return Err(SHORT);
        }
        if now <= self.time_ms {
            return Err(ORDER);
        }
        self.time_ms = now;
        *time = now;
        *value = f64::from_bits(self.value);
        Ok(())
    }
}

#[cfg(test)]
#[path = "xor_tests.rs"]
mod tests;
