//! The sections of the manifest: members, annotations, profile and OpenMetrics files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ManifestRule;

/// One member, and when it was seen.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestMember {
    pub(crate) cluster: String,
    pub(crate) member: String,
    /// The step at which the member was first seen, RFC 3339 in UTC.
    pub(crate) first: String,
    /// The step at which the member was last seen, RFC 3339 in UTC.
    pub(crate) last: String,
    /// For a member that began as a learner, the step at which it first voted, RFC 3339 in UTC, or `never`. Known once the
    /// folder was scored.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) votes_from: Option<String>,
}

/// The file of annotations that the user named; the folder holds a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManifestAnnotations {
    /// The name of the file, without its folder.
    pub(crate) file: String,
    /// The number of annotations in it.
    pub(crate) rows: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub(crate) sha256: String,
}

/// The profile of the scores, including the user's changes to its weights and thresholds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestProfile {
    pub(crate) name: String,
    /// Where the thresholds of the profile come from.
    pub(crate) source: String,
    /// The names of metrics with a weight of 0.
    pub(crate) left_out: Vec<String>,
    /// The weight, bands and caps of each metric, by its name.
    pub(crate) rules: BTreeMap<String, ManifestRule>,
}

/// A summary of one OpenMetrics file. An import compares it with the block that promtool makes from the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestBlock {
    /// Path relative to the output folder.
    pub path: String,
    /// The number of series in the file.
    pub series: u64,
    /// The number of samples in the file.
    pub samples: u64,
    /// The time of the first sample, seconds since 1970.
    pub first: i64,
    /// The time of the last sample, seconds since 1970.
    pub last: i64,
}

/// The OpenMetrics files of the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManifestOpenMetrics {
    /// The time span of a TSDB block, in hours.
    pub(crate) block_hours: i64,
    /// The retention of the target Prometheus, which determines the block size.
    pub(crate) retention: String,
    /// The names of the metric families in the files.
    pub(crate) emit: Vec<String>,
    /// The extra labels of all series.
    pub(crate) labels: BTreeMap<String, String>,
    /// The files in order of time.
    pub(crate) blocks: Vec<ManifestBlock>,
}
