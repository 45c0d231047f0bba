//! Encodes XOR chunks as Prometheus does: the same bytes as its own encoder for the same samples.

/// Most samples in a chunk: four hours at an interval of 30 seconds. More would not compress better, and make small ranges
/// slower to read.
pub(super) const MOST_SAMPLES: usize = 480;

/// Fewest bits of leading zeroes that have no place in their five bits.
const MOST_LEADING: u32 = 31;

/// Bits that are appended to bytes.
struct Bits<'a> {
    bytes: &'a mut Vec<u8>,
    /// Bits that do not fill eight bytes yet, from the most significant one on.
    word: u64,
    /// How many there are, at most 63.
    used: u32,
}

impl Bits<'_> {
    /// Appends the `width` lowest bits of a value that has no others: 1 to 64.
    #[inline(always)]
    fn put(&mut self, value: u64, width: u32) {
        let free = 64 - self.used;
        if width < free {
            self.word |= value << (free - width);
            self.used += width;
            return;
        }
        let rest = width - free;
        let full = self.word | value >> rest;
        self.bytes.extend_from_slice(&full.to_be_bytes());
        // The upper bits of the value were written; a shift by 64 is not defined.
        self.word = if rest == 0 { 0 } else { value << (64 - rest) };
        self.used = rest;
    }

    /// Appends two values, at once if they are short enough.
    #[inline(always)]
    fn put_two(&mut self, one: u64, one_width: u32, other: u64, other_width: u32) {
        if one_width + other_width <= 64 {
            return self.put(one << other_width | other, one_width + other_width);
        }
        self.put(one, one_width);
        self.put(other, other_width);
    }

    /// Writes the bits that are left, and zeroes up to a full byte.
    fn finish(self) {
        let bytes = self.used.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.word.to_be_bytes()[..bytes]);
    }
}

/// The sample before the next one, and the last window of significant bits.
struct State {
    time_ms: i64,
    delta: i64,
    value: u64,
    /// Zeroes above and below the significant bits; at first more than any value has.
    leading: u32,
    trailing: u32,
}

/// Appends the chunk of samples to `bytes`. Times must ascend; there are at most [`MOST_SAMPLES`], and as many values.
pub(super) fn chunk(times_ms: &[i64], values: &[f64], bytes: &mut Vec<u8>) {
    let count = u16::try_from(times_ms.len()).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&count.to_be_bytes());
    let mut samples = times_ms.iter().copied().zip(values.iter().map(|value| value.to_bits()));
    let Some((first_ms, first)) = samples.next() else { return };
    uvarint((first_ms << 1 ^ first_ms >> 63) as u64, bytes);
    bytes.extend_from_slice(&first.to_be_bytes());
    let mut state = State { time_ms: first_ms, delta: 0, value: first, leading: 64, trailing: 64 };
    let Some((second_ms, second)) = samples.next() else { return };
    state.delta = second_ms.wrapping_sub(first_ms);
    state.time_ms = second_ms;
    uvarint(state.delta as u64, bytes);
    let mut bits = Bits { bytes, word: 0, used: 0 };
    state.put_value(second, &mut bits);
    for (time_ms, value) in samples {
        if time_ms.wrapping_sub(state.time_ms) == state.delta && value == state.value {
            // Same difference of times, same value.
            state.time_ms = time_ms;
            bits.put(0, 2);
            continue;
        }
        state.put_time(time_ms, &mut bits);
        state.put_value(value, &mut bits);
    }
    bits.finish();
}

impl State {
    /// Appends a time as the difference of its difference.
    #[inline(always)]
    fn put_time(&mut self, time_ms: i64, bits: &mut Bits<'_>) {
        let delta = time_ms.wrapping_sub(self.time_ms);
        let change = delta.wrapping_sub(self.delta);
        (self.time_ms, self.delta) = (time_ms, delta);
        if change == 0 {
            return bits.put(0, 1);
        }
        for (width, prefix, prefix_width) in [(14, 0b10, 2), (17, 0b110, 3), (20, 0b1110, 4)] {
            let half = 1_i64 << (width - 1);
            if change > -half && change <= half {
                let low = change as u64 & ((1 << width) - 1);
                return bits.put(prefix << width | low, prefix_width + width);
            }
        }
        bits.put(0b1111, 4);
        bits.put(change as u64, 64);
    }

    /// Appends a value as its difference in bits from the one before.
    #[inline(always)]
    fn put_value(&mut self, value: u64, bits: &mut Bits<'_>) {
        let xor = value ^ self.value;
        self.value = value;
        if xor == 0 {
            return bits.put(0, 1);
        }
        let (leading, trailing) = (xor.leading_zeros().min(MOST_LEADING), xor.trailing_zeros());
        if leading >= self.leading && trailing >= self.trailing {
            return bits.put_two(0b10, 2, xor >> self.trailing, 64 - self.leading - self.trailing);
        }
        (self.leading, self.trailing) = (leading, trailing);
        let significant = 64 - leading - trailing;
        // 64 does not fit into six bits, and is written as 0.
        let window = 0b11 << 11 | u64::from(leading) << 6 | u64::from(significant & 63);
        bits.put_two(window, 13, xor >> trailing, significant);
    }
}

/// Appends an integer, seven bits a byte, least significant first.
fn uvarint(mut value: u64, bytes: &mut Vec<u8>) {
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
}
