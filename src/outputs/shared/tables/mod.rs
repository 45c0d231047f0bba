//! Problems, findings, evidence and rules as tables, for CSV files and for the sheets of the workbook: the same columns in
//! the same order.
//!
//! Times are in UTC and numbers have at most two decimals, so that spreadsheets take both as what they are.

mod evidence;
mod findings;
mod problems;
mod rules;

use std::borrow::Cow;

pub(in crate::outputs) use evidence::{EVIDENCE, evidence};
pub(in crate::outputs) use findings::{FINDINGS, findings};
pub(in crate::outputs) use problems::{PROBLEMS, problems};
pub(in crate::outputs) use rules::{RULES, rules};

use crate::text::csv::csv_field;
use crate::time::format_instant;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(in crate::outputs) struct Column {
    /// The name in CSV files, such as `first_utc`.
    pub(in crate::outputs) name: &'static str,
    /// The heading in the workbook, without the time zone of instants.
    pub(in crate::outputs) heading: &'static str,
    /// Width in the workbook, in characters.
    pub(in crate::outputs) width: f64,
    /// Whether the column holds instants. The workbook has another one for local time.
    pub(in crate::outputs) is_instant: bool,
}

impl Column {
    const fn of(name: &'static str, heading: &'static str, width: f64) -> Self {
        Self { name, heading, width, is_instant: false }
    }

    const fn instant(name: &'static str, heading: &'static str) -> Self {
        Self { name, heading, width: 20.0, is_instant: true }
    }
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::outputs) enum Field<'a> {
    Empty,
    Text(Cow<'a, str>),
    Whole(u64),
    /// A number with at most two decimals; the workbook shows two.
    Number(f64),
    /// A number with at most two decimals, shown as it is: the other rows have other units.
    Figure(f64),
    /// Milliseconds since 1970.
    Instant(i64),
}

impl<'a> Field<'a> {
    fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    fn whole(number: usize) -> Self {
        Self::Whole(number as u64)
    }

    /// A field from an optional value; `None` is empty.
    fn of<T>(value: Option<T>, field: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Empty, field)
    }

    /// The members of a problem or finding.
    fn list(names: &[String]) -> Self {
        Self::Text(names.join("; ").into())
    }

    fn csv(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => csv_field(text),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) | Self::Figure(number) => number.to_string(),
            Self::Instant(ms) => csv_instant(*ms),
        }
    }
}

/// An instant in UTC as spreadsheets recognize it, truncated to the second: `2026-10-01 02:00:00`.
pub(in crate::outputs) fn csv_instant(ms: i64) -> String {
    format_instant(ms - ms.rem_euclid(1000)).replace('T', " ").replace('Z', "")
}

/// A table as CSV, with the number of its rows.
pub(in crate::outputs) fn csv<'a>(columns: &[Column], rows: impl IntoIterator<Item = Vec<Field<'a>>>) -> (String, u64) {
    let mut text = columns.iter().map(|column| column.name).collect::<Vec<_>>().join(",");
    text.push('\n');
    let mut count = 0;
    for row in rows {
        text.push_str(&row.iter().map(Field::csv).collect::<Vec<_>>().join(","));
        text.push('\n');
        count += 1;
    }
    (text, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_so_that_spreadsheets_and_databases_recognize_them() {
        for (field, expected) in [
            (Field::Empty, ""),
            (Field::text("=a,b"), "\"'=a,b\""),
            (Field::Whole(7), "7"),
            (Field::Number(0.25), "0.25"),
            (Field::Number(1e9), "1000000000"),
            (Field::Instant(1_790_820_000_500), "2026-10-01 02:00:00"),
        ] {
            assert_eq!(field.csv(), expected);
        }
    }
}
