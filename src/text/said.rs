//! What somebody else's program says, as it may be repeated.

/// More of it helps nobody.
const MESSAGE_CHARS: usize = 300;

/// Another's words on one line, not too long, without what would steer a terminal.
pub(crate) fn in_short(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || is_steering(c)).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    let chars = line.chars().count();
    if chars <= MESSAGE_CHARS {
        return line;
    }
    // What went wrong stands first, and what made it go wrong last.
    let (head, tail) = (line.chars().take(MESSAGE_CHARS / 2), line.chars().skip(chars - MESSAGE_CHARS / 2));
    head.chain(" … ".chars()).chain(tail).collect()
}

/// Whether a character moves a terminal's cursor, changes its colors or turns its text around.
pub(crate) fn is_steering(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anothers_words_cannot_steer_a_terminal() {
        assert_eq!(in_short("  red\u{1b}[31m\r\n alert\u{7}\u{202e} "), "red [31m alert");
        let long = in_short(&("ü".repeat(400) + "cause"));
        assert!(long.chars().count() == MESSAGE_CHARS + 3 && long.ends_with("ücause"), "{long}");
    }
}
