//! A TSDB block's `meta.json`: reading, verifying and renaming.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{ImportError, Ulid};
use crate::files::WholeFile;
use crate::folder::ManifestBlock;
use crate::text::count;
use crate::time::format_instant;

const META: &str = "meta.json";

/// The fields of a block's `meta.json` that an import needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockMeta {
    pub(super) ulid: String,
    pub(super) min_time: i64,
    /// End of the block in milliseconds, exclusive.
    pub(super) max_time: i64,
    #[serde(default)]
    stats: Stats,
    #[serde(default)]
    compaction: Compaction,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    #[serde(default)]
    num_samples: u64,
    #[serde(default)]
    num_series: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Compaction {
    #[serde(default)]
    sources: Vec<String>,
    #[serde(default)]
    hints: Vec<String>,
}

impl BlockMeta {
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(folder.join(META))?)?)
    }

    /// Whether this block is `ulid`, or was compacted from it.
    pub(super) fn holds(&self, ulid: &str) -> bool {
        self.ulid == ulid || self.compaction.sources.iter().any(|source| source == ulid)
    }

    pub(super) fn overlaps(&self, first_ms: i64, last_ms: i64) -> bool {
        self.min_time <= last_ms && first_ms < self.max_time
    }

    /// Whether Prometheus may start its head at the end of this block. Prometheus ignores blocks with hints for this,
    /// because hints mark blocks of out-of-order samples or stale series.
    pub(super) fn is_in_order(&self) -> bool {
        self.compaction.hints.is_empty()
    }

    /// Checks that the number of samples and series and the time range of the block are those of the file.
    pub(super) fn verify(&self, written: &ManifestBlock, file: &Path) -> Result<(), ImportError> {
        let differs = self.difference(written);
        differs.map_or(Ok(()), |differs| Err(ImportError::Differs { file: file.to_owned(), differs }))
    }

    fn difference(&self, written: &ManifestBlock) -> Option<String> {
        let Stats { num_samples, num_series } = self.stats;
        let (first, last) = (self.min_time, self.max_time - 1);
        if num_samples < written.samples {
            let dropped = written.samples - num_samples;
            return Some(format!("promtool silently dropped {dropped} of {}", count(written.samples, "sample")));
        }
        if num_samples > written.samples {
            let [found, expected] = [num_samples, written.samples].map(|samples| count(samples, "sample"));
            return Some(format!("it has {found} instead of {expected}"));
        }
        if num_series != written.series {
            return Some(format!("it has {num_series} series instead of {}", written.series));
        }
        if (first, last) != (written.first * 1000, written.last * 1000) {
            let (first, last, from, to) = (first, last, written.first * 1000, written.last * 1000);
            let [first, last, from, to] = [first, last, from, to].map(format_instant);
            return Some(format!("its samples are from {first} to {last} instead of {from} to {to}"));
        }
        None
    }
}

/// Renames the folder of a block to a new ULID, and sets it as the `ulid` and the only compaction source in
/// `meta.json`. Returns the new path.
pub(super) fn rename(folder: &Path, ulid: Ulid) -> Result<PathBuf, ImportError> {
    let path = folder.join(META);
    let mut meta: Value =
        fs::read(&path).and_then(|text| Ok(serde_json::from_slice(&text)?)).map_err(ImportError::io("read", &path))?;
    meta["ulid"] = json!(ulid.to_string());
    meta["compaction"]["sources"] = json!([ulid.to_string()]);
    WholeFile::write(&path, format!("{meta:#}").as_bytes())?;
    let named = folder.with_file_name(ulid.to_string());
    fs::rename(folder, &named).map_err(ImportError::io("rename", folder))?;
    Ok(named)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn meta(samples: u64, series: u64, min: i64, max: i64) -> BlockMeta {
        let stats = json!({"numSamples": samples, "numSeries": series, "numChunks": 1});
        let compaction = json!({"level": 2, "sources": ["01ARYZ6S41TSV4RRFFQ69G5FAV"]});
        let meta = json!({"ulid": "x", "minTime": min, "maxTime": max, "stats": stats, "compaction": compaction});
        serde_json::from_value(meta).unwrap()
    }

    #[test]
    fn every_difference_is_reported() {
        let written = ManifestBlock { path: "f".to_owned(), series: 2, samples: 10, first: 60, last: 120 };
        assert_eq!(meta(10, 2, 60_000, 120_001).difference(&written), None);
        for (meta, word) in [
            (meta(7, 2, 60_000, 120_001), "dropped 3 of 10"),
            (meta(11, 2, 60_000, 120_001), "11 samples instead of 10"),
            (meta(10, 1, 60_000, 120_001), "1 series instead of 2"),
            (meta(10, 2, 60_001, 120_001), "from 1970-01-01T00:01:00.001Z"),
            (meta(10, 2, 60_000, 120_000), "to 1970-01-01T00:01:59.999Z"),
        ] {
            assert!(meta.difference(&written).unwrap().contains(word), "{word}");
        }
    }

    #[test]
    fn a_block_is_recognized_by_its_ulid_and_by_its_sources() {
        let meta = meta(10, 2, 60_000, 120_001);
        assert!(meta.holds("x") && meta.holds("01ARYZ6S41TSV4RRFFQ69G5FAV") && !meta.holds("y"));
        assert!(meta.overlaps(120_000, 130_000) && meta.overlaps(0, 60_000) && meta.overlaps(0, 999_999));
        assert!(!meta.overlaps(120_001, 130_000) && !meta.overlaps(0, 59_999));
    }

    #[test]
    fn a_block_that_differs_from_its_file_is_an_error_with_both_ranges() {
        let written = ManifestBlock { path: "f".to_owned(), series: 2, samples: 10, first: 60, last: 120 };
        meta(10, 2, 60_000, 120_001).verify(&written, Path::new("f")).unwrap();
        let error = meta(10, 2, 0, 180_001).verify(&written, Path::new("f")).unwrap_err();
        let ImportError::Differs { file, differs } = error else { panic!("{error}") };
        assert_eq!(file, Path::new("f"));
        for part in ["1970-01-01T00:00:00Z to 1970-01-01T00:03:00Z", "1970-01-01T00:01:00Z to 1970-01-01T00:02:00Z"] {
            assert!(differs.contains(part), "{differs}");
        }
    }

    #[test]
    fn a_renamed_block_is_its_only_source_and_keeps_the_rest_of_its_meta() {
        let scratch = Scratch::new();
        let folder = scratch.path().join("01ARYZ6S41TSV4RRFFQ69G5FAV");
        fs::create_dir(&folder).unwrap();
        let old = json!({"ulid": "x", "minTime": 1, "maxTime": 2, "version": 1, "compaction": {"level": 2, "sources": ["x", "y"]}});
        fs::write(folder.join(META), old.to_string()).unwrap();
        let ulid = Ulid::of_file(0, "abc");
        let renamed = rename(&folder, ulid).unwrap();
        assert_eq!(renamed, scratch.path().join(ulid.to_string()));
        assert!(!folder.exists());
        let new: Value = serde_json::from_slice(&fs::read(renamed.join(META)).unwrap()).unwrap();
        let name = ulid.to_string();
        let expected = json!({"ulid": name, "minTime": 1, "maxTime": 2, "version": 1, "compaction": {"level": 2, "sources": [name]}});
        assert_eq!(new, expected);
    }
}
