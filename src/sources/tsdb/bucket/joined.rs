//! Which ranges of a file are read by one request.

use std::ops::Range;

/// Largest distance of ranges that are read together. What lies between takes less time than another request.
const GAP: u64 = 512 << 10;

/// Most bytes of one request.
pub(super) const LARGEST: u64 = 8 << 20;

/// Joins ranges that are near each other. The result is in ascending order.
pub(super) fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP) => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// Splits a range into requests.
pub(super) fn pieces(range: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<> {
    let end = range.end;
    (range.start..end).step_by(LARGEST as usize).map(move |start| start..(start + LARGEST).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_near_each_other_are_one() {
        let far = 10 * GAP;
        let ranges = vec![far..far + 10, 0..10, 5..8, 10 + GAP..20 + GAP, 21 + 2 * GAP..30 + 2 * GAP];
        assert_eq!(joined(ranges), [0..20 + GAP, 21 + 2 * GAP..30 + 2 * GAP, far..far + 10]);
        assert!(joined(Vec::new()).is_empty());
    }

    #[test]
    fn a_long_range_is_several_requests() {
        let range = 5..5 + 2 * LARGEST + 1;
        let split: Vec<Range<u64>> = pieces(&range).collect();
        assert_eq!(split, [5..5 + LARGEST, 5 + LARGEST..5 + 2 * LARGEST, 5 + 2 * LARGEST..6 + 2 * LARGEST]);
        assert_eq!(pieces(&(3..4)).collect::<Vec<_>>(), [Range { start: 3, end: 4 }]);
    }
}
