//! Parquet files: `scores/` with points and score of every step, one file per day, and `heatmap.parquet`
//! with one row per cell.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::file::properties::EnabledStatistics;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use polars::prelude as pl;

use super::OutputError;
use super::output::{DayWriter, Finished, Output, OwnedFiles, Scoring};
use crate::files::{FileError, WholeFile};
use crate::folder::{CELLS, Owned, Written};
use crate::heatmap::{IDLE, Marks, PARTIAL};
use crate::history::{LabelColumns, writer_properties};
use crate::score::{ABSENT, DayScores, ScoreTable};
use crate::spec::{METRICS, Metric};
use crate::time::UtcDay;

/// The folder of scores; each day has a folder `date=…` in it, with one file.
const SCORES: &str = "scores";
const SCORES_FILE: &str = "scores.parquet";

/// Rows collected before they are passed to the Parquet writer as one batch.
const BATCH_ROWS: usize = 1 << 16;
/// Cells are flushed in groups of this many rows, so that memory does not grow with the range.
const CELL_GROUP_ROWS: usize = 1 << 16;

/// Writes the scores of one day: one row for each expected step of each member.
///
/// Columns: `ts`, `cluster`, `member`, `…_points` for each metric (0 to 10), `score`, `after_restart`. Points are
/// null if the reading or its limit is missing. `score` is null if the step is not scored, and
/// `after_restart` is null if the history has no process start times.
fn write_scores(
    out: &Path,
    path: &Path,
    table: &ScoreTable,
    scores: &DayScores,
    metadata: &[(&str, String)],
) -> Result<Written, OutputError> {
    let failed = |e| FileError::from_parquet(path, e);
    let schema = scores_schema();
    let mut properties = writer_properties(metadata);
    for name in Metric::ALL.iter().map(|m| m.points_column()).chain(["score"]) {
        // The values range from 0 to 10 in every file, so min/max statistics would not let a reader skip anything.
        properties = properties.set_column_statistics_enabled(name.into(), EnabledStatistics::None);
    }
    let mut writer =
        ArrowWriter::try_new(WholeFile::create(path)?, schema.clone(), Some(properties.build())).map_err(failed)?;
    let look_ups = LookUps::new(table);
    let labels = LabelColumns::new(&scores.members);
    let mut rows = ScoreRows::default();
    let mut total = 0;
    for member in 0..scores.members.len() {
        rows.add_member(scores, member);
        if rows.codes.len() >= BATCH_ROWS || member + 1 == scores.members.len() {
            let arrays = rows.arrays(&labels, &look_ups);
            let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(|e| failed(e.into()))?;
            writer.write(&batch).map_err(failed)?;
            total += batch.num_rows() as u64;
            rows = ScoreRows::default();
        }
    }
    let stat = writer.into_inner().map_err(failed)?.commit()?;
    Ok(Written::new(out, path, total, stat))
}

fn scores_schema() -> SchemaRef {
    let mut fields = LabelColumns::fields();
    fields.extend(Metric::ALL.iter().map(|m| Field::new(m.points_column(), DataType::Float64, true)));
    fields.push(Field::new("score", DataType::Float64, true));
    fields.push(Field::new("after_restart", DataType::Boolean, true));
    Arc::new(Schema::new(fields))
}

/// For each score code, the points of the six metrics and the score.
struct LookUps {
    points: [Vec<Option<f64>>; METRICS],
    score: Vec<Option<f64>>,
}

impl LookUps {
    fn new(table: &ScoreTable) -> Self {
        let codes = 0..table.len() as u16;
        Self {
            points: std::array::from_fn(|m| codes.clone().map(|code| table.look_up(code).points[m]).collect()),
            score: table.scores(),
        }
    }
}

/// Rows of several members, collected until they fill a batch.
#[derive(Default)]
struct ScoreRows {
    ts: Vec<i64>,
    members: Vec<i32>,
    codes: Vec<u16>,
    after_restart: Vec<Option<bool>>,
}

impl ScoreRows {
    fn add_member(&mut self, scores: &DayScores, member: usize) {
        let restarts = scores.after_restart(member..member + 1);
        let mut marks = vec![restarts.as_ref().map(|_| false); scores.grid.len()];
        for stretch in restarts.into_iter().flatten() {
            marks[stretch].fill(Some(true));
        }
        for (step, &code) in scores.codes(member).iter().enumerate().filter(|&(_, &code)| code != ABSENT) {
            self.ts.push(scores.grid.at(step));
            self.codes.push(code);
            self.after_restart.push(marks[step]);
        }
        self.members.resize(self.codes.len(), member as i32);
    }

    fn arrays(&mut self, labels: &LabelColumns, look_ups: &LookUps) -> Vec<ArrayRef> {
        let column = |values: &[Option<f64>]| -> ArrayRef {
            Arc::new(self.codes.iter().map(|&code| values[code as usize]).collect::<Float64Array>())
        };
        let values: Vec<ArrayRef> = look_ups.points.iter().chain([&look_ups.score]).map(|v| column(v)).collect();
        let mut arrays = labels.arrays(std::mem::take(&mut self.ts), &self.members);
        arrays.extend(values);
        arrays.push(Arc::new(std::mem::take(&mut self.after_restart).into_iter().collect::<BooleanArray>()));
        arrays
    }
}

/// The output `parquet`: `scores/` and `heatmap.parquet`.
pub(crate) struct Parquet;

