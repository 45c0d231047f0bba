//! `scores/`: points and score of every step, one file per day, encoded from runs of equal scores.

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::data_type::Int64Type;
use ::parquet::errors::Result as ParquetResult;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::columns::{Labels, Restarts, Values, restarts};
use super::rows::{Stretch, code_runs, groups, rows_of};
use super::runs::{RunColumn, Zstd};
use crate::files::{FileError, WholeFile};
use crate::folder::Written;
use crate::history::{LabelColumns, MEMBER_COLUMNS, writer_properties};
use crate::outputs::OutputError;
use crate::score::{DayScores, ScoreTable};
use crate::spec::{METRICS, Metric};

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
        let mut restarts = Restarts::new(column(4 + METRICS), &after_restart);
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
