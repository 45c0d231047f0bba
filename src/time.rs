//! Instants, steps, UTC days and the grid of steps that a range query answers on.
//!
//! All instants are milliseconds since the Unix epoch, UTC, in an `i64`.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// Milliseconds in an hour, the width of a cell.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a UTC day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// An epoch above this many seconds (year 5138) is taken for one in milliseconds.
const EPOCH_SECONDS_MAX: f64 = 1e11;

/// A time, a step or a range that cannot be used; each message says what can.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TimeError {
    /// None of the accepted spellings.
    #[error(
        "'{0}' is not a time: write RFC 3339 (2026-10-01T00:00:00Z), a date (2026-10-01), seconds since 1970, now, or now-30d"
    )]
    NotATime(String),
    /// Thirteen digits: seconds were meant.
    #[error("'{0}' looks like milliseconds: write the time in seconds since 1970")]
    Milliseconds(String),
    /// Not a duration at all.
    #[error("'{0}' is not a step: write a duration such as 15s, 1m or 5m")]
    NotAStep(String),
    /// Zero, below a second, a broken second, or wider than a cell.
    #[error("a step of {0} cannot be used: give whole seconds, from 1s to 1h")]
    StepOutOfRange(String),
    /// Nothing lies between the two.
    #[error("the range is empty: its start {start} is not before its end {end}")]
    EmptyRange {
        /// First instant asked for.
        start: String,
        /// End asked for.
        end: String,
    },
    /// No history exists there.
    #[error("the range starts in the future: its start {start} is after now, {now}")]
    FutureRange {
        /// First instant asked for.
        start: String,
        /// The clock of this machine.
        now: String,
    },
}

/// The distance between two evaluations: whole seconds, from one second to one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(i64);

impl Step {
    /// A step of so many milliseconds; an error unless it is whole seconds from 1 s to 1 h.
    pub fn from_millis(millis: i64) -> Result<Self, TimeError> {
        if millis % 1000 == 0 && (1000..=HOUR_MS).contains(&millis) {
            Ok(Self(millis))
        } else {
            Err(TimeError::StepOutOfRange(format!("{}s", millis as f64 / 1000.0)))
        }
    }

    /// Milliseconds of the step.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds of the step.
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

/// Reads an instant as a person types it; `now_ms` is what `now` means.
///
/// RFC 3339, a date or a date with a time (both UTC), seconds since 1970, `now`, `now-30d`.
pub fn parse_instant(text: &str, now_ms: i64) -> Result<i64, TimeError> {
    let text = text.trim();
    let unknown = || TimeError::NotATime(text.to_owned());
    if let Some(offset) = text.strip_prefix("now") {
        return parse_offset(offset).map(|ms| now_ms.saturating_add(ms)).ok_or_else(unknown);
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.timestamp_millis());
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
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

/// `""` → 0, `-30d` → minus thirty days in milliseconds.
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

/// The instant as RFC 3339 in UTC, whole seconds where it is whole.
pub fn format_instant(ms: i64) -> String {
    match DateTime::<Utc>::from_timestamp_millis(ms) {
        Some(at) if ms % 1000 == 0 => at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Some(at) => at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        None => format!("{ms} ms"),
    }
}

/// A half-open range `[start, end)` whose two ends are multiples of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// First step of the range.
    pub start_ms: i64,
    /// First step after the range.
    pub end_ms: i64,
}

impl TimeRange {
    /// The steps `t` with `start <= t < end`, cut off at `now_ms`: no server knows the future.
    ///
    /// Both ends move up to the next multiple of the step, so that every query of every run
    /// asks the same grid.
    pub fn resolve(start_ms: i64, end_ms: i64, step: Step, now_ms: i64) -> Result<Self, TimeError> {
        if start_ms >= end_ms {
            return Err(TimeError::EmptyRange { start: format_instant(start_ms), end: format_instant(end_ms) });
        }
        if start_ms > now_ms {
            return Err(TimeError::FutureRange { start: format_instant(start_ms), now: format_instant(now_ms) });
        }
        let range = Self { start_ms: align_up(start_ms, step), end_ms: align_up(end_ms.min(now_ms + 1), step) };
        if range.start_ms >= range.end_ms {
            return Err(TimeError::EmptyRange { start: format_instant(start_ms), end: format_instant(end_ms) });
        }
        Ok(range)
    }

