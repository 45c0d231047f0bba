//! Errors of remote read. Each is one sentence that names the place in the response and says what to do.

use std::fmt;

use crate::text::count;
use crate::time::format_instant;

/// A byte of a response, as error messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a streamed response.
    Frame {
        /// Counted from 1.
        number: u64,
        /// Bytes from the start of the body.
        offset: u64,
    },
    /// In a response of samples.
    Message {
        /// Bytes from the start of the decompressed body.
        offset: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame { number, offset } => write!(formatter, "remote-read frame {number} at byte {offset}"),
            Self::Message { offset } => write!(formatter, "remote-read response, decompressed byte {offset}"),
        }
    }
}

/// Why remote read fails.
#[derive(Debug, thiserror::Error)]
pub enum RemoteReadError {
    /// The request does not fit into a snappy block of 4 GiB.
    #[error("cannot compress the remote-read request ({source}): ask for fewer queries at once")]
    Request {
        /// The answer of the encoder.
        source: snap::Error,
    },
    /// The response is no protobuf, for example the page of a proxy.
    #[error(
        "the server answers remote read with content type {found:?} instead of protobuf: check that the URL ends in /api/v1/read, or use the query API"
    )]
    ContentType {
        /// The header, at most its first 100 characters.
        found: String,
    },
    /// The bytes before a frame are no length.
    #[error("{place}: the frame has no valid length; the response is damaged: repeat the request")]
    FrameLength {
        /// Where the frame begins.
        place: Place,
    },
    /// A frame that would need too much memory.
    #[error(
        "{place} has {}, but the limit is {}: lower the server's --storage.remote.read-max-bytes-in-frame, or use the query API",
        count(*.size, "byte"), count(*.limit, "byte")
    )]
    FrameTooLarge {
        /// Where the frame begins.
        place: Place,
        /// Bytes that the frame promises.
        size: u64,
        /// Most bytes of a frame.
        limit: usize,
    },
    /// Samples or the chunks of one series that would need too much memory.
    #[error("{what} of the remote-read response needs more than {}: ask for a shorter range", count(*.limit, "byte"))]
    TooLarge {
        /// The compressed or decompressed response, or a series.
        what: String,
        /// Most bytes of it.
        limit: usize,
    },
    /// Sent and computed CRC32C of a frame differ.
    #[error(
        "{place}: the checksum is {stored:08x}, but that of the bytes is {computed:08x}; the response is damaged: repeat the request"
    )]
    Checksum {
        /// Where the frame begins.
        place: Place,
        /// The checksum in the response.
        stored: u32,
        /// The checksum of the frame's bytes.
        computed: u32,
    },
    /// The body ends too early.
    #[error(
        "{place}: the response ends after {} of this frame: repeat the request, or ask for a shorter range",
        count(*.received, "byte")
    )]
    Truncated {
        /// Where the last frame begins.
        place: Place,
        /// Bytes of it that arrived.
        received: usize,
    },
    /// The server failed after it had sent frames, and appended the reason as text.
    #[error("{place}: the server stopped with the message {text:?}: repeat the request, or ask for a shorter range")]
    Stopped {
        /// Where the next frame should begin.
        place: Place,
        /// The text, at most its first 200 characters.
        text: String,
    },
    /// The body of a response of samples is no snappy block.
    #[error("cannot decompress the remote-read response ({source}): repeat the request, or use the query API")]
    Snappy {
        /// The answer of the decoder.
        source: snap::Error,
    },
    /// Bytes that no server of this protocol sends.
    #[error("{place}: {problem}; the response is damaged: repeat the request, or use the query API")]
    Malformed {
        /// The first such byte, or the message that contains it.
        place: Place,
        /// A main clause.
        problem: &'static str,
    },
    /// A chunk with something else than plain samples.
    #[error(
        "a chunk of {series} from {} on has encoding {encoding} ({name}), not plain samples: {remedy}",
        format_instant(*.min_ms)
    )]
    Encoding {
        /// The series in PromQL notation.
        series: String,
        /// First millisecond of the chunk.
        min_ms: i64,
        /// The number of the encoding.
        encoding: u64,
        /// What Prometheus calls this encoding.
        name: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A chunk that cannot be decoded.
    #[error(
        "remote read of {series}, chunk from {} on: {problem}: use the query API, and check the server's blocks",
        format_instant(*.min_ms)
    )]
    Chunk {
        /// The series in PromQL notation.
        series: String,
        /// First millisecond of the chunk.
        min_ms: i64,
        /// A main clause.
        problem: &'static str,
    },
    /// Two chunks of a series have different values at the same time.
    #[error(
        "remote read of {series} gives two values at {} ({first} and {second}): use the query API",
        format_instant(*.at_ms)
    )]
    TwoValues {
        /// The series in PromQL notation.
        series: String,
        /// Time of both samples, in milliseconds.
        at_ms: i64,
        /// Value of the chunk that comes first in the response.
        first: f64,
        /// Value of the chunk that comes later.
        second: f64,
    },
}

/// What is wrong in a protobuf message, before the place of the message is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Bytes from the start of the outermost message.
    pub(super) at: usize,
    /// A main clause.
    pub(super) problem: &'static str,
}
