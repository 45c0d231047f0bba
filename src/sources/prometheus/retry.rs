//! Retries: waits, Retry-After, and when to give up.
//!
//! Our own loop instead of a crate: the kind of failure decides whether to wait or to send a smaller query, and a
//! Retry-After holds back all queries, not only the refused one.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Wait before the first retry, without jitter; it doubles with every retry.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Upper limit of the backoff.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Longest Retry-After to wait for; a query with a longer one fails.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// The wait after the `tried`-th failure of a query; `None` if it is not retried.
/// `asked` is the server's Retry-After.
///
/// `chance` (0 to 1) adds jitter, so that queries that failed together are not retried together: 0 halves the wait.
pub(super) fn wait_after(tried: u32, retries: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
    if tried > retries || asked.is_some_and(|asked| asked > LONGEST_RETRY_AFTER) {
        return None;
    }
    let doubled = FIRST_WAIT.saturating_mul(1_u32.checked_shl(tried.saturating_sub(1)).unwrap_or(u32::MAX));
    let own = doubled.min(LONGEST_WAIT).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
    Some(asked.map_or(own, |asked| own.max(asked)))
}

/// Parses a Retry-After header: seconds, or an HTTP date.
pub(super) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // HTTP dates follow RFC 2822; a date in the past means no wait.
        Err(_) => DateTime::parse_from_rfc2822(text).ok().map(|at| (at.to_utc() - now).to_std().unwrap_or_default()),
    }
}

/// A random number from 0 to 1, for the jitter.
pub(super) fn chance() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}

/// Decides whether retrying this server is worthwhile.
#[derive(Debug, Default)]
pub(super) struct Trust {
    answered: AtomicBool,
    given_up: AtomicBool,
}

impl Trust {
    /// Records a complete answer: from then on, all transient failures are retried, even failed connections.
    pub(super) fn gain(&self) {
        self.answered.store(true, Ordering::Relaxed);
        self.given_up.store(false, Ordering::Relaxed);
    }

    /// Whether there has been a complete answer.
    pub(super) fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// Records a query that failed after all retries. Until another query succeeds, no query is retried; otherwise a
    /// run would wait through all retries again for every day while the server is down.
    pub(super) fn lose(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Whether to retry. An address that was never reached is probably wrong, so a failed connection
    /// to it is not retried.
    pub(super) fn is_worth_it(&self, no_connection: bool) -> bool {
        !self.given_up.load(Ordering::Relaxed) && (!no_connection || self.answered.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_with_jitter() {
        let millis = |tried, asked: Option<u64>, chance| {
            wait_after(tried, 9, asked.map(Duration::from_secs), chance).map(|wait| wait.as_millis())
        };
        for (tried, asked, chance, expected) in [
            (1, None, 1.0, Some(500)),
            (1, None, 0.0, Some(250)),
            (2, None, 1.0, Some(1_000)),
            (3, None, 0.5, Some(1_500)),
            (6, None, 1.0, Some(16_000)),
            (7, None, 1.0, Some(30_000)),
            (9, None, 0.0, Some(15_000)),
            (10, None, 1.0, None),
            (1, Some(7), 1.0, Some(7_000)),
            (7, Some(7), 1.0, Some(30_000)),
            (1, Some(300), 1.0, Some(300_000)),
            (1, Some(301), 1.0, None),
        ] {
            assert_eq!(millis(tried, asked, chance), expected, "{tried} {asked:?} {chance}");
        }
        assert_eq!(wait_after(1, 0, None, 1.0), None);
        assert_eq!(wait_after(60, 100, None, 1.0), Some(LONGEST_WAIT));
    }

    #[test]
    fn retry_after_may_be_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-10-01T12:00:00Z").unwrap().to_utc();
        for (text, expected) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Thu, 01 Oct 2026 12:00:30 GMT", Some(30)),
            ("Thu, 01 Oct 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now), expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn an_unreached_or_given_up_server_is_not_retried() {
        let trust = Trust::default();
        assert!(trust.is_worth_it(false) && !trust.is_worth_it(true));
        trust.gain();
        assert!(trust.is_worth_it(true));
        trust.lose();
        assert!(!trust.is_worth_it(true) && !trust.is_worth_it(false));
        trust.gain();
        assert!(trust.is_worth_it(false));
    }
}
