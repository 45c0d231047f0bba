//! The footer of a day's file as a struct, and its conversion to and from the stored JSON values.

use std::collections::BTreeMap;
use std::path::Path;

use parquet::file::metadata::KeyValue;
use parquet::file::reader::ChunkReader;

use super::HistoryError;
use super::end::EndOfFile;
use super::footer::{self, FORMAT, FORMAT_KEY, Opened, VERSION_KEY, not_readings, open_content};
use crate::files::end_elsewhere;
use crate::readings::{Life, Lives, Member, Source};
use crate::spec::Metric;
use crate::time::{Step, TimeRange};

/// The footer key of the numbers of idle readings. Days without any do not have it, nor do days that 0.1.0 wrote.
const IDLE: &str = "idle";
/// The footer key of the ranges with partial responses. Days without partial responses do not have it.
const PARTIAL: &str = "partial_ms";

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
    /// Ranges in which the server sent partial responses.
    pub partial: Vec<TimeRange>,
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

    /// The keys and JSON values to write to the footer.
    pub(super) fn footer(&self) -> Vec<(&'static str, String)> {
        let lives: Vec<(&str, &str, i64, i64)> =
            self.lives.iter().map(|(m, l)| (&*m.cluster, &*m.member, l.first_ms, l.last_ms)).collect();
        let json = |value: serde_json::Value| value.to_string();
        let mut pairs = vec![
            (FORMAT_KEY, FORMAT.to_string()),
            (VERSION_KEY, env!("CARGO_PKG_VERSION").to_owned()),
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
        idle: match footer::text(pairs, IDLE) {
            Some(_) => footer::value(path, pairs, IDLE)?,
            None => BTreeMap::new(),
        },
        rows: u64::try_from(opened.metadata().file_metadata().num_rows()).unwrap_or(0),
        partial: partial_ranges(path, pairs)?,
    };
    for (cluster, member, first_ms, last_ms) in lives {
        meta.lives.add(Member::new(&cluster, &member), Life { first_ms, last_ms });
    }
    meta.step().map(|_| meta).ok_or_else(|| not_readings(path, &"its step is not between 1s and 1h"))
}

/// The ranges with partial responses; empty in nearly every file.
pub(super) fn partial_ranges(path: &Path, pairs: &[KeyValue]) -> Result<Vec<TimeRange>, HistoryError> {
    if footer::text(pairs, PARTIAL).is_none() {
        return Ok(Vec::new());
    }
    let ranges: Vec<(i64, i64)> = footer::value(path, pairs, PARTIAL)?;
    Ok(ranges.into_iter().map(|(start_ms, end_ms)| TimeRange { start_ms, end_ms }).collect())
}
