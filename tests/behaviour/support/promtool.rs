//! Imports OpenMetrics text with promtool and counts what its blocks hold.

use std::fs;

use super::Folder;
use super::program::{Run, needed};
use super::server::ONE_BLOCK;

/// The exit of promtool, and the content of its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blocks {
    pub(crate) code: Option<i32>,
    pub(crate) counts: Counts,
}

/// Counts that are comparable between a file and its blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) series: u64,
    pub(crate) samples: u64,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
}

impl Counts {
    /// Counts series and samples from the lines of a text, independently of our own reader.
    pub(crate) fn of(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let parts: Vec<_> = samples.map(|line| line.rsplitn(3, ' ').collect::<Vec<_>>()).collect();
        let series: std::collections::BTreeSet<_> = parts.iter().map(|part| part[2]).collect();
        let seconds = || parts.iter().map(|part| part[0].parse::<i64>().expect("whole seconds"));
        Self {
            series: series.len() as u64,
            samples: parts.len() as u64,
            first_ms: seconds().min().expect("a sample") * 1000,
            last_ms: seconds().max().expect("a sample") * 1000,
        }
    }
}

/// Creates blocks from a text with promtool, in a new folder.
pub(crate) fn blocks_of(text: &[u8]) -> Blocks {
    let folder = Folder::new("blocks");
    let file = folder.write("history.om", text);
    let mut promtool = needed("promtool", "prometheus");
    promtool.args(["tsdb", "create-blocks-from", "--quiet"]).args(ONE_BLOCK).arg("openmetrics");
    promtool.arg(file).arg(folder.at("data"));
    let code = Run::of(promtool).code;
    let mut counts: Option<Counts> = None;
    for (name, meta) in folder.tree("data").iter().filter(|(name, _)| name.ends_with("meta.json")) {
        let meta: serde_json::Value = serde_json::from_slice(meta).unwrap_or_else(|error| panic!("{name}: {error}"));
        let number = |value: &serde_json::Value| value.as_i64().unwrap_or_else(|| panic!("no number in {meta}"));
        let stats = &meta["stats"];
        // `maxTime` of a block is one millisecond after its last sample.
        let (first_ms, last_ms) = (number(&meta["minTime"]), number(&meta["maxTime"]) - 1);
        let before = counts.unwrap_or(Counts { first_ms, last_ms, ..Counts::default() });
        counts = Some(Counts {
            series: before.series + number(&stats["numSeries"]) as u64,
            samples: before.samples + number(&stats["numSamples"]) as u64,
            first_ms: before.first_ms.min(first_ms),
            last_ms: before.last_ms.max(last_ms),
        });
    }
    let _ = fs::remove_dir_all(folder.at("data"));
    Blocks { code, counts: counts.unwrap_or_default() }
}
