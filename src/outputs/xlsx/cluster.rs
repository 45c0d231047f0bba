//! The sheet of one cluster, with one row per day: the mean of each cell (the heat map), figures of the day, then the
//! lowest score and the coverage of each cell.

use rust_xlsxwriter::{Url, Worksheet, XlsxError};

use super::SUMMARY;
use super::look::{Look, coverage, heat};
use super::table::{Value, write};
use crate::folder::Manifest;
use crate::heatmap::{Cell, Line, Totals, WHY_IDLE};
use crate::outputs::shared::day_columns::{DayColumns, days};
use crate::spec::percent;
use crate::text::rounding::{score_number, share_number};
use crate::text::sheet::sheet_text;

/// Number of rows above the first day; the last of them has the headings.
const ABOVE: u32 = 4;
/// Column where the means begin, right after the date column.
const MEANS: u16 = 1;
/// Headings and column widths of the figures of a day.
const OF_A_DAY: [(&str, f64); 4] = [("Mean", 7.0), ("Lowest", 7.0), ("Coverage", 9.0), ("Hours in day", 12.0)];

/// The first column of each block after the means, and the number of columns in a block of cells. A
/// narrow column separates the blocks.
struct Places {
    hours: u16,
    of_day: u16,
    lowest: u16,
    coverage: u16,
}

impl Places {
    fn of(columns: &DayColumns) -> Self {
        let hours = columns.len() as u16;
        let of_day = MEANS + hours + 1;
        let lowest = of_day + OF_A_DAY.len() as u16 + 1;
        Self { hours, of_day, lowest, coverage: lowest + hours + 1 }
    }
}

/// Writes the sheet of a cluster.
pub(super) fn draw(
    sheet: &mut Worksheet,
    look: &Look,
    manifest: &Manifest,
    columns: &DayColumns,
    line: &Line,
) -> Result<(), XlsxError> {
    let places = Places::of(columns);
    say_what_it_is(sheet, look, manifest, line)?;
    write_headings(sheet, look, columns, &places)?;
    let mut row = ABOVE;
    for day in days(&line.cells) {
        write_day(sheet, look, columns, &places, row, day)?;
        row += 1;
    }
    colour(sheet, &places, row.max(ABOVE + 1) - 1)?;
    sheet.set_freeze_panes(ABOVE, MEANS)?;
    set_up_paper(sheet, &places, row.max(ABOVE + 1) - 1)
}

fn say_what_it_is(sheet: &mut Worksheet, look: &Look, manifest: &Manifest, line: &Line) -> Result<(), XlsxError> {
    sheet.write_url_with_format(
        0,
        0,
        Url::new(format!("internal:'{SUMMARY}'!A1")).set_text("Back to summary"),
        &look.link,
    )?;
    sheet.write_string_with_format(0, MEANS, sheet_text(&line.cluster), &look.title)?;
    let zone = manifest.time_zone.as_deref().unwrap_or_default();
    let share = percent(manifest.min_coverage.unwrap_or_default()).replace('%', " %");
    // Idle cells are rare, so only a sheet that has any explains them.
    let idle = match line.cells.iter().any(Cell::is_idle) {
        true => format!(" Dotted blue: idle ({WHY_IDLE})."),
        false => String::new(),
    };
    let legend = format!(
        "Mean score of each cell, rounded down: 0 is red, 5 yellow, 10 green. ~ in italics: uncertain, less than {share} of its \
         steps were scored. Hatched: unknown.{idle} Blank: nothing lived, or the clock skipped that time."
    );
    sheet.write_string(1, MEANS, legend)?;
    let clock = format!(
        "Days and hours of {zone}. (2): the second time that the clock shows it on the night it goes back. \
         To the right: figures of the day, lowest scores, coverage."
    );
    sheet.write_string(2, MEANS, clock)?;
    Ok(())
}

fn write_headings(sheet: &mut Worksheet, look: &Look, columns: &DayColumns, places: &Places) -> Result<(), XlsxError> {
    let row = ABOVE - 1;
    // A sheet takes its rows in order.
    for (block, title) in [
        (places.of_day, "Of the day"),
        (places.lowest, "Lowest score of each cell"),
        (places.coverage, "Coverage of each cell"),
    ] {
        sheet.write_string_with_format(row - 1, block, title, &look.title)?;
        sheet.set_column_width(block - 1, 2)?;
    }
    sheet.write_string_with_format(row, 0, "Date", &look.heading)?;
    sheet.set_column_width(0, 17)?;
    for (place, heading) in (0..).zip(columns.headings()) {
        // Wide enough for a mean; the heading of a repeated hour, such as "02:00 (2)", needs more.
        let width = if heading.len() > 5 { 9.0 } else { 6.7 };
        for block in [MEANS, places.lowest, places.coverage] {
            sheet.write_string_with_format(row, block + place, &heading, &look.heading)?;
            sheet.set_column_width(block + place, width)?;
        }
    }
    for (place, (heading, width)) in (0..).zip(OF_A_DAY) {
        sheet.write_string_with_format(row, places.of_day + place, heading, &look.heading)?;
        sheet.set_column_width(places.of_day + place, width)?;
    }
    Ok(())
}

fn write_day(
    sheet: &mut Worksheet,
    look: &Look,
    columns: &DayColumns,
    places: &Places,
    row: u32,
    day: &[Cell],
) -> Result<(), XlsxError> {
    write(sheet, look, row, 0, &Value::Date(day[0].date))?;
    for cell in day {
        let place = columns.place(cell) as u16;
        let format = if cell.uncertain { &look.uncertain } else { &look.score };
        for (column, score) in [(MEANS + place, cell.mean), (places.lowest + place, cell.min)] {
            match score {
                Some(score) => sheet.write_number_with_format(row, column, score_number(score), format)?,
                None if cell.is_idle() => sheet.write_blank(row, column, &look.idle)?,
                None => sheet.write_blank(row, column, &look.unknown)?,
            };
        }
        sheet.write_number_with_format(row, places.coverage + place, share_number(cell.coverage()), &look.share)?;
    }
    let totals = Totals::of(day);
    let figures = [
        Value::of(totals.mean(), Value::Score),
        Value::of(totals.lowest, Value::Score),
        Value::Coverage(totals.coverage()),
        Value::Plain(columns.hours_of(day[0].date)),
    ];
    for (column, figure) in (places.of_day..).zip(&figures) {
        write(sheet, look, row, column, figure)?;
    }
    Ok(())
}

fn colour(sheet: &mut Worksheet, places: &Places, last: u32) -> Result<(), XlsxError> {
    for (first, count) in [(MEANS, places.hours), (places.of_day, 2), (places.lowest, places.hours)] {
        sheet.add_conditional_format(ABOVE, first, last, first + count - 1, &heat())?;
    }
    for (first, count) in [(places.of_day + 2, 1), (places.coverage, places.hours)] {
        sheet.add_conditional_format(ABOVE, first, last, first + count - 1, &coverage())?;
    }
    Ok(())
}

/// Sets up printing: only the means and the daily figures, fitted to the width of a page.
fn set_up_paper(sheet: &mut Worksheet, places: &Places, last: u32) -> Result<(), XlsxError> {
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    sheet.set_repeat_rows(ABOVE - 1, ABOVE - 1)?;
    sheet.set_print_area(0, 0, last, places.lowest - 2)?;
    Ok(())
}
