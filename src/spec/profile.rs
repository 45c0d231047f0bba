//! Named tables of rules: those that come with the program, and what a person makes of them.

use std::path::Path;

use super::{Bands, Companion, METRICS, Metric, POINT, Rule, RuleError, WEIGHT_ONE, parse_weight};
use crate::text::key_file::KeyFile;
use crate::text::nearest::did_you_mean;

/// The profiles that come with the program: each a file with its source.
const EMBEDDED: [(&str, &str); 5] = [
    ("seed", include_str!("profiles/seed.toml")),
    ("etcd-faq", include_str!("profiles/etcd-faq.toml")),
    ("mixin", include_str!("profiles/mixin.toml")),
    ("openshift", include_str!("profiles/openshift.toml")),
    ("fleet", include_str!("profiles/fleet.toml")),
];

/// Their names.
pub const PROFILES: [&str; EMBEDDED.len()] =
    [EMBEDDED[0].0, EMBEDDED[1].0, EMBEDDED[2].0, EMBEDDED[3].0, EMBEDDED[4].0];

/// Ways in which a step can look under one profile, at most: their number is a `u16`, and its
/// highest value stands for a step at which a member does not exist.
const MAX_CODES: usize = u16::MAX as usize;
/// What stands behind the name of a table that was changed.
const CHANGED: &str = " (changed)";
/// The greatest sum of weights: ten points of it in thousandths, added up over the 7,200 steps of a
/// cell, stay below 2⁵³.
const MAX_TOTAL_WEIGHT: u64 = 100_000_000;

/// A named table of rules, one for each metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The name, for example `seed`.
    pub name: String,
    /// Where its thresholds come from.
    pub source: String,
    rules: [Rule; METRICS],
}

/// A table of rules that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// No profile has this name.
    #[error("no profile is called '{typed}'{suggestion}: name one of {}", PROFILES.join(", "))]
    Unknown {
        /// As typed.
        typed: String,
        /// What was meant, perhaps.
        suggestion: String,
    },
    /// A weight or a band.
    #[error("{metric}: {error}")]
    Rule {
        /// Whose.
        metric: Metric,
        /// What is wrong.
        error: RuleError,
    },
    /// Weights that are not all of the score.
    #[error("the weights add up to {sum}, not to 1 ({weights})")]
    Sum {
        /// What they add up to.
        sum: String,
        /// All six.
        weights: String,
    },
    /// Shares of the score that leave nothing to rescale, or more than all.
    #[error("the weights that were given add up to {sum}: the other metrics can only share what is left of 1")]
    NoRest {
        /// What they add up to.
        sum: String,
    },
    /// Decimals that cannot be computed exactly.
    #[error("weights with so many decimals cannot be rescaled exactly: give at most three")]
    TooFine,
    /// Shares of a limit that the metric does not have.
    #[error("{0} has no limit to be judged against: write a threshold without %, in its own unit")]
    NoLimit(Metric),
    /// More combinations than there are codes.
    #[error("there are too many bands together: take at most three a metric")]
    TooManyBands,
    /// Leaving out every metric leaves no score.
    #[error("--without leaves no metric that costs a weight: keep at least one of the six")]
    NothingLeft,
}

impl Profile {
    /// The profile with this name.
    pub fn named(name: &str) -> Result<Self, ProfileError> {
        let found = EMBEDDED.iter().find(|(known, _)| *known == name);
        let (known, text) = found.ok_or_else(|| ProfileError::Unknown {
            typed: name.to_owned(),
            suggestion: did_you_mean(name, PROFILES),
        })?;
        Ok(Self::read(known, text).expect("a test reads every profile that comes with the program"))
    }

    /// The table of the original script: its weights (`wt_etcd_…`) and its thresholds.
    pub fn seed() -> Self {
        Self::named(PROFILES[0]).expect("the seed is among the profiles")
    }

    /// A table as it was written down, each metric with its weight and bands; `None` where it cannot be.
    pub fn of_rules(name: &str, source: &str, rules: [Rule; METRICS]) -> Option<Self> {
        let profile = Self { name: name.to_owned(), source: source.to_owned(), rules };
        profile.checked().ok().filter(|p| (1..=MAX_TOTAL_WEIGHT).contains(&p.total_weight()))
    }

    /// Reads a file of keys: `source`, and for each metric `weights.…` and `bands.…`; `None` where one
    /// is missing or wrong.
    fn read(name: &str, text: &str) -> Option<Self> {
        let file = KeyFile::toml(Path::new(name), text).ok()?;
        let value = |key: String| file.get(&key).map(|entry| entry.text.as_str());
        let mut rules: [Rule; METRICS] = Default::default();
        for metric in Metric::ALL {
            let weight = parse_weight(value(format!("weights.{metric}"))?).ok()?;
            let bands = value(format!("bands.{metric}"))?.parse().ok()?;
            rules[metric.index()] = Rule { weight, bands };
        }
        Self::of_rules(name, value("source".to_owned())?, rules).filter(|p| p.total_weight() == WEIGHT_ONE)
    }

