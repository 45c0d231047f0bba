//! One day of readings as a Parquet file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Encoding;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::ChunkReader;
use parquet::schema::types::ColumnPath;

use super::day_meta::partial_ranges;
use super::{DayMeta, HistoryError, LabelColumns, MEMBER_COLUMNS, writer_properties};
use crate::files::{FileError, FileStat, WholeFile};
use crate::readings::{Member, Source, Window};
use crate::spec::{COLUMNS, Column, Companion, Metric};
use crate::time::{Grid, TimeRange};

/// Rows handed to the Parquet writer or taken from the reader at once; bounds memory, not results.
const BATCH_ROWS: usize = 1 << 16;

/// Writes one day: the rows at which at least one reading is known.
pub fn write_day(
    path: &Path,
    window: &Window,
    range: TimeRange,
    source: &Source,
) -> Result<(DayMeta, FileStat), FileError> {
    let mut meta = DayMeta {
        source: source.clone(),
        range,
        lives: window.lives(),
        known: columns(&source.companions()).map(|c| (c.name().to_owned(), window.known_readings(c))).collect(),
        rows: 0,
        partial: window.partial().iter().map(|steps| window.grid().range_of(steps)).collect(),
    };
    let failed = |e| FileError::from_parquet(path, e);
    debug_assert_eq!(window.companions(), source.companions());
    let schema = readings_schema(window.companions());
    let file = WholeFile::create(path)?;
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(readings_properties(&meta))).map_err(failed)?;
    let labels = LabelColumns::new(window.members());
    let mut rows = Rows::default();
    for member in 0..window.members().len() {
        rows.extend((0..window.grid().len()).filter(|&step| window.known_at(member, step)).map(|step| (member, step)));
        if rows.0.len() >= BATCH_ROWS || member + 1 == window.members().len() {
            let batch = rows.batch(&schema, &labels, window).map_err(|e| failed(e.into()))?;
            writer.write(&batch).map_err(failed)?;
            meta.rows += batch.num_rows() as u64;
            rows.0.clear();
        }
    }
    let stat = writer.into_inner().map_err(failed)?.commit()?;
    Ok((meta, stat))
}

/// Member and step of each row of a batch.
#[derive(Default)]
struct Rows(Vec<(usize, usize)>);

impl Rows {
    fn extend(&mut self, rows: impl Iterator<Item = (usize, usize)>) {
        self.0.extend(rows);
    }

    fn batch(
        &self,
        schema: &SchemaRef,
        labels: &LabelColumns,
        window: &Window,
    ) -> Result<RecordBatch, arrow_schema::ArrowError> {
        let ts = self.0.iter().map(|&(_, step)| window.grid().at(step)).collect();
        let member_of_row: Vec<i32> = self.0.iter().map(|&(member, _)| member as i32).collect();
        let mut arrays = labels.arrays(ts, &member_of_row);
        arrays.extend(columns(window.companions()).map(|column| -> ArrayRef {
            let known = |&(member, step): &(usize, usize)| {
                let value = window.row(column, member)[step];
                (!value.is_nan()).then_some(value)
            };
            Arc::new(self.0.iter().map(known).collect::<Float64Array>())
        }));
        RecordBatch::try_new(schema.clone(), arrays)
    }
}

/// The six metrics, then these companions.
fn columns(companions: &[Companion]) -> impl Iterator<Item = Column> + '_ {
    Metric::ALL.into_iter().map(Column::from).chain(companions.iter().map(|&c| c.into()))
}

fn readings_schema(companions: &[Companion]) -> SchemaRef {
    let mut fields = LabelColumns::fields();
    fields.extend(columns(companions).map(|c| Field::new(c.reading_column(), DataType::Float64, true)));
    Arc::new(Schema::new(fields))
}

fn readings_properties(meta: &DayMeta) -> WriterProperties {
    let mut properties = writer_properties(&meta.footer());
    // Latencies and rates hardly ever repeat: a dictionary of them costs time and saves nothing.
    for metric in [Metric::WalFsync, Metric::BackendCommit, Metric::ClientTrafficIn] {
        let column = ColumnPath::from(metric.reading_column());
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::PLAIN);
    }
    properties.build()
}

pub(super) fn not_readings(path: &Path, reason: &dyn ToString) -> HistoryError {
    HistoryError::NotReadings { path: path.to_owned(), reason: reason.to_string() }
}

