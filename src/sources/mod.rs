//! Sources of readings: a Prometheus-compatible server, raw samples without one, and the embedded sample. Only
//! `prometheus` uses the network. Sources hand readings to the history; scores and outputs do not belong here.
//!
//! `tsdb` reads a data directory's samples, `promql` has the functions of queries, and `raw` joins both into a source.

pub mod archive;
pub mod dump;
pub(crate) mod files;
pub(crate) mod prometheus;
pub mod promql;
pub(crate) mod raw;
pub mod remote_read;
pub(crate) mod sample;
pub mod spool;
pub mod tsdb;
