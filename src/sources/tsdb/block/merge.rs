//! Merges the samples that several blocks have of the same series.

use super::samples::Samples;

/// Two values of one series at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Conflict {
    /// Time of both samples, in milliseconds since 1970.
    pub at_ms: i64,
    /// The value of the earlier argument, which is kept.
    pub kept: f64,
    /// The value of the later argument.
    pub dropped: f64,
}

/// Merged samples, and what contradicts itself in them.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// All samples by time.
    pub samples: Samples,
    /// How many values were dropped because another value with different bits has the same time.
    pub conflicts: u64,
    /// The first conflict that was found, which need not be the earliest.
    pub example: Option<Conflict>,
}

/// Merges samples of one series by time. Equal samples become one.
pub fn merge(parts: impl IntoIterator<Item = Samples>) -> Merged {
    let mut merged = Merged::default();
    for part in parts {
        merged.add(part);
    }
    merged
}

impl Merged {
    fn add(&mut self, part: Samples) {
        if self.samples.is_empty() {
            self.samples = part;
            return;
        }
        let Some(first) = part.times_ms.first() else { return };
        // What is before the part stays as it is; of blocks that follow each other, that is all.
        let start = self.samples.times_ms.partition_point(|time| time < first);
        let overlap =
            Samples { times_ms: self.samples.times_ms.split_off(start), values: self.samples.values.split_off(start) };
        self.merge_sorted(&overlap, &part);
    }

    fn merge_sorted(&mut self, one: &Samples, other: &Samples) {
        let (mut left, mut right) = (0, 0);
        while left < one.len() && right < other.len() {
            let (time, value) = (one.times_ms[left], one.values[left]);
            let (other_time, other_value) = (other.times_ms[right], other.values[right]);
            if time <= other_time {
                self.samples.push(time, value);
                left += 1;
            } else {
                self.samples.push(other_time, other_value);
            }
            if time >= other_time {
                right += 1;
            }
            if time == other_time && value.to_bits() != other_value.to_bits() {
                self.conflicts += 1;
                self.example.get_or_insert(Conflict { at_ms: time, kept: value, dropped: other_value });
            }
        }
        self.samples.extend(one, left..one.len());
        self.samples.extend(other, right..other.len());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn samples(list: &[(i64, f64)]) -> Samples {
        let (times_ms, values) = list.iter().copied().unzip();
        Samples { times_ms, values }
    }

    #[test]
    fn equal_samples_become_one_and_different_ones_are_counted() {
        let merged = merge([
            samples(&[(1, 1.0), (3, f64::NAN), (5, 5.0)]),
            samples(&[]),
            samples(&[(0, 0.0), (3, f64::NAN), (5, 6.0), (7, 7.0)]),
            samples(&[(7, -7.0), (8, 8.0)]),
        ]);
        let expected = [(0, 0.0), (1, 1.0), (3, f64::NAN), (5, 5.0), (7, 7.0), (8, 8.0)];
        assert_eq!(merged.samples, samples(&expected));
        assert_eq!(merged.conflicts, 2);
        let conflict = merged.example.map(|conflict| (conflict.at_ms, conflict.kept, conflict.dropped));
        assert_eq!(conflict, Some((5, 5.0, 6.0)));
        assert_eq!(merge([samples(&[(1, 0.0)]), samples(&[(1, -0.0)])]).conflicts, 1);
        assert!(merge([]).samples.is_empty());
    }

    #[test]
    fn merging_is_the_union_by_time() {
        let mut random = 1_u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % below
        };
        for _ in 0..500 {
            let mut expected = BTreeMap::new();
            let parts: Vec<Samples> = (0..next(5))
                .map(|_| {
                    let list: BTreeMap<i64, f64> =
                        (0..next(30)).map(|_| next(60) as i64).map(|time| (time, time as f64)).collect();
                    expected.extend(list.clone());
                    samples(&list.into_iter().collect::<Vec<_>>())
                })
                .collect();
            let merged = merge(parts);
            assert_eq!(merged.samples, samples(&expected.into_iter().collect::<Vec<_>>()));
            assert_eq!(merged.conflicts, 0);
        }
    }
}
