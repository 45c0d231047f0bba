//! Text in the drawing: others' names made harmless, and what the embedded font can draw.

use std::fmt::Write;

/// A part of Inter; `font/make-font.py` says how it is made, `font/OFL.txt` under which licence it stands.
pub(super) const FONT: &[u8] = include_bytes!("font/heatmap-sans.ttf");
/// Its name.
pub(super) const FAMILY: &str = "Heatmap Sans";

/// The characters that it has, as `make-font.py` prints them.
const COVERED: [std::ops::RangeInclusive<u32>; 18] = [
    0x20..=0x7e,
    0xa0..=0xac,
    0xae..=0x148,
    0x14a..=0x17f,
    0x386..=0x38a,
    0x38c..=0x38c,
    0x38e..=0x3a1,
    0x3a3..=0x3ce,
    0x400..=0x45f,
    0x490..=0x491,
    0x2010..=0x2027,
    0x2030..=0x203a,
    0x20ac..=0x20ac,
    0x2190..=0x2193,
    0x2212..=0x2212,
    0x2248..=0x2248,
    0x2260..=0x2260,
    0x2264..=0x2265,
];

/// Who draws the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// A viewer, who has fonts of his own for what ours lacks.
    Svg,
    /// We, with our font alone.
    Png,
}

/// Whether a character cannot be seen, or changes how others are seen: controls, marks of direction, joiners,
/// variation selectors, tags, and what XML does not take.
fn is_invisible(c: char) -> bool {
    let code = u32::from(c);
    c.is_control()
        || matches!(code, 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f)
        || matches!(code, 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f)
        || matches!(code, 0xfeff | 0xffa0 | 0xfdd0..=0xfdef | 0xfff0..=0xfffb | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
        || code & 0xfffe == 0xfffe
}

/// One character as it is shown: itself, or its code where it could not be seen.
fn shown(c: char, medium: Medium) -> String {
    let drawn = medium == Medium::Svg || COVERED.iter().any(|range| range.contains(&u32::from(c)));
    if is_invisible(c) || !drawn { format!("[U+{:04X}]", u32::from(c)) } else { c.to_string() }
}

/// A name in full.
pub(super) fn legible(name: &str, medium: Medium) -> String {
    name.chars().map(|c| shown(c, medium)).collect()
}

/// A name that is at most so many em wide; of a longer one the beginning and the end.
pub(super) fn shortened(name: &str, medium: Medium, em: f64) -> String {
    let parts: Vec<String> = name.chars().map(|c| shown(c, medium)).collect();
    let widths: Vec<f64> = parts.iter().map(|part| part.chars().map(width).sum()).collect();
    if widths.iter().sum::<f64>() <= em {
        return parts.concat();
    }
    let fitting = |widths: &mut dyn Iterator<Item = &f64>, room: f64| {
        let mut used = 0.0;
        widths.take_while(|width| (used += **width, used <= room).1).count()
    };
    let head = fitting(&mut widths.iter(), (em - 1.0) * 0.6);
    let tail = fitting(&mut widths.iter().rev(), (em - 1.0) * 0.4);
    format!("{}…{}", parts[..head].concat(), parts[parts.len() - tail..].concat())
}

/// How wide a character is at most, in em.
fn width(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'f' | 't' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '!' | '|' | '\'' | '(' | ')' | '['
        | ']' => 0.4,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 1.0,
        'a'..='z' | '0'..='9' | '-' | '_' | '/' => 0.66,
        'A'..='Z' => 0.8,
        _ => 1.3,
    }
}

/// Text between or within tags. What XML does not take has become a code before.
pub(super) fn escaped(text: &str) -> String {
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
    fn what_cannot_be_seen_is_shown_as_its_code() {
        assert_eq!(legible("a\u{202e}b\n\u{fe0f}\u{ffff}", Medium::Svg), "a[U+202E]b[U+000A][U+FE0F][U+FFFF]");
        assert_eq!(legible("é → 🔥 日", Medium::Svg), "é → 🔥 日");
        assert_eq!(legible("é → 🔥 日", Medium::Png), "é → [U+1F525] [U+65E5]");
    }

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_end() {
        let name = format!("first-{}-last", "x".repeat(300));
        let short = shortened(&name, Medium::Svg, 40.0);
        assert!(short.starts_with("first-x") && short.ends_with("x-last") && short.contains('…'), "{short}");
        assert!(short.chars().map(width).sum::<f64>() <= 40.3, "{short}");
        assert_eq!(shortened("c01", Medium::Svg, 40.0), "c01");
    }
}
