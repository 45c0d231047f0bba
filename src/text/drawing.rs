//! Text from elsewhere in a drawing, which is read as SVG by a viewer or as pixels of our own font.

use std::fmt::Write;

use super::characters::CharKind;

/// A name in which every character can be seen; `is_drawn` is false for what the font lacks. Joiners are spelled out
/// as well: a font of a few alphabets draws no emoji.
pub(crate) fn drawing_text(name: &str, is_drawn: impl Fn(char) -> bool) -> String {
    name.chars().map(|c| drawing_char(c, &is_drawn)).collect()
}

/// One character of it: itself, or its code point such as `[U+202E]`.
pub(crate) fn drawing_char(c: char, is_drawn: impl Fn(char) -> bool) -> String {
    if CharKind::of(c) == CharKind::Visible && is_drawn(c) {
        c.to_string()
    } else {
        format!("[U+{:04X}]", u32::from(c))
    }
}

/// Text between or within tags of XML. What XML does not take has become a code point before.
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
    fn what_cannot_be_seen_or_drawn_is_shown_as_its_code_point() {
        assert_eq!(drawing_text("a\u{202e}b\n\u{fe0f}\u{ffff}", |_| true), "a[U+202E]b[U+000A][U+FE0F][U+FFFF]");
        assert_eq!(drawing_text("é → 🔥 日", |_| true), "é → 🔥 日");
        assert_eq!(drawing_text("é → 🔥 日", |c| c < '\u{3000}'), "é → [U+1F525] [U+65E5]");
    }

    #[test]
    fn text_opens_no_tag_and_ends_no_attribute() {
        assert_eq!(xml_escaped("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
    }
}
