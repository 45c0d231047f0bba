//! The readers of `src/sources/tsdb`, without the data directory that joins them.

#[path = "../../../src/sources/tsdb/block/mod.rs"]
pub mod block;
#[path = "../../../src/sources/tsdb/head/mod.rs"]
pub mod head;
