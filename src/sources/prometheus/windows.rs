//! Splits a grid into windows that the server accepts.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::{Instrument, Span, warn, warn_span};

use super::failure::Failure;
use super::{Client, PromError};
use crate::time::{Grid, format_instant};

/// Prometheus's maximum number of steps per query, which the other servers accept as well.
const USUAL_STEPS: usize = 11_000;
/// VictoriaMetrics's default maximum number of steps. Longer windows would cost client and server too much
/// memory for what they gain.
const MOST_STEPS: usize = 30_000;
/// If the server refuses even this many steps as too large, the query has too many series.
pub(super) const SHORT_WINDOW: usize = 16;

/// The window sizes learned so far in the run.
#[derive(Debug)]
pub(super) struct WindowSizes {
    /// Maximum number of steps for any query.
    limit: AtomicUsize,
    /// Lower maximums of individual queries, because the server loads many more samples for a
    /// histogram than for a gauge.
    of_query: Mutex<BTreeMap<String, usize>>,
}

impl Default for WindowSizes {
    fn default() -> Self {
        Self { limit: AtomicUsize::new(USUAL_STEPS), of_query: Mutex::default() }
    }
}

impl WindowSizes {
    /// Maximum number of steps in any window.
    pub(super) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    fn of(&self, promql: &str) -> usize {
        self.known().get(promql).copied().unwrap_or(self.limit())
    }

    /// Records that a window of `refused` steps was too large.
    fn shrink(&self, promql: &str, refused: usize) {
        let limit = self.limit();
        let mut known = self.known();
        let size = known.entry(promql.to_owned()).or_insert(limit);
        *size = after_refusal(*size, refused);
    }

    /// Lets a part of a split query start with the window size learned for the whole query.
    pub(super) fn inherit(&self, promql: &str, larger: &str) {
        let size = self.of(larger);
        self.known().entry(promql.to_owned()).or_insert(size);
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.of_query.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For a grid longer than the usual maximum, tests with a trivial query whether the server accepts more steps. If
/// the test fails, the usual maximum stays; if the server is down, the next query will report it.
pub(super) async fn find_limit(client: &Client, grid: Grid) {
    let many = grid.part(0, MOST_STEPS);
    if many.len() > USUAL_STEPS && client.any_sample("vector(0)", many).await.is_ok() {
        client.window_sizes().limit.store(MOST_STEPS, Ordering::Relaxed);
    }
}

/// Half of the refused size, or the known size if that is smaller, so that several concurrent windows of one size
/// that are refused halve it only once.
fn after_refusal(known: usize, refused: usize) -> usize {
    known.min(refused.div_ceil(2)).max(1)
}

/// How far the queries of a grid got.
pub(super) enum Asked {
    /// The whole grid was answered.
    All,
    /// `take` asked to stop; later steps may not have been queried.
    Enough,
    /// The index of the first step without an answer, and the failure: even the shortest window was too large, or the
    /// query has too many series.
    TooMuch(usize, Failure),
}

/// Queries a grid from one of its steps on, window by window, until `take` stops. Windows are
/// halved down to `shortest` steps.
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
    // Send one window at a time: the queries of other columns and days keep the connection busy.
    while done < grid.len() {
        let part = grid.part(done, client.window_sizes().of(promql));
        match ask(promql.to_owned(), part, done).instrument(span_of(&part)).await {
            Ok(answer) => match take(answer) {
                ControlFlow::Break(()) => return Ok(Asked::Enough),
                ControlFlow::Continue(()) => done += part.len(),
            },
            Err(failure) if failure.wants_less() && part.len() > shortest => {
                client.window_sizes().shrink(promql, part.len());
                let (refused, next) = (part.len(), client.window_sizes().of(promql));
                warn!(cause = %failure.error, steps = refused, next, "query too large for the server: window halved");
            }
            Err(failure) if failure.wants_less() || failure.wants_fewer() || failure.wants_shorter() => {
                return Ok(Asked::TooMuch(done, failure));
            }
            Err(failure) => return Err(failure.error),
        }
    }
    Ok(Asked::All)
}

/// Log context of a window.
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

    /// Runs a future that is ready at once, as all futures in these tests are.
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        future.now_or_never().unwrap()
    }

    #[test]
    fn windows_halve_down_to_one_step_and_concurrent_windows_only_once() {
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

    /// Queries a server that accepts `allowed` steps; returns the times of the answers in order, and
    /// the number of refused queries.
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
    fn halving_windows_neither_skips_nor_repeats_a_step() {
        let range = TimeRange { start_ms: 1_000, end_ms: 86_400_000 };
        for step_seconds in [1, 7, 60, 3600] {
            let grid = Grid::within(range, Step::from_millis(step_seconds * 1000).unwrap());
            for (allowed, from) in [(1, 0), (2, 0), (3, 5), (10, 0), (719, 1), (1_440, 0), (11_000, 20)] {
                let (config, terms) = (HttpConfig::default(), Terms::default());
                let client = Client::new("http://h", &config, terms, None, "instance").unwrap();
                let (instants, refusals) = asked(&client, grid, from, allowed);
                let expected: Vec<i64> = (from..grid.len()).map(|index| grid.at(index)).collect();
                assert_eq!(instants, expected, "{step_seconds} {allowed}");
                // 11,000 is halved 14 times to reach 1.
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
    fn querying_stops_when_there_is_enough_or_the_shortest_window_is_too_large() {
        let client = || Client::new("http://h", &HttpConfig::default(), Terms::default(), None, "instance").unwrap();
        let range = TimeRange { start_ms: 0, end_ms: 20 * 60_000 };
        let grid = Grid::within(range, Step::from_millis(60_000).unwrap());
        let stopped = |cure| {
            let ask = async |_, part: Grid, first: usize| match first {
                // The server answers only windows that end within the first ten steps.
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
