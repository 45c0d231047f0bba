//! The chunk of a series that is not complete.

use super::encode::MOST_SAMPLES;

/// Samples by time, and the lines of the dump that they are from.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) times_ms: Vec<i64>,
    pub(super) values: Vec<f64>,
    /// Line of the first sample that was added, counted from 1.
    pub(super) first_line: u64,
    /// Line of the last one.
    pub(super) last_line: u64,
}

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Added {
    /// It was added.
    New,
    /// It was there already.
    Known,
    /// There is another value at this time.
    Conflict(f64),
}

impl Open {
    pub(super) fn len(&self) -> usize {
        self.times_ms.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.times_ms.len() >= MOST_SAMPLES
    }

    /// Adds a sample after all others, if it is.
    #[inline(always)]
    pub(super) fn push(&mut self, line: u64, time_ms: i64, value: f64) -> bool {
        let Some(last) = self.times_ms.last() else {
            self.first_line = line;
            self.add(self.times_ms.len(), line, time_ms, value);
            return true;
        };
        if *last >= time_ms {
            return false;
        }
        self.times_ms.push(time_ms);
        self.values.push(value);
        self.last_line = line;
        true
    }

    /// Adds a sample between the others.
    pub(super) fn insert(&mut self, line: u64, time_ms: i64, value: f64) -> Added {
        match self.times_ms.binary_search(&time_ms) {
            Ok(index) if self.values[index].to_bits() == value.to_bits() => Added::Known,
            Ok(index) => Added::Conflict(self.values[index]),
            Err(index) => {
                self.add(index, line, time_ms, value);
                Added::New
            }
        }
    }

    fn add(&mut self, index: usize, line: u64, time_ms: i64, value: f64) {
        self.times_ms.insert(index, time_ms);
        self.values.insert(index, value);
        self.last_line = line;
    }

    /// Removes all samples, and keeps the memory for the next ones.
    pub(super) fn clear(&mut self) {
        self.times_ms.clear();
        self.values.clear();
    }
}
