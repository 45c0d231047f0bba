//! The footer of a day's file: its format number, and its values by key.
//!
//! A new column or key does not change the format: readers look up names, treat absent columns as missing
//! readings, and ignore unknown names. Only a change that older versions would misread increases the format
//! number, so that they reject the file.

use std::fs::File;
use std::path::Path;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::reader::ChunkReader;

use super::HistoryError;
use crate::files::{FileError, bring_here};

/// The format that this version writes, and the latest that it reads.
pub(super) const FORMAT: u32 = 1;
/// The key of the format number. Version 0.1.0 wrote format 1 without this key.
pub(super) const FORMAT_KEY: &str = "format";
/// The key of the etcd-heatmap version that wrote the file.
pub(super) const VERSION_KEY: &str = "version";

/// An opened day's file in a format that this version reads.
pub(super) type Opened<R> = ParquetRecordBatchReaderBuilder<R>;

/// Opens a day's file. Fails if it is not Parquet, or its format is later than [`FORMAT`].
pub(super) fn open(path: &Path) -> Result<Opened<File>, HistoryError> {
    bring_here(path)?;
    let file = File::open(path).map_err(|e| FileError::new("read", path, e))?;
    open_content(file, path)
}

/// Like [`open`], for the content of a file; `path` names the file in errors.
pub(super) fn open_content<R: ChunkReader + 'static>(content: R, path: &Path) -> Result<Opened<R>, HistoryError> {
    let opened = Opened::try_new(content).map_err(|e| not_readings(path, &e))?;
    let pairs = pairs(&opened);
    let format = if text(pairs, FORMAT_KEY).is_some() { value(path, pairs, FORMAT_KEY)? } else { 1 };
    if format > FORMAT {
        let version = text(pairs, VERSION_KEY).unwrap_or("of an unknown version").to_owned();
        return Err(HistoryError::LaterFormat { path: path.to_owned(), version, format, readable: FORMAT });
    }
    Ok(opened)
}

/// The key-value pairs of a footer.
pub(super) fn pairs<R: ChunkReader + 'static>(opened: &Opened<R>) -> &[KeyValue] {
    opened.metadata().file_metadata().key_value_metadata().map(Vec::as_slice).unwrap_or_default()
}

/// The text of the key `name`; `None` if the footer lacks it.
pub(super) fn text<'a>(pairs: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let key = key(name);
    pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.as_deref())
}

/// Parses the JSON value of a required key.
pub(super) fn value<T: serde::de::DeserializeOwned>(
    path: &Path,
    pairs: &[KeyValue],
    name: &str,
) -> Result<T, HistoryError> {
    let text = text(pairs, name).ok_or_else(|| not_readings(path, &format!("its footer has no {}", key(name))))?;
    serde_json::from_str(text).map_err(|e| not_readings(path, &format!("{} in its footer: {e}", key(name))))
}

fn key(name: &str) -> String {
    format!("etcd-heatmap.{name}")
}

pub(super) fn not_readings(path: &Path, reason: &dyn ToString) -> HistoryError {
    HistoryError::NotReadings { path: path.to_owned(), reason: reason.to_string() }
}
