//! An encoder of XOR2 chunks for tests, bit by bit from the description of the format.

use super::encode::Bits;

const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Largest number of the first sample with a start timestamp.
const LAST_FIRST_START: usize = 127;

/// A sample with its start timestamp, 0 if it has none.
#[derive(Clone, Copy, Debug)]
pub(in crate::sources) struct Started {
    pub(in crate::sources) start: i64,
    pub(in crate::sources) time: i64,
    pub(in crate::sources) value: f64,
}

/// What a sample refers to.
#[derive(Default)]
struct Encoder {
    bits: Bits,
    /// Bits of the last value that was not stale.
    baseline: u64,
    window: Option<(u32, u32)>,
}

impl Encoder {
    /// A value after a prefix for each way to write it: unchanged, in the last window, in a new one, and stale. The
    /// first and the last are `None` where the bits before exclude them.
    fn value(&mut self, value: f64, prefixes: [Option<&str>; 4]) {
        let [same, reuse, new, stale] = prefixes;
        let xor = value.to_bits() ^ self.baseline;
        let (leading, trailing) = (xor.leading_zeros().min(31), xor.trailing_zeros());
        if value.to_bits() == STALE {
            return self.prefix(stale);
        }
        self.baseline = value.to_bits();
        match self.window {
            _ if xor == 0 => self.prefix(same),
            Some((above, below)) if leading >= above && trailing >= below => {
                self.prefix(reuse);
                self.bits.put(xor >> below, 64 - above - below);
            }
            _ => {
                self.prefix(new);
                let significant = 64 - leading - trailing;
                self.bits.put(u64::from(leading) << 6 | u64::from(significant % 64), 11);
                self.bits.put(xor >> trailing, significant);
                self.window = Some((leading, trailing));
            }
        }
    }

    fn prefix(&mut self, prefix: Option<&str>) {
        for bit in prefix.expect("a prefix for this kind of value").bytes() {
            self.bits.put(u64::from(bit - b'0'), 1);
        }
    }

    /// Time and value of the third sample or a later one.
    fn joint(&mut self, difference: i64, value: f64) {
        const LATER: [Option<&str>; 4] = [Some("0"), Some("10"), Some("110"), Some("111")];
        match difference {
            0 => return self.value(value, [Some("0"), Some("100"), Some("101"), Some("11111")]),
            -4096..=4095 => {
                self.prefix(Some("110"));
                self.bits.put(difference as u64, 13);
            }
            -524_288..=524_287 => {
                self.prefix(Some("1110"));
                self.bits.put(difference as u64, 20);
            }
            _ => {
                self.prefix(Some("11110"));
                self.bits.put(difference as u64, 64);
            }
        }
        self.value(value, LATER);
    }

    /// A start timestamp, as its difference to the one before.
    fn start(&mut self, difference: i64) {
        const WIDTHS: [u32; 8] = [0, 3, 6, 9, 12, 18, 25, 56];
        let fits = |width: u32| match width {
            0 => difference == 0,
            _ => difference > -(1 << (width - 1)) && difference <= 1 << (width - 1),
        };
        let ones = WIDTHS.iter().position(|width| fits(*width));
        let (ones, width) = ones.map_or((8, 64), |ones| (ones, WIDTHS[ones]));
        (0..ones).for_each(|_| self.bits.put(1, 1));
        if ones < 8 {
            self.bits.put(0, 1);
        }
        self.bits.put(difference as u64, width);
    }

    fn varint(&mut self, value: i64) {
        self.bits.uvarint((value << 1 ^ value >> 63) as u64);
    }
}

/// The data of a chunk with these samples, at most 65,535.
pub(in crate::sources) fn chunk(samples: &[Started]) -> Vec<u8> {
    let mut encoder = Encoder::default();
    // The sample with this number changes its start first, or is the last one that the header can name.
    let changed = samples.windows(2).position(|pair| pair[0].start != pair[1].start).map(|before| before + 1);
    let forced = (samples.len() > LAST_FIRST_START).then_some(LAST_FIRST_START);
    let from = changed.into_iter().chain(forced).min();
    let known = samples.first().is_some_and(|sample| sample.start != 0);
    encoder.bits.put(samples.len() as u64, 16);
    encoder.bits.put(u64::from(known) << 7 | from.unwrap_or(0) as u64, 8);
    let (mut delta, mut distance) = (0_i64, 0_i64);
    for (number, sample) in samples.iter().enumerate() {
        let before = samples[number.saturating_sub(1)].time;
        let next = sample.time.wrapping_sub(before);
        match number {
            0 => {
                encoder.varint(sample.time);
                encoder.bits.put(sample.value.to_bits(), 64);
                encoder.baseline = if sample.value.to_bits() == STALE { 0 } else { sample.value.to_bits() };
                if known {
                    encoder.varint(sample.time.wrapping_sub(sample.start));
                }
            }
            1 => {
                encoder.bits.uvarint(next as u64);
                encoder.value(sample.value, [Some("0"), Some("10"), Some("110"), Some("111")]);
            }
            _ => encoder.joint(next.wrapping_sub(delta), sample.value),
        }
        if from.is_some_and(|from| number >= from) {
            let now = before.wrapping_sub(sample.start);
            encoder.start(now.wrapping_sub(distance));
            distance = now;
        }
        delta = if number == 0 { 0 } else { next };
    }
    encoder.bits.bytes()
}
