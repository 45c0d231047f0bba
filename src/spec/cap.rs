//! Caps: conditions under which a score is at most so many points, whatever all metrics are worth, and the notation in
//! which profiles write them.
//!
//! A weighted sum lets five healthy metrics outvote an outage. A cap does not: it belongs to a metric, and costs that
//! metric the points that it takes.

use std::fmt;
use std::str::FromStr;

use super::rule::{parse_points, parse_threshold};
use super::{Companion, FULL_POINTS, Metric, POINT, RuleError, percent};

/// The condition in the notation that needs no threshold.
const NO_LEADER: &str = "no_leader";
/// Follows a threshold that counts only while the member leads.
const ON_LEADER: &str = "@leader";

/// When a cap applies. It does not apply at a step at which a reading that it needs is missing or idle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// The member knows no leader: `has_leader` is 0.
    NoLeader,
    /// The reading of the metric is strictly above a threshold.
    Above {
        /// The threshold in the unit of the reading, or as a share of its limit (0.8, not 80).
        threshold: f64,
        /// Whether the threshold is a share of the metric's limit.
        of_limit: bool,
        /// Whether the cap applies only while the member leads: `is_leader` is 1.
        on_leader: bool,
    },
}

/// A condition, and the highest score of a member for which it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cap {
    /// When the cap applies.
    pub condition: Condition,
    /// The highest score, in thousandths of a point; below [`FULL_POINTS`].
    pub most: u64,
}

/// The caps of one metric. If several apply, the lowest counts, and of equal ones the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Caps {
    /// The caps in the order in which they were written; no condition occurs twice.
    pub list: Vec<Cap>,
}

impl Cap {
    /// The companions whose readings the condition needs, for a cap of this metric.
    pub fn columns(&self, metric: Metric) -> impl Iterator<Item = Companion> + use<> {
        let [first, second] = match self.condition {
            Condition::NoLeader => [Some(Companion::HasLeader), None],
            Condition::Above { of_limit, on_leader, .. } => {
                [metric.limit().filter(|_| of_limit), on_leader.then_some(Companion::IsLeader)]
            }
        };
        first.into_iter().chain(second)
    }

    /// Whether the cap decides the score even if readings of other metrics are missing: no score is below 0.
    pub fn is_zero(&self) -> bool {
        self.most == 0
    }

    /// The highest score, 0 to 10.
    pub fn score(&self) -> f64 {
        self.most as f64 / POINT as f64
    }

    /// The condition for a person, with `threshold` for the number: `above 100 ms on the leader`, `no leader`.
    pub fn describe(&self, metric: Metric, threshold: impl Fn(f64) -> String) -> String {
        match self.condition {
            Condition::NoLeader => "no leader".to_owned(),
            Condition::Above { threshold: above, of_limit, on_leader } => {
                let above = match metric.limit().filter(|_| of_limit) {
                    Some(limit) => format!("{} of {limit}", percent(above)),
                    None => threshold(above),
                };
                format!("above {above}{}", if on_leader { " on the leader" } else { "" })
            }
        }
    }
}

/// Parses `no_leader:0` (at most 0 without a leader), `99.9%:0` (above this share of the limit), `1:4` (above 1),
/// `0.1@leader:4` (above 0.1 while the member leads), several of them with commas, or `none`.
impl FromStr for Caps {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let mut caps = Self::default();
        if text.trim() == "none" {
            return Ok(caps);
        }
        for part in text.split(',').map(str::trim) {
            let (condition, score) = part.split_once(':').ok_or_else(|| RuleError::NotACap(part.to_owned()))?;
            let most = parse_points(score.trim())?;
            if most >= FULL_POINTS {
                return Err(RuleError::CapsNothing(part.to_owned()));
            }
            let condition = parse_condition(condition.trim(), part)?;
            if caps.list.iter().any(|cap| cap.condition == condition) {
                return Err(RuleError::CapTwice(part.to_owned()));
            }
            caps.list.push(Cap { condition, most });
        }
        Ok(caps)
    }
}

fn parse_condition(text: &str, cap: &str) -> Result<Condition, RuleError> {
    if text == NO_LEADER {
        return Ok(Condition::NoLeader);
    }
    let (threshold, on_leader) = match text.strip_suffix(ON_LEADER) {
        Some(threshold) => (threshold.trim(), true),
        None => (text, false),
    };
    if threshold.contains(|c: char| c.is_ascii_alphabetic() && c != 'e') || threshold.contains('@') {
        return Err(RuleError::NotACap(cap.to_owned()));
    }
    Ok(Condition::Above { threshold: parse_threshold(threshold)?, of_limit: threshold.contains('%'), on_leader })
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoLeader => f.pad(NO_LEADER),
            Self::Above { threshold, of_limit, on_leader } => {
                let threshold = if of_limit { percent(threshold) } else { threshold.to_string() };
                write!(f, "{threshold}{}", if on_leader { ON_LEADER } else { "" })
            }
        }
    }
}

impl fmt::Display for Caps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.list.is_empty() {
            return f.pad("none");
        }
        let caps = self.list.iter().map(|cap| format!("{}:{}", cap.condition, cap.score()));
        f.pad(&caps.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn caps_are_displayed_as_they_were_written() {
        for text in
            ["none", "no_leader:0", "99.9%:0", "0.1@leader:4", "1:4", "0.5:6, 1:4.125, 0.1@leader:4, 80%@leader:3"]
        {
            assert_eq!(text.parse::<Caps>().unwrap().to_string(), text);
        }
        let caps: Caps = " 0.1 @leader : 4 ,no_leader:0".parse().unwrap();
        let above = Condition::Above { threshold: 0.1, of_limit: false, on_leader: true };
        assert_eq!(
            caps.list,
            [Cap { condition: above, most: 4_000 }, Cap { condition: Condition::NoLeader, most: 0 },]
        );
    }

    #[test]
    fn invalid_caps_are_rejected_with_the_offending_part() {
        let reason = |text: &str| text.parse::<Caps>().unwrap_err();
        for text in ["0.1", "", "no_leader", "leaderless:0", "0.1@follower:4", "@leader:4", "0.1@leader@leader:4"] {
            let error = reason(text);
            let expected = match text {
                "@leader:4" => RuleError::NotAThreshold(String::new()),
                _ => RuleError::NotACap(text.to_owned()),
            };
            assert_eq!(error, expected, "{text}");
        }
        assert_eq!(reason("no_leader:0, 1:11"), RuleError::NotPoints("11".into()));
        assert_eq!(reason("1:-1"), RuleError::NotPoints("-1".into()));
        assert_eq!(reason("1:10"), RuleError::CapsNothing("1:10".into()));
        assert_eq!(reason("-1:4"), RuleError::NotAThreshold("-1".into()));
        assert_eq!(reason("1:4, 1:3"), RuleError::CapTwice("1:3".into()));
        assert!("1:4, 1@leader:3".parse::<Caps>().is_ok(), "on the leader is another condition");
    }

    #[test]
    fn a_cap_reads_the_companions_of_its_condition() {
        let columns = |text: &str| text.parse::<Caps>().unwrap().list[0].columns(Metric::DbSize).collect::<Vec<_>>();
        assert_eq!(columns("no_leader:0"), [Companion::HasLeader]);
        assert_eq!(columns("1:0"), []);
        assert_eq!(columns("95%@leader:0"), [Companion::Quota, Companion::IsLeader]);
    }
}
