//! Times of some of the sources of a history of several.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::SourceName;
use crate::text::count;
use crate::time::{DAY_MS, TimeRange, UtcDay, Zone, union_of_ranges};

/// Ranges by source, such as those for which a source has no data. Empty in a history of a single source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct SourceTimes(BTreeMap<SourceName, Vec<TimeRange>>);

/// The form in the footer of a day: the first and the end (exclusive) of each range, in milliseconds.
type Stored = BTreeMap<SourceName, Vec<(i64, i64)>>;

impl SourceTimes {
    /// Adds ranges of a source.
    pub(crate) fn add(&mut self, source: &SourceName, ranges: impl IntoIterator<Item = TimeRange>) {
        let there = self.0.remove(source).unwrap_or_default();
        let all = union_of_ranges(there.into_iter().chain(ranges));
        if !all.is_empty() {
            self.0.insert(source.clone(), all);
        }
    }

    /// Adds those of another day.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(source, ranges)| self.add(source, ranges.iter().copied()));
    }

    /// The source to which a cluster belongs, with its ranges; `None` if the source has none.
    pub(crate) fn of_cluster(&self, cluster: &str) -> Option<(&SourceName, &[TimeRange])> {
        self.iter().find(|(source, _)| source.has(cluster))
    }

    /// The sources with their ranges, which are ascending and neither overlap nor touch.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&SourceName, &[TimeRange])> {
        self.0.iter().map(|(source, ranges)| (source, ranges.as_slice()))
    }

    /// The UTC days that the ranges of each source touch.
    pub(crate) fn days(&self) -> impl Iterator<Item = (&SourceName, Vec<UtcDay>)> {
        self.iter().map(|(source, ranges)| {
            let mut days: Vec<UtcDay> = ranges.iter().flat_map(|range| range.days()).collect();
            days.dedup();
            (source, days)
        })
    }

    /// The ranges that overlap another one.
    #[must_use]
    pub(crate) fn touching(&self, range: TimeRange) -> Self {
        let mut touching = Self::default();
        for (source, ranges) in self.iter() {
            touching.add(source, ranges.iter().copied().filter(|own| own.intersect(range).is_some()));
        }
        touching
    }

    /// Those of the source to which a cluster belongs.
    #[must_use]
    pub(crate) fn only_of_cluster(self, cluster: &str) -> Self {
        let own = self.of_cluster(cluster).map(|(source, ranges)| (source.clone(), ranges.to_vec()));
        Self(own.into_iter().collect())
    }

    /// A sentence for each source, if these are the times for which it has no data: `source us-1 has no data for 2026-10-01
    /// to 2026-10-02`.
    pub(crate) fn sentences(&self, zone: Zone) -> impl Iterator<Item = String> {
        self.iter()
            .map(move |(source, ranges)| format!("source {source} has no data for {}", Self::describe(ranges, zone)))
    }

    /// Ranges in words: whole days of UTC as `2026-10-01 to 2026-10-02`, if that is the time zone, and others as `2026-10-01 at
    /// 18:00 to 2026-10-02 at 00:00`.
    pub(crate) fn describe(ranges: &[TimeRange], zone: Zone) -> String {
        const NAMED: usize = 5;
        let is_whole = |range: &TimeRange| {
            zone == Zone::default() && range.start_ms.rem_euclid(DAY_MS) == 0 && range.end_ms.rem_euclid(DAY_MS) == 0
        };
        let in_words = |range: &TimeRange| match is_whole(range) {
            true => UtcDay::describe(&range.days().collect::<Vec<_>>()),
            false => format!("{} to {}", zone.in_words(range.start_ms), zone.in_words(range.end_ms)),
        };
        let named: Vec<String> = ranges.iter().take(NAMED).map(in_words).collect();
        let more = match ranges.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {}", count(more, "more time")),
        };
        named.join(", ") + &more
    }

    /// Whether no source has a range.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same ranges, of sources with other names.
    #[must_use]
    pub(crate) fn renamed(&self, name: impl Fn(&SourceName) -> SourceName) -> Self {
        Self(self.0.iter().map(|(source, ranges)| (name(source), ranges.clone())).collect())
    }
}

impl From<Stored> for SourceTimes {
    fn from(stored: Stored) -> Self {
        let range = |(start_ms, end_ms)| TimeRange { start_ms, end_ms };
        Self(stored.into_iter().map(|(source, ranges)| (source, ranges.into_iter().map(range).collect())).collect())
    }
}

impl From<SourceTimes> for Stored {
    fn from(times: SourceTimes) -> Self {
        let pair = |range: TimeRange| (range.start_ms, range.end_ms);
        times.0.into_iter().map(|(source, ranges)| (source, ranges.into_iter().map(pair).collect())).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::time::HOUR_MS;

    #[test]
    fn times_of_a_source_are_joined_and_found_by_its_clusters() {
        let (eu, us): (SourceName, SourceName) = ("eu".parse().unwrap(), "eu-1".parse().unwrap());
        let range = |start_ms, end_ms| TimeRange { start_ms, end_ms };
        let mut times = SourceTimes::default();
        times.add(&us, []);
        assert!(times.is_empty());
        times.add(&us, [range(DAY_MS, 2 * DAY_MS)]);
        let mut other = SourceTimes::default();
        other.add(&us, [range(DAY_MS / 2, DAY_MS)]);
        other.add(&eu, [range(5, 7)]);
        times.merge(&other);
        assert_eq!(times.of_cluster("eu-1/prod/a"), Some((&us, [range(DAY_MS / 2, 2 * DAY_MS)].as_slice())));
        assert_eq!(times.of_cluster("eu/prod").map(|(source, _)| source), Some(&eu));
        assert_eq!([times.of_cluster("prod"), times.of_cluster("us/prod")], [None, None]);
        let days: Vec<Vec<UtcDay>> = times.days().map(|(_, days)| days).collect();
        assert_eq!(days, [vec![UtcDay::from_days(0)], vec![UtcDay::from_days(0), UtcDay::from_days(1)]]);
        assert_eq!(times.clone().only_of_cluster("eu/prod").iter().count(), 1);
        let stored = serde_json::to_string(&times).unwrap();
        assert_eq!(stored, r#"{"eu":[[5,7]],"eu-1":[[43200000,172800000]]}"#);
        assert_eq!(serde_json::from_str::<SourceTimes>(&stored).unwrap(), times);
    }

    #[test]
    fn whole_days_are_named_as_days_and_other_times_with_their_ends() {
        let range = |start_ms, end_ms| TimeRange { start_ms, end_ms };
        let ranges = [range(0, DAY_MS), range(2 * DAY_MS, 4 * DAY_MS), range(5 * DAY_MS + HOUR_MS, 6 * DAY_MS)];
        let text = "1970-01-01, 1970-01-03 to 1970-01-04, 1970-01-06 at 01:00 to 1970-01-07 at 00:00";
        assert_eq!(SourceTimes::describe(&ranges, Zone::default()), text);
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let text = "1970-01-01 at 01:00 Europe/Berlin to 1970-01-02 at 01:00 Europe/Berlin";
        assert_eq!(SourceTimes::describe(&ranges[..1], berlin), text);
        let many: Vec<TimeRange> = (0..7).map(|day| range(2 * day * DAY_MS, (2 * day + 1) * DAY_MS)).collect();
        assert!(SourceTimes::describe(&many, berlin).ends_with(" and 2 more times"));
    }
}
