//! `scores/`: points and score of every step, one file per day, encoded from runs of equal scores.

use std::collections::HashMap;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::data_type::{ByteArray, Int64Type};
use ::parquet::errors::Result as ParquetResult;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use ::parquet::file::statistics::Statistics;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::runs::{Described, Run, RunColumn, Zstd, count};
use crate::files::{FileError, WholeFile};
use crate::folder::Written;
use crate::history::{LabelColumns, MEMBER_COLUMNS, writer_properties};
use crate::outputs::OutputError;
use crate::score::{ABSENT, DayScores, ScoreTable};
use crate::spec::{METRICS, Metric};

/// Rows of whole members that are encoded as one batch; a page may end at the end of a batch.
const BATCH_ROWS: usize = 1 << 16;

/// Writes the scores of one day: one row for each expected step of each member.
///
/// Columns: `ts`, `cluster`, `member`, `…_points` for each metric (0 to 10), `score`, `after_restart`. Points are
/// null if the reading or its limit is missing. `score` is null if the step is not scored, and
/// `after_restart` is null if the history has no process start times.
pub(super) fn write_scores(
    out: &Path,
    path: &Path,
    table: &ScoreTable,
    scores: &DayScores,
    metadata: &[(&str, String)],
) -> Result<Written, OutputError> {
    let failed = |e| FileError::from_parquet(path, e);
    let properties = scores_properties(metadata).build();
    let (file, rows) = encode(WholeFile::create(path)?, properties, table, scores).map_err(failed)?;
    Ok(Written::new(out, path, rows, file.commit()?))
}

/// Writes a file; returns its writer and the number of rows.
fn encode<W: Write + Send>(
    sink: W,
    properties: WriterProperties,
    table: &ScoreTable,
    scores: &DayScores,
) -> ParquetResult<(W, u64)> {
    // The writer of arrays puts the arrays' types into the footer, and is not used for anything else.
    let (mut file, _) = ArrowWriter::try_new(sink, scores_schema(), Some(properties))?.into_serialized_writer()?;
    let rows = write_groups(&mut file, table, scores)?;
    Ok((file.into_inner()?, rows))
}

fn scores_schema() -> SchemaRef {
    let mut fields = LabelColumns::fields();
    fields.extend(Metric::ALL.iter().map(|m| Field::new(m.points_column(), DataType::Float64, true)));
    fields.push(Field::new("score", DataType::Float64, true));
    fields.push(Field::new("after_restart", DataType::Boolean, true));
    Arc::new(Schema::new(fields))
}

fn scores_properties(metadata: &[(&str, String)]) -> WriterPropertiesBuilder {
    let mut properties = writer_properties(metadata);
    for name in Metric::ALL.iter().map(|m| m.points_column()).chain(["score"]) {
        // The values range from 0 to 10 in every file, so min/max statistics would not let a reader skip anything.
        properties = properties.set_column_statistics_enabled(name.into(), EnabledStatistics::None);
    }
    // Statistics of labels are whole labels, and their dictionary has all of them.
    for label in &MEMBER_COLUMNS[1..] {
        properties = properties.set_column_dictionary_page_size_limit((*label).into(), usize::MAX);
    }
    properties.set_statistics_truncate_length(None)
}

/// Consecutive expected steps of one member: as many rows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stretch {
    member: usize,
    steps: Range<usize>,
}

/// The rows of a day: row groups, each of batches, each of stretches of members.
fn groups(scores: &DayScores, most_rows: usize) -> Vec<Vec<Vec<Stretch>>> {
    let (mut groups, mut of_group, mut group_rows) = (Vec::new(), Vec::new(), 0);
    for mut batch in batches(scores) {
        loop {
            let rest = split_off(&mut batch, most_rows - group_rows);
            group_rows += rows_of(&batch);
            of_group.push(batch);
            if group_rows == most_rows {
                groups.push(std::mem::take(&mut of_group));
                group_rows = 0;
            }
            if rest.is_empty() {
                break;
            }
            batch = rest;
        }
    }
    if !of_group.is_empty() {
        groups.push(of_group);
    }
    groups
}

fn rows_of(stretches: &[Stretch]) -> usize {
    stretches.iter().map(|stretch| stretch.steps.len()).sum()
}

