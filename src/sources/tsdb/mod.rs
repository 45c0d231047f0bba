//! Files of a Prometheus server, read without the server. [`block`] reads persistent blocks.

pub mod block;
