//! The body of a response, streamed or not.

use super::Limits;
use super::error::{Place, RemoteReadError};
use super::message::read_response;
use super::series::RemoteSeries;
use super::stream::Stream;

/// Characters of a content type that an error has.
const LONGEST_TYPE: usize = 100;

/// Decodes the body of a response while it arrives: made from the content type, fed with [`Self::push`], and ended with
/// [`Self::finish`].
#[derive(Debug)]
pub struct Response(Kind);

#[derive(Debug)]
enum Kind {
    Streamed(Stream),
    Samples { body: Vec<u8>, queries: usize, limits: Limits },
}

impl Response {
    /// Starts with the header `Content-Type` of a response with status 200, and with the number of queries in the
    /// request. Servers that send no type, or `application/octet-stream`, send samples.
    pub fn new(content_type: Option<&str>, queries: usize, limits: Limits) -> Result<Self, RemoteReadError> {
        let header = content_type.unwrap_or_default();
        let mut parts = header.split(';').map(|part| part.trim().to_ascii_lowercase());
        let kind = parts.next().unwrap_or_default();
        let mut message =
            parts.filter_map(|part| part.strip_prefix("proto=").map(|name| name.trim_matches('"').to_owned()));
        let known = message.all(|name| name == "prometheus.chunkedreadresponse" || name == "prometheus.readresponse");
        match kind.as_str() {
            "application/x-streamed-protobuf" if known => Ok(Self(Kind::Streamed(Stream::new(queries, limits)))),
            "application/x-protobuf" | "application/octet-stream" | "" if known => {
                Ok(Self(Kind::Samples { body: Vec::new(), queries, limits }))
            }
            _ => Err(RemoteReadError::ContentType { found: header.chars().take(LONGEST_TYPE).collect() }),
        }
    }

    /// Whether series are given while the response arrives, instead of only at its end.
    pub fn is_streamed(&self) -> bool {
        matches!(self.0, Kind::Streamed(_))
    }

    /// Takes the next bytes of the body, and gives the series that they complete. A series is complete when another one
    /// begins. After an error, all later calls fail.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<RemoteSeries>, RemoteReadError> {
        match &mut self.0 {
            Kind::Streamed(stream) => stream.push(bytes),
            Kind::Samples { body, limits, .. } => {
                // One byte more than allowed makes later calls fail too.
                let room = limits.message_bytes.saturating_add(1) - body.len();
                body.extend_from_slice(&bytes[..room.min(bytes.len())]);
                require_size("the compressed body", body.len(), *limits).map(|()| Vec::new())
            }
        }
    }

    /// Ends the body, and gives all other series. Fails if the response is not whole. A body that was cut between two
    /// frames looks whole: the client must refuse a body that HTTP shows to be incomplete.
    pub fn finish(self) -> Result<Vec<RemoteSeries>, RemoteReadError> {
        match self.0 {
            Kind::Streamed(stream) => stream.finish().map(|series| series.into_iter().collect()),
            Kind::Samples { body, queries, limits } => {
                require_size("the compressed body", body.len(), limits)?;
                let snappy = |source| RemoteReadError::Snappy { source };
                let size = snap::raw::decompress_len(&body).map_err(snappy)?;
                require_size("the decompressed body", size, limits)?;
                let message = snap::raw::Decoder::new().decompress_vec(&body).map_err(snappy)?;
                read_response(&message, queries).map_err(|malformed| RemoteReadError::Malformed {
                    place: Place::Message { offset: malformed.at as u64 },
                    problem: malformed.problem,
                })
            }
        }
    }
}

fn require_size(what: &str, size: usize, limits: Limits) -> Result<(), RemoteReadError> {
    if size <= limits.message_bytes {
        return Ok(());
    }
    Err(RemoteReadError::TooLarge { what: what.to_owned(), limit: limits.message_bytes })
}
