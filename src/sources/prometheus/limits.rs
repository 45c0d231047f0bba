//! Classifies a refusal: by its HTTP status and error type first, by the server's own words where these are not enough.

use super::failure::{Cure, is_of_a_store};

/// Phrases, in lower case, of messages that reject a query as too large.
const TOO_MUCH: [&str; 15] = [
    // Prometheus, and servers that use its query engine.
    "exceeded maximum resolution",
    "too many samples",
    // VictoriaMetrics, whose messages name the flag of the limit.
    "-search.maxpointspertimeseries",
    "-search.maxsamplesperquery",
    "-search.maxsamplesperseries",
    "-search.maxmemoryperquery",
    "not enough memory",
    // Limits in Mimir, Cortex and Thanos.
    "err-mimir-max-chunks-per-query",
    "err-mimir-max-estimated-memory-consumption-per-query",
    "err-mimir-max-query-length",
    "number of chunks",
    "chunks size limit",
    "query time range exceeds the limit",
    "exceeded chunks limit",
    "exceeded samples limit",
];

/// Phrases of messages that reject a query because it matches too many series. Fewer steps do not help.
const TOO_MANY_SERIES: [&str; 5] = [
    "-search.maxuniquetimeseries",
    "-search.maxseries",
    "err-mimir-max-series-per-query",
    "max number of series limit",
    "exceeded series limit",
];

/// Phrases of messages that report a timeout.
const TOO_LONG: [&str; 4] = ["timed out", "timeout", "deadline exceeded", "-search.maxqueryduration"];

/// Phrases of messages that reject the URL or header of a GET request as too long, whatever the status.
const LONG_URL: [&str; 6] = [
    "header or cookie too large",
    "request header fields too large",
    "uri too long",
    "uri too large",
    "url too long",
    "url is too long",
];

/// Phrases of errors in the query itself, which a smaller query would repeat.
const EVALUATION: [&str; 27] = [
    "parse error",
    "cannot parse",
    "could not parse",
    "parsing error",
    "syntax error",
    "unexpected token",
    "unexpected identifier",
    "unparsed data",
    "many-to-many",
    "many-to-one",
    "one-to-many",
    "multiple matches for labels",
    "duplicate series",
    "duplicate time series",
    "duplicate timeseries",
    "same labelset",
    "duplicate labelset",
    "duplicate sample",
    "grouping labels must ensure unique",
    "unknown func",
    "no such function",
    "expected type",
    "invalid expression type",
    "binary expression must contain",
    "unsupported",
    "not supported",
    "not implemented",
];

/// Words that mark a limit, each as one or two words of the message.
const LIMITING: [&str; 38] = [
    "limit",
    "limits",
    "limited",
    "exceed",
    "exceeds",
    "exceeded",
    "exceeding",
    "maximum",
    "max",
    "maximal",
    "too many",
    "too much",
    "too large",
    "too big",
    "too long",
    "too wide",
    "too high",
    "too far",
    "too old",
    "at most",
    "more than",
    "larger than",
    "longer than",
    "greater than",
    "bigger than",
    "up to",
    "quota",
    "allowed",
    "permitted",
    "capped",
    "must be",
    "less than",
    "shorter than",
    "smaller than",
    "wider than",
    "restricted",
    "beyond",
    "not span",
];

/// Words in a refusal that show what its limit counts, other than series.
const QUANTITIES: [&str; 49] = [
    "byte",
    "bytes",
    "kb",
    "mb",
    "gb",
    "kib",
    "mib",
    "gib",
    "memory",
    "chunk",
    "chunks",
    "block",
    "blocks",
    "sample",
    "samples",
    "range",
    "ranges",
    "window",
    "interval",
    "span",
    "period",
    "duration",
    "lookback",
    "day",
    "days",
    "hour",
    "hours",
    "minute",
    "minutes",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "point",
    "points",
    "datapoint",
    "datapoints",
    "step",
    "steps",
    "length",
    "size",
    "resolution",
    "data",
    "result",
    "results",
    "response",
    "cost",
];

/// Words for series. If a limit counts only series, a query of fewer steps exceeds it as well.
const OF_SERIES: [&str; 5] = ["series", "timeseries", "cardinality", "streams", "metrics"];

