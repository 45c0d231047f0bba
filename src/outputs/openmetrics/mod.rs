//! `openmetrics/etcd_score-….om`: scores for `promtool tsdb create-blocks-from openmetrics`.
//!
//! Each file holds the samples of exactly one TSDB block, because promtool parses the whole file again for
//! every block that it creates from it. Scored days come in; a file is written as soon as all days that
//! its block overlaps are scored.

mod block_width;
mod family;
mod labels;
mod text;
mod windows;

pub(crate) use block_width::BlockWidth;
pub use block_width::Retention;
pub use family::Family;
pub use labels::ExtraLabels;

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::OutputError;
use super::output::{DayWriter, Needs, Output, OwnedFiles, Scoring};
use crate::folder::{ManifestBlock, ManifestOpenMetrics, Owned, Written};
use crate::score::{DayScores, ScoreTable};
use crate::time::TimeRange;
use text::WindowText;
use windows::OpenWindows;

/// The folder of the files, and the prefix and suffix of their names.
const FOLDER: &str = "openmetrics";
const PREFIX: &str = "etcd_score-";
const SUFFIX: &str = ".om";

pub(crate) struct OpenMetrics;

impl Output for OpenMetrics {
    fn name(&self) -> &'static str {
        "openmetrics"
    }

    fn about(&self) -> &'static str {
        "openmetrics/, for promtool tsdb create-blocks-from"
    }

    fn files(&self) -> &'static [OwnedFiles] {
        const FILES: Owned = Owned::Many { folder: FOLDER, prefix: PREFIX, suffix: SUFFIX };
        &[OwnedFiles { owned: FILES, row: "sample" }]
    }

    fn needs(&self) -> Needs {
        Needs { retention: true, ..Needs::default() }
    }

    fn open<'a>(&self, run: &'a Scoring<'a>) -> Result<Option<Box<dyn DayWriter + 'a>>, OutputError> {
        Ok(Some(Box::new(OpenWindows::new(run))))
    }
}

/// Settings of the OpenMetrics files: retention, families and extra labels.
#[derive(Clone, Debug)]
pub struct Emission {
    /// Retention of the Prometheus that will import the files; sets the length of blocks.
    pub retention: Retention,
    /// Families to write, in the order in which the file lists them.
    pub families: Vec<Family>,
    /// Labels added to each series.
    pub labels: ExtraLabels,
}

impl Emission {
    /// The time ranges of the TSDB blocks that overlap `range`; each block becomes one file.
    pub fn windows(&self, range: TimeRange) -> impl Iterator<Item = TimeRange> {
        BlockWidth::within(&self.retention).windows(range)
    }
}

impl Emission {
    /// The section of the manifest that lists the OpenMetrics files.
    pub(crate) fn listed(&self, mut blocks: Vec<ManifestBlock>) -> ManifestOpenMetrics {
        blocks.sort_by_key(|block| block.first);
        ManifestOpenMetrics {
            block_hours: BlockWidth::within(&self.retention).hours(),
            retention: self.retention.to_string(),
            emit: self.families.iter().map(|family| family.name().to_owned()).collect(),
            labels: self.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            blocks,
        }
    }
}

/// Writes the file of one block. `days` are the days that the block overlaps, in order of time. Without any sample,
/// returns `None` and writes no file.
pub fn write_window(
    out: &Path,
    table: &ScoreTable,
    emission: &Emission,
    window: TimeRange,
    days: &[Arc<DayScores>],
) -> Result<Option<(Written, ManifestBlock)>, OutputError> {
    let path = out.join(FOLDER).join(file_name(window));
    let mut text = WindowText::new(&path, window);
    for family in &emission.families {
        family.write(table, &emission.labels, days, &mut text)?;
    }
    text.finish(out)
}

fn file_name(window: TimeRange) -> String {
    let compact = |ms| DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default().format("%Y%m%dT%H%M%SZ");
    format!("{PREFIX}{}-{}{SUFFIX}", compact(window.start_ms), compact(window.end_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_the_range_of_its_block() {
        let window = TimeRange { start_ms: 1_790_812_800_000, end_ms: 1_790_877_600_000 };
        assert_eq!(file_name(window), "etcd_score-20261001T000000Z-20261001T180000Z.om");
    }
}
