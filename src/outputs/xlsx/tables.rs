//! The sheets Problems, Findings, Evidence and Rules: the columns of the CSV files of the same names, and local times.

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::look::{Look, heat};
use super::table::{Table, Value};
use crate::outputs::shared::tables::{Column, Field};
use crate::time::{CellWidth, Zone};

/// Local times of a sheet.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    zone: Zone,
    /// Whether there is a column of local time before each column of UTC.
    is_local: bool,
}

impl Clock {
    pub(super) fn of(zone: Zone) -> Self {
        Self { zone, is_local: zone.to_string() != "UTC" }
    }

    /// The headings of a column of instants: local time first, unless that is UTC.
    pub(super) fn headings(self, heading: &str) -> Vec<String> {
        let local = self.is_local.then(|| format!("{heading} ({})", self.zone));
        local.into_iter().chain([format!("{heading} (UTC)")]).collect()
    }

    /// The values for [`Clock::headings`]. Excel has no time zones, so local time is shifted.
    pub(super) fn values<'v>(self, ms: i64) -> impl Iterator<Item = Value<'v>> {
        let shifted = move || {
            let ahead = self.zone.cell_at(ms, CellWidth::default()).utc_offset_minutes;
            Value::Instant(ms + i64::from(ahead) * 60_000)
        };
        self.is_local.then(shifted).into_iter().chain([Value::Instant(ms)])
    }
}

/// Writes a table of `count` rows, or the sentence `none` if there are none.
pub(super) fn write_table<'a>(
    sheet: &mut Worksheet,
    look: &Look,
    clock: Clock,
    columns: &[Column],
    count: usize,
    rows: impl Iterator<Item = Vec<Field<'a>>>,
    none: &str,
) -> Result<(), XlsxError> {
    let headings = headings(clock, columns);
    let borrowed: Vec<(&str, f64)> = headings.iter().map(|(heading, width)| (heading.as_str(), *width)).collect();
    let mut table = Table::begin(sheet, look, 0, &borrowed)?;
    let first = table.next_row();
    table.counted_rows(
        count,
        "the folder's CSV files have all of them",
        rows.map(|row| values(clock, columns, row)),
    )?;
    let last = table.next_row().max(first + 1) - 1;
    let scores = columns.iter().find(|column| column.name == "lowest_score").map(|column| column.heading);
    if let Some(place) = headings.iter().position(|(heading, _)| Some(heading.as_str()) == scores) {
        table.sheet.add_conditional_format(first, place as u16, last, place as u16, &heat())?;
    }
    if count == 0 {
        table.row(&[Value::Text(none)])?;
    }
    table.end()
}

fn headings(clock: Clock, columns: &[Column]) -> Vec<(String, f64)> {
    let of = |column: &Column| {
        let headings = match column.is_instant {
            true => clock.headings(column.heading),
            false => vec![column.heading.to_owned()],
        };
        let width = column.width;
        headings.into_iter().map(move |heading| (heading, width))
    };
    columns.iter().flat_map(of).collect()
}

fn values(clock: Clock, columns: &[Column], row: Vec<Field<'_>>) -> Vec<Value<'static>> {
    let mut values = Vec::with_capacity(row.len());
    for (field, column) in row.into_iter().zip(columns) {
        match field {
            Field::Instant(ms) => values.extend(clock.values(ms)),
            // An instant that is missing leaves the column of local time empty as well.
            Field::Empty => values.extend((0..1 + u8::from(column.is_instant && clock.is_local)).map(|_| Value::Empty)),
            Field::Text(text) => values.push(Value::Owned(text.into_owned())),
            Field::Whole(number) => values.push(Value::Whole(number)),
            Field::Number(number) => values.push(Value::Number(number)),
            Field::Figure(number) => values.push(Value::Plain(number)),
        }
    }
    values
}
