//! `manifest.json`: what was asked, of what, with which specification, and what came out.
//!
//! It holds no clock time, so that the same question to the same history gives the same bytes.

mod stored;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Written;
use crate::heatmap::Folding;
use crate::readings::{Lives, Origin, QuerySource, Source};
use crate::spec::{Band, Bands, METRICS, Metric, POINT, Profile, Rule};
use crate::time::{TimeRange, UtcDay, format_instant, parse_instant};
pub(crate) use stored::MANIFEST;

/// The whole manifest. A pull alone leaves out what only scoring knows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Version of the program that wrote it.
    pub(crate) version: String,
    /// Version of its layout; 1 where it names none.
    #[serde(default = "stored::first_format")]
    format: u64,
    /// Where the readings come from.
    pub(crate) source: Origin,
    /// What was asked.
    pub(crate) asked: Asked,
    /// The queries by metric name.
    pub(crate) queries: BTreeMap<String, QuerySource>,
    /// How the readings were judged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) profile: Option<ManifestProfile>,
    /// How members become a cluster.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) rollup: Option<String>,
    /// Whose days and hours the cells are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) time_zone: Option<String>,
    /// The width of a cell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) cell: Option<String>,
    /// Share of its steps that must be scored for a cell not to be uncertain.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) min_coverage: Option<f64>,
    /// Who lived when.
    pub(crate) members: Vec<ManifestMember>,
    /// Days that were asked for and of which the history has no file, or one that cannot be read.
    pub(crate) days_missing: Vec<String>,
    /// Days with answers of which the server said that they are partial.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) days_partial: Vec<String>,
    /// The files for promtool, and what their blocks must hold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) openmetrics: Option<ManifestOpenMetrics>,
    /// The files of the history, relative to the folder that holds `history/`.
    pub(crate) history: Vec<Written>,
    /// The files that scoring wrote, relative to the output folder.
    pub(crate) files: Vec<Written>,
}

/// What was asked of the source.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// First step.
    pub(crate) start: String,
    /// First step after the range.
    pub(crate) end: String,
    /// The ranges that were asked for; empty where that is all from start to end.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) ranges: Vec<AskedRange>,
    /// Seconds between two steps.
    pub(crate) step_seconds: i64,
    /// Label that names the cluster; null means `cluster`, else `job`.
    pub(crate) cluster_label: Option<String>,
    /// Label that names the member.
    pub(crate) member_label: String,
}

/// One of several ranges that were asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AskedRange {
    /// First step.
    pub(crate) start: String,
    /// First step after the range.
    pub(crate) end: String,
}

impl Asked {
    fn new(ranges: &[TimeRange], source: &Source) -> Self {
        let instant = |ms: Option<i64>| ms.map(format_instant).unwrap_or_default();
        let listed =
            |range: &TimeRange| AskedRange { start: format_instant(range.start_ms), end: format_instant(range.end_ms) };
        Self {
            start: instant(ranges.first().map(|range| range.start_ms)),
            end: instant(ranges.last().map(|range| range.end_ms)),
            ranges: if ranges.len() > 1 { ranges.iter().map(listed).collect() } else { Vec::new() },
            step_seconds: source.step_seconds,
            cluster_label: source.cluster_label.clone(),
            member_label: source.member_label.clone(),
        }
    }

    /// For people: ` (with gaps that were not asked for)`, or nothing.
    pub(crate) fn gaps(&self) -> &'static str {
        if self.ranges.is_empty() { "" } else { " (with gaps that were not asked for)" }
    }
}

/// One member and its life.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestMember {
    /// The cluster's name.
    pub(crate) cluster: String,
    /// The member's name.
    pub(crate) member: String,
    /// First step with a sign of life.
    pub(crate) first: String,
    /// Last step with a sign of life.
    pub(crate) last: String,
}

/// The profile as it was used.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestProfile {
    pub(crate) name: String,
    /// Where its thresholds come from.
    pub(crate) source: String,
    /// Metrics that take no part.
    pub(crate) left_out: Vec<String>,
    /// The rules by metric name.
    pub(crate) rules: BTreeMap<String, ManifestRule>,
}

/// How one metric was judged.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestRule {
    /// The share of the score that it has; 0 where it takes no part.
    pub(crate) weight: f64,
    /// The same as a whole number: a metric's of the sum of all six.
    pub(crate) weight_units: u64,
    /// The companion that its thresholds are shares of, where they are no readings.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) of_limit: Option<String>,
    /// What a reading above each threshold is worth; at or below the first it is worth 10.
    pub(crate) bands: Vec<ManifestBand>,
}

