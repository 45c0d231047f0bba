//! The wanted samples of dumps, compressed in a temporary file without a name.
//!
//! A [`SpoolWriter`] takes samples in any order of series and encodes them as XOR chunks of up to 480 samples. In memory
//! it has the labels of each series, 40 bytes for each chunk, and chunks that are not complete: at most 64 MB of them,
//! however many series there are. [`SpoolWriter::finish`] gives the [`Spool`], which several threads can read.

mod encode;
mod error;
mod file;
mod open;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use error::SpoolError;
pub use reader::Spool;
pub use writer::SpoolWriter;

/// Names and values of labels, `__name__` included, by name. Series share the texts.
pub type Labels = Vec<(Arc<str>, Arc<str>)>;

/// Takes the wanted samples of dumps.
pub trait Sink {
    /// Begins a dump with this name.
    fn dump(&mut self, name: &str) -> Result<(), SpoolError>;

    /// The number of the series with these labels, which are sorted and include `__name__`.
    fn series(&mut self, labels: Labels) -> Result<u32, SpoolError>;

    /// Takes a sample of the series with this number, from a line counted from 1.
    fn sample(&mut self, series: u32, line: u64, time_ms: i64, value: f64) -> Result<(), SpoolError>;
}

/// Where a chunk is in the temporary file, and what time it covers.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// Time of its first sample, in milliseconds since 1970.
    min_ms: i64,
    /// Time of its last sample, in milliseconds since 1970.
    max_ms: i64,
    /// Offset in the file, in bytes.
    offset: u64,
    /// Length in bytes.
    length: u32,
    /// CRC32C of the bytes.
    checksum: u32,
    /// The number of the dump, counted from 1.
    dump: u32,
}
