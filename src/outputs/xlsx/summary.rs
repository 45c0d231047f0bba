//! The sheet Summary: one row per cluster, with links to all other sheets.

use rust_xlsxwriter::{Url, Worksheet, XlsxError};

use super::look::{Look, coverage, heat};
use super::row_figures::{HEADINGS, RowFigures};
use super::table::{Table, Value};
use super::{OTHERS, Sheets};
use crate::analysis::findings::Findings;
use crate::folder::Manifest;
use crate::heatmap::PackedLine;
use crate::text::sheet::sheet_text;

/// Maximum number of links in the table. Excel opens no sheet with more than 65,530 links,
/// including those above the table.
const LINKS: usize = 65_530 - OTHERS.len();
/// Index of the row of headings.
const HEADING: u32 = 4;

pub(super) fn write_summary(
    sheet: &mut Worksheet,
    look: &Look,
    manifest: &Manifest,
    sheets: &Sheets<'_>,
    findings: &Findings,
) -> Result<(), XlsxError> {
    say_what_it_is(sheet, look, manifest)?;
    let before = [("Cluster", 34.0), ("Members", 10.0), ("First day", 17.0), ("Last day", 17.0)];
    let headings: Vec<_> = before.into_iter().chain(HEADINGS).chain([("Problems", 10.0)]).collect();
    let mut table = Table::begin(sheet, look, HEADING, &headings)?;
    let first = table.next_row();
    table.rows(sheets.clusters.iter().map(|(line, _)| cluster_row(line, manifest, findings)))?;
    let last = table.next_row().max(first + 1) - 1;
    for ((line, name), row) in sheets.clusters.iter().zip(first..=last).take(LINKS) {
        // A link also stores its text in an XML attribute, where a control character would break the file. So the link is
        // written with the sheet's name as its text, and the cluster's name then replaces that text.
        let link = Url::new(link_to(name)).set_text(name);
        table.sheet.write_url_with_format(row, 0, link, &look.link)?;
        table.sheet.write_string_with_format(row, 0, sheet_text(&line.cluster), &look.link)?;
    }
    table.sheet.add_conditional_format(first, 4, last, 5, &heat())?;
    table.sheet.add_conditional_format(first, 6, last, 6, &coverage())?;
    table.end()
}

fn say_what_it_is(sheet: &mut Worksheet, look: &Look, manifest: &Manifest) -> Result<(), XlsxError> {
    sheet.write_string_with_format(0, 0, "Health of etcd clusters", &look.title)?;
    let (asked, zone) = (&manifest.asked, manifest.time_zone.as_deref().unwrap_or_default());
    let range = format!(
        "{} to {}{}, days of {zone}, cells of {}",
        asked.start,
        asked.end,
        asked.gaps(),
        manifest.cell.as_deref().unwrap_or_default()
    );
    sheet.write_string(1, 0, range)?;
    let how =
        "Scores from 0 to 10. Mean: of all scored steps. Lowest: of any step. Hours below: in cells whose mean is.";
    sheet.write_string(2, 0, how)?;
    for (column, name) in (0..).zip(OTHERS) {
        sheet.write_url_with_format(3, column, Url::new(link_to(name)).set_text(name), &look.link)?;
    }
    Ok(())
}

fn cluster_row<'a>(line: &'a PackedLine, manifest: &Manifest, findings: &Findings) -> Vec<Value<'a>> {
    let members = manifest.members.iter().filter(|m| *m.cluster == *line.cluster).count();
    let own = findings.clusters().iter().find(|health| *health.cluster == *line.cluster);
    let mut values = vec![Value::Text(&line.cluster), Value::Whole(members as u64)];
    let cells = line.cells();
    values.extend([cells.first(), cells.last()].map(|cell| cell.map_or(Value::Empty, |c| Value::Date(c.date))));
    values.extend(RowFigures::of(&cells).values(manifest.asked.step_seconds));
    values.push(Value::Whole(own.map_or(0, |health| health.problems) as u64));
    values
}

fn link_to(name: &str) -> String {
    format!("internal:'{}'!A1", name.replace('\'', "''"))
}
