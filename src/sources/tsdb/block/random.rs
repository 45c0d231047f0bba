//! Reproducible random numbers for tests (splitmix64).

/// The state of the generator: any number is a seed.
pub(in crate::sources) struct Random(pub(in crate::sources) u64);

impl Random {
    pub(in crate::sources) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`.
    pub(in crate::sources) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Fewer samples than `end`, with every width of times and values.
    pub(in crate::sources) fn samples(&mut self, end: u64) -> Vec<(i64, f64)> {
        let (kind, shape) = (self.below(6), self.below(6));
        let (mut time, mut value) = (self.next() as i64 >> (1 + self.below(60)), 0.0_f64);
        let mut list = Vec::new();
        for _ in 0..self.below(end) {
            let gap = match kind {
                0 => 15_000,
                1 => 15_000 + self.below(20),
                2 => 1 + self.below(20_000),
                3 => 1 + self.below(200_000),
                4 => 1 + self.below(2_000_000),
                _ => 1 + (self.next() >> (20 + self.below(44))),
            };
            let Some(next) = time.checked_add_unsigned(gap) else { break };
            time = next;
            value = match shape {
                0 => value,
                1 => value + self.below(9) as f64,
                2 => f64::from_bits(self.next()),
                3 => f64::from_bits(value.to_bits() ^ self.next() >> self.below(64) << self.below(64)),
                4 => {
                    [f64::NAN, f64::INFINITY, -0.0, 0.0, f64::from_bits(0x7ff0_0000_0000_0002)][self.below(5) as usize]
                }
                _ => self.next() as f64 * 1e-19,
            };
            list.push((time, value));
        }
        list
    }

    /// Changes some of the bytes, up to `most` if they are next to each other.
    pub(in crate::sources) fn damage(&mut self, bytes: &mut Vec<u8>, most: u64) -> Damage {
        let length = bytes.len();
        let at = self.below(length as u64) as usize;
        let end = (at + 1 + self.below(most) as usize).min(length);
        let kind = match self.below(8) {
            0 => {
                bytes.truncate(at);
                "cut"
            }
            1 => {
                bytes[at..end].fill([0, 255][self.below(2) as usize]);
                "filled"
            }
            2 => {
                bytes.drain(at..end);
                "removed"
            }
            3 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
                "repeated"
            }
            4 => {
                bytes[at..end].reverse();
                "reversed"
            }
            5 => {
                bytes[at] = self.next() as u8;
                "replaced"
            }
            _ => {
                bytes[at] ^= 1 << self.below(8);
                "flipped"
            }
        };
        Damage { kind, at, end, length }
    }
}

/// What was done to some bytes.
pub(in crate::sources) struct Damage {
    pub(in crate::sources) kind: &'static str,
    at: usize,
    /// The first byte after those that may have changed, unless the rest was cut.
    pub(in crate::sources) end: usize,
    /// Bytes before the damage.
    pub(in crate::sources) length: usize,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, at, end, length } = self;
        write!(formatter, "{kind} at {at}, up to {end}, of {length}")
    }
}
