//! `meta.json`: the identity, time range and history of a block.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;

use super::error::BlockError;
use super::file::BytesRead;

/// Name of the file in the folder of a block.
pub(in crate::sources::tsdb) const FILE_NAME: &str = "meta.json";

/// The only version that Prometheus has ever written.
const VERSION: u64 = 1;

/// Largest file that is read, in bytes. A block of thousands of compactions has a few hundred kilobytes.
const LARGEST: u64 = 64 << 20;

/// The name of a block: 26 digits and letters in upper case, that sort by time of creation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Ulid(String);

impl Ulid {
    /// Reads a ULID; `None` if the text is something else, such as the name of a folder that is no block.
    pub fn parse(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        // Crockford's base 32 has no I, L, O and U. The first digit is at most 7, because 128 bits are 25.6 digits.
        let digit = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase() && !b"ILOU".contains(&byte);
        let valid = upper.len() == 26 && upper.bytes().all(digit) && upper.as_bytes()[0] <= b'7';
        valid.then_some(Self(upper))
    }

    /// The 26 digits and letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Ulid {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("'{text}' is not a ULID"))
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What `meta.json` says of a block.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockMeta {
    /// The name of the block, also of its folder.
    pub ulid: Ulid,
    /// Time of the earliest possible sample, in milliseconds since 1970.
    pub min_time: i64,
    /// The first millisecond after the block.
    pub max_time: i64,
    /// Format of the block.
    version: u64,
    /// How Prometheus made the block from others.
    pub compaction: Compaction,
    /// Counts of the content.
    #[serde(default)]
    pub stats: Stats,
    /// What Thanos adds.
    #[serde(default)]
    pub thanos: Thanos,
}

/// How Prometheus made a block from others.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Compaction {
    /// How many compactions lie between the head and this block, at most.
    pub level: u64,
    /// The blocks of the head whose samples are in this block, unless they were deleted.
    pub sources: Vec<Ulid>,
    /// The blocks of which this one was made directly. They are obsolete and soon deleted.
    pub parents: Vec<Parent>,
    /// A compaction found that all samples of this block are deleted.
    pub deletable: bool,
    /// How the block came about, such as `from-out-of-order`.
    pub hints: Vec<String>,
}

/// A block from which another one was made.
#[derive(Clone, Debug, Deserialize)]
pub struct Parent {
    /// Its name.
    pub ulid: Ulid,
}

/// Counts of the content of a block; zero where a writer leaves them out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stats {
    /// Samples of all series, before deletions.
    pub num_samples: u64,
    /// Series.
    pub num_series: u64,
    /// Chunks of all series.
    pub num_chunks: u64,
}

/// What Thanos adds to the description of a block.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Thanos {
    /// The external labels of the Prometheus that wrote the block. The series do not have them.
    pub labels: BTreeMap<String, String>,
    /// Whether the block has fewer samples than were scraped.
    pub downsample: Downsample,
}

/// Distance of the samples of a block of Thanos.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Downsample {
    /// Milliseconds between samples, or 0 for raw samples.
    pub resolution: i64,
}

impl BlockMeta {
    /// Reads `meta.json` of the folder of a block. A downsampled block is described too; [`Self::require_raw`] refuses
    /// it.
    pub fn read(dir: &Path) -> Result<Self, BlockError> {
        Self::read_counted(dir, &BytesRead::default())
    }

    /// Reads `meta.json` and counts its bytes.
    pub(super) fn read_counted(dir: &Path, read: &BytesRead) -> Result<Self, BlockError> {
        let file = dir.join(FILE_NAME);
        let io = |source| BlockError::Io { file: file.clone(), source };
        let size = fs::metadata(&file).map_err(io)?.len();
        if size > LARGEST {
            return Err(BlockError::Meta { file, problem: format!("has {size} bytes, too many for a description") });
        }
        let text = fs::read(&file).map_err(io)?;
        read.add(text.len() as u64);
        Self::parse(dir, &text)
    }

    /// Reads the text of `meta.json` of the folder of a block.
    pub(in crate::sources::tsdb) fn parse(dir: &Path, text: &[u8]) -> Result<Self, BlockError> {
        let file = dir.join(FILE_NAME);
        let meta: Self =
            serde_json::from_slice(text).map_err(|source| BlockError::Json { file: file.clone(), source })?;
        if meta.version != VERSION {
            return Err(BlockError::Version { file, kind: "block", found: meta.version, supported: VERSION });
        }
        match meta.problem(dir) {
            Some(problem) => Err(BlockError::Meta { file, problem }),
            None => Ok(meta),
        }
    }

    /// First millisecond of the block, and the first one after it.
    pub fn range_ms(&self) -> Range<i64> {
        self.min_time..self.max_time
    }

    /// Whether the block holds what came in order from the head, so that the head begins where the block ends. Others have
    /// samples that came late, or series that were moved early.
    ///
    /// Only blocks of the first level are certain: before 3.14, Prometheus forgets `from-out-of-order` when it compacts.
    pub fn is_of_the_head(&self) -> bool {
        self.compaction.level == 1 && self.seems_in_order()
    }

