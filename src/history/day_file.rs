//! Writes one day of readings as a Parquet file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Encoding;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::day_meta::VERSION;
use super::{DayMeta, LabelColumns, writer_properties};
use crate::files::{FileError, FileStat, WholeFile};
use crate::readings::{Lives, Source, SourceName, SourceTimes, Window, is_idle};
use crate::spec::{Column, Companion, Metric, Unit};
use crate::time::TimeRange;

/// Rows per batch of the Parquet writer. Limits memory and does not affect results.
const BATCH_ROWS: usize = 1 << 16;

/// Writes one day: a row for each member and step with at least one reading of a metric, which may be idle. Returns the
/// footer, and the size and hash of the file.
pub fn write_day(
    path: &Path,
    window: &Window,
    range: TimeRange,
    source: &Source,
) -> Result<(DayMeta, FileStat), FileError> {
    write_day_with(path, window, range, Footnotes { lives: window.lives(), ..Footnotes::default() }, source)
}

/// What the footer of a day in a history of several sources has besides what follows from its window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Footnotes {
    /// When the members were seen, or are expected.
    pub(crate) lives: Lives,
    /// What sources should have of the day, and lack.
    pub(crate) lacking: SourceTimes,
    /// The files of the sources' own histories from which the day was joined, by their SHA-256.
    pub(crate) joined_from: BTreeMap<SourceName, String>,
}

/// Writes one day with these footnotes.
pub(crate) fn write_day_with(
    path: &Path,
    window: &Window,
    range: TimeRange,
    footnotes: Footnotes,
    source: &Source,
) -> Result<(DayMeta, FileStat), FileError> {
    let grid = window.grid();
    let mut partial_of = SourceTimes::default();
    for (name, steps) in window.partial().of_sources() {
        partial_of.add(name, steps.iter().map(|steps| grid.range_of(steps)));
    }
    let Footnotes { lives, lacking, joined_from } = footnotes;
    let mut meta = DayMeta {
        source: source.clone(),
        range,
        lives,
        known: columns(&source.companions()).map(|c| (c.name().to_owned(), window.known_readings(c))).collect(),
        idle: idle_metrics(window).map(|m| (m.name().to_owned(), window.idle_readings(m))).collect(),
        rows: 0,
        version: VERSION.to_owned(),
        partial: window.partial().steps().iter().map(|steps| grid.range_of(steps)).collect(),
        partial_of,
        lacking,
        joined_from,
    };
    let failed = |e| FileError::from_parquet(path, e);
    debug_assert_eq!(window.companions(), source.companions());
    let schema = readings_schema(window);
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
        arrays.extend(idle_metrics(window).map(|metric| -> ArrayRef {
            let idle = |&(member, step): &(usize, usize)| Some(is_idle(window.row(metric, member)[step]));
            Arc::new(self.0.iter().map(idle).collect::<BooleanArray>())
        }));
        RecordBatch::try_new(schema.clone(), arrays)
    }
}

/// The columns of a day: the six metrics, then these companions (limits and start times).
pub(super) fn columns(companions: &[Companion]) -> impl Iterator<Item = Column> + '_ {
    Metric::ALL.into_iter().map(Column::from).chain(companions.iter().map(|&c| c.into()))
}

/// The Parquet field of a column: a nullable double.
pub(super) fn reading_field(column: Column) -> Field {
    Field::new(column.reading_column(), DataType::Float64, true)
}

/// The Parquet field that marks the idle readings of a metric; `None` if the metric cannot be idle.
pub(super) fn idle_field(metric: Metric) -> Option<Field> {
    metric.idle_column().map(|name| Field::new(name, DataType::Boolean, true))
}

/// The metrics with an idle reading. Most days have none, and then their file has no columns for them.
fn idle_metrics(window: &Window) -> impl Iterator<Item = Metric> + '_ {
    Metric::ALL.into_iter().filter(|&metric| window.idle_readings(metric) > 0)
}

fn readings_schema(window: &Window) -> SchemaRef {
    let mut fields = LabelColumns::fields();
    fields.extend(columns(window.companions()).map(reading_field));
    fields.extend(idle_metrics(window).filter_map(idle_field));
    Arc::new(Schema::new(fields))
}

