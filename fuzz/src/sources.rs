//! The sources, without what sends anything.

/// The Prometheus client's readers of others' text.
pub mod prometheus;
