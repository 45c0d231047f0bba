//! Where readings come from. Only these rooms talk to a network or read files that others wrote.

pub(crate) mod prometheus;
pub(crate) mod sample;
