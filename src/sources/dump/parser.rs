//! Lines of a dump, one after the other.
//!
//! Most lines have the same series as the one before. They are compared with its text, and only value and timestamp are
//! read. Lines of a metric that is not wanted are skipped to the next line feed.

use std::rc::Rc;

use super::cut::Cut;
use super::error::DumpError;
use super::lines::Lines;
use super::sample::{self, After};
use super::table::Table;
use super::{Summary, Wanted, labels};
use crate::sources::spool::Sink;
use crate::sources::tsdb::block::METRIC_NAME;

const EOF: &[u8] = b"# EOF";

/// Most characters of a line in a message.
const LONGEST_QUOTE: usize = 80;

/// What is read of a dump.
pub(super) struct Parser<'a, S> {
    name: &'a str,
    wanted: &'a Wanted,
    sink: &'a mut S,
    table: Table,
    /// The series of the last wanted line.
    current: Option<usize>,
    /// Name of a metric that is not wanted, and the character after it; empty at first.
    unwanted: Vec<u8>,
    /// The last line of the last block.
    last_line: Vec<u8>,
    line: u64,
    samples: u64,
    ended: bool,
}

impl<'a, S: Sink> Parser<'a, S> {
    pub(super) fn new(name: &'a str, wanted: &'a Wanted, sink: &'a mut S) -> Self {
        let (table, unwanted, last_line) = (Table::default(), Vec::new(), Vec::new());
        Self { name, wanted, sink, table, current: None, unwanted, last_line, line: 0, samples: 0, ended: false }
    }

    /// Lines that were read.
    pub(super) fn lines(&self) -> u64 {
        self.line
    }

    /// Reads complete lines.
    pub(super) fn block(&mut self, block: &[u8]) -> Result<(), DumpError> {
        let mut rest = block;
        while !rest.is_empty() {
            let read = match self.run(rest)? + self.skip(rest) {
                0 => self.line(rest)?,
                read => read,
            };
            rest = &rest[read..];
        }
        let complete = block.strip_suffix(b"\n").unwrap_or(block);
        let start = memchr::memrchr(b'\n', complete).map_or(0, |feed| feed + 1);
        self.last_line.clear();
        self.last_line.extend_from_slice(&complete[start..]);
        Ok(())
    }

    /// Reads lines of the current series, or of the one that followed it before, and gives their length. Does not read lines
    /// in an unusual form.
    fn run(&mut self, lines: &[u8]) -> Result<usize, DumpError> {
        let Some(current) = self.current.filter(|_| !self.ended) else { return Ok(0) };
        let read = self.run_of(current, lines)?;
        let next = self.table.next(current);
        if read > 0 || next == current {
            return Ok(read);
        }
        let read = self.run_of(next, lines)?;
        if read > 0 {
            self.current = Some(next);
        }
        Ok(read)
    }

    fn run_of(&mut self, index: usize, lines: &[u8]) -> Result<usize, DumpError> {
        let entry = self.table.entry(index);
        let (text, number) = (Rc::clone(&entry.text), entry.number);
        let mut rest = lines;
        while let Some(after) = rest.strip_prefix(&*text) {
            let Some((value, time_ms, length)) = sample::usual(after) else { break };
            self.line += 1;
            self.samples += 1;
            self.sink.sample(number, self.line, time_ms, value).map_err(DumpError::Spool)?;
            rest = &after[length..];
        }
        Ok(lines.len() - rest.len())
    }

