//! Counts with their nouns, for messages.

/// `1 day`, `2 days`, `0 queries`, `12,345 samples`. `noun` is in the singular; if it has several words, only
/// the last one becomes plural.
///
/// The plural ends in `ies` after a consonant and `y`, in `es` after `s`, `x`, `z`, `ch` and `sh`,
/// otherwise in `s`. `series` stays the same.
pub(crate) fn count(n: impl TryInto<u64>, noun: &str) -> String {
    let n = n.try_into().unwrap_or(u64::MAX);
    let number = grouped(n);
    if n == 1 || noun.ends_with("series") {
        return format!("{number} {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{number} {stem}ies"),
        _ if noun.ends_with(['s', 'x', 'z']) || noun.ends_with("ch") || noun.ends_with("sh") => {
            format!("{number} {noun}es")
        }
        _ => format!("{number} {noun}s"),
    }
}

/// A number with a comma between groups of three digits.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0_u64, 1, 2].map(|n| count(n, "day")), ["0 days", "1 day", "2 days"]);
        assert_eq!([1_usize, 2].map(|n| count(n, "leader change")), ["1 leader change", "2 leader changes"]);
    }

    #[test]
    fn plurals_follow_the_spelling_of_the_noun() {
        for (noun, plural) in [
            ("query", "2 queries"),
            ("entry", "2 entries"),
            ("day", "2 days"),
            ("retry", "2 retries"),
            ("series", "2 series"),
            ("class", "2 classes"),
            ("match", "2 matches"),
            ("index", "2 indexes"),
        ] {
            assert_eq!(count(2_u64, noun), plural);
        }
        assert_eq!(count(1_u64, "series"), "1 series");
    }

    #[test]
    fn thousands_are_separated() {
        let counted = [999_u64, 1_000, 1_234, 32_775, 100_000, 1_234_567].map(|n| count(n, "sample"));
        let expected = ["999", "1,000", "1,234", "32,775", "100,000", "1,234,567"].map(|n| format!("{n} samples"));
        assert_eq!(counted, expected);
    }
}
