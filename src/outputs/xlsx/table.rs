//! A table of typed values below a frozen heading, with a filter.

use rust_xlsxwriter::{Format, Worksheet, XlsxError};

use super::look::Look;
use crate::text::csv::begins_like_a_formula;
use crate::text::rounding::{score_number, share_number};
use crate::text::sheet::sheet_text;
use crate::time::{DAY_MS, UtcDay};

/// Maximum number of rows of a sheet.
const ROWS: u32 = 1_048_576;
/// The day number of 1970-01-01 in Excel.
const EPOCH: f64 = 25_569.0;
/// Height of one line of text, in points. `TALLEST` is Excel's maximum row height.
const LINE: f64 = 15.0;
const TALLEST: f64 = 409.0;

/// One cell of a table.
pub(super) enum Value<'a> {
    Empty,
    Text(&'a str),
    Owned(String),
    /// Shown with two decimals, stored with all of them.
    Number(f64),
    /// 0 to 10, rounded down to two decimals.
    Score(f64),
    /// A share of steps, rounded down to tenths of a percent.
    Coverage(f64),
    /// A number shown with all of its decimals.
    Plain(f64),
    Whole(u64),
    /// A share from 0 to 1, shown as a percentage.
    Share(f64),
    Date(UtcDay),
    /// A date and time as milliseconds since 1970, already shifted to the time zone that the column's heading names,
    /// because Excel has no time zones.
    Instant(i64),
}

impl<'a> Value<'a> {
    /// Wraps a number with `kind`; `None` becomes a blank cell.
    pub(super) fn of(value: Option<f64>, kind: fn(f64) -> Self) -> Self {
        value.map_or(Self::Empty, kind)
    }

    pub(super) fn text(value: Option<&'a str>) -> Self {
        value.map_or(Self::Empty, Self::Text)
    }

    /// What a cell holds, and its format; `None` for a blank cell.
    fn written<'l>(&self, look: &'l Look) -> Option<(Content, &'l Format)> {
        let (number, format) = match self {
            Self::Empty => return None,
            Self::Text(text) => return Some(Content::text(text, look)),
            Self::Owned(text) => return Some(Content::text(text, look)),
            Self::Number(number) => (*number, &look.precise),
            Self::Score(score) => (score_number(*score), &look.precise),
            Self::Coverage(share) => (share_number(*share), &look.share),
            Self::Plain(number) => (*number, &look.plain),
            Self::Whole(number) => (*number as f64, &look.whole),
            Self::Share(number) => (*number, &look.share),
            Self::Date(date) => (serial(date.start_ms()), &look.date),
            Self::Instant(ms) => (serial(*ms), &look.instant),
        };
        Some((Content::Number(number), format))
    }

    /// Estimated number of lines that the text needs in a column of this width.
    fn lines(&self, width: f64) -> usize {
        let text = match self {
            Self::Text(text) => text,
            Self::Owned(text) => text.as_str(),
            _ => return 1,
        };
        text.split('\n').map(|line| (line.encode_utf16().count() as f64 / width).ceil().max(1.0) as usize).sum()
    }
}

/// What the library writes into a cell.
enum Content {
    Number(f64),
    Text(String),
}

impl Content {
    /// Text, marked so that editing the cell in Excel does not turn the text into a formula.
    fn text<'l>(text: &str, look: &'l Look) -> (Self, &'l Format) {
        let format = if begins_like_a_formula(text) { &look.quoted } else { &look.text };
        (Self::Text(sheet_text(text)), format)
    }
}

/// Writes a table row by row.
pub(super) struct Table<'s> {
    pub(super) sheet: &'s mut Worksheet,
    pub(super) look: &'s Look,
    row: u32,
    heading: u32,
    widths: Vec<f64>,
    /// The format of each column, once it has a value, if the table begins at the top. A cell without a format of its own has
    /// that one, which saves a search among all formats for each cell.
    formats: Vec<Option<&'s Format>>,
}

impl<'s> Table<'s> {
    /// Writes the headings into row `row`, sets the column widths, and freezes the rows down to the headings.
    pub(super) fn begin(
        sheet: &'s mut Worksheet,
        look: &'s Look,
        row: u32,
        headings: &[(&str, f64)],
    ) -> Result<Self, XlsxError> {
        for (column, (heading, width)) in (0..).zip(headings) {
            sheet.write_string_with_format(row, column, *heading, &look.table_heading)?;
            sheet.set_column_width(column, *width)?;
        }
        sheet.set_freeze_panes(row + 1, 1)?;
        sheet.set_repeat_rows(row, row)?;
        sheet.set_landscape().set_print_fit_to_pages(1, 0);
        let widths: Vec<_> = headings.iter().map(|&(_, width)| width).collect();
        let formats = vec![None; widths.len()];
        let mut table = Self { sheet, look, row: row + 1, heading: row, widths, formats };
        table.make_room(row, &headings.iter().map(|(heading, _)| Value::Text(heading)).collect::<Vec<_>>())?;
        Ok(table)
    }

