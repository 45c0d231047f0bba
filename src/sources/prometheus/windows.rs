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
    use std::cell::Cell;

    use futures_util::future::FutureExt;

    use super::*;
    use crate::sources::prometheus::failure::Cure;
    use crate::sources::prometheus::{HttpConfig, Terms};
    use crate::time::{Step, TimeRange};

    /// None of these asks ever waits.
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        future.now_or_never().unwrap()
    }

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

    /// Asks a server that takes so many steps at once; the instants of the answers in their order, and how
    /// many queries were refused.
    fn asked(client: &Client, grid: Grid, from: usize, allowed: usize) -> (Vec<i64>, usize) {
        let refusals = Cell::new(0);
        let ask = async |promql: String, part: Grid, first: usize| {
            assert_eq!((promql.as_str(), part.first_ms()), ("up", grid.at(first)));
            if part.len() > allowed {
                refusals.set(refusals.get() + 1);
                return Err(Failure::new(PromError::NoClient("too many steps".to_owned()), Cure::Less));
            }
            Ok((0..part.len()).map(|index| part.at(index)).collect::<Vec<_>>())
        };
        let mut instants = Vec::new();
        let take = |answer: Vec<i64>| {
            instants.extend(answer);
            ControlFlow::Continue(())
        };
        let outcome = block_on(ask_in_windows(client, "up", grid, from, 1, ask, take)).unwrap();
        assert!(matches!(outcome, Asked::All), "one step is never too much here");
        (instants, refusals.get())
    }

    #[test]
    fn windows_that_halve_on_the_way_lose_no_step_and_ask_for_none_twice() {
        let range = TimeRange { start_ms: 1_000, end_ms: 86_400_000 };
        for step_seconds in [1, 7, 60, 3600] {
            let grid = Grid::within(range, Step::from_millis(step_seconds * 1000).unwrap());
            for (allowed, from) in [(1, 0), (2, 0), (3, 5), (10, 0), (719, 1), (1_440, 0), (11_000, 20)] {
                let (config, terms) = (HttpConfig::default(), Terms::default());
                let client = Client::new("http://h", &config, terms, None, "instance").unwrap();
                let (instants, refusals) = asked(&client, grid, from, allowed);
                let expected: Vec<i64> = (from..grid.len()).map(|index| grid.at(index)).collect();
                assert_eq!(instants, expected, "{step_seconds} {allowed}");
                // 11,000 halves 14 times on the way to 1.
                assert!(refusals <= 14, "what was learnt is forgotten: {refusals}");
                assert_eq!(asked(&client, grid, 0, allowed).1, 0, "the next day asks for too much again");
                let sizes = client.window_sizes();
                assert_eq!(sizes.of("another"), USUAL_STEPS);
                sizes.inherit("another", "up");
                assert_eq!(sizes.of("another"), sizes.of("up"));
            }
        }
    }

    #[test]
    fn asking_ends_where_there_is_enough_or_the_shortest_window_is_too_much() {
        let client = || Client::new("http://h", &HttpConfig::default(), Terms::default(), None, "instance").unwrap();
        let range = TimeRange { start_ms: 0, end_ms: 20 * 60_000 };
        let grid = Grid::within(range, Step::from_millis(60_000).unwrap());
        let stopped = |cure| {
            let ask = async |_, part: Grid, first: usize| match first {
                // The first half of the steps is answered in windows of any length.
                0..10 if part.len() <= 10 - first => Ok(first),
                _ => Err(Failure::new(PromError::NoClient("no".to_owned()), cure)),
            };
            match block_on(ask_in_windows(&client(), "up", grid, 0, 4, ask, |_| ControlFlow::Continue(()))) {
                Ok(Asked::TooMuch(done, _)) => Some(done),
                _ => None,
            }
        };
        assert_eq!([Cure::Less, Cure::AgainThenLess, Cure::Nothing].map(stopped), [Some(10), Some(10), None]);
        let once = async |_, _, first: usize| Ok(first);
        let mut taken = Vec::new();
        let take = |first| {
            taken.push(first);
            ControlFlow::Break(())
        };
        let outcome = block_on(ask_in_windows(&client(), "up", grid, 3, 4, once, take));
        assert!(matches!(outcome, Ok(Asked::Enough)));
        assert_eq!(taken, [3]);
    }
}
