//! Local days and hours: which cell an instant belongs to.
//!
//! A cell starts at a multiple of its width after local midnight, or where the offset from UTC changes, so the
//! offset is the same throughout a cell. A day has 23 or 25 hours when clocks change by an hour. When clocks go
//! back, the first and the second occurrence of a local time belong to different cells.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Offset, TimeZone, Timelike};
use chrono_tz::Tz;

use super::{Grid, TimeError, parse_instant};

/// A time zone of the IANA database.
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
    /// The width of the cell in minutes.
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

/// Where a cell lies in UTC and in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalCell {
    /// The start of the cell, milliseconds since 1970, UTC.
    pub start_ms: i64,
    /// The local date at the start.
    pub date: NaiveDate,
    /// Local time of the start in minutes since midnight: a multiple of the width, unless the cell
    /// starts at a clock change.
    pub minute_of_day: u32,
    /// Offset of local time from UTC in minutes; positive east of Greenwich.
    pub utc_offset_minutes: i32,
}

impl Zone {
    /// The offset of local time from UTC at an instant, in milliseconds; positive east of Greenwich.
    pub fn offset_ms(self, ms: i64) -> i64 {
        i64::from(self.offset_s(ms)) * 1000
    }

    /// The cell of this width that contains the instant.
    pub fn cell_at(self, ms: i64, width: CellWidth) -> LocalCell {
        let local = self.local(ms);
        let offset_s = local.offset().fix().local_minus_utc();
        let place = local.num_seconds_from_midnight() / 60 / width.0 * width.0;
        let into_cell_ms = i64::from(local.num_seconds_from_midnight()) * 1000
            + i64::from(local.timestamp_subsec_millis())
            - i64::from(place) * 60_000;
        let begins_ms = ms - into_cell_ms;
        let utc_offset_minutes = offset_s / 60;
        if self.offset_s(begins_ms) == offset_s {
            return LocalCell {
                start_ms: begins_ms,
                date: local.date_naive(),
                minute_of_day: place,
                utc_offset_minutes,
            };
        }
        let start_ms = self.change_between(begins_ms, ms);
        let start = self.local(start_ms);
        let minute_of_day = start.num_seconds_from_midnight() / 60;
        LocalCell { start_ms, date: start.date_naive(), minute_of_day, utc_offset_minutes }
    }

    /// When the offset from UTC changes in `(from, until]`, in seconds since 1970, each with the offset in seconds from
    /// then on.
    pub fn changes(self, from: i64, until: i64) -> Vec<(i64, i64)> {
        // No zone changed its clocks twice within so short a time since 1970.
        const APART_S: usize = 6 * 3600;
        let looked_at = (from..until).step_by(APART_S).skip(1).chain([until]);
        let mut changes = Vec::new();
        let mut before = from;
        for at in looked_at {
            if self.offset_ms(before * 1000) != self.offset_ms(at * 1000) {
                let change = self.change_between(before * 1000, at * 1000) / 1000;
                changes.push((change, self.offset_ms(change * 1000) / 1000));
            }
            before = at;
        }
        changes
    }

    /// Parses an instant that a user wrote. A date or time without an offset is local; the minutes may be omitted
    /// (`2026-10-07T14`). If the local time occurs twice, the earlier instant is returned.
    pub fn parse_instant(self, text: &str, now_ms: i64) -> Result<i64, TimeError> {
        let text = text.trim();
        let local = [
            ("%Y-%m-%dT%H:%M:%S", ""),
            ("%Y-%m-%dT%H:%M", ""),
            ("%Y-%m-%dT%H:%M", ":00"),
            ("%Y-%m-%dT%H:%M", "T00:00"),
        ]
        .into_iter()
        .find_map(|(format, rest)| {
            NaiveDateTime::parse_from_str(&format!("{}{rest}", text.replace(' ', "T")), format).ok()
        });
        match local {
            None => parse_instant(text, now_ms),
            Some(local) => {
                let instant = self.0.from_local_datetime(&local).earliest();
                instant
                    .map(|at| at.timestamp_millis())
                    .ok_or_else(|| TimeError::NoSuchLocalTime { text: text.to_owned(), zone: self.to_string() })
            }
        }
    }

