//! Limits for queries to a server: concurrency, rate, retries, timeout.

use std::time::Duration;

use super::dialect::{HttpMethod, ServerKind};

/// How queries are sent, and whether partial answers are accepted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Terms {
    /// Maximum number of concurrent queries.
    pub(crate) concurrency: usize,
    /// Maximum queries per second; `None` means no limit.
    pub(crate) max_qps: Option<f64>,
    /// Maximum number of retries of a query.
    pub(crate) retries: u32,
    /// Timeout for a complete answer.
    pub(crate) timeout: Duration,
    /// Whether partial answers are accepted.
    pub(crate) allow_partial: bool,
    /// The kind of the server, or `Auto` to find it out.
    pub(crate) server: ServerKind,
    /// The HTTP method of queries.
    pub(crate) method: HttpMethod,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            concurrency: 4,
            max_qps: None,
            retries: 5,
            timeout: Duration::from_secs(300),
            allow_partial: false,
            server: ServerKind::default(),
            method: HttpMethod::default(),
        }
    }
}
