//! Instants, steps, ranges, UTC days, local cells and grids of steps, with the texts that users write for them.
//!
//! Every instant is an `i64` in milliseconds since the Unix epoch, UTC. Only `local.rs` uses time zones. This
//! module neither reads a clock (callers pass the current time in) nor writes durations for messages.

mod grid;
mod local;
mod stretches;

pub use grid::Grid;
pub use local::{CellWidth, LocalCell, Zone};
pub use stretches::{count_within, stretches, union, union_of_ranges};

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// Milliseconds in an hour, the default width of a cell.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a UTC day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A number above this (the year 5138 in seconds) is assumed to be in milliseconds.
const EPOCH_SECONDS_MAX: f64 = 1e11;

/// An unusable time, step, time zone, cell width or range. Each message includes a remedy.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TimeError {
    /// The text is not a time in any accepted format.
    #[error(
        "'{0}' is not a time: write RFC 3339 (2026-10-01T00:00:00Z), a date (2026-10-01), month or year, seconds since 1970, now, now-30d, or now-1d/d for midnight"
    )]
    NotATime(String),
    /// A number so large that it must be in milliseconds.
    #[error("'{0}' looks like milliseconds: write the time in seconds since 1970")]
    Milliseconds(String),
    /// The text is not a duration such as `1m`.
    #[error("'{0}' is not a step: write a duration such as 15s, 1m or 5m")]
    NotAStep(String),
    /// A duration that is zero, longer than an hour, or not in whole seconds.
    #[error("a step of {0} cannot be used: give whole seconds, from 1s to 1h")]
    StepOutOfRange(String),
    /// The IANA database has no time zone of this name.
    #[error("'{0}' is not a time zone: write an IANA name such as Europe/Berlin, America/New_York or UTC")]
    NotAZone(String),
    /// A local time that is skipped when clocks go forward.
    #[error("{text} does not exist in {zone}, where clocks skip it: give an earlier or later time")]
    NoSuchLocalTime {
        /// The local time as the user wrote it.
        text: String,
        /// The name of the time zone.
        zone: String,
    },
    /// A cell width other than 15m, 30m, 1h and 2h.
    #[error("'{0}' is not the width of a cell: write 15m, 30m, 1h or 2h")]
    NotACellWidth(String),
    /// A start that is not before the end.
    #[error("the range is empty: its start {start} is not before its end {end}; give a --start before --end")]
    EmptyRange {
        /// The start of the requested range.
        start: String,
        /// The end of the requested range.
        end: String,
    },
    /// A range without any multiple of the step.
    #[error(
        "the range {start} to {end} contains no multiple of the step {step}: widen the range or give a shorter --step"
    )]
    NoStep {
        /// The start of the requested range.
        start: String,
        /// The end of the requested range.
        end: String,
        /// The step that the user requested.
        step: Step,
    },
    /// Samples that are later than now by far.
    #[error("the samples begin at {first}, in the future: check that their timestamps are in seconds")]
    FutureSamples {
        /// The time of the first sample.
        first: String,
    },
    /// A range that starts after the current time.
    #[error("the range starts in the future: its start {start} is after now, {now}; give an earlier --start")]
    FutureRange {
        /// The start of the requested range.
        start: String,
        /// The current time of this machine.
        now: String,
    },
}

/// The interval between two evaluations: whole seconds, from one second to one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(i64);

impl Step {
    /// A step of `millis` milliseconds. Fails unless that is a whole number of seconds from 1 s to 1 h.
    pub fn from_millis(millis: i64) -> Result<Self, TimeError> {
        if millis % 1000 == 0 && (1000..=HOUR_MS).contains(&millis) {
            Ok(Self(millis))
        } else {
            Err(TimeError::StepOutOfRange(format!("{}s", millis as f64 / 1000.0)))
        }
    }

    /// The length of the step in milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The length of the step in seconds.
    pub const fn seconds(self) -> i64 {
        self.0 / 1000
    }
}

