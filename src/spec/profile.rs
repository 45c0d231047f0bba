//! Profiles, which are named tables of rules: the built-in ones, and changes that users make to them.

use std::path::Path;

use super::{
    Bands, Cap, Caps, Column, Companion, Condition, METRICS, Metric, POINT, Rule, RuleError, WEIGHT_ONE, parse_weight,
};
use crate::text::key_file::KeyFile;
use crate::text::nearest::did_you_mean;

/// The built-in profiles. Each file also gives the source of its thresholds.
const EMBEDDED: [(&str, &str); 6] = [
    ("seed", include_str!("profiles/seed.toml")),
    ("etcd-faq", include_str!("profiles/etcd-faq.toml")),
    ("mixin", include_str!("profiles/mixin.toml")),
    ("openshift", include_str!("profiles/openshift.toml")),
    ("fleet", include_str!("profiles/fleet.toml")),
    ("operator", include_str!("profiles/operator.toml")),
];

/// The names of the built-in profiles.
pub const PROFILES: [&str; EMBEDDED.len()] =
    [EMBEDDED[0].0, EMBEDDED[1].0, EMBEDDED[2].0, EMBEDDED[3].0, EMBEDDED[4].0, EMBEDDED[5].0];

/// Maximum number of codes (combinations of bands, and the cap that applies) of a profile. A code is a `u16`, and its highest value marks a step
/// at which a member is not expected.
const MAX_CODES: usize = u16::MAX as usize;
/// Suffix of the name of a changed profile.
const CHANGED: &str = " (changed)";
/// Maximum sum of weights, so that sums of a cell are exact in doubles: ten points in thousandths times this
/// weight, added up over 7,200 steps (two hours at a step of one second), stay below 2⁵³.
const MAX_TOTAL_WEIGHT: u64 = 100_000_000;

/// A named table with one rule per metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The name, such as `seed`; it ends in ` (changed)` if weights, bands or caps were replaced.
    pub name: String,
    /// The source of the thresholds, for reports and the manifest.
    pub source: String,
    rules: [Rule; METRICS],
}

/// Why a profile cannot be built from the given settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// A name that is not a built-in profile.
    #[error("unknown profile '{typed}'{suggestion}: use one of {}", PROFILES.join(", "))]
    Unknown {
        /// The name as the user wrote it.
        typed: String,
        /// A suggestion for the message, or an empty string.
        suggestion: String,
    },
    /// An invalid weight or band.
    #[error("{metric}: {error}")]
    Rule {
        /// The metric of the rule.
        metric: Metric,
        /// What is wrong with the rule.
        error: RuleError,
    },
    /// Weights that do not add up to 1.
    #[error("the weights add up to {sum}, not to 1 ({weights}): adjust some of them")]
    Sum {
        /// The sum of the weights.
        sum: String,
        /// All weights with their metrics, for the message.
        weights: String,
    },
    /// The given weights add up to more than 1, or they add up to less and no other metric has a weight to rescale.
    #[error(
        "the given weights add up to {sum}: change their sum to at most 1, or to exactly 1 if no other metric has a weight"
    )]
    NoRest {
        /// The sum of the given weights.
        sum: String,
    },
    /// Weights with so many decimals that sums of scores would no longer be exact after rescaling.
    #[error("the weights are too precise to be rescaled exactly: use at most three decimals")]
    TooFine,
    /// Thresholds in % for a metric without a limit.
    #[error("{0} has no limit, so its thresholds cannot be in %: write them in the unit of the metric")]
    NoLimit(Metric),
    /// More combinations of bands and caps than a `u16` code can represent.
    #[error("the profile has too many bands and caps: use at most three bands per metric, or fewer caps")]
    TooManyBands,
    /// No metric with a weight is left.
    #[error("--without leaves no metric with a weight: keep at least one")]
    NothingLeft,
}

