//! Reads annotations from CSV. Strict: what is not understood is an error with its line, so that no note is lost.

use std::path::{Path, PathBuf};

use super::records::{Record, Records};
use super::{Annotation, AnnotationKind};
use crate::text::csv::csv_unguarded;
use crate::text::nearest::did_you_mean;
use crate::text::terminal::{terminal_label, terminal_message};
use crate::time::{TimeError, Zone};

/// The columns, by their names in the header; the first three are required.
const COLUMNS: [&str; 5] = ["time", "cluster", "text", "end", "kind"];
const REQUIRED: usize = 3;
/// Most characters of a text: it becomes part of sentences and of marks in pictures.
const MOST_CHARS: usize = 500;
/// Most bytes of a file: a file of a million notes is a mistake.
pub const MOST_BYTES: usize = 8 << 20;
/// Years 1970 to 9999, the times that RFC 3339 can write.
const TIMES_MS: std::ops::Range<i64> = 0..253_402_300_800_000;

/// A fault in a file of annotations.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}, line {line}: {fault}", terminal_label(&.path.display().to_string()))]
pub struct AnnotationsError {
    pub path: PathBuf,
    /// From 1; the line at which the faulty record begins.
    pub line: usize,
    pub fault: Fault,
}

/// What is wrong at a line. Texts of the file are sanitized.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Fault {
    /// More than [`MOST_BYTES`].
    #[error("the file is larger than 8 MiB: name a CSV file of annotations")]
    TooLarge,
    /// Bytes that are not UTF-8.
    #[error("this is not UTF-8: save the file as CSV in UTF-8")]
    NotUtf8,
    /// No line with anything on it.
    #[error("the file is empty: its first line names the columns time, cluster and text")]
    Empty,
    /// A column of the header that there is not.
    #[error("unknown column '{name}'{suggestion}: use {}", COLUMNS.join(", "))]
    UnknownColumn { name: String, suggestion: String },
    /// A column that the header names twice.
    #[error("the column {0} is there twice")]
    ColumnTwice(&'static str),
    /// A required column that the header lacks.
    #[error("the column {0} is missing: the first line names time, cluster and text, separated by commas")]
    NoColumn(&'static str),
    /// A field that begins with a quotation mark and never ends.
    #[error("a quoted field is never closed: double each quotation mark within it")]
    OpenQuote,
    /// A quotation mark in a field without quotes.
    #[error("a quotation mark within a field: quote the whole field, and double the mark")]
    QuoteInside,
    /// Text between a closing quotation mark and the next comma.
    #[error("text after a closing quotation mark: double each quotation mark within a field")]
    AfterQuote,
    /// A record with more or fewer fields than the header.
    #[error("there are {found} fields for {columns} columns: quote a text that has commas")]
    Fields { found: usize, columns: usize },
    /// A time in no accepted form, or an empty one.
    #[error(
        "{column} '{text}' is not a time: write 2026-10-01T12:00:00Z, 2026-10-01 12:00 (local), or seconds since 1970"
    )]
    NotATime { column: &'static str, text: String },
    /// `now-1d` and the like.
    #[error("{column} '{text}' would mean another time in every run: write 2026-10-01T12:00:00Z")]
    Relative { column: &'static str, text: String },
    /// Another fault of a time.
    #[error("{column}: {error}")]
    Time { column: &'static str, error: TimeError },
    /// A year before 1970 or after 9999.
    #[error("{column} '{text}' is not in the years 1970 to 9999")]
    FarTime { column: &'static str, text: String },
    /// An end that is before the time.
    #[error("the end '{end}' is before the time '{time}'")]
    EndsBefore { time: String, end: String },
    /// A kind that there is not.
    #[error("{0}")]
    Kind(String),
    /// A record without a text.
    #[error("the text is empty: write what was done")]
    NoText,
    /// A text of more than [`MOST_CHARS`] characters.
    #[error("the text has {0} characters: shorten it to {MOST_CHARS}")]
    LongText(usize),
}

/// Reads the annotations in the bytes of a file; `path` is its name in errors, and `most_bytes` the largest size that is
/// read. Times without an offset are local to `zone`. Empty lines, and lines of only commas, are skipped.
pub fn read(path: &Path, bytes: &[u8], zone: Zone, most_bytes: usize) -> Result<Vec<Annotation>, AnnotationsError> {
    let at = |(line, fault)| AnnotationsError { path: path.to_owned(), line, fault };
    if bytes.len() > most_bytes {
        return Err(at((1, Fault::TooLarge)));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        at((before.iter().filter(|byte| **byte == b'\n').count() + 1, Fault::NotUtf8))
    })?;
    // Spreadsheets begin UTF-8 with a byte order mark.
    let mut records = Records::of(text.strip_prefix('\u{feff}').unwrap_or(text))
        .filter(|record| !record.as_ref().is_ok_and(Record::is_blank));
    let header = records.next().unwrap_or(Err((1, Fault::Empty))).map_err(at)?;
    let columns = Columns::of(&header).map_err(|fault| at((header.line, fault)))?;
    let read = records.map(|record| {
        let record = record?;
        columns.annotation(&record, zone).map_err(|fault| (record.line, fault))
    });
    read.map(|annotation| annotation.map_err(at)).collect()
}

/// The place of each column of [`COLUMNS`] in a record.
struct Columns {
    places: [Option<usize>; COLUMNS.len()],
    count: usize,
}

impl Columns {
    fn of(header: &Record) -> Result<Self, Fault> {
        let mut places = [None; COLUMNS.len()];
        for (place, name) in header.fields.iter().enumerate() {
            let name = terminal_message(name);
            let Some(column) = COLUMNS.iter().position(|column| *column == name) else {
                let suggestion = did_you_mean(&name, COLUMNS);
                return Err(Fault::UnknownColumn { name, suggestion });
            };
            if places[column].replace(place).is_some() {
                return Err(Fault::ColumnTwice(COLUMNS[column]));
            }
        }
        match places[..REQUIRED].iter().position(Option::is_none) {
            Some(missing) => Err(Fault::NoColumn(COLUMNS[missing])),
            None => Ok(Self { places, count: header.fields.len() }),
        }
    }

    fn annotation(&self, record: &Record, zone: Zone) -> Result<Annotation, Fault> {
        let found = record.fields.len();
        if found != self.count {
            return Err(Fault::Fields { found, columns: self.count });
        }
        let [time, cluster, text, end, kind] = self.places.map(|at| at.map_or("", |at| record.fields[at].trim()));
        let at_ms = instant("time", time, zone)?;
        let end_ms = if end.is_empty() { None } else { Some(instant("end", end, zone)?) };
        if end_ms.is_some_and(|end_ms| end_ms < at_ms) {
            return Err(Fault::EndsBefore { time: terminal_message(time), end: terminal_message(end) });
        }
        let kind = match kind {
            "" => AnnotationKind::Other,
            kind => terminal_message(kind).parse().map_err(Fault::Kind)?,
        };
        Ok(Annotation {
            line: record.line,
            at_ms,
            end_ms: end_ms.filter(|end_ms| *end_ms > at_ms),
            cluster: Some(csv_unguarded(cluster)).filter(|name| !name.is_empty()).map(str::to_owned),
            kind,
            text: one_line(csv_unguarded(text))?,
        })
    }
}

fn instant(column: &'static str, text: &str, zone: Zone) -> Result<i64, Fault> {
    let text = terminal_message(text);
    if text.starts_with("now") {
        return Err(Fault::Relative { column, text });
    }
    match zone.parse_instant(&text, 0) {
        Ok(at_ms) if TIMES_MS.contains(&at_ms) => Ok(at_ms),
        Ok(_) => Err(Fault::FarTime { column, text }),
        Err(TimeError::NotATime(_)) => Err(Fault::NotATime { column, text }),
        Err(error) => Err(Fault::Time { column, error }),
    }
}

/// The text on one line, because it becomes part of sentences.
fn one_line(text: &str) -> Result<String, Fault> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        0 => Err(Fault::NoText),
        1..=MOST_CHARS => Ok(text),
        chars => Err(Fault::LongText(chars)),
    }
}
