//! One classification of characters for every place that shows untrusted text, such as labels and error messages.
//!
//! How each kind is shown depends on the medium: see `terminal`, `html`, `drawing`, `sheet` and `comment`. Dashes,
//! quotation marks and the ellipsis (U+2010 to U+2027) are plain text in every medium.

/// How a character behaves when it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CharKind {
    /// A visible character or a plain space.
    Visible,
    /// A C0 or C1 control: line feed, tab, escape, …
    Control,
    /// U+2028 and U+2029, which some programs treat as the end of a line.
    LineSeparator,
    /// A bidirectional mark, embedding, override or isolate, which reorders the text around it.
    Direction,
    /// A character without width or visible effect: zero-width space, soft hyphen, byte order mark, tags, …
    Invisible,
    /// A character without width that joins or varies its neighbors: zero-width joiners and variation selectors, in
    /// emoji and in Persian or Indic words.
    Joiner,
    /// A code point that Unicode never assigns to a character. XML forbids some of them.
    Noncharacter,
}

impl CharKind {
    pub(crate) fn of(c: char) -> Self {
        match c {
            _ if c.is_control() => Self::Control,
            '\u{2028}' | '\u{2029}' => Self::LineSeparator,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Self::Direction,
            '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Self::Joiner,
            // Soft hyphen, zero-width space, byte order mark, invisible operators, fillers of Hangul and Khmer, Mongolian
            // selectors, interlinear annotations, beams of musical notation, tags.
            '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' => Self::Invisible,
            '\u{fdd0}'..='\u{fdef}' => Self::Noncharacter,
            _ if u32::from(c) & 0xfffe == 0xfffe => Self::Noncharacter,
            _ => Self::Visible,
        }
    }

    /// Whether the character is visible and leaves the text around it alone. Joiners are legible too, because
    /// they belong to the character before them.
    pub(crate) fn is_legible(self) -> bool {
        matches!(self, Self::Visible | Self::Joiner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// According to Unicode 16, the examples of `Control` have the category Cc, those of `LineSeparator` Zl or Zp, and
    /// those of `Direction` the property Bidi_Control.
    #[test]
    fn characters_are_classified_like_unicodes_categories() {
        let of = |chars: &str| chars.chars().map(CharKind::of).collect::<Vec<_>>();
        let all = |chars: &str, kind| assert!(of(chars).iter().all(|found| *found == kind), "{chars:?} is {kind:?}");
        all("a é日🔥\u{a0}", CharKind::Visible);
        all("‐‑‒–—―‖‗‘’‚‛“”„‟†‡•‣․‥…‧", CharKind::Visible);
        all("\n\t\r\0\u{1b}\u{7f}\u{85}\u{9b}", CharKind::Control);
        all("\u{2028}\u{2029}", CharKind::LineSeparator);
        all(
            "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}",
            CharKind::Direction,
        );
        all("\u{200c}\u{200d}\u{fe0f}", CharKind::Joiner);
        all("\u{ad}\u{200b}\u{2060}\u{feff}\u{fff9}\u{e0001}\u{e0041}\u{3164}", CharKind::Invisible);
        all("\u{fdd0}\u{fffe}\u{ffff}\u{10ffff}", CharKind::Noncharacter);
    }
}
