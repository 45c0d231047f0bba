//! The parsers of `src/sources`, without the code that sends requests.

/// The parsers of the Prometheus client.
pub mod prometheus;