    /// The length of the lines whose metric is the one that was last not wanted.
    fn skip(&mut self, lines: &[u8]) -> usize {
        if self.unwanted.is_empty() || self.ended {
            return 0;
        }
        let mut rest = lines;
        while rest.starts_with(&self.unwanted) {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |feed| feed + 1);
            rest = &rest[end..];
            self.line += 1;
        }
        lines.len() - rest.len()
    }

    /// Reads a line of any kind, and gives its length.
    fn line(&mut self, lines: &[u8]) -> Result<usize, DumpError> {
        let end = memchr::memchr(b'\n', lines).unwrap_or(lines.len());
        let line = lines[..end].strip_suffix(b"\r").unwrap_or(&lines[..end]);
        self.line += 1;
        match line.first() {
            None => {}
            Some(_) if self.ended => return Err(DumpError::AfterEof { name: self.name.to_owned(), line: self.line }),
            Some(b'#') => self.ended = line == EOF,
            Some(b'{') => self.quoted(line)?,
            Some(_) => {
                let end = memchr::memchr2(b'{', b' ', line);
                let end = end.ok_or_else(|| self.malformed("a line without value", line))?;
                if self.wanted.contains(&line[..end]) {
                    self.wanted(line)?;
                } else {
                    self.unwanted.clear();
                    self.unwanted.extend_from_slice(&line[..=end]);
                }
            }
        }
        Ok((end + 1).min(lines.len()))
    }

    /// Reads a line whose metric has its name between the braces.
    fn quoted(&mut self, line: &[u8]) -> Result<(), DumpError> {
        if line.starts_with(b"{__name__=") {
            return Err(DumpError::OtherDump { name: self.name.to_owned(), line: self.line });
        }
        let length = labels::extent(line).map_err(|problem| self.malformed(problem, line))?;
        let labels = labels::parse(&line[..length]).map_err(|problem| self.malformed(problem, line))?;
        let name = labels.iter().find(|(name, _)| name.as_ref() == METRIC_NAME);
        if name.is_some_and(|(_, name)| self.wanted.contains(name.as_bytes())) { self.wanted(line) } else { Ok(()) }
    }

    /// Reads a line of a wanted metric.
    fn wanted(&mut self, line: &[u8]) -> Result<(), DumpError> {
        let length = labels::extent(line).map_err(|problem| self.malformed(problem, line))?;
        let (text, rest) = line.split_at(length);
        let (value, time_ms) = match sample::parse(rest) {
            After::Sample(value, time_ms) if rest.starts_with(b" ") => (value, time_ms),
            After::Sample(..) => return Err(self.malformed("a series without a space after it", line)),
            After::Wrong(problem) => return Err(self.malformed(problem, line)),
            After::Histogram => {
                return Err(DumpError::Histogram { name: self.name.to_owned(), line: self.line, text: quote(text) });
            }
            After::NoTimestamp => {
                return Err(DumpError::NoTimestamp { name: self.name.to_owned(), line: self.line, text: quote(line) });
            }
        };
        let index = match self.table.find(&line[..=length]) {
            Some(index) => index,
            None => {
                let labels = labels::parse(text).map_err(|problem| self.malformed(problem, line))?;
                let number = self.sink.series(labels).map_err(DumpError::Spool)?;
                self.table.add(&line[..=length], number)
            }
        };
        if let Some(before) = self.current.replace(index) {
            self.table.follows(before, index);
        }
        self.samples += 1;
        let number = self.table.entry(index).number;
        self.sink.sample(number, self.line, time_ms, value).map_err(DumpError::Spool)
    }

    /// Checks the end of the dump. `early` has the error if compressed bytes end before their end.
    pub(super) fn finish(mut self, early: Option<std::io::Error>, lines: &Lines<'_>) -> Result<Summary, DumpError> {
        let name = || self.name.to_owned();
        let rest = lines.rest();
        if lines.is_too_long() {
            return Err(DumpError::LongLine { name: name(), line: self.line + 1 });
        }
        if self.ended && !rest.trim_ascii().is_empty() {
            return Err(DumpError::AfterEof { name: name(), line: self.line + 1 });
        }
        if early.is_none() && rest.trim_ascii_end() == EOF {
            (self.ended, self.line) = (true, self.line + 1);
        }
        let mut summary = Summary { lines: self.line, samples: self.samples, bytes: lines.total(), cut: None };
        match early {
            _ if !self.ended && !self.wanted.allow_partial => Err(DumpError::NoEof { name: name(), lines: self.line }),
            Some(source) if self.ended && !self.wanted.allow_partial => {
                Err(DumpError::Io { name: name(), lines: self.line, source })
            }
            _ => {
                summary.cut = (!self.ended).then(|| Cut::after(self.line, &self.last_line));
                Ok(summary)
            }
        }
    }

    fn malformed(&self, problem: &'static str, line: &[u8]) -> DumpError {
        DumpError::Malformed { name: self.name.to_owned(), line: self.line, problem, text: quote(line) }
    }
}

/// The start of a text in quotes, so that control characters of a file do not reach a terminal.
fn quote(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
