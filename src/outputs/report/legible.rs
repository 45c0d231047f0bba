//! Labels are somebody else's text: what a reader cannot see, or what turns text around, is spelt out.

use std::fmt::Write;

/// The label with its invisible characters as code points, such as `⟨U+202E⟩`.
///
/// Emoji keep their joiners. Escaping for HTML is left to who writes HTML.
pub(super) fn legible(label: &str) -> String {
    let mut text = String::with_capacity(label.len());
    for c in label.chars() {
        if c.is_control() || is_invisible(c) {
            let _ = write!(text, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

/// Marks and embeddings of direction, separators of lines, and characters without a width.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0001}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelt_out_and_the_rest_is_kept() {
        assert_eq!(legible("a\nb\u{202e}c"), "a⟨U+000A⟩b⟨U+202E⟩c");
        assert_eq!(legible("<b> \"é\" 👩\u{200d}🚒 שלום"), "<b> \"é\" 👩\u{200d}🚒 שלום");
    }
}
