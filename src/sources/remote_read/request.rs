//! The request: a snappy block of the protobuf message `prometheus.ReadRequest`.
//!
//! It has no hints. Prometheus trims chunks to the range of the query without them, encoding the first and the last one
//! again; a range in the hints would only replace that of the query.

use super::error::RemoteReadError;
use super::protobuf::Writer;

/// Headers of the request. The client adds `User-Agent`, and what the server needs for a login.
pub const REQUEST_HEADERS: [(&str, &str); 3] = [
    ("Content-Encoding", "snappy"),
    ("Content-Type", "application/x-protobuf"),
    ("X-Prometheus-Remote-Read-Version", "0.1.0"),
];

/// Numbers of response types, in order of preference: streamed chunks, then samples. A server answers with the first
/// one that it has; one that is older than streaming ignores the field, and sends samples.
const ACCEPTED: [u8; 2] = [1, 0];

/// How a label matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatcherKind {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

/// Selects series by a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// How `value` is compared.
    pub kind: MatcherKind,
    /// The label; `__name__` is the metric.
    pub name: String,
    /// A value, or a regular expression that matches the whole value.
    pub value: String,
}

impl Matcher {
    /// A matcher as in PromQL.
    pub fn new(kind: MatcherKind, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { kind, name: name.into(), value: value.into() }
    }

    fn encode(&self) -> Vec<u8> {
        let kind = match self.kind {
            MatcherKind::Equal => 0,
            MatcherKind::NotEqual => 1,
            MatcherKind::Regex => 2,
            MatcherKind::NotRegex => 3,
        };
        let mut message = Writer::default();
        message.signed(1, kind);
        message.bytes(2, self.name.as_bytes());
        message.bytes(3, self.value.as_bytes());
        message.0
    }
}

/// Selects series and a range of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// First millisecond since 1970.
    pub start_ms: i64,
    /// Last millisecond since 1970. It is included, unlike the end of the ranges elsewhere.
    pub end_ms: i64,
    /// Each series matches all of them.
    pub matchers: Vec<Matcher>,
}

impl Query {
    fn encode(&self) -> Vec<u8> {
        let mut message = Writer::default();
        message.signed(1, self.start_ms);
        message.signed(2, self.end_ms);
        self.matchers.iter().for_each(|matcher| message.bytes(3, &matcher.encode()));
        message.0
    }
}

/// What is sent to `/api/v1/read` with `POST`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Answered in this order. Prometheus answers them one after the other, so that several queries save only requests.
    pub queries: Vec<Query>,
}

impl Request {
    /// The body. Prometheus reads at most 32 MiB of it, Mimir 1 MiB.
    pub fn encode(&self) -> Result<Vec<u8>, RemoteReadError> {
        let mut message = Writer::default();
        self.queries.iter().for_each(|query| message.bytes(1, &query.encode()));
        message.bytes(2, &ACCEPTED);
        snap::raw::Encoder::new().compress_vec(&message.0).map_err(|source| RemoteReadError::Request { source })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_snappy_block_of_its_message() {
        let matchers = vec![Matcher::new(MatcherKind::Equal, "a", "b"), Matcher::new(MatcherKind::NotRegex, "c", "")];
        let request = Request { queries: vec![Query { start_ms: -1, end_ms: 300, matchers }] };
        let message = snap::raw::Decoder::new().decompress_vec(&request.encode().unwrap()).unwrap();
        let query = [
            &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0x10, 0xac, 2][..],
            &[0x1a, 6, 0x12, 1, b'a', 0x1a, 1, b'b'],
            &[0x1a, 7, 0x08, 3, 0x12, 1, b'c', 0x1a, 0],
        ]
        .concat();
        assert_eq!(message, [&[0x0a, query.len() as u8], query.as_slice(), &[0x12, 2, 1, 0]].concat());
    }
}
