//! A strict line-by-line reader of OpenMetrics text; its memory does not grow with the file.

use std::io::{self, BufRead, Read};
use std::ops::Range;

use super::sample::{self, Misplaced, name_end};
use super::{Kind, Sample, Wrong};

/// Maximum length of a line. Reading stops at a longer line, so that it cannot fill the memory.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// The content of a line.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A `# HELP` line: the name of the family.
    Help(&'a str),
    /// A `# TYPE` line: the name and type of the family.
    Type(&'a str, Kind),
    /// A `# UNIT` line: the name and unit of the family.
    Unit(&'a str, &'a str),
    /// The `# EOF` line, which must be the last one.
    Eof,
    /// A sample line, split into its parts.
    Sample(Sample<'a>),
}

/// One line of the file.
#[derive(Debug)]
pub struct Line<'a> {
    /// Line number in the file, from 1.
    pub number: u64,
    /// The line without its line ending. Invalid UTF-8 ends the text before its first invalid byte; a line that is
    /// too long has no text.
    pub text: &'a str,
    /// Whether the file begins with a byte order mark, which is not part of [`Self::text`]. Always false after line 1.
    pub has_byte_order_mark: bool,
    /// Whether the line ends with CR LF.
    pub has_carriage_return: bool,
    /// Whether the file ends within this line, without a line feed.
    pub is_open: bool,
    /// The parsed content, or the byte position and kind of the fault.
    pub event: Result<Event<'a>, (usize, Wrong)>,
}

impl Line<'_> {
    /// Converts a byte position in the line to a character position from 1.
    pub fn column(&self, byte: usize) -> u64 {
        self.text.char_indices().take_while(|(at, _)| *at < byte).count() as u64 + 1
    }
}

/// Reads a file line by line.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    /// The previous sample's series, as written.
    series: String,
    labels: Vec<[Range<usize>; 2]>,
    /// Whether the previous line was too long, so that reading cannot continue.
    is_over: bool,
}

/// U+FEFF in UTF-8, which some editors and PowerShell write at the start of a file.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl<R: BufRead> Reader<R> {
    /// Creates a reader at the start of a file.
    pub fn new(input: R) -> Self {
        Self { input, line: Vec::new(), number: 0, series: String::new(), labels: Vec::new(), is_over: false }
    }

    /// Returns the next line, or `None` at the end of the file.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let length = Read::take(&mut self.input, LINE_BYTES_MAX).read_until(b'\n', &mut self.line)? as u64;
        if length == 0 || self.is_over {
            return Ok(None);
        }
        self.number += 1;
        let number = self.number;
        let mut bytes = self.line.as_slice();
        let marked = bytes.strip_prefix(BYTE_ORDER_MARK).filter(|_| number == 1);
        let has_byte_order_mark = marked.is_some();
        bytes = marked.unwrap_or(bytes);
        if length == LINE_BYTES_MAX && !bytes.ends_with(b"\n") {
            self.is_over = true;
            let event = Err((0, Wrong::Endless));
            let (has_carriage_return, is_open) = (false, false);
            return Ok(Some(Line { number, text: "", has_byte_order_mark, has_carriage_return, is_open, event }));
        }
        let ended = bytes.strip_suffix(b"\n");
        let is_open = ended.is_none();
        bytes = ended.unwrap_or(bytes);
        let without = bytes.strip_suffix(b"\r");
        let has_carriage_return = without.is_some();
        let text = match std::str::from_utf8(without.unwrap_or(bytes)) {
            Ok(text) => text,
            Err(error) => {
                let at = error.valid_up_to();
                let text = std::str::from_utf8(&bytes[..at]).unwrap_or_default();
                let event = Err((at, Wrong::Encoding));
                return Ok(Some(Line { number, text, has_byte_order_mark, has_carriage_return, is_open, event }));
            }
        };
        let event = match text.as_bytes().first() {
            None => Err((0, Wrong::Blank)),
            Some(b'#') => comment(text),
            Some(_) => sample::parse(text, &self.series, &mut self.labels).map(Event::Sample),
        };
        match &event {
            Ok(Event::Sample(sample)) if !sample.goes_on => sample.series.clone_into(&mut self.series),
            // A new family may begin, so the next sample must not count as a continuation of the previous series.
            Ok(Event::Help(_) | Event::Type(..) | Event::Unit(..)) => self.series.clear(),
            _ => {}
        }
        Ok(Some(Line { number, text, has_byte_order_mark, has_carriage_return, is_open, event }))
    }
}

fn comment(text: &str) -> Result<Event<'_>, Misplaced> {
    if text == "# EOF" {
        return Ok(Event::Eof);
    }
    let keyword = ["HELP", "TYPE", "UNIT"]
        .into_iter()
        .find(|keyword| {
            text.strip_prefix("# ").and_then(|t| t.strip_prefix(keyword)).is_some_and(|t| t.starts_with(' '))
        })
        .ok_or((0, Wrong::Comment))?;
    let at = "# HELP ".len();
    let end = name_end(text, at, true)?;
    let name = &text[at..end];
    let Some(said) = text[end..].strip_prefix(' ') else {
        let (expected, example) = ("a space and the value of the metadata", "# TYPE etcd_score gauge");
        return Err((end, Wrong::Syntax { expected, example }));
    };
    match keyword {
        "HELP" => check_escapes(text, end + 1).map(|()| Event::Help(name)),
        "TYPE" => said.parse().map(|kind| Event::Type(name, kind)).map_err(|_| (end + 1, Wrong::NoSuchType)),
        _ => check_unit(text, name, end + 1).map(|()| Event::Unit(name, said)),
    }
}

fn check_unit(text: &str, name: &str, at: usize) -> Result<(), Misplaced> {
    let unit = &text[at..];
    if unit.is_empty() || name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')) {
        return Ok(());
    }
    // The message suggests a metric name that ends with the unit, so a unit with characters that a
    // name cannot have is a syntax error.
    match unit.find(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        Some(odd) => {
            let (expected, example) = ("a letter, a digit or an underscore of the unit", "# UNIT a_seconds seconds");
            Err((at + odd, Wrong::Syntax { expected, example }))
        }
        None => Err((at, Wrong::Unit { family: name.to_owned(), unit: unit.to_owned() })),
    }
}

fn check_escapes(text: &str, start: usize) -> Result<(), Misplaced> {
    let mut at = start;
    while let Some(length) = text[at..].find('\\') {
        at += length;
        match text.as_bytes().get(at + 1) {
            Some(b'\\' | b'"' | b'n') => at += 2,
            _ => return Err((at, Wrong::Escape)),
        }
    }
    Ok(())
}
