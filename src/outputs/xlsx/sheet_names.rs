//! Names that Excel takes for a sheet, made of names that anybody may have chosen.

use std::collections::BTreeSet;

/// Excel counts UTF-16 units.
const LONGEST: usize = 31;

/// Names that were given away, without regard to case.
#[derive(Debug)]
pub(super) struct SheetNames(BTreeSet<String>);

impl SheetNames {
    /// Keeps the names of our own sheets, and the one that Excel keeps for itself.
    pub(super) fn without(ours: &[&str]) -> Self {
        Self(ours.iter().chain(&["History"]).map(|name| folded(name)).collect())
    }

    /// A name like this one that no other sheet has.
    pub(super) fn name(&mut self, wanted: &str) -> String {
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

/// Both ways, because some letters are equal in capitals only.
fn folded(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

fn allowed(wanted: &str) -> String {
    let visible = wanted.chars().filter(|c| !is_invisible(*c));
    let replaced: String = visible
        .map(|c| match c {
            '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\u{fffe}' | '\u{ffff}' => '_',
            c if c.is_control() || c.is_whitespace() => ' ',
            c => c,
        })
        .collect();
    trimmed(&without_escapes(replaced)).to_owned()
}

/// Excel reads `_x003A_` in a name as a colon, which it then refuses.
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

/// Marks that change how the names of other sheets beside it read, or make two names look alike.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
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
    fn names_keep_to_the_rules_of_excel_and_stay_apart() {
        let mut names = SheetNames::without(&["Summary"]);
        let mut name = |wanted: &str| names.name(wanted);
        assert_eq!(name("c1"), "c1");
        assert_eq!(name("C1"), "C1 (2)", "case does not tell sheets apart");
        assert_eq!(name("history"), "history (2)");
        assert_eq!(name("SUMMARY"), "SUMMARY (2)");
        assert_eq!(name("a[b]:*?/\\c"), "a_b______c");
        assert_eq!(name("''it's''"), "it's");
        assert_eq!(name("_x003A_x_y"), "-x003A_x_y");
        assert_eq!((name(""), name(" ' ")), ("cluster".to_owned(), "cluster (2)".to_owned()));
        assert_eq!(name("a\nb\u{202e}c"), "a bc");
        assert_eq!(name(&"x".repeat(300)), "x".repeat(31));
        assert_eq!(name(&"x".repeat(300)), "x".repeat(27) + " (2)");
        assert_eq!(name(&"🔥".repeat(16)), "🔥".repeat(15), "an emoji counts twice");
        assert_eq!(name(&format!("{}'y", "z".repeat(30))), "z".repeat(30), "no apostrophe where it was cut");
    }
}