    /// Index of the next row.
    pub(super) fn next_row(&self) -> u32 {
        self.row
    }

    /// Like [`Table::counted_rows`], for rows that know their number.
    pub(super) fn rows<'v, R>(&mut self, rows: R) -> Result<(), XlsxError>
    where
        R: ExactSizeIterator<Item = Vec<Value<'v>>>,
    {
        self.counted_rows(rows.len(), "they are in the folder's other files", rows)
    }

    /// Writes `count` rows until the sheet is full. If rows are left over, the last row of the sheet shows how many, and
    /// `elsewhere` says where they are.
    pub(super) fn counted_rows<'v, R>(&mut self, count: usize, elsewhere: &str, rows: R) -> Result<(), XlsxError>
    where
        R: Iterator<Item = Vec<Value<'v>>>,
    {
        let mut left = count;
        for row in rows {
            if self.row == ROWS - 1 {
                let more = format!("{left} more do not fit into a sheet: {elsewhere}");
                return write(self.sheet, self.look, self.row, 0, &Value::Owned(more));
            }
            self.row(&row)?;
            left -= 1;
        }
        Ok(())
    }

    /// Writes one row and sets its height.
    pub(super) fn row(&mut self, values: &[Value<'_>]) -> Result<(), XlsxError> {
        for (column, value) in (0..).zip(values) {
            self.write(column, value)?;
        }
        self.make_room(self.row, values)?;
        self.row += 1;
        Ok(())
    }

    fn write(&mut self, column: u16, value: &Value<'_>) -> Result<(), XlsxError> {
        let Some((content, format)) = value.written(self.look) else { return Ok(()) };
        let of_column = &mut self.formats[usize::from(column)];
        // Cells above the table have no format, and would take that of the column.
        if of_column.is_none() && self.heading == 0 {
            self.sheet.set_column_format(column, format)?;
            *of_column = Some(format);
        }
        let is_its = of_column.is_some_and(|own| std::ptr::eq(own, format));
        write_content(self.sheet, self.row, column, content, (!is_its).then_some(format))
    }

    /// Makes a row tall enough for its texts, because not every program adjusts heights when it opens a file.
    fn make_room(&mut self, row: u32, values: &[Value<'_>]) -> Result<(), XlsxError> {
        let needed = values.iter().zip(&self.widths).map(|(value, width)| value.lines(*width)).max().unwrap_or(1);
        if needed > 1 {
            self.sheet.set_row_height(row, (needed as f64 * LINE).min(TALLEST))?;
        }
        Ok(())
    }

    /// Ends the table and adds a filter.
    pub(super) fn end(self) -> Result<(), XlsxError> {
        if self.row > self.heading + 1 {
            self.sheet.autofilter(self.heading, 0, self.row - 1, self.widths.len() as u16 - 1)?;
        }
        Ok(())
    }
}

/// Writes one value with the number format of its variant.
pub(super) fn write(
    sheet: &mut Worksheet,
    look: &Look,
    row: u32,
    column: u16,
    value: &Value<'_>,
) -> Result<(), XlsxError> {
    match value.written(look) {
        Some((content, format)) => write_content(sheet, row, column, content, Some(format)),
        None => Ok(()),
    }
}

fn write_content(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    content: Content,
    format: Option<&Format>,
) -> Result<(), XlsxError> {
    match (content, format) {
        (Content::Number(number), Some(format)) => sheet.write_number_with_format(row, column, number, format),
        (Content::Number(number), None) => sheet.write_number(row, column, number),
        (Content::Text(text), Some(format)) => sheet.write_string_with_format(row, column, text, format),
        (Content::Text(text), None) => sheet.write_string(row, column, text),
    }
    .map(drop)
}

/// An instant in Excel's unit: days since 1899-12-30.
pub(super) fn serial(ms: i64) -> f64 {
    ms as f64 / DAY_MS as f64 + EPOCH
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn rows_that_do_not_fit_into_a_sheet_are_counted() {
        let mut sheet = Worksheet::new();
        let look = Look::new();
        let mut table = Table::begin(&mut sheet, &look, ROWS - 4, &[("number", 10.0)]).unwrap();
        table.rows((0..5_u32).map(|number| vec![Value::Whole(number.into())])).unwrap();
        assert_eq!(table.next_row(), ROWS - 1, "two rows and a note were written");
    }
}