impl FromStr for Step {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let duration = humantime::parse_duration(text.trim()).map_err(|_| TimeError::NotAStep(text.to_owned()))?;
        if duration.subsec_nanos() != 0 {
            return Err(TimeError::StepOutOfRange(text.to_owned()));
        }
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(millis).map_err(|_| TimeError::StepOutOfRange(text.to_owned()))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds() {
            s if s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

/// Parses an instant that a user wrote; `now_ms` is the current time.
///
/// Accepts RFC 3339, a date, month, year or a date with a time (all UTC), seconds since 1970, `now`, `now-30d`, and
/// Grafana's `now-1d/d`, which rounds down to midnight UTC: a daily job then covers whole days, whenever it runs.
pub fn parse_instant(text: &str, now_ms: i64) -> Result<i64, TimeError> {
    let text = text.trim();
    let unknown = || TimeError::NotATime(text.to_owned());
    if let Some(offset) = text.strip_prefix("now") {
        let (offset, of_day) = offset.strip_suffix("/d").map_or((offset, false), |offset| (offset, true));
        let at = parse_offset(offset).map(|ms| now_ms.saturating_add(ms));
        // `UtcDay` holds an `i32`, which would overflow with offsets of millions of years.
        let at = at.filter(|&ms| (ms as f64).abs() <= EPOCH_SECONDS_MAX * 1000.0).ok_or_else(unknown)?;
        return Ok(if of_day { UtcDay::of(at).start_ms() } else { at });
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.timestamp_millis());
    }
    if let Some(date) = parse_date(text) {
        return Ok(UtcDay::from(date).start_ms());
    }
    for format in ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(at.and_utc().timestamp_millis());
        }
    }
    let seconds = text.parse::<f64>().ok().filter(|s| s.is_finite()).ok_or_else(unknown)?;
    if seconds.abs() > EPOCH_SECONDS_MAX {
        return Err(TimeError::Milliseconds(text.to_owned()));
    }
    Ok((seconds * 1000.0).round() as i64)
}

/// Parses a date, or the first day of a month (`2026-10`) or year (`2026`). Four digits mean a year: as seconds
/// since 1970, they would be an instant in the first three hours of 1970.
fn parse_date(text: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = text.split('-').collect();
    let has_digits = |part: &str, n: usize| part.len() == n && part.bytes().all(|b| b.is_ascii_digit());
    let whole = match parts[..] {
        [year] if has_digits(year, 4) => format!("{year}-01-01"),
        [year, month] if has_digits(year, 4) && has_digits(month, 2) => format!("{year}-{month}-01"),
        _ => text.to_owned(),
    };
    NaiveDate::parse_from_str(&whole, "%Y-%m-%d").ok()
}

/// Parses what follows `now`: an empty text gives 0, and `-30d` gives minus thirty days in milliseconds.
fn parse_offset(offset: &str) -> Option<i64> {
    let offset = offset.trim();
    if offset.is_empty() {
        return Some(0);
    }
    let sign = match offset.as_bytes()[0] {
        b'-' => -1,
        b'+' => 1,
        _ => return None,
    };
    let duration = humantime::parse_duration(offset[1..].trim()).ok()?;
    Some(sign * i64::try_from(duration.as_millis()).ok()?)
}

/// The instant in RFC 3339, UTC; with milliseconds only if they are not zero.
pub fn format_instant(ms: i64) -> String {
    match DateTime::<Utc>::from_timestamp_millis(ms) {
        Some(at) if ms % 1000 == 0 => at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Some(at) => at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        None => format!("{ms} ms"),
    }
}

/// A half-open range `[start, end)`. [`TimeRange::resolve`] rounds both ends to multiples of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first instant of the range, milliseconds since 1970.
    pub start_ms: i64,
    /// The first instant after the range, milliseconds since 1970.
    pub end_ms: i64,
}

impl TimeRange {
    /// The range of the steps `t` with `start <= t < end` and `t <= now`. Fails if there are none.
    ///
    /// Rounds both ends up to a multiple of the step, so that all queries of all runs use the same grid. If the rounded
    /// end is after midnight and no step lies between, the range ends at midnight.
    pub fn resolve(start_ms: i64, end_ms: i64, step: Step, now_ms: i64) -> Result<Self, TimeError> {
        if start_ms >= end_ms {
            return Err(TimeError::EmptyRange { start: format_instant(start_ms), end: format_instant(end_ms) });
        }
        if start_ms > now_ms {
            return Err(TimeError::FutureRange { start: format_instant(start_ms), now: format_instant(now_ms) });
        }
        let mut range = Self { start_ms: align_up(start_ms, step), end_ms: align_up(end_ms.min(now_ms + 1), step) };
        // With a step that does not divide a day, rounding may move the end past a midnight after which there is no step:
        // that day would be empty.
        let midnight_ms = UtcDay::of(range.end_ms - 1).start_ms();
        if align_up(midnight_ms, step) >= range.end_ms {
            range.end_ms = midnight_ms;
        }
        if range.start_ms >= range.end_ms {
            return Err(TimeError::NoStep { start: format_instant(start_ms), end: format_instant(end_ms), step });
        }
        Ok(range)
    }

