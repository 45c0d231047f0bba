//! What was requested of the source: ranges, step and labels.

use serde::{Deserialize, Serialize};

use crate::readings::Source;
use crate::time::{TimeRange, format_instant};

/// The requested ranges, the step, and the labels that name clusters and members.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The first step of the first range, RFC 3339 in UTC.
    pub(crate) start: String,
    /// The end of the last range (exclusive), RFC 3339 in UTC.
    pub(crate) end: String,
    /// The requested ranges; empty if there is only one, from `start` to `end`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) ranges: Vec<AskedRange>,
    pub(crate) step_seconds: i64,
    /// The label that names the cluster. Null if clusters are named by the label `cluster`, or by
    /// `job` on series without it.
    pub(crate) cluster_label: Option<String>,
    /// The label that names the member.
    pub(crate) member_label: String,
}

/// A requested range. Ranges are only listed if there are several.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AskedRange {
    /// The first step of the range, RFC 3339 in UTC.
    pub(crate) start: String,
    /// The end of the range (exclusive), RFC 3339 in UTC.
    pub(crate) end: String,
}

impl Asked {
    pub(super) fn new(ranges: &[TimeRange], source: &Source) -> Self {
        let instant = |ms: Option<i64>| ms.map(format_instant).unwrap_or_default();
        let listed =
            |range: &TimeRange| AskedRange { start: format_instant(range.start_ms), end: format_instant(range.end_ms) };
        Self {
            start: instant(ranges.first().map(|range| range.start_ms)),
            end: instant(ranges.last().map(|range| range.end_ms)),
            ranges: if ranges.len() > 1 { ranges.iter().map(listed).collect() } else { Vec::new() },
            step_seconds: source.step_seconds,
            cluster_label: source.cluster_label.clone(),
            member_label: source.member_label.clone(),
        }
    }

    /// A note for a message if several ranges with gaps between them were requested; otherwise an empty string.
    pub(crate) fn gaps(&self) -> &'static str {
        if self.ranges.is_empty() { "" } else { " (with gaps that were not asked for)" }
    }
}
