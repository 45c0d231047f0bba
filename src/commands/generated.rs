//! What `rules` and `sql` share: a generated text names its command line, and goes to standard output.

use std::io::{ErrorKind, Write, stdout};
use std::path::Path;

use crate::files::FileError;

/// Prints all of a text, --quiet or not: it is what was asked for, and most often goes into a file.
pub(super) fn print(text: &str) -> Result<(), FileError> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever closes it early has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(FileError::new("write to", Path::new("standard output"), error))
        }
        _ => Ok(()),
    }
}

/// The command as it was typed, for a shell.
pub(super) fn command_line() -> String {
    let typed = std::env::args_os().skip(1).map(|argument| quoted(&argument.to_string_lossy()));
    [env!("CARGO_PKG_NAME").to_owned()].into_iter().chain(typed).collect::<Vec<_>>().join(" ")
}

fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_=.,:%/+-".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("wal_fsync=0.5"), "wal_fsync=0.5");
        assert_eq!(quoted(r#"job="etcd""#), r#"'job="etcd"'"#);
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