/// Batches of at least [`BATCH_ROWS`] rows, of whole members. A batch without rows is left out.
fn batches(scores: &DayScores) -> Vec<Vec<Stretch>> {
    let (mut batches, mut batch) = (Vec::new(), Vec::new());
    let mut rows = 0;
    for member in 0..scores.members.len() {
        let mut from = 0;
        for equal in scores.codes(member).chunk_by(|a, b| (*a == ABSENT) == (*b == ABSENT)) {
            let steps = from..from + equal.len();
            from = steps.end;
            if equal[0] != ABSENT {
                rows += steps.len();
                batch.push(Stretch { member, steps });
            }
        }
        if rows >= BATCH_ROWS || (member + 1 == scores.members.len() && rows > 0) {
            batches.push(std::mem::take(&mut batch));
            rows = 0;
        }
    }
    batches
}

/// Leaves the first `rows` rows, and returns the others.
fn split_off(stretches: &mut Vec<Stretch>, rows: usize) -> Vec<Stretch> {
    let mut left = rows;
    let Some(place) = stretches.iter().position(|stretch| {
        let is_last = stretch.steps.len() > left;
        left -= if is_last { 0 } else { stretch.steps.len() };
        is_last
    }) else {
        return Vec::new();
    };
    let mut rest = stretches.split_off(place);
    if left > 0 {
        let first = &mut rest[0];
        let middle = first.steps.start + left;
        stretches.push(Stretch { member: first.member, steps: first.steps.start..middle });
        first.steps.start = middle;
    }
    rest
}

/// Writes all row groups; returns the number of rows.
fn write_groups<W: Write + Send>(
    file: &mut SerializedFileWriter<W>,
    table: &ScoreTable,
    scores: &DayScores,
) -> ParquetResult<u64> {
    let properties = file.properties().clone();
    let after_restart = restarts(scores);
    let mut zstd = Zstd::new()?;
    let mut total = 0;
    for batches in groups(scores, properties.max_row_group_row_count().unwrap_or(usize::MAX)) {
        let descr = |index: usize| file.schema_descr().column(index);
        let column = |index: usize| RunColumn::new(descr(index), &properties);
        let mut labels = [1, 2].map(|index| Labels::new(column(index)));
        let mut values: Vec<Values> = (0..=METRICS).map(|index| Values::new(column(3 + index), table, index)).collect();
        let mut restarts = Restarts { column: column(4 + METRICS), steps: &after_restart, seen: [false; 2], nulls: 0 };
        for batch in &batches {
            labels[0].write(batch, |member| &*scores.members[member].cluster);
            labels[1].write(batch, |member| &*scores.members[member].member);
            let codes = code_runs(scores, batch);
            values.iter_mut().for_each(|column| column.write(&codes));
            restarts.write(batch);
            total += rows_of(batch) as u64;
        }
        let mut group = file.next_row_group()?;
        write_times(&mut group, scores, &batches)?;
        for column in labels {
            column.close(&mut group, &mut zstd)?;
        }
        for column in values {
            column.close(&mut group, &mut zstd)?;
        }
        restarts.close(&mut group, &mut zstd)?;
        group.close()?;
    }
    Ok(total)
}

/// Writes the column of times with Parquet's own writer.
fn write_times<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    scores: &DayScores,
    batches: &[Vec<Stretch>],
) -> ParquetResult<()> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    let mut times = Vec::new();
    for batch in batches {
        times.clear();
        for stretch in batch {
            times.extend(stretch.steps.clone().map(|step| scores.grid.at(step)));
        }
        column.typed::<Int64Type>().write_batch(&times, None, None)?;
    }
    column.close()
}

/// The codes of consecutive rows, as runs of equal ones.
fn code_runs(scores: &DayScores, batch: &[Stretch]) -> Vec<(u16, usize)> {
    let mut runs: Vec<(u16, usize)> = Vec::new();
    for Stretch { member, steps } in batch {
        for equal in scores.codes(*member)[steps.clone()].chunk_by(|a, b| a == b) {
            match runs.last_mut().filter(|(code, _)| *code == equal[0]) {
                Some((_, rows)) => *rows += equal.len(),
                None => runs.push((equal[0], equal.len())),
            }
        }
    }
    runs
}

