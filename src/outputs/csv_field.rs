//! Texts of others in CSV files.
//!
//! Spreadsheets take a text that begins like a formula for one, quoted or not: such a text gets an
//! apostrophe before it, and so does one that begins with an apostrophe, so that taking one off gives
//! the text back.

use std::borrow::Cow;

/// A label as a field that no spreadsheet runs.
pub(super) fn field(label: &str) -> String {
    let label = tamed(label);
    match label.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", label.replace('"', "\"\"")),
        false => label.into_owned(),
    }
}

/// A text that no spreadsheet runs.
pub(super) fn tamed(label: &str) -> Cow<'_, str> {
    // Spaces before it do not keep every program from seeing the sign; the wide ones are those of East Asian keyboards.
    let seen = label.trim_start_matches([' ', '\u{feff}']);
    match label.starts_with('\'') || begins_like_a_formula(seen) {
        true => Cow::Owned(format!("'{label}")),
        false => Cow::Borrowed(label),
    }
}

/// Whether a spreadsheet may take a text for a formula.
pub(super) fn begins_like_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_may_run_gets_an_apostrophe_and_no_other() {
        for label in
            ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", " =1", "\u{feff}=1", "＝1", "＋1", "－1", "＠a", "'a"]
        {
            assert_eq!(tamed(label), format!("'{label}"));
        }
        for label in ["c1", "10.0.0.1:2379", "a=1", "", "é"] {
            assert_eq!(tamed(label), label);
        }
        assert_eq!(field("=\"x\",\r"), "\"'=\"\"x\"\",\r\"");
    }
}
