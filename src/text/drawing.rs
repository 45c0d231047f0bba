//! Sanitizes untrusted text for SVG drawings, and for the PNG that is rendered from them with an embedded font.

use std::fmt::Write;

use super::characters::CharKind;

/// Replaces each character that is invisible or missing from the font with its code point; `is_drawn` returns
/// whether the font has a character. Joiners are replaced too, because the font has no emoji.
pub(crate) fn drawing_text(name: &str, is_drawn: impl Fn(char) -> bool) -> String {
    name.chars().map(|c| drawing_char(c, &is_drawn)).collect()
}

/// The character, or its code point such as `[U+202E]` if it cannot be drawn.
pub(crate) fn drawing_char(c: char, is_drawn: impl Fn(char) -> bool) -> String {
    if CharKind::of(c) == CharKind::Visible && is_drawn(c) {
        c.to_string()
    } else {
        format!("[U+{:04X}]", u32::from(c))
    }
}

/// Escapes text for XML elements and attributes. Call [`drawing_text`] first, to
/// replace characters that XML forbids.
pub(crate) fn xml_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => {
                let _ = escaped.write_char(c);
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_and_undrawable_characters_become_code_points() {
        assert_eq!(drawing_text("a\u{202e}b\n\u{fe0f}\u{ffff}", |_| true), "a[U+202E]b[U+000A][U+FE0F][U+FFFF]");
        assert_eq!(drawing_text("é → 🔥 日", |_| true), "é → 🔥 日");
        assert_eq!(drawing_text("é → 🔥 日", |c| c < '\u{3000}'), "é → [U+1F525] [U+65E5]");
    }

    #[test]
    fn text_cannot_open_a_tag_or_end_an_attribute() {
        assert_eq!(xml_escaped("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
    }
}