/// Reads the readings of these members (sorted) on the steps of the grid, with these companions,
/// which are unknown where the file does not have them; rows of other members or off the grid are
/// passed over.
pub fn read_day(
    path: &Path,
    grid: Grid,
    members: Vec<Member>,
    companions: &[Companion],
) -> Result<Window, HistoryError> {
    read_rows(open(path)?, path, Window::unknown(grid, members, companions))
}

/// Fills a window from a day's file; `path` names the file in errors.
pub(super) fn read_rows(
    file: impl ChunkReader + 'static,
    path: &Path,
    mut window: Window,
) -> Result<Window, HistoryError> {
    let (grid, companions) = (*window.grid(), window.companions().to_vec());
    let broken = |e: &dyn ToString| not_readings(path, e);
    let (rows, partial) = open_rows(file, path, &companions)?;
    let partial: Vec<_> = partial.iter().map(|range| grid.indices_between(range.start_ms, range.end_ms - 1)).collect();
    window.mark_partial(&partial);
    for batch in rows {
        let batch = batch.map_err(|e| broken(&e))?;
        take_in(&mut window, &batch).ok_or_else(|| broken(&"its columns have other types"))?;
    }
    Ok(window)
}

/// Reads every row of a day's file and keeps none: an error where it broke.
pub fn read_through(path: &Path) -> Result<(), HistoryError> {
    for batch in open_rows(open(path)?, path, &Companion::ALL)?.0 {
        batch.map_err(|e| not_readings(path, &e))?;
    }
    Ok(())
}

pub(super) fn open(path: &Path) -> Result<File, FileError> {
    File::open(path).map_err(|e| FileError::new("read", path, e))
}

/// The rows of a day's file, of the companions only these, and where the server left something out.
pub(super) fn open_rows(
    file: impl ChunkReader + 'static,
    path: &Path,
    wanted: &[Companion],
) -> Result<(ParquetRecordBatchReader, Vec<TimeRange>), HistoryError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| not_readings(path, &e))?;
    let has = |c: &Companion| builder.schema().field_with_name(c.reading_column()).is_ok();
    let there: Vec<Companion> = Companion::ALL.into_iter().filter(has).collect();
    let expected = readings_schema(&there);
    if builder.schema().fields() != expected.fields() {
        let names: Vec<&str> = expected.fields().iter().map(|f| f.name().as_str()).collect();
        return Err(not_readings(path, &format!("its columns are not {}", names.join(", "))));
    }
    let unwanted = |field: &str| there.iter().any(|c| c.reading_column() == field && !wanted.contains(c));
    let fields = expected.fields().iter().enumerate().filter(|(_, field)| !unwanted(field.name()));
    let mask = ProjectionMask::roots(builder.parquet_schema(), fields.map(|(index, _)| index));
    let pairs = builder.metadata().file_metadata().key_value_metadata().map(Vec::as_slice).unwrap_or_default();
    let partial = partial_ranges(path, pairs)?;
    let rows = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
    Ok((rows.map_err(|e| not_readings(path, &e))?, partial))
}

/// Copies a batch into the window, one run of rows of one member at a time.
fn take_in(window: &mut Window, batch: &RecordBatch) -> Option<()> {
    let ts = batch.column_by_name(MEMBER_COLUMNS[0])?.as_primitive_opt::<TimestampMillisecondType>()?;
    let label = |name| batch.column_by_name(name)?.as_dictionary_opt::<Int32Type>();
    let (clusters, members) = (label(MEMBER_COLUMNS[1])?, label(MEMBER_COLUMNS[2])?);
    let (cluster_keys, member_keys) = (clusters.keys().values(), members.keys().values());
    let (cluster_names, member_names) =
        (clusters.values().as_string_opt::<i32>()?, members.values().as_string_opt::<i32>()?);
    let mut values: Vec<(Column, &Float64Array)> = Vec::with_capacity(COLUMNS);
    for column in columns(window.companions()) {
        match batch.column_by_name(column.reading_column()) {
            Some(array) => values.push((column, array.as_primitive_opt::<Float64Type>()?)),
            None if column.companion().is_some() => {}
            None => return None,
        }
    }
    let mut from = 0;
    while from < batch.num_rows() {
        let keys = (cluster_keys[from], member_keys[from]);
        let run = (from..batch.num_rows()).take_while(|&row| (cluster_keys[row], member_keys[row]) == keys).count();
        let name = (cluster_names.value(keys.0 as usize), member_names.value(keys.1 as usize));
        let found = window.members().binary_search_by(|m| (&*m.cluster, &*m.member).cmp(&name));
        if let Ok(member) = found {
            for &(column, array) in &values {
                copy_run(window, column, member, &ts.values()[from..from + run], &array.slice(from, run));
            }
        }
        from += run;
    }
    Some(())
}

