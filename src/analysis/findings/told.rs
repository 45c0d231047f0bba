//! Formats durations, counts, sizes and probabilities for the texts of findings.

use crate::spec::{Metric, Profile, Unit, percent, version_text};
use crate::text::rounding::{confidence_parts, number_up};
use crate::time::{HOUR_MS, format_instant};

/// Formats a duration such as `2 h 58 min` or `1 d 1 h`: rounded to the minute, or truncated to the hour from one day on. Less
/// than a minute is in seconds: `45 s`.
pub(crate) fn duration(ms: i64) -> String {
    if 0 < ms && ms < 60_000 {
        return seconds(ms);
    }
    let minutes = (ms + 30_000) / 60_000;
    match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Formats a short duration to the second: `58 s`, and from two minutes on like [`duration`].
pub(super) fn seconds(ms: i64) -> String {
    if ms < 120_000 { format!("{} s", (ms + 500) / 1000) } else { duration(ms) }
}

/// A size in the largest fitting binary unit: `12 B`, `1.25 GiB`.
pub(super) fn bytes(value: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (value, 0);
    while value.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = if unit == 0 { 0 } else { 2 };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A duration of which two digits are known: `40 ms`, `0.25 s`, `2.5 s`, `61 s`, `3 min`.
pub(super) fn about(seconds: f64) -> String {
    match seconds {
        ..0.1 => format!("{:.0} ms", seconds * 1000.0),
        0.1..1.0 => format!("{seconds:.2} s"),
        1.0..10.0 => format!("{seconds:.1} s"),
        _ => self::seconds((seconds * 1000.0) as i64),
    }
}

/// The lowest and the highest of some values: `30.00 MiB to 1.20 GiB`, or one of them if they are the same in words.
pub(super) fn range(values: impl Iterator<Item = f64> + Clone, say: impl Fn(f64) -> String) -> String {
    let low = say(values.clone().fold(f64::INFINITY, f64::min));
    let high = say(values.fold(f64::NEG_INFINITY, f64::max));
    if low == high { low } else { format!("{low} to {high}") }
}

/// A share in percent, rounded down to tenths: `99.1 %`, `100 %`, `100.2 %`.
pub(super) fn share(share: f64) -> String {
    let text = format!("{:.1}", (share * 1000.0 + 1e-6).floor() / 10.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A reading in a unit that people use: `38.2 ms`, `1.25 GiB`, `7`. Rounded up to three digits, so that a reading above a
/// threshold is never shown as the threshold.
pub(crate) fn reading(metric: Metric, value: f64) -> String {
    match metric.unit() {
        Unit::Seconds if value >= 1.0 => format!("{} s", three_digits(value)),
        Unit::Seconds => format!("{} ms", three_digits(value * 1000.0)),
        Unit::Version => version_text(value),
        Unit::Count | Unit::Instant | Unit::Flag => format!("{}", value.ceil()),
        Unit::PerSecond => format!("{}/s", three_digits(value)),
        Unit::Share => format!("{} %", three_digits(value * 100.0)),
        Unit::BytesPerSecond => format!("{}/s", bytes(value)),
        Unit::Bytes => bytes(value),
    }
}

/// A reading as a number for tables, rounded up to hundredths, with its unit: `ms`, `bytes`, `bytes/s`, or none.
pub(crate) fn reading_number(metric: Metric, value: f64) -> (f64, &'static str) {
    match metric.unit() {
        Unit::Seconds => (number_up(value * 1000.0), "ms"),
        Unit::Count | Unit::Instant | Unit::Share | Unit::Flag | Unit::Version => (number_up(value), ""),
        Unit::PerSecond => (number_up(value), "1/s"),
        Unit::BytesPerSecond => (number_up(value), "bytes/s"),
        Unit::Bytes => (number_up(value), "bytes"),
    }
}

/// Rounds up to three significant digits, without zeros at the end. The slack keeps 10 × 1.001 from becoming 10.02.
fn three_digits(value: f64) -> String {
    let places = (2 - value.abs().max(1e-9).log10().floor() as i32).clamp(0, 9);
    let scale = 10_f64.powi(places);
    let text = format!("{:.*}", places as usize, (value * scale - 1e-6).ceil() / scale);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The lowest threshold above which a metric loses points: `10 ms`, `80 % of its quota`; `None` if it has none.
pub(crate) fn threshold(profile: &Profile, metric: Metric) -> Option<String> {
    let band = profile.rule(metric).bands.list.first()?;
    Some(match profile.limit(metric) {
        Some(limit) => format!("{} of its {limit}", percent(band.above)),
        None => reading(metric, band.above),
    })
}

/// Converts points × milliseconds to points × hours.
pub(super) fn point_hours(value: f64) -> f64 {
    value / HOUR_MS as f64
}

/// An instant in UTC, truncated to the second.
pub(super) fn instant(ms: i64) -> String {
    format_instant(ms - ms.rem_euclid(1000))
}

/// Formats a confidence without rounding it up to 1: `0.9993`, `more than 0.9999`.
pub(super) fn confidence(value: f64) -> String {
    if value > 0.9999 {
        "more than 0.9999".to_owned()
    } else {
        format!("{:.4}", f64::from(confidence_parts(value, 10_000)) / 1e4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_sizes_and_confidences_are_formatted_with_units() {
        assert_eq!((duration(0), duration(14_500), duration(60_000)), ("0 min".into(), "15 s".into(), "1 min".into()));
        assert_eq!((seconds(119_000), seconds(120_000)), ("119 s".into(), "2 min".into()));
        assert_eq!(duration(10_680_000), "2 h 58 min");
        assert_eq!(duration(7_200_000), "2 h");
        assert_eq!(duration(90_000_000), "1 d 1 h");
        assert_eq!(bytes(2_147_483_648.0), "2.00 GiB");
        assert_eq!(bytes(12.0), "12 B");
        assert_eq!([0.99199, 1.0, 1.002, 0.3].map(share), ["99.1 %", "100 %", "100.2 %", "30 %"]);
        assert_eq!([0.04, 0.251, 2.54, 61.2, 150.0].map(about), ["40 ms", "0.25 s", "2.5 s", "61 s", "3 min"]);
        assert_eq!([[12.3, 12.0], [1024.0, 1.0]].map(|two| range(two.into_iter(), bytes)), ["12 B", "1 B to 1.00 KiB"]);
        assert_eq!(reading(Metric::WalFsync, 0.01), "10 ms");
        assert_eq!(reading(Metric::WalFsync, 0.010_000_1), "10.1 ms");
        assert_eq!(reading(Metric::WalFsync, 0.038_23), "38.3 ms");
        assert_eq!(reading(Metric::WalFsync, 8.192), "8.2 s");
        assert_eq!(reading(Metric::WalFsync, 0.000_95), "0.95 ms");
        assert_eq!(reading(Metric::OpenFds, 1025.0), "1025");
        assert_eq!(confidence(0.999_99), "more than 0.9999");
        assert_eq!(confidence(0.998_76), "0.9987");
    }
}