/// A column of labels: clusters, or members.
struct Labels<'a> {
    column: RunColumn,
    keys: HashMap<&'a str, u32>,
    /// The labels in the order of their keys, each after its length: Parquet's plain encoding.
    dictionary: Vec<u8>,
}

impl<'a> Labels<'a> {
    fn new(column: RunColumn) -> Self {
        Self { column, keys: HashMap::new(), dictionary: Vec::new() }
    }

    fn write(&mut self, batch: &[Stretch], label: impl Fn(usize) -> &'a str) {
        let key_of = |stretch: &Stretch| {
            let label = label(stretch.member);
            let next = self.keys.len() as u32;
            *self.keys.entry(label).or_insert_with(|| {
                self.dictionary.extend_from_slice(&(label.len() as u32).to_le_bytes());
                self.dictionary.extend_from_slice(label.as_bytes());
                self.column.add_size(label.len());
                next
            })
        };
        let keys: Vec<u32> = batch.iter().map(key_of).collect();
        let runs = keys.into_iter().zip(batch).map(|(key, stretch)| Run { key: Some(key), rows: stretch.steps.len() });
        self.column.write(&runs.collect::<Vec<Run>>());
    }

    fn close<W: Write + Send>(self, group: &mut SerializedRowGroupWriter<'_, W>, zstd: &mut Zstd) -> ParquetResult<()> {
        let bytes = |label: Option<&&str>| label.map(|label| ByteArray::from(*label));
        let (least, most) = (bytes(self.keys.keys().min()), bytes(self.keys.keys().max()));
        let described = Described {
            dictionary: Some((self.dictionary, self.keys.len())),
            statistics: Some(Statistics::byte_array(least, most, None, Some(0), false)),
        };
        let (content, close) = self.column.close(described, zstd)?;
        group.append_column(&content, close)
    }
}

/// A column of the points of one metric, or of scores.
struct Values {
    column: RunColumn,
    /// The value of each code.
    of_code: Vec<Option<f64>>,
    /// The key of each code's value, once the value has appeared.
    keys: Vec<Option<u32>>,
    dictionary: Vec<f64>,
}

impl Values {
    /// The points of the metric with this index; the score, if there is no such metric.
    fn new(column: RunColumn, table: &ScoreTable, index: usize) -> Self {
        let of_code: Vec<Option<f64>> = match index {
            METRICS => table.scores(),
            metric => (0..table.len() as u16).map(|code| table.look_up(code).points[metric]).collect(),
        };
        let keys = vec![None; of_code.len()];
        Self { column, of_code, keys, dictionary: Vec::new() }
    }

    fn write(&mut self, codes: &[(u16, usize)]) {
        let mut runs: Vec<Run> = Vec::with_capacity(codes.len());
        for &(code, rows) in codes {
            let key = self.key(code as usize);
            match runs.last_mut().filter(|run| run.key == key) {
                Some(run) => run.rows += rows,
                None => runs.push(Run { key, rows }),
            }
        }
        self.column.write(&runs);
    }

    fn key(&mut self, code: usize) -> Option<u32> {
        let value = self.of_code[code]?;
        if self.keys[code].is_none() {
            let place = self.dictionary.iter().position(|other| other.to_bits() == value.to_bits());
            self.keys[code] = Some(place.unwrap_or(self.dictionary.len()) as u32);
            if place.is_none() {
                self.dictionary.push(value);
            }
        }
        self.keys[code]
    }

    fn close<W: Write + Send>(self, group: &mut SerializedRowGroupWriter<'_, W>, zstd: &mut Zstd) -> ParquetResult<()> {
        let plain = self.dictionary.iter().flat_map(|value| value.to_le_bytes()).collect();
        let described = Described { dictionary: Some((plain, self.dictionary.len())), statistics: None };
        let (content, close) = self.column.close(described, zstd)?;
        group.append_column(&content, close)
    }
}

/// The column of marks: steps shortly after a restart of the member.
struct Restarts<'a> {
    column: RunColumn,
    /// The steps to mark of each member; `None` if the history has no start times.
    steps: &'a Option<Vec<Vec<Range<usize>>>>,
    /// Whether a step without a mark has appeared, and one with a mark.
    seen: [bool; 2],
    nulls: usize,
}

