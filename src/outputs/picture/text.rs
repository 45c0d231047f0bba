//! Fits names into the drawing: estimates their width, and replaces characters that the embedded font lacks.

use crate::text::drawing::{drawing_char, drawing_text};

/// A subset of Inter, made by `font/make-font.py`; its license is `font/OFL.txt`.
pub(super) const FONT: &[u8] = include_bytes!("font/heatmap-sans.ttf");
pub(super) const FAMILY: &str = "Heatmap Sans";

/// The code points that the font covers, as `make-font.py` prints them.
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

/// The program that renders the text, which determines the available fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// A viewer or browser, which has other fonts for characters that the embedded font lacks.
    Svg,
    /// Our own renderer, which has only the embedded font.
    Png,
}

impl Medium {
    fn draws(self, c: char) -> bool {
        self == Self::Svg || COVERED.iter().any(|range| range.contains(&u32::from(c)))
    }
}

/// A name in full; characters that the medium cannot draw are spelled out as `[U+…]`.
pub(super) fn legible(name: &str, medium: Medium) -> String {
    drawing_text(name, |c| medium.draws(c))
}

/// Like [`legible`], but shortened in the middle if the name is wider than `em`.
pub(super) fn shortened(name: &str, medium: Medium, em: f64) -> String {
    let parts: Vec<String> = name.chars().map(|c| drawing_char(c, |c| medium.draws(c))).collect();
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

/// Upper bound of the width of a character, in em.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_spells_out_characters_that_the_font_lacks() {
        assert_eq!(legible("é → 🔥 日", Medium::Svg), "é → 🔥 日");
        assert_eq!(legible("é → 🔥 日", Medium::Png), "é → [U+1F525] [U+65E5]");
    }

    #[test]
    fn a_long_name_is_shortened_in_the_middle() {
        let name = format!("first-{}-last", "x".repeat(300));
        let short = shortened(&name, Medium::Svg, 40.0);
        assert!(short.starts_with("first-x") && short.ends_with("x-last") && short.contains('…'), "{short}");
        assert!(short.chars().map(width).sum::<f64>() <= 40.3, "{short}");
        assert_eq!(shortened("c01", Medium::Svg, 40.0), "c01");
    }
}
