//! Chooses the length of TSDB blocks from the retention of the Prometheus that imports them.

use std::fmt;
use std::str::FromStr;

use crate::time::{DAY_MS, HOUR_MS, TimeRange};

/// Lengths of TSDB blocks in hours: 2 h × 3ⁿ (`tsdb.ExponentialBlockRanges(2h, 10, 3)` in Prometheus's sources),
/// up to the longest below [`LONGEST_MS`].
const LADDER_HOURS: [i64; 6] = [2, 6, 18, 54, 162, 486];
/// Prometheus compacts blocks up to the smaller of 31 days and a tenth of its retention.
const LONGEST_MS: i64 = 31 * DAY_MS;
/// The retention is at least this many times the length of a block.
const OF_RETENTION: i64 = 10;

/// Units of Prometheus's durations, in milliseconds.
const UNITS: [(&str, i64); 7] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", HOUR_MS), ("d", DAY_MS), ("w", 7 * DAY_MS), ("y", 365 * DAY_MS)];

/// How long a Prometheus keeps samples, as a Prometheus duration: `15d`, `1y`, `2w3d`. The default is
/// that of Prometheus, 15 days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    text: String,
    ms: i64,
}

impl Retention {
    pub(crate) fn millis(&self) -> i64 {
        self.ms
    }

    /// Parses the retention that a server reports: `15d`, `15d or 10GiB`, `10GiB`. A size alone sets no time limit.
    pub(crate) fn of_server(reported: &str) -> Option<Self> {
        let parts: Vec<&str> = reported.split(" or ").map(str::trim).collect();
        let in_time = parts.iter().find_map(|part| part.parse().ok());
        // Without a time limit, use 100 years, which allows the longest blocks.
        in_time.or_else(|| parts.iter().any(|part| part.ends_with('B')).then(|| "100y".parse().ok())?)
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { text: "15d".to_owned(), ms: 15 * DAY_MS }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("invalid retention '{text}': use the format of Prometheus, such as 15d, 90d or 1y");
        let (mut rest, mut ms) = (text.trim(), 0_i64);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, after) = after.split_at(letters);
            let unit = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1;
            let number: i64 = number.parse().map_err(|_| wrong())?;
            ms = number.checked_mul(unit).and_then(|part| ms.checked_add(part)).ok_or_else(wrong)?;
            rest = after;
        }
        // The shortest block must not be longer than a tenth of the retention.
        let least = OF_RETENTION * LADDER_HOURS[0] * HOUR_MS;
        match ms {
            0 => Err(wrong()),
            _ if ms < least => {
                Err(format!("the retention '{text}' is too short: use at least 20h, ten times the shortest block (2h)"))
            }
            _ => Ok(Self { text: text.trim().to_owned(), ms }),
        }
    }
}

/// Length of a TSDB block, which is also the time range of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockWidth {
    hours: i64,
}

impl BlockWidth {
    /// The longest block that a Prometheus with this retention would make by compaction.
    pub(crate) fn within(retention: &Retention) -> Self {
        let longest = (retention.ms / OF_RETENTION).min(LONGEST_MS);
        let hours = LADDER_HOURS.into_iter().rev().find(|hours| hours * HOUR_MS <= longest);
        Self { hours: hours.unwrap_or(LADDER_HOURS[0]) }
    }

    pub(crate) fn hours(self) -> i64 {
        self.hours
    }

    /// The time ranges of the blocks that overlap a range, aligned to the epoch.
    pub(crate) fn windows(self, range: TimeRange) -> impl Iterator<Item = TimeRange> {
        let width = self.hours * HOUR_MS;
        let (first, last) = (range.start_ms.div_euclid(width), (range.end_ms - 1).div_euclid(width));
        (first..=last).map(move |i| TimeRange { start_ms: i * width, end_ms: (i + 1) * width })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn the_longest_block_that_the_retention_allows_is_chosen() {
        // Expected: the largest 2 h × 3ⁿ up to min(31 days, a tenth of the retention).
        for (retention, hours) in [
            ("20h", 2),
            ("59h", 2),
            ("60h", 6),
            ("1w", 6),
            ("15d", 18),
            ("22d12h", 54),
            ("22d", 18),
            ("90d", 162),
            ("180d", 162),
            ("202d12h", 486),
            ("1y", 486),
            ("100y", 486),
        ] {
            let retention: Retention = retention.parse().unwrap();
            assert_eq!(BlockWidth::within(&retention).hours(), hours, "{retention}");
        }
    }

    #[test]
    fn windows_are_aligned_to_the_epoch_and_cover_the_range() {
        let range = TimeRange { start_ms: 1_790_812_800_000, end_ms: 1_790_812_800_000 + 3 * 24 * HOUR_MS };
        for hours in LADDER_HOURS {
            let windows: Vec<TimeRange> = BlockWidth { hours }.windows(range).collect();
            assert!(windows.iter().all(|w| w.start_ms % (hours * HOUR_MS) == 0));
            assert!(windows.windows(2).all(|pair| pair[0].end_ms == pair[1].start_ms));
            assert!(windows[0].start_ms <= range.start_ms && windows[0].end_ms > range.start_ms);
            let last = windows[windows.len() - 1];
            assert!(last.end_ms >= range.end_ms && last.start_ms < range.end_ms);
        }
        // The range begins on a boundary of 18 h, because 1790812800 s = 497448 h = 27636 × 18 h.
        assert_eq!(BlockWidth { hours: 18 }.windows(range).count(), 4);
    }

    #[test]
    fn a_retention_is_parsed_as_prometheus_reports_it() {
        for (reported, expected) in
            [("15d", Some("15d")), ("1y2w or 10GiB", Some("1y2w")), ("512MiB", Some("100y")), ("", None), ("?", None)]
        {
            assert_eq!(Retention::of_server(reported).map(|r| r.to_string()).as_deref(), expected, "{reported}");
        }
        assert_eq!("2w1d12h".parse::<Retention>().unwrap().millis(), 15 * DAY_MS + 12 * HOUR_MS);
        for wrong in ["", "15", "d", "15 d", "-1d", "1.5d", "0d", "99999999999999999y", "10h", "15D"] {
            assert!(wrong.parse::<Retention>().is_err(), "{wrong}");
        }
    }
}