/// The steps shortly after a restart of each member; `None` if the history has no start times.
fn restarts(scores: &DayScores) -> Option<Vec<Vec<Range<usize>>>> {
    (0..scores.members.len()).map(|member| scores.after_restart(member..member + 1)).collect()
}

impl Restarts<'_> {
    fn write(&mut self, batch: &[Stretch]) {
        let runs = match self.steps {
            None => vec![Run { key: None, rows: rows_of(batch) }],
            Some(steps) => batch.iter().flat_map(|stretch| marks(&stretch.steps, &steps[stretch.member])).collect(),
        };
        runs.iter().filter_map(|run| run.key).for_each(|key| self.seen[key as usize] = true);
        self.nulls += count(&runs).1;
        self.column.write(&runs);
    }

    fn close<W: Write + Send>(self, group: &mut SerializedRowGroupWriter<'_, W>, zstd: &mut Zstd) -> ParquetResult<()> {
        let (least, most) = match self.seen {
            [false, false] => (None, None),
            [unmarked, marked] => (Some(!unmarked), Some(marked)),
        };
        let statistics = Statistics::boolean(least, most, None, Some(self.nulls as u64), false);
        let described = Described { dictionary: None, statistics: Some(statistics) };
        let (content, close) = self.column.close(described, zstd)?;
        group.append_column(&content, close)
    }
}

