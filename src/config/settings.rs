//! The settings in force, parsed and grouped for the commands that use them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::parse::{
    RetentionSetting, age, every, expected_members, extra_labels, families, list, lowest_score, min_duration, offset,
    retention, share, weight_list,
};
use super::source_settings::{OneSource, SourceSettings};
use super::value::{Given, Values};
use super::{ConfigError, Formats};
use crate::analysis::gate::{Demand, Gate};
use crate::analysis::membership::ExpectedMembers;
use crate::folder::{shard_folder, source_folder};
use crate::heatmap::Folding;
use crate::outputs::{ExtraLabels, Family};
use crate::readings::Shard;
use crate::spec::{Bands, Caps, Companion, METRICS, Metric, Profile, ProfileError, parse_weight};
use crate::text::palette::Scale;
use crate::time::Step;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The source of a run that has one. Of several, it holds what they share.
    pub(crate) source: SourceSettings,
    /// The sources of a run that has several; empty for a run with one.
    pub(crate) several: Vec<OneSource>,
    pub(crate) how: How,
    /// Metrics that are neither pulled nor scored.
    pub(crate) without: Vec<Metric>,
    pub(crate) formats: Formats,
    /// The colors of scores in pictures and in the terminal.
    pub(crate) scale: Scale,
    pub(crate) emission: EmissionSettings,
    pub(crate) textfile: TextfileSettings,
    dir: Option<PathBuf>,
}

/// Settings of the OpenMetrics files in `openmetrics/`.
#[derive(Clone, Debug)]
pub(crate) struct EmissionSettings {
    /// Retention of the Prometheus that will import the files.
    pub(crate) retention: RetentionSetting,
    pub(crate) families: Vec<Family>,
    /// Labels that every series gets in addition to its own.
    pub(crate) labels: ExtraLabels,
}

/// When `textfile` evaluates, and how long its scores stay valid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextfileSettings {
    /// `None` means to evaluate once.
    pub(crate) every: Option<Step>,
    /// How far in the past to evaluate.
    pub(crate) query_offset: Duration,
    /// How long the last scores are kept while the server does not answer.
    pub(crate) max_age: Duration,
}

/// How readings become scores and cells.
#[derive(Clone, Debug)]
pub(crate) struct How {
    pub(crate) profile: Profile,
    /// Time zone and width of cells, and how a cluster's score follows from its members' scores (rollup).
    pub(crate) folding: Folding,
    /// Cells with a smaller share of scored steps are marked uncertain.
    pub(crate) min_coverage: f64,
    /// A low score that lasts shorter is no incident.
    pub(crate) min_duration: Duration,
    /// The CSV file of annotations; `None` if it is not set.
    pub(crate) annotations: Option<PathBuf>,
    /// `None` if `--fail-below` is 0 or not set.
    pub(crate) fail_below: Option<f64>,
    /// How many members each cluster must have.
    pub(crate) expected: ExpectedMembers,
}

impl How {
    /// The gate of `--fail-below`; `None` if the flag is 0 or not set.
    pub(crate) fn gate(&self) -> Option<Gate> {
        let demand = |score| Demand { score, min_coverage: self.min_coverage };
        self.fail_below.map(|score| Gate::new(demand(score), self.folding.zone))
    }
}

impl Settings {
    pub(super) fn of(values: &Values) -> Result<Self, ConfigError> {
        let without = values.read("score.without", list::<Metric>)?;
        let folding = Folding {
            zone: values.read("score.time_zone", str::parse)?,
            width: values.read("score.cell", str::parse)?,
            rollup: values.read("score.rollup", str::parse)?,
        };
        let profile = profile(values)?.without(&without).map_err(|e| values.error("score.without", e))?;
        Ok(Self {
            source: SourceSettings::of(values)?,
            several: Vec::new(),
            how: How {
                profile,
                folding,
                min_coverage: values.read("score.min_coverage", share)?,
                min_duration: values.read("score.min_duration", min_duration)?,
                annotations: values.optional("score.annotations").map(PathBuf::from),
                fail_below: values.read("score.fail_below", lowest_score)?,
                expected: values.read("score.expect_members", expected_members)?,
            },
            without,
            formats: values.read("output.formats", str::parse)?,
            scale: values.read("output.palette", str::parse)?,
            emission: EmissionSettings {
                retention: values.read("output.retention", retention)?,
                families: values.read("output.emit", families)?,
                labels: values.read("output.labels", extra_labels)?,
            },
            textfile: TextfileSettings::of(values)?,
            dir: values.optional("output.dir").map(PathBuf::from),
        })
    }

    /// The limits to pull, for the profile in force and for `for_profiles`, each with the metric that it limits.
    pub(crate) fn limits(&self) -> Result<Vec<(Metric, Companion)>, ProfileError> {
        let own = |profile: &Profile| profile.limits().chain(profile.cap_limits()).collect::<Vec<_>>();
        let mut limits = own(&self.how.profile);
        for profile in &self.source.for_profiles {
            limits.extend(own(&profile.clone().without(&self.without)?));
        }
        limits.sort_unstable();
        limits.dedup();
        Ok(limits)
    }

