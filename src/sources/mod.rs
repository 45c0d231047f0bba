//! Sources of readings: a Prometheus-compatible server and the embedded sample. Only these modules use the network.
//! They hand readings to the history; scores and outputs do not belong here.

pub(crate) mod prometheus;
pub(crate) mod sample;
