//! Blocks of complete lines.

use std::io::{self, Read};

/// Bytes that are read at once: they stay in the processor's cache until they are parsed.
const BLOCK: usize = 256 << 10;

/// Most bytes of a line. Labels of Prometheus are shorter.
const LONGEST_LINE: usize = 16 << 20;

/// Reads an input in blocks that end with a line feed.
pub(super) struct Lines<'a> {
    input: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were read.
    filled: usize,
    /// Bytes that were given away as a block.
    given: usize,
    /// Bytes that were read from the input.
    total: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(input: Box<dyn Read + 'a>) -> Self {
        Self { input, buffer: vec![0; BLOCK], filled: 0, given: 0, total: 0 }
    }

    /// Bytes that were read.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// What follows the last line feed, when there are no further blocks.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.given..self.filled]
    }

    /// Whether the rest is longer than a line may be.
    pub(super) fn is_too_long(&self) -> bool {
        self.rest().len() >= LONGEST_LINE
    }

    /// The next complete lines, or nothing at the end of the input and before a line that is too long.
    pub(super) fn next_block(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.copy_within(self.given..self.filled, 0);
        self.filled -= self.given;
        self.given = 0;
        loop {
            if self.filled == self.buffer.len() {
                if self.filled >= LONGEST_LINE {
                    return Ok(None);
                }
                self.buffer.resize(2 * self.filled, 0);
            }
            let read = match self.input.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            };
            if read == 0 {
                return Ok(None);
            }
            let new = self.filled..self.filled + read;
            self.filled = new.end;
            self.total += read as u64;
            if let Some(last) = memchr::memrchr(b'\n', &self.buffer[new.clone()]) {
                self.given = new.start + last + 1;
                return Ok(Some(&self.buffer[..self.given]));
            }
        }
    }
}
