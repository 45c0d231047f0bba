//! Reconstructs the command line, for the comment at the top of the output of `rules` and `sql`.

/// The command line as the user typed it, quoted for a shell.
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