/// The marks of consecutive steps: 1 within the ascending ranges `marked`, else 0.
fn marks(steps: &Range<usize>, marked: &[Range<usize>]) -> Vec<Run> {
    let (mut runs, mut from) = (Vec::new(), steps.start);
    let mut mark_until = |to: usize, key: u32| {
        let to = to.min(steps.end);
        if to > from {
            runs.push(Run { key: Some(key), rows: to - from });
            from = to;
        }
    };
    for range in marked {
        mark_until(range.start, 0);
        mark_until(range.end, 1);
    }
    mark_until(steps.end, 0);
    runs
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use ::parquet::file::properties::WriterProperties;
    use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch};

    use super::*;
    use crate::readings::{IDLE, Life, Member, Window};
    use crate::score::score_window;
    use crate::spec::{Companion, Profile};
    use crate::time::{Grid, Step, TimeRange};

    /// A day of one-minute steps. Readings change after `mean` steps on average; some are missing, some idle, and members
    /// come, go, and restart.
    fn day(members: usize, mean: u64, restarts: bool, seed: u64) -> (ScoreTable, DayScores) {
        let grid = Grid::within(TimeRange { start_ms: 0, end_ms: 86_400_000 }, Step::from_millis(60_000).unwrap());
        let mut state = seed;
        let mut chance = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let alive: Vec<(Member, Life)> = (0..members)
            .map(|index| {
                let (first, last) = (chance(4) / 3 * chance(900), 1440 - chance(3) / 2 * chance(400));
                let life = Life { first_ms: first as i64 * 60_000, last_ms: last as i64 * 60_000 - 1 };
                (Member::new(&format!("c{:03}", index / 3), &format!("etcd-{}", index % 3)), life)
            })
            .collect();
        let names = alive.iter().map(|(member, _)| member.clone()).collect();
        let companions = if restarts { &[Companion::StartTime][..] } else { &[] };
        let mut window = Window::unknown(grid, names, companions);
        let readings = [[0.001, 0.5, f64::NAN, IDLE], [0.03, 0.001, 0.2, IDLE], [100.0, 2000.0, f64::NAN, 100.0]];
        for member in 0..members {
            for metric in Metric::ALL {
                let of_metric = readings.get(metric.index()).unwrap_or(&[1.0; 4]);
                let (mut reading, mut quiet) = (of_metric[0], member % 4 == 0);
                for step in 0..grid.len() {
                    if chance(mean) == 0 && !quiet {
                        reading = of_metric[chance(4) as usize];
                        quiet = chance(50) == 0;
                    }
                    window.row_mut(metric, member)[step] = reading;
                }
            }
            if restarts {
                let restart = chance(1440) as usize;
                let starts = window.row_mut(Companion::StartTime, member);
                starts[..restart].fill(-5000.0);
                starts[restart..].fill(restart as f64 * 60.0 - 30.0);
            }
        }
        window.limit_to(&[
            TimeRange { start_ms: 0, end_ms: 36_000_000 },
            TimeRange { start_ms: 40_000_000, end_ms: i64::MAX },
        ]);
        let table = ScoreTable::new(&Profile::seed());
        let scores = score_window(&table, &window, &alive);
        (table, scores)
    }

    /// The file that Parquet's writer of arrays writes, with a value for each row.
    fn by_rows(properties: WriterProperties, table: &ScoreTable, scores: &DayScores) -> Vec<u8> {
        let mut writer = ArrowWriter::try_new(Vec::new(), scores_schema(), Some(properties)).unwrap();
        let labels = LabelColumns::new(&scores.members);
        let (mut ts, mut members, mut codes, mut after_restart) = (vec![], vec![], vec![], vec![]);
        for member in 0..scores.members.len() {
            let restarts = scores.after_restart(member..member + 1);
            for (step, &code) in scores.codes(member).iter().enumerate().filter(|(_, code)| **code != ABSENT) {
                ts.push(scores.grid.at(step));
                members.push(member as i32);
                codes.push(code);
                after_restart.push(restarts.as_ref().map(|ranges| ranges.iter().any(|range| range.contains(&step))));
            }
            if codes.len() >= BATCH_ROWS || member + 1 == scores.members.len() {
                let mut arrays = labels.arrays(std::mem::take(&mut ts), &members);
                let rows = std::mem::take(&mut codes);
                let of = |value: &dyn Fn(u16) -> Option<f64>| -> ArrayRef {
                    Arc::new(rows.iter().map(|code| value(*code)).collect::<Float64Array>())
                };
                arrays.extend((0..METRICS).map(|metric| of(&|code| table.look_up(code).points[metric])));
                arrays.push(of(&|code| table.scores()[code as usize]));
                arrays.push(Arc::new(std::mem::take(&mut after_restart).into_iter().collect::<BooleanArray>()));
                writer.write(&RecordBatch::try_new(scores_schema(), arrays).unwrap()).unwrap();
                members.clear();
            }
        }
        writer.into_inner().unwrap()
    }

    /// `mean` steps between changes: from noise to days without a change.
    #[test]
    fn the_file_has_the_bytes_that_parquets_writer_of_arrays_writes() {
        for (number, (members, mean, restarts, group)) in [
            (1, 40, true, 1 << 20),
            (3, 1, true, 1 << 20),
            (20, 5, false, 1 << 20),
            (48, 400, true, 1 << 20),
            (110, 20, true, 1 << 20),
            (110, 3, true, 70_000),
            (110, 1_000_000, false, 65_536),
            (60, 60, true, 1_000),
        ]
        .into_iter()
        .enumerate()
        {
            let (table, scores) = day(members, mean, restarts, number as u64);
            let metadata = [("version", "1".to_owned())];
            let properties = || scores_properties(&metadata).set_max_row_group_row_count(Some(group)).build();
            let (by_runs, rows) = encode(Vec::new(), properties(), &table, &scores).unwrap();
            let expected = by_rows(properties(), &table, &scores);
            assert!(rows as usize > members * 400, "{rows}");
            let same = by_runs.iter().zip(&expected).take_while(|(a, b)| a == b).count();
            assert!(by_runs == expected, "{number}: {} and {} bytes, {same} equal", by_runs.len(), expected.len());
        }
    }

    #[test]
    fn steps_are_marked_within_the_ranges_that_overlap_them() {
        let marked = |steps: Range<usize>| -> Vec<(u32, usize)> {
            marks(&steps, &[2..5, 8..9]).into_iter().map(|run| (run.key.unwrap(), run.rows)).collect()
        };
        assert_eq!(marked(0..12), [(0, 2), (1, 3), (0, 3), (1, 1), (0, 3)]);
        assert_eq!(marked(3..4), [(1, 1)]);
        assert_eq!(marked(4..8), [(1, 1), (0, 3)]);
        assert_eq!(marked(9..10), [(0, 1)]);
    }
}
