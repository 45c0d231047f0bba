//! The sheet Method: source, settings, rules, queries, and the SHA-256 of each history file.

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::look::Look;
use super::table::{Table, Value};
use crate::folder::Manifest;
use crate::spec::Metric;

/// Writes the sections of the sheet, which have up to four columns.
pub(super) fn write_method(sheet: &mut Worksheet, look: &Look, manifest: &Manifest) -> Result<(), XlsxError> {
    let headings = [("What", 42.0), ("Value", 70.0), ("", 20.0), ("", 12.0)];
    let mut table = Table::begin(sheet, look, 0, &headings)?;
    write_settings(&mut table, manifest)?;
    write_rules(&mut table, manifest)?;
    section(&mut table, &["Query of", "PromQL", "Form"])?;
    table.rows(
        manifest
            .queries
            .iter()
            .map(|(name, query)| vec![Value::Text(name), Value::Text(&query.promql), Value::Text(&query.form)]),
    )?;
    if !manifest.asked.ranges.is_empty() {
        section(&mut table, &["Range that was asked for", "First step", "First step after"])?;
        table.rows(manifest.asked.ranges.iter().enumerate().map(|(number, range)| {
            vec![Value::Whole(number as u64 + 1), Value::Text(&range.start), Value::Text(&range.end)]
        }))?;
    }
    section(&mut table, &["Day of which", "Date"])?;
    if manifest.days_missing.is_empty() && manifest.days_partial.is_empty() && manifest.days_lacking.is_empty() {
        table.row(&[Value::Text("nothing is known"), Value::Text("none")])?;
    }
    let days = [("nothing is known", &manifest.days_missing), ("the source lacks data", &manifest.days_partial)];
    for (what, days) in days {
        table.rows(days.iter().map(|day| vec![Value::Text(what), Value::Text(day)]))?;
    }
    for (name, days) in &manifest.days_lacking {
        let what = format!("the source {name} lacks data");
        table.rows(days.iter().map(|day| vec![Value::Text(&what), Value::Text(day)]))?;
    }
    section(&mut table, &["File of the history", "SHA-256", "Rows", "Bytes"])?;
    table.rows(manifest.history.iter().map(|file| {
        let (bytes, rows) = (Value::Whole(file.stat.bytes), Value::Whole(file.rows));
        vec![Value::Text(&file.path), Value::Text(&file.stat.sha256), rows, bytes]
    }))
}

fn write_settings(table: &mut Table<'_>, manifest: &Manifest) -> Result<(), XlsxError> {
    let asked = &manifest.asked;
    let text = |value: &'_ Option<String>| Value::Owned(value.clone().unwrap_or_default());
    let profile = manifest.profile.as_ref();
    let left_out = profile.map(|p| p.left_out.join(", ")).filter(|names| !names.is_empty());
    let settings = [
        ("Program", Value::Owned(format!("etcd-heatmap {}", manifest.version))),
        ("Source", Value::Owned(manifest.source.to_string())),
        ("First step", Value::Text(&asked.start)),
        ("First step after", Value::Text(&asked.end)),
        ("Seconds between steps", Value::Whole(asked.step_seconds.unsigned_abs())),
        ("Label of clusters", Value::Text(asked.cluster_label.as_deref().unwrap_or("cluster, else job"))),
        ("Label of members", Value::Text(&asked.member_label)),
        ("Time zone", text(&manifest.time_zone)),
        ("Width of a cell", text(&manifest.cell)),
        ("Members become a cluster by", text(&manifest.rollup)),
        ("Uncertain below a coverage of", manifest.min_coverage.map_or(Value::Empty, Value::Share)),
        ("Profile", Value::text(profile.map(|p| p.name.as_str()))),
        ("Where its thresholds are from", Value::text(profile.map(|p| p.source.as_str()))),
        ("Metrics that take no part", Value::Owned(left_out.unwrap_or_else(|| "none".to_owned()))),
    ];
    settings.into_iter().try_for_each(|(name, value)| table.row(&[Value::Text(name), value]))
}

fn write_rules(table: &mut Table<'_>, manifest: &Manifest) -> Result<(), XlsxError> {
    section(table, &["Rule of", "Points, of 10", "Share of the score"])?;
    let Some(profile) = &manifest.profile else { return Ok(()) };
    for (name, rule) in &profile.rules {
        let of = rule.of_limit.as_ref().map_or(String::new(), |limit| format!(" of {limit}"));
        let bands: Vec<_> = rule.bands.iter().map(|b| format!("above {}{of}: {}", b.above, b.points)).collect();
        let capped = manifest.profile().and_then(|profile| Some(profile.rule(name.parse().ok()?).caps.clone()));
        let caps = capped.filter(|caps| !caps.list.is_empty()).map(|caps| format!("caps of the score: {caps}"));
        let points = ["10".to_owned()].into_iter().chain(bands).chain(caps).collect::<Vec<_>>().join("\n");
        let reading = name.parse().map_or(name.as_str(), |metric: Metric| metric.reading_column());
        table.row(&[Value::Text(reading), Value::Owned(points), Value::Share(rule.weight)])?;
    }
    Ok(())
}

fn section(table: &mut Table<'_>, names: &[&str]) -> Result<(), XlsxError> {
    table.row(&[])?;
    let row = table.next_row();
    for (column, name) in (0..).zip(names) {
        table.sheet.write_string_with_format(row, column, *name, &table.look.table_heading)?;
    }
    table.row(&[])
}