/// One threshold.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestBand {
    /// In the unit of the reading, or a share of its limit.
    pub(crate) above: f64,
    /// Points above it, 0 to 10.
    pub(crate) points: f64,
}

/// What one file holds, as its block must after the import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestBlock {
    /// Relative to the output folder.
    pub path: String,
    /// Series of all families.
    pub series: u64,
    /// Samples of all series.
    pub samples: u64,
    /// The first sample of all, in seconds since 1970.
    pub first: i64,
    /// The last one.
    pub last: i64,
}

/// What the manifest says of the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManifestOpenMetrics {
    /// How long a block is.
    pub(crate) block_hours: i64,
    /// The retention that it was chosen for.
    pub(crate) retention: String,
    /// The families.
    pub(crate) emit: Vec<String>,
    /// Labels beside the series' own.
    pub(crate) labels: std::collections::BTreeMap<String, String>,
    /// The files in the order of their time.
    pub(crate) blocks: Vec<ManifestBlock>,
}

impl Manifest {
    /// What a pull knows; `asked` are the ranges that were asked for, in order.
    pub(crate) fn of_pull(
        source: &Source,
        asked: &[TimeRange],
        lives: &Lives,
        history: Vec<Written>,
        missing: &[UtcDay],
    ) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            format: stored::FORMAT,
            source: source.origin.clone(),
            asked: Asked::new(asked, source),
            queries: source.queries.clone(),
            profile: None,
            rollup: None,
            time_zone: None,
            cell: None,
            min_coverage: None,
            members: lives
                .iter()
                .map(|(member, life)| ManifestMember {
                    cluster: member.cluster.to_string(),
                    member: member.member.to_string(),
                    first: format_instant(life.first_ms),
                    last: format_instant(life.last_ms),
                })
                .collect(),
            days_missing: missing.iter().map(UtcDay::to_string).collect(),
            days_partial: Vec::new(),
            openmetrics: None,
            history,
            files: Vec::new(),
        }
    }

    /// Whether it is about readings of this source.
    pub(crate) fn is_of(&self, source: &Source) -> bool {
        let asked = (self.asked.step_seconds, &self.asked.cluster_label, &self.asked.member_label);
        (&self.source, &self.queries) == (&source.origin, &source.queries)
            && asked == (source.step_seconds, &source.cluster_label, &source.member_label)
    }

    /// The ranges that were asked for, in order; `None` where the manifest cannot tell them from gaps, as in version
    /// 0.1.0.
    pub(crate) fn asked_ranges(&self) -> Option<Vec<TimeRange>> {
        if self.format < stored::FORMAT_WITH_RANGES {
            return None;
        }
        let range = |start: &str, end: &str| {
            Some(TimeRange { start_ms: parse_instant(start, 0).ok()?, end_ms: parse_instant(end, 0).ok()? })
        };
        match self.asked.ranges.as_slice() {
            [] => Some(vec![range(&self.asked.start, &self.asked.end)?]),
            ranges => ranges.iter().map(|part| range(&part.start, &part.end)).collect(),
        }
    }

    /// Names the days of which the server left something out.
    #[must_use]
    pub(crate) fn with_partial(mut self, partial: &[UtcDay]) -> Self {
        self.days_partial = partial.iter().map(UtcDay::to_string).collect();
        self
    }

    /// Adds what scoring knows.
    #[must_use]
    pub(crate) fn with_scores(
        mut self,
        profile: &Profile,
        folding: Folding,
        min_coverage: f64,
        files: Vec<Written>,
    ) -> Self {
        let rule = |metric: Metric| ManifestRule {
            weight: profile.share(metric),
            weight_units: profile.rule(metric).weight,
            of_limit: profile.limit(metric).map(|limit| limit.to_string()),
            bands: profile
                .rule(metric)
                .bands
                .list
                .iter()
                .map(|b| ManifestBand { above: b.above, points: b.points as f64 / POINT as f64 })
                .collect(),
        };
        self.profile = Some(ManifestProfile {
            name: profile.name.clone(),
            source: profile.source.clone(),
            left_out: Metric::ALL.iter().filter(|&&m| !profile.counts(m)).map(Metric::to_string).collect(),
            rules: Metric::ALL.into_iter().map(|m| (m.name().to_owned(), rule(m))).collect(),
        });
        self.rollup = Some(folding.rollup.to_string());
        self.time_zone = Some(folding.zone.to_string());
        self.cell = Some(folding.width.to_string());
        self.min_coverage = Some(min_coverage);
        self.files = files;
        self
    }

    /// Adds what the files for promtool hold.
    #[must_use]
    pub(crate) fn with_openmetrics(mut self, openmetrics: Option<ManifestOpenMetrics>) -> Self {
        self.openmetrics = openmetrics;
        self
    }

    /// Takes the days that could not be read from the files of the history, and counts them among those
    /// of which nothing is known.
    #[must_use]
    pub(crate) fn with_unread(mut self, broken: &[UtcDay], missing: &[UtcDay]) -> Self {
        let dates: Vec<String> = broken.iter().map(UtcDay::to_string).collect();
        self.history.retain(|file| !dates.iter().any(|date| file.path.contains(&format!("date={date}/"))));
        let unknown: BTreeSet<UtcDay> = broken.iter().chain(missing).copied().collect();
        self.days_missing = unknown.iter().map(UtcDay::to_string).collect();
        self
    }

    /// Adds a file, or what has become of it.
    pub(crate) fn list(&mut self, file: Written) {
        self.files.retain(|known| known.path != file.path);
        self.files.push(file);
    }

    /// The profile that the folder was scored by; `None` where it was not, or nobody can tell any more.
    pub(crate) fn profile(&self) -> Option<Profile> {
        let written = self.profile.as_ref()?;
        let mut rules: [Rule; METRICS] = Default::default();
        for metric in Metric::ALL {
            // Written by a version without this metric, which then had no weight.
            let Some(rule) = written.rules.get(metric.name()) else { continue };
            let points = |points: f64| (points * POINT as f64).round() as u64;
            let list = rule.bands.iter().map(|b| Band { above: b.above, points: points(b.points) }).collect();
            let bands = Bands { of_limit: rule.of_limit.is_some(), list };
            rules[metric.index()] = Rule { weight: rule.weight_units, bands };
        }
        Profile::of_rules(&written.name, &written.source, rules)
    }

    /// How its cells were cut and clusters made of members; `None` as above.
    pub(crate) fn folding(&self) -> Option<Folding> {
        Some(Folding {
            zone: self.time_zone.as_ref()?.parse().ok()?,
            width: self.cell.as_ref()?.parse().ok()?,
            rollup: self.rollup.as_ref()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::files::FileStat;

    fn manifest(asked: &[TimeRange], days: &[UtcDay]) -> Manifest {
        let source: Source = serde_json::from_str(
            r#"{"url":"http://p","step_seconds":60,"cluster_label":null,"member_label":"pod","queries":{}}"#,
        )
        .unwrap();
        let file = |day: &UtcDay| Written {
            path: format!("history/date={day}/readings.parquet"),
            rows: 1,
            stat: FileStat { bytes: 1, sha256: String::new() },
        };
        Manifest::of_pull(&source, asked, &Lives::default(), days.iter().map(file).collect(), &[])
    }

    #[test]
    fn a_broken_day_and_a_missing_one_are_both_listed_and_only_the_broken_one_leaves_the_files() {
        let [first, second, third, fourth] = [0, 1, 2, 3].map(UtcDay::from_days);
        let whole = TimeRange { start_ms: first.start_ms(), end_ms: fourth.range().end_ms };
        let manifest = manifest(&[whole], &[first, second, fourth]).with_unread(&[second], &[third]);
        assert_eq!(manifest.days_missing, ["1970-01-02", "1970-01-03"]);
        let files: Vec<&str> = manifest.history.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(files, ["history/date=1970-01-01/readings.parquet", "history/date=1970-01-04/readings.parquet"]);
    }

    #[test]
    fn ranges_are_listed_only_where_there_is_a_gap_and_are_read_back_in_both_cases() {
        let [a, b] =
            [(0, 3_600_000), (86_400_000, 90_000_000)].map(|(start_ms, end_ms)| TimeRange { start_ms, end_ms });
        let (one, two) = (manifest(&[a], &[]), manifest(&[a, b], &[]));
        assert_eq!((one.asked.ranges.len(), two.asked.ranges.len()), (0, 2));
        assert_eq!(
            (two.asked.start.as_str(), two.asked.end.as_str()),
            ("1970-01-01T00:00:00Z", "1970-01-02T01:00:00Z")
        );
        assert_eq!((one.asked_ranges(), two.asked_ranges()), (Some(vec![a]), Some(vec![a, b])));
    }
}