fn readings_properties(meta: &DayMeta) -> WriterProperties {
    let mut properties = writer_properties(&meta.footer());
    // Latencies and rates hardly ever repeat, so a dictionary would take time without saving space.
    let varies = |metric: &Metric| matches!(metric.unit(), Unit::Seconds | Unit::BytesPerSecond);
    for metric in Metric::ALL.into_iter().filter(varies) {
        let column = ColumnPath::from(metric.reading_column());
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::PLAIN);
    }
    properties.build()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use arrow_array::cast::AsArray;
    use arrow_array::types::Float64Type;

    use super::*;
    use crate::history::{read_day, read_meta};
    use crate::readings::{IDLE, Member, Origin};
    use crate::scratch::Scratch;
    use crate::time::{Grid, Step, UtcDay};

    pub(in crate::history) fn source() -> Source {
        Source {
            origin: Origin::server("http://prometheus:9090", BTreeMap::new()),
            step_seconds: 3600,
            cluster_label: None,
            member_label: "instance".into(),
            queries: BTreeMap::new(),
        }
    }

    pub(in crate::history) fn sample_day() -> (Window, TimeRange) {
        let range = UtcDay::of(0).range();
        let grid = Grid::within(range, Step::from_millis(3_600_000).unwrap());
        let members = vec![Member::new("c1", "a"), Member::new("c1", "ü\"b"), Member::new("c2", "a")];
        let mut window = Window::unknown(grid, members, &[]);
        for member in 0..3 {
            for (i, metric) in Metric::ALL.into_iter().enumerate() {
                for step in 0..24 {
                    // Leave gaps in each metric, and step 5 without any reading.
                    if (step + i) % 7 != 0 && step != 5 {
                        window.row_mut(metric, member)[step] = (member * 1000 + i * 100 + step) as f64 / 3.0;
                    }
                }
            }
        }
        (window, range)
    }

    #[test]
    fn a_day_is_read_back_bit_for_bit() {
        let folder = Scratch::new();
        let path = folder.path().join("readings.parquet");
        let (mut window, range) = sample_day();
        window.mark_partial(&[3..5, 9..10]);
        let (written, _) = write_day(&path, &window, range, &source()).unwrap();
        assert_eq!(read_meta(&path).unwrap(), written);
        assert_eq!(written.rows, 3 * 23);
        let read = read_day(&path, *window.grid(), window.members().to_vec(), &[]).unwrap();
        assert_eq!(read.partial().steps(), [3..5, 9..10]);
        for metric in Metric::ALL {
            for member in 0..3 {
                let bits = |w: &Window| w.row(metric, member).iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&read), bits(&window), "{metric} of member {member}");
            }
        }
    }

    /// Adds idle readings to member 1 of the sample day: between values, next to missing readings, and at a
    /// step without any other reading.
    fn with_idle_readings() -> (Window, TimeRange) {
        let (mut window, range) = sample_day();
        for (metric, steps) in [(Metric::WalFsync, &[2, 5, 6, 14][..]), (Metric::BackendCommit, &[0, 5, 23])] {
            steps.iter().for_each(|&step| window.row_mut(metric, 1)[step] = IDLE);
        }
        (window, range)
    }

    #[test]
    fn idle_readings_have_a_column_are_counted_in_the_footer_and_are_read_back_bit_for_bit() {
        let folder = Scratch::new();
        let path = folder.path().join("readings.parquet");
        let (window, range) = with_idle_readings();
        let (written, _) = write_day(&path, &window, range, &source()).unwrap();
        // By hand: step 5 has no reading of any other metric, so the day has one row more than without idle readings.
        assert_eq!(written.rows, 3 * 23 + 1);
        let idle = [("wal_fsync".to_owned(), 4), ("backend_commit".to_owned(), 3)];
        assert_eq!(written.idle, BTreeMap::from(idle));
        // For each member, wal_fsync has no value at 5 of 24 steps (0, 5, 7, 14 and 21); idle readings replace two more
        // values, at steps 2 and 6 of member 1.
        assert_eq!(written.known["wal_fsync"], 3 * 19 - 2);
        assert_eq!(read_meta(&path).unwrap(), written);
        let read = read_day(&path, *window.grid(), window.members().to_vec(), &[]).unwrap();
        for metric in Metric::ALL {
            for member in 0..3 {
                let bits = |w: &Window| w.row(metric, member).iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&read), bits(&window), "{metric} of member {member}");
            }
        }
        let rows = crate::history::footer::open(&path).unwrap().build().unwrap();
        for batch in rows.map(|batch| batch.unwrap()) {
            for column in [Metric::WalFsync, Metric::BackendCommit].map(Metric::reading_column) {
                let values = batch.column_by_name(column).unwrap().as_primitive::<Float64Type>();
                assert!(values.iter().flatten().all(|value| !value.is_nan()), "{column}: NaN is never stored");
            }
        }
    }

    #[test]
    fn a_metric_without_an_idle_reading_has_no_column_for_it() {
        let folder = Scratch::new();
        let path = folder.path().join("readings.parquet");
        let names = |window: &Window, range| {
            write_day(&path, window, range, &source()).unwrap();
            let opened = crate::history::footer::open(&path).unwrap();
            opened.schema().fields().iter().map(|field| field.name().clone()).skip(9).collect::<Vec<_>>()
        };
        let (mut window, range) = sample_day();
        assert_eq!(names(&window, range), [""; 0]);
        window.row_mut(Metric::BackendCommit, 2)[0] = IDLE;
        assert_eq!(names(&window, range), ["backend_commit_idle"]);
        let (both, _) = with_idle_readings();
        assert_eq!(names(&both, range), ["wal_fsync_idle", "backend_commit_idle"]);
    }

    #[test]
    fn rows_of_other_members_are_skipped() {
        let folder = Scratch::new();
        let path = folder.path().join("readings.parquet");
        let (window, range) = sample_day();
        write_day(&path, &window, range, &source()).unwrap();
        let read = read_day(&path, *window.grid(), vec![Member::new("c2", "a"), Member::new("c3", "x")], &[]).unwrap();
        assert_eq!(read.row(Metric::OpenFds, 0)[1].to_bits(), window.row(Metric::OpenFds, 2)[1].to_bits());
        assert!(read.row(Metric::OpenFds, 1).iter().all(|v| v.is_nan()));
    }

    #[test]
    fn a_file_that_is_not_parquet_is_reported_with_its_path() {
        let folder = Scratch::new();
        let path = folder.path().join("readings.parquet");
        std::fs::write(&path, "not Parquet").unwrap();
        let error = read_meta(&path).unwrap_err().to_string();
        assert!(error.contains("readings.parquet is not a readable day of history"), "{error}");
    }

    #[test]
    fn readings_after_missing_steps_stay_at_their_steps() {
        let folder = Scratch::new();
        let path = folder.path().join("readings.parquet");
        let range = UtcDay::of(0).range();
        let grid = Grid::within(range, Step::from_millis(3_600_000).unwrap());
        // Before its last step, member a skips no step, member b skips one, and member c skips two.
        let steps_of = [[2, 3, 4], [2, 3, 5], [2, 3, 6]];
        let members: Vec<Member> = ["a", "b", "c"].map(|name| Member::new("c1", name)).to_vec();
        let mut window = Window::unknown(grid, members.clone(), &[]);
        for (member, steps) in steps_of.into_iter().enumerate() {
            for metric in Metric::ALL {
                for step in steps {
                    window.row_mut(metric, member)[step] = step as f64;
                }
            }
        }
        write_day(&path, &window, range, &source()).unwrap();
        let read = read_day(&path, grid, members, &[]).unwrap();
        for (member, steps) in steps_of.into_iter().enumerate() {
            for metric in Metric::ALL {
                let row = read.row(metric, member);
                let found: Vec<(usize, f64)> = row.iter().copied().enumerate().filter(|(_, v)| !v.is_nan()).collect();
                assert_eq!(found, steps.map(|step| (step, step as f64)), "{metric} of member {member}");
            }
        }
    }
}
