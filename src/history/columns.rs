//! The leading columns (time, cluster and member) and the writer settings that all Parquet files
//! of readings and scores share.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, StringArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, TimeUnit};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::readings::Member;

/// The names of the three leading columns.
pub const MEMBER_COLUMNS: [&str; 3] = ["ts", "cluster", "member"];

/// The time, cluster and member columns of one day; cluster and member are dictionary-encoded.
pub struct LabelColumns {
    clusters: Arc<StringArray>,
    members: Arc<StringArray>,
    /// For each member, the index of its cluster in `clusters`.
    cluster_keys: Vec<i32>,
}

impl LabelColumns {
    /// Builds the dictionaries for these members, which must be sorted by cluster.
    pub fn new(members: &[Member]) -> Self {
        let mut clusters: Vec<&str> = Vec::new();
        let mut cluster_keys = Vec::with_capacity(members.len());
        for member in members {
            if clusters.last() != Some(&&*member.cluster) {
                clusters.push(&member.cluster);
            }
            cluster_keys.push(clusters.len() as i32 - 1);
        }
        Self {
            clusters: Arc::new(StringArray::from(clusters)),
            members: Arc::new(StringArray::from_iter_values(members.iter().map(|m| &*m.member))),
            cluster_keys,
        }
    }

    /// The fields `ts`, `cluster` and `member`.
    pub fn fields() -> Vec<Field> {
        let label = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        vec![
            Field::new(MEMBER_COLUMNS[0], DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), false),
            Field::new(MEMBER_COLUMNS[1], label.clone(), false),
            Field::new(MEMBER_COLUMNS[2], label, false),
        ]
    }

    /// The three columns for rows with these times (milliseconds) and member indices.
    pub fn arrays(&self, ts: Vec<i64>, member_of_row: &[i32]) -> Vec<ArrayRef> {
        let ts = TimestampMillisecondArray::from(ts).with_timezone("UTC");
        let clusters = Int32Array::from_iter_values(member_of_row.iter().map(|&m| self.cluster_keys[m as usize]));
        let members = Int32Array::from(member_of_row.to_vec());
        let label = |keys, values: &Arc<StringArray>| -> ArrayRef {
            Arc::new(DictionaryArray::<Int32Type>::new(keys, values.clone()))
        };
        vec![Arc::new(ts), label(clusters, &self.clusters), label(members, &self.members)]
    }
}

/// The settings of a Parquet writer: zstd, statistics per column chunk only, and `metadata` in the footer,
/// with `etcd-heatmap.` before each key.
pub fn writer_properties(metadata: &[(&str, String)]) -> WriterPropertiesBuilder {
    let pairs = metadata.iter().map(|(k, v)| KeyValue::new(format!("etcd-heatmap.{k}"), v.clone())).collect();
    let created_by = concat!("etcd-heatmap ", env!("CARGO_PKG_VERSION")).to_owned();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(created_by)
        .set_key_value_metadata(Some(pairs));
    int_column(properties, MEMBER_COLUMNS[0])
}

/// Uses delta encoding instead of a dictionary for a column of ascending or small integers.
pub fn int_column(properties: WriterPropertiesBuilder, name: &str) -> WriterPropertiesBuilder {
    let column = ColumnPath::from(name);
    properties
        .set_column_dictionary_enabled(column.clone(), false)
        .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
}
