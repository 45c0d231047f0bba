//! Text from elsewhere in CSV files.
//!
//! Spreadsheets run a text that begins like a formula, quoted or not. Such a text gets an apostrophe before it, and so
//! does one that begins with an apostrophe: a reader that takes one off has the text back. All other characters are
//! kept, because a program may read the file.

use std::borrow::Cow;

/// A label as a field, quoted where it must be, that no spreadsheet runs.
pub(crate) fn csv_field(label: &str) -> String {
    let label = csv_label(label);
    match label.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", label.replace('"', "\"\"")),
        false => label.into_owned(),
    }
}

/// A label that no spreadsheet runs, for a writer that quotes.
pub(crate) fn csv_label(label: &str) -> Cow<'_, str> {
    // Spaces before it do not keep every program from seeing the sign; the wide ones are those of East Asian keyboards.
    let seen = label.trim_start_matches([' ', '\u{feff}']);
    match label.starts_with('\'') || begins_like_a_formula(seen) {
        true => Cow::Owned(format!("'{label}")),
        false => Cow::Borrowed(label),
    }
}

/// Whether a spreadsheet may take a text for a formula.
pub(crate) fn begins_like_a_formula(text: &str) -> bool {
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
            assert_eq!(csv_label(label), format!("'{label}"));
        }
        for label in ["c1", "10.0.0.1:2379", "a=1", "", "é"] {
            assert_eq!(csv_label(label), label);
        }
        assert_eq!(csv_field("=\"x\",\r"), "\"'=\"\"x\"\",\r\"");
    }
}
