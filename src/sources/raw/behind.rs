//! The raw samples behind a reading: which series its query reads, how far back, and what it computes of them.

use std::ops::Range;

use super::parse::parse;
use super::query::Query;
use super::selector::Selector;
use super::store::{Label, LostSpan, METRIC_NAME, SampleStore, label_of, while_changing};
use crate::readings::{Member, NamingLabels, Pin, QuerySource};
use crate::sources::prometheus::QuerySet;
use crate::sources::promql::{DEFAULT_LOOKBACK_MS, Version, is_stale_marker};
use crate::sources::tsdb::block::{Samples, in_promql};
use crate::spec::Metric;

/// A series with its samples in a window: at least one, without staleness markers, as a range selector returns them.
#[derive(Clone, Debug)]
pub(crate) struct Sampled {
    /// Sorted by name, with the metric's name.
    pub(crate) labels: Vec<Label>,
    pub(crate) samples: Samples,
}

impl Sampled {
    /// The value of a label.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        label_of(&self.labels, name)
    }

    /// The labels of the target: all but the name and the bucket.
    pub(crate) fn target(&self) -> Vec<&Label> {
        self.labels.iter().filter(|(name, _)| !["le", METRIC_NAME].contains(&&**name)).collect()
    }

    /// The series in PromQL notation, for people.
    pub(crate) fn shown(&self) -> String {
        in_promql(&self.labels)
    }

    fn unnamed(&self) -> Vec<&Label> {
        self.labels.iter().filter(|(name, _)| name.as_ref() != METRIC_NAME).collect()
    }
}

/// What a query computes of the samples in its window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Computes {
    /// This quantile of a histogram's observations.
    Quantile(f64),
    /// The increase of a counter.
    Increase,
    /// How often a value changes.
    Changes,
    /// The last value.
    Last,
}

/// The samples behind the readings of a metric.
#[derive(Clone, Debug)]
pub(crate) struct Behind {
    query: Query,
    /// Whether the readings are those of a recording rule. The samples are those that the rule of the original script
    /// reads.
    pub(crate) is_recorded: bool,
}

impl Behind {
    /// Takes the query of a history apart. Fails with the reason, in a few words, if it is none that can be computed from
    /// raw samples. The label lists are those of the history.
    pub(crate) fn of(
        metric: Metric,
        stored: &QuerySource,
        cluster_label: Option<&str>,
        member_label: &str,
    ) -> Result<Self, String> {
        let promql = match stored.form.as_str() {
            "recorded" => {
                let recorded = parse(&stored.promql)?;
                let Some(selector) = recorded.selectors().first().map(|one| one.matchers_in_promql()) else {
                    return Err("it selects no series".to_owned());
                };
                let set = QuerySet::load(None, &selector, cluster_label, member_label);
                set.map_err(|error| error.to_string())?.raw(metric)
            }
            // The classic buckets are on the left; native histograms are no counts of buckets.
            "native" => match stored.promql.rsplit_once(") or histogram_quantile(") {
                Some((classic, _)) => format!("{classic})"),
                None => stored.promql.clone(),
            },
            _ => stored.promql.clone(),
        };
        Ok(Self { query: parse(&promql)?, is_recorded: stored.form == "recorded" })
    }

    /// How far back from a step the query reads, in milliseconds.
    pub(crate) fn window_ms(&self) -> i64 {
        self.query.reach_ms(DEFAULT_LOOKBACK_MS)
    }

    /// What the query computes.
    pub(crate) fn computes(&self) -> Computes {
        computes(&self.query)
    }

    /// The metrics that the query reads, without those that only filter.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.query.read().into_iter().map(|selector| selector.name.as_str()).collect()
    }

    /// The metrics that only filter, by `and on (…)`.
    pub(crate) fn filters(&self) -> Vec<&str> {
        let read = self.names();
        let all = self.query.selectors().into_iter().map(|selector| selector.name.as_str());
        all.filter(|name| !read.contains(name)).collect()
    }

    /// The selectors of all series that the query needs, of any member.
    pub(crate) fn selectors(&self) -> impl Iterator<Item = &Selector> {
        self.query.selectors().into_iter()
    }

    /// Whether the query reads samples of a lost span if it is evaluated at an instant.
    pub(crate) fn lacks(&self, lost: &LostSpan, at_ms: i64) -> bool {
        let is_in_window = lost.first_ms <= at_ms && lost.last_ms >= at_ms.saturating_sub(self.window_ms());
        is_in_window && self.query.lacks(lost)
    }

    /// The selectors of the series whose values the query returns, for each of the alternatives of
    /// [`NamingLabels::pins`].
    pub(crate) fn read(&self, pins: &[Vec<Pin>]) -> Vec<Selector> {
        let of = |pins: &Vec<Pin>| self.query.read().into_iter().map(|one| one.pinned(pins.iter())).collect::<Vec<_>>();
        pins.iter().flat_map(of).collect()
    }

    /// The selectors of all series that the query needs. A series that only filters is pinned by the labels by which it
    /// matches.
    pub(crate) fn needed(&self, pins: &[Vec<Pin>]) -> Vec<Selector> {
        let mut selectors: Vec<Selector> = Vec::new();
        for pins in pins {
            for one in needed(&self.query, &pins.iter().collect::<Vec<_>>()) {
                if !selectors.contains(&one) {
                    selectors.push(one);
                }
            }
        }
        selectors
    }

    /// The series of a member whose values the query returns.
    pub(crate) fn of_member<'a>(&self, all: &'a [Sampled], naming: &NamingLabels, member: &Member) -> Vec<&'a Sampled> {
        let mut chosen = chosen(&self.query, all);
        chosen.retain(|one| naming.name(|name| one.label(name)).is_ok_and(|named| named == *member));
        chosen
    }
}

