//! `manifest.json`: the source, the requested ranges, the queries, the profile, the members and
//! all files of a folder.
//!
//! The manifest does not record when it was written, so that the same history and settings give the same bytes.

mod asked;
mod read_back;
mod rule;
mod sections;
mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Listed, Written};
use crate::files::FileError;
use crate::heatmap::Folding;
use crate::readings::{Lives, Origin, QuerySource, Shard, Source, SourceTimes, Votes};
use crate::spec::{Metric, Profile};
use crate::time::{TimeRange, UtcDay, format_instant, parse_instant};
pub(crate) use asked::Asked;
pub(crate) use rule::ManifestRule;
pub use sections::ManifestBlock;
pub(crate) use sections::{ManifestAnnotations, ManifestMember, ManifestOpenMetrics, ManifestProfile};
pub(crate) use stored::MANIFEST;

/// The whole manifest. After a pull, which does not score, all `Option` fields are absent and `files` is empty.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The version of etcd-heatmap that wrote the manifest.
    pub(crate) version: String,
    /// The format of the manifest; 1 if absent.
    #[serde(default = "stored::first_format")]
    format: u64,
    /// The source of the readings, such as a Prometheus server.
    pub(crate) source: Origin,
    /// The requested ranges, the step, and the labels that name clusters and members.
    pub(crate) asked: Asked,
    /// The queries of all pulled metrics and companions (series that are pulled but not scored, such as the quota),
    /// by metric or companion name.
    pub(crate) queries: BTreeMap<String, QuerySource>,
    /// The profile (weights and thresholds) of the scores.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) profile: Option<ManifestProfile>,
    /// How the score of a cluster is computed from its members.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) rollup: Option<String>,
    /// The time zone of days and hours.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) time_zone: Option<String>,
    /// The width of a cell, such as `1h`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) cell: Option<String>,
    /// The coverage below which a cell is marked uncertain, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) min_coverage: Option<f64>,
    /// The shortest low score that is an incident, such as `1m`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) min_duration: Option<String>,
    /// How many members each cluster must have, written like `--expect-members`; empty if nothing was expected.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) expect_members: Vec<String>,
    /// The annotations beside which findings stand; `None` without any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) annotations: Option<ManifestAnnotations>,
    /// The share of the clusters that was pulled, such as `3/16`; `None` if all were.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) shard: Option<String>,
    /// The members, with when they were first and last seen.
    pub(crate) members: Vec<ManifestMember>,
    /// Requested days whose file is absent or unreadable.
    pub(crate) days_missing: Vec<String>,
    /// Days on which the server sent partial responses.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) days_partial: Vec<String>,
    /// In a history of several sources, the days that each of them lacks, wholly or in part, by its name. Its members are
    /// expected on them and not scored; a source without any day has no members.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub(crate) days_lacking: BTreeMap<String, Vec<String>>,
    /// The OpenMetrics files, with the expected contents of the TSDB block that promtool makes from each.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) openmetrics: Option<ManifestOpenMetrics>,
    /// The folder that contains `history/`, relative to the output folder; `None` if that is the output folder itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) history_folder: Option<String>,
    /// The files of the history. Their paths are relative to the folder that contains `history/`.
    pub(crate) history: Vec<Written>,
    /// The files that scoring wrote. Their paths are relative to the output folder.
    pub(crate) files: Vec<Written>,
}

/// In place of the step at which a member first voted, if it stayed a learner.
const NEVER: &str = "never";

