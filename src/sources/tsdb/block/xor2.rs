//! XOR2 chunks: like XOR chunks, but time and value of a sample share their first bits, widths are chosen so that most
//! times end at a byte, a stale marker has bits of its own, and samples may have a start timestamp.
//!
//! A stale marker has no value bits and changes nothing: the next value refers to the last one that was not stale.
//! Start timestamps, which are those of counters, are read over: nothing here needs them.

use super::bytes::{uvarint, varint};
use super::encoding::Problem;
use super::samples::Samples;
use super::xor::{Bits, pad};

/// The value that ends a series.
const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// In the header of start timestamps: the first sample has one.
const FIRST_KNOWN: u8 = 0x80;

/// Bits of a start timestamp after a prefix of this many ones. A zero ends the prefix, except after eight ones.
const START_WIDTHS: [usize; 9] = [0, 3, 6, 9, 12, 18, 25, 56, 64];

/// Number of leading zeroes (5 bits) and number of significant bits (6 bits).
const WINDOW_SIZE: usize = 11;

const SHORT: Problem = "an XOR2 chunk ends before its last sample";
const ORDER: Problem = "the timestamps of an XOR2 chunk do not increase";
const WINDOW: Problem = "a value of an XOR2 chunk has more than 64 bits";

/// Decodes chunks, one after the other.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// A copy of the chunk, and zeroes.
    padded: Vec<u8>,
}

impl Decoder {
    /// Adds the samples of a chunk to `samples`. After an error, some of what was added is invalid.
    pub(super) fn decode(&mut self, chunk: &[u8], samples: &mut Samples) -> Result<(), Problem> {
        let ([high, low, starts], rest) = chunk.split_first_chunk::<3>().ok_or(SHORT)?;
        let count = usize::from(u16::from_be_bytes([*high, *low]));
        if count == 0 {
            return Ok(());
        }
        // Each sample after the first two has at least one bit, which bounds the allocation.
        if count > 2 + rest.len() * 8 {
            return Err(SHORT);
        }
        let (first_ms, length) = varint(rest).ok_or(SHORT)?;
        let (first, mut rest) = rest[length..].split_first_chunk::<8>().ok_or(SHORT)?;
        let first = f64::from_bits(u64::from_be_bytes(*first));
        if starts & FIRST_KNOWN != 0 {
            let (_start, length) = varint(rest).ok_or(SHORT)?;
            rest = &rest[length..];
        }
        samples.push(first_ms, first);
        if count == 1 {
            return Ok(());
        }
        let (delta, length) = uvarint(rest).ok_or(SHORT)?;
        let rest = &rest[length..];
        pad(&mut self.padded, rest);
        let baseline = if first.to_bits() == STALE.to_bits() { 0 } else { first.to_bits() };
        let starts_from = usize::from(starts & !FIRST_KNOWN);
        let state = State { time_ms: first_ms, delta: delta as i64, baseline, starts_from, ..State::default() };
        state.run(&Bits { bytes: &self.padded }, rest.len() * 8, count, samples)
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
    /// Bits of the last value that was not stale.
    baseline: u64,
    /// Zeroes above and below the significant bits of the last XOR that gave them.
    leading: u32,
    trailing: u32,
    /// Number of the first sample that is followed by a start timestamp, counted from 0. All later ones are too.
    /// 0 if there is none.
    starts_from: usize,
}

impl State {
    /// Decodes all samples but the first. The chunk has this many bits after the difference of the first two times.
    fn run(mut self, reader: &Bits<'_>, bits: usize, count: usize, samples: &mut Samples) -> Result<(), Problem> {
        samples.times_ms.reserve(count - 1);
        samples.values.reserve(count - 1);
        for number in 1..count {
            // The difference of the first two times is already known.
            let value = if number == 1 { self.value(reader)? } else { self.joint(reader)? };
            if self.starts_from > 0 && number >= self.starts_from {
                self.skip_start(reader)?;
            }
            let now = self.time_ms.wrapping_add(self.delta);
            if self.position > bits {
                return Err(SHORT);
            }
            if now <= self.time_ms {
                return Err(ORDER);
            }
            self.time_ms = now;
            samples.push(now, value);
        }
        Ok(())
    }

    /// Decodes the difference of differences of times, and the value.
    #[inline(always)]
    fn joint(&mut self, reader: &Bits<'_>) -> Result<f64, Problem> {
        let word = reader.at(self.position)?;
        match (!word).leading_zeros() {
            0 => {
                self.position += 1;
                Ok(f64::from_bits(self.baseline))
            }
            1 => {
                // The bit after the prefix begins a new window.
                self.position += 3;
                self.changed(reader, word >> 61 & 1 == 1)
            }
            2 => self.later((word << 3) as i64 >> 51, 16, reader),
            3 => self.later((word << 4) as i64 >> 44, 24, reader),
            4 => self.later(reader.at(self.position + 5)? as i64, 69, reader),
            _ => {
                self.position += 5;
                Ok(STALE)
            }
        }
    }

    /// Ends a difference of differences of times with its width, and decodes the value after it.
    #[inline(always)]
    fn later(&mut self, difference: i64, width: usize, reader: &Bits<'_>) -> Result<f64, Problem> {
        self.delta = self.delta.wrapping_add(difference);
        self.position += width;
        self.value(reader)
    }

    /// Decodes a value after a time that has bits of its own.
    #[inline(always)]
    fn value(&mut self, reader: &Bits<'_>) -> Result<f64, Problem> {
        let (ones, width) = match reader.at(self.position)? >> 61 {
            0..4 => (0, 1),
            4 | 5 => (1, 2),
            6 => (2, 3),
            _ => (3, 3),
        };
        self.position += width;
        match ones {
            0 => Ok(f64::from_bits(self.baseline)),
            1 | 2 => self.changed(reader, ones == 2),
            _ => Ok(STALE),
        }
    }

    /// Decodes the significant bits of a value, in the last window or in a new one.
    #[inline(always)]
    fn changed(&mut self, reader: &Bits<'_>, new_window: bool) -> Result<f64, Problem> {
        if new_window {
            let window = reader.at(self.position)? >> (64 - WINDOW_SIZE);
            self.leading = (window >> 6) as u32;
            // 64 does not fit into six bits, and is written as 0.
            let significant = match window as u32 & 63 {
                0 => 64,
                significant => significant,
            };
            self.trailing = 64_u32.checked_sub(self.leading + significant).ok_or(WINDOW)?;
            self.position += WINDOW_SIZE;
        }
        let significant = 64 - self.leading - self.trailing;
        let xor = reader.at(self.position)? >> (64 - significant);
        self.baseline ^= xor << self.trailing;
        self.position += significant as usize;
        Ok(f64::from_bits(self.baseline))
    }

    /// Steps over a start timestamp.
    #[inline(always)]
    fn skip_start(&mut self, reader: &Bits<'_>) -> Result<(), Problem> {
        let ones = (!reader.at(self.position)?).leading_zeros().min(8) as usize;
        self.position += (ones + 1).min(8) + START_WIDTHS[ones];
        Ok(())
    }
}

#[cfg(test)]
#[path = "xor2_tests.rs"]
mod tests;
