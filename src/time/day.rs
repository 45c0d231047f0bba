//! UTC days.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};

use super::{DAY_MS, TimeError, TimeRange};

/// A UTC day: the unit in which history is stored, pulled, scored and held in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcDay(i32);

impl UtcDay {
    /// The day that contains the instant.
    pub fn of(ms: i64) -> Self {
        Self(i32::try_from(ms.div_euclid(DAY_MS)).unwrap_or(i32::MAX))
    }

    /// The day this many days after 1970-01-01.
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// The midnight at which the day starts.
    pub fn start_ms(self) -> i64 {
        i64::from(self.0) * DAY_MS
    }

    /// The whole day. Its ends are multiples of a step only if that step divides a day.
    pub fn range(self) -> TimeRange {
        TimeRange { start_ms: self.start_ms(), end_ms: self.start_ms() + DAY_MS }
    }

    /// The days from this one to `last`, both included.
    pub fn through(self, last: Self) -> impl Iterator<Item = Self> + Clone {
        (self.0..=last.0).map(Self)
    }

    /// The day that is this many days earlier.
    pub const fn earlier(self, days: u32) -> Self {
        Self(self.0.saturating_sub_unsigned(days))
    }

    /// Lists ascending days for a message, with consecutive days as a range: `2026-10-01 to 2026-10-03, 2026-10-07`.
    pub fn describe(days: &[Self]) -> String {
        let runs = days.chunk_by(|a, b| a.0 + 1 == b.0);
        let describe_run = |run: &[Self]| match run {
            [first, .., last] => format!("{first} to {last}"),
            [only] => only.to_string(),
            [] => String::new(),
        };
        runs.map(describe_run).collect::<Vec<_>>().join(", ")
    }
}

impl From<NaiveDate> for UtcDay {
    fn from(date: NaiveDate) -> Self {
        Self::of(date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
    }
}

impl fmt::Display for UtcDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_millis(self.start_ms()) {
            Some(at) => write!(f, "{}", at.format("%Y-%m-%d")),
            None => write!(f, "day {}", self.0),
        }
    }
}

impl FromStr for UtcDay {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Self::from).map_err(|_| TimeError::NotATime(text.to_owned()))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn consecutive_days_are_listed_as_one_run() {
        let days: Vec<UtcDay> =
            ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-07"].map(|d| d.parse().unwrap()).into();
        assert_eq!(UtcDay::describe(&days), "2026-10-01 to 2026-10-03, 2026-10-07");
    }
}
