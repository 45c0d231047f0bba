//! Segments of `wal/` and `wbl/`: pages of 32 KiB with fragments of records, each with its own checksum.
//!
//! Damage costs the rest of its page and the record that it interrupts. Reading goes on with the next record that
//! begins after it, while Prometheus discards everything after the first damage.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::compression::{self, Compression};
use super::error::HeadError;
use super::lost::Damage;

/// Size of a page in bytes. No fragment crosses the end of one.
pub(super) const PAGE: usize = 32 << 10;

/// Type, length (2 bytes) and CRC32C (4 bytes) before the data of a fragment.
pub(super) const HEADER: usize = 7;

/// Bytes that are read at once.
const BUFFER: usize = 16 * PAGE;

const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// Bits of the type byte: kind of fragment, and compression of the record.
const KIND: u8 = 7;

/// Whether a file may end in the middle of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// The last segment: a server may be writing it, or was killed while it did.
    Open,
    /// The server has finished the segment.
    Finished,
}

/// What comes next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// [`Segment::record`] has the record, whose first fragment is at this byte.
    Record(u64),
    /// Bytes that are unusable, between the records before and after.
    Damage(Damage),
}

/// A segment, read from front to back.
pub(super) struct Segment {
    path: PathBuf,
    reader: BufReader<File>,
    tail: Tail,
    page: Vec<u8>,
    /// Offset of the page in the file, and whether no page follows.
    page_start: u64,
    is_last: bool,
    /// Bytes of the page that were used.
    at: usize,
    /// Offset and compression of a record whose last fragment was not read yet.
    started: Option<(u64, Compression)>,
    /// The data of its fragments.
    raw: Vec<u8>,
    record: Vec<u8>,
    damage: Option<Damage>,
    /// Offset of a record that comes after damage.
    ready: Option<u64>,
}

enum Step {
    Fragment {
        kind: u8,
        compression: Compression,
        data: Range<usize>,
    },
    EndOfPage,
    /// The file ends here, in a fragment.
    Cut,
    Bad(&'static str),
}

impl Segment {
    pub(super) fn open(path: &Path, tail: Tail) -> Result<Self, HeadError> {
        let file = File::open(path).map_err(|source| HeadError::Io { file: path.to_owned(), source })?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(BUFFER, file),
            tail,
            page: Vec::with_capacity(PAGE),
            page_start: 0,
            is_last: false,
            at: 0,
            started: None,
            raw: Vec::new(),
            record: Vec::new(),
            damage: None,
            ready: None,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The decompressed bytes of the record of the last event.
    pub(super) fn record(&self) -> &[u8] {
        &self.record
    }

    /// Bytes that were read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.page_start + self.page.len() as u64
    }

    /// The next record or damage. `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Event>, HeadError> {
        if let Some(offset) = self.ready.take() {
            return Ok(Some(Event::Record(offset)));
        }
        loop {
            match self.step() {
                Step::Fragment { kind, compression, data } => {
                    let Some(offset) = self.take(kind, compression, data) else { continue };
                    let Some(damage) = self.damage.take() else { return Ok(Some(Event::Record(offset))) };
                    self.ready = Some(offset);
                    return Ok(Some(Event::Damage(damage)));
                }
                // What a server has added to the file since must not be mistaken for a page.
                Step::EndOfPage if self.is_last => return Ok(self.finish()),
                Step::EndOfPage => self.next_page()?,
                Step::Cut => self.cut(),
                Step::Bad(problem) => self.lose_page(problem),
            }
        }
    }

    /// Ends the file in a fragment. A wrong length looks like an end too, but other fragments follow it.
    fn cut(&mut self) {
        let problem = "the file ends within a record";
        match (self.next_intact(), self.tail) {
            (Some(next), _) => {
                self.lose(self.lost_from(), self.page_start + next as u64, "the length of a record is wrong");
                self.at = next;
            }
            (None, Tail::Finished) => self.lose_page(problem),
            (None, Tail::Open) => (self.at, self.started) = (self.page.len(), None),
        }
    }

    /// Where the next fragment with a right checksum begins in the page. An empty one proves nothing.
    fn next_intact(&self) -> Option<usize> {
        let is_intact = |at: &usize| {
            let rest = &self.page[*at..];
            let Some([first, high, low, checksum @ ..]) = rest.first_chunk::<HEADER>() else { return false };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let data = rest.get(HEADER..HEADER + length).filter(|data| !data.is_empty());
            let is_fragment = (FULL..=LAST).contains(&(first & KIND)) && Compression::of(first & !KIND).is_some();
            is_fragment && data.is_some_and(|data| crc32c::crc32c(data) == u32::from_be_bytes(*checksum))
        };
        (self.at + 1..self.page.len()).find(is_intact)
    }

