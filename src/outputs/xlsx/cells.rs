//! The sheet Cells: one row per cell of a cluster, for pivot tables.

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::look::{Look, coverage, heat};
use super::table::{Table, Value};
use super::tables::Clock;
use crate::heatmap::{Cell, PackedLine};
use crate::spec::Metric;

/// Headings and widths between the start and the losses of the metrics.
const FIGURES: [(&str, f64); 9] = [
    ("Date", 17.0),
    ("Hour", 7.0),
    ("Mean", 8.0),
    ("Lowest", 8.0),
    ("Scored steps", 9.0),
    ("Expected steps", 9.0),
    ("Coverage", 9.0),
    ("Uncertain", 10.0),
    ("Worst metric", 18.0),
];

/// Writes the cells of all clusters. The losses of the metrics are points per scored step, with all their decimals, so that
/// mean and losses of sums are right.
pub(super) fn write_cells<'a>(
    sheet: &mut Worksheet,
    look: &Look,
    clock: Clock,
    clusters: impl Iterator<Item = &'a PackedLine> + Clone,
) -> Result<(), XlsxError> {
    let starts = clock.headings("Start");
    let losses = Metric::ALL.map(|metric| format!("Lost to {metric}"));
    let mut headings = vec![("Cluster", 24.0)];
    headings.extend(starts.iter().map(|heading| (heading.as_str(), 20.0)));
    let means = headings.len() as u16 + 2;
    headings.extend(FIGURES);
    headings.extend(losses.iter().map(|heading| (heading.as_str(), 12.0)));
    let mut table = Table::begin(sheet, look, 0, &headings)?;
    let first = table.next_row();
    let count = clusters.clone().map(|line| line.len()).sum();
    let rows = clusters.flat_map(|line| line.cells().into_iter().map(move |cell| row(clock, &line.cluster, &cell)));
    table.counted_rows(count, "heatmap.csv has all of them", rows)?;
    let last = table.next_row().max(first + 1) - 1;
    table.sheet.add_conditional_format(first, means, last, means + 1, &heat())?;
    table.sheet.add_conditional_format(first, means + 4, last, means + 4, &coverage())?;
    table.end()
}

fn row<'a>(clock: Clock, cluster: &'a str, cell: &Cell) -> Vec<Value<'a>> {
    let mut values = vec![Value::Text(cluster)];
    values.extend(clock.values(cell.start_ms));
    values.extend([
        Value::Date(cell.date),
        Value::Whole(cell.hour.into()),
        Value::of(cell.mean, Value::Score),
        Value::of(cell.min, Value::Score),
        Value::Whole(cell.scored.into()),
        Value::Whole(cell.expected.into()),
        Value::Coverage(cell.coverage()),
        Value::Text(if cell.uncertain { "yes" } else { "no" }),
        Value::text(cell.worst.map(Metric::name)),
    ]);
    let loss = |metric: Metric| Value::of(cell.losses.map(|losses| losses[metric.index()]), Value::Number);
    values.extend(Metric::ALL.map(loss));
    values
}
