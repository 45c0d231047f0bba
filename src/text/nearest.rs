//! Suggestions for typos in error messages.

/// Minimum similarity, 0 to 1, for a suggestion.
const SIMILAR_ENOUGH: f64 = 0.6;

/// ` (did you mean 'wal_fsync'?)` if one of the `known` words is similar to `typed`, otherwise an empty string.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let nearest = known.into_iter().map(|word| (likeness(typed, word), word)).max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, word)) if likeness >= SIMILAR_ENOUGH => format!(" (did you mean '{word}'?)"),
        _ => String::new(),
    }
}

/// Whether `word` is similar enough to `typed` to be suggested.
pub fn is_near(typed: &str, word: &str) -> bool {
    likeness(typed, word) >= SIMILAR_ENOUGH
}

fn likeness(typed: &str, word: &str) -> f64 {
    // `wal` must suggest `wal_fsync`, although the edit distance is large.
    let is_part = typed.len() > 1 && word.split(['_', '-', '.']).any(|part| part == typed);
    if is_part { SIMILAR_ENOUGH } else { strsim::normalized_damerau_levenshtein(typed, word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_gets_the_nearest_word_and_nonsense_gets_none() {
        let known = ["wal_fsync", "backend_commit", "open_fds"];
        assert_eq!(did_you_mean("wal_fsnyc", known), " (did you mean 'wal_fsync'?)");
        assert_eq!(did_you_mean("wal", known), " (did you mean 'wal_fsync'?)");
        assert_eq!(did_you_mean("backend-comit", known), " (did you mean 'backend_commit'?)");
        assert_eq!(did_you_mean("xyzzy", known), "");
    }
}
