//! The parsers of `src/sources`, without the code that sends requests.

#[path = "../../src/sources/archive/mod.rs"]
pub mod archive;
/// Chunks of samples, without a file around them.
pub mod chunks;
#[path = "../../src/sources/dump/mod.rs"]
pub mod dump;
/// The parsers of the Prometheus client.
pub mod prometheus;
/// The parser of queries that are computed without a server.
pub mod raw;
#[path = "../../src/sources/remote_read/mod.rs"]
pub mod remote_read;
#[path = "../../src/sources/spool/mod.rs"]
pub mod spool;
/// The files of a Prometheus server.
pub mod tsdb;