    /// Whether nothing says that the block has samples that came late, or samples of an import: blocks of the head end at a
    /// multiple of two hours, those of promtool at their last sample. It also finds damage that made `maxTime` later,
    /// which would hide samples of the head: no flipped bit of a digit changes it by whole minutes.
    pub fn seems_in_order(&self) -> bool {
        self.compaction.hints.is_empty() && self.max_time % 60_000 == 0
    }

    /// Fails for a block that Thanos downsampled: its chunks are aggregates, which no quantile can be computed from.
    pub fn require_raw(&self, dir: &Path) -> Result<(), BlockError> {
        match self.thanos.downsample.resolution {
            0 => Ok(()),
            resolution_ms => Err(BlockError::Downsampled { file: dir.join(FILE_NAME), resolution_ms }),
        }
    }

    /// What contradicts the folder or itself. The file has no checksum, so that this and the comparison with the index
    /// are all that finds damage.
    fn problem(&self, dir: &Path) -> Option<String> {
        let folder = dir.file_name().and_then(|name| Ulid::parse(name.to_str()?));
        if let Some(folder) = folder.filter(|folder| *folder != self.ulid) {
            return Some(format!("names the block {}, but its folder is {folder}", self.ulid));
        }
        let (min, max) = (self.min_time, self.max_time);
        (min >= max).then(|| format!("has minTime {min}, which is not before maxTime {max}"))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    const ULID: &str = "01M8KTPEYFSWX588SHP6MTNRHC";

    fn read(text: &str) -> Result<BlockMeta, BlockError> {
        let scratch = Scratch::new();
        scratch.write(&format!("{ULID}/meta.json"), text.as_bytes());
        BlockMeta::read(&scratch.path().join(ULID))
    }

    fn minimal(change: impl Fn(&str) -> String) -> Result<BlockMeta, BlockError> {
        read(&change(&format!(
            r#"{{"ulid":"{ULID}","minTime":-5,"maxTime":7,"compaction":{{"level":1}},"version":1}}"#
        )))
    }

    #[test]
    fn a_block_of_thanos_has_labels_and_a_resolution() {
        let text = format!(
            r#"{{"ulid":"{ULID}","minTime":0,"maxTime":7200000,"stats":{{"numSamples":9,"numFloatSamples":9}},
            "compaction":{{"level":2,"sources":["{ULID}"],"parents":[{{"ulid":"01M8KTPEYFSWX588SHP6MTNRHD",
            "minTime":0,"maxTime":1}}],"hints":["from-out-of-order"]}},"version":1,
            "thanos":{{"labels":{{"cluster":"a\"b"}},"downsample":{{"resolution":300000}},"source":"sidecar"}}}}"#
        );
        let meta = read(&text).unwrap();
        assert_eq!(meta.range_ms(), 0..7_200_000);
        assert_eq!(meta.thanos.labels["cluster"], "a\"b");
        assert_eq!(meta.compaction.parents[0].ulid.as_str(), "01M8KTPEYFSWX588SHP6MTNRHD");
        assert_eq!((meta.compaction.sources.len(), meta.stats.num_samples), (1, 9));
        let text = meta.require_raw(Path::new("x")).unwrap_err().to_string();
        assert!(
            text.contains("meta.json describes a block that Thanos downsampled to one sample every 300 s"),
            "{text}"
        );
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_the_name_of_the_file() {
        let meta = minimal(str::to_owned).unwrap();
        assert!(meta.require_raw(Path::new("x")).is_ok());
        for (from, to, expected) in [
            ("\"version\":1", "\"version\":2", "meta.json has block format 2, and only format 1 can be read"),
            ("\"version\":1", "\"x\":1", "missing field `version`"),
            ("\"maxTime\":7", "\"maxTime\":-5", "has minTime -5, which is not before maxTime -5"),
            (
                "01M8KTPEYFSWX588SHP6MTNRHC",
                "01M8KTPEYFSWX588SHP6MTNRHD",
                "but its folder is 01M8KTPEYFSWX588SHP6MTNRHC",
            ),
            ("01M8KTPEYFSWX588SHP6MTNRHC", "block", "'block' is not a ULID"),
            ("minTime", "minTume", "missing field `minTime`"),
            ("}", "", "does not describe a block (EOF"),
        ] {
            let text = minimal(|text| text.replace(from, to)).unwrap_err().to_string();
            assert!(text.contains(expected) && text.contains("meta.json"), "{text}");
        }
    }

    #[test]
    fn only_ulids_are_ulids() {
        assert!(Ulid::parse(ULID).is_some());
        assert_eq!(Ulid::parse(&ULID.to_lowercase()), Ulid::parse(ULID));
        for text in
            ["", "wal", "chunks_head", "01M8KTPEYFSWX588SHP6MTNRHC.tmp-for-creation", "81M8KTPEYFSWX588SHP6MTNRHC"]
        {
            assert_eq!(Ulid::parse(text), None);
        }
        assert_eq!(Ulid::parse("01M8KTPEYFSWX588SHP6MTNRHU"), None);
        assert_eq!(Ulid::parse("01M8KTPEYFSWX588SHP6MTNRHö"), None);
    }
}