    /// Local time with its offset from UTC, in RFC 3339.
    pub fn format(self, ms: i64) -> String {
        self.local(ms).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    /// Local date and time for a sentence: `2026-11-20 at 12:00`, with seconds if they are not 0, and with the name of
    /// the zone unless it is UTC.
    pub fn in_words(self, ms: i64) -> String {
        let local = self.local(ms);
        let clock = if local.second() == 0 { "%Y-%m-%d at %H:%M" } else { "%Y-%m-%d at %H:%M:%S" };
        let text = local.format(clock).to_string();
        if self.0 == Tz::UTC { text } else { format!("{text} {self}") }
    }

    /// The cells that contain steps of the grid, in order, each with the indices of its steps.
    pub fn cells(self, grid: &Grid, width: CellWidth) -> Vec<(LocalCell, std::ops::Range<usize>)> {
        let mut cells: Vec<(LocalCell, std::ops::Range<usize>)> = Vec::new();
        for step in 0..grid.len() {
            // A cell ends after its width or where the offset changes. Looking up every step handles both, and costs little,
            // because it is done once for all members.
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

    /// The instant in `(from, to]` at which the offset of `to` starts, to the millisecond, by bisection.
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod clock_changes;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::time::{HOUR_MS, Step, TimeRange};

    fn cells(zone: &str, start: &str, hours: i64, width: &str) -> Vec<(String, u32, i32, usize)> {
        let start_ms = parse_instant(start, 0).unwrap();
        let range = TimeRange { start_ms, end_ms: start_ms + hours * HOUR_MS };
        let grid = Grid::within(range, Step::from_millis(300_000).unwrap());
        let zone: Zone = zone.parse().unwrap();
        let cells = zone.cells(&grid, width.parse().unwrap());
        cells
            .into_iter()
            .map(|(c, s)| {
                (super::super::format_instant(c.start_ms), c.minute_of_day / 60, c.utc_offset_minutes, s.len())
            })
            .collect()
    }

    /// Expected values from Python's zoneinfo.
    #[test]
    fn a_repeated_hour_gives_two_cells() {
        let got = cells("Europe/Berlin", "2026-10-24T23:00:00Z", 4, "1h");
        let at = |time: &str| format!("2026-10-{time}:00Z");
        assert_eq!(
            got,
            [
                (at("24T23:00"), 1, 120, 12),
                (at("25T00:00"), 2, 120, 12),
                (at("25T01:00"), 2, 60, 12),
                (at("25T02:00"), 3, 60, 12),
            ]
        );
    }

    #[test]
    fn a_change_by_half_an_hour_splits_a_cell() {
        // At 15:00 UTC on 4 April 2026, Lord Howe's clocks go back from 02:00 (+11:00) to 01:30 (+10:30).
        let got = cells("Australia/Lord_Howe", "2026-04-04T14:00:00Z", 2, "1h");
        let at = |time: &str| format!("2026-04-04T{time}:00Z");
        assert_eq!(got, [(at("14:00"), 1, 660, 12), (at("15:00"), 1, 630, 6), (at("15:30"), 2, 630, 6)]);
    }

    #[test]
    fn an_instant_in_words_names_a_zone_other_than_utc() {
        let at = parse_instant("2026-11-20T23:00:00Z", 0).unwrap();
        assert_eq!(Zone::default().in_words(at), "2026-11-20 at 23:00");
        assert_eq!(Zone::default().in_words(at + 7_000), "2026-11-20 at 23:00:07");
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        assert_eq!(berlin.in_words(at), "2026-11-21 at 00:00 Europe/Berlin");
    }

    #[test]
    fn times_without_an_offset_are_local() {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let read = |text: &str| zone.parse_instant(text, 0);
        assert_eq!(read("2026-10-07T14"), parse_instant("2026-10-07T12:00:00Z", 0));
        assert_eq!(read("2026-10-07"), parse_instant("2026-10-06T22:00:00Z", 0));
        assert_eq!(read("2026-10-07T14:00:00Z"), parse_instant("2026-10-07T14:00:00Z", 0));
        assert_eq!(read("2026-10-25T02:30"), parse_instant("2026-10-25T00:30:00Z", 0));
        assert!(matches!(read("2026-03-29T02:30"), Err(TimeError::NoSuchLocalTime { .. })));
    }
}
