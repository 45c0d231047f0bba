//! When a member reaches a limit: its database the quota, its process the limit of open file descriptors.
//!
//! The history is cut at defragmentations or restarts (`segments`), so growth is never measured across a drop. Growth is
//! a Theil-Sen slope with an interval (`trend`). A database that is defragmented regularly is expected to go on like that
//! (`teeth`): what counts is whether the sizes just before its defragmentations grow toward the quota.

mod segments;
mod teeth;
mod trend;

#[cfg(test)]
mod simulated;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;

use segments::Segments;
use trend::{Path, Trend};

use crate::time::DAY_MS;

/// How far ahead a limit is looked for, in days.
pub const HORIZON_DAYS: i64 = 90;
/// Shortest history for a date, in days: three whole days, so that growth in the daytime is not taken for a trend. It is
/// that of the current segment, together with earlier ones if it is shorter than a week; gaps between segments do not count.
pub const LEAST_DAYS: f64 = 3.0;
/// A current segment this long, in days, is used alone: it covers every weekday once. A shorter one is used together with
/// the segments before it.
const ALONE_DAYS: f64 = 7.0;
/// The longest history that a rate is measured over, in days: growth of last year says little about that of this month.
const LONGEST_DAYS: f64 = 28.0;
/// The share of the limit from which on a date is given.
const NEAR: f64 = 0.5;
/// Readings that end this long before the end of the history, in days, are too old for a forecast.
const STALE_DAYS: f64 = 1.0;

/// What is used up, which decides how a history is cut and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Bytes of a database file against the quota. It only shrinks at a defragmentation or when it is replaced.
    Database,
    /// Open file descriptors of a process against its limit. They rise and fall with the load, so the highest number of
    /// each day counts; only since the process started.
    Descriptors,
}

/// Readings of one member, evenly spaced: the first at `start_ms`, one every `step_ms`. NaN is missing, and so is whatever
/// a slice lacks at its end.
#[derive(Clone, Copy, Debug)]
pub struct Usage<'a> {
    /// The instant of the first reading, milliseconds since 1970.
    pub start_ms: i64,
    /// The distance of two readings in milliseconds.
    pub step_ms: i64,
    /// What is used: bytes or descriptors. Negative and infinite readings count as missing.
    pub used: &'a [f64],
    /// The limit, in the same unit; the last one that is present counts. Zero, negative or infinite means no limit.
    pub limit: &'a [f64],
    /// When the process started, seconds since 1970. Only for [`Resource::Descriptors`].
    pub started: &'a [f64],
}

/// When a limit is reached. Instants are milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// No reading in the last day of the history.
    NoReadings,
    /// The history has no reading of the limit.
    NoLimit,
    /// The limit is disabled.
    Unlimited,
    /// Less than half of the limit is used now.
    NotNear,
    /// The history is shorter than [`LEAST_DAYS`], or since then nearly everything is missing.
    TooShort,
    /// The limit is reached now.
    Reached,
    /// Not within [`HORIZON_DAYS`], even with the fastest growth of the interval.
    NotWithin,
    /// Dates of the median growth and of the ends of its 90 % interval; `None` is later than [`HORIZON_DAYS`] or never.
    Dates {
        /// The date with the fastest growth.
        earliest: i64,
        /// The date with the median growth.
        median: Option<i64>,
        /// The date with the slowest growth.
        latest: Option<i64>,
    },
}

/// The answer, and the numbers that explain it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// When the limit is reached.
    pub when: When,
    /// What is used now: the last reading. `None` without a reading in the last day.
    pub now: Option<f64>,
    /// The limit; `None` if it is missing or disabled.
    pub limit: Option<f64>,
    /// The growth a day behind the dates, or behind [`When::NotWithin`]; negative if it shrinks.
    pub per_day: Option<f64>,
}

/// When this member reaches its limit.
pub fn outlook(resource: Resource, usage: &Usage<'_>) -> Outlook {
    let segments = Segments::of(resource, usage);
    let now = segments.last_reading().filter(|(day, _)| segments.end_day() - day <= STALE_DAYS);
    let stated = usage.limit.iter().rev().find(|limit| !limit.is_nan()).copied();
    let limit = stated.filter(|limit| *limit > 0.0 && limit.is_finite());
    let (when, per_day) = match (now, stated, limit) {
        (None, ..) => (When::NoReadings, None),
        (_, None, _) => (When::NoLimit, None),
        (_, _, None) => (When::Unlimited, None),
        (Some((_, used)), _, Some(limit)) if used >= limit => (When::Reached, None),
        (Some((_, used)), _, Some(limit)) => ahead(resource, usage, &segments, used, limit),
    };
    Outlook { when, now: now.map(|(_, used)| used), limit, per_day }
}

/// The answer for a limit that is not reached yet, and the growth a day.
fn ahead(resource: Resource, usage: &Usage<'_>, segments: &Segments, used: f64, limit: f64) -> (When, Option<f64>) {
    let trend = segments.recent().and_then(|groups| Trend::of(resource, &groups));
    let level = match resource {
        Resource::Database => segments.level(),
        Resource::Descriptors => trend.as_ref().map_or(used, |trend| trend.level(segments.end_day())),
    };
    if used.max(level) < NEAR * limit {
        return (When::NotNear, None);
    }
    let Some(trend) = trend else { return (When::TooShort, None) };
    let trend = segments.last_day().and_then(|day| trend.faster(day, segments.last_hour_per_day())).unwrap_or(trend);
    let path = Path { level: level.min(limit), limit, trend: &trend };
    let steady = match resource {
        Resource::Database => teeth::Sawtooth::of(segments).filter(|sawtooth| sawtooth.goes_on(segments, used, &path)),
        Resource::Descriptors => None,
    };
    let (when, per_day) = match steady {
        Some(sawtooth) => sawtooth.reaches(segments.end_day(), limit),
        None => (path.reaches(), trend.rate),
    };
    let at = |days: f64| usage.start_ms.saturating_add(((segments.end_day() + days) * DAY_MS as f64).round() as i64);
    (when.map_or(When::NotWithin, |days| days.dates(at)), Some(per_day))
}

/// Days from now until the limit is reached; `None` is beyond the horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Days {
    earliest: f64,
    median: Option<f64>,
    latest: Option<f64>,
}

impl Days {
    fn dates(self, at: impl Fn(f64) -> i64) -> When {
        When::Dates { earliest: at(self.earliest), median: self.median.map(&at), latest: self.latest.map(&at) }
    }
}
