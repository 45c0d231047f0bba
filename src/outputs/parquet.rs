//! Parquet files: `scores/` with points and score of every step, one file per day, and `heatmap.parquet`
//! with one row per cell.

mod columns;
mod hybrid;
mod rows;
mod runs;
mod scores;

use std::path::PathBuf;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
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
use crate::history::writer_properties;
use crate::score::DayScores;
use crate::spec::Metric;
use crate::time::UtcDay;
use scores::write_scores;

/// The folder of scores; each day has a folder `date=…` in it, with one file.
const SCORES: &str = "scores";
const SCORES_FILE: &str = "scores.parquet";

/// Cells are flushed in groups of this many rows, so that memory does not grow with the range.
const CELL_GROUP_ROWS: usize = 1 << 16;

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

    /// Appends the finished cells of a frame, one local date after the other: where pages end does not depend on how many
    /// dates are in a frame.
    pub(crate) fn append(&mut self, cells: &pl::DataFrame) -> Result<(), OutputError> {
        let dates: Vec<Option<i32>> = cells.column("date")?.date()?.physical().iter().collect();
        let mut from = 0;
        for date in dates.chunk_by(|a, b| a == b) {
            self.append_date(&cells.slice(from as i64, date.len()))?;
            from += date.len();
        }
        Ok(())
    }

    fn append_date(&mut self, cells: &pl::DataFrame) -> Result<(), OutputError> {
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
