//! The steps at which a probe samples a range: a few short stretches, each within a day of the pull.

use crate::time::{Grid, Step, TimeRange};

/// Evaluations in a stretch: enough to see a value that is present at every fourth step only.
const EVALUATIONS: i64 = 10;
/// Minimum distance between the evaluations of a stretch, in milliseconds: at shorter steps, all of them would fall
/// between the same two scrapes.
const MIN_DISTANCE_MS: i64 = 30_000;
/// Fewest and most stretches of a range.
const STRETCHES: (i64, i64) = (3, 12);
/// Steps of the pull for each stretch, so that a probe costs at most a few percent of a short pull.
const STEPS_A_STRETCH: i64 = 600;
/// Number of steps up to which a range is sampled as a whole.
const FEW_STEPS: i64 = 60;

/// The stretches to sample, in ascending order: one at each end of the range, the others spread between.
///
/// The stretches between are shifted by irregular amounts, so that no regular pattern, such as scrapes every four
/// minutes, meets all of them in the same phase.
pub(crate) fn places(range: TimeRange, step: Step) -> Vec<Grid> {
    let span = range.end_ms - range.start_ms;
    let steps = span / step.millis();
    if steps <= FEW_STEPS {
        return range.day_parts().map(|(_, part)| Grid::within(part, step)).filter(|grid| !grid.is_empty()).collect();
    }
    let distance = distance(step);
    let count = (steps / STEPS_A_STRETCH).clamp(STRETCHES.0, STRETCHES.1);
    let length = EVALUATIONS * distance.millis();
    let stretch = |index: i64| {
        // The fractional parts of multiples of the golden ratio are spread evenly and never repeat.
        let shift = (index as f64 * 0.618_033_988_75).fract() - 0.5;
        let between = span as f64 / (count - 1) as f64;
        let middle = match index {
            0 => 0.0,
            last if last == count - 1 => span as f64,
            index => (index as f64 + shift / 2.0) * between,
        };
        let start = (middle as i64 - length / 2).clamp(0, (span - length).max(0));
        let start_ms = range.start_ms + start / step.millis() * step.millis();
        TimeRange { start_ms, end_ms: (start_ms + length).min(range.end_ms) }
    };
    let mut grids: Vec<Grid> = Vec::new();
    for part in (0..count).filter_map(|index| stretch(index).day_parts().max_by_key(|(_, p)| p.end_ms - p.start_ms)) {
        let grid = Grid::within(part.1, distance);
        let is_new = grids.last().is_none_or(|last| last.last_ms() < grid.first_ms());
        if !grid.is_empty() && is_new {
            grids.push(grid);
        }
    }
    grids
}

/// The distance between the evaluations of a stretch: a multiple of the step, so that a probe evaluates steps of the
/// pull only.
fn distance(step: Step) -> Step {
    let multiple = (MIN_DISTANCE_MS + step.millis() - 1) / step.millis() * step.millis();
    Step::from_millis(multiple).unwrap_or(step)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::time::{DAY_MS, HOUR_MS, UtcDay};

    const START: i64 = 20_000 * DAY_MS;

    fn of(span_ms: i64, step_ms: i64) -> Vec<Grid> {
        let range = TimeRange { start_ms: START, end_ms: START + span_ms };
        places(range, Step::from_millis(step_ms).unwrap())
    }

    #[test]
    fn stretches_are_steps_of_the_pull_and_none_leaves_its_day() {
        for (days, step_ms) in
            [(1, 1000), (1, 60_000), (7, 7000), (30, 60_000), (30, HOUR_MS), (366, 1000), (46_000, 60_000)]
        {
            let grids = of(days * DAY_MS, step_ms);
            assert!((2..=12).contains(&grids.len()), "{days} {step_ms}: {grids:?}");
            for grid in &grids {
                assert_eq!(grid.first_ms() % step_ms, 0);
                assert_eq!(UtcDay::of(grid.first_ms()), UtcDay::of(grid.last_ms()));
                assert!(grid.first_ms() >= START && grid.last_ms() < START + days * DAY_MS);
            }
            assert!(grids.windows(2).all(|pair| pair[0].last_ms() < pair[1].first_ms()), "{days} {step_ms}");
            let (first, last) = (grids[0].first_ms() - START, START + days * DAY_MS - grids[grids.len() - 1].last_ms());
            assert!(
                first < 2 * 30_000.max(step_ms) && last <= 2 * 30_000.max(step_ms),
                "{days} {step_ms}: {first} {last}"
            );
        }
    }

    #[test]
    fn a_month_of_minutes_is_sampled_at_less_than_half_a_percent_of_its_steps() {
        let steps: usize = of(30 * DAY_MS, 60_000).iter().map(Grid::len).sum();
        assert!((100..=120).contains(&steps), "{steps} of 43,200");
    }

    #[test]
    fn a_short_range_is_sampled_as_a_whole() {
        assert_eq!(of(HOUR_MS, 60_000).iter().map(Grid::len).sum::<usize>(), 60);
        assert_eq!(of(2 * DAY_MS, HOUR_MS).iter().map(Grid::len).collect::<Vec<_>>(), [24, 24]);
    }

    #[test]
    fn scrapes_every_few_minutes_are_met_in_every_phase() {
        for every_ms in [120_000, 240_000, 420_000, 600_000] {
            let grids = of(30 * DAY_MS, 60_000);
            let instants = grids.iter().flat_map(|grid| (0..grid.len()).map(|index| grid.at(index)));
            let phases: Vec<i64> = instants.map(|at| at % every_ms / 60_000).collect();
            let even = phases.len() as i64 * 60_000 / every_ms;
            for phase in 0..every_ms / 60_000 {
                let seen = phases.iter().filter(|&&one| one == phase).count() as i64;
                assert!(seen >= even / 2, "{every_ms}: phase {phase} is met {seen} times of {even}");
            }
        }
    }
}
