//! The rule of one metric in `manifest.json`.

use serde::{Deserialize, Serialize};

use crate::spec::{Band, Bands, Cap, Caps, Condition, Metric, POINT, Profile, Rule};

/// The weight, bands and caps of one metric.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestRule {
    /// The share of the metric in the score, 0 to 1.
    pub(crate) weight: f64,
    /// The weight as an integer. The share is this integer divided by the sum over all metrics.
    pub(crate) weight_units: u64,
    /// The companion, such as the quota, if the thresholds are shares of its value; absent if they are fixed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) of_limit: Option<String>,
    /// The bands in ascending order. A reading at or below the first threshold gets 10 points.
    pub(crate) bands: Vec<ManifestBand>,
    /// What limits the whole score, in the order of the profile; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) caps: Vec<ManifestCap>,
}

/// One threshold with its points.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestBand {
    /// The threshold: in the unit of the metric, or as a share of the companion in `of_limit`.
    pub(crate) above: f64,
    /// The points of a reading above the threshold, 0 to 10.
    pub(crate) points: f64,
}

/// One condition with the highest score while it holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestCap {
    /// The highest score, 0 to 10.
    pub(crate) most: f64,
    /// The threshold that the reading must exceed; absent if the condition is that the member has no leader.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) above: Option<f64>,
    /// The companion that the threshold is a share of; absent if it is fixed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) of_limit: Option<String>,
    /// Whether the cap applies only while the member leads.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) on_leader: bool,
}

impl ManifestRule {
    /// The rule of a metric in a profile.
    pub(super) fn of(profile: &Profile, metric: Metric) -> Self {
        let rule = profile.rule(metric);
        let band = |band: &Band| ManifestBand { above: band.above, points: band.points as f64 / POINT as f64 };
        Self {
            weight: profile.share(metric),
            weight_units: rule.weight,
            of_limit: profile.limit(metric).map(|limit| limit.to_string()),
            bands: rule.bands.list.iter().map(band).collect(),
            caps: rule.caps.list.iter().map(|cap| ManifestCap::of(cap, metric)).collect(),
        }
    }

    /// The rule as the specification has it.
    pub(super) fn rule(&self) -> Rule {
        let list = self.bands.iter().map(|band| Band { above: band.above, points: thousandths(band.points) }).collect();
        let bands = Bands { of_limit: self.of_limit.is_some(), list };
        Rule { weight: self.weight_units, bands, caps: Caps { list: self.caps.iter().map(ManifestCap::cap).collect() } }
    }
}

impl ManifestCap {
    fn of(cap: &Cap, metric: Metric) -> Self {
        let none = Self { most: cap.score(), above: None, of_limit: None, on_leader: false };
        match cap.condition {
            Condition::NoLeader => none,
            Condition::Above { threshold, of_limit, on_leader } => {
                let of_limit = metric.limit().filter(|_| of_limit).map(|limit| limit.to_string());
                Self { above: Some(threshold), of_limit, on_leader, ..none }
            }
        }
    }

    fn cap(&self) -> Cap {
        let condition = self.above.map_or(Condition::NoLeader, |threshold| Condition::Above {
            threshold,
            of_limit: self.of_limit.is_some(),
            on_leader: self.on_leader,
        });
        Cap { condition, most: thousandths(self.most) }
    }
}

fn thousandths(points: f64) -> u64 {
    (points * POINT as f64).round() as u64
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_back_as_they_were_written() {
        let profile = Profile::named("operator").unwrap();
        let caps = "99.9%@leader:4.125, no_leader:0, 1:2".parse().unwrap();
        let profile = profile.with_caps(Metric::DbSize, caps).unwrap();
        for metric in Metric::ALL {
            let json = serde_json::to_string(&ManifestRule::of(&profile, metric)).unwrap();
            assert_eq!(&serde_json::from_str::<ManifestRule>(&json).unwrap().rule(), profile.rule(metric), "{json}");
        }
        let json = serde_json::to_string(&ManifestRule::of(&profile, Metric::DbSize).caps).unwrap();
        // Python in tests/oracle, and the notebook, read these names.
        let expected = r#"[{"most":4.125,"above":0.999,"of_limit":"quota","on_leader":true},{"most":0.0},{"most":2.0,"above":1.0}]"#;
        assert_eq!(json, expected);
        let seed = serde_json::to_string(&ManifestRule::of(&Profile::seed(), Metric::DbSize)).unwrap();
        assert_eq!(seed, r#"{"weight":0.05,"weight_units":50000,"bands":[]}"#, "as before caps");
    }
}
