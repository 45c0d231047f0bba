//! Counts with their nouns.

/// A count with its noun: `1 day`, `2 days`, `0 queries`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    match (n, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) if !noun.ends_with("ay") => format!("{n} {stem}ies"),
        _ => format!("{n} {noun}s"),
    }
}
