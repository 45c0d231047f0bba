//! `heatmap_wide.csv`: opens in a spreadsheet as the picture, days down and hours across.
//!
//! `cluster`, `member` (empty: the cluster itself), `date`, `hours_in_day` (23 or 25 when the clocks
//! change), then a column a cell of the day. Means have at most two decimals, rounded down: 9.996 is not 10. A field is empty where
//! nothing is known or nothing lived, and at a local time that a day does not have.
//!
//! A byte order mark tells Excel that it is UTF-8.

use std::io::Write;
use std::path::Path;

use super::OutputError;
use super::shared::day_columns::{DayColumns, days};
use crate::files::{FileError, WholeFile};
use crate::folder::{Manifest, Written};
use crate::heatmap::{Cell, Line};
use crate::text::csv::csv_field;
use crate::text::rounding::score_short;

/// Its name in the output folder.
pub(super) const WIDE_CSV: &str = "heatmap_wide.csv";

/// Writes the file.
pub(super) fn write_wide_csv(out: &Path, manifest: &Manifest, lines: &[Line]) -> Result<Written, OutputError> {
    let columns = DayColumns::of(out, manifest, lines)?;
    let path = out.join(WIDE_CSV);
    let mut file = WholeFile::create(&path)?;
    let mut rows = 0;
    let mut write = |text: &str| file.write_all(text.as_bytes()).map_err(|e| FileError::new("write", &path, e));
    let headings: Vec<String> = columns.headings().collect();
    write(&format!("\u{feff}cluster,member,date,hours_in_day,{}\n", headings.join(",")))?;
    for line in lines {
        let labels = format!("{},{}", csv_field(&line.cluster), csv_field(line.member.as_deref().unwrap_or_default()));
        for day in days(line) {
            write(&row(&labels, day, &columns))?;
            rows += 1;
        }
    }
    Ok(Written::new(out, &path, rows, file.commit()?))
}

fn row(labels: &str, day: &[Cell], columns: &DayColumns) -> String {
    let mut means = vec![String::new(); columns.len()];
    for cell in day {
        means[columns.place(cell)] = cell.mean.map(score_short).unwrap_or_default();
    }
    let date = day[0].date;
    format!("{labels},{date},{},{}\n", columns.hours_of(date), means.join(","))
}