    /// These settings for a pull of the last days, until now, into `folder`.
    pub(crate) fn of_last_days(&self, days: i64, folder: &Path, step: Step) -> Self {
        let one = |one: &OneSource| OneSource { name: one.name.clone(), source: one.source.of_last_days(days, step) };
        Self {
            source: self.source.of_last_days(days, step),
            several: self.several.iter().map(one).collect(),
            dir: Some(folder.to_owned()),
            ..self.clone()
        }
    }

    /// The settings for one of several sources, which has a folder of its own in the output folder.
    pub(crate) fn of_one(&self, one: &OneSource) -> Self {
        let dir = self.dir.as_deref().map(|dir| source_folder(dir, &one.name));
        Self { source: one.source.clone(), several: Vec::new(), dir, ..self.clone() }
    }

    /// Fails for several sources: the command reads one.
    pub(crate) fn only_one(&self, command: &'static str) -> Result<(), ConfigError> {
        let names = || self.several.iter().map(|one| one.name.to_string()).collect::<Vec<_>>().join(", ");
        if self.several.is_empty() { Ok(()) } else { Err(ConfigError::Several { command, names: names() }) }
    }

    /// The output folder, or the error that it is not set.
    pub(crate) fn out(&self) -> Result<&Path, ConfigError> {
        self.dir.as_deref().ok_or(ConfigError::NoOut)
    }

    /// The output folder, if it is set.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Puts another folder in the place of the output folder.
    pub(crate) fn set_dir(&mut self, dir: PathBuf) {
        self.dir = Some(dir);
    }

    /// The settings of a pull of one shard, which has a folder of its own in the output folder.
    pub(crate) fn of_shard(mut self, shard: Shard) -> Self {
        self.dir = self.dir.map(|dir| shard_folder(&dir, shard));
        self.source.shard = Some(shard);
        self
    }

    /// The folder that a command reads: its argument `typed`, or else the output folder.
    pub(crate) fn folder<'a>(&'a self, typed: Option<&'a Path>) -> Result<&'a Path, ConfigError> {
        typed.or(self.dir.as_deref()).ok_or(ConfigError::NoFolder)
    }
}

impl TextfileSettings {
    fn of(values: &Values) -> Result<Self, ConfigError> {
        let settings = Self {
            every: values.read("textfile.every", every)?,
            query_offset: values.read("textfile.query_offset", offset)?,
            max_age: values.read("textfile.max_age", age)?,
        };
        match settings.every {
            Some(every) if every.seconds().unsigned_abs() > settings.max_age.as_secs() => {
                let age = humantime::format_duration(settings.max_age);
                let reason = format!(
                    "{every} is longer than --max-age {age}, so scores would expire before the next: raise --max-age"
                );
                Err(values.error("textfile.every", reason))
            }
            _ => Ok(settings),
        }
    }
}

/// The profile with the weights, bands and caps of all layers.
fn profile(values: &Values) -> Result<Profile, ConfigError> {
    let mut profile = weighed_profile(values)?;
    let shares = values.read("score.weight", weight_list)?;
    if !shares.is_empty() {
        profile = profile.with_weight_shares(&shares).map_err(|e| values.error("score.weight", e))?;
    }
    for (metric, given) in per_metric(Metric::bands_key, values) {
        let bands: Bands = given.text.parse().map_err(|e| given.error(e))?;
        // Bands equal to the profile's own must not mark the profile as changed.
        if bands != profile.rule(metric).bands {
            profile = profile.with_bands(metric, bands).map_err(|e| given.error(e))?;
        }
    }
    for (metric, given) in per_metric(Metric::caps_key, values) {
        let caps: Caps = given.text.parse().map_err(|e| given.error(e))?;
        if caps != profile.rule(metric).caps {
            profile = profile.with_caps(metric, caps).map_err(|e| given.error(e))?;
        }
    }
    Ok(profile)
}

/// The named profile with the weights of `[weights]`, before `--weight` rescales them.
pub(super) fn weighed_profile(values: &Values) -> Result<Profile, ConfigError> {
    let profile = values.read("score.profile", Profile::named)?;
    let (mut weights, mut last): (Vec<(Metric, u64)>, Option<&Given>) = (Vec::new(), None);
    for (metric, given) in per_metric(Metric::weight_key, values) {
        weights.push((metric, parse_weight(&given.text).map_err(|e| given.error(e))?));
        last = last.into_iter().chain([given]).max_by_key(|given| given.line());
    }
    let is_same = weights.iter().all(|&(metric, weight)| weight == profile.rule(metric).weight);
    match last {
        Some(last) if !is_same => {
            let name = profile.name.clone();
            profile.with_weights(&weights).map_err(|e| match weights.len() {
                METRICS => last.error(e),
                _ => last.error(format!("{e}; weights that are not set come from the profile {name}")),
            })
        }
        _ => Ok(profile),
    }
}

/// The values of `[weights]`, `[bands]` or `[caps]`.
fn per_metric(key: fn(Metric) -> &'static str, values: &Values) -> impl Iterator<Item = (Metric, &Given)> {
    Metric::ALL.into_iter().filter_map(move |metric| Some((metric, values.get(key(metric))?)))
}