impl Manifest {
    /// The manifest after a pull. `asked` has the requested ranges, in order.
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
            min_duration: None,
            expect_members: Vec::new(),
            annotations: None,
            shard: None,
            members: lives
                .iter()
                .map(|(member, life)| ManifestMember {
                    cluster: member.cluster.to_string(),
                    member: member.member.to_string(),
                    first: format_instant(life.first_ms),
                    last: format_instant(life.last_ms),
                    votes_from: None,
                })
                .collect(),
            days_missing: missing.iter().map(UtcDay::to_string).collect(),
            days_partial: Vec::new(),
            days_lacking: BTreeMap::new(),
            openmetrics: None,
            history_folder: None,
            history,
            files: Vec::new(),
        }
    }

    /// Whether the folder's readings come from this source, with the same queries, step and labels.
    pub(crate) fn is_of(&self, source: &Source) -> bool {
        let asked = (self.asked.step_seconds, &self.asked.cluster_label, &self.asked.member_label);
        (&self.source, &self.queries) == (&source.origin, &source.queries)
            && asked == (source.step_seconds, &source.cluster_label, &source.member_label)
    }

    /// The requested ranges, in order. `None` for a manifest of version 0.1.0, which does not list them, or
    /// if a time is invalid.
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

    /// Sets the days on which the server sent partial responses.
    #[must_use]
    pub(crate) fn with_partial(mut self, partial: &[UtcDay]) -> Self {
        self.days_partial = partial.iter().map(UtcDay::to_string).collect();
        self
    }

    /// Sets the days that each of several sources lacks, wholly or in part.
    #[must_use]
    pub(crate) fn with_lacking(mut self, lacking: &SourceTimes) -> Self {
        let texts = |days: Vec<UtcDay>| days.iter().map(UtcDay::to_string).collect();
        self.days_lacking = lacking.days().map(|(name, days)| (name.to_string(), texts(days))).collect();
        self
    }

    /// Sets the fields that a pull leaves out: the profile, the settings of cells, and the files that scoring wrote.
    #[must_use]
    pub(crate) fn with_scores(
        mut self,
        profile: &Profile,
        folding: Folding,
        min_coverage: f64,
        files: Vec<Written>,
    ) -> Self {
        self.profile = Some(ManifestProfile {
            name: profile.name.clone(),
            source: profile.source.clone(),
            left_out: Metric::ALL.iter().filter(|&&m| !profile.counts(m)).map(Metric::to_string).collect(),
            rules: Metric::ALL.into_iter().map(|m| (m.name().to_owned(), ManifestRule::of(profile, m))).collect(),
        });
        self.rollup = Some(folding.rollup.to_string());
        self.time_zone = Some(folding.zone.to_string());
        self.cell = Some(folding.width.to_string());
        self.min_coverage = Some(min_coverage);
        self.files = files;
        self
    }

    /// Sets the folder that contains `history/`, relative to the output folder; `None` if that
    /// is the output folder itself.
    #[must_use]
    pub(crate) fn with_history_in(mut self, folder: Option<String>) -> Self {
        self.history_folder = folder;
        self
    }

    /// Sets the shortest low score that is an incident.
    #[must_use]
    pub(crate) fn with_min_duration(mut self, min_duration: Duration) -> Self {
        self.min_duration = Some(humantime::format_duration(min_duration).to_string());
        self
    }

    /// Sets how many members each cluster must have.
    #[must_use]
    pub(crate) fn with_expected_members(mut self, texts: Vec<String>) -> Self {
        self.expect_members = texts;
        self
    }

    /// Sets which members began as learners.
    #[must_use]
    pub(crate) fn with_votes(mut self, votes: &Votes) -> Self {
        for (learner, from_ms) in votes.learners() {
            let is_it = |member: &&mut ManifestMember| {
                (member.cluster.as_str(), member.member.as_str()) == (&*learner.cluster, &*learner.member)
            };
            if let Some(member) = self.members.iter_mut().find(is_it) {
                member.votes_from = Some(from_ms.map_or_else(|| NEVER.to_owned(), format_instant));
            }
        }
        self
    }

    /// Sets the share of the clusters that was pulled.
    #[must_use]
    pub(crate) fn with_shard(mut self, shard: Option<Shard>) -> Self {
        self.shard = shard.map(|shard| shard.to_string());
        self
    }

    /// Sets the annotations, and lists the folder's copy of them.
    #[must_use]
    pub(crate) fn with_annotations(mut self, given: ManifestAnnotations, copy: Written) -> Self {
        self.annotations = Some(given);
        self.list(copy);
        self
    }

    /// Keeps what an earlier manifest says of annotations, and of the folder's copy of them in `file`.
    #[must_use]
    pub(crate) fn with_annotations_of(mut self, earlier: &Self, file: &str) -> Self {
        if let Some(copy) = earlier.files.iter().find(|one| one.path == file) {
            self.annotations.clone_from(&earlier.annotations);
            self.list(copy.clone());
        }
        self
    }

    /// Sets the OpenMetrics files and the expected contents of their blocks.
    #[must_use]
    pub(crate) fn with_openmetrics(mut self, openmetrics: Option<ManifestOpenMetrics>) -> Self {
        self.openmetrics = openmetrics;
        self
    }

    /// Drops the unreadable (`broken`) days from the list of history files, and lists them and the `missing` days as
    /// missing. The files on disk stay.
    #[must_use]
    pub(crate) fn with_unread(mut self, broken: &[UtcDay], missing: &[UtcDay]) -> Self {
        let dates: Vec<String> = broken.iter().map(UtcDay::to_string).collect();
        self.history.retain(|file| !dates.iter().any(|date| file.path.contains(&format!("date={date}/"))));
        let unknown: BTreeSet<UtcDay> = broken.iter().chain(missing).copied().collect();
        self.days_missing = unknown.iter().map(UtcDay::to_string).collect();
        self
    }

    /// Adds a file to `files`, replacing any entry with the same path.
    pub(crate) fn list(&mut self, file: Written) {
        self.files.retain(|known| known.path != file.path);
        self.files.push(file);
    }

    /// Lists the history again, with the hashes of files that have changed since this manifest was written. Whoever replaces
    /// a manifest calls this or lists the history anew: the time of a manifest tells which hashes still hold.
    pub(crate) fn list_history_again(&mut self, folder: &Path) -> Result<(), FileError> {
        if self.history_folder.is_some() {
            return Ok(());
        }
        let listed = Listed::of(folder, Some(self));
        // A file that is gone keeps its entry, which shows that it is missing.
        let there = |file: &Written| match folder.join(&file.path) {
            path if path.exists() => listed.entry(folder, &path, file.rows),
            _ => Ok(file.clone()),
        };
        self.history = self.history.par_iter().map(there).collect::<Result<_, _>>()?;
        Ok(())
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
    fn an_unreadable_day_is_listed_as_missing_and_removed_from_the_files() {
        let [first, second, third, fourth] = [0, 1, 2, 3].map(UtcDay::from_days);
        let whole = TimeRange { start_ms: first.start_ms(), end_ms: fourth.range().end_ms };
        let manifest = manifest(&[whole], &[first, second, fourth]).with_unread(&[second], &[third]);
        assert_eq!(manifest.days_missing, ["1970-01-02", "1970-01-03"]);
        let files: Vec<&str> = manifest.history.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(files, ["history/date=1970-01-01/readings.parquet", "history/date=1970-01-04/readings.parquet"]);
    }

    #[test]
    fn the_grid_ends_with_the_last_day_that_has_a_file() {
        let days = [0, 1, 2, 3].map(UtcDay::from_days);
        let whole = TimeRange { start_ms: 3_600_000, end_ms: days[3].range().end_ms };
        let end = |missing: &[UtcDay]| {
            let (step, range) = manifest(&[whole], &[]).with_unread(&[], missing).grid().unwrap();
            assert_eq!((step.seconds(), range.start_ms), (60, 3_600_000));
            range.end_ms
        };
        assert_eq!([end(&[]), end(&[days[1]])], [days[3].range().end_ms; 2]);
        assert_eq!(end(&days[2..]), days[1].range().end_ms);
        assert_eq!(end(&days), 3_600_000, "never before the start");
    }

    #[test]
    fn ranges_are_listed_only_if_there_are_gaps_and_are_read_back_in_both_cases() {
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
