//! Typed values of the evidence of findings, so that texts show them with units and tables hold numbers.

use std::fmt;

use super::told;
use crate::spec::Metric;
use crate::text::rounding::{confidence_percent, loss_number, loss_short, score_number, score_short};

/// One value of a finding's evidence. `Display` writes it for people, with its unit; [`Evidence::figures`] gives numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Evidence {
    Text(String),
    Count(u64),
    /// So many of so many: `7 of 14`.
    Of(u64, u64),
    /// A score, 0 to 10.
    Score(f64),
    /// Points lost at a step.
    Points(f64),
    /// Points × hours lost.
    PointHours(f64),
    /// A duration in milliseconds.
    Duration(i64),
    /// A short duration in seconds, of which about two digits are known.
    Seconds(f64),
    /// Milliseconds since 1970.
    Instant(i64),
    /// A reading or threshold of a metric, in the metric's unit.
    Reading(Metric, f64),
    /// A size, in bytes.
    Bytes(f64),
    /// Bytes per `s` or `day`.
    BytesPer(f64, &'static str),
    /// A confidence, 0 to 1.
    Confidence(f64),
}

/// One value of a table: text without a unit, or a number with at most two decimals and its unit (empty for counts).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Figure {
    Text(String),
    Number(f64, String),
    /// Milliseconds since 1970.
    Instant(i64),
}

impl Evidence {
    /// The value for a table, each figure with what to append to the evidence's name. Durations are in minutes, and
    /// latencies in milliseconds.
    pub(crate) fn figures(&self) -> Vec<(&'static str, Figure)> {
        let number = |value: f64, unit: &str| Figure::Number(value, unit.to_owned());
        let figure = match self {
            Self::Of(part, whole) => {
                return vec![("", number(*part as f64, "")), ("_of", number(*whole as f64, ""))];
            }
            Self::Text(text) => Figure::Text(text.clone()),
            Self::Count(count) => number(*count as f64, ""),
            Self::Score(score) => number(score_number(*score), "points"),
            Self::Points(lost) => number(loss_number(*lost), "points"),
            Self::PointHours(lost) => number(loss_number(*lost), "points x h"),
            Self::Duration(ms) => number(*ms as f64 / 60_000.0, "min"),
            Self::Seconds(seconds) => number((seconds * 1e5).round() / 100.0, "ms"),
            Self::Instant(ms) => Figure::Instant(*ms),
            Self::Reading(metric, value) => {
                let (value, unit) = told::reading_number(*metric, *value);
                number(value, unit)
            }
            Self::Bytes(size) => number(*size, "bytes"),
            Self::BytesPer(rate, per) => number(*rate, &format!("bytes/{per}")),
            Self::Confidence(share) => number(confidence_percent(*share), "%"),
        };
        vec![("", figure)]
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Count(count) => write!(f, "{count}"),
            Self::Of(part, whole) => write!(f, "{part} of {whole}"),
            Self::Score(score) => f.write_str(&score_short(*score)),
            Self::Points(lost) => f.write_str(&loss_short(*lost)),
            Self::PointHours(lost) => write!(f, "{} points x h", loss_short(*lost)),
            Self::Duration(ms) => f.write_str(&told::duration(*ms)),
            Self::Seconds(seconds) => f.write_str(&told::about(*seconds)),
            Self::Instant(ms) => f.write_str(&told::instant(*ms)),
            Self::Reading(metric, value) => f.write_str(&told::reading(*metric, *value)),
            Self::Bytes(size) => f.write_str(&told::bytes(*size)),
            Self::BytesPer(rate, per) => write!(f, "{}/{per}", told::bytes(*rate)),
            Self::Confidence(share) => f.write_str(&told::confidence(*share)),
        }
    }
}

impl From<&str> for Evidence {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Evidence {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Evidence {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for Evidence {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}
