//! The only way to standard output.

use std::io::{self, ErrorKind, Write, stdout};

/// Standard output that takes nothing more.
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

/// Prints what a command was asked for, with --quiet as well.
pub(super) fn print(text: &str) -> Result<(), StdoutError> {
    let mut out = stdout().lock();
    finished(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// The outcome of writing to standard output. A reader that closes it early (`| head`) has all it wants.
pub(super) fn finished(written: io::Result<()>) -> Result<(), StdoutError> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(StdoutError(error)),
        _ => Ok(()),
    }
}
