//! The rule of one metric, its weight, bands and caps, and the notation in which users write weights and bands.

use std::fmt;
use std::str::FromStr;

use super::Caps;

/// A weight of 1, in the unit of [`parse_weight`]: millionths.
pub const WEIGHT_ONE: u64 = 1_000_000;
/// One point, in the unit of [`Band::points`]: thousandths.
pub const POINT: u64 = 1_000;
/// The points of a healthy reading, in thousandths.
pub const FULL_POINTS: u64 = 10 * POINT;

/// The range of `rate` in the queries. For this long after a restart, a reading is based on samples of the old
/// process, or on only a few of the new one.
pub const LOOK_BACK_SECONDS: i64 = 300;

/// Maximum number of decimals: six in a weight, three in points.
const WEIGHT_DECIMALS: usize = 6;
const POINT_DECIMALS: usize = 3;

/// An invalid weight or list of bands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A weight that is not a decimal from 0 to 1.
    #[error("'{0}' is not a weight: write a number from 0 to 1 with at most six decimals, such as 0.3")]
    NotAWeight(String),
    /// A band that is not written as `THRESHOLD:POINTS`.
    #[error("'{0}' is not a band: write THRESHOLD:POINTS, such as 0.01:0 or 80%:5")]
    NotABand(String),
    /// Points that are not a decimal from 0 to 10.
    #[error("invalid points '{0}': write a number from 0 to 10 with at most three decimals")]
    NotPoints(String),
    /// A threshold that is negative, not finite or not a number.
    #[error("'{0}' is not a threshold: write a number of at least 0, or a share of the limit such as 80%")]
    NotAThreshold(String),
    /// A threshold that is not above the previous one, or points that are not below those of the previous band.
    #[error(
        "the band '{0}' is out of order: sort bands by rising threshold, each with fewer points than the one before (the first below 10)"
    )]
    OutOfOrder(String),
    /// Fixed thresholds and shares of a limit in one list.
    #[error("'{0}' mixes fixed thresholds with shares of a limit: use only one kind")]
    Mixed(String),
    /// A cap that is not written as `CONDITION:SCORE`.
    #[error("'{0}' is not a cap: write CONDITION:SCORE, such as no_leader:0, 99.9%:0, 1:4 or 0.1@leader:4")]
    NotACap(String),
    /// A cap of 10, which no score exceeds.
    #[error("the cap '{0}' takes nothing: write a score below 10")]
    CapsNothing(String),
    /// Two caps with one condition.
    #[error("the cap '{0}' repeats a condition: keep one of the two")]
    CapTwice(String),
}

/// A threshold and its points: a reading strictly above `above` gets `points`, unless a later band applies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Threshold in the unit of the reading, or as a share of its limit (0.8, not 80).
    pub above: f64,
    /// Points above the threshold, in thousandths.
    pub points: u64,
}

/// Bands with ascending thresholds. A reading at or below the first threshold gets full points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bands {
    /// The bands; empty for a metric that never costs points.
    pub list: Vec<Band>,
    /// Whether thresholds are shares of the metric's limit. Then reading / limit is compared instead of the reading.
    pub of_limit: bool,
}

/// The weight, the bands and the caps of one metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Weight in the score: this value divided by [`Profile::total_weight`](super::Profile::total_weight) is the
    /// metric's share; 0 for a metric that is left out.
    pub weight: u64,
    /// The thresholds and the points above them.
    pub bands: Bands,
    /// What limits the whole score; without effect while the metric has no weight.
    pub caps: Caps,
}

/// Parses a weight from 0 to 1 into millionths.
pub fn parse_weight(text: &str) -> Result<u64, RuleError> {
    decimal(text.trim(), WEIGHT_DECIMALS)
        .filter(|&weight| weight <= WEIGHT_ONE)
        .ok_or_else(|| RuleError::NotAWeight(text.trim().to_owned()))
}

/// Parses an unsigned decimal into an integer in units of `10^-places`; `None` if the text is not a decimal, or has
/// more than `places` decimals without its trailing zeros.
fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = if fraction.len() > places { fraction.trim_end_matches('0') } else { fraction };
    let digits = format!("{whole}{fraction}");
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && fraction.len() <= places;
    is_number.then(|| format!("{digits}{}", "0".repeat(places - fraction.len())).parse().ok()).flatten()
}

/// Parses `0.025:5, 0.04:0` (5 points above 0.025, none above 0.04), `80%:5` (5 points above 80 %
/// of the limit), or `none`.
impl FromStr for Bands {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let text = text.trim();
        if text == "none" {
            return Ok(Self::default());
        }
        let mut bands = Self { list: Vec::new(), of_limit: text.contains('%') };
        for part in text.split(',').map(str::trim) {
            let (threshold, points) = part.split_once(':').ok_or_else(|| RuleError::NotABand(part.to_owned()))?;
            if threshold.contains('%') != bands.of_limit {
                return Err(RuleError::Mixed(text.to_owned()));
            }
            let band = Band { above: parse_threshold(threshold.trim())?, points: parse_points(points.trim())? };
            let (lowest, highest) = bands.list.last().map_or((-1.0, FULL_POINTS), |last| (last.above, last.points));
            if band.above <= lowest || band.points >= highest {
                return Err(RuleError::OutOfOrder(part.to_owned()));
            }
            bands.list.push(band);
        }
        Ok(bands)
    }
}

