//! Samples of one series.

use std::ops::Range;

/// Times and values of equal length, by time.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Milliseconds since 1970, in ascending order without repetition.
    pub times_ms: Vec<i64>,
    /// The values with all their bits: a stale marker is the NaN 7ff0000000000002.
    pub values: Vec<f64>,
}

impl Samples {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.times_ms.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.times_ms.is_empty()
    }

    /// The samples in a half-open range of times.
    pub(in crate::sources) fn within(&self, range_ms: &Range<i64>) -> Self {
        let start = self.times_ms.partition_point(|time| *time < range_ms.start);
        let end = self.times_ms.partition_point(|time| *time < range_ms.end).max(start);
        Self { times_ms: self.times_ms[start..end].to_vec(), values: self.values[start..end].to_vec() }
    }

    /// Times and values.
    pub fn iter(&self) -> impl Iterator<Item = (i64, f64)> {
        self.times_ms.iter().copied().zip(self.values.iter().copied())
    }

    pub(in crate::sources) fn push(&mut self, time_ms: i64, value: f64) {
        self.times_ms.push(time_ms);
        self.values.push(value);
    }

    /// Adds samples of another series or chunk at the end.
    pub(in crate::sources) fn extend(&mut self, other: &Self, range: Range<usize>) {
        self.times_ms.extend_from_slice(&other.times_ms[range.clone()]);
        self.values.extend_from_slice(&other.values[range]);
    }

    /// Removes the samples from an index on that are outside of a half-open range of times.
    pub(in crate::sources) fn trim_from(&mut self, from: usize, range_ms: &Range<i64>) {
        let times = &self.times_ms[from..];
        let start = from + times.partition_point(|time| *time < range_ms.start);
        let end = from + times.partition_point(|time| *time < range_ms.end);
        self.times_ms.truncate(end.max(start));
        self.values.truncate(end.max(start));
        self.times_ms.drain(from..start);
        self.values.drain(from..start);
    }

    /// Removes the samples in an inclusive range of times.
    pub(in crate::sources) fn remove(&mut self, first_ms: i64, last_ms: i64) {
        let start = self.times_ms.partition_point(|time| *time < first_ms);
        let end = self.times_ms.partition_point(|time| *time <= last_ms);
        if start < end {
            self.times_ms.drain(start..end);
            self.values.drain(start..end);
        }
    }
}

/// Whether times and all bits of the values are equal: a NaN equals itself, and -0 is not 0.
impl PartialEq for Samples {
    fn eq(&self, other: &Self) -> bool {
        let bits = |samples: &Self| samples.values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        self.times_ms == other.times_ms && bits(self) == bits(other)
    }
}

impl From<Samples> for (Vec<i64>, Vec<f64>) {
    fn from(samples: Samples) -> Self {
        (samples.times_ms, samples.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(times: &[i64]) -> Samples {
        Samples { times_ms: times.to_vec(), values: times.iter().map(|time| *time as f64).collect() }
    }

    #[test]
    fn the_end_of_a_range_is_excluded_and_that_of_a_removal_included() {
        let trimmed = |from, range| {
            let mut samples = samples(&[1, 3, 5, 7]);
            samples.trim_from(from, &range);
            samples.times_ms
        };
        assert_eq!(trimmed(0, 3..7), [3, 5]);
        assert_eq!(trimmed(1, 4..100), [1, 5, 7]);
        assert_eq!(trimmed(4, 0..0), [1, 3, 5, 7]);
        assert!(trimmed(0, 8..9).is_empty());
        assert_eq!(trimmed(0, i64::MIN..i64::MAX), [1, 3, 5, 7]);
        let removed = |first, last| {
            let mut samples = samples(&[1, 3, 5, 7]);
            samples.remove(first, last);
            (samples.times_ms, samples.values)
        };
        assert_eq!(removed(3, 5), (vec![1, 7], vec![1.0, 7.0]));
        assert!(removed(i64::MIN, i64::MAX).0.is_empty());
        assert_eq!(removed(4, 4).0, [1, 3, 5, 7]);
        assert_eq!(removed(5, 3).0, [1, 3, 5, 7]);
    }

    #[test]
    fn equality_is_that_of_bits() {
        let one = |value| Samples { times_ms: vec![1], values: vec![value] };
        assert_eq!(one(f64::NAN), one(f64::NAN));
        assert_ne!(one(f64::NAN), one(f64::from_bits(0x7ff0_0000_0000_0002)));
        assert_ne!(one(0.0), one(-0.0));
    }
}
