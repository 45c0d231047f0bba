//! The list of a tenant's blocks that the compactor of Mimir and Cortex keeps, so that nobody has to list the bucket.

use std::io::Read;

use flate2::read::GzDecoder;
use serde::Deserialize;

use crate::sources::tsdb::block::Ulid;

/// Its name in the folder of the tenant.
pub(super) const INDEX: &str = "bucket-index.json.gz";

/// Largest list that is read, in bytes: a block has about 200.
const LARGEST: u64 = 1 << 30;

/// After this many seconds without an update, the queriers of Mimir refuse the list: the compactor has stopped writing it,
/// or this is a copy.
const STALE_S: i64 = 3600;

/// The list of the blocks of a tenant.
#[derive(Debug, Deserialize)]
pub(super) struct BucketIndex {
    blocks: Option<Vec<Listed>>,
    block_deletion_marks: Option<Vec<Marked>>,
    /// Seconds since 1970.
    updated_at: i64,
}

/// A block of the list.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) block_id: Ulid,
    /// Milliseconds since 1970.
    pub(super) min_time: i64,
    /// The first millisecond after the block.
    pub(super) max_time: i64,
}

/// A block that will be deleted.
#[derive(Debug, Deserialize)]
pub(super) struct Marked {
    pub(super) block_id: Ulid,
    /// When it was marked, in seconds since 1970.
    pub(super) deletion_time: i64,
}

impl BucketIndex {
    /// Reads the compressed list; an error is a reason in words.
    pub(super) fn parse(compressed: &[u8]) -> Result<Self, String> {
        let mut text = Vec::new();
        let read = GzDecoder::new(compressed).take(LARGEST).read_to_end(&mut text);
        read.map_err(|error| error.to_string())?;
        serde_json::from_slice(&text).map_err(|error| error.to_string())
    }

    /// Whether the list is so old that blocks may be missing.
    pub(super) fn is_stale(&self, now_s: i64) -> bool {
        now_s.saturating_sub(self.updated_at) > STALE_S
    }

    /// When the list was written, in milliseconds since 1970.
    pub(super) fn updated_ms(&self) -> i64 {
        self.updated_at.saturating_mul(1000)
    }

    pub(super) fn blocks(&self) -> &[Listed] {
        self.blocks.as_deref().unwrap_or_default()
    }

    pub(super) fn marks(&self) -> &[Marked] {
        self.block_deletion_marks.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn parse(text: &str) -> Result<BucketIndex, String> {
        let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
        compressed.write_all(text.as_bytes()).unwrap();
        BucketIndex::parse(&compressed.finish().unwrap())
    }

    #[test]
    fn a_list_has_blocks_with_their_times_and_marks() {
        let index = parse(
            r#"{"version":2,"blocks":[{"block_id":"01M8KTPEYFSWX588SHP6MTNRHC","min_time":5,"max_time":9,
            "segments_format":"1b6d","segments_num":1,"uploaded_at":7,"compactor_shard_id":"1_of_4"}],
            "block_deletion_marks":[{"block_id":"01M8KTPEYFSWX588SHP6MTNRHD","deletion_time":8}],"updated_at":1000}"#,
        )
        .unwrap();
        assert_eq!(index.blocks()[0].block_id.as_str(), "01M8KTPEYFSWX588SHP6MTNRHC");
        assert_eq!((index.blocks()[0].min_time, index.blocks()[0].max_time), (5, 9));
        assert_eq!((index.marks()[0].deletion_time, index.updated_ms()), (8, 1_000_000));
        assert!(index.is_stale(1001 + STALE_S) && !index.is_stale(1000 + STALE_S) && !index.is_stale(900));
    }

    #[test]
    fn a_tenant_without_blocks_has_an_empty_list() {
        // Go writes an empty list as null.
        let index = parse(r#"{"version":1,"blocks":null,"block_deletion_marks":null,"updated_at":1}"#).unwrap();
        assert!(index.blocks().is_empty() && index.marks().is_empty());
    }

    #[test]
    fn what_is_no_list_is_refused_with_a_reason() {
        assert!(parse("{}").unwrap_err().contains("updated_at"));
        assert!(parse(r#"{"blocks":[{"block_id":"x"}],"updated_at":1}"#).unwrap_err().contains("not a ULID"));
        assert!(BucketIndex::parse(b"plain").is_err());
    }
}
