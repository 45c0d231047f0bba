//! Finds the steps just after a restart.

use std::ops::Range;

use crate::spec::LOOK_BACK_SECONDS;
use crate::time::{Grid, stretches};

/// The steps less than five minutes after the start of the process, as ascending ranges. If the step is longer
/// than five minutes, the limit is one step instead, so that every restart marks exactly one step.
///
/// `started` has one start time per step, in seconds since 1970, NaN where missing. Only steps in `lived`, from
/// the member's first to its last seen, are considered.
pub(super) fn steps_after(grid: &Grid, started: &[f64], lived: Range<usize>) -> Vec<Range<usize>> {
    let look_back_s = LOOK_BACK_SECONDS.max(grid.step().seconds()) as f64;
    let is_after = |&step: &usize| (grid.at(step) / 1000) as f64 - started[step] < look_back_s;
    stretches(lived.filter(is_after))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::time::{Step, TimeRange};

    fn grid(step_s: i64) -> Grid {
        Grid::within(TimeRange { start_ms: 0, end_ms: 20 * step_s * 1000 }, Step::from_millis(step_s * 1000).unwrap())
    }

    #[test]
    fn five_minutes_after_a_start_are_marked_and_missing_start_times_are_not() {
        let mut started = vec![-1000.0; 20];
        started[3..].fill(170.0);
        started[5] = f64::NAN;
        // A start at 170 s marks the steps from 3 (180 s) to 7 (420 s, 250 s after the start). Step 5 has no start time,
        // so it is not marked. Step 8 (480 s) is 310 s after the start, so it is too late.
        assert_eq!(steps_after(&grid(60), &started, 0..20), [3..5, 6..8]);
        assert_eq!(steps_after(&grid(60), &started, 4..7), [4..5, 6..7]);
    }

    #[test]
    fn with_a_step_above_five_minutes_each_restart_marks_one_step() {
        let mut started = vec![-9000.0; 20];
        started[7..].fill(6.0 * 600.0 + 1.0);
        let marked = steps_after(&grid(600), &started, 0..20);
        assert_eq!((marked.len(), marked[0].clone()), (1, 7..8));
    }

    #[test]
    fn a_step_exactly_five_minutes_after_a_start_is_not_marked() {
        let mut started = vec![-1000.0; 20];
        started[3..].fill(180.0);
        // A step is one minute. Step 7 (420 s) is 240 s after the start; step 8 (480 s) is 300 s after it,
        // so it is too late.
        let marked = steps_after(&grid(60), &started, 0..20);
        assert_eq!((marked.len(), marked[0].clone()), (1, 3..8));
    }
}
