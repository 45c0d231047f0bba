//! Reads one day of readings by the names of its columns.
//!
//! Without its column, a metric has no readings; without its idle column, no reading of it is
//! idle. Unknown columns are ignored.

use std::collections::BTreeSet;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampMillisecondType};
use arrow_array::{Array, BooleanArray, Float64Array, RecordBatch};
use arrow_schema::{Field, Fields};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::file::reader::ChunkReader;

use super::day_file::{columns, idle_field, reading_field};
use super::day_meta::mark_partial;
use super::footer::{Opened, not_readings, open, pairs};
use super::{HistoryError, LabelColumns, MEMBER_COLUMNS};
use crate::files::stat_elsewhere;
use crate::readings::{IDLE, Member, Window};
use crate::spec::{COLUMNS, Column, Companion, Metric};
use crate::time::Grid;

/// Rows decoded at once. The columns of a batch stay in the processor's cache until they are copied, and their memory is
/// used again for the next batch.
const BATCH_ROWS: usize = 1 << 13;

/// Reads the metrics and `companions` of these members (sorted) at the steps of `grid`. Skips rows of other members
/// and rows at other times.
pub fn read_day(
    path: &Path,
    grid: Grid,
    members: Vec<Member>,
    companions: &[Companion],
) -> Result<Window, HistoryError> {
    read_rows(open(path)?, path, Window::unknown(grid, members, companions))
}

/// Fills a window from an opened file; `path` names the file in errors.
pub(super) fn read_rows<R: ChunkReader + 'static>(
    opened: Opened<R>,
    path: &Path,
    mut window: Window,
) -> Result<Window, HistoryError> {
    mark_partial(&mut window, path, pairs(&opened))?;
    for batch in open_rows(opened, path, window.companions())? {
        let batch = batch.map_err(|e| not_readings(path, &e))?;
        take_in(&mut window, &batch).ok_or_else(|| not_readings(path, &"a row has no time, cluster or member"))?;
    }
    Ok(window)
}

/// The members with a row in a day's file, sorted. Some have no first and last seen in its footer: those of whom only
/// leader changes linger.
pub(crate) fn members_in(path: &Path) -> Result<Vec<Member>, HistoryError> {
    let opened = open(path)?;
    let mut places = Vec::new();
    for field in &LabelColumns::fields()[1..] {
        let place = place_of(opened.schema().fields(), field).map_err(|reason| not_readings(path, &reason))?;
        places.push(place.ok_or_else(|| not_readings(path, &format!("it has no column {}", field.name())))?);
    }
    let mask = ProjectionMask::roots(opened.parquet_schema(), places);
    let rows = opened.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(|e| not_readings(path, &e))?;
    let mut members = BTreeSet::new();
    for batch in rows {
        let batch = batch.map_err(|e| not_readings(path, &e))?;
        add_members(&batch, &mut members).ok_or_else(|| not_readings(path, &"a row has no cluster or member"))?;
    }
    Ok(members.into_iter().collect())
}

/// Adds the members of a batch. `None` if a row lacks its cluster or member.
fn add_members(batch: &RecordBatch, members: &mut BTreeSet<Member>) -> Option<()> {
    let label = |name| batch.column_by_name(name)?.as_dictionary_opt::<Int32Type>();
    let (clusters, names) = (label(MEMBER_COLUMNS[1])?, label(MEMBER_COLUMNS[2])?);
    if clusters.null_count() + names.null_count() > 0 {
        return None;
    }
    let keys = clusters.keys().values().iter().zip(names.keys().values());
    let distinct: BTreeSet<(i32, i32)> = keys.map(|(cluster, name)| (*cluster, *name)).collect();
    let (clusters, names) = (clusters.values().as_string_opt::<i32>()?, names.values().as_string_opt::<i32>()?);
    let member =
        |(cluster, name): (i32, i32)| Member::new(clusters.value(cluster as usize), names.value(name as usize));
    members.extend(distinct.into_iter().map(member));
    Some(())
}

/// Reads every row of a day's file and discards it, to find damage that the footer does not show. A content elsewhere counts
/// as whole: its recorded hash is that of a complete file.
pub fn read_through(path: &Path) -> Result<(), HistoryError> {
    if stat_elsewhere(path).is_some() {
        return Ok(());
    }
    for batch in open_rows(open(path)?, path, &Companion::ALL)? {
        batch.map_err(|e| not_readings(path, &e))?;
    }
    Ok(())
}