    /// The UTC days that the range touches, in order.
    pub fn days(self) -> impl Iterator<Item = UtcDay> + Clone {
        (UtcDay::of(self.start_ms).0..=UtcDay::of(self.end_ms - 1).0).map(UtcDay)
    }

    /// The part of the range that lies in `other`; `None` when they do not touch.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let both = Self { start_ms: self.start_ms.max(other.start_ms), end_ms: self.end_ms.min(other.end_ms) };
        (both.start_ms < both.end_ms).then_some(both)
    }

    /// Whether all of `other` lies in the range.
    pub fn contains(self, other: Self) -> bool {
        self.start_ms <= other.start_ms && other.end_ms <= self.end_ms
    }

    /// The smallest range that holds both.
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

/// A UTC day, the unit of resuming, of parallelism and of memory; counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcDay(i32);

impl UtcDay {
    /// The day that holds the instant.
    pub fn of(ms: i64) -> Self {
        Self(i32::try_from(ms.div_euclid(DAY_MS)).unwrap_or(i32::MAX))
    }

    /// Midnight at which the day starts.
    pub fn start_ms(self) -> i64 {
        i64::from(self.0) * DAY_MS
    }

    /// The whole day as a range; its ends are multiples of the step only where the step divides a day.
    pub fn range(self) -> TimeRange {
        TimeRange { start_ms: self.start_ms(), end_ms: self.start_ms() + DAY_MS }
    }

    /// The days from this one to `last`, both included.
    pub fn through(self, last: Self) -> impl Iterator<Item = Self> {
        (self.0..=last.0).map(Self)
    }

    /// Days in ascending order, as a person would list them: `2026-10-01 to 2026-10-03, 2026-10-07`.
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

/// The steps of one window: `len` multiples of the step from `first_ms` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    first_ms: i64,
    step: Step,
    len: usize,
}

impl Grid {
    /// The steps within `range`, whose ends need not be multiples of the step.
    pub fn within(range: TimeRange, step: Step) -> Self {
        let first_ms = align_up(range.start_ms, step);
        let span = (align_up(range.end_ms, step) - first_ms).max(0);
        Self { first_ms, step, len: usize::try_from(span / step.millis()).unwrap_or(0) }
    }

    /// How many steps.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no step at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The distance between two steps.
    pub fn step(&self) -> Step {
        self.step
    }

    /// The instant of the step with this index; indices past the end go on in the same rhythm.
    pub fn at(&self, index: usize) -> i64 {
        self.first_ms + index as i64 * self.step.millis()
    }

    /// The first step.
    pub fn first_ms(&self) -> i64 {
        self.first_ms
    }

    /// The last step; the one before the first where the grid is empty.
    pub fn last_ms(&self) -> i64 {
        self.first_ms + (self.len as i64 - 1) * self.step.millis()
    }

    /// The index of the step at exactly this instant.
    pub fn index_of(&self, ms: i64) -> Option<usize> {
        let offset = ms.checked_sub(self.first_ms)?;
        if offset % self.step.millis() != 0 {
            return None;
        }
        usize::try_from(offset / self.step.millis()).ok().filter(|&i| i < self.len)
    }

    /// The indices of the steps `t` with `first_ms <= t <= last_ms`.
    pub fn indices_between(&self, first_ms: i64, last_ms: i64) -> std::ops::Range<usize> {
        let step = self.step.millis();
        let index = |ms: i64| (ms - self.first_ms).clamp(0, self.len as i64 * step);
        let from = (index(first_ms) + step - 1) / step;
        let to = if last_ms < self.first_ms { 0 } else { index(last_ms) / step + 1 };
        from as usize..(to as usize).clamp(from as usize, self.len.max(from as usize))
    }

    /// The grid cut into pieces of at most `max_steps`, which share no step.
    pub fn split(&self, max_steps: usize) -> impl Iterator<Item = Self> + '_ {
        let max_steps = max_steps.max(1);
        (0..self.len).step_by(max_steps).map(move |from| Self {
            first_ms: self.at(from),
            step: self.step,
            len: max_steps.min(self.len - from),
        })
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
    fn instants_are_read_in_every_spelling_that_help_names() {
        // Expected values from `date -u -d … +%s`.
        for (text, seconds) in [
            ("2026-10-01", 1_790_812_800),
            ("2026-10-01T00:00:00Z", 1_790_812_800),
            ("2026-10-01T02:00:00+02:00", 1_790_812_800),
            ("2026-10-01T06:30", 1_790_836_200),
            ("1790812800", 1_790_812_800),
            ("now", NOW / 1000),
            ("now-30d", NOW / 1000 - 30 * 86_400),
            ("now - 1h30m", NOW / 1000 - 5_400),
        ] {
            assert_eq!(parse_instant(text, NOW), Ok(seconds * 1000), "{text}");
        }
    }