pub(super) fn parse_points(text: &str) -> Result<u64, RuleError> {
    let points = decimal(text, POINT_DECIMALS).filter(|&points| points <= FULL_POINTS);
    points.ok_or_else(|| RuleError::NotPoints(text.to_owned()))
}

pub(super) fn parse_threshold(text: &str) -> Result<f64, RuleError> {
    // A division by 100 would round twice; an exponent gives the double nearest to 0.666 for 66.6 %.
    let number = text.strip_suffix('%').map_or_else(|| text.to_owned(), |percent| format!("{}e-2", percent.trim()));
    let threshold = number.parse::<f64>().ok().filter(|t| t.is_finite() && *t >= 0.0 && !number.starts_with('-'));
    threshold.ok_or_else(|| RuleError::NotAThreshold(text.to_owned()))
}

/// Parses an unsigned decimal into an integer in units of `10^-places`; `None` if the text is not a decimal, or has
/// more than `places` decimals even after trailing zeros are removed.
impl fmt::Display for Bands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.list.is_empty() {
            return f.pad("none");
        }
        let threshold = |above: f64| if self.of_limit { percent(above) } else { above.to_string() };
        let band = |band: &Band| format!("{}:{}", threshold(band.above), band.points as f64 / POINT as f64);
        f.pad(&self.list.iter().map(band).collect::<Vec<_>>().join(", "))
    }
}

/// The shortest percentage that is parsed to this share: `66.6%` for 0.666.
pub fn percent(share: f64) -> String {
    // Moves the decimal point in the text, because multiplying by 100 would round.
    let text = share.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = format!("{fraction:0<2}");
    let (hundredths, rest) = fraction.split_at(2);
    let digits = format!("{whole}{hundredths}");
    let digits = Some(digits.trim_start_matches('0')).filter(|digits| !digits.is_empty()).unwrap_or("0");
    if rest.is_empty() { format!("{digits}%") } else { format!("{digits}.{rest}%") }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn weights_are_parsed_exactly_or_rejected() {
        for (text, millionths) in
            [("0.30", 300_000), ("1", 1_000_000), ("0", 0), (".05", 50_000), ("0.3000000", 300_000)]
        {
            assert_eq!(parse_weight(text), Ok(millionths), "{text}");
        }
        for text in ["", ".", "-0.1", "NaN", "inf", "1.1", "0.0000001", "1e-1", "0,3", "+0.1"] {
            assert!(parse_weight(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bands_are_displayed_as_they_were_written() {
        for text in ["0.025:5, 0.04:0", "0.01:0", "80%:5, 95%:0", "66.6%:2.125", "none", "1024:0"] {
            assert_eq!(text.parse::<Bands>().unwrap().to_string(), text);
        }
        for text in ["100%:0", "0%:0", "0.5%:0", "2.5%:0", "10000000000000066.6%:2", "0.0000000000000000000001%:0"] {
            let bands: Bands = text.parse().unwrap();
            assert_eq!(bands.to_string().parse(), Ok(bands), "{text}");
        }
        let bands: Bands = "66.6%:5,95%:0".parse().unwrap();
        assert_eq!(bands.list.iter().map(|b| b.above).collect::<Vec<_>>(), [0.666, 0.95]);
    }

    #[test]
    fn invalid_bands_are_rejected_with_the_offending_part() {
        let reason = |text: &str| text.parse::<Bands>().unwrap_err();
        assert_eq!(reason("0.04:0, 0.05:0"), RuleError::OutOfOrder("0.05:0".into()));
        assert_eq!(reason("0.04:5, 0.03:0"), RuleError::OutOfOrder("0.03:0".into()));
        assert_eq!(reason("0.04:10"), RuleError::OutOfOrder("0.04:10".into()));
        assert_eq!(reason("0.04:11"), RuleError::NotPoints("11".into()));
        assert_eq!(reason("0.04:-1"), RuleError::NotPoints("-1".into()));
        assert_eq!(reason("nan:1"), RuleError::NotAThreshold("nan".into()));
        assert_eq!(reason("-1:1"), RuleError::NotAThreshold("-1".into()));
        assert_eq!(reason("inf:1"), RuleError::NotAThreshold("inf".into()));
        assert_eq!(reason("0.04"), RuleError::NotABand("0.04".into()));
        assert_eq!(reason("80%:5, 9:0"), RuleError::Mixed("80%:5, 9:0".into()));
    }
}
