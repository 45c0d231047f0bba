//! Encodes integers as Parquet's hybrid of run lengths and packed bits, from runs instead of single values.
//!
//! Parquet's documentation defines the format ("Run Length Encoding / Bit-Packing Hybrid"), and leaves the choice between
//! the two parts to the writer. This one chooses as the `parquet` crate does, so that files keep their bytes.

/// Packed values come in groups of this many.
const GROUP: usize = 8;
/// The most groups in one packed part, so that its header takes one byte.
const MOST_GROUPS: usize = 63;

/// Integers of one width that are being encoded.
pub(super) struct Hybrid {
    /// Bits of a value, at most 32.
    width: u32,
    bytes: Vec<u8>,
    /// Values for the next packed part.
    packed: Vec<u32>,
    last: u32,
    /// How often `last` was repeated in the last group, or in the run that is being counted.
    repeated: usize,
}

impl Hybrid {
    pub(super) fn new(width: u32) -> Self {
        Self { width, bytes: Vec::new(), packed: Vec::new(), last: 0, repeated: 0 }
    }

    /// Adds a value `count` times.
    pub(super) fn put(&mut self, value: u32, mut count: usize) {
        while count > 0 {
            // A whole group of equal values began a run: from here on, only count.
            if self.repeated >= GROUP && value == self.last {
                self.repeated += count;
                return;
            }
            self.put_one(value);
            count -= 1;
        }
    }

    fn put_one(&mut self, value: u32) {
        if value != self.last {
            if self.repeated >= GROUP {
                self.write_run();
            }
            (self.last, self.repeated) = (value, 0);
        }
        self.repeated += 1;
        self.packed.push(value);
        if self.packed.len().is_multiple_of(GROUP) {
            self.end_group();
        }
    }

    /// Keeps a complete group for the packed part, or begins a run with it if its values are equal.
    fn end_group(&mut self) {
        if self.repeated >= GROUP {
            self.packed.truncate(self.packed.len() - GROUP);
            self.write_packed();
            return;
        }
        self.repeated = 0;
        if self.packed.len() >= MOST_GROUPS * GROUP {
            self.write_packed();
        }
    }

    /// The encoded values.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let tail = self.packed.len() % GROUP;
        if self.repeated > 0 && self.packed.len() == tail && (tail == 0 || self.repeated == tail) {
            self.write_run();
        } else {
            self.packed.resize(self.packed.len().next_multiple_of(GROUP), 0);
            self.write_packed();
        }
        self.bytes
    }

    fn write_run(&mut self) {
        let mut header = self.repeated << 1;
        while header >= 0x80 {
            self.bytes.push(header as u8 | 0x80);
            header >>= 7;
        }
        self.bytes.push(header as u8);
        let bytes = self.width.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.last.to_le_bytes()[..bytes]);
        self.packed.clear();
        self.repeated = 0;
    }

    fn write_packed(&mut self) {
        if !self.packed.is_empty() {
            self.bytes.push(((self.packed.len() / GROUP) << 1 | 1) as u8);
            pack(&self.packed, self.width, &mut self.bytes);
            self.packed.clear();
        }
    }
}

/// Appends values of `width` bits, the lowest bit first. The last byte is filled up with zeros.
pub(super) fn pack(values: &[u32], width: u32, bytes: &mut Vec<u8>) {
    let (mut bits, mut held) = (0_u64, 0);
    for &value in values {
        bits |= u64::from(value) << held;
        held += width;
        while held >= 8 {
            bytes.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        bytes.push(bits as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes as the format's documentation describes it; the values behind a padded last group are cut off.
    fn decoded(bytes: &[u8], width: u32, len: usize) -> Vec<u32> {
        let (mut values, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let (mut header, mut shift) = (0_usize, 0);
            loop {
                header |= usize::from(bytes[at] & 0x7f) << shift;
                (shift, at) = (shift + 7, at + 1);
                if bytes[at - 1] < 0x80 {
                    break;
                }
            }
            let bit = |index: usize| u32::from(bytes[index / 8] >> (index % 8) & 1);
            if header & 1 == 0 {
                let bytes_of_value = width.div_ceil(8) as usize;
                let value = (0..bytes_of_value).fold(0, |sum, byte| sum | u32::from(bytes[at + byte]) << (8 * byte));
                values.extend(std::iter::repeat_n(value, header >> 1));
                at += bytes_of_value;
            } else {
                for index in 0..(header >> 1) * 8 {
                    let first = at * 8 + index * width as usize;
                    values.push((0..width).fold(0, |sum, place| sum | bit(first + place as usize) << place));
                }
                at += (header >> 1) * width as usize;
            }
        }
        assert!(values.len() >= len && values[len..].iter().all(|padding| *padding == 0));
        values.truncate(len);
        values
    }

    #[test]
    fn values_are_read_back_whatever_the_lengths_of_their_runs() {
        for width in [0, 1, 3, 5, 8, 11, 20] {
            let most = (1_u32 << width) - 1;
            for lengths in [
                vec![1],
                vec![7],
                vec![8],
                vec![9, 1, 8, 3],
                vec![5, 3, 16, 1, 1, 1],
                vec![1; 600],
                vec![300, 2, 70_000],
            ] {
                let mut encoder = Hybrid::new(width);
                let mut expected = Vec::new();
                for (number, &length) in lengths.iter().enumerate() {
                    let value = most & (number as u32).wrapping_mul(0x9e37_79b9) >> 3;
                    encoder.put(value, length);
                    expected.extend(std::iter::repeat_n(value, length));
                }
                assert_eq!(decoded(&encoder.finish(), width, expected.len()), expected, "{width} bits, {lengths:?}");
            }
        }
    }
}
