//! `forecast.parquet`: the rows of the forecast.

use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::PARQUET;
use super::rows::{QUANTILES, Row};
use crate::files::{FileError, WholeFile};
use crate::folder::Written;
use crate::history::writer_properties;
use crate::outputs::OutputError;

/// Rows that are passed to the Parquet writer as one batch.
const BATCH_ROWS: usize = 1 << 16;

/// Writes the file into an output folder.
pub(super) fn write(out: &Path, rows: &[Row<'_>]) -> Result<Written, OutputError> {
    let path = out.join(PARQUET);
    let failed = |e| FileError::from_parquet(&path, e);
    let schema = schema();
    let properties = writer_properties(&[]).build();
    let mut writer =
        ArrowWriter::try_new(WholeFile::create(&path)?, schema.clone(), Some(properties)).map_err(failed)?;
    for rows in rows.chunks(BATCH_ROWS) {
        let batch = RecordBatch::try_new(schema.clone(), arrays(rows)).map_err(|e| failed(e.into()))?;
        writer.write(&batch).map_err(failed)?;
    }
    let stat = writer.into_inner().map_err(failed)?.commit()?;
    Ok(Written::new(out, &path, rows.len() as u64, stat))
}

fn schema() -> SchemaRef {
    let instant = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let mut fields = vec![
        Field::new("cluster", DataType::Utf8, false),
        Field::new("member", DataType::Utf8, true),
        Field::new("metric", DataType::Utf8, false),
        Field::new("unit", DataType::Utf8, true),
        Field::new("origin", instant.clone(), false),
        Field::new("ts", instant, false),
        Field::new("lead_seconds", DataType::Int64, false),
        Field::new("model", DataType::Utf8, true),
    ];
    fields.extend(QUANTILES.map(|(name, _)| Field::new(name, DataType::Float64, false)));
    let others = ["red_share", "bucket_low_seconds", "bucket_high_seconds"];
    fields.extend(others.map(|name| Field::new(name, DataType::Float64, true)));
    Arc::new(Schema::new(fields))
}

fn arrays(rows: &[Row<'_>]) -> Vec<ArrayRef> {
    let texts =
        |of: fn(&Row<'_>) -> Option<String>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<StringArray>()) };
    let instants = |of: fn(&Row<'_>) -> i64| -> ArrayRef {
        Arc::new(TimestampMillisecondArray::from_iter_values(rows.iter().map(of)).with_timezone("UTC"))
    };
    let mut arrays = vec![
        texts(|row| Some(row.cluster.to_owned())),
        texts(|row| row.member.map(str::to_owned)),
        texts(|row| Some(row.metric.to_owned())),
        texts(|row| Some(row.unit.to_owned()).filter(|unit| !unit.is_empty())),
        instants(|row| row.origin_ms),
        instants(|row| row.ts_ms),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(Row::lead_seconds))),
        texts(|row| row.model.clone()),
    ];
    for place in 0..QUANTILES.len() {
        arrays.push(Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.quantiles[place]))));
    }
    let optional: [fn(&Row<'_>) -> Option<f64>; 3] =
        [|row| row.red, |row| row.bucket.map(|of| of.low), |row| row.bucket.and_then(|of| of.high)];
    arrays.extend(optional.map(|of| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<Float64Array>()) }));
    arrays
}
