//! Tests of files with additional or absent columns, other types, and later formats.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, FieldRef, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::day_file::tests::{sample_day, source};
use super::footer::{open, pairs};
use super::{History, HistoryError, read_day, read_meta, read_through, write_day};
use crate::readings::{IDLE, Window};
use crate::scratch::Scratch;
use crate::spec::{Companion, Metric};
use crate::time::UtcDay;

/// The fields of a file with their arrays.
type Columns = Vec<(FieldRef, ArrayRef)>;

/// A history of one day, whose file a test rewrites with other columns or another footer.
struct OneDay {
    folder: Scratch,
    window: Window,
}

impl OneDay {
    fn new() -> Self {
        let (folder, (window, range)) = (Scratch::new(), sample_day());
        let day = Self { folder, window };
        write_day(&day.history().file(UtcDay::of(0)), &day.window, range, &source()).expect("a day of our own");
        day
    }

    fn history(&self) -> History {
        History::within(self.folder.path())
    }

    fn read(&self, companions: &[Companion]) -> Result<Window, HistoryError> {
        self.history().read_window(UtcDay::of(0), *self.window.grid(), self.window.members().to_vec(), companions)
    }

    /// Rewrites the file with changed columns.
    fn reshape(&self, change: impl Fn(&mut Columns)) {
        self.rewrite(change, |_| {});
    }

    /// Rewrites the file with changed columns and footer.
    fn rewrite(&self, change: impl Fn(&mut Columns), footer: impl Fn(&mut Vec<KeyValue>)) {
        let path = self.history().file(UtcDay::of(0));
        let opened = open(&path).expect("a day of our own");
        // Drops the stored Arrow schema, which describes the original columns.
        let mut kept: Vec<KeyValue> = pairs(&opened).iter().filter(|p| p.key != "ARROW:schema").cloned().collect();
        footer(&mut kept);
        let batches: Vec<RecordBatch> = opened.build().expect("rows").map(|batch| batch.expect("rows")).collect();
        let [batch] = batches.as_slice() else { panic!("a small day is one batch") };
        let fields = batch.schema_ref().fields().iter().cloned();
        let mut columns: Columns = fields.zip(batch.columns().iter().cloned()).collect();
        change(&mut columns);
        write(&path, columns, kept);
    }
}

fn write(path: &Path, columns: Columns, footer: Vec<KeyValue>) {
    let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length");
    let properties = WriterProperties::builder().set_key_value_metadata(Some(footer)).build();
    let file = File::create(path).expect("a file of our own");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a schema of Parquet");
    writer.write(&batch).expect("it can be written");
    writer.close().expect("it can be written");
}

fn set(footer: &mut Vec<KeyValue>, key: &str, value: Option<&str>) {
    footer.retain(|pair| pair.key != key);
    footer.extend(value.map(|value| KeyValue::new(key.to_owned(), value.to_owned())));
}

/// The bits of all readings of a metric, so that NaN can be compared.
fn bits(window: &Window, metric: Metric) -> Vec<u64> {
    (0..window.members().len()).flat_map(|m| window.row(metric, m).iter().map(|v| v.to_bits())).collect()
}

#[test]
fn additional_columns_are_ignored() {
    let day = OneDay::new();
    day.reshape(|columns| {
        let rows = columns[0].1.len();
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["x"; rows]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7; rows]));
        columns.insert(0, (Arc::new(Field::new("etcd_version", DataType::Utf8, true)), texts));
        columns.insert(5, (Arc::new(Field::new("alarms", DataType::Int64, true)), numbers));
        // Columns may be in any order.
        columns.reverse();
    });
    let read = day.read(&[]).expect("additional columns are ignored");
    for metric in Metric::ALL {
        assert_eq!(bits(&read, metric), bits(&day.window, metric), "{metric}");
    }
    read_through(&day.history().file(UtcDay::of(0))).expect("every row can be read");
}

#[test]
fn a_metric_or_companion_without_a_column_is_missing() {
    let day = OneDay::new();
    day.reshape(|columns| columns.retain(|(field, _)| field.name() != "db_size_bytes"));
    let read = day.read(&[Companion::Quota]).expect("absent columns are allowed");
    assert!(bits(&read, Metric::DbSize).iter().all(|bits| f64::from_bits(*bits).is_nan()));
    assert!((0..3).all(|member| read.row(Companion::Quota, member).iter().all(|v| v.is_nan())));
    for metric in Metric::ALL.into_iter().filter(|m| *m != Metric::DbSize) {
        assert_eq!(bits(&read, metric), bits(&day.window, metric), "{metric}");
    }
    read_through(&day.history().file(UtcDay::of(0))).expect("every row can be read");
    assert_eq!(read_meta(&day.history().file(UtcDay::of(0))).map(|meta| meta.rows).ok(), Some(3 * 23));
}