impl Profile {
    /// The built-in profile with this name.
    pub fn named(name: &str) -> Result<Self, ProfileError> {
        let found = EMBEDDED.iter().find(|(known, _)| *known == name);
        let (known, text) = found.ok_or_else(|| ProfileError::Unknown {
            typed: name.to_owned(),
            suggestion: did_you_mean(name, PROFILES),
        })?;
        Ok(Self::read(known, text).expect("a test reads every profile that comes with the program"))
    }

    /// The profile with the weights and thresholds of the original script, `heat.py`.
    pub fn seed() -> Self {
        Self::named(PROFILES[0]).expect("the seed is among the profiles")
    }

    /// A profile with the given rules, in the order of [`Metric::ALL`]; `None` if the rules are invalid.
    pub fn of_rules(name: &str, source: &str, rules: [Rule; METRICS]) -> Option<Self> {
        let profile = Self { name: name.to_owned(), source: source.to_owned(), rules };
        profile.checked().ok().filter(|p| (1..=MAX_TOTAL_WEIGHT).contains(&p.total_weight()))
    }

    /// Parses the TOML of a built-in profile: `source`, and `weights.…` and `bands.…` for each metric, and `caps.…` for
    /// those that have any; `None` if one is missing or invalid.
    fn read(name: &str, text: &str) -> Option<Self> {
        let file = KeyFile::toml(Path::new(name), text).ok()?;
        let value = |key: String| file.get(&key).map(|entry| entry.text.as_str());
        let mut rules: [Rule; METRICS] = Default::default();
        for metric in Metric::ALL {
            let weight = parse_weight(value(format!("weights.{metric}"))?).ok()?;
            let bands = value(format!("bands.{metric}"))?.parse().ok()?;
            let caps = value(format!("caps.{metric}")).map_or(Ok(Caps::default()), str::parse).ok()?;
            rules[metric.index()] = Rule { weight, bands, caps };
        }
        Self::of_rules(name, value("source".to_owned())?, rules).filter(|p| p.total_weight() == WEIGHT_ONE)
    }

    /// Replaces weights, in millionths. Fails unless all six then add up to 1.
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

    /// Replaces weights, in millionths, and rescales the weights of the other metrics in proportion, so that all add up
    /// to 1. Fails if that is impossible or not exact.
    pub fn with_weight_shares(mut self, given: &[(Metric, u64)]) -> Result<Self, ProfileError> {
        let is_given = |metric: Metric| given.iter().any(|(m, _)| *m == metric);
        let sum: u64 = given.iter().map(|(_, weight)| weight).sum();
        let others: u64 = Metric::ALL.into_iter().filter(|m| !is_given(*m)).map(|m| self.rule(m).weight).sum();
        if sum > WEIGHT_ONE || (others == 0 && sum != WEIGHT_ONE) {
            return Err(ProfileError::NoRest { sum: of_one(sum) });
        }
        // Multiply all weights by a common denominator, so that none is rounded.
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
        // Scale small weights up until they add up to about a million. `--rollup mean` rounds each loss to one unit of
        // weight × a thousandth of a point, so larger weights make the rounding finer.
        let unit = (WEIGHT_ONE / self.total_weight()).max(1);
        self.rules.iter_mut().for_each(|rule| rule.weight *= unit);
        Ok(self.changed())
    }

    /// Replaces the bands of one metric.
    pub fn with_bands(mut self, metric: Metric, bands: Bands) -> Result<Self, ProfileError> {
        self.rules[metric.index()].bands = bands;
        Ok(self.checked()?.changed())
    }

    /// Replaces the caps of one metric.
    pub fn with_caps(mut self, metric: Metric, caps: Caps) -> Result<Self, ProfileError> {
        self.rules[metric.index()].caps = caps;
        Ok(self.checked()?.changed())
    }

    /// Leaves out metrics: their weight becomes 0, and the other metrics share it in proportion.
    pub fn without(mut self, left_out: &[Metric]) -> Result<Self, ProfileError> {
        for metric in left_out {
            self.rules[metric.index()].weight = 0;
        }
        if self.total_weight() == 0 { Err(ProfileError::NothingLeft) } else { Ok(self) }
    }

