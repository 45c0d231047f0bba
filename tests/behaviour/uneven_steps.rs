//! Steps that do not divide a day: every step is in one day, and no day is empty.

use crate::support::{Asked, DAY, Folder, HOUR, START, simulated};

#[test]
fn ranges_that_end_on_or_near_midnight_have_no_day_without_a_step_and_no_step_twice() {
    for (step, start, end) in [
        (7 * 60, START + DAY, START + 2 * DAY),
        (11 * 60, START + DAY - HOUR, START + 2 * DAY),
        (13 * 7, START + DAY, START + DAY + 2 * HOUR),
        (50 * 60, START + DAY, START + 3 * DAY),
        (7 * 60, START + DAY, START + 2 * DAY + 60),
        (59 * 60, START + DAY, START + 2 * DAY - 1),
    ] {
        let folder = Folder::new("uneven");
        let asked = Asked { step, ..Asked::all(&simulated().prometheus, start, end) };
        asked.is_answered_exactly(&folder);
        let days: Vec<String> = folder.tree("audit/history").into_keys().collect();
        let mut expected: Vec<i64> =
            (start..end).filter(|second| second % step == 0).map(|second| second / DAY).collect();
        expected.dedup();
        assert_eq!(days.len(), expected.len(), "{step} s from {start} to {end}: {days:?}");
        let starts: Vec<String> =
            folder.text("audit/heatmap.csv").lines().map(|line| line.split(',').take(4).collect()).collect();
        let mut once = starts.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), starts.len(), "no cell is there twice");
    }
}