/// Copies the rows of one member; where the steps follow on each other without a gap, in one piece.
fn copy_run(window: &mut Window, column: Column, member: usize, ts: &[i64], values: &Float64Array) {
    let grid = *window.grid();
    let row = window.row_mut(column, member);
    let without_gap = match (grid.index_of(ts[0]), grid.index_of(ts[ts.len() - 1])) {
        (Some(first), Some(last)) if last + 1 == first + ts.len() && ts.is_sorted() => Some(first),
        _ => None,
    };
    if let (Some(first), 0) = (without_gap, values.null_count()) {
        row[first..first + ts.len()].copy_from_slice(values.values());
        return;
    }
    for (i, &ms) in ts.iter().enumerate() {
        if let Some(step) = grid.index_of(ms).filter(|_| values.is_valid(i)) {
            row[step] = values.value(i);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::history::read_meta;
    use crate::readings::Origin;

    use crate::scratch::Scratch;
    use crate::time::{Step, UtcDay};

    fn source() -> Source {
        Source {
            origin: Origin::Prometheus { url: "http://prometheus:9090".into(), headers: BTreeMap::new() },
            step_seconds: 3600,
            cluster_label: None,
            member_label: "instance".into(),
            queries: BTreeMap::new(),
        }
    }

    fn sample_day() -> (Window, TimeRange) {
        let range = UtcDay::of(0).range();
        let grid = Grid::within(range, Step::from_millis(3_600_000).unwrap());
        let members = vec![Member::new("c1", "a"), Member::new("c1", "ü\"b"), Member::new("c2", "a")];
        let mut window = Window::unknown(grid, members, &[]);
        for member in 0..3 {
            for (i, metric) in Metric::ALL.into_iter().enumerate() {
                for step in 0..24 {
                    // Holes of one metric, and whole steps without a reading.
                    if (step + i) % 7 != 0 && step != 5 {
                        window.row_mut(metric, member)[step] = (member * 1000 + i * 100 + step) as f64 / 3.0;
                    }
                }
            }
        }
        (window, range)
    }

    #[test]
    fn a_day_comes_back_as_it_was_written() {
        let folder = Scratch::new();
        let path = folder.path().join("readings.parquet");
        let (mut window, range) = sample_day();
        window.mark_partial(&[3..5, 9..10]);
        let (written, _) = write_day(&path, &window, range, &source()).unwrap();
        assert_eq!(read_meta(&path).unwrap(), written);
        assert_eq!(written.rows, 3 * 23);
        let read = read_day(&path, *window.grid(), window.members().to_vec(), &[]).unwrap();
        assert_eq!(read.partial(), [3..5, 9..10]);
        for metric in Metric::ALL {
            for member in 0..3 {
                let bits = |w: &Window| w.row(metric, member).iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&read), bits(&window), "{metric} of member {member}");
            }
        }
    }

    #[test]
    fn the_rows_of_members_that_were_not_asked_for_are_passed_over() {
        let folder = Scratch::new();
        let path = folder.path().join("readings.parquet");
        let (window, range) = sample_day();
        write_day(&path, &window, range, &source()).unwrap();
        let read = read_day(&path, *window.grid(), vec![Member::new("c2", "a"), Member::new("c3", "x")], &[]).unwrap();
        assert_eq!(read.row(Metric::OpenFds, 0)[1].to_bits(), window.row(Metric::OpenFds, 2)[1].to_bits());
        assert!(read.row(Metric::OpenFds, 1).iter().all(|v| v.is_nan()));
    }

    #[test]
    fn a_file_that_is_no_day_of_readings_is_named() {
        let folder = Scratch::new();
        let path = folder.path().join("readings.parquet");
        std::fs::write(&path, "no parquet").unwrap();
        let error = read_meta(&path).unwrap_err().to_string();
        assert!(error.contains("readings.parquet is not a day of readings"), "{error}");
    }
}
