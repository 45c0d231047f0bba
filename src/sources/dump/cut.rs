//! Dumps that end early.

use std::fmt;
use std::io;

use super::labels;
use super::sample::{self, After};
use crate::text::count;

/// Where a dump ends that has no `# EOF`. Samples of the last series after the last time are missing, and all series that
/// would have followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Complete lines.
    pub lines: u64,
    /// Text of the series of the last complete sample, wanted or not.
    pub last_series: Option<String>,
    /// Time of this sample, in milliseconds since 1970.
    pub last_ms: Option<i64>,
}

impl Cut {
    /// Describes the end after a complete line.
    pub(super) fn after(lines: u64, last_line: &[u8]) -> Self {
        let length = labels::extent(last_line).ok().filter(|_| !last_line.starts_with(b"#"));
        let (series, rest) = last_line.split_at(length.unwrap_or(0));
        let last_series = length.map(|_| String::from_utf8_lossy(series).into_owned());
        let last_ms = match sample::parse(rest) {
            After::Sample(_, time_ms) => Some(time_ms).filter(|_| last_series.is_some()),
            _ => None,
        };
        Self { lines, last_series, last_ms }
    }
}

/// A sentence without a period, with the dump as subject.
impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ends after {} without \"# EOF\": ", count(self.lines, "line"))?;
        match &self.last_series {
            Some(series) => write!(formatter, "later samples of {series} and all series after it are missing"),
            None => formatter.write_str("samples are missing"),
        }
    }
}

/// Whether an input ends before its compressed bytes do.
pub(super) fn is_early_end(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}