/// What could make the refused request succeed. `kind` is the API's error type, or empty; `words` are the
/// server's own words, without what they repeat of the request.
pub(super) fn cure_of(status: u16, kind: &str, words: &str) -> Cure {
    let lower = words.to_lowercase();
    let says = |list: &[&str]| list.iter().any(|phrase| lower.contains(phrase));
    let is_overload = status == 429 || kind == "too_many_requests" || lower.contains("maxconcurrentrequests");
    match status {
        401 | 403 => Cure::Nothing,
        414 | 431 => Cure::Shorter,
        400 if says(&LONG_URL) => Cure::Shorter,
        _ if is_overload => Cure::Again,
        413 => Cure::Less,
        _ if says(&TOO_MUCH) => Cure::Less,
        _ if says(&TOO_MANY_SERIES) => Cure::Fewer,
        408 | 504 => Cure::AgainThenLess,
        200 | 422 | 500 | 503 if kind == "timeout" || says(&TOO_LONG) => Cure::AgainThenLess,
        // An unavailable store: a smaller query does not bring it back.
        200 | 422 if is_of_a_store(&lower) => Cure::Nothing,
        200 | 400 | 422 if says(&EVALUATION) => Cure::Nothing,
        200 | 400 | 422 | 500 | 502 | 503 if limit_in(words).is_some() => limit_in(words).unwrap_or(Cure::Less),
        // Without an error type, the answer comes from a gateway: the API itself always sends a type.
        422 if kind.is_empty() => Cure::Less,
        // A limit in unknown words, or an unknown error of the query: a few smaller queries find out which.
        422 => Cure::PerhapsLess,
        200 if kind == "execution" => Cure::PerhapsLess,
        _ if matches!(kind, "internal" | "unavailable" | "canceled") => Cure::Again,
        // 501 and other statuses that are not listed here are permanent failures.
        500 | 502 | 503 | 505.. => Cure::Again,
        _ => Cure::Nothing,
    }
}

/// The cure if the words name a limit: they contain one word for limiting, and one for what is limited.
fn limit_in(words: &str) -> Option<Cure> {
    let words = split_words(words);
    let pairs = words.windows(2).map(|pair| pair.join(" "));
    let is_exhausted = pairs.clone().any(|pair| pair == "resource exhausted");
    let limits = words.iter().any(|word| LIMITING.contains(&word.as_str()))
        || pairs.clone().any(|pair| LIMITING.contains(&pair.as_str()));
    let counts = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    match () {
        () if is_exhausted || limits && counts(&QUANTITIES) => Some(Cure::Less),
        () if limits && counts(&OF_SERIES) => Some(Cure::Fewer),
        () => None,
    }
}

