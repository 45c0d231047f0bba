//! The footer of a day's file as a struct, and its conversion to and from the stored JSON values.

use std::collections::BTreeMap;
use std::path::Path;

use parquet::file::metadata::KeyValue;
use parquet::file::reader::ChunkReader;

use super::end::EndOfFile;
use super::footer::{self, FORMAT, FORMAT_KEY, Opened, VERSION_KEY, not_readings, open_content};
use super::{Footnotes, HistoryError};
use crate::files::end_elsewhere;
use crate::readings::{Life, Lives, Member, Source, SourceName, SourceTimes, Window};
use crate::spec::Metric;
use crate::time::{Step, TimeRange};

/// The footer key of the numbers of idle readings. Days without any do not have it, nor do days that 0.1.0 wrote.
const IDLE: &str = "idle";
/// The footer key of the ranges with partial responses. Days without partial responses do not have it.
const PARTIAL: &str = "partial_ms";
/// The footer key of the same ranges by source, in a history of several: only the clusters of a source have its partial
/// responses. A version that does not know this key takes [`PARTIAL`] for all clusters.
const PARTIAL_OF: &str = "partial_of_ms";
/// The footer key of the ranges that sources lack. Days that no source lacks do not have it.
const LACKING: &str = "lacking_ms";
/// The footer key of the files from which a day was joined.
const JOINED_FROM: &str = "joined_from";

/// The version that writes files now.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The contents of the footer of a day's file.
#[derive(Clone, Debug, PartialEq)]
pub struct DayMeta {
    /// The source that the day was pulled from.
    pub source: Source,
    /// The part of the day that was requested.
    pub range: TimeRange,
    /// When each member was first and last seen on this day. In a history of several sources, a member whose source lacks a
    /// part of the day counts as seen there: it is expected, and without a reading it is not scored.
    pub lives: Lives,
    /// The number of readings of each metric and each pulled companion, by name. Has an entry for every metric of the
    /// version that wrote the day, even if the pull left the metric out.
    pub known: BTreeMap<String, u64>,
    /// The number of idle readings of each metric that has any, by name. They are not among those of [`Self::known`].
    pub idle: BTreeMap<String, u64>,
    /// The number of rows in the file.
    pub rows: u64,
    /// The version of etcd-heatmap that wrote the file.
    pub version: String,
    /// Ranges in which the server sent partial responses.
    pub partial: Vec<TimeRange>,
    /// In a history of several sources, the sources to whose clusters the ranges in [`Self::partial`] belong.
    pub partial_of: SourceTimes,
    /// In a history of several sources, what each source should have of the day, and lacks.
    pub lacking: SourceTimes,
    /// In a history of several sources, the files of the sources' own histories from which the day was joined, by their
    /// SHA-256.
    pub joined_from: BTreeMap<SourceName, String>,
}

impl DayMeta {
    /// The interval between two steps; `None` if the stored value is invalid.
    pub fn step(&self) -> Option<Step> {
        Step::from_millis(self.source.step_seconds * 1000).ok()
    }

    /// Whether the version that wrote the day had this metric, even if the pull left it out.
    pub fn knows(&self, metric: Metric) -> bool {
        self.known.contains_key(metric.name())
    }

    /// Whether this version wrote the file, and not an earlier one, which may have written something else.
    pub(crate) fn is_of_this_version(&self) -> bool {
        self.version == VERSION
    }

    /// What the footer has besides what follows from the window of the day.
    pub(crate) fn footnotes(&self) -> Footnotes {
        let (lives, lacking, joined_from) = (self.lives.clone(), self.lacking.clone(), self.joined_from.clone());
        Footnotes { lives, lacking, joined_from }
    }

