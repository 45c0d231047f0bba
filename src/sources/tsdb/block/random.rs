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
}
