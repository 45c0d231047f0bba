//! Exports of raw samples in OpenMetrics text, as `promtool tsdb dump-openmetrics` writes them: a line for each sample,
//! with a timestamp, and `# EOF` at the end.
//!
//! What differs from the OpenMetrics specification, because promtool and other exporters write it:
//!
//! - Labels have the escapes of Go (`\t`, `\u00ad`), not only `\\`, `\"` and `\n`. An escape that Go does not have stands
//!   for itself, as in Prometheus.
//! - Names with dots and other characters may be quoted or not. A quoted metric name may be at any place of the labels.
//! - Every `NaN` becomes a stale marker: promtool writes both alike, and etcd has no NaN in its counters, buckets and gauges.
//! - Digits of a timestamp below a millisecond are dropped, as Prometheus does.
//! - Empty lines, comments, CR LF, exemplars and several spaces are accepted.
//! - Lines of metrics that are not wanted are not checked.
//!
//! A dump has no checksums: a digit that changed on the way is not found, unless the dump is compressed.

mod compression;
mod cut;
mod error;
mod labels;
mod lines;
mod number;
mod parser;
mod sample;
mod sniff;
mod table;

#[cfg(test)]
mod damage;
#[cfg(test)]
pub(in crate::sources) mod real;
#[cfg(test)]
pub(in crate::sources) mod tests;

use std::io::Read;

pub(in crate::sources) use compression::{Refused, decompress};
pub use cut::Cut;
pub use error::DumpError;
pub(in crate::sources) use sniff::looks_like_dump;

use crate::sources::spool::Sink;
use lines::Lines;
use parser::Parser;

/// How to read dumps.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Names of metrics, sorted.
    names: Vec<Vec<u8>>,
    /// Whether to accept dumps that end early.
    allow_partial: bool,
}

impl Wanted {
    /// Reads the samples of the metrics with exactly these names.
    pub fn new(names: &[&str]) -> Self {
        let mut names: Vec<_> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        names.sort();
        Self { names, allow_partial: false }
    }

    /// Accepts dumps that end before `# EOF`, and reports it in [`Summary::cut`].
    #[must_use]
    pub fn allow_partial(mut self, allow: bool) -> Self {
        self.allow_partial = allow;
        self
    }

    fn contains(&self, name: &[u8]) -> bool {
        self.names.binary_search_by(|own| own.as_slice().cmp(name)).is_ok()
    }
}

/// What was read from a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All lines, wanted or not.
    pub lines: u64,
    /// Wanted samples, with repeated ones.
    pub samples: u64,
    /// Bytes after decompression.
    pub bytes: u64,
    /// Where the dump ends, if that is before `# EOF`.
    pub cut: Option<Cut>,
}

/// Reads a dump: plain, or compressed with gzip or zstd. `name` stands for it in messages.
pub fn read(input: impl Read, name: &str, wanted: &Wanted, sink: &mut impl Sink) -> Result<Summary, DumpError> {
    sink.dump(name).map_err(DumpError::Spool)?;
    let input = decompress(input).map_err(|error| error.named(name))?;
    let mut lines = Lines::new(input);
    let mut parser = Parser::new(name, wanted, sink);
    let end = loop {
        match lines.next_block() {
            Ok(Some(block)) => parser.block(block)?,
            Ok(None) => break None,
            Err(error) if cut::is_early_end(&error) => break Some(error),
            Err(source) => return Err(DumpError::Io { name: name.to_owned(), lines: parser.lines(), source }),
        }
    };
    parser.finish(end, &lines)
}
