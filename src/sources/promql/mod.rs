//! PromQL functions over raw samples, bit for bit as Prometheus computes them.
//!
//! The source of raw samples (a TSDB block, a remote read, an export) has no query engine, so the queries of the
//! metrics are computed here: `rate`, `changes`, `last_over_time`, instant selectors, `sum`, `max`, `or`, `and` and
//! `histogram_quantile` over classic buckets. Every operation has Prometheus's order, so that a value equals that
//! of a server to the last bit, and a history may mix the two.
//!
//! A [`Series`] holds the samples of one series. A function over time takes a series and the ascending evaluation
//! times of a range query, and returns one value per time: `None` where Prometheus returns no sample. A NaN is a
//! value. Functions over several series take these columns, which all have the same times; the caller matches
//! labels. Some results depend on the [`Version`] of Prometheus.
//!
//! Prometheus on arm64 may fuse a multiplication and an addition, and then differs in the last bit from Prometheus
//! on amd64; these functions equal the latter.

mod aggregate;
mod changes;
mod instant;
mod last;
mod quantile;
mod rate;
mod series;
mod set;
mod version;
mod window;

pub use aggregate::{max, sum};
pub use changes::changes;
pub use instant::{DEFAULT_LOOKBACK_MS, instant};
pub use last::last_over_time;
pub use quantile::{BucketColumn, histogram_quantile, parse_le};
pub use rate::rate;
pub use series::{Series, SeriesError, is_stale_marker, stale_marker};
pub use set::{and, or};
pub use version::{Version, VersionError};

/// The values of an expression for one set of labels: one per evaluation time, `None` where there is no sample.
pub type Column = Vec<Option<f64>>;
