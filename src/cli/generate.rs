//! What a person types to get the score in another engine's language.

use clap::Args;

use super::{bands, label_name, share, weight};
use crate::spec::{Bands, Metric, PROFILES, Profile, ProfileError};

pub(super) const RULES_EXAMPLES: &str = "\
Examples:
  The score of one job by the thresholds of etcd's own alerts:
    etcd-heatmap rules --profile mixin --selector 'job=\"etcd\"' > etcd-heatmap.rules.yml
    promtool check rules etcd-heatmap.rules.yml";

pub(super) const SQL_EXAMPLES: &str = "\
Examples:
  The hours below 7 of a history in audit/, in DuckDB:
    etcd-heatmap sql > score.sql
    duckdb -cmd \"SET VARIABLE audit = 'audit'\" -cmd \".read score.sql\" -c \"FROM cells() WHERE min < 7\"";

/// Arguments of `rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// How to judge.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// Label matchers that every query carries, such as 'job="etcd"'.
    #[arg(long, value_name = "MATCHERS", default_value = "", value_parser = one_line)]
    pub selector: String,

    /// Label that names the cluster [default: cluster, else job].
    #[arg(long, value_name = "LABEL", value_parser = label_name)]
    pub cluster_label: Option<String>,

    /// Label that names the member.
    #[arg(long, value_name = "LABEL", default_value = "instance", value_parser = label_name)]
    pub member_label: String,
}

/// Arguments of `sql`.
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// How to judge.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// Share of its steps that must be scored for a cell not to be uncertain, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    pub min_coverage: f64,
}

/// How to judge a reading.
#[derive(Clone, Debug, Args)]
pub struct ProfileArgs {
    /// Whose thresholds and weights: seed, etcd-faq, mixin, openshift or fleet.
    #[arg(long, value_name = "NAME", default_value = PROFILES[0], value_parser = Profile::named)]
    pub profile: Profile,

    /// What if a metric weighed this much? METRIC=SHARE, such as wal_fsync=0.5; the others share the
    /// rest in proportion. May be given several times.
    #[arg(long, value_name = "METRIC=SHARE", value_parser = weight)]
    pub weight: Vec<(Metric, u64)>,

    /// What if a metric had other bands? METRIC=THRESHOLD:POINTS,…, such as wal_fsync=0.02:5,0.05:0
    /// or, of its limit, db_size=80%:0; METRIC=none never costs a point. May be given several times.
    #[arg(long, value_name = "METRIC=BANDS", value_parser = bands)]
    pub band: Vec<(Metric, Bands)>,

    /// Leave a metric out; the rest share its weight. May be given several times.
    #[arg(long, value_name = "METRIC")]
    pub without: Vec<Metric>,
}

impl ProfileArgs {
    /// The profile with all that was asked of it; an error where nothing is left to score.
    pub fn profile(&self) -> Result<Profile, ProfileError> {
        let mut profile = self.profile.clone();
        if !self.weight.is_empty() {
            profile = profile.with_weight_shares(&self.weight)?;
        }
        for (metric, bands) in &self.band {
            profile = profile.with_bands(*metric, bands.clone())?;
        }
        profile.without(&self.without)
    }
}

/// Matchers that fit on one line of YAML.
fn one_line(text: &str) -> Result<String, String> {
    match text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')) {
        true => Err("write the matchers on one line".to_owned()),
        false => Ok(text.to_owned()),
    }
}
