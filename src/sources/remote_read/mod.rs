//! The wire format of Prometheus's remote read (`/api/v1/read`): raw samples of series, as chunks of the TSDB where the
//! server can stream them. There is no HTTP here: the client sends [`Request::encode`] with [`REQUEST_HEADERS`], and
//! hands the body of the response to a [`Response`] as it arrives.
//!
//! Samples are those of the TSDB, stale markers included, and not what PromQL makes of them. Labels include the
//! `external_labels` of the server, which PromQL does not show: [`RemoteSeries::remove_labels`] removes them.
//!
//! A response of samples, unlike one of chunks, has no checksum, and 0 instead of -0, because Prometheus leaves out
//! what equals 0. Before Prometheus 2.44, it also ends each series at its first native histogram.

mod error;
mod message;
mod protobuf;
mod request;
mod response;
mod series;
mod stream;

#[cfg(test)]
mod damage;
#[cfg(test)]
mod encode;
#[cfg(test)]
mod real;
#[cfg(test)]
mod tests;

pub use error::{Place, RemoteReadError};
pub use request::{Matcher, MatcherKind, Query, REQUEST_HEADERS, Request};
pub use response::Response;
pub use series::{RemoteChunk, RemoteSeries};

/// Most memory for the parts of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a frame in a streamed response. Prometheus and Mimir send about 1 MiB unless configured otherwise.
    pub frame_bytes: usize,
    /// Bytes of the encoded chunks of one series in a streamed response, and of the whole of a response of samples,
    /// both before and after it is decompressed.
    pub message_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame_bytes: 64 << 20, message_bytes: 256 << 20 }
    }
}
