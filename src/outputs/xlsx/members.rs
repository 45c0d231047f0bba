//! The sheet Members: one row per member with first and last seen and its figures.

use std::collections::HashMap;

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::look::{Look, coverage, heat};
use super::row_figures::{HEADINGS, RowFigures};
use super::table::{Table, Value};
use crate::folder::{Manifest, ManifestMember};
use crate::heatmap::PackedLine;
use crate::time::parse_instant;

/// Writes the members in the order of the manifest.
pub(super) fn write_members(
    sheet: &mut Worksheet,
    look: &Look,
    manifest: &Manifest,
    lines: &[PackedLine],
) -> Result<(), XlsxError> {
    let before = [("Member", 34.0), ("Cluster", 24.0), ("First seen (UTC)", 20.0), ("Last seen (UTC)", 20.0)];
    let headings: Vec<_> = before.into_iter().chain(HEADINGS).collect();
    let known: HashMap<_, _> =
        lines.iter().filter_map(|line| Some(((&*line.cluster, line.member.as_deref()?), line))).collect();
    let mut table = Table::begin(sheet, look, 0, &headings)?;
    let first = table.next_row();
    table.rows(manifest.members.iter().map(|member| {
        let line = known.get(&(member.cluster.as_str(), member.member.as_str()));
        row(member, line.copied(), manifest.asked.step_seconds)
    }))?;
    let last = table.next_row().max(first + 1) - 1;
    table.sheet.add_conditional_format(first, 4, last, 5, &heat())?;
    table.sheet.add_conditional_format(first, 6, last, 6, &coverage())?;
    table.end()
}

fn row<'a>(member: &'a ManifestMember, line: Option<&PackedLine>, step_seconds: i64) -> Vec<Value<'a>> {
    // An instant that cannot be parsed, because the manifest was edited, is shown as text.
    let instant = |text: &'a str| parse_instant(text, 0).map_or(Value::Text(text), Value::Instant);
    let mut values =
        vec![Value::Text(&member.member), Value::Text(&member.cluster), instant(&member.first), instant(&member.last)];
    if let Some(line) = line {
        values.extend(RowFigures::of(&line.cells()).values(step_seconds));
    }
    values
}
