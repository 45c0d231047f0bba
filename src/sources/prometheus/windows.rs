//! Cuts a grid into as many queries as the server wants.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::{Instrument, Span, warn, warn_span};

use super::failure::Failure;
use super::{Client, PromError};
use crate::time::{Grid, format_instant};

/// Every server answers so many steps a series: Prometheus, and what shares its engine, not one more.
const USUAL_STEPS: usize = 11_000;
/// VictoriaMetrics answers so many by default; more at once is not worth the memory on either side.
const MOST_STEPS: usize = 30_000;
/// Where a window of so few steps is still too much, there are too many series.
pub(super) const SHORT_WINDOW: usize = 16;

/// How many steps a query may ask for, as far as the run has learnt.
#[derive(Debug)]
pub(super) struct WindowSizes {
    /// What the server allows any query.
    limit: AtomicUsize,
    /// What one query is too large for another may take: a histogram has many more samples than a gauge.
    of_query: Mutex<BTreeMap<String, usize>>,
}

impl Default for WindowSizes {
    fn default() -> Self {
        Self { limit: AtomicUsize::new(USUAL_STEPS), of_query: Mutex::default() }
    }
}

impl WindowSizes {
    /// The most steps of any window.
    pub(super) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    fn of(&self, promql: &str) -> usize {
        self.known().get(promql).copied().unwrap_or(self.limit())
    }

    /// A window of so many steps was too large.
    fn shrink(&self, promql: &str, refused: usize) {
        let limit = self.limit();
        let mut known = self.known();
        let size = known.entry(promql.to_owned()).or_insert(limit);
        *size = after_refusal(*size, refused);
    }

    /// A query of fewer series begins with the windows that the larger one came to.
    pub(super) fn inherit(&self, promql: &str, larger: &str) {
        let size = self.of(larger);
        self.known().entry(promql.to_owned()).or_insert(size);
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.of_query.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds out whether the server answers more steps than all do, where a grid has more than these: with
/// a query that costs it nothing. One that fails otherwise tells nothing, and the next will say why.
pub(super) async fn find_limit(client: &Client, grid: Grid) {
    let many = grid.part(0, MOST_STEPS);
    if many.len() > USUAL_STEPS && client.any_sample("vector(0)", many).await.is_ok() {
        client.window_sizes().limit.store(MOST_STEPS, Ordering::Relaxed);
    }
}

/// Half of what was refused, unless less is known to be needed: windows in flight together are refused
/// together, which must not halve more than once.
fn after_refusal(known: usize, refused: usize) -> usize {
    known.min(refused.div_ceil(2)).max(1)
}

/// How far asking has come.
pub(super) enum Asked {
    /// The whole grid is answered.
    All,
    /// Whoever took the answers has enough.
    Enough,
    /// From this step on, the shortest window is too much.
    TooMuch(usize, Failure),
}

/// Asks for a grid from one of its steps on, window by window, until `take` has enough. Windows halve
/// as long as they have more than `shortest` steps.
pub(super) async fn ask_in_windows<T>(
    client: &Client,
    promql: &str,
    grid: Grid,
    from: usize,
    shortest: usize,
    ask: impl AsyncFn(String, Grid, usize) -> Result<T, Failure>,
    mut take: impl FnMut(T) -> ControlFlow<()>,
) -> Result<Asked, PromError> {
    let mut done = from;
    // One part after the other: a grid of many parts is large enough to fill the wire.
    while done < grid.len() {
        let part = grid.part(done, client.window_sizes().of(promql));
        match ask(promql.to_owned(), part, done).instrument(span_of(&part)).await {
            Ok(answer) => match take(answer) {
                ControlFlow::Break(()) => return Ok(Asked::Enough),
                ControlFlow::Continue(()) => done += part.len(),
            },
            Err(failure) if failure.wants_less() && part.len() > shortest => {
                client.traffic().count_halved();
                client.window_sizes().shrink(promql, part.len());
                let (refused, next) = (part.len(), client.window_sizes().of(promql));
                warn!(cause = %failure.error, steps = refused, next, "too large for the server: window halved");
            }
            Err(failure) if failure.wants_less() || failure.wants_fewer() => return Ok(Asked::TooMuch(done, failure)),
            Err(failure) => return Err(failure.error),
        }
    }
    Ok(Asked::All)
}

/// What the log says of a window before each of its lines.
fn span_of(window: &Grid) -> Span {
    let (from, to) = (window.first_ms(), window.last_ms());
    warn_span!("window", from = %format_instant(from), to = %format_instant(to), steps = window.len())
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
                assert_eq!(sizes.of("another"), USUAL_STEPS);
                sizes.inherit("another", "up");
                assert_eq!(sizes.of("another"), sizes.of("up"));
            }
        }
    }
}