    /// The UTC days that overlap the range, in order.
    pub fn days(self) -> impl Iterator<Item = UtcDay> + Clone {
        (UtcDay::of(self.start_ms).0..=UtcDay::of(self.end_ms - 1).0).map(UtcDay)
    }

    /// The UTC days that overlap the range, in order, each with the overlap.
    pub fn day_parts(self) -> impl Iterator<Item = (UtcDay, Self)> + Clone {
        self.days().filter_map(move |day| Some((day, self.intersect(day.range())?)))
    }

    /// The overlap with `other`; `None` if they do not overlap.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let both = Self { start_ms: self.start_ms.max(other.start_ms), end_ms: self.end_ms.min(other.end_ms) };
        (both.start_ms < both.end_ms).then_some(both)
    }

    /// The parts of the range before and after `other`.
    pub fn without(self, other: Self) -> impl Iterator<Item = Self> {
        let before = Self { end_ms: self.end_ms.min(other.start_ms), ..self };
        let after = Self { start_ms: self.start_ms.max(other.end_ms), ..self };
        [before, after].into_iter().filter(|part| part.start_ms < part.end_ms)
    }

    /// Whether `other` lies completely within the range.
    pub fn contains(self, other: Self) -> bool {
        self.start_ms <= other.start_ms && other.end_ms <= self.end_ms
    }

    /// The smallest range that contains this range and `other`.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { start_ms: self.start_ms.min(other.start_ms), end_ms: self.end_ms.max(other.end_ms) }
    }
}

impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", format_instant(self.start_ms), format_instant(self.end_ms))
    }
}