    fn checked(self) -> Result<Self, ProfileError> {
        let is_of_limit = |cap: &Cap| matches!(cap.condition, Condition::Above { of_limit: true, .. });
        let needs_limit = |rule: &Rule| rule.bands.of_limit || rule.caps.list.iter().any(is_of_limit);
        let without_limit = |m: &Metric| needs_limit(self.rule(*m)) && m.limit().is_none();
        if let Some(metric) = Metric::ALL.into_iter().find(without_limit) {
            return Err(ProfileError::NoLimit(metric));
        }
        // Besides full points and the bands, a reading may be missing, and a percentile idle.
        let of_metric = |m: Metric| self.rule(m).bands.list.len() + 2 + usize::from(Column::from(m).can_be_idle());
        // The cap that applies is one more digit of a code.
        let caps = 1 + self.rules.iter().map(|rule| rule.caps.list.len()).sum::<usize>();
        let codes = Metric::ALL.into_iter().try_fold(caps, |codes: usize, metric| codes.checked_mul(of_metric(metric)));
        if codes.is_none_or(|codes| codes > MAX_CODES) { Err(ProfileError::TooManyBands) } else { Ok(self) }
    }

    fn changed(mut self) -> Self {
        if !self.is_changed() {
            self.name.push_str(CHANGED);
        }
        self
    }

    /// Whether a user replaced weights, bands or caps of the built-in profile; leaving out metrics does not count.
    pub fn is_changed(&self) -> bool {
        self.name.ends_with(CHANGED)
    }

    /// The rule of one metric.
    pub fn rule(&self, metric: Metric) -> &Rule {
        &self.rules[metric.index()]
    }

    /// Whether the metric has a weight.
    pub fn counts(&self, metric: Metric) -> bool {
        self.rule(metric).weight > 0
    }

    /// The limit that the thresholds of the metric are shares of, such as the quota; `None` for fixed thresholds.
    pub fn limit(&self, metric: Metric) -> Option<Companion> {
        metric.limit().filter(|_| self.rule(metric).bands.of_limit)
    }

    /// The metrics with a weight whose thresholds are shares of a limit, each with that limit.
    pub fn limits(&self) -> impl Iterator<Item = (Metric, Companion)> + '_ {
        Metric::ALL.into_iter().filter(|m| self.counts(*m)).filter_map(|m| Some((m, self.limit(m)?)))
    }

    /// The caps of the metrics with a weight, each with its metric: the lowest first, and of equal ones the first in the
    /// order of metrics and of their lists.
    pub fn caps(&self) -> Vec<(Metric, Cap)> {
        let of_metric = |metric: Metric| self.rule(metric).caps.list.iter().map(move |cap| (metric, *cap));
        let counting = Metric::ALL.into_iter().filter(|metric| self.counts(*metric));
        let mut caps: Vec<(Metric, Cap)> = counting.flat_map(of_metric).collect();
        caps.sort_by_key(|(_, cap)| cap.most);
        caps
    }

    /// The limits that caps of metrics with a weight are shares of, each with its metric.
    pub fn cap_limits(&self) -> impl Iterator<Item = (Metric, Companion)> + '_ {
        let of_limit = |(metric, cap): (Metric, Cap)| {
            cap.columns(metric).filter(move |column| metric.limit() == Some(*column)).map(move |limit| (metric, limit))
        };
        self.caps().into_iter().flat_map(of_limit)
    }

    /// The sum of the weights: [`WEIGHT_ONE`] unless metrics are left out or weights were rescaled.
    pub fn total_weight(&self) -> u64 {
        self.rules.iter().map(|r| r.weight).sum()
    }

    /// The weights as the smallest integers in the same proportion.
    pub fn reduced_weights(&self) -> [u64; METRICS] {
        let weights = Metric::ALL.map(|metric| self.rule(metric).weight);
        let divisor = weights.into_iter().fold(0, greatest_common_divisor).max(1);
        weights.map(|weight| weight / divisor)
    }

    /// The share of a metric in the score, 0 to 1.
    pub fn share(&self, metric: Metric) -> f64 {
        self.rule(metric).weight as f64 / self.total_weight() as f64
    }

    /// The integer that stands for one point of a score; scores are added up as thousandths of a point × weight.
    pub fn denominator(&self) -> u64 {
        self.total_weight() * POINT
    }
}

