//! Cuts a grid into as many queries as the server wants.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::failure::Failure;
use super::{Client, PromError};
use crate::time::Grid;

/// Prometheus answers at most this many steps a series. VictoriaMetrics would answer 30,000, which
/// saves nothing worth the memory: a day has more than 11,000 steps only where they are less than
/// eight seconds apart.
pub(super) const MAX_STEPS: usize = 11_000;

/// How many steps a query may ask for, as far as the run has learnt. What one query is too large for
/// another may take: a histogram has many more samples than a gauge.
#[derive(Debug, Default)]
pub(super) struct WindowSizes(Mutex<BTreeMap<String, usize>>);

impl WindowSizes {
    fn of(&self, promql: &str) -> usize {
        self.known().get(promql).copied().unwrap_or(MAX_STEPS)
    }

    /// A window of so many steps was too large.
    fn shrink(&self, promql: &str, refused: usize) {
        let mut known = self.known();
        let size = known.entry(promql.to_owned()).or_insert(MAX_STEPS);
        *size = after_refusal(*size, refused);
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Half of what was refused, unless less is known to be needed: windows in flight together are refused
/// together, which must not halve more than once.
fn after_refusal(known: usize, refused: usize) -> usize {
    known.min(refused.div_ceil(2)).max(1)
}

/// Asks for a grid part by part, with the index of each part's first step, until `take` has enough.
pub(super) async fn ask_in_windows<T>(
    client: &Client,
    promql: &str,
    grid: Grid,
    ask: impl AsyncFn(Grid, usize) -> Result<T, Failure>,
    mut take: impl FnMut(T) -> ControlFlow<()>,
) -> Result<(), PromError> {
    let mut done = 0;
    // One part after the other: a grid of many parts is large enough to fill the wire.
    while done < grid.len() {
        let part = grid.part(done, client.window_sizes().of(promql));
        match ask(part, done).await {
            Ok(answer) => match take(answer) {
                ControlFlow::Break(()) => return Ok(()),
                ControlFlow::Continue(()) => done += part.len(),
            },
            Err(failure) if failure.wants_less() && part.len() > 1 => {
                client.traffic().count_halved();
                client.window_sizes().shrink(promql, part.len());
            }
            Err(failure) => return Err(failure.at_one_step()),
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::time::{Step, TimeRange};

    #[test]
    fn a_window_halves_down_to_one_step_and_only_once_for_those_in_flight_together() {
        for (known, refused, expected) in [
            (11_000, 1_440, 720),
            (11_000, 11_000, 5_500),
            (720, 1_440, 720),
            (100, 1_440, 100),
            (720, 720, 360),
            (720, 45, 23),
            (3, 3, 2),
            (2, 2, 1),
            (1, 1, 1),
        ] {
            assert_eq!(after_refusal(known, refused), expected, "{known} {refused}");
        }
    }

    #[test]
    fn windows_that_halve_on_the_way_lose_no_step_and_ask_for_none_twice() {
        let range = TimeRange { start_ms: 1_000, end_ms: 86_400_000 };
        for step_seconds in [1, 7, 60, 3600] {
            let grid = Grid::within(range, Step::from_millis(step_seconds * 1000).unwrap());
            for allowed in [1, 2, 3, 10, 719, 1_440, 11_000] {
                let sizes = WindowSizes::default();
                let (mut done, mut asked, mut refusals) = (0, Vec::new(), 0);
                while done < grid.len() {
                    let part = grid.part(done, sizes.of("up"));
                    if part.len() > allowed {
                        refusals += 1;
                        sizes.shrink("up", part.len());
                    } else {
                        asked.extend((0..part.len()).map(|index| part.at(index)));
                        done += part.len();
                    }
                }
                assert!(asked.iter().copied().eq((0..grid.len()).map(|i| grid.at(i))), "{step_seconds} {allowed}");
                assert!(refusals <= 14, "what was learnt is forgotten: {refusals}");
                assert_eq!(sizes.of("another"), MAX_STEPS);
            }
        }
    }
}
