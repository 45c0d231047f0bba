//! The samples in the range of a range selector, which slides with the evaluation time.

use std::ops::Range;

use super::Version;

/// The indices of the samples in `range_ms` before each evaluation time. Each sample enters and leaves once.
pub(super) struct Windows<'a> {
    timestamps_ms: &'a [i64],
    range_ms: i64,
    left_open: bool,
    window: Range<usize>,
}

impl<'a> Windows<'a> {
    pub(super) fn new(timestamps_ms: &'a [i64], range_ms: i64, version: Version) -> Self {
        Self { timestamps_ms, range_ms, left_open: version.has_left_open_ranges(), window: 0..0 }
    }

    /// The samples in the range that ends at `time_ms`, inclusive. Times must ascend from call to call.
    pub(super) fn until(&mut self, time_ms: i64) -> Range<usize> {
        let start_ms = time_ms.saturating_sub(self.range_ms);
        let left_open = self.left_open;
        self.window.end = first_index(self.timestamps_ms, self.window.end, |t| t <= time_ms);
        self.window.start =
            first_index(self.timestamps_ms, self.window.start, |t| t < start_ms || (left_open && t == start_ms));
        // A range of zero is empty from 3.0 on: its start has passed its end.
        self.window.start.min(self.window.end)..self.window.end
    }
}

/// The index of the first timestamp from `from` on that is not `before`. Doubles its stride until it is past, so
/// neither a close nor a distant index takes many comparisons.
pub(super) fn first_index(timestamps_ms: &[i64], from: usize, before: impl Fn(i64) -> bool) -> usize {
    let rest = &timestamps_ms[from..];
    let mut stride = 1;
    while stride <= rest.len() && before(rest[stride - 1]) {
        stride *= 2;
    }
    let searched = &rest[stride / 2..rest.len().min(stride)];
    from + stride / 2 + searched.partition_point(|&t| before(t))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn the_search_finds_what_a_scan_finds() {
        let timestamps: Vec<i64> = (0..40).map(|i| i * i).collect();
        for len in 0..timestamps.len() {
            for from in 0..=len {
                for limit in -1..1700 {
                    let found = first_index(&timestamps[..len], from, |t| t < limit);
                    let scanned = (from..len).find(|&i| timestamps[i] >= limit).unwrap_or(len);
                    assert_eq!(found, scanned, "{len} {from} {limit}");
                }
            }
        }
    }

    /// Prometheus 2 counts a sample at the start of the range, Prometheus 3 does not.
    #[test]
    fn a_sample_at_the_start_of_the_range_counts_before_3() {
        let timestamps = [0, 10, 20, 30, 40];
        let windows = |version: &str, range_ms: i64| -> Vec<Range<usize>> {
            let mut windows = Windows::new(&timestamps, range_ms, version.parse().unwrap());
            [-5, 0, 9, 10, 30, 35, 50, 60, 61].map(|t| windows.until(t)).to_vec()
        };
        assert_eq!(windows("2.55", 20), [0..0, 0..1, 0..1, 0..2, 1..4, 2..4, 3..5, 4..5, 5..5]);
        assert_eq!(windows("3", 20), [0..0, 0..1, 0..1, 0..2, 2..4, 2..4, 4..5, 5..5, 5..5]);
        assert_eq!(windows("2.55", 0), [0..0, 0..1, 1..1, 1..2, 3..4, 4..4, 5..5, 5..5, 5..5]);
        assert!(windows("3", 0).iter().all(|window| window.is_empty()));
    }
}
