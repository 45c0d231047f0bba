//! What a failure means: wait and ask again, ask for less, or give up.

use std::time::Duration;

use super::PromError;

/// What servers say, in small letters, when a query asks for too much at once.
const TOO_MUCH: [&str; 15] = [
    // Prometheus, and what shares its engine.
    "exceeded maximum resolution",
    "too many samples",
    // VictoriaMetrics, which names the flag.
    "-search.maxpointspertimeseries",
    "-search.maxsamplesperquery",
    "-search.maxsamplesperseries",
    "-search.maxmemoryperquery",
    "not enough memory",
    // Mimir, Cortex and Thanos.
    "err-mimir-max-chunks-per-query",
    "err-mimir-max-estimated-memory-consumption-per-query",
    "err-mimir-max-query-length",
    "number of chunks",
    "chunks size limit",
    "query time range exceeds the limit",
    "exceeded chunks limit",
    "exceeded samples limit",
];

/// What they say when it touches too many series, however short it is.
const TOO_MANY_SERIES: [&str; 5] = [
    "-search.maxuniquetimeseries",
    "-search.maxseries",
    "err-mimir-max-series-per-query",
    "max number of series limit",
    "exceeded series limit",
];

/// What servers say when a query took too long.
const TOO_LONG: [&str; 4] = ["timed out", "timeout", "deadline exceeded", "-search.maxqueryduration"];

/// What Thanos says when a store did not answer, and Prometheus when a remote one did not.
const PARTIAL: [&str; 7] = [
    "partial",
    "no storeapis matched",
    "receive series from",
    "fetch series for",
    "failed to receive any data",
    "remote_read",
    "remote read",
];

/// A query without an answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: PromError,
    pub(super) cure: Cure,
    /// How long the server asks to wait.
    pub(super) wait: Option<Duration>,
}

/// What may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cure {
    /// The same question will always get the same answer.
    Nothing,
    /// To ask again.
    Again,
    /// To ask again, once it is known that somebody is there.
    Reach,
    /// A smaller question.
    Less,
    /// A question of fewer series, however few its steps are.
    Fewer,
    /// To ask again once; when that took too long as well, a smaller question.
    AgainThenLess,
}

impl Failure {
    pub(super) fn new(error: PromError, cure: Cure) -> Self {
        Self { error, cure, wait: None }
    }

    /// Whether to ask the same again, so many steps as before, after having tried so often.
    pub(super) fn may_pass(&self, tried: u32, steps: usize) -> bool {
        match self.cure {
            Cure::Nothing | Cure::Less | Cure::Fewer => false,
            Cure::Again | Cure::Reach => true,
            Cure::AgainThenLess => tried < 2 || steps == 1,
        }
    }

    /// Whether a smaller question may be answered.
    pub(super) fn wants_less(&self) -> bool {
        matches!(self.cure, Cure::Less | Cure::AgainThenLess)
    }

    /// Whether only one of fewer series may be.
    pub(super) fn wants_fewer(&self) -> bool {
        self.cure == Cure::Fewer
    }

    /// Says how often it was tried.
    pub(super) fn after(mut self, tried: u32) -> Self {
        if tried > 1 {
            self.error = PromError::Tried { times: tried, cause: Box::new(self.error) };
        }
        self
    }

    /// When not even the least was answered that can be asked for.
    pub(super) fn of_the_least(self) -> PromError {
        match self.cure {
            Cure::Less | Cure::Fewer => PromError::TooMuch(Box::new(self.error)),
            _ => self.error,
        }
    }
}

/// What may help against a refusal: an HTTP status, the API's error type (empty where there is none),
/// and the server's words.
pub(super) fn cure_of(status: u16, kind: &str, words: &str) -> Cure {
    let words = words.to_lowercase();
    let says = |list: &[&str]| list.iter().any(|phrase| words.contains(phrase));
    let is_overload = status == 429 || kind == "too_many_requests" || words.contains("maxconcurrentrequests");
    match status {
        401 | 403 => Cure::Nothing,
        _ if is_overload => Cure::Again,
        413 => Cure::Less,
        _ if says(&TOO_MUCH) => Cure::Less,
        _ if says(&TOO_MANY_SERIES) => Cure::Fewer,
        // A gateway's: the API itself gives its reason.
        422 if kind.is_empty() => Cure::Less,
        408 | 504 => Cure::AgainThenLess,
        200 | 422 | 500 | 503 if kind == "timeout" || says(&TOO_LONG) => Cure::AgainThenLess,
        _ if matches!(kind, "internal" | "unavailable" | "canceled") => Cure::Again,
        // Not implemented and the like do not pass.
        500 | 502 | 503 | 505.. => Cure::Again,
        _ => Cure::Nothing,
    }
}

/// Whether a warning says that the answer is not whole.
pub(super) fn says_partial(warning: &str) -> bool {
    let warning = warning.to_lowercase();
    PARTIAL.iter().any(|phrase| warning.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_cured_as_its_status_and_its_words_say() {
        let resolution = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query \
                          resolution (?step=XX)";
        let samples = "query processing would load too many samples into memory in query execution";
        let points =
            "too many points for the given step=1000: 86400; cannot exceed -search.maxPointsPerTimeseries=30000";
        let series =
            "the query exceeded the maximum number of series (limit: 100 series) (err-mimir-max-series-per-query)";
        let queue = "couldn't start executing the request in 10 seconds, since -search.maxConcurrentRequests=8";
        for (status, kind, words, expected) in [
            (400, "bad_data", resolution, Cure::Less),
            (422, "execution", samples, Cure::Less),
            (422, "422", points, Cure::Less),
            (422, "execution", series, Cure::Fewer),
            (200, "execution", samples, Cure::Less),
            (422, "execution", "many-to-many matching not allowed", Cure::Nothing),
            (422, "", "Unprocessable Entity", Cure::Less),
            (413, "", "Request Entity Too Large", Cure::Less),
            (503, "timeout", "query timed out in expression evaluation", Cure::AgainThenLess),
            (504, "", "a web page", Cure::AgainThenLess),
            (408, "", "", Cure::AgainThenLess),
            (429, "", "too many outstanding requests", Cure::Again),
            (429, "429", queue, Cure::Again),
            (503, "503", queue, Cure::Again),
            (503, "", "Service Unavailable", Cure::Again),
            (502, "", "a web page", Cure::Again),
            (500, "internal", "disk on fire", Cure::Again),
            (520, "", "", Cure::Again),
            (200, "unavailable", "TSDB not ready", Cure::Again),
            (200, "timeout", "", Cure::AgainThenLess),
            (501, "", "", Cure::Nothing),
            (400, "bad_data", "parse error", Cure::Nothing),
            (401, "", "timeout", Cure::Nothing),
            (404, "", "not found", Cure::Nothing),
        ] {
            assert_eq!(cure_of(status, kind, words), expected, "{status} {kind} {words}");
        }
    }

    #[test]
    fn a_query_that_took_too_long_is_tried_once_more_and_a_single_step_until_the_end() {
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
    fn only_what_is_about_missing_stores_is_partial() {
        for warning in [
            "No StoreAPIs matched for this query",
            "receive series from Addr: 10.0.0.1:10901: rpc error: code = Unavailable",
            "fetch series for {prometheus=\"a\"}: connection refused",
            "remote_read: server returned HTTP status 500",
        ] {
            assert!(says_partial(warning), "{warning}");
        }
        assert!(!says_partial("PromQL info: metric might not be a counter, name does not end in _total: \"x\""));
    }
}
