//! `openmetrics/etcd_score-….om`: scores that `promtool tsdb create-blocks-from openmetrics` imports.
//!
//! promtool parses a whole file again for every block that it writes, so each file is one block.

mod block_width;
mod family;
mod labels;
mod text;

pub use block_width::{BlockWidth, Retention};
pub use family::Family;
pub use labels::ExtraLabels;

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ExportError, Written};
use crate::score::{DayScores, ScoreTable};
use crate::time::TimeRange;
use text::WindowText;

/// What to write, and into files how long.
#[derive(Clone, Debug)]
pub struct Emission {
    /// Of the server that will import it.
    pub retention: Retention,
    /// Which families, in the order in which they stand in a file.
    pub families: Vec<Family>,
    /// What each series carries beside its own labels.
    pub labels: ExtraLabels,
}

impl Emission {
    /// The files that a range touches, a TSDB block each.
    pub fn windows(&self, range: TimeRange) -> impl Iterator<Item = TimeRange> {
        BlockWidth::within(&self.retention).windows(range)
    }
}

/// What one file holds, as its block must after the import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestBlock {
    /// Relative to the output folder.
    pub path: String,
    /// Series of all families.
    pub series: u64,
    /// Samples of all series.
    pub samples: u64,
    /// The first sample of all, in seconds since 1970.
    pub first: i64,
    /// The last one.
    pub last: i64,
}

/// What the manifest says of the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestOpenMetrics {
    /// How long a block is.
    pub block_hours: i64,
    /// The retention that it was chosen for.
    pub retention: String,
    /// The families.
    pub emit: Vec<String>,
    /// Labels beside the series' own.
    pub labels: std::collections::BTreeMap<String, String>,
    /// The files in the order of their time.
    pub blocks: Vec<ManifestBlock>,
}

impl ManifestOpenMetrics {
    /// With these files.
    pub fn new(emission: &Emission, mut blocks: Vec<ManifestBlock>) -> Self {
        blocks.sort_by_key(|block| block.first);
        Self {
            block_hours: BlockWidth::within(&emission.retention).hours(),
            retention: emission.retention.to_string(),
            emit: emission.families.iter().map(|family| family.name().to_owned()).collect(),
            labels: emission.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            blocks,
        }
    }
}

/// Writes one window out of the days (in order) that it touches; `None` where no step in it is scored
/// or worth points, for then there is no file.
pub fn write_window(
    out: &Path,
    table: &ScoreTable,
    emission: &Emission,
    window: TimeRange,
    days: &[Arc<DayScores>],
) -> Result<Option<(Written, ManifestBlock)>, ExportError> {
    let path = out.join("openmetrics").join(file_name(window));
    let mut text = WindowText::new(&path, window);
    for family in &emission.families {
        family.write(table, &emission.labels, days, &mut text)?;
    }
    text.finish(out)
}

fn file_name(window: TimeRange) -> String {
    let compact = |ms| DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default().format("%Y%m%dT%H%M%SZ");
    format!("etcd_score-{}-{}.om", compact(window.start_ms), compact(window.end_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_its_window() {
        let window = TimeRange { start_ms: 1_790_812_800_000, end_ms: 1_790_877_600_000 };
        assert_eq!(file_name(window), "etcd_score-20261001T000000Z-20261001T180000Z.om");
    }
}
