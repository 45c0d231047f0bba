//! `heatmap_wide.csv`: the heat map as a table for spreadsheets, with one row per day and one
//! column per time of day.
//!
//! Columns: `cluster`, `member` (empty for the cluster itself), `date`, `hours_in_day` (23 or 25 when clocks
//! change), then one for each cell of a day, with its mean score, and `uncertain`. A mean has at most two decimals,
//! rounded down, so that 9.996 is not shown as 10. A cell without a score is `unknown` or `idle`. A field is empty if no
//! member is expected, or the day does not have that local time.
//!
//! `uncertain` names the cells with a score of which too few steps are scored, such as `02:00; 14:00;`. They are in a
//! column of their own because a mark in the cell would make a text of its number. Each ends with a semicolon, so that a
//! spreadsheet does not take a single one for a time.
//!
//! The file begins with a byte order mark, without which Excel does not recognize UTF-8.

use std::io::Write;
use std::path::Path;

use super::OutputError;
use super::shared::day_columns::{DayColumns, days};
use crate::files::{FileError, WholeFile};
use crate::folder::{Manifest, Written};
use crate::heatmap::{Cell, PackedLine};
use crate::text::csv::csv_field;
use crate::text::rounding::score_short;

pub(super) const WIDE_CSV: &str = "heatmap_wide.csv";

/// Writes `heatmap_wide.csv` into the folder `out`, with one row per day of each cluster and member.
pub(super) fn write_wide_csv(out: &Path, manifest: &Manifest, lines: &[PackedLine]) -> Result<Written, OutputError> {
    let columns = DayColumns::of(out, manifest, lines)?;
    let path = out.join(WIDE_CSV);
    let mut file = WholeFile::create(&path)?;
    let mut rows = 0;
    let mut write = |text: &str| file.write_all(text.as_bytes()).map_err(|e| FileError::new("write", &path, e));
    let headings: Vec<String> = columns.headings().collect();
    write(&format!("\u{feff}cluster,member,date,hours_in_day,{},uncertain\n", headings.join(",")))?;
    for line in lines {
        let labels = format!("{},{}", csv_field(&line.cluster), csv_field(line.member.as_deref().unwrap_or_default()));
        for day in days(&line.cells()) {
            write(&row(&labels, day, &columns, &headings))?;
            rows += 1;
        }
    }
    Ok(Written::new(out, &path, rows, file.commit()?))
}

fn row(labels: &str, day: &[Cell], columns: &DayColumns, headings: &[String]) -> String {
    let mut means = vec![String::new(); columns.len()];
    let mut uncertain = Vec::new();
    for cell in day {
        let place = columns.place(cell);
        means[place] = match cell.mean {
            Some(mean) => score_short(mean),
            None if cell.is_idle() => "idle".to_owned(),
            None => "unknown".to_owned(),
        };
        if cell.uncertain && cell.mean.is_some() {
            uncertain.push(format!("{};", headings[place]));
        }
    }
    let date = day[0].date;
    format!("{labels},{date},{},{},{}\n", columns.hours_of(date), means.join(","), uncertain.join(" "))
}
