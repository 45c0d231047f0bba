//! Sources of readings. Only these modules use the network or read files written by other programs. They hand readings
//! to the history; scores and outputs do not belong here.

pub(crate) mod prometheus;
pub(crate) mod sample;