    #[test]
    fn an_instant_that_is_none_is_refused() {
        for text in ["", "yesterday", "now30d", "2026-13-01", "nan", "inf", "now-"] {
            assert_eq!(parse_instant(text, NOW), Err(TimeError::NotATime(text.to_owned())), "{text}");
        }
        assert!(matches!(parse_instant("1790812800000", NOW), Err(TimeError::Milliseconds(_))));
    }

    #[test]
    fn a_step_is_whole_seconds_up_to_an_hour() {
        assert_eq!("15s".parse::<Step>().unwrap().seconds(), 15);
        assert_eq!("5m".parse::<Step>().unwrap().to_string(), "5m");
        for text in ["0s", "500ms", "1500ms", "2h"] {
            assert!(matches!(text.parse::<Step>(), Err(TimeError::StepOutOfRange(_))), "{text}");
        }
        assert!(matches!("often".parse::<Step>(), Err(TimeError::NotAStep(_))));
    }

    #[test]
    fn a_range_is_half_open_on_multiples_of_the_step_and_stops_at_now() {
        let range = TimeRange::resolve(1, 120_001, minute(), NOW).unwrap();
        assert_eq!((range.start_ms, range.end_ms), (60_000, 180_000));
        let range = TimeRange::resolve(NOW - 60_000, NOW + DAY_MS, minute(), NOW).unwrap();
        assert!(range.end_ms <= NOW + 60_000);
        assert!(matches!(TimeRange::resolve(5, 5, minute(), NOW), Err(TimeError::EmptyRange { .. })));
        assert!(matches!(TimeRange::resolve(NOW + 1, NOW + DAY_MS, minute(), NOW), Err(TimeError::FutureRange { .. })));
    }

    #[test]
    fn windows_share_no_edge_and_lose_no_step() {
        let step = Step::from_millis(7_000).unwrap();
        let grid = Grid::within(UtcDay::of(NOW).range(), step);
        assert_eq!(grid.len(), (0..DAY_MS).filter(|t| (UtcDay::of(NOW).start_ms() + t) % 7_000 == 0).count());
        let parts: Vec<Grid> = grid.split(1_000).collect();
        assert_eq!(parts.iter().map(Grid::len).sum::<usize>(), grid.len());
        for pair in parts.windows(2) {
            assert_eq!(pair[0].last_ms() + 7_000, pair[1].first_ms());
        }
    }

    #[test]
    fn indices_between_two_instants_are_those_of_the_steps_there() {
        let grid = Grid::within(TimeRange { start_ms: 60_000, end_ms: 360_000 }, minute());
        assert_eq!(grid.len(), 5);
        for first in (-120_000..600_000).step_by(30_000) {
            for last in (-120_000..600_000).step_by(30_000) {
                let expected: Vec<usize> = (0..grid.len()).filter(|&i| (first..=last).contains(&grid.at(i))).collect();
                let got: Vec<usize> = grid.indices_between(first, last).collect();
                assert_eq!(got, expected, "{first}..={last}");
            }
        }
    }

    #[test]
    fn days_are_listed_in_runs() {
        let days: Vec<UtcDay> =
            ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-07"].map(|d| d.parse().unwrap()).into();
        assert_eq!(UtcDay::describe(&days), "2026-10-01 to 2026-10-03, 2026-10-07");
    }

    #[test]
    fn a_grid_finds_the_step_of_an_instant_only_on_the_grid() {
        let grid = Grid::within(TimeRange { start_ms: 60_000, end_ms: 240_000 }, minute());
        assert_eq!(grid.index_of(120_000), Some(1));
        assert_eq!(grid.index_of(120_001), None);
        assert_eq!(grid.index_of(240_000), None);
        assert_eq!(grid.index_of(0), None);
    }
}
