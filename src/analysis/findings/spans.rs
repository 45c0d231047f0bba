//! Sets of instants as ascending stretches of time that do not touch.

use crate::time::TimeRange;
pub(super) use crate::time::union_of_ranges as union;

/// The instants that lie in both.
pub(super) fn both(a: &[TimeRange], b: &[TimeRange]) -> Vec<TimeRange> {
    let (mut i, mut j) = (0, 0);
    let mut common = Vec::new();
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        common.extend(x.intersect(*y));
        if x.end_ms <= y.end_ms { i += 1 } else { j += 1 }
    }
    common
}

/// How long they are together.
pub(super) fn length(stretches: &[TimeRange]) -> i64 {
    stretches.iter().map(|s| s.end_ms - s.start_ms).sum()
}

/// How long they are together within `range`.
pub(super) fn length_within(stretches: &[TimeRange], range: TimeRange) -> i64 {
    let from = stretches.partition_point(|s| s.end_ms <= range.start_ms);
    let touched = stretches[from..].iter().take_while(|s| s.start_ms < range.end_ms);
    touched.filter_map(|s| s.intersect(range)).map(|s| s.end_ms - s.start_ms).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start_ms: i64, end_ms: i64) -> TimeRange {
        TimeRange { start_ms, end_ms }
    }

    #[test]
    fn sets_of_instants_join_and_meet() {
        let a = union([span(5, 7), span(1, 3), span(3, 4), span(9, 9)]);
        assert_eq!(a, [span(1, 4), span(5, 7)]);
        assert_eq!(both(&a, &[span(2, 6)]), [span(2, 4), span(5, 6)]);
        assert_eq!(both(&a, &[]), []);
        assert_eq!((length(&a), length_within(&a, span(3, 6)), length_within(&a, span(8, 9))), (5, 2, 0));
    }
}