impl Output for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn about(&self) -> &'static str {
        "scores/ (one file per day), heatmap.parquet (cells)"
    }

    fn files(&self) -> &'static [OwnedFiles] {
        &[
            OwnedFiles { owned: Owned::Daily { folder: SCORES, file: SCORES_FILE }, row: "score" },
            OwnedFiles { owned: Owned::Single(CELLS), row: "cell" },
        ]
    }

    fn write_day(&self, run: &Scoring<'_>, day: UtcDay, scores: &DayScores) -> Result<Option<Written>, OutputError> {
        if scores.members.is_empty() {
            return Ok(None);
        }
        let path = run.out.join(SCORES).join(format!("date={day}")).join(SCORES_FILE);
        write_scores(run.out, &path, run.table, scores, run.score_footer).map(Some)
    }

    fn open<'a>(&self, run: &'a Scoring<'a>) -> Result<Option<Box<dyn DayWriter + 'a>>, OutputError> {
        Ok(Some(Box::new(CellsParquet::create(run)?)))
    }
}

impl DayWriter for CellsParquet {
    fn add_cells(&mut self, cells: &pl::DataFrame) -> Result<(), OutputError> {
        self.append(cells)
    }

    fn finish(self: Box<Self>) -> Result<Finished, OutputError> {
        Self::finish(*self).map(Finished::from)
    }
}

/// `heatmap.parquet`, which grows as days are finished.
pub(crate) struct CellsParquet {
    out: PathBuf,
    path: PathBuf,
    writer: ArrowWriter<WholeFile>,
    schema: SchemaRef,
    rows: u64,
}

impl CellsParquet {
    /// Creates `heatmap.parquet` in the output folder, with a column for partial responses if the history has any.
    pub(crate) fn create(run: &Scoring<'_>) -> Result<Self, OutputError> {
        let path = run.out.join(CELLS);
        let properties = writer_properties(run.cell_footer).set_max_row_group_row_count(Some(CELL_GROUP_ROWS)).build();
        let schema = cells_schema(run.marks);
        let writer = ArrowWriter::try_new(WholeFile::create(&path)?, schema.clone(), Some(properties))
            .map_err(|e| FileError::from_parquet(&path, e))?;
        Ok(Self { out: run.out.to_owned(), path, writer, schema, rows: 0 })
    }

    /// Appends the finished cells of a frame.
    pub(crate) fn append(&mut self, cells: &pl::DataFrame) -> Result<(), OutputError> {
        let arrays: Vec<ArrayRef> =
            self.schema.fields().iter().map(|f| to_arrow(cells, f)).collect::<pl::PolarsResult<_>>()?;
        let failed = |e| FileError::from_parquet(&self.path, e);
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(|e| failed(e.into()))?;
        self.writer.write(&batch).map_err(failed)?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Completes the file and gives it its final name.
    pub(crate) fn finish(self) -> Result<Written, OutputError> {
        let file = self.writer.into_inner().map_err(|e| FileError::from_parquet(&self.path, e))?;
        Ok(Written::new(&self.out, &self.path, self.rows, file.commit()?))
    }
}

fn cells_schema(marks: Marks) -> SchemaRef {
    let field = Field::new;
    let mut fields = vec![
        field("level", DataType::Utf8, false),
        field("cluster", DataType::Utf8, false),
        field("member", DataType::Utf8, true),
        field("start", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), false),
        field("date", DataType::Date32, false),
        field("hour", DataType::Int32, false),
        field("minute", DataType::Int32, false),
        field("utc_offset_minutes", DataType::Int32, false),
        field("mean", DataType::Float64, true),
        field("min", DataType::Float64, true),
        field("steps_scored", DataType::Int64, false),
        field("steps_expected", DataType::Int64, false),
        field("coverage", DataType::Float64, false),
        field("uncertain", DataType::Boolean, false),
        field("steps_after_restart", DataType::Int64, true),
        field("worst_metric", DataType::Utf8, true),
    ];
    fields.extend(Metric::ALL.iter().map(|m| field(m.loss_column(), DataType::Float64, true)));
    fields.extend(marks.partial.then(|| field(PARTIAL, DataType::Int64, false)));
    fields.push(field(IDLE, DataType::Int64, false));
    Arc::new(Schema::new(fields))
}

/// Copies a column from polars to arrow. Zero-copy would need `unsafe`, and copying is cheap because
/// a day has few cells.
fn to_arrow(cells: &pl::DataFrame, field: &Field) -> pl::PolarsResult<ArrayRef> {
    let column = cells.column(field.name())?;
    Ok(match field.data_type() {
        DataType::Utf8 => Arc::new(column.str()?.iter().collect::<StringArray>()),
        DataType::Boolean => Arc::new(column.bool()?.iter().collect::<BooleanArray>()),
        DataType::Date32 => Arc::new(column.date()?.physical().iter().collect::<Date32Array>()),
        DataType::Int32 => Arc::new(column.i32()?.iter().collect::<Int32Array>()),
        DataType::Int64 => Arc::new(column.i64()?.iter().collect::<Int64Array>()),
        DataType::Timestamp(..) => {
            let starts: TimestampMillisecondArray = column.datetime()?.physical().iter().collect();
            Arc::new(starts.with_timezone("UTC"))
        }
        _ => Arc::new(column.f64()?.iter().collect::<Float64Array>()),
    })
}