    /// The damage at the end of the file.
    fn finish(&mut self) -> Option<Event> {
        if let Some((offset, _)) = self.started.take()
            && self.tail == Tail::Finished
        {
            self.lose(offset, self.bytes_read(), "the file ends within a record");
        }
        self.damage.take().map(Event::Damage)
    }

    /// Reads the next page, which is empty at the end of the file.
    fn next_page(&mut self) -> Result<(), HeadError> {
        self.page_start = self.bytes_read();
        self.page.clear();
        self.at = 0;
        let read = self.reader.by_ref().take(PAGE as u64).read_to_end(&mut self.page);
        let is_at_end = read.and_then(|_| Ok(self.reader.fill_buf()?.is_empty()));
        let is_at_end = is_at_end.map_err(|source| HeadError::Io { file: self.path.clone(), source })?;
        self.is_last = is_at_end || self.page.len() < PAGE;
        Ok(())
    }

    /// Looks at the fragment at the position.
    fn step(&self) -> Step {
        let rest = &self.page[self.at..];
        let Some(first) = rest.first() else { return Step::EndOfPage };
        if first & KIND == 0 {
            return self.padding(rest);
        }
        let cut = |problem| if self.is_last && self.page.len() < PAGE { Step::Cut } else { Step::Bad(problem) };
        let Some([first, high, low, checksum @ ..]) = rest.first_chunk::<HEADER>() else {
            return cut("a record begins at the end of a page");
        };
        let kind = first & KIND;
        let Some(compression) = Compression::of(first & !KIND).filter(|_| kind <= LAST) else {
            return Step::Bad("a record has an unknown type or compression");
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length > PAGE - HEADER {
            return Step::Bad("a record crosses the end of a page");
        }
        let Some(data) = rest.get(HEADER..HEADER + length) else { return cut("a record crosses the end of a page") };
        if crc32c::crc32c(data) != u32::from_be_bytes(*checksum) {
            return Step::Bad("the checksum of a record does not match its bytes");
        }
        let start = self.at + HEADER;
        Step::Fragment { kind, compression, data: start..start + length }
    }

    /// Zeroes up to the end of a page. Only the last page of a segment has more of them than fit a header.
    fn padding(&self, rest: &[u8]) -> Step {
        let is_blank = self.at == 0 && self.tail == Tail::Finished;
        match () {
            () if rest.iter().any(|byte| *byte != 0) => Step::Bad("a record has an unknown type or compression"),
            () if rest.len() >= HEADER && (!self.is_last || is_blank) => {
                Step::Bad("there are zeroes instead of records")
            }
            () => Step::EndOfPage,
        }
    }

    /// Adds a fragment. Gives the offset of the record if it is complete.
    fn take(&mut self, kind: u8, compression: Compression, data: Range<usize>) -> Option<u64> {
        let offset = self.page_start + self.at as u64;
        let end = self.page_start + data.end as u64;
        self.at = data.end;
        if matches!(kind, FULL | FIRST) {
            if let Some((start, _)) = self.started.take() {
                self.lose(start, offset, "a record begins before the one before it ends");
            }
            self.raw.clear();
            self.started = Some((offset, compression));
        }
        let Some((start, first_compression)) = self.started else {
            self.lose(offset, end, "a record has no beginning");
            return None;
        };
        if first_compression != compression {
            self.lose(start, end, "a record changes its compression");
            return None;
        }
        self.raw.extend_from_slice(&self.page[data]);
        if matches!(kind, FIRST | MIDDLE) {
            return None;
        }
        if let Err(problem) = compression::decode(compression, &mut self.raw, &mut self.record) {
            self.lose(start, end, problem);
            return None;
        }
        self.started = None;
        Some(start)
    }

    /// Gives up the rest of the page.
    fn lose_page(&mut self, problem: &'static str) {
        self.lose(self.lost_from(), self.bytes_read(), problem);
        self.at = self.page.len();
    }

    /// Offset of the record that was started, or of the position.
    fn lost_from(&self) -> u64 {
        self.started.map_or(self.page_start + self.at as u64, |(start, _)| start)
    }

    /// Gives up some bytes, which include the record that was started.
    fn lose(&mut self, start: u64, end: u64, problem: &'static str) {
        self.started = None;
        let damage = self.damage.get_or_insert(Damage { offset: start, bytes: 0, problem });
        damage.bytes += end - start;
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