/// The words in lower case. `max_samples`, `maxSamples`, `max-samples` and `10MB` are two words each.
pub(super) fn split_words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in text.chars() {
        // `MiB` is one word.
        let is_long = words.last().is_some_and(|word| word.len() > 2);
        let begins = is_long && c.is_uppercase() && before.is_lowercase() || c.is_alphabetic() && before.is_numeric();
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(last) = words.last_mut()
        {
            last.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_classified_by_its_status_type_and_message() {
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

    /// Checks the classification of one message per phrase. Messages are in the order of the phrases, and
    /// each contains exactly one phrase.
    #[track_caller]
    fn each_phrase_is_classified(phrases: &[&str], messages: &[(u16, &str, &str)], expected: Cure) {
        let all = || [&TOO_MUCH[..], &TOO_MANY_SERIES, &TOO_LONG].concat();
        assert_eq!(phrases.len(), messages.len(), "each phrase has its message");
        for (phrase, &(status, kind, message)) in phrases.iter().zip(messages) {
            let found: Vec<_> = all().into_iter().filter(|phrase| message.to_lowercase().contains(phrase)).collect();
            assert_eq!(found, [*phrase], "{message}");
            assert_eq!(cure_of(status, kind, message), expected, "{message}");
        }
    }

    /// The messages come from the servers' source code.
    #[test]
    fn every_known_server_phrase_is_classified() {
        let less = [
            (400, "bad_data", "exceeded maximum resolution of 11,000 points per timeseries"),
            (422, "execution", "query processing would load too many samples into memory in query execution"),
            (422, "422", "too many points; cannot exceed -search.maxPointsPerTimeseries=30000"),
            (422, "422", "cannot select more than -search.maxSamplesPerQuery=1000000000 samples"),
            (422, "422", "cannot process more than -search.maxSamplesPerSeries=30000000 samples of a series"),
            (422, "422", "the query needs more bytes than -search.maxMemoryPerQuery=1000 allows"),
            (422, "422", "not enough memory for processing 100 data points across 2 time series"),
            (422, "execution", "the limit was hit (err-mimir-max-chunks-per-query)"),
            (422, "execution", "the limit was hit (err-mimir-max-estimated-memory-consumption-per-query)"),
            (422, "execution", "the limit was hit (err-mimir-max-query-length)"),
            (422, "execution", "the query hit the max number of chunks limit (limit: 2000000)"),
            (422, "execution", "the query exceeded the aggregated chunks size limit (limit: 50 bytes)"),
            (400, "bad_data", "the query time range exceeds the limit (query length: 30h, limit: 6h)"),
            (422, "execution", "exceeded chunks limit: limit 1000 violated (got 1044)"),
            (422, "execution", "exceeded samples limit: limit 1000 violated (got 1044)"),
        ];
        each_phrase_is_classified(&TOO_MUCH, &less, Cure::Less);
        let fewer = [
            (422, "422", "the number of matching timeseries exceeds 300000; see -search.maxUniqueTimeseries"),
            (422, "422", "the number of series exceeds -search.maxSeries=30000"),
            (422, "execution", "the limit was hit (err-mimir-max-series-per-query)"),
            (422, "execution", "the query hit the max number of series limit (limit: 100000 series)"),
            (422, "execution", "exceeded series limit: limit 1000 violated (got 1044)"),
        ];
        each_phrase_is_classified(&TOO_MANY_SERIES, &fewer, Cure::Fewer);
        let later = [
            (503, "execution", "query timed out in expression evaluation"),
            (422, "execution", "request timeout of the store"),
            (500, "execution", "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
            (422, "422", "the query took longer than -search.maxQueryDuration=30s"),
        ];
        each_phrase_is_classified(&TOO_LONG, &later, Cure::AgainThenLess);
    }

    #[test]
    fn a_limit_in_any_words_is_asked_smaller() {
        for (status, kind, words) in [
            (422, "execution", "the query hit the aggregated data size limit"),
            (400, "bad_data", "query would fetch more than 5 GB"),
            (400, "", "The requested time range is larger than 32 days"),
            (400, "bad_data", "invalid parameter \"end\": at most 744 hours can be queried"),
            (400, "", "maximum number of data points exceeded"),
            (422, "execution", "max_samples_per_query reached"),
            (422, "", "lookback window too long"),
            (500, "internal", "rpc error: code = ResourceExhausted desc = trying to send message larger than max"),
            (503, "", "RESOURCE_EXHAUSTED: quota of the project"),
            (200, "execution", "response size exceeds 64MiB"),
            (400, "", "Request exceeds the permitted resolution of 300 points"),
            (502, "", "result too big"),
            (400, "", "Query range must be 24h or less"),
            (400, "bad_data", "the query may not span weeks"),
        ] {
            assert_eq!(cure_of(status, kind, words), Cure::Less, "{words}");
        }
        for words in
            ["the selector matches too many series (100000)", "cardinality limit reached", "too many timeseries"]
        {
            assert_eq!(cure_of(422, "execution", words), Cure::Fewer, "{words}");
            assert_eq!(cure_of(400, "bad_data", words), Cure::Fewer, "{words}");
        }
    }

    #[test]
    fn an_error_of_the_query_is_final_and_an_unknown_one_is_tried_smaller() {
        for words in [
            "many-to-many matching not allowed: matching labels must be unique on one side",
            "found duplicate series for the match group {} on the right hand-side of the operation: more than one sample",
            "vector cannot contain metrics with the same labelset",
            "1:5: parse error: unexpected character: more than 5 bytes",
            "multiple matches for labels: grouping labels must ensure unique matches",
            "unknown function with name \"max_over_range\"",
            "subqueries longer than one hour are not supported",
            "expected type range vector in call to function \"rate\", got instant vector",
        ] {
            assert_eq!(cure_of(422, "execution", words), Cure::Nothing, "{words}");
            assert_eq!(cure_of(400, "bad_data", words), Cure::Nothing, "{words}");
        }
        for (status, kind, words, expected) in [
            (422, "execution", "the engine is unhappy", Cure::PerhapsLess),
            (422, "422", "cannot do it today", Cure::PerhapsLess),
            (200, "execution", "no", Cure::PerhapsLess),
            (400, "bad_data", "invalid parameter \"query\"", Cure::Nothing),
            (400, "", "Bad Request", Cure::Nothing),
            (414, "", "", Cure::Shorter),
            (431, "", "a web page", Cure::Shorter),
            (400, "", "web page \"400 Request Header Or Cookie Too Large\"", Cure::Shorter),
            (503, "", "maximum number of concurrent queries exceeded", Cure::Again),
        ] {
            assert_eq!(cure_of(status, kind, words), expected, "{status} {kind} {words}");
        }
    }

    #[test]
    fn names_are_split_into_their_words() {
        assert_eq!(
            split_words("maxSamples_per-query=10MiB, ResourceExhausted"),
            ["max", "samples", "per", "query", "10", "mib", "resource", "exhausted"]
        );
    }
}
