//! The word that was meant: what an error suggests for a typo.

/// More edits than this share of the word, and it is another word.
const SIMILAR_ENOUGH: f64 = 0.6;

/// ` (did you mean 'wal_fsync'?)` where one of `known` is near enough, else nothing.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let likeness = |word: &str| {
        // `wal` is a part of `wal_fsync`, though it is far from it in edits.
        let is_part = typed.len() > 1 && word.split(['_', '-', '.']).any(|part| part == typed);
        if is_part { SIMILAR_ENOUGH } else { strsim::normalized_damerau_levenshtein(typed, word) }
    };
    let nearest = known.into_iter().map(|word| (likeness(word), word)).max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, word)) if likeness >= SIMILAR_ENOUGH => format!(" (did you mean '{word}'?)"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_suggests_the_nearest_word_and_nonsense_none() {
        let known = ["wal_fsync", "backend_commit", "open_fds"];
        assert_eq!(did_you_mean("wal_fsnyc", known), " (did you mean 'wal_fsync'?)");
        assert_eq!(did_you_mean("wal", known), " (did you mean 'wal_fsync'?)");
        assert_eq!(did_you_mean("backend-comit", known), " (did you mean 'backend_commit'?)");
        assert_eq!(did_you_mean("xyzzy", known), "");
    }
}