    /// The keys and JSON values to write to the footer.
    pub(super) fn footer(&self) -> Vec<(&'static str, String)> {
        let lives: Vec<(&str, &str, i64, i64)> =
            self.lives.iter().map(|(m, l)| (&*m.cluster, &*m.member, l.first_ms, l.last_ms)).collect();
        let json = |value: serde_json::Value| value.to_string();
        let mut pairs = vec![
            (FORMAT_KEY, FORMAT.to_string()),
            (VERSION_KEY, self.version.clone()),
            ("step_seconds", self.source.step_seconds.to_string()),
            ("source", json(serde_json::json!(self.source))),
            ("range_ms", json(serde_json::json!([self.range.start_ms, self.range.end_ms]))),
            ("lives_ms", json(serde_json::json!(lives))),
            ("known", json(serde_json::json!(self.known))),
        ];
        if !self.idle.is_empty() {
            pairs.push((IDLE, json(serde_json::json!(self.idle))));
        }
        if !self.partial.is_empty() {
            let partial: Vec<(i64, i64)> = self.partial.iter().map(|range| (range.start_ms, range.end_ms)).collect();
            pairs.push((PARTIAL, json(serde_json::json!(partial))));
        }
        for (key, times) in [(PARTIAL_OF, &self.partial_of), (LACKING, &self.lacking)] {
            if !times.is_empty() {
                pairs.push((key, json(serde_json::json!(times))));
            }
        }
        if !self.joined_from.is_empty() {
            pairs.push((JOINED_FROM, json(serde_json::json!(self.joined_from))));
        }
        pairs
    }
}

/// Reads the footer of a day's file, without its rows.
pub fn read_meta(path: &Path) -> Result<DayMeta, HistoryError> {
    if let Some(end) = end_elsewhere(path)?
        && let Ok(meta) = open_content(EndOfFile::from(end), path).and_then(|opened| meta_of(&opened, path))
    {
        return Ok(meta);
    }
    // Whether a file is a day is decided by the whole file.
    meta_of(&footer::open(path)?, path)
}

/// Reads the footer of an opened file; `path` names the file in errors.
pub(super) fn meta_of<R: ChunkReader + 'static>(opened: &Opened<R>, path: &Path) -> Result<DayMeta, HistoryError> {
    let pairs = footer::pairs(opened);
    let lives: Vec<(String, String, i64, i64)> = footer::value(path, pairs, "lives_ms")?;
    let (start_ms, end_ms) = footer::value(path, pairs, "range_ms")?;
    let mut meta = DayMeta {
        source: footer::value(path, pairs, "source")?,
        range: TimeRange { start_ms, end_ms },
        lives: Lives::default(),
        known: footer::value(path, pairs, "known")?,
        idle: optional(path, pairs, IDLE)?.unwrap_or_default(),
        rows: u64::try_from(opened.metadata().file_metadata().num_rows()).unwrap_or(0),
        version: footer::text(pairs, VERSION_KEY).unwrap_or_default().to_owned(),
        partial: optional(path, pairs, PARTIAL)?.map(ranges).unwrap_or_default(),
        partial_of: optional(path, pairs, PARTIAL_OF)?.unwrap_or_default(),
        lacking: optional(path, pairs, LACKING)?.unwrap_or_default(),
        joined_from: optional(path, pairs, JOINED_FROM)?.unwrap_or_default(),
    };
    for (cluster, member, first_ms, last_ms) in lives {
        meta.lives.add(Member::new(&cluster, &member), Life { first_ms, last_ms });
    }
    meta.step().map(|_| meta).ok_or_else(|| not_readings(path, &"its step is not between 1s and 1h"))
}

/// Marks the steps with partial responses in the window of a day: in nearly every file none.
pub(super) fn mark_partial(window: &mut Window, path: &Path, pairs: &[KeyValue]) -> Result<(), HistoryError> {
    let grid = *window.grid();
    let steps = |ranges: &[TimeRange]| -> Vec<_> {
        ranges.iter().map(|range| grid.indices_between(range.start_ms, range.end_ms - 1)).collect()
    };
    match optional::<SourceTimes>(path, pairs, PARTIAL_OF)? {
        Some(times) => times.iter().for_each(|(source, ranges)| window.mark_partial_of(source, &steps(ranges))),
        None => window.mark_partial(&steps(&optional(path, pairs, PARTIAL)?.map(ranges).unwrap_or_default())),
    }
    Ok(())
}

/// The value of a key that only some days have.
fn optional<T: serde::de::DeserializeOwned>(
    path: &Path,
    pairs: &[KeyValue],
    name: &str,
) -> Result<Option<T>, HistoryError> {
    footer::text(pairs, name).map(|_| footer::value(path, pairs, name)).transpose()
}

fn ranges(stored: Vec<(i64, i64)>) -> Vec<TimeRange> {
    stored.into_iter().map(|(start_ms, end_ms)| TimeRange { start_ms, end_ms }).collect()
}
