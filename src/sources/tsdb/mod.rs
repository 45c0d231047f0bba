//! Files of a Prometheus server, read without the server. [`block`] reads persistent blocks, and a data directory joins
//! them.

pub mod block;
pub(crate) mod directory;