/// Formats millionths as a decimal: `0.3`.
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
    fn every_built_in_profile_is_valid_has_a_source_and_weights_of_one() {
        for (name, text) in EMBEDDED {
            let profile = Profile::read(name, text).unwrap_or_else(|| panic!("{name}.toml is not a profile"));
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
            assert!(row.ends_with(&format!(" | {bands} |")), "{row} does not list {bands}");
            assert!(profile.rule(Metric::ClientTrafficIn).bands.list.is_empty(), "{name} has a column more");
        }
    }

    #[test]
    fn the_documentation_has_the_caps_of_every_profile() {
        let page = include_str!("../../docs/score.md");
        let mut capped = Vec::new();
        for name in PROFILES {
            let profile = Profile::named(name).unwrap();
            for metric in Metric::ALL {
                let caps = &profile.rule(metric).caps;
                if !caps.list.is_empty() {
                    let row = format!("| `{metric}` | `{caps}` | ");
                    assert!(page.contains(&row), "{name}: no row {row}");
                    capped.push(name);
                }
            }
        }
        capped.dedup();
        assert_eq!(capped, ["operator"], "the page lists the caps of one profile");
    }

    #[test]
    fn the_documentation_has_the_lowest_score_of_every_profile() {
        let page = include_str!("../../docs/score.md");
        let line = page.lines().find(|line| line.starts_with("- **Lowest possible score:**")).unwrap();
        // Computed by hand: the sum of weight × fewest points over all metrics. seed: 0.05 × 10 each for
        // client_traffic_in and db_size. mixin and openshift: 0.2 × 5 for backend_commit + 0.3 × 5 for leader_changes.
        // fleet: 0.3 × 5 for leader_changes.
        for (name, lowest) in
            [("seed", 1.0), ("etcd-faq", 0.0), ("mixin", 2.5), ("openshift", 2.5), ("fleet", 1.5), ("operator", 0.0)]
        {
            let profile = Profile::named(name).unwrap();
            let fewest = |rule: &Rule| rule.bands.list.last().map_or(10.0, |band| band.points as f64 / 1000.0);
            let parts =
                Metric::ALL.map(|m| profile.rule(m).weight as f64 / WEIGHT_ONE as f64 * fewest(profile.rule(m)));
            let computed = parts.iter().sum::<f64>();
            assert!((computed - lowest).abs() < 1e-9, "{name}: {computed}");
            assert!(line.contains(&format!("`{name}` {lowest}")), "{line} does not list {name} {lowest}");
        }
    }

    #[test]
    fn caps_are_listed_from_the_lowest_and_leave_with_their_metric() {
        let operator = Profile::named("operator").unwrap();
        let text = |(_, cap): (Metric, Cap)| format!("{}:{}", cap.condition, cap.score());
        let caps: Vec<String> = operator.caps().into_iter().map(text).collect();
        let lowest = "no_leader:0, 99.9%:0, 0.1@leader:4, 1:4, 0.1@leader:4, 1:4, 99%:4, 0.5:6, 0.25:6, 80%:6, 95%:6";
        assert_eq!(caps.join(", "), lowest);
        use Metric::{DbSize, OpenFds, WalFsync};
        let limits: Vec<(Metric, Companion)> = operator.cap_limits().collect();
        assert!(limits.contains(&(DbSize, Companion::Quota)) && limits.contains(&(OpenFds, Companion::MaxFds)));
        assert_eq!(operator.clone().without(&[DbSize]).unwrap().caps().len(), caps.len() - 2);
        let changed = operator.with_caps(WalFsync, "none".parse().unwrap()).unwrap();
        assert_eq!((changed.name.as_str(), changed.caps().len()), ("operator (changed)", caps.len() - 3));
        assert!(Profile::seed().caps().is_empty());
    }

    #[test]
    fn leaving_out_every_metric_is_rejected() {
        assert_eq!(Profile::seed().without(&Metric::ALL), Err(ProfileError::NothingLeft));
        let profile = Profile::seed().without(&[Metric::OpenFds]).unwrap();
        assert!(!profile.counts(Metric::OpenFds));
        assert_eq!(profile.total_weight(), 900_000);
    }

    #[test]
    fn a_given_weight_rescales_the_others() {
        let profile = Profile::seed().with_weight_shares(&[(Metric::WalFsync, 500_000)]).unwrap();
        // Expected shares, in 28ths, from Python. WAL fsync gets 1/2; the other weights `w`, 0.7 in total, share the rest:
        // Fraction(w) * Fraction(1, 2) / Fraction(7, 10).
        let shares = Metric::ALL.map(|m| profile.rule(m).weight * 28 / profile.total_weight());
        assert_eq!(shares, [14, 4, 2, 6, 1, 1]);
        assert_eq!(profile.total_weight() % 28, 0);
        assert_eq!(profile.name, "seed (changed)");
    }

    #[test]
    fn weights_that_cannot_be_rescaled_are_rejected() {
        let shares = |weights: &[(Metric, u64)]| Profile::seed().with_weight_shares(weights).map(|_| ());
        let (half, most) = ((Metric::WalFsync, 500_000), (Metric::OpenFds, 600_000));
        assert_eq!(shares(&[half, most]), Err(ProfileError::NoRest { sum: "1.1".into() }));
        let odd = Profile::seed().with_weights(&[(Metric::WalFsync, 300_001), (Metric::BackendCommit, 199_999)]);
        assert_eq!(odd.unwrap().with_weight_shares(&[(Metric::OpenFds, 123_457)]), Err(ProfileError::TooFine));
        let error = Profile::seed().with_weights(&[half]).unwrap_err().to_string();
        assert!(error.contains("add up to 1.2, not to 1 (wal_fsync 0.5, backend_commit 0.2"), "{error}");
    }

    #[test]
    fn bands_that_do_not_fit_the_metric_are_rejected() {
        let with = |metric, bands: &str| Profile::seed().with_bands(metric, bands.parse().unwrap()).map(|_| ());
        assert_eq!(with(Metric::WalFsync, "80%:0"), Err(ProfileError::NoLimit(Metric::WalFsync)));
        assert_eq!(with(Metric::DbSize, "80%:0"), Ok(()));
        // Four bands of every metric are (5 + 2) × (5 + 2) × (5 + 1)⁴ = 63,504 codes, and fit into a u16.
        let four = |profile: Profile, m: Metric| profile.with_bands(m, "1:8,2:6,3:4,4:2".parse().unwrap());
        assert!(Metric::ALL.into_iter().try_fold(Profile::seed(), four).is_ok());
        let capped = |metric, caps: &str| Profile::seed().with_caps(metric, caps.parse().unwrap()).map(|_| ());
        assert_eq!(capped(Metric::WalFsync, "no_leader:0, 80%:0"), Err(ProfileError::NoLimit(Metric::WalFsync)));
        assert_eq!(capped(Metric::WalFsync, "no_leader:0, 0.8:0"), Ok(()));
        // 720 codes of seed with 90 caps, and without: 65,520 fit into a u16; with one cap more, they do not.
        let caps = |count: u32| (1..=count).map(|i| format!("{i}:4")).collect::<Vec<_>>().join(",");
        assert_eq!(capped(Metric::OpenFds, &caps(90)), Ok(()));
        assert_eq!(capped(Metric::OpenFds, &caps(91)), Err(ProfileError::TooManyBands));
        let many: Vec<String> = (1..900).map(|i| format!("{i}:{:.2}", 10.0 - f64::from(i) / 100.0)).collect();
        assert_eq!(with(Metric::OpenFds, &many.join(",")), Err(ProfileError::TooManyBands));
    }
}