    /// The same table with these weights, in millionths, in the place of its own; all six must add up to 1.
    pub fn with_weights(mut self, weights: &[(Metric, u64)]) -> Result<Self, ProfileError> {
        for &(metric, weight) in weights {
            self.rules[metric.index()].weight = weight;
        }
        if self.total_weight() != WEIGHT_ONE {
            let weights = Metric::ALL.map(|m| format!("{m} {}", of_one(self.rule(m).weight))).join(", ");
            return Err(ProfileError::Sum { sum: of_one(self.total_weight()), weights });
        }
        Ok(self.changed())
    }

    /// The same table in which some metrics weigh this much, in millionths, and the others share the
    /// rest in proportion to what they weighed.
    pub fn with_weight_shares(mut self, given: &[(Metric, u64)]) -> Result<Self, ProfileError> {
        let is_given = |metric: Metric| given.iter().any(|(m, _)| *m == metric);
        let sum: u64 = given.iter().map(|(_, weight)| weight).sum();
        let others: u64 = Metric::ALL.into_iter().filter(|m| !is_given(*m)).map(|m| self.rule(m).weight).sum();
        if sum > WEIGHT_ONE || (others == 0 && sum != WEIGHT_ONE) {
            return Err(ProfileError::NoRest { sum: of_one(sum) });
        }
        // Over one common denominator, so that no weight is rounded.
        let common = others.max(1);
        for metric in Metric::ALL {
            let rule = &mut self.rules[metric.index()];
            rule.weight = match given.iter().find(|(m, _)| *m == metric) {
                Some((_, weight)) => weight * common,
                None => rule.weight * (WEIGHT_ONE - sum),
            };
        }
        let reduced = self.reduced_weights();
        for (rule, weight) in self.rules.iter_mut().zip(reduced) {
            rule.weight = weight;
        }
        if self.total_weight() > MAX_TOTAL_WEIGHT {
            return Err(ProfileError::TooFine);
        }
        // About as fine as millionths again: the mean of members is rounded in this unit.
        let unit = (WEIGHT_ONE / self.total_weight()).max(1);
        self.rules.iter_mut().for_each(|rule| rule.weight *= unit);
        Ok(self.changed())
    }

    /// The same table with other bands for one metric.
    pub fn with_bands(mut self, metric: Metric, bands: Bands) -> Result<Self, ProfileError> {
        self.rules[metric.index()].bands = bands;
        Ok(self.checked()?.changed())
    }

    /// The same table with some metrics left out, whose weight the rest share in proportion.
    pub fn without(mut self, left_out: &[Metric]) -> Result<Self, ProfileError> {
        for metric in left_out {
            self.rules[metric.index()].weight = 0;
        }
        if self.total_weight() == 0 { Err(ProfileError::NothingLeft) } else { Ok(self) }
    }

    fn checked(self) -> Result<Self, ProfileError> {
        let without_limit = |m: &Metric| self.rule(*m).bands.of_limit && m.limit().is_none();
        if let Some(metric) = Metric::ALL.into_iter().find(without_limit) {
            return Err(ProfileError::NoLimit(metric));
        }
        let codes = self.rules.iter().try_fold(1, |codes: usize, rule| codes.checked_mul(rule.bands.list.len() + 2));
        if codes.is_none_or(|codes| codes > MAX_CODES) { Err(ProfileError::TooManyBands) } else { Ok(self) }
    }

    fn changed(mut self) -> Self {
        if !self.is_changed() {
            self.name.push_str(CHANGED);
        }
        self
    }

    /// Whether it is another table than the one that is published under its name.
    pub fn is_changed(&self) -> bool {
        self.name.ends_with(CHANGED)
    }

    /// The rule of one metric.
    pub fn rule(&self, metric: Metric) -> &Rule {
        &self.rules[metric.index()]
    }

    /// Whether the metric takes part in the score.
    pub fn counts(&self, metric: Metric) -> bool {
        self.rule(metric).weight > 0
    }

    /// What the metric is judged against, where that is no fixed threshold.
    pub fn limit(&self, metric: Metric) -> Option<Companion> {
        metric.limit().filter(|_| self.rule(metric).bands.of_limit)
    }

