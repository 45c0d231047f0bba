//! Errors of reading a dump. Each is one sentence that names the file and the line and says what to do.

use std::io;

use crate::sources::spool::SpoolError;
use crate::text::count;

/// Why a dump cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The operating system or the decompression fails.
    #[error("cannot read {name} after {} ({source}): copy the dump again", count(*.lines, "line"))]
    Io {
        /// The dump.
        name: String,
        /// Lines that were read before.
        lines: u64,
        /// The answer of the operating system, or what is wrong with the compressed bytes.
        source: io::Error,
    },
    /// A format that this module does not decompress or decode.
    #[error("{name} is {format}: {remedy}")]
    Format {
        /// The dump.
        name: String,
        /// What it is, after "is".
        format: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The dump ends without `# EOF`.
    #[error(
        "{name} ends after {} without \"# EOF\", so it was cut: dump again (a .stderr file may show why), or accept it with --allow-partial",
        count(*.lines, "line")
    )]
    NoEof {
        /// The dump.
        name: String,
        /// Complete lines.
        lines: u64,
    },
    /// There are lines after `# EOF`.
    #[error("{name} line {line}: text after \"# EOF\": give each dump as a file of its own")]
    AfterEof {
        /// The dump.
        name: String,
        /// The first such line.
        line: u64,
    },
    /// A line has something else than a sample.
    #[error("{name} line {line}: {problem} in {text}: dump again with promtool tsdb dump-openmetrics")]
    Malformed {
        /// The dump.
        name: String,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong, as a noun.
        problem: &'static str,
        /// The place in the line.
        text: String,
    },
    /// A sample has no timestamp, as in the answer of `/metrics`.
    #[error(
        "{name} line {line}: a sample without timestamp ({text}): give a dump of promtool tsdb dump-openmetrics, not a scrape"
    )]
    NoTimestamp {
        /// The dump.
        name: String,
        /// The line, counted from 1.
        line: u64,
        /// The line.
        text: String,
    },
    /// A wanted sample is a native histogram.
    #[error(
        "{name} line {line}: {text} has native histograms, which cannot be read: dump a server that scrapes classic histograms (always_scrape_classic_histograms)"
    )]
    Histogram {
        /// The dump.
        name: String,
        /// The line, counted from 1.
        line: u64,
        /// The series.
        text: String,
    },
    /// The dump has the other format of promtool, which has no end.
    #[error(
        "{name} line {line}: this is the format of promtool tsdb dump, which has no end mark: dump again with promtool tsdb dump-openmetrics"
    )]
    OtherDump {
        /// The dump.
        name: String,
        /// The line, counted from 1.
        line: u64,
    },
    /// A line is longer than any series.
    #[error("{name} line {line} is longer than 16 MiB: check that it is a dump of promtool tsdb dump-openmetrics")]
    LongLine {
        /// The dump.
        name: String,
        /// The line, counted from 1.
        line: u64,
    },
    /// The sink refuses a series or a sample.
    #[error(transparent)]
    Spool(SpoolError),
}
