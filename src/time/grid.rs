//! The steps at which a range query returns values.

use super::{Step, TimeRange};

/// Consecutive multiples of the step: `len` of them, from `first_ms` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    first_ms: i64,
    step: Step,
    len: usize,
}

impl Grid {
    /// The steps `t` with `start <= t < end`; the ends of `range` need not be multiples of the step.
    pub fn within(range: TimeRange, step: Step) -> Self {
        let first_ms = step.align_up(range.start_ms);
        let span = (step.align_up(range.end_ms) - first_ms).max(0);
        Self { first_ms, step, len: usize::try_from(span / step.millis()).unwrap_or(0) }
    }

    /// A grid with a single step, at `at` seconds since 1970, for example for an instant query.
    pub fn second(at: i64) -> Self {
        Self { first_ms: at * 1000, step: Step(1000), len: 1 }
    }

    /// The number of steps in the grid.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the grid has no step.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The interval between two steps.
    pub fn step(&self) -> Step {
        self.step
    }

    /// The instant of step `index`. An index past the end continues the grid.
    pub fn at(&self, index: usize) -> i64 {
        self.first_ms + index as i64 * self.step.millis()
    }

    /// The instant of the first step.
    pub fn first_ms(&self) -> i64 {
        self.first_ms
    }

    /// The instant of the last step; of an empty grid, one step before `first_ms`.
    pub fn last_ms(&self) -> i64 {
        self.first_ms + (self.len as i64 - 1) * self.step.millis()
    }

    /// The index of the step at exactly this instant; `None` off the grid.
    pub fn index_of(&self, ms: i64) -> Option<usize> {
        let offset = ms.checked_sub(self.first_ms)?;
        if offset % self.step.millis() != 0 {
            return None;
        }
        usize::try_from(offset / self.step.millis()).ok().filter(|&i| i < self.len)
    }

    /// The indices of the steps `t` with `first_ms <= t <= last_ms`.
    pub fn indices_between(&self, first_ms: i64, last_ms: i64) -> std::ops::Range<usize> {
        let step = self.step.millis();
        let index = |ms: i64| (ms - self.first_ms).clamp(0, self.len as i64 * step);
        let from = (index(first_ms) + step - 1) / step;
        let to = if last_ms < self.first_ms { 0 } else { index(last_ms) / step + 1 };
        from as usize..(to as usize).clamp(from as usize, self.len.max(from as usize))
    }

    /// The half-open range of the steps with these indices.
    pub fn range_of(&self, steps: &std::ops::Range<usize>) -> TimeRange {
        TimeRange { start_ms: self.at(steps.start), end_ms: self.at(steps.end) }
    }

    /// At most `max_steps` steps from index `from` on. Consecutive parts share no step, because a
    /// range query includes both ends.
    #[must_use]
    pub fn part(&self, from: usize, max_steps: usize) -> Self {
        let from = from.min(self.len);
        Self { first_ms: self.at(from), step: self.step, len: max_steps.max(1).min(self.len - from) }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::time::of_tests::{NOW, minute};
    use crate::time::{DAY_MS, UtcDay};

    #[test]
    fn consecutive_parts_cover_every_step_once() {
        let step = Step::from_millis(7_000).unwrap();
        let grid = Grid::within(UtcDay::of(NOW).range(), step);
        assert_eq!(grid.len(), (0..DAY_MS).filter(|t| (UtcDay::of(NOW).start_ms() + t) % 7_000 == 0).count());
        let parts: Vec<Grid> = (0..grid.len()).step_by(1_000).map(|from| grid.part(from, 1_000)).collect();
        assert_eq!(parts.iter().map(Grid::len).sum::<usize>(), grid.len());
        for pair in parts.windows(2) {
            assert_eq!(pair[0].last_ms() + 7_000, pair[1].first_ms());
        }
    }

    #[test]
    fn indices_between_two_instants_match_a_search_of_every_step() {
        let grid = Grid::within(TimeRange { start_ms: 60_000, end_ms: 360_000 }, minute());
        assert_eq!(grid.len(), 5);
        for first in (-120_000..600_000).step_by(30_000) {
            for last in (-120_000..600_000).step_by(30_000) {
                let expected: Vec<usize> = (0..grid.len()).filter(|&i| (first..=last).contains(&grid.at(i))).collect();
                let got: Vec<usize> = grid.indices_between(first, last).collect();
                assert_eq!(got, expected, "{first}..={last}");
            }
        }
    }

    #[test]
    fn instants_off_the_grid_have_no_index() {
        let grid = Grid::within(TimeRange { start_ms: 60_000, end_ms: 240_000 }, minute());
        assert_eq!(grid.index_of(120_000), Some(1));
        assert_eq!(grid.index_of(120_001), None);
        assert_eq!(grid.index_of(240_000), None);
        assert_eq!(grid.index_of(0), None);
    }
}