#[test]
fn a_column_of_another_type_and_an_absent_label_are_reported() {
    let error = |change: &dyn Fn(&mut Columns)| {
        let day = OneDay::new();
        day.reshape(change);
        let file = day.history().file(UtcDay::of(0));
        let error = day.read(&[]).expect_err("it cannot be read").to_string();
        assert_eq!(read_through(&file).expect_err("it cannot be read").to_string(), error);
        assert!(error.starts_with(&file.display().to_string()), "{error}");
        error
    };
    let as_text = error(&|columns| {
        let rows = columns[0].1.len();
        let place = columns.iter().position(|(field, _)| field.name() == "open_fds").expect("a metric");
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["60"; rows]));
        columns[place] = (Arc::new(Field::new("open_fds", DataType::Utf8, true)), texts);
    });
    assert!(as_text.contains("its column open_fds is of type Utf8 instead of Float64"), "{as_text}");
    let without = error(&|columns| columns.retain(|(field, _)| field.name() != "member"));
    assert!(without.contains("it has no column member"), "{without}");
}

#[test]
fn a_row_without_a_time_is_rejected() {
    let day = OneDay::new();
    day.reshape(|columns| {
        let (field, ts) = columns[0].clone();
        let nullable = Arc::new(field.as_ref().clone().with_nullable(true));
        let none = arrow_array::new_null_array(field.data_type(), ts.len());
        columns[0] = (nullable, none);
    });
    let error = day.read(&[]).expect_err("it cannot be read").to_string();
    assert!(error.contains("a row has no time, cluster or member"), "{error}");
}

#[test]
fn a_history_of_a_later_format_is_rejected_with_a_remedy_and_not_called_broken() {
    let day = OneDay::new();
    day.rewrite(
        // The reader ignores the additional column, so only the format number can make it reject the file.
        |columns| columns.push((Arc::new(Field::new("x", DataType::Float64, true)), none_of(columns))),
        |footer| {
            set(footer, "etcd-heatmap.format", Some("2"));
            set(footer, "etcd-heatmap.version", Some("3.4.5"));
        },
    );
    let file = day.history().file(UtcDay::of(0));
    let errors = [
        read_meta(&file).map(drop),
        day.read(&[]).map(drop),
        read_through(&file),
        day.history().read_metas().map(drop),
    ];
    for error in errors {
        let error = error.expect_err("it is of a later format").to_string();
        for part in [&*file.to_string_lossy(), "etcd-heatmap 3.4.5", "format 2", "update etcd-heatmap"] {
            assert!(error.contains(part), "{error}");
        }
    }
}

#[test]
fn a_file_without_a_format_has_format_1_and_an_invalid_format_is_reported() {
    let day = OneDay::new();
    let file = day.history().file(UtcDay::of(0));
    day.rewrite(|_| {}, |footer| set(footer, "etcd-heatmap.format", None));
    assert_eq!(read_meta(&file).map(|meta| meta.rows).ok(), Some(3 * 23));
    let read = read_day(&file, *day.window.grid(), day.window.members().to_vec(), &[]).expect("format 1");
    assert_eq!(bits(&read, Metric::WalFsync), bits(&day.window, Metric::WalFsync));
    day.rewrite(|_| {}, |footer| set(footer, "etcd-heatmap.format", Some("new")));
    let error = read_meta(&file).expect_err("no format").to_string();
    assert!(error.contains("etcd-heatmap.format in its footer"), "{error}");
}

fn none_of(columns: &[(FieldRef, ArrayRef)]) -> ArrayRef {
    Arc::new(Float64Array::from(vec![None; columns[0].1.len()]))
}

#[test]
fn idle_marks_are_read_by_name_and_do_not_replace_a_value() {
    let day = OneDay::new();
    let bits_of = |window: &Window| bits(window, Metric::WalFsync);
    day.reshape(|columns| {
        let rows = columns[0].1.len();
        // Mark every row as idle, even rows with a value, for wal_fsync and for a metric that cannot be idle.
        for name in ["wal_fsync_idle", "open_fds_idle"] {
            let marks: ArrayRef = Arc::new(BooleanArray::from(vec![true; rows]));
            columns.insert(0, (Arc::new(Field::new(name, DataType::Boolean, true)), marks));
        }
    });
    let read = day.read(&[]).expect("the columns are found by name");
    let rows = |window: &Window| (0..3).flat_map(|m| window.row(Metric::WalFsync, m).to_vec()).collect::<Vec<_>>();
    for (step, (read, written)) in rows(&read).into_iter().zip(rows(&day.window)).enumerate() {
        // Step 5 of each member has no row, so it cannot be marked.
        let expected = if written.is_nan() && step % 24 != 5 { IDLE } else { written };
        assert_eq!(read.to_bits(), expected.to_bits(), "{step}");
    }
    assert_ne!(bits_of(&read), bits_of(&day.window));
    assert_eq!(bits(&read, Metric::OpenFds), bits(&day.window, Metric::OpenFds));
    day.reshape(|columns| {
        let rows = columns[0].1.len();
        let place = columns.iter().position(|(field, _)| field.name() == "wal_fsync_idle").expect("the marks");
        columns[place].1 = Arc::new(BooleanArray::from(vec![None; rows]));
    });
    assert_eq!(bits_of(&day.read(&[]).expect("null is not idle")), bits_of(&day.window));
    day.reshape(|columns| {
        let rows = columns[0].1.len();
        let place = columns.iter().position(|(field, _)| field.name() == "wal_fsync_idle").expect("the marks");
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["yes"; rows]));
        columns[place] = (Arc::new(Field::new("wal_fsync_idle", DataType::Utf8, true)), texts);
    });
    let error = day.read(&[]).expect_err("texts are no marks").to_string();
    assert!(error.contains("its column wal_fsync_idle is of type Utf8 instead of Boolean"), "{error}");
}
