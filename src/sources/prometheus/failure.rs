//! Decides what to do about a failure: retry, send a smaller query, or give up.

use std::time::Duration;

use super::PromError;
use super::dialect::Optional;

/// Phrases of messages that report an unavailable store (Thanos) or remote-read endpoint (Prometheus).
const STORE_AWAY: [&str; 6] = [
    "no storeapis matched",
    "receive series from",
    "fetch series for",
    "failed to receive any data",
    "remote_read:",
    "remote read:",
];

/// Words that mark a warning as one about a partial answer.
const PARTIAL: [&str; 5] = ["partial", "partially", "partial-response", "partial_response", "ispartial"];

/// Prefixes of PromQL annotations. These concern the query, never an unavailable store.
const ANNOTATIONS: [&str; 2] = ["promql warning:", "promql info:"];

/// A failed query, with what could make it succeed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: PromError,
    pub(super) cure: Cure,
    /// How long the server asks to wait, if it does.
    pub(super) wait: Option<Duration>,
}

/// What can make a failed query succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cure {
    /// Nothing: the same query will always fail.
    Nothing,
    /// A retry, because the failure may be transient.
    Again,
    /// A retry, if the server has been reached before.
    Reach,
    /// A query of fewer steps or series.
    Less,
    /// A query of fewer steps or series, if the refusal is about a limit: the server's message names no known one.
    PerhapsLess,
    /// A query of fewer series; fewer steps do not help.
    Fewer,
    /// One retry; if that takes too long as well, a smaller query.
    AgainThenLess,
    /// A shorter URL: if the query's matchers list several members, queries of some of them each.
    Shorter,
    /// The same query without this parameter, which the server does not accept.
    Without(Optional),
}

impl Failure {
    pub(super) fn new(error: PromError, cure: Cure) -> Self {
        Self { error, cure, wait: None }
    }

    /// Whether to retry a query of `steps` steps after `tried` attempts.
    pub(super) fn may_pass(&self, tried: u32, steps: usize) -> bool {
        match self.cure {
            Cure::Nothing | Cure::Less | Cure::PerhapsLess | Cure::Fewer | Cure::Shorter | Cure::Without(_) => false,
            Cure::Again | Cure::Reach => true,
            Cure::AgainThenLess => tried < 2 || steps == 1,
        }
    }

    /// Whether a smaller query may succeed.
    pub(super) fn wants_less(&self) -> bool {
        matches!(self.cure, Cure::Less | Cure::PerhapsLess | Cure::AgainThenLess)
    }

    /// Whether only a shorter URL may succeed.
    pub(super) fn wants_shorter(&self) -> bool {
        self.cure == Cure::Shorter
    }

    /// Whether only a query of fewer series may succeed.
    pub(super) fn wants_fewer(&self) -> bool {
        self.cure == Cure::Fewer
    }

    /// Adds the number of attempts to the error if there was more than one.
    pub(super) fn after(mut self, tried: u32) -> Self {
        if tried > 1 {
            self.error = PromError::Tried { times: tried, cause: Box::new(self.error) };
        }
        self
    }

    /// The error if even the smallest possible query failed; `unsplit` is the reason why it could not be split
    /// down to a single member.
    pub(super) fn of_the_least(self, unsplit: Option<String>) -> PromError {
        let even = match (self.cure, unsplit) {
            (Cure::Less | Cure::Fewer, Some(reason)) => {
                format!("and the query cannot be split by cluster and member ({reason})")
            }
            (Cure::Less, None) => "even for a single step and member".to_owned(),
            (Cure::Fewer, None) => "even for a single member".to_owned(),
            // The refusal was not about the size of the query, so the server's message is more useful.
            (_, _) => return self.error,
        };
        PromError::TooMuch { cause: Box::new(self.error), even }
    }
}

/// Whether a warning reports a partial answer.
pub(super) fn warns_of_a_part(warning: &str) -> bool {
    let warning = unquoted(&warning.to_lowercase());
    let is_in_a_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.');
    let mut words = warning.split(|c| !is_in_a_name(c)).map(|word| word.trim_end_matches([':', '.']));
    let is_annotation = ANNOTATIONS.iter().any(|prefix| warning.starts_with(prefix));
    !is_annotation && (is_of_a_store(&warning) || words.any(|word| PARTIAL.contains(&word)))
}

/// Whether the server refused a query because a store was unavailable.
pub(super) fn refuses_a_part(status: u16, kind: &str, message: &str) -> bool {
    // Ignore messages about an invalid query: they quote the query, which may contain any phrase of `STORE_AWAY`.
    !matches!(status, 400 | 404) && kind != "bad_data" && is_of_a_store(&unquoted(&message.to_lowercase()))
}

