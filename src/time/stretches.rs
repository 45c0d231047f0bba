//! Sets of steps as ascending ranges of indices, and sets of instants as ascending time ranges.

use std::ops::Range;

use super::TimeRange;

/// Joins ascending step indices into ranges of consecutive steps.
pub fn stretches(ascending: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for step in ascending {
        match stretches.last_mut() {
            Some(last) if last.end == step => last.end += 1,
            _ => stretches.push(step..step + 1),
        }
    }
    stretches
}

/// The union of ranges of steps, as ascending ranges that do not touch. The given ranges may overlap
/// and be in any order.
pub fn union<'a>(of: impl IntoIterator<Item = &'a Range<usize>>) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = of.into_iter().filter(|stretch| !stretch.is_empty()).cloned().collect();
    all.sort_unstable_by_key(|stretch| stretch.start);
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(all.len());
    for stretch in all {
        match joined.last_mut() {
            Some(last) if last.end >= stretch.start => last.end = last.end.max(stretch.end),
            _ => joined.push(stretch),
        }
    }
    joined
}

/// The union of time ranges, as ascending ranges that do not touch. The given ranges may overlap
/// and be in any order.
pub fn union_of_ranges(of: impl IntoIterator<Item = TimeRange>) -> Vec<TimeRange> {
    let mut all: Vec<TimeRange> = of.into_iter().filter(|range| range.start_ms < range.end_ms).collect();
    all.sort_unstable_by_key(|range| range.start_ms);
    let mut joined: Vec<TimeRange> = Vec::with_capacity(all.len());
    for range in all {
        match joined.last_mut() {
            Some(last) if last.end_ms >= range.start_ms => *last = last.hull(range),
            _ => joined.push(range),
        }
    }
    joined
}

/// The number of `steps` that lie in `stretches`, whose ranges must not overlap.
pub fn count_within(stretches: &[Range<usize>], steps: &Range<usize>) -> usize {
    stretches.iter().map(|s| s.end.min(steps.end).saturating_sub(s.start.max(steps.start))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_and_counted_within_bounds() {
        assert_eq!(stretches([1, 2, 5].into_iter()), [1..3, 5..6]);
        let both = union(&[2..4, 4..5, 1..3, 8..9, 7..7]);
        assert_eq!(both, [1..5, 8..9]);
        assert_eq!([0..2, 2..9, 9..20].map(|steps| count_within(&both, &steps)), [1, 4, 0]);
    }
}
