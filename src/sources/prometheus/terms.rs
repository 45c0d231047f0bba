//! On which terms a server is asked: how much at once, how long, how often.

use std::time::Duration;

/// What a client may ask of a server, and what it takes from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Terms {
    /// Queries in flight.
    pub(crate) concurrency: usize,
    /// Queries a second; `None` is as many as are answered.
    pub(crate) max_qps: Option<f64>,
    /// How often a query that failed is tried again.
    pub(crate) retries: u32,
    /// Time in which a whole answer must be there.
    pub(crate) timeout: Duration,
    /// Whether an answer of which the server says that it is partial is taken.
    pub(crate) allow_partial: bool,
}

/// As the settings have it where nobody says otherwise.
impl Default for Terms {
    fn default() -> Self {
        Self { concurrency: 4, max_qps: None, retries: 5, timeout: Duration::from_secs(300), allow_partial: false }
    }
}
