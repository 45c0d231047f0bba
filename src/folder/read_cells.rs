//! `heatmap.parquet` read back, for all that draws cells of a folder that was scored earlier.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{CELLS, FolderError};
use crate::files::FileError;
use crate::heatmap::{Cell, Line, PARTIAL};
use crate::spec::{METRICS, Metric};
use crate::time::UtcDay;

/// Lines by cluster and member; a cluster's own comes before those of its members.
type Lines = BTreeMap<(Arc<str>, Option<Arc<str>>), Vec<Cell>>;

/// Reads the cells of an output folder: each cluster, then its members, in byte order.
pub(crate) fn read_cells(out: &Path) -> Result<Vec<Line>, FolderError> {
    let path = out.join(CELLS);
    let broken = |reason: String| FolderError::NoCells { path: path.clone(), reason };
    let file = File::open(&path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => broken("there is no such file".to_owned()),
        _ => FileError::new("read", &path, e).into(),
    })?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
    let mut lines = Lines::new();
    for batch in reader.map_err(|e| broken(e.to_string()))? {
        let batch = batch.map_err(|e| broken(e.to_string()))?;
        take_in(&mut lines, &batch).ok_or_else(|| broken("its columns are not those of cells".to_owned()))?;
    }
    let line = |((cluster, member), mut cells): (_, Vec<Cell>)| {
        cells.sort_by_key(|cell| cell.start_ms);
        Line { cluster, member, cells }
    };
    Ok(lines.into_iter().map(line).collect())
}

fn take_in(lines: &mut Lines, batch: &RecordBatch) -> Option<()> {
    let columns = Columns::of(batch)?;
    for row in 0..batch.num_rows() {
        let key = columns.key(row);
        let cell = columns.cell(row)?;
        match lines.get_mut(&key) {
            Some(cells) => cells.push(cell),
            None => drop(lines.insert(key, vec![cell])),
        }
    }
    Some(())
}

/// The columns of a batch under their types.
struct Columns<'a> {
    cluster: &'a arrow_array::StringArray,
    member: &'a arrow_array::StringArray,
    start: &'a arrow_array::TimestampMillisecondArray,
    date: &'a arrow_array::Date32Array,
    local: [&'a arrow_array::Int32Array; 3],
    means: [&'a arrow_array::Float64Array; 2],
    steps: [&'a arrow_array::Int64Array; 3],
    partial: Option<&'a arrow_array::Int64Array>,
    uncertain: &'a arrow_array::BooleanArray,
    worst: &'a arrow_array::StringArray,
    losses: [&'a arrow_array::Float64Array; METRICS],
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let text = |name| batch.column_by_name(name)?.as_string_opt::<i32>();
        let int = |name| batch.column_by_name(name)?.as_primitive_opt::<Int32Type>();
        let steps = |name| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>();
        let real = |name| batch.column_by_name(name)?.as_primitive_opt::<Float64Type>();
        let losses: Vec<_> = Metric::ALL.iter().map(|m| real(m.loss_column())).collect::<Option<_>>()?;
        Some(Self {
            cluster: text("cluster")?,
            member: text("member")?,
            start: batch.column_by_name("start")?.as_primitive_opt::<TimestampMillisecondType>()?,
            date: batch.column_by_name("date")?.as_primitive_opt::<Date32Type>()?,
            local: [int("hour")?, int("minute")?, int("utc_offset_minutes")?],
            means: [real("mean")?, real("min")?],
            steps: [steps("steps_scored")?, steps("steps_expected")?, steps("steps_after_restart")?],
            partial: steps(PARTIAL),
            uncertain: batch.column_by_name("uncertain")?.as_boolean_opt()?,
            worst: text("worst_metric")?,
            losses: losses.try_into().ok()?,
        })
    }

    fn key(&self, row: usize) -> (Arc<str>, Option<Arc<str>>) {
        (self.cluster.value(row).into(), self.member.is_valid(row).then(|| self.member.value(row).into()))
    }

    /// `None` where a number is none of a cell.
    fn cell(&self, row: usize) -> Option<Cell> {
        let [hour, minute, offset] = self.local.map(|column| column.value(row));
        let [mean, min] = self.means.map(|column| column.is_valid(row).then(|| column.value(row)));
        let [scored, expected, after] = self.steps.map(|column| column.is_valid(row).then(|| column.value(row)));
        Some(Cell {
            start_ms: self.start.value(row),
            date: UtcDay::from_days(self.date.value(row)),
            hour: hour.try_into().ok()?,
            minute: minute.try_into().ok()?,
            offset_minutes: offset,
            mean,
            min,
            scored: scored?.try_into().ok()?,
            expected: u32::try_from(expected?).ok().filter(|steps| *steps > 0)?,
            uncertain: self.uncertain.value(row),
            after_restart: after.map(u32::try_from).transpose().ok()?,
            partial: self.partial.map_or(Ok(0), |column| column.value(row).try_into()).ok()?,
            worst: self.worst.is_valid(row).then(|| self.worst.value(row).parse().ok()).flatten(),
            losses: mean.map(|_| self.losses.map(|column| column.value(row))),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_folder_without_cells_and_one_with_something_else_are_told_apart() {
        let folder = Scratch::new();
        let error = || read_cells(folder.path()).unwrap_err().to_string();
        assert!(error().contains("no such file") && error().contains("--formats"), "{}", error());
        std::fs::write(folder.path().join("heatmap.parquet"), "no parquet").unwrap();
        assert!(error().contains("holds no cells"), "{}", error());
    }
}
