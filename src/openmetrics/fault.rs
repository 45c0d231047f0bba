//! The faults that the reader and `lint` report. Each message is one sentence, with the remedy if there is one.

use std::fmt;

use crate::text::count;
use crate::time::format_instant;

use super::Kind;

/// The maximum number of faults to list per file; the rest are only counted. Faults that are reported once per file
/// are listed even beyond this number.
const TOLD: usize = 20;

/// A kind of fault; the message names the remedy if there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The line does not follow the grammar.
    #[error("expected {expected} here, as in: {example}")]
    Syntax {
        /// What the grammar requires at the position of the fault.
        expected: &'static str,
        /// A valid line of the same kind, to compare with.
        example: &'static str,
    },
    /// The line is not valid UTF-8.
    #[error("invalid UTF-8: write the file in UTF-8")]
    Encoding,
    /// The file begins with a byte order mark.
    #[error("the file begins with a byte order mark (BOM), which promtool refuses: save it as UTF-8 without BOM")]
    ByteOrderMark,
    /// The line is longer than the reader accepts.
    #[error("this line is longer than 1 MiB and was not read: check that the file is OpenMetrics text")]
    Endless,
    /// An escape sequence that OpenMetrics does not define; promtool keeps it unchanged.
    #[error(r#"only \\, \" and \n are escapes: write \\ for a backslash; promtool keeps other sequences unchanged"#)]
    Escape,
    /// The same label appears twice.
    #[error("duplicate label {0}: remove one of the two")]
    LabelTwice(String),
    /// The metric name is given as a label.
    #[error("__name__ is not allowed as a label: write the metric name before the braces")]
    NameAsLabel,
    /// Empty braces, as in `name{}`; holds the number of occurrences.
    #[error("empty braces{}: remove the braces", places(*.0))]
    EmptyBraces(u64),
    /// A blank line, which OpenMetrics does not allow.
    #[error("blank line, which OpenMetrics does not allow: remove it")]
    Blank,
    /// Lines that end with CR LF; holds the number of these lines.
    #[error("a carriage return ends this line{}: end lines with a line feed only (dos2unix)", places(*.0))]
    CarriageReturn(u64),
    /// A comment other than HELP, TYPE, UNIT and EOF.
    #[error("only the comments # HELP, # TYPE, # UNIT and # EOF are allowed: remove this one")]
    Comment,
    /// A `# TYPE` line with an unknown type.
    #[error("unknown type: use counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown")]
    NoSuchType,
    /// The family's name does not end with the unit of its `# UNIT` line.
    #[error("the name must end with the unit {unit}: rename the metric to {family}_{unit}, or remove # UNIT")]
    Unit {
        /// Family whose name lacks the unit at its end.
        family: String,
        /// Unit from the `# UNIT` line.
        unit: String,
    },
    /// A sample without a timestamp.
    #[error("this sample has no timestamp: write the seconds since 1970 after its value")]
    NoTimestamp,
    /// Timestamps beyond the year 5138, which must be milliseconds; holds the number of samples.
    #[error(
        "{} from here on with timestamps in milliseconds (beyond the year 5138 if read as seconds): divide them by 1000",
        count(*.0, "sample")
    )]
    Milliseconds(u64),
    /// A timestamp before 1970, which promtool drops silently.
    #[error("timestamp before 1970, which promtool drops silently: remove the sample")]
    BeforeEpoch,
    /// An exemplar on a sample that cannot have one.
    #[error("only counters (_total) and buckets may have exemplars: remove everything after the timestamp")]
    Exemplar,
    /// A sample out of order within its series.
    #[error(
        "{} comes after {} of the same series, and promtool drops such samples silently: sort each series by time",
        format_instant(*.at_ms), format_instant(*.last_ms)
    )]
    Order {
        /// Time of the sample, in milliseconds.
        at_ms: i64,
        /// Latest time of the same series on the lines above, in milliseconds.
        last_ms: i64,
    },
    /// A series has two samples at the same time; holds that time in milliseconds.
    #[error("second sample of the series at {}, and promtool keeps only one of them: remove the wrong one", format_instant(*.0))]
    Duplicate(i64),
    /// A series whose samples are interrupted by another series; holds the line number of the
    /// first sample of the interrupted series.
    #[error("this series began on line {0} and was interrupted by others: write all samples of a series consecutively")]
    Interleaved(u64),
    /// A family whose lines are interrupted by another family; holds the family's name.
    #[error("the family {0} was interrupted by another one: write all samples of a family consecutively")]
    FamilyAgain(String),
    /// Duplicate metadata of a family.
    #[error("duplicate # {keyword} of {family}: remove one of the two")]
    Twice {
        /// The repeated keyword: `HELP`, `TYPE` or `UNIT`.
        keyword: &'static str,
        /// Family that has this metadata twice.
        family: String,
    },
    /// Metadata after the family's samples.
    #[error("# {keyword} of {family} comes after its samples: write it before the first one")]
    Late {
        /// The late keyword: `HELP`, `TYPE` or `UNIT`.
        keyword: &'static str,
        /// Family whose samples come before the metadata.
        family: String,
    },
    /// The first sample of a family, without `# HELP` or `# TYPE` before it.
    #[error(
        "no {missing} of {family} before this sample: add it above, or remove the sample if it does not belong here"
    )]
    NoMetadata {
        /// The missing metadata, such as `# HELP`.
        missing: &'static str,
        /// Family whose samples begin before this metadata.
        family: String,
    },
    /// A sample name that the family's type does not allow.
    #[error("the {kind} {family} cannot have a sample {name}: use {}", .kind.names(.family))]
    Suffix {
        /// Type from the `# TYPE` line of the family.
        kind: Kind,
        /// Family that the sample belongs to.
        family: String,
        /// Sample name that the type does not allow.
        name: String,
    },
    /// The file has no samples.
    #[error("the file has no samples, so nothing would be imported: add samples, or leave out the file")]
    NoSample,
    /// The file does not end with `# EOF`.
    #[error("the last line must be '# EOF': add it, or write the file again if it was cut off")]
    NoEof,
    /// The file ends in the middle of a line.
    #[error("the file ends within this line, without '# EOF': it was cut off; write or copy it again")]
    Cut,
    /// Further lines follow `# EOF`; holds the line number of `# EOF`.
    #[error("lines follow '# EOF' of line {0} and are not read: remove that '# EOF', or all lines after it")]
    EarlyEof(u64),
    /// Samples recent enough to overlap the head of a running server.
    #[error(
        "{} at or after {}, too recent for import into a running Prometheus (its head block): remove them, or import once they are three hours old",
        count(*.samples, "sample"), format_instant(*.from_ms)
    )]
    Head {
        /// Number of samples that may be in the head.
        samples: u64,
        /// Time of the earliest of these samples, in milliseconds.
        from_ms: i64,
    },
}

fn places(lines: u64) -> String {
    match lines {
        1 => String::new(),
        2 => ", here and once more below".to_owned(),
        _ => format!(", here and {} below", count(lines - 1, "time")),
    }
}

/// A fault and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line number, from 1. A missing `# EOF` is reported at the number after the last line.
    pub line: u64,
    /// Character position in the line, from 1. A fault about something missing at the end of a line has the
    /// position after the last character.
    pub column: u64,
    /// Kind of the fault, with the details for its message.
    pub wrong: Wrong,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.wrong)
    }
}

/// The faults of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    told: Vec<Fault>,
    count: u64,
}

impl Faults {
    pub(super) fn add(&mut self, line: u64, column: u64, wrong: Wrong) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(Fault { line, column, wrong });
        }
    }

    /// Adds a fault that is reported once per file. It is listed even if the list is full.
    pub(super) fn add_anyway(&mut self, line: u64, column: u64, wrong: Wrong) {
        self.count += 1;
        let place = self.told.partition_point(|fault| (fault.line, fault.column) <= (line, column));
        self.told.insert(place, Fault { line, column, wrong });
    }

    /// Number of all faults, listed or not.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The listed faults, ordered by line.
    pub fn told(&self) -> &[Fault] {
        &self.told
    }
}
