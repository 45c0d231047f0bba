//! Reads `heatmap.parquet`, for commands that show a folder that was scored earlier.
//!
//! Columns are found by name, and unknown columns are ignored. A metric has no loss column if the version that
//! scored the folder did not have the metric (its loss is then 0), or if the file is damaged. To tell these apart,
//! the reader checks that the losses of the other metrics add up to 10 minus the mean.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::{CELLS, FolderError};
use crate::files::FileError;
use crate::heatmap::{Cell, IDLE, Line, PARTIAL, PackedLine};
use crate::spec::{METRICS, Metric};
use crate::time::UtcDay;

/// The largest accepted rounding error, in points, in the sum of a row's mean and losses.
const ROUNDING: f64 = 1e-6;

/// Reads the cells of an output folder. Clusters are in byte order; each is followed by its members, in byte order.
pub(crate) fn read_cells(out: &Path) -> Result<Vec<Line>, FolderError> {
    let mut lines: Vec<Line> = read(out)?;
    lines.iter_mut().for_each(|line| line.cells.sort_by_key(|cell| cell.start_ms));
    Ok(lines)
}

/// Like [`read_cells`], in a form that takes a sixth of the memory.
pub(crate) fn read_packed_cells(out: &Path) -> Result<Vec<PackedLine>, FolderError> {
    read(out)
}

/// A line to which cells are added in the order of the file.
trait Growing {
    /// A line without cells, and with room for `count`.
    fn begin(cluster: Arc<str>, member: Option<Arc<str>>, count: usize) -> Self;
    fn key(&self) -> (&str, Option<&str>);
    fn add(&mut self, cell: Cell);
}

impl Growing for Line {
    fn begin(cluster: Arc<str>, member: Option<Arc<str>>, count: usize) -> Self {
        Self { cluster, member, cells: Vec::with_capacity(count) }
    }

    fn key(&self) -> (&str, Option<&str>) {
        (&self.cluster, self.member.as_deref())
    }

    fn add(&mut self, cell: Cell) {
        self.cells.push(cell);
    }
}

impl Growing for PackedLine {
    fn begin(cluster: Arc<str>, member: Option<Arc<str>>, _: usize) -> Self {
        Self::new(cluster, member)
    }

    fn key(&self) -> (&str, Option<&str>) {
        (&self.cluster, self.member.as_deref())
    }

    fn add(&mut self, cell: Cell) {
        self.push(cell);
    }
}

fn read<L: Growing>(out: &Path) -> Result<Vec<L>, FolderError> {
    let path = out.join(CELLS);
    let broken = |reason: String| FolderError::NoCells { path: path.clone(), reason };
    let file = File::open(&path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => broken("the file is missing".to_owned()),
        _ => FileError::new("read", &path, e).into(),
    })?;
    read_lines(&file).map_err(broken)
}

/// Reads the labels of all rows first, and then the rows: a line that grew would hold up to twice the memory.
fn read_lines<L: Growing>(file: &File) -> Result<Vec<L>, String> {
    let mut counts = Counts::new();
    for batch in rows(file, Some(&["cluster", "member"]))? {
        Labels::of(&batch.map_err(|e| e.to_string())?)?.count(&mut counts);
    }
    let mut lines: Vec<L> =
        counts.into_iter().map(|((cluster, member), count)| L::begin(cluster, member, count)).collect();
    for batch in rows(file, None)? {
        take_in(&mut lines, &batch.map_err(|e| e.to_string())?)?;
    }
    Ok(lines)
}

/// The rows of the file, with these columns only if any are given. A missing column is not an error here.
fn rows(file: &File, only: Option<&[&str]>) -> Result<ParquetRecordBatchReader, String> {
    let file = file.try_clone().map_err(|e| e.to_string())?;
    let mut reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| e.to_string())?;
    if let Some(only) = only {
        let mask = ProjectionMask::columns(reader.parquet_schema(), only.iter().copied());
        reader = reader.with_projection(mask);
    }
    reader.build().map_err(|e| e.to_string())
}

/// Adds the cells of a batch to their lines. Consecutive rows mostly belong to the same line.
fn take_in<L: Growing>(lines: &mut [L], batch: &RecordBatch) -> Result<(), String> {
    let columns = Columns::of(batch)?;
    let mut place = 0;
    for row in 0..batch.num_rows() {
        let key = columns.labels.key(row);
        if lines.get(place).is_none_or(|line| line.key() != key) {
            let found = lines.binary_search_by(|line| line.key().cmp(&key));
            place = found.map_err(|_| "it changed while it was read")?;
        }
        let cell = columns.cell(row).ok_or("a row has a negative or too large number")?;
        columns.check_losses(&cell)?;
        lines[place].add(cell);
    }
    Ok(())
}

