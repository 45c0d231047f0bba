//! Ranges of time.

use std::fmt;

use super::{Step, TimeError, UtcDay, format_instant};

/// A half-open range `[start, end)`. [`TimeRange::resolve`] rounds both ends to multiples of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first instant of the range, milliseconds since 1970.
    pub start_ms: i64,
    /// The first instant after the range, milliseconds since 1970.
    pub end_ms: i64,
}

impl TimeRange {
    /// The range of the steps `t` with `start <= t < end` and `t <= now`. Fails if there are none.
    ///
    /// Rounds both ends up to a multiple of the step, so that all queries of all runs use the same grid. If the rounded
    /// end is after midnight and no step lies between, the range ends at midnight.
    pub fn resolve(start_ms: i64, end_ms: i64, step: Step, now_ms: i64) -> Result<Self, TimeError> {
        if start_ms >= end_ms {
            return Err(TimeError::EmptyRange { start: format_instant(start_ms), end: format_instant(end_ms) });
        }
        if start_ms > now_ms {
            return Err(TimeError::FutureRange { start: format_instant(start_ms), now: format_instant(now_ms) });
        }
        let mut range = Self { start_ms: step.align_up(start_ms), end_ms: step.align_up(end_ms.min(now_ms + 1)) };
        // With a step that does not divide a day, rounding may move the end past a midnight after which there is no step:
        // that day would be empty.
        let midnight_ms = UtcDay::of(range.end_ms - 1).start_ms();
        if step.align_up(midnight_ms) >= range.end_ms {
            range.end_ms = midnight_ms;
        }
        if range.start_ms >= range.end_ms {
            return Err(TimeError::NoStep { start: format_instant(start_ms), end: format_instant(end_ms), step });
        }
        Ok(range)
    }

    /// The UTC days that overlap the range, in order.
    pub fn days(self) -> impl Iterator<Item = UtcDay> + Clone {
        UtcDay::of(self.start_ms).through(UtcDay::of(self.end_ms - 1))
    }

    /// The UTC days that overlap the range, in order, each with the overlap.
    pub fn day_parts(self) -> impl Iterator<Item = (UtcDay, Self)> + Clone {
        self.days().filter_map(move |day| Some((day, self.intersect(day.range())?)))
    }

    /// The overlap with `other`; `None` if they do not overlap.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let both = Self { start_ms: self.start_ms.max(other.start_ms), end_ms: self.end_ms.min(other.end_ms) };
        (both.start_ms < both.end_ms).then_some(both)
    }

    /// The parts of the range before and after `other`.
    pub fn without(self, other: Self) -> impl Iterator<Item = Self> {
        let before = Self { end_ms: self.end_ms.min(other.start_ms), ..self };
        let after = Self { start_ms: self.start_ms.max(other.end_ms), ..self };
        [before, after].into_iter().filter(|part| part.start_ms < part.end_ms)
    }

    /// Whether `other` lies completely within the range.
    pub fn contains(self, other: Self) -> bool {
        self.start_ms <= other.start_ms && other.end_ms <= self.end_ms
    }

    /// The smallest range that contains this range and `other`.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { start_ms: self.start_ms.min(other.start_ms), end_ms: self.end_ms.max(other.end_ms) }
    }
}

impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", format_instant(self.start_ms), format_instant(self.end_ms))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::of_tests::{NOW, minute};
    use super::super::{DAY_MS, Grid};
    use super::*;

    #[test]
    fn a_range_of_a_step_that_does_not_divide_a_day_has_no_day_without_a_step() {
        for step in ["7m", "11m", "13s", "50m", "59m", "3599s", "37s", "1h"] {
            let step: Step = step.parse().unwrap();
            for days in 20_000..20_020_i64 {
                for length_ms in [DAY_MS, 2 * DAY_MS, DAY_MS - 1, DAY_MS + 1, DAY_MS + step.millis()] {
                    let start_ms = days * DAY_MS;
                    let end_ms = start_ms + length_ms;
                    let range = TimeRange::resolve(start_ms, end_ms, step, NOW + 100 * DAY_MS).unwrap();
                    // The expected steps, by definition: the multiples of the step from start to end, each in its day.
                    let first = start_ms / step.millis();
                    let multiples = (first..).map(|n| n * step.millis()).skip_while(|t| *t < start_ms);
                    let steps: Vec<i64> = multiples.take_while(|t| *t < end_ms).collect();
                    let grid = Grid::within(range, step);
                    assert_eq!(
                        (grid.first_ms(), grid.last_ms(), grid.len()),
                        (steps[0], steps[steps.len() - 1], steps.len())
                    );
                    let days_of_steps: std::collections::BTreeSet<UtcDay> =
                        steps.iter().map(|t| UtcDay::of(*t)).collect();
                    assert!(range.days().eq(days_of_steps), "{step}: {range}");
                    let in_parts: usize = range.day_parts().map(|(_, part)| Grid::within(part, step).len()).sum();
                    assert_eq!(in_parts, steps.len(), "no step is in two days");
                }
            }
        }
    }

    #[test]
    fn a_range_is_half_open_aligned_to_the_step_and_ends_at_now() {
        let range = TimeRange::resolve(1, 120_001, minute(), NOW).unwrap();
        assert_eq!((range.start_ms, range.end_ms), (60_000, 180_000));
        // `NOW` is 2026-09-21T14:13:20Z, so the last steps before it are 14:12 and 14:13.
        let [minute_12, minute_13, minute_14] = [1_789_999_920_000, 1_789_999_980_000, 1_790_000_040_000];
        let range = TimeRange::resolve(minute_12, NOW + DAY_MS, minute(), NOW).unwrap();
        assert_eq!((range.start_ms, range.end_ms), (minute_12, minute_14), "14:13 is the last step");
        let range = TimeRange::resolve(minute_12, NOW + DAY_MS, minute(), minute_13).unwrap();
        assert_eq!(range.end_ms, minute_14, "a step at the current time is included");
        let range = TimeRange::resolve(minute_12, NOW + DAY_MS, minute(), minute_13 - 1).unwrap();
        assert_eq!(range.end_ms, minute_13, "a step one millisecond in the future is not");
        let range = TimeRange::resolve(minute_13, NOW + DAY_MS, minute(), minute_13).unwrap();
        assert_eq!((range.start_ms, range.end_ms), (minute_13, minute_14), "a range may start now");
        assert!(matches!(TimeRange::resolve(5, 5, minute(), NOW), Err(TimeError::EmptyRange { .. })));
        assert!(matches!(TimeRange::resolve(NOW + 1, NOW + DAY_MS, minute(), NOW), Err(TimeError::FutureRange { .. })));
    }
}
