//! The ways to read from a server.

use crate::text::named::named;

named! {
    /// How to read from a server.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) enum ReadMode {
        /// PromQL queries, which the server evaluates.
        #[default]
        Promql = "promql",
        /// Remote read: raw samples, of which the queries are computed here.
        Raw = "raw",
        /// Remote read from a Prometheus that streams chunks; otherwise PromQL.
        Auto = "auto",
    }
    parsed "unknown way to read"
}