/// The number of rows by cluster and member. The member is `None` for the cluster's own cells, which therefore sort
/// before those of its members.
type Counts = BTreeMap<(Arc<str>, Option<Arc<str>>), usize>;

/// The columns that name the line of a row.
struct Labels<'a> {
    cluster: &'a arrow_array::StringArray,
    member: &'a arrow_array::StringArray,
}

impl<'a> Labels<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, String> {
        Ok(Self { cluster: needed(batch, "cluster")?, member: needed(batch, "member")? })
    }

    fn key(&self, row: usize) -> (&'a str, Option<&'a str>) {
        (self.cluster.value(row), self.member.is_valid(row).then(|| self.member.value(row)))
    }

    fn count(&self, counts: &mut Counts) {
        let keys: Vec<_> = (0..self.cluster.len()).map(|row| self.key(row)).collect();
        for rows in keys.chunk_by(|a, b| a == b) {
            let (cluster, member) = rows[0];
            *counts.entry((cluster.into(), member.map(Arc::from))).or_default() += rows.len();
        }
    }
}

/// A column of this name and type; `None` if the file does not have it.
fn typed<'a, T: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<Option<&'a T>, String> {
    let Some(column) = batch.column_by_name(name) else { return Ok(None) };
    let found = column.as_any().downcast_ref();
    found.map(Some).ok_or_else(|| format!("its column {name} is of type {}", column.data_type()))
}

fn needed<'a, T: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a T, String> {
    typed(batch, name)?.ok_or_else(|| format!("it has no column {name}"))
}

