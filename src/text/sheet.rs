//! Sanitizes untrusted text for a workbook: names of sheets, and cells.

use std::collections::BTreeSet;

use super::characters::CharKind;

/// Excel's maximum length of a sheet name (`LONGEST`) and of a cell's text (`LONGEST_TEXT`), in UTF-16 code units.
const LONGEST: usize = 31;
const LONGEST_TEXT: usize = 32_767;

/// Shortens a text to what a cell can hold. The library that writes the file escapes control characters.
pub(crate) fn sheet_text(text: &str) -> String {
    if text.encode_utf16().count() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let mut units = 1;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= LONGEST_TEXT
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// The sheet names in use, case folded.
#[derive(Debug)]
pub(crate) struct SheetNames(BTreeSet<String>);

impl SheetNames {
    /// Reserves the names of our own sheets, and `History`, which Excel reserves.
    pub(crate) fn without(ours: &[&str]) -> Self {
        Self(ours.iter().chain(&["History"]).map(|name| folded(name)).collect())
    }

    /// Makes a valid and unique name from `wanted`, with a number such as ` (2)` if necessary, and reserves it.
    pub(crate) fn name(&mut self, wanted: &str) -> String {
        let allowed = match allowed(wanted) {
            name if name.is_empty() => "cluster".to_owned(),
            name => name,
        };
        let mut name = shortened(&allowed, LONGEST);
        let mut count = 1;
        while !self.0.insert(folded(&name)) {
            count += 1;
            let suffix = format!(" ({count})");
            name = shortened(&allowed, LONGEST - suffix.len()) + &suffix;
        }
        name
    }
}

/// Folds case in both directions, because some letters only become equal in upper case.
fn folded(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

fn allowed(wanted: &str) -> String {
    // Bidirectional marks could reorder the neighboring tabs; invisible characters could
    // make different names look alike.
    let replaced = wanted.chars().filter_map(|c| match (c, CharKind::of(c)) {
        ('[' | ']' | ':' | '*' | '?' | '/' | '\\', _) | (_, CharKind::Noncharacter) => Some('_'),
        (_, CharKind::Control | CharKind::LineSeparator) => Some(' '),
        (_, CharKind::Direction | CharKind::Invisible | CharKind::Joiner) => None,
        (c, CharKind::Visible) => Some(if c.is_whitespace() { ' ' } else { c }),
    });
    let replaced: String = replaced.collect();
    trimmed(&without_escapes(replaced)).to_owned()
}

/// Replaces the first character of escapes: Excel reads `_x003A_` in a name as a colon, and rejects the name.
fn without_escapes(mut name: String) -> String {
    let is_escape = |at: &[u8]| {
        at.len() >= 7 && at.starts_with(b"_x") && at[6] == b'_' && at[2..6].iter().all(u8::is_ascii_hexdigit)
    };
    while let Some(at) = name.as_bytes().windows(7).position(is_escape) {
        name.replace_range(at..=at, "-");
    }
    name
}

fn trimmed(name: &str) -> &str {
    name.trim_matches(['\'', ' '])
}

fn shortened(name: &str, longest: usize) -> String {
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= longest
    };
    trimmed(&name.chars().take_while(fits).collect::<String>()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shortened_to_the_limit_of_a_cell() {
        assert_eq!(sheet_text("a"), "a");
        assert_eq!(sheet_text(&"x".repeat(32_767)).len(), 32_767);
        let cut = sheet_text(&"🔥".repeat(20_000));
        assert_eq!((cut.encode_utf16().count(), cut.chars().last()), (32_767, Some('…')));
    }

    #[test]
    fn sheet_names_are_valid_and_unique() {
        let mut names = SheetNames::without(&["Summary"]);
        let mut name = |wanted: &str| names.name(wanted);
        assert_eq!(name("c1"), "c1");
        assert_eq!(name("C1"), "C1 (2)", "names are compared without case");
        assert_eq!(name("history"), "history (2)");
        assert_eq!(name("SUMMARY"), "SUMMARY (2)");
        assert_eq!(name("a[b]:*?/\\c"), "a_b______c");
        assert_eq!(name("''it's''"), "it's");
        assert_eq!(name("_x003A_x_y"), "-x003A_x_y");
        assert_eq!((name(""), name(" ' ")), ("cluster".to_owned(), "cluster (2)".to_owned()));
        assert_eq!(name("a\nb\u{202e}c\u{2028}d"), "a bc d");
        assert_eq!(name("“a” – b…"), "“a” – b…");
        assert_eq!(name(&"x".repeat(300)), "x".repeat(31));
        assert_eq!(name(&"x".repeat(300)), "x".repeat(27) + " (2)");
        assert_eq!(name(&"🔥".repeat(16)), "🔥".repeat(15), "an emoji counts twice");
        assert_eq!(
            name(&format!("{}'y", "z".repeat(30))),
            "z".repeat(30),
            "no apostrophe at the end of a shortened name"
        );
    }
}
