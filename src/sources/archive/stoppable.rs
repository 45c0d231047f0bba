//! An input that cannot be read on when the run is stopped.

use std::io::{self, Read};

/// The content of an archive or a dump, which may take minutes to read.
pub(in crate::sources) struct Stoppable<'a> {
    pub(in crate::sources) content: &'a mut dyn Read,
    pub(in crate::sources) is_stopped: &'a dyn Fn() -> bool,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.is_stopped)() { Err(io::Error::other("stopped")) } else { self.content.read(buffer) }
    }
}
