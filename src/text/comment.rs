//! Sanitizes untrusted text for comments in generated files.

use super::characters::CharKind;

/// The maximum number of characters per line.
const COMMENT_CHARS: usize = 98;

/// Wraps a text into comment lines that start with `mark`. Line breaks, bidirectional marks and invisible
/// characters become spaces, so that the text can neither end the comment nor make code look like part of it.
pub(crate) fn comment_lines(mark: &str, text: &str) -> String {
    let mut lines = vec![mark.to_owned()];
    let parts = |c: char| c.is_whitespace() || !CharKind::of(c).is_legible();
    for word in text.split(parts).filter(|word| !word.is_empty()) {
        let last = lines.last_mut().expect("there is always a line");
        if last.len() > mark.len() && last.chars().count() + 1 + word.chars().count() > COMMENT_CHARS {
            lines.push(format!("{mark} {word}"));
        } else {
            last.push(' ');
            last.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_end_its_comment() {
        assert_eq!(comment_lines("#", "one\ntwo\u{85}three\u{2028}four"), "# one two three four");
        assert_eq!(comment_lines("--", "a\u{202e}b – “c”"), "-- a b – “c”");
        let long = comment_lines("--", &"word ".repeat(40));
        assert!(long.lines().count() == 3 && long.lines().all(|l| l.starts_with("-- word") && l.len() <= 98), "{long}");
    }
}
