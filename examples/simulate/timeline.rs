//! The simulated range, intervals inside it, and times on the command line.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat};

/// Milliseconds in a second.
pub(crate) const SECOND: i64 = 1_000;
/// Milliseconds in a minute.
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// Milliseconds in an hour.
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// Milliseconds in a UTC day.
pub(crate) const DAY: i64 = 24 * HOUR;

/// A stretch of time in milliseconds since the epoch, its end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    /// The first instant.
    pub(crate) start: i64,
    /// The first instant after it.
    pub(crate) end: i64,
}

impl Interval {
    /// Length in milliseconds; 0 or below if empty.
    pub(crate) fn length(self) -> i64 {
        self.end - self.start
    }

    /// Whether the instant is inside.
    pub(crate) fn contains(self, at: i64) -> bool {
        self.start <= at && at < self.end
    }

    /// The overlap of both; of length 0 or below if there is none.
    pub(crate) fn meet(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }

    /// Whether they overlap.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.meet(other).length() > 0
    }

    /// The parts outside `others`, which must be sorted.
    pub(crate) fn without(self, others: &[Self]) -> Vec<Self> {
        let mut left = Vec::new();
        let mut start = self.start;
        for other in others.iter().filter(|other| other.overlaps(self)) {
            left.push(Self { start, end: other.start });
            start = start.max(other.end);
        }
        left.push(Self { start, end: self.end });
        left.retain(|piece| piece.length() > 0);
        left
    }

    /// The instant at this fraction of the interval, rounded to a whole minute for readable labels.
    pub(crate) fn at(self, fraction: f64) -> i64 {
        let at = self.start + (self.length() as f64 * fraction) as i64;
        at - at.rem_euclid(MINUTE)
    }

    /// Midnight of each UTC day that it touches.
    pub(crate) fn days(self) -> impl Iterator<Item = i64> {
        let first = self.start - self.start.rem_euclid(DAY);
        (first..self.end).step_by(DAY as usize)
    }
}

/// Parses a date (midnight UTC) or an RFC 3339 time as milliseconds since 1970.
pub(crate) fn parse_instant(text: &str) -> Result<i64, String> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    }
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.timestamp() * SECOND)
        .map_err(|_| format!("`{text}` is neither a date (2026-10-01) nor RFC 3339 (2026-10-01T06:00:00Z)"))
}

/// Formats an instant as RFC 3339 in UTC, in seconds.
pub(crate) fn format_instant(at: i64) -> String {
    DateTime::from_timestamp_millis(at)
        .map_or_else(|| at.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_survive_a_round_trip() {
        let at = parse_instant("2026-10-01T02:00:00+02:00").expect("an instant");
        assert_eq!(at, parse_instant("2026-10-01").expect("an instant"));
        assert_eq!(format_instant(at), "2026-10-01T00:00:00Z");
        assert!(parse_instant("yesterday").is_err());
    }

    #[test]
    fn subtracting_intervals_leaves_the_parts_outside() {
        let whole = Interval { start: 0, end: 10 };
        let hole = |start, end| Interval { start, end };
        assert_eq!(whole.without(&[]), [whole]);
        assert_eq!(whole.without(&[hole(-1, 2), hole(4, 6)]), [hole(2, 4), hole(6, 10)]);
        assert!(whole.without(&[hole(-5, 15)]).is_empty());
    }
}
