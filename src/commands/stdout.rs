//! Standard output. All printing to it goes through this module, so that no write error is lost.

use std::io::{self, ErrorKind, Write, stdout};

use super::window::Window;
use crate::places::shown;
use crate::text::wrap::wrapped;

/// A failed write to standard output.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {}", reason(.0))]
pub(crate) struct StdoutError(io::Error);

fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "the disk is full; free some space, or redirect the output elsewhere".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Prints the result of a command, also with `--quiet`.
pub(super) fn print(text: &str) -> Result<(), StdoutError> {
    let mut out = stdout().lock();
    finished(out.write_all(shown(text).as_bytes()).and_then(|()| out.flush()))
}

/// Prints the result of a command like [`print`], wrapped to the window. `hang` is the indent of lines that continue
/// another.
pub(super) fn print_wrapped(text: &str, hang: usize) -> Result<(), StdoutError> {
    print(&wrapped(&shown(text), Window::of_stdout().width, hang))
}

/// Turns a failed write into an error. A closed pipe is not an error: its reader, such as `head`, has read enough.
pub(crate) fn finished(written: io::Result<()>) -> Result<(), StdoutError> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(StdoutError(error)),
        _ => Ok(()),
    }
}