/// The typed columns of a batch.
struct Columns<'a> {
    labels: Labels<'a>,
    start: &'a arrow_array::TimestampMillisecondArray,
    date: &'a arrow_array::Date32Array,
    local: [&'a arrow_array::Int32Array; 3],
    means: [&'a arrow_array::Float64Array; 2],
    steps: [&'a arrow_array::Int64Array; 3],
    partial: Option<&'a arrow_array::Int64Array>,
    /// The idle steps; `None` in a file of 0.1.0, which counted idle steps as missing.
    idle: Option<&'a arrow_array::Int64Array>,
    uncertain: &'a arrow_array::BooleanArray,
    worst: &'a arrow_array::StringArray,
    /// The loss column of each metric; `None` if the file does not have it.
    losses: [Option<&'a arrow_array::Float64Array>; METRICS],
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, String> {
        let mut losses = [None; METRICS];
        for metric in Metric::ALL {
            losses[metric.index()] = typed(batch, metric.loss_column())?;
        }
        Ok(Self {
            labels: Labels::of(batch)?,
            start: needed(batch, "start")?,
            date: needed(batch, "date")?,
            local: [needed(batch, "hour")?, needed(batch, "minute")?, needed(batch, "utc_offset_minutes")?],
            means: [needed(batch, "mean")?, needed(batch, "min")?],
            steps: [
                needed(batch, "steps_scored")?,
                needed(batch, "steps_expected")?,
                needed(batch, "steps_after_restart")?,
            ],
            partial: typed(batch, PARTIAL)?,
            idle: typed(batch, IDLE)?,
            uncertain: needed(batch, "uncertain")?,
            worst: needed(batch, "worst_metric")?,
            losses,
        })
    }

    /// If a metric has no loss column, fails unless the losses of the other metrics add up to 10 minus the mean.
    fn check_losses(&self, cell: &Cell) -> Result<(), String> {
        let missing = Metric::ALL.into_iter().find(|metric| self.losses[metric.index()].is_none());
        let (Some(missing), Some(mean), Some(losses)) = (missing, cell.mean, cell.losses) else { return Ok(()) };
        match (10.0 - mean - losses.iter().sum::<f64>()).abs() < ROUNDING {
            true => Ok(()),
            false => Err(format!(
                "it has no column {}, and the other losses do not add up to 10 minus the mean",
                missing.loss_column()
            )),
        }
    }

    /// The cell of a row; `None` if a number is out of range.
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
            idle: self.idle.map_or(Ok(0), |column| column.value(row).try_into()).ok()?,
            worst: self.worst.is_valid(row).then(|| self.worst.value(row).parse().ok()).flatten(),
            losses: mean.map(|_| self.losses.map(|column| column.map_or(0.0, |column| column.value(row)))),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, StringArray,
        TimestampMillisecondArray,
    };
    use parquet::arrow::ArrowWriter;

    use super::*;
    use crate::scratch::Scratch;

    type Column = (&'static str, ArrayRef);

    /// One cell with a mean of 7, because wal_fsync cost 3 points.
    fn one_cell() -> Vec<Column> {
        let int = |value| Arc::new(Int32Array::from(vec![value])) as ArrayRef;
        let steps = |value| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
        let real = |value| Arc::new(Float64Array::from(vec![value])) as ArrayRef;
        let text = |value| Arc::new(StringArray::from(vec![value])) as ArrayRef;
        let mut columns = vec![
            ("cluster", text(Some("c"))),
            ("member", text(None)),
            ("start", Arc::new(TimestampMillisecondArray::from(vec![0])) as ArrayRef),
            ("date", Arc::new(Date32Array::from(vec![0])) as ArrayRef),
            ("hour", int(0)),
            ("minute", int(0)),
            ("utc_offset_minutes", int(0)),
            ("mean", real(7.0)),
            ("min", real(7.0)),
            ("steps_scored", steps(60)),
            ("steps_expected", steps(60)),
            ("steps_after_restart", steps(0)),
            ("uncertain", Arc::new(BooleanArray::from(vec![false])) as ArrayRef),
            ("worst_metric", text(Some("wal_fsync"))),
        ];
        let loss = |metric: Metric| real(if metric == Metric::WalFsync { 3.0 } else { 0.0 });
        columns.extend(Metric::ALL.map(|metric| (metric.loss_column(), loss(metric))));
        columns
    }

    fn read(columns: Vec<Column>) -> Result<Vec<Line>, String> {
        let folder = Scratch::new();
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
        let file = File::create(folder.path().join(CELLS)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        read_cells(folder.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_missing_and_an_invalid_file_of_cells_have_different_errors() {
        let folder = Scratch::new();
        let error = || read_cells(folder.path()).unwrap_err().to_string();
        assert!(error().contains("the file is missing") && error().contains("--formats"), "{}", error());
        std::fs::write(folder.path().join("heatmap.parquet"), "not Parquet").unwrap();
        assert!(error().contains("holds no cells"), "{}", error());
    }

    #[test]
    fn additional_columns_are_ignored() {
        let mut columns = one_cell();
        columns.insert(0, ("forecast", Arc::new(StringArray::from(vec!["x"]))));
        let lines = read(columns).unwrap();
        assert_eq!(lines[0].cells[0].losses, Some([3.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
    }

    #[test]
    fn idle_steps_are_read_and_a_file_of_0_1_0_has_none() {
        assert_eq!(read(one_cell()).unwrap()[0].cells[0].idle, 0);
        let with = |steps: i64| {
            let mut columns = one_cell();
            columns.push(("steps_idle", Arc::new(Int64Array::from(vec![steps]))));
            read(columns)
        };
        assert_eq!(with(7).unwrap()[0].cells[0].idle, 7);
        assert!(with(-1).unwrap_err().contains("a row has a negative or too large number"));
    }

    #[test]
    fn an_absent_loss_column_means_no_loss_if_the_other_losses_explain_the_mean() {
        let without = |name: &str| one_cell().into_iter().filter(|(column, _)| *column != name).collect::<Vec<_>>();
        let lines = read(without("db_size_loss")).unwrap();
        assert_eq!(lines[0].cells[0].losses, Some([3.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
        let error = read(without("wal_fsync_loss")).unwrap_err();
        assert!(
            error.contains("it has no column wal_fsync_loss, and the other losses do not add up to 10 minus the mean"),
            "{error}"
        );
    }

    #[test]
    fn an_absent_column_or_one_of_another_type_is_reported() {
        let without = one_cell().into_iter().filter(|(column, _)| *column != "hour").collect();
        let error = read(without).unwrap_err();
        assert!(error.contains("it has no column hour"), "{error}");
        for name in ["mean", "open_fds_loss"] {
            let mut columns = one_cell();
            let place = columns.iter().position(|(column, _)| *column == name).unwrap();
            columns[place].1 = Arc::new(StringArray::from(vec!["7"]));
            let error = read(columns).unwrap_err();
            assert!(error.contains(&format!("its column {name} is of type Utf8")), "{error}");
        }
    }
}
