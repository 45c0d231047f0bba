//! Spaces out queries for `--max-qps`, and holds them all back after a Retry-After.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Decides when the next query may be sent.
#[derive(Debug)]
pub(super) struct Pace {
    /// Minimum time between two queries.
    distance: Duration,
    next: Mutex<Next>,
}

#[derive(Debug)]
struct Next {
    /// Earliest time of the next query.
    turn: Instant,
    /// End of the server's Retry-After, before which no query is sent.
    held: Instant,
}

impl Pace {
    pub(super) fn new(max_qps: Option<f64>) -> Self {
        let now = Instant::now();
        let distance = max_qps.map_or(Duration::ZERO, |qps| Duration::from_secs_f64(qps.recip()));
        Self { distance, next: Mutex::new(Next { turn: now, held: now }) }
    }

    /// Waits until a query may be sent.
    pub(super) async fn turn(&self) {
        loop {
            let turn = self.book(Instant::now());
            sleep_until(turn).await;
            // Another query may have received a Retry-After during the sleep; then wait again.
            if self.next().held <= Instant::now() {
                return;
            }
        }
    }

    /// Holds back all queries until `wait` has passed.
    pub(super) fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut next = self.next();
        next.held = next.held.max(until);
    }

    fn book(&self, now: Instant) -> Instant {
        let mut next = self.next();
        let turn = next.turn.max(next.held).max(now);
        next.turn = turn + self.distance;
        turn
    }

    fn next(&self) -> MutexGuard<'_, Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn queries_keep_their_distance_and_idle_time_allows_no_burst() {
        let pace = Pace::new(Some(2.0));
        let now = Instant::now() + SECOND;
        assert_eq!([pace.book(now), pace.book(now), pace.book(now)], [now, now + SECOND / 2, now + SECOND]);
        let later = now + 10 * SECOND;
        assert_eq!([pace.book(later), pace.book(later)], [later, later + SECOND / 2]);
    }

    #[test]
    fn without_a_limit_queries_wait_only_for_a_retry_after() {
        let pace = Pace::new(None);
        let now = Instant::now() + SECOND;
        assert_eq!([pace.book(now), pace.book(now)], [now, now]);
        pace.hold(60 * SECOND);
        let turn = pace.book(now);
        assert!(turn > now + 58 * SECOND && pace.book(now) == turn);
    }
}
