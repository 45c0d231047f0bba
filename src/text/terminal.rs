//! Sanitizes untrusted text for a terminal, so that it cannot move the cursor, change colors or reorder other text.

use super::characters::CharKind;

/// Maximum number of characters of a message; longer messages are shortened.
const MESSAGE_CHARS: usize = 300;

/// The label, path or name in full, with U+FFFD for each control, bidirectional or invisible character, so that a
/// name that contains such characters does not look like one without them.
pub(crate) fn terminal_label(label: &str) -> String {
    label.chars().map(|c| if CharKind::of(c).is_legible() { c } else { '\u{fffd}' }).collect()
}

/// The text in full and on one line, with a space for each control, bidirectional or invisible character.
pub(crate) fn terminal_line(text: &str) -> String {
    text.replace(|c: char| !CharKind::of(c).is_legible(), " ")
}

/// A message of another program or a server on one line; a long one is shortened in the middle.
pub(crate) fn terminal_message(text: &str) -> String {
    let parts = |c: char| c.is_whitespace() || !CharKind::of(c).is_legible();
    let words: Vec<&str> = text.split(parts).filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    let chars = line.chars().count();
    if chars <= MESSAGE_CHARS {
        return line;
    }
    // Messages usually start with the operation that failed and end with the cause.
    let (head, tail) = (line.chars().take(MESSAGE_CHARS / 2), line.chars().skip(chars - MESSAGE_CHARS / 2));
    head.chain(" … ".chars()).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_control_the_terminal_or_reorder_text() {
        assert_eq!(terminal_label("a\x1b[2Jb\u{9b}1m"), "a\u{fffd}[2Jb\u{fffd}1m");
        assert_eq!(terminal_line("a\r\nb\u{202e}\x1b[2J“c”"), "a  b  [2J“c”");
        assert_eq!(terminal_label("\u{202e}c\u{61c}\u{2028}d\u{200b}"), "\u{fffd}c\u{fffd}\u{fffd}d\u{fffd}");
        assert_eq!(terminal_label("“c1” – 👩\u{200d}🚒…"), "“c1” – 👩\u{200d}🚒…");
    }

    #[test]
    fn a_message_is_one_line_without_escape_sequences() {
        assert_eq!(terminal_message("  red\u{1b}[31m\r\n alert\u{7}\u{202e} "), "red [31m alert");
        assert_eq!(terminal_message("a\u{61c}b\u{2066}c\u{2028}d"), "a b c d");
        let long = terminal_message(&("ü".repeat(400) + "cause"));
        assert!(long.chars().count() == MESSAGE_CHARS + 3 && long.ends_with("ücause"), "{long}");
    }

    #[test]
    fn a_message_keeps_its_quotation_marks_and_dashes() {
        let message = "query “up” failed – the store‐gateway isn’t ready … retry ‘later’ — or never";
        assert_eq!(terminal_message(message), message);
    }
}
