//! Local days and hours: which cell an instant lies in.
//!
//! A cell is a stretch of one local day that begins at a multiple of the cell's width after local
//! midnight and keeps one offset from UTC. A day has 23 or 25 hours when the clocks change; the two
//! 02:00 hours of an autumn night are two cells, told apart by their start.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Offset, TimeZone, Timelike};
use chrono_tz::Tz;

use super::{Grid, TimeError};

/// An IANA time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Default for Zone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl FromStr for Zone {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        text.parse().map(Self).map_err(|_| TimeError::NotAZone(text.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.name())
    }
}

/// The width of a cell: 15 or 30 minutes, one or two hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellWidth(u32);

impl Default for CellWidth {
    fn default() -> Self {
        Self(60)
    }
}

impl CellWidth {
    /// Minutes of the width.
    pub const fn minutes(self) -> u32 {
        self.0
    }
}

impl FromStr for CellWidth {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let seconds = humantime::parse_duration(text.trim()).map(|d| d.as_secs()).unwrap_or(0);
        match seconds {
            900 | 1800 | 3600 | 7200 => Ok(Self((seconds / 60) as u32)),
            _ => Err(TimeError::NotACellWidth(text.to_owned())),
        }
    }
}

impl fmt::Display for CellWidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            m if m % 60 == 0 => write!(f, "{}h", m / 60),
            m => write!(f, "{m}m"),
        }
    }
}

/// The cell that an instant lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalCell {
    /// The first instant of the cell.
    pub start_ms: i64,
    /// Its local date.
    pub date: NaiveDate,
    /// Local minutes from midnight to its beginning, a multiple of the width.
    pub minute_of_day: u32,
    /// Minutes that local time is ahead of UTC.
    pub utc_offset_minutes: i32,
}

impl Zone {
    /// The cell of this width that an instant lies in.
    pub fn cell_at(self, ms: i64, width: CellWidth) -> LocalCell {
        let local = self.local(ms);
        let offset_s = local.offset().fix().local_minus_utc();
        let minute_of_day = local.num_seconds_from_midnight() / 60 / width.0 * width.0;
        let into_cell_ms = i64::from(local.num_seconds_from_midnight()) * 1000
            + i64::from(local.timestamp_subsec_millis())
            - i64::from(minute_of_day) * 60_000;
        let begins_ms = ms - into_cell_ms;
        let start_ms =
            if self.offset_s(begins_ms) == offset_s { begins_ms } else { self.change_between(begins_ms, ms) };
        LocalCell { start_ms, date: local.date_naive(), minute_of_day, utc_offset_minutes: offset_s / 60 }
    }

    /// The cells that the steps of a grid lie in, in order, each with the indices of its steps.
    pub fn cells(self, grid: &Grid, width: CellWidth) -> Vec<(LocalCell, std::ops::Range<usize>)> {
        let mut cells: Vec<(LocalCell, std::ops::Range<usize>)> = Vec::new();
        for step in 0..grid.len() {
            // A cell ends where the width is over or the offset changes: asking each step anew is
            // simple and costs nothing beside the steps of all members.
            let cell = self.cell_at(grid.at(step), width);
            match cells.last_mut() {
                Some((last, steps)) if *last == cell => steps.end = step + 1,
                _ => cells.push((cell, step..step + 1)),
            }
        }
        cells
    }

    fn local(self, ms: i64) -> DateTime<Tz> {
        self.0.timestamp_millis_opt(ms).single().unwrap_or_else(|| self.0.timestamp_nanos(0))
    }

    fn offset_s(self, ms: i64) -> i32 {
        self.local(ms).offset().fix().local_minus_utc()
    }

    /// The instant of the last change of offset in `(from, to]`, to the millisecond.
    fn change_between(self, mut from: i64, mut to: i64) -> i64 {
        let after = self.offset_s(to);
        while to - from > 1 {
            let middle = from + (to - from) / 2;
            if self.offset_s(middle) == after {
                to = middle;
            } else {
                from = middle;
            }
        }
        to
    }
}
