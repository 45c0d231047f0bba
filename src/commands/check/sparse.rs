//! Metrics that have a value at few steps of their members.

use std::collections::{BTreeMap, BTreeSet};

use super::report::Row;
use crate::readings::Member;
use crate::sources::prometheus::{Seen, nothing_happened};
use crate::spec::{Column, Metric};
use crate::text::rounding::share_parts;

/// A metric with values at a smaller share of steps is a problem: most steps would have no score.
const MOSTLY: f64 = 0.5;
/// A metric with values at a smaller share of steps is reported in a note, if its scrapes explain why.
const NEARLY_ALL: f64 = 0.98;

/// A metric that has no value at some of the steps at which its members have values of other metrics.
pub(super) struct Sparse {
    metric: Metric,
    /// Share of the steps with a value of any metric but leader changes at which this metric has one, 0 to 1.
    share: f64,
    /// Whether all its values are NaN.
    is_idle: bool,
}

impl Sparse {
    pub(super) fn column(&self) -> Column {
        self.metric.into()
    }

    pub(super) fn is_mostly_missing(&self) -> bool {
        self.share < MOSTLY
    }

    /// The sentence to report, with `scrapes`, the advice from the measured scrape interval. `None` if the metric is
    /// missing at a few steps only and there is no such advice.
    pub(super) fn sentence(&self, scrapes: Option<String>) -> Option<String> {
        let metric = self.metric;
        let without = format!("--without {metric}");
        if self.is_idle {
            let nothing = nothing_happened(self.column());
            return Some(format!("{metric} is known, but {nothing}, so no step has a score: use {without}"));
        }
        let share = format!("{metric} has a value at {} % of the steps", share_parts(self.share, 100));
        match scrapes {
            Some(advice) => Some(format!("{share}: {advice}")),
            None if self.is_mostly_missing() => Some(format!(
                "{share} of its members; at the other steps it is missing or NaN (idle) and has no score: use {without}"
            )),
            None => None,
        }
    }
}

/// The metrics that a pull would get too few values of.
pub(super) fn sparse(rows: &[Row]) -> Vec<Sparse> {
    let pulled: Vec<&Row> = rows.iter().filter(|row| row.is_pulled).collect();
    let mut alive: BTreeMap<&Member, BTreeSet<i64>> = BTreeMap::new();
    for (member, steps) in
        pulled.iter().filter(|row| shows_life(row.column)).filter_map(|row| row.sighting()).flat_map(|s| &s.known)
    {
        alive.entry(member).or_default().extend(steps);
    }
    let all: usize = alive.values().map(BTreeSet::len).sum();
    let of = |row: &&Row| {
        let Column::Metric(metric) = row.column else { return None };
        let known = match &row.seen {
            Seen::Values(sighting) => {
                let steps = |(member, steps): (&&Member, &BTreeSet<i64>)| {
                    sighting.known.get(*member).map_or(0, |known| known.intersection(steps).count())
                };
                alive.iter().map(steps).sum()
            }
            _ => 0,
        };
        let is_idle = matches!(row.seen, Seen::Idle);
        let share = known as f64 / all.max(1) as f64;
        (share < NEARLY_ALL && (all > 0 || is_idle)).then_some(Sparse { metric, share, is_idle })
    };
    pulled.iter().filter_map(of).collect()
}

fn shows_life(column: Column) -> bool {
    matches!(column, Column::Metric(metric) if metric.shows_life())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::prometheus::Sighting;

    /// A row of a metric that has values at these steps, for each of the members a and b.
    fn row(metric: Metric, steps: [&[i64]; 2]) -> Row {
        let members = ["a", "b"].map(|name| Member::new("c", name));
        let known = members.into_iter().zip(steps).map(|(member, steps)| (member, steps.iter().copied().collect()));
        let seen = Sighting { known: known.collect(), first_ms: 0, last_ms: 9, coverage: 1.0, samples: 0 };
        Row { column: metric.into(), form: "raw".to_owned(), seen: Seen::Values(seen), is_pulled: true }
    }

    #[test]
    fn a_metric_is_compared_with_the_steps_at_which_its_members_have_other_values() {
        let all: &[i64] = &[0, 1, 2, 3];
        // Member b starts late. leader_changes still has values after both members are gone.
        let rows = [
            row(Metric::DbSize, [all, &[2, 3]]),
            row(Metric::WalFsync, [&[1], &[2]]),
            row(Metric::BackendCommit, [&[1, 2, 3], &[2, 3]]),
            row(Metric::LeaderChanges, [&[0, 1, 2, 3, 4, 5], &[2, 3, 4, 5]]),
        ];
        let found: Vec<_> =
            sparse(&rows).into_iter().map(|one| (one.metric, one.share, one.is_mostly_missing())).collect();
        assert_eq!(found, [(Metric::WalFsync, 2.0 / 6.0, true), (Metric::BackendCommit, 5.0 / 6.0, false)]);
    }

    #[test]
    fn an_idle_metric_is_named_with_the_reason() {
        let idle = Row { seen: Seen::Idle, ..row(Metric::WalFsync, [&[], &[]]) };
        let found = sparse(&[row(Metric::DbSize, [&[0], &[0]]), idle]);
        let sentence = found[0].sentence(None).unwrap_or_default();
        assert!(found[0].is_mostly_missing() && sentence.contains("known, but no fsync in any window (p99 is NaN)"));
    }

    #[test]
    fn the_sentence_has_the_share_and_the_remedy() {
        let sparse = |share| Sparse { metric: Metric::WalFsync, share, is_idle: false };
        let advice = Some("scraped every 4 min: rate[5m] …".to_owned());
        assert_eq!(
            sparse(0.25).sentence(advice).as_deref(),
            Some("wal_fsync has a value at 25 % of the steps: scraped every 4 min: rate[5m] …")
        );
        assert!(sparse(0.25).sentence(None).is_some_and(|text| text.contains("--without wal_fsync")));
        assert_eq!(sparse(0.9).sentence(None), None);
    }
}
