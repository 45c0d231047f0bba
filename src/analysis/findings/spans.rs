//! Operations on sets of instants, stored as sorted time ranges that neither overlap nor touch.

use crate::time::TimeRange;
pub(super) use crate::time::union_of_ranges as union;

/// Merges ranges that overlap, in order of time. Ranges that only touch stay apart, unlike in [`union`].
pub(super) fn overlapping(ranges: impl IntoIterator<Item = TimeRange>) -> Vec<TimeRange> {
    let mut ranges: Vec<TimeRange> = ranges.into_iter().collect();
    ranges.sort_unstable_by_key(|range| (range.start_ms, range.end_ms));
    let mut merged: Vec<TimeRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start_ms < last.end_ms => last.end_ms = last.end_ms.max(range.end_ms),
            _ => merged.push(range),
        }
    }
    merged
}

/// The intersection of two sets.
pub(super) fn both(a: &[TimeRange], b: &[TimeRange]) -> Vec<TimeRange> {
    let (mut i, mut j) = (0, 0);
    let mut common = Vec::new();
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        common.extend(x.intersect(*y));
        if x.end_ms <= y.end_ms { i += 1 } else { j += 1 }
    }
    common
}

/// The parts of a set within a range. As [`both`], and does not look at the ranges before it.
pub(super) fn parts_within(set: &[TimeRange], range: TimeRange) -> impl Iterator<Item = TimeRange> {
    let from = set.partition_point(|one| one.end_ms <= range.start_ms);
    let touched = set[from..].iter().take_while(move |one| one.start_ms < range.end_ms);
    touched.filter_map(move |one| one.intersect(range))
}

/// The parts of `from` outside of `taken`; both are sorted and without overlaps.
pub(super) fn without(from: &[TimeRange], taken: &[TimeRange]) -> Vec<TimeRange> {
    let mut left = Vec::new();
    for range in from {
        let mut start_ms = range.start_ms;
        let first = taken.partition_point(|t| t.end_ms <= range.start_ms);
        for t in taken[first..].iter().take_while(|t| t.start_ms < range.end_ms) {
            if start_ms < t.start_ms {
                left.push(TimeRange { start_ms, end_ms: t.start_ms });
            }
            start_ms = start_ms.max(t.end_ms);
        }
        if start_ms < range.end_ms {
            left.push(TimeRange { start_ms, end_ms: range.end_ms });
        }
    }
    left
}

/// The most sets that contain the same instant within `range`.
pub(super) fn most_at_once(sets: &[Vec<TimeRange>], range: TimeRange) -> usize {
    let within = |at: i64| sets.iter().filter(|set| set.iter().any(|s| s.start_ms <= at && at < s.end_ms)).count();
    let starts = sets.iter().flatten().map(|span| span.start_ms.max(range.start_ms));
    starts.filter(|at| *at < range.end_ms).map(within).max().unwrap_or(0)
}

/// Total length of all stretches, in milliseconds.
pub(super) fn length(stretches: &[TimeRange]) -> i64 {
    stretches.iter().map(|s| s.end_ms - s.start_ms).sum()
}

/// Total length within `range`, in milliseconds.
pub(super) fn length_within(stretches: &[TimeRange], range: TimeRange) -> i64 {
    parts_within(stretches, range).map(|s| s.end_ms - s.start_ms).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start_ms: i64, end_ms: i64) -> TimeRange {
        TimeRange { start_ms, end_ms }
    }

    #[test]
    fn union_intersection_and_length_of_sets_are_right() {
        let a = union([span(5, 7), span(1, 3), span(3, 4), span(9, 9)]);
        assert_eq!(a, [span(1, 4), span(5, 7)]);
        assert_eq!(both(&a, &[span(2, 6)]), [span(2, 4), span(5, 6)]);
        for range in (0..9).flat_map(|start| (start + 1..12).map(move |end| span(start, end))) {
            assert_eq!(parts_within(&a, range).collect::<Vec<_>>(), both(&a, &[range]), "{range:?}");
        }
        assert_eq!(both(&a, &[]), []);
        let touching = [span(4, 6), span(1, 3), span(3, 4), span(5, 7), span(2, 3)];
        assert_eq!(overlapping(touching), [span(1, 3), span(3, 4), span(4, 7)]);
        assert_eq!((length(&a), length_within(&a, span(3, 6)), length_within(&a, span(8, 9))), (5, 2, 0));
    }
}
