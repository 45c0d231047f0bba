//! Numbers of series in the logs, and what they lead to.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// What a reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Index of the metric.
    pub(super) metric: u32,
    /// Index of the stream of a wanted series.
    pub(super) stream: Option<u32>,
}

/// All references of a head. A server has millions of them, and each sample is looked up.
pub(super) type References = HashMap<u64, Target, BuildHasherDefault<Spread>>;

/// Spreads numbers that are mostly consecutive. SipHash takes longer than the rest of reading a sample.
#[derive(Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // The map uses the upper and the lower bits.
        self.0 = mixed ^ mixed >> 32;
    }
}
