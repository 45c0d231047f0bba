//! Sources of readings: a Prometheus-compatible server and the embedded sample. Only these modules use the network.
//! They hand readings to the history; scores and outputs do not belong here. `promql` computes the queries' functions from raw
//! samples, for sources without a query engine.

pub(crate) mod prometheus;
pub mod promql;
pub(crate) mod sample;
pub mod tsdb;