fn align_up(ms: i64, step: Step) -> i64 {
    ms + (-ms).rem_euclid(step.millis())
}

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
    pub fn through(self, last: Self) -> impl Iterator<Item = Self> {
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

    const NOW: i64 = 1_790_000_000_000;

    fn minute() -> Step {
        Step::from_millis(60_000).unwrap()
    }

    #[test]
    fn every_documented_time_format_is_parsed() {
        // Expected values from `date -u -d … +%s`.
        for (text, seconds) in [
            ("2026-10-01", 1_790_812_800),
            ("2026-10", 1_790_812_800),
            ("2026", 1_767_225_600),
            ("1900", -2_208_988_800),
            ("2026-10-01T00:00:00Z", 1_790_812_800),
            ("2026-10-01T02:00:00+02:00", 1_790_812_800),
            ("2026-10-01T06:30", 1_790_836_200),
            ("1790812800", 1_790_812_800),
            ("now", NOW / 1000),
            ("now-30d", NOW / 1000 - 30 * 86_400),
            ("now - 1h30m", NOW / 1000 - 5_400),
            // `NOW` is 2026-09-21T14:13:20Z, according to `date -u -d @1790000000`.
            ("now/d", 1_789_948_800),
            ("now-1d/d", 1_789_862_400),
            ("now-14h /d", 1_789_948_800),
            ("now-15h/d", 1_789_862_400),
        ] {
            assert_eq!(parse_instant(text, NOW), Ok(seconds * 1000), "{text}");
        }
    }

    #[test]
    fn texts_that_are_not_times_are_rejected() {
        let no_days = ["now/h", "now-1d/", "/d", "2026-10-01/d"];
        let others = [
            "",
            "yesterday",
            "now30d",
            "2026-13-01",
            "2026-13",
            "2026-",
            "26-10",
            "nan",
            "inf",
            "now-",
            "now-30333333y",
        ];
        for text in no_days.into_iter().chain(others) {
            assert_eq!(parse_instant(text, NOW), Err(TimeError::NotATime(text.to_owned())), "{text}");
        }
        assert!(matches!(parse_instant("1790812800000", NOW), Err(TimeError::Milliseconds(_))));
    }

    #[test]
    fn a_step_is_a_whole_number_of_seconds_up_to_an_hour() {
        assert_eq!("15s".parse::<Step>().unwrap().seconds(), 15);
        assert_eq!("5m".parse::<Step>().unwrap().to_string(), "5m");
        for text in ["0s", "500ms", "1500ms", "2h"] {
            assert!(matches!(text.parse::<Step>(), Err(TimeError::StepOutOfRange(_))), "{text}");
        }
        assert!(matches!("often".parse::<Step>(), Err(TimeError::NotAStep(_))));
    }

    #[test]
    fn a_range_of_a_step_that_does_not_divide_a_day_has_no_day_without_a_step() {
        for step in ["7m", "11m", "13s", "50m", "59m", "3599s", "37s", "1h"] {
            let step: Step = step.parse().unwrap();
            for days in 20_000..20_020_i64 {
                for length_ms in [DAY_MS, 2 * DAY_MS, DAY_MS - 1, DAY_MS + 1, DAY_MS + step.millis()] {
                    let start_ms = days * DAY_MS;
                    let end_ms = start_ms + length_ms;
                    let range = TimeRange::resolve(start_ms, end_ms, step, NOW + 100 * DAY_MS).unwrap();
                    // The expected steps, by definition: the multiples of the step from start to end, each in its day.
                    let first = start_ms / step.millis();
                    let multiples = (first..).map(|n| n * step.millis()).skip_while(|t| *t < start_ms);
                    let steps: Vec<i64> = multiples.take_while(|t| *t < end_ms).collect();
                    let grid = Grid::within(range, step);
                    assert_eq!(
                        (grid.first_ms(), grid.last_ms(), grid.len()),
                        (steps[0], steps[steps.len() - 1], steps.len())
                    );
                    let days_of_steps: std::collections::BTreeSet<UtcDay> =
                        steps.iter().map(|t| UtcDay::of(*t)).collect();
                    assert!(range.days().eq(days_of_steps), "{step}: {range}");
                    let in_parts: usize = range.day_parts().map(|(_, part)| Grid::within(part, step).len()).sum();
                    assert_eq!(in_parts, steps.len(), "no step is in two days");
                }
            }
        }
    }

    #[test]
    fn a_range_is_half_open_aligned_to_the_step_and_ends_at_now() {
        let range = TimeRange::resolve(1, 120_001, minute(), NOW).unwrap();
        assert_eq!((range.start_ms, range.end_ms), (60_000, 180_000));
        // `NOW` is 2026-09-21T14:13:20Z, so the last steps before it are 14:12 and 14:13.
        let [minute_12, minute_13, minute_14] = [1_789_999_920_000, 1_789_999_980_000, 1_790_000_040_000];
        let range = TimeRange::resolve(minute_12, NOW + DAY_MS, minute(), NOW).unwrap();
        assert_eq!((range.start_ms, range.end_ms), (minute_12, minute_14), "14:13 is the last step");
        let range = TimeRange::resolve(minute_12, NOW + DAY_MS, minute(), minute_13).unwrap();
        assert_eq!(range.end_ms, minute_14, "a step at the current time is included");
        let range = TimeRange::resolve(minute_12, NOW + DAY_MS, minute(), minute_13 - 1).unwrap();
        assert_eq!(range.end_ms, minute_13, "a step one millisecond in the future is not");
        let range = TimeRange::resolve(minute_13, NOW + DAY_MS, minute(), minute_13).unwrap();
        assert_eq!((range.start_ms, range.end_ms), (minute_13, minute_14), "a range may start now");
        assert!(matches!(TimeRange::resolve(5, 5, minute(), NOW), Err(TimeError::EmptyRange { .. })));
        assert!(matches!(TimeRange::resolve(NOW + 1, NOW + DAY_MS, minute(), NOW), Err(TimeError::FutureRange { .. })));
    }

    #[test]
    fn consecutive_days_are_listed_as_one_run() {
        let days: Vec<UtcDay> =
            ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-07"].map(|d| d.parse().unwrap()).into();
        assert_eq!(UtcDay::describe(&days), "2026-10-01 to 2026-10-03, 2026-10-07");
    }
}