/// Opens the rows of a day's file. Besides time, cluster and member, the rows contain those columns of the metrics (readings and marks of idle ones) and `companions` that the file has.
pub(super) fn open_rows<R: ChunkReader + 'static>(
    opened: Opened<R>,
    path: &Path,
    companions: &[Companion],
) -> Result<ParquetRecordBatchReader, HistoryError> {
    let fields = opened.schema().fields();
    let place = |wanted: &Field| place_of(fields, wanted).map_err(|reason| not_readings(path, &reason));
    let mut places = Vec::with_capacity(MEMBER_COLUMNS.len() + COLUMNS);
    for field in LabelColumns::fields() {
        let missing = || not_readings(path, &format!("it has no column {}", field.name()));
        places.push(place(&field)?.ok_or_else(missing)?);
    }
    for column in columns(companions) {
        places.extend(place(&reading_field(column))?);
    }
    for field in Metric::ALL.into_iter().filter_map(idle_field) {
        places.extend(place(&field)?);
    }
    let mask = ProjectionMask::roots(opened.parquet_schema(), places);
    let rows = opened.with_projection(mask).with_batch_size(BATCH_ROWS).build();
    rows.map_err(|e| not_readings(path, &e))
}

/// The index of a column; `None` if the file lacks the column. Fails if the column has another type.
fn place_of(fields: &Fields, wanted: &Field) -> Result<Option<usize>, String> {
    let Some((place, found)) = fields.find(wanted.name()) else { return Ok(None) };
    match found.data_type() == wanted.data_type() {
        true => Ok(Some(place)),
        false => Err(format!(
            "its column {} is of type {} instead of {}",
            wanted.name(),
            found.data_type(),
            wanted.data_type()
        )),
    }
}

/// Copies a batch into the window. Consecutive rows of the same member are copied together. `None` if a row lacks
/// its time, cluster or member.
fn take_in(window: &mut Window, batch: &RecordBatch) -> Option<()> {
    let ts = batch.column_by_name(MEMBER_COLUMNS[0])?.as_primitive_opt::<TimestampMillisecondType>()?;
    let label = |name| batch.column_by_name(name)?.as_dictionary_opt::<Int32Type>();
    let (clusters, members) = (label(MEMBER_COLUMNS[1])?, label(MEMBER_COLUMNS[2])?);
    if ts.null_count() + clusters.null_count() + members.null_count() > 0 {
        return None;
    }
    let (cluster_keys, member_keys) = (clusters.keys().values(), members.keys().values());
    let (cluster_names, member_names) =
        (clusters.values().as_string_opt::<i32>()?, members.values().as_string_opt::<i32>()?);
    let mut values: Vec<(Column, &Float64Array)> = Vec::with_capacity(COLUMNS);
    for column in columns(window.companions()) {
        if let Some(array) = batch.column_by_name(column.reading_column()) {
            values.push((column, array.as_primitive_opt::<Float64Type>()?));
        }
    }
    let mut idle: Vec<(Metric, &BooleanArray)> = Vec::new();
    for metric in Metric::ALL {
        if let Some(array) = metric.idle_column().and_then(|name| batch.column_by_name(name)) {
            idle.push((metric, array.as_boolean_opt()?));
        }
    }
    let grid = *window.grid();
    let mut from = 0;
    while from < batch.num_rows() {
        let keys = (cluster_keys[from], member_keys[from]);
        let run = (from..batch.num_rows()).take_while(|&row| (cluster_keys[row], member_keys[row]) == keys).count();
        let name = (cluster_names.value(keys.0 as usize), member_names.value(keys.1 as usize));
        let found = window.members().binary_search_by(|m| (&*m.cluster, &*m.member).cmp(&name));
        if let Ok(member) = found {
            let times = &ts.values()[from..from + run];
            let place = without_gap(&grid, times);
            for &(column, array) in &values {
                copy_run(window.row_mut(column, member), place, times, &array.slice(from, run), grid);
            }
            for &(metric, array) in &idle {
                mark_idle(window, metric, member, &ts.values()[from..from + run], &array.slice(from, run));
            }
        }
        from += run;
    }
    Some(())
}

/// The step of the first of these times, if the others are the steps after it.
fn without_gap(grid: &Grid, ts: &[i64]) -> Option<usize> {
    let (first, last) = (grid.index_of(*ts.first()?)?, grid.index_of(*ts.last()?)?);
    (last + 1 == first + ts.len() && ts.is_sorted()).then_some(first)
}

/// Copies consecutive rows of one member to its readings. Usually their steps have no gaps and their values no nulls;
/// then the values are copied as one slice.
fn copy_run(row: &mut [f64], without_gap: Option<usize>, ts: &[i64], values: &Float64Array, grid: Grid) {
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

/// Marks the idle readings among consecutive rows of one member. A value is never replaced.
fn mark_idle(window: &mut Window, metric: Metric, member: usize, ts: &[i64], idle: &BooleanArray) {
    let grid = *window.grid();
    let row = window.row_mut(metric, member);
    for (&ms, _) in ts.iter().zip(idle).filter(|(_, idle)| *idle == Some(true)) {
        if let Some(reading) = grid.index_of(ms).map(|step| &mut row[step]).filter(|reading| reading.is_nan()) {
            *reading = IDLE;
        }
    }
}
