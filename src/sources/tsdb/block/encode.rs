//! An encoder of XOR chunks for tests, bit by bit from the description of the format.

/// Bits that become bytes.
#[derive(Default)]
pub(super) struct Bits(Vec<bool>);

impl Bits {
    pub(super) fn put(&mut self, value: u64, width: u32) {
        self.0.extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
    }

    pub(super) fn uvarint(&mut self, mut value: u64) {
        while value > 127 {
            self.put(value & 127 | 128, 8);
            value >>= 7;
        }
        self.put(value, 8);
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.chunks(8).map(|bits| bits.iter().enumerate().map(|(at, bit)| u8::from(*bit) << (7 - at)).sum()).collect()
    }

    /// A difference of differences.
    fn difference(&mut self, value: i64) {
        let fits = |bits: u32| value > -(1 << (bits - 1)) && value <= 1 << (bits - 1);
        match () {
            () if value == 0 => self.put(0, 1),
            () if fits(14) => self.put(0b10, 2),
            () if fits(17) => self.put(0b110, 3),
            () if fits(20) => self.put(0b1110, 4),
            () => self.put(0b1111, 4),
        }
        match () {
            () if value == 0 => {}
            () if fits(14) => self.put(value as u64, 14),
            () if fits(17) => self.put(value as u64, 17),
            () if fits(20) => self.put(value as u64, 20),
            () => self.put(value as u64, 64),
        }
    }

    /// A value, given the one before and the last window of significant bits.
    fn value(&mut self, xor: u64, window: &mut Option<(u32, u32)>) {
        if xor == 0 {
            return self.put(0, 1);
        }
        let (leading, trailing) = (xor.leading_zeros().min(31), xor.trailing_zeros());
        match *window {
            Some((old_leading, old_trailing)) if leading >= old_leading && trailing >= old_trailing => {
                self.put(0b10, 2);
                self.put(xor >> old_trailing, 64 - old_leading - old_trailing);
            }
            _ => {
                let significant = 64 - leading - trailing;
                self.put(0b11, 2);
                self.put(u64::from(leading), 5);
                self.put(u64::from(significant), 6);
                self.put(xor >> trailing, significant);
                *window = Some((leading, trailing));
            }
        }
    }
}

/// The data of a chunk with these samples, at most 65,535.
pub(in crate::sources) fn chunk(samples: &[(i64, f64)]) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(samples.len() as u64, 16);
    let (mut time, mut value, mut delta, mut window) = (0_i64, 0.0_f64, 0_i64, None);
    for (index, (next_time, next_value)) in samples.iter().enumerate() {
        let next_delta = next_time.wrapping_sub(time);
        match index {
            0 => bits.uvarint((next_time << 1 ^ next_time >> 63) as u64),
            1 => bits.uvarint(next_delta as u64),
            _ => bits.difference(next_delta.wrapping_sub(delta)),
        }
        if index == 0 {
            bits.put(next_value.to_bits(), 64);
        } else {
            bits.value(next_value.to_bits() ^ value.to_bits(), &mut window);
        }
        (time, value, delta) = (*next_time, *next_value, next_delta);
    }
    bits.bytes()
}