/// Whether a message, in lower case, reports an unavailable store.
pub(super) fn is_of_a_store(message: &str) -> bool {
    STORE_AWAY.iter().any(|phrase| message.contains(phrase))
}

/// Removes quoted text from a message. Quoted names and values, from the query or its series, may happen to
/// contain the phrases that this module searches for.
fn unquoted(message: &str) -> String {
    let mut closing = None;
    let mut rest = String::with_capacity(message.len());
    let mut chars = message.chars();
    while let Some(c) = chars.next() {
        match (closing, c) {
            (Some(_), '\\') => drop(chars.next()),
            (Some(quote), c) if c == quote => closing = None,
            (Some(_), _) => {}
            (None, '"' | '`') => closing = Some(c),
            (None, c) => rest.push(c),
        }
    }
    // A quote that is never closed is not a quotation, so keep the whole message.
    if closing.is_some() { message.to_owned() } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timed_out_query_is_retried_once_and_a_single_step_up_to_the_limit() {
        let failure = |cure| Failure::new(PromError::NoClient(String::new()), cure);
        for (cure, tried, steps, expected) in [
            (Cure::AgainThenLess, 1, 60, true),
            (Cure::AgainThenLess, 2, 60, false),
            (Cure::AgainThenLess, 2, 1, true),
            (Cure::Less, 1, 60, false),
            (Cure::Fewer, 1, 60, false),
            (Cure::Nothing, 1, 60, false),
            (Cure::Again, 3, 60, true),
        ] {
            assert_eq!(failure(cure).may_pass(tried, steps), expected, "{cure:?} {tried} {steps}");
        }
    }

    #[test]
    fn only_warnings_about_missing_stores_mean_a_partial_answer() {
        for warning in [
            // From Thanos: pkg/store/proxy.go and proxy_merge.go.
            "No StoreAPIs matched for this query",
            "receive series from Addr: 10.0.0.1:10901: rpc error: code = Unavailable",
            "fetch series for {prometheus=\"a\"} Addr: 10.0.0.1:10901: connection refused",
            "failed to receive any data in 1m0s from 10.0.0.1:10901: context canceled",
            // From Prometheus, in the file storage/remote/read.go.
            "remote_read: remote server http://a/read returned http status 500",
            "remote read: connection refused",
            "the response is partial: 1 of 3 stores is away",
            "the result may only partially be there.",
            "returned under partial-response mode",
            "partial_response was used",
            "isPartial: true",
        ] {
            assert!(warns_of_a_part(warning), "{warning}");
        }
        for warning in [
            "PromQL info: metric might not be a counter, name does not end in _total: \"x\"",
            "PromQL warning: bucket label \"le\" is missing for metric name \"a_partial\"",
            "metric \"partial\" is a gauge",
            "series `it is partial` has no samples",
            "job:partial:rate5m is a gauge, and partial_total a counter",
            "limited by -querier.max-partial-query-length",
            "remote_read_queries_total is a gauge",
        ] {
            assert!(!warns_of_a_part(warning), "{warning}");
        }
    }

    #[test]
    fn a_refusal_that_quotes_the_query_does_not_mean_a_partial_answer() {
        let store = "expanding series: proxy Series(): rpc error: code = Aborted desc = receive series from Addr: \
                     10.0.0.7:10901: EOF";
        for (status, kind, message, expected) in [
            (422, "execution", store, true),
            (422, "execution", "expanding series: remote_read: remote server http://a returned http status 500", true),
            // The query in a message may contain the phrases of a store error.
            (400, "bad_data", "1:5: parse error: unexpected identifier \"partial\"", false),
            (400, "bad_data", "invalid parameter \"query\": receive series from", false),
            (400, "", "receive series from", false),
            (404, "", "receive series from", false),
            (422, "execution", "found duplicate series for the match group {job=\"remote_read: partial\"}", false),
            (422, "execution", "found duplicate series: [{__name__=\"fetch series for \\\"a\\\" \"}]", false),
            (422, "execution", "the partial query is too long", false),
        ] {
            assert_eq!(refuses_a_part(status, kind, message), expected, "{status} {kind} {message}");
        }
        // An apostrophe does not begin quoted text, and neither does a quote that is never closed.
        assert_eq!(unquoted("the server's `a` \"b\\\"c\" store's"), "the server's   store's");
        assert_eq!(unquoted("5\" wide"), "5\" wide");
    }
}
