//! What can be wrong, each in one sentence with its remedy.

use std::fmt;

use crate::text::count;
use crate::time::format_instant;

use super::Kind;

/// Faults of one file that are told; the others are counted.
const TOLD: usize = 20;

/// What is wrong at one place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The text does not follow the grammar.
    #[error("{expected} must stand here, as in: {example}")]
    Syntax {
        /// What the grammar asks for.
        expected: &'static str,
        /// A line that has it.
        example: &'static str,
    },
    /// Bytes that are no text.
    #[error("this is not UTF-8: write the file in UTF-8")]
    Encoding,
    /// A line that no program wrote as OpenMetrics.
    #[error("this line is longer than a megabyte and is not read: is this OpenMetrics text?")]
    Endless,
    /// Not one of the three escapes.
    #[error(r#"only \\, \" and \n are escapes: write \\ for a backslash, which promtool otherwise keeps as it is"#)]
    Escape,
    /// One label twice.
    #[error("the label {0} stands here twice: leave one of them out")]
    LabelTwice(String),
    /// The metric's name as a label.
    #[error("the name of a metric stands before its labels: leave __name__ out")]
    NameAsLabel,
    /// `name{}`, and how often.
    #[error("braces without a label{}: leave the braces away", places(*.0))]
    EmptyBraces(u64),
    /// An empty line.
    #[error("a blank line, which OpenMetrics does not have: remove it")]
    Blank,
    /// CR LF, and how often.
    #[error("a carriage return ends this line{}: end lines with a line feed only (dos2unix)", places(*.0))]
    CarriageReturn(u64),
    /// A comment that is none of the four.
    #[error("only # HELP, # TYPE, # UNIT and # EOF may stand here: remove this comment")]
    Comment,
    /// A type that there is not.
    #[error(
        "there is no such type: write counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown"
    )]
    NoSuchType,
    /// The unit is not in the name.
    #[error("the unit {unit} must be the end of the name: call the metric {family}_{unit}, or leave # UNIT out")]
    Unit {
        /// The family.
        family: String,
        /// Its unit.
        unit: String,
    },
    /// A sample without a timestamp.
    #[error("this sample has no timestamp: write the seconds since 1970 after its value")]
    NoTimestamp,
    /// Seconds beyond the year 5138, and how many samples.
    #[error(
        "{} from here on whose timestamp must be in milliseconds (in seconds it would lie beyond the year 5138): write seconds",
        samples_text(*.0)
    )]
    Milliseconds(u64),
    /// Before 1970.
    #[error("a timestamp before 1970, which promtool leaves out without a word: remove the sample")]
    BeforeEpoch,
    /// An exemplar where there can be none.
    #[error("only counters (_total) and buckets have exemplars: remove what follows the timestamp")]
    Exemplar,
    /// A timestamp before one of the same series.
    #[error(
        "{} comes after {} of the same series, and promtool drops such a sample without a word: sort each series by time",
        format_instant(*.at_ms), format_instant(*.last_ms)
    )]
    Order {
        /// Its own instant.
        at_ms: i64,
        /// The latest before it.
        last_ms: i64,
    },
    /// The timestamp before it once more.
    #[error("the series has two samples at {}, and promtool keeps one: remove the other", format_instant(*.0))]
    Duplicate(i64),
    /// A series that goes on after another one.
    #[error("this series began on line {0} and others stand between: write all samples of a series in one piece")]
    Interleaved(u64),
    /// A family that goes on after another one.
    #[error("the family {0} ended where another one began: write all of a family in one piece")]
    FamilyAgain(String),
    /// Metadata twice.
    #[error("a second # {keyword} of {family}: remove one of the two")]
    Twice {
        /// Which.
        keyword: &'static str,
        /// The family.
        family: String,
    },
    /// Metadata after a sample.
    #[error("# {keyword} of {family} comes after its samples: write it before the first one")]
    Late {
        /// Which.
        keyword: &'static str,
        /// The family.
        family: String,
    },
    /// A sample without metadata.
    #[error(
        "no {missing} of {family} stands before this sample: write it above, or remove a sample that is not of this file"
    )]
    NoMetadata {
        /// What is not there.
        missing: &'static str,
        /// The family.
        family: String,
    },
    /// A name that its type does not have.
    #[error("a {kind} {family} has no sample {name}: it has {}", .kind.names(.family))]
    Suffix {
        /// The type.
        kind: Kind,
        /// The family.
        family: String,
        /// The sample's name.
        name: String,
    },
    /// Not a single sample.
    #[error("there is no sample in this file: nothing would be imported")]
    NoSample,
    /// The end is not there.
    #[error("the last line must be '# EOF': the file was cut off, or whatever wrote it forgot that line")]
    NoEof,
    /// The file ends within a line.
    #[error("the file ends in this line and without '# EOF': it was cut off, so write or copy it again")]
    Cut,
    /// The end is not the end.
    #[error("'# EOF' on line {0} must be the last line: remove it, or what follows it, which is not read")]
    EarlyEof(u64),
    /// Samples that a running server has in its head.
    #[error(
        "{} from here on {} at or after {}, which is in the last three hours or in the future, and would collide with the head of a running Prometheus: leave them out, or import later",
        samples_text(*.samples), if *.samples == 1 { "lies" } else { "lie" }, format_instant(*.from_ms)
    )]
    Head {
        /// How many.
        samples: u64,
        /// The earliest of them.
        from_ms: i64,
    },
}

fn samples_text(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "sample")
}

fn places(count: u64) -> String {
    match count {
        1 => String::new(),
        2 => ", here and once more below".to_owned(),
        _ => format!(", here and {} times below", count - 1),
    }
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1; that after the last one at the end of a file.
    pub line: u64,
    /// The character in the line, from 1; that after the last one at its end.
    pub column: u64,
    /// What is wrong.
    pub wrong: Wrong,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.wrong)
    }
}

/// All that is wrong with a file.
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

    /// Adds one that speaks of the whole file, whatever was found before.
    pub(super) fn add_anyway(&mut self, line: u64, column: u64, wrong: Wrong) {
        self.count += 1;
        let place = self.told.partition_point(|fault| (fault.line, fault.column) <= (line, column));
        self.told.insert(place, Fault { line, column, wrong });
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The first of them, by line.
    pub fn told(&self) -> &[Fault] {
        &self.told
    }
}
