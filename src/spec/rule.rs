//! How one metric is judged: its weight and its bands, and how a person writes them.

use std::fmt;
use std::str::FromStr;

/// A weight of 1 in the unit of [`parse_weight`], millionths.
pub const WEIGHT_ONE: u64 = 1_000_000;
/// One point in the unit of [`Band::points`], thousandths.
pub const POINT: u64 = 1_000;
/// The points of a healthy reading.
pub const FULL_POINTS: u64 = 10 * POINT;

/// The queries' rates look back over five minutes: so long a reading may hold what a process did
/// before it was restarted, or little of what it has done since.
pub const LOOK_BACK_SECONDS: i64 = 300;

/// Decimals of a weight, and of points.
const WEIGHT_DECIMALS: usize = 6;
const POINT_DECIMALS: usize = 3;

/// A weight or a list of bands that is none, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No decimal from 0 to 1.
    #[error("'{0}' is no weight: write a number from 0 to 1 with at most six decimals, such as 0.3")]
    NotAWeight(String),
    /// Not written like a band.
    #[error("'{0}' is no band: write THRESHOLD:POINTS, such as 0.01:0 or 80%:5")]
    NotABand(String),
    /// Points beyond 0 to 10.
    #[error("'{0}' are no points: write a number from 0 to 10 with at most three decimals")]
    NotPoints(String),
    /// A threshold that no reading can be compared with.
    #[error("'{0}' is no threshold: write a number from 0 up, or a share of the limit such as 80%")]
    NotAThreshold(String),
    /// Thresholds that do not ascend, or points that do not fall.
    #[error("the band '{0}' is out of order: thresholds must rise from band to band, and points fall from 10")]
    OutOfOrder(String),
    /// Shares and fixed thresholds in one list.
    #[error("'{0}' mixes fixed thresholds with shares of a limit: take one kind")]
    Mixed(String),
}

/// A reading strictly above `above` gets `points` (in thousandths of a point).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Threshold, in the unit of the reading, or a share of its limit (0.8, not 80).
    pub above: f64,
    /// Points above it, in thousandths.
    pub points: u64,
}

/// Bands with ascending thresholds; at or below the first one a reading has full points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bands {
    /// The bands; none where a metric never costs a point.
    pub list: Vec<Band>,
    /// Whether what is compared is the reading's share of its limit instead of the reading.
    pub of_limit: bool,
}

/// How one metric is judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Share of the score, in the unit of [`Profile::total_weight`](super::Profile::total_weight); 0
    /// for a metric that is left out.
    pub weight: u64,
    /// What costs points.
    pub bands: Bands,
}

/// Reads a weight, 0 to 1, as millionths.
pub fn parse_weight(text: &str) -> Result<u64, RuleError> {
    decimal(text.trim(), WEIGHT_DECIMALS)
        .filter(|&weight| weight <= WEIGHT_ONE)
        .ok_or_else(|| RuleError::NotAWeight(text.trim().to_owned()))
}

/// A decimal without a sign, times ten to the power of `places`; `None` where it has more decimals.
fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = if fraction.len() > places { fraction.trim_end_matches('0') } else { fraction };
    let digits = format!("{whole}{fraction}");
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && fraction.len() <= places;
    is_number.then(|| format!("{digits}{}", "0".repeat(places - fraction.len())).parse().ok()).flatten()
}

/// Such as `0.025:5, 0.04:0` (above 0.025 it is worth 5 points, above 0.04 none), `80%:5` (above 80 %
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

fn parse_points(text: &str) -> Result<u64, RuleError> {
    let points = decimal(text, POINT_DECIMALS).filter(|&points| points <= FULL_POINTS);
    points.ok_or_else(|| RuleError::NotPoints(text.to_owned()))
}

fn parse_threshold(text: &str) -> Result<f64, RuleError> {
    // The decimal point is moved in the text, so that 66.6 % is the double nearest to 0.666.
    let number = text.strip_suffix('%').map_or_else(|| text.to_owned(), |percent| format!("{}e-2", percent.trim()));
    let threshold = number.parse::<f64>().ok().filter(|t| t.is_finite() && *t >= 0.0 && !number.starts_with('-'));
    threshold.ok_or_else(|| RuleError::NotAThreshold(text.to_owned()))
}

/// As it is read.
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

/// The shortest percentage that is read as this share, such as `66.6%`.
pub fn percent(share: f64) -> String {
    // The decimal point is moved in the text: a hundredfold is not always a double.
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
    fn weights_are_read_exactly_or_refused() {
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
    fn bands_come_back_as_they_were_written() {
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
    fn bands_that_cannot_be_are_refused_with_the_part_that_is_wrong() {
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
