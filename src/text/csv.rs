//! Sanitizes untrusted text for CSV files.
//!
//! Spreadsheets evaluate text that starts like a formula, even in quotes, so such text gets a leading apostrophe.
//! Text that starts with an apostrophe gets another one: a program restores the original by removing one. All other
//! characters stay, because programs read the file too.

use std::borrow::Cow;

/// A label as a CSV field, guarded against formulas and quoted if necessary.
pub(crate) fn csv_field(label: &str) -> String {
    let label = csv_label(label);
    match label.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", label.replace('"', "\"\"")),
        false => label.into_owned(),
    }
}

/// A label guarded against formulas, for a CSV writer that adds quotes itself.
pub(crate) fn csv_label(label: &str) -> Cow<'_, str> {
    // Some spreadsheets skip leading spaces and a byte order mark.
    let seen = label.trim_start_matches([' ', '\u{feff}']);
    match label.starts_with('\'') || begins_like_a_formula(seen) {
        true => Cow::Owned(format!("'{label}")),
        false => Cow::Borrowed(label),
    }
}

/// The label that [`csv_label`] wrote as this field.
pub(crate) fn csv_unguarded(field: &str) -> &str {
    match field.strip_prefix('\'') {
        Some(label) if matches!(csv_label(label), Cow::Owned(_)) => label,
        _ => field,
    }
}

/// Whether a spreadsheet may evaluate the text as a formula, which may also start with full-width
/// signs from East Asian keyboards.
pub(crate) fn begins_like_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_labels_that_look_like_formulas_get_an_apostrophe() {
        for label in
            ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", " =1", "\u{feff}=1", "＝1", "＋1", "－1", "＠a", "'a"]
        {
            assert_eq!(csv_label(label), format!("'{label}"));
            assert_eq!(csv_unguarded(&csv_label(label)), label);
        }
        for label in ["c1", "10.0.0.1:2379", "a=1", "", "é"] {
            assert_eq!((&*csv_label(label), csv_unguarded(label)), (label, label));
        }
        assert_eq!(csv_field("=\"x\",\r"), "\"'=\"\"x\"\",\r\"");
    }
}