fn computes(query: &Query) -> Computes {
    match query {
        Query::Quantile { q, .. } => Computes::Quantile(*q),
        Query::Rate(..) | Query::Sum { .. } => Computes::Increase,
        Query::Changes(..) => Computes::Changes,
        Query::Select(_) | Query::Last(..) => Computes::Last,
        Query::Or(left, _) | Query::AndOn(left, _, _) => computes(left),
    }
}

fn needed(query: &Query, pins: &[&Pin]) -> Vec<Selector> {
    match query {
        Query::Or(left, right) => [needed(left, pins), needed(right, pins)].concat(),
        Query::AndOn(left, on, right) => {
            let matched: Vec<&Pin> = pins.iter().copied().filter(|(label, _)| on.contains(label)).collect();
            [needed(left, pins), needed(right, &matched)].concat()
        }
        other => other.selectors().into_iter().map(|one| one.pinned(pins.iter().copied())).collect(),
    }
}

/// The series that a query returns, of those with samples in its window.
fn chosen<'a>(query: &Query, all: &'a [Sampled]) -> Vec<&'a Sampled> {
    match query {
        Query::Or(left, right) => {
            let mut either = chosen(left, all);
            let seen: Vec<_> = either.iter().map(|one| one.unnamed()).collect();
            either.extend(chosen(right, all).into_iter().filter(|one| !seen.contains(&one.unnamed())));
            either
        }
        Query::AndOn(left, on, right) => {
            let key = |one: &'a Sampled| on.iter().map(|name| one.label(name).unwrap_or_default()).collect::<Vec<_>>();
            let present: Vec<_> = chosen(right, all).into_iter().map(key).collect();
            chosen(left, all).into_iter().filter(|one| present.contains(&key(one))).collect()
        }
        other => {
            let selectors = other.selectors();
            all.iter().filter(|one| selectors.iter().any(|selector| selector.matches(&one.labels))).collect()
        }
    }
}

/// The series of a store that any of the selectors selects, with their samples in the window that ends at an instant,
/// inclusive. Whether it includes its start depends on the version.
pub(crate) fn samples_until<S: SampleStore>(
    store: &S,
    selectors: &[Selector],
    window_ms: i64,
    at_ms: i64,
    version: Version,
) -> Result<Vec<Sampled>, S::Error> {
    let first_ms = at_ms.saturating_sub(window_ms).saturating_add(i64::from(version.has_left_open_ranges()));
    let range_ms = first_ms..at_ms.saturating_add(1);
    while_changing(store, || samples_within(store, selectors, &range_ms))
}

/// The series of a store that any of the selectors selects, with their samples in a range.
fn samples_within<S: SampleStore>(
    store: &S,
    selectors: &[Selector],
    range_ms: &Range<i64>,
) -> Result<Vec<Sampled>, S::Error> {
    let mut found = Vec::new();
    let mut selected = store.series(&names_of(selectors), range_ms)?;
    selected.retain(|series| selectors.iter().any(|selector| selector.matches(store.labels(series))));
    store.fetch(&|| selected.iter().map(|series| (series, range_ms.clone())).collect())?;
    for series in &selected {
        let labels = store.labels(series);
        let mut samples = Samples::default();
        for (time_ms, value) in store.samples(series, range_ms)?.iter().filter(|(_, value)| !is_stale_marker(*value)) {
            samples.push(time_ms, value);
        }
        if !samples.is_empty() {
            found.push(Sampled { labels: labels.to_vec(), samples });
        }
    }
    Ok(found)
}

/// Whether a store has any series that one of the selectors selects, in a half-open range of milliseconds.
pub(crate) fn has_series<S: SampleStore>(
    store: &S,
    selectors: &[Selector],
    range_ms: &Range<i64>,
) -> Result<bool, S::Error> {
    let sighted = store.survey(&names_of(selectors), range_ms)?;
    Ok(sighted.iter().any(|one| selectors.iter().any(|selector| selector.matches(&one.labels))))
}

fn names_of(selectors: &[Selector]) -> Vec<&str> {
    let mut names: Vec<&str> = selectors.iter().map(|selector| selector.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
#[path = "behind_tests.rs"]
mod tests;
