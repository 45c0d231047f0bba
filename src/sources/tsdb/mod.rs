//! Files of a Prometheus server, read without the server. [`block`] reads persistent blocks, also those in a bucket,
//! [`head`] what is not in blocks yet, and a data directory joins both.

pub mod block;
pub(crate) mod bucket;
pub(crate) mod directory;
pub mod head;
