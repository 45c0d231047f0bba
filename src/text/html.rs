//! Sanitizes untrusted text for HTML. The library that writes the HTML escapes `<` and `&`.

use super::characters::CharKind;

/// Replaces control and invisible characters with their code points, such as `⟨U+202E⟩`. Emoji keep their joiners.
pub(crate) fn html_text(text: &str) -> String {
    let shown = |c: char| match CharKind::of(c).is_legible() {
        true => c.to_string(),
        false => format!("⟨U+{:04X}⟩", u32::from(c)),
    };
    text.chars().map(shown).collect()
}

/// Escapes JSON for a `script` element, so that it cannot end the element or start a comment.
pub(crate) fn html_script_json(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_invisible_characters_become_code_points() {
        assert_eq!(html_text("a\nb\u{202e}c"), "a⟨U+000A⟩b⟨U+202E⟩c");
        assert_eq!(html_text("<b> \"é\" – “👩\u{200d}🚒” שלום…"), "<b> \"é\" – “👩\u{200d}🚒” שלום…");
    }

    #[test]
    fn json_cannot_end_its_script_element() {
        assert_eq!(html_script_json("\"</script><!-- &\""), "\"\\u003c/script\\u003e\\u003c!-- \\u0026\"");
    }
}