    /// The limits that its metrics are judged against, each with the metric, of those that count.
    pub fn limits(&self) -> impl Iterator<Item = (Metric, Companion)> + '_ {
        Metric::ALL.into_iter().filter(|m| self.counts(*m)).filter_map(|m| Some((m, self.limit(m)?)))
    }

    /// The sum of the weights: [`WEIGHT_ONE`] unless metrics are left out or weights were rescaled.
    pub fn total_weight(&self) -> u64 {
        self.rules.iter().map(|r| r.weight).sum()
    }

    /// The weights in the smallest whole numbers that stand in the same proportion.
    pub fn reduced_weights(&self) -> [u64; METRICS] {
        let weights = Metric::ALL.map(|metric| self.rule(metric).weight);
        let divisor = weights.into_iter().fold(0, greatest_common_divisor).max(1);
        weights.map(|weight| weight / divisor)
    }

    /// The share of the score that a metric has, 0 to 1.
    pub fn share(&self, metric: Metric) -> f64 {
        self.rule(metric).weight as f64 / self.total_weight() as f64
    }

    /// The integer that stands for one point of a score.
    pub fn denominator(&self) -> u64 {
        self.total_weight() * POINT
    }
}

/// Millionths as a person writes them.
fn of_one(millionths: u64) -> String {
    (millionths as f64 / WEIGHT_ONE as f64).to_string()
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn every_profile_can_be_read_has_a_source_and_weighs_one() {
        for (name, text) in EMBEDDED {
            let profile = Profile::read(name, text).unwrap_or_else(|| panic!("{name}.toml is no profile"));
            assert_eq!(profile.total_weight(), WEIGHT_ONE, "{name}");
            assert!(profile.source.len() > 20, "{name}");
        }
        let error = Profile::named("etcd_faq").unwrap_err().to_string();
        assert!(error.contains("did you mean 'etcd-faq'"), "{error}");
    }

    #[test]
    fn the_documentation_has_the_bands_of_every_profile() {
        let page = include_str!("../../docs/score.md");
        for name in PROFILES {
            let profile = Profile::named(name).unwrap();
            let mut table = page.lines().skip_while(|line| *line != "## Profiles");
            let row = table.find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
            let judged = Metric::ALL.into_iter().filter(|m| *m != Metric::ClientTrafficIn);
            let bands = judged.map(|m| profile.rule(m).bands.to_string()).collect::<Vec<_>>().join(" | ");
            assert!(row.ends_with(&format!(" | {bands} |")), "{row} does not say {bands}");
            assert!(profile.rule(Metric::ClientTrafficIn).bands.list.is_empty(), "{name} has a column more");
        }
    }

    #[test]
    fn leaving_out_everything_is_refused() {
        assert_eq!(Profile::seed().without(&Metric::ALL), Err(ProfileError::NothingLeft));
        let profile = Profile::seed().without(&[Metric::OpenFds]).unwrap();
        assert!(!profile.counts(Metric::OpenFds));
        assert_eq!(profile.total_weight(), 900_000);
    }

    #[test]
    fn a_weight_that_is_given_rescales_the_others() {
        let profile = Profile::seed().with_weight_shares(&[(Metric::WalFsync, 500_000)]).unwrap();
        // Python: Fraction(w) * Fraction(1, 2) / Fraction(7, 10) for each other weight w, in 28ths.
        let shares = Metric::ALL.map(|m| profile.rule(m).weight * 28 / profile.total_weight());
        assert_eq!(shares, [14, 4, 2, 6, 1, 1]);
        assert_eq!(profile.total_weight() % 28, 0);
        assert_eq!(profile.name, "seed (changed)");
    }

    #[test]
    fn weights_that_leave_no_rest_are_refused() {
        let shares = |weights: &[(Metric, u64)]| Profile::seed().with_weight_shares(weights).map(|_| ());
        let (half, most) = ((Metric::WalFsync, 500_000), (Metric::OpenFds, 600_000));
        assert_eq!(shares(&[half, most]), Err(ProfileError::NoRest { sum: "1.1".into() }));
        let odd = Profile::seed().with_weights(&[(Metric::WalFsync, 300_001), (Metric::BackendCommit, 199_999)]);
        assert_eq!(odd.unwrap().with_weight_shares(&[(Metric::OpenFds, 123_457)]), Err(ProfileError::TooFine));
        let error = Profile::seed().with_weights(&[half]).unwrap_err().to_string();
        assert!(error.contains("add up to 1.2, not to 1 (wal_fsync 0.5, backend_commit 0.2"), "{error}");
    }

    #[test]
    fn bands_that_a_metric_cannot_have_are_refused() {
        let with = |metric, bands: &str| Profile::seed().with_bands(metric, bands.parse().unwrap()).map(|_| ());
        assert_eq!(with(Metric::WalFsync, "80%:0"), Err(ProfileError::NoLimit(Metric::WalFsync)));
        assert_eq!(with(Metric::DbSize, "80%:0"), Ok(()));
        let many: Vec<String> = (1..900).map(|i| format!("{i}:{:.2}", 10.0 - f64::from(i) / 100.0)).collect();
        assert_eq!(with(Metric::OpenFds, &many.join(",")), Err(ProfileError::TooManyBands));
    }
}
