//! Instants as users write them, and as messages show them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use super::{TimeError, UtcDay};

/// A number above this (the year 5138 in seconds) is assumed to be in milliseconds.
const EPOCH_SECONDS_MAX: f64 = 1e11;

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

#[cfg(test)]
mod tests {
    use super::super::of_tests::NOW;
    use super::*;

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
}
