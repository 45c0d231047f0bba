//! Evaluates queries over the samples of a store, in the order in which Prometheus computes them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rayon::prelude::*;

use super::query::Query;
use super::selector::Selector;
use super::store::{Label, METRIC_NAME, SampleStore, label_of};
use crate::sources::promql::{
    self, BucketColumn, Column, DEFAULT_LOOKBACK_MS, Series, SeriesError, Version, histogram_quantile, parse_le,
};
use crate::sources::tsdb::block::in_promql;

/// One element of a vector: labels, and a value at each time.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) labels: Vec<Label>,
    pub(super) values: Column,
}

impl Element {
    /// The values of these labels, by which elements match.
    fn on<'a>(&'a self, names: &'a [String]) -> Vec<&'a str> {
        values_of(&self.labels, names)
    }

    /// All labels except the name, by which elements match without `on (…)`.
    fn unnamed(&self) -> Vec<&Label> {
        self.labels.iter().filter(|(name, _)| name.as_ref() != METRIC_NAME).collect()
    }
}

/// The values of these labels. A missing label has the empty value.
fn values_of<'a>(labels: &'a [Label], names: &[String]) -> Vec<&'a str> {
    names.iter().map(|name| label_of(labels, name).unwrap_or_default()).collect()
}

/// Whether a series with these labels is wanted.
type Wanted<'a> = &'a (dyn Fn(&[Label]) -> bool + Sync);

/// Why a query cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvaluationError<E: std::error::Error> {
    /// The store cannot be read.
    #[error(transparent)]
    Store(E),
    /// The store returned samples that are out of order.
    #[error("{series}: {cause}; report this as a bug of etcd-heatmap")]
    Order { series: String, cause: SeriesError },
}

/// An evaluation of queries at some times.
pub(super) struct Evaluation<'a, S: SampleStore> {
    store: &'a S,
    /// Ascending, in milliseconds.
    times_ms: &'a [i64],
    version: Version,
    /// The series of each metric, sorted by labels.
    series: BTreeMap<String, Vec<S::Series>>,
}

impl<'a, S: SampleStore> Evaluation<'a, S> {
    /// Looks up the series of all these queries at once.
    pub(super) fn prepare<'q>(
        store: &'a S,
        queries: impl Iterator<Item = &'q Query> + Clone,
        times_ms: &'a [i64],
        version: Version,
    ) -> Result<Self, S::Error> {
        let asked = queries.clone();
        let names: BTreeSet<&str> = queries.clone().flat_map(Query::selectors).map(|one| one.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let reach_ms = queries.map(|query| query.reach_ms(DEFAULT_LOOKBACK_MS)).max().unwrap_or_default();
        let mut series: BTreeMap<String, Vec<S::Series>> = BTreeMap::new();
        for one in store.series(&names, &range_of(times_ms, reach_ms))? {
            let name = label_of(store.labels(&one), METRIC_NAME).unwrap_or_default().to_owned();
            series.entry(name).or_default().push(one);
        }
        let evaluation = Self { store, times_ms, version, series };
        let read = || asked.clone().flat_map(|query| evaluation.read_by(query)).collect();
        store.fetch(&read)?;
        Ok(evaluation)
    }

    /// The series that a query reads, and the times of their samples. For `and on (…)`, only those with a match at any time.
    fn read_by(&self, query: &Query) -> Vec<(&S::Series, Range<i64>)> {
        let of = |selector: &Selector, reach_ms: i64| {
            let range_ms = range_of(self.times_ms, reach_ms);
            self.selected(selector).into_iter().map(|series| (series, range_ms.clone())).collect()
        };
        match query {
            Query::Select(selector) => of(selector, DEFAULT_LOOKBACK_MS),
            Query::Rate(selector, window_ms)
            | Query::Changes(selector, window_ms)
            | Query::Last(selector, window_ms)
            | Query::Sum { selector, window_ms, .. }
            | Query::Quantile { buckets: selector, window_ms, .. } => of(selector, *window_ms),
            Query::Or(left, right) => [self.read_by(left), self.read_by(right)].concat(),
            Query::AndOn(left, on, right) => {
                let (mut left, right) = (self.read_by(left), self.read_by(right));
                let key = |series: &S::Series| -> Vec<String> {
                    values_of(self.store.labels(series), on).into_iter().map(str::to_owned).collect()
                };
                let matched: BTreeSet<Vec<String>> = right.iter().map(|(series, _)| key(series)).collect();
                left.retain(|(series, _)| matched.contains(&key(series)));
                [left, right].concat()
            }
        }
    }

    /// The elements of a query that have any value.
    pub(super) fn evaluate(&self, query: &Query) -> Result<Vec<Element>, EvaluationError<S::Error>> {
        self.evaluate_among(query, &|_| true)
    }

    /// The elements of a query, of which only those with labels that are wanted are needed: the samples of other series
    /// need not be read.
    fn evaluate_among(&self, query: &Query, is_wanted: Wanted<'_>) -> Result<Vec<Element>, EvaluationError<S::Error>> {
        match query {
            Query::Select(selector) => self.each(selector, DEFAULT_LOOKBACK_MS, is_wanted, |series| {
                promql::instant(series, DEFAULT_LOOKBACK_MS, self.times_ms, self.version)
            }),
            Query::Rate(selector, window_ms) => {
                self.each(selector, *window_ms, is_wanted, |series| self.rate(series, *window_ms)).map(without_names)
            }
            Query::Changes(selector, window_ms) => self
                .each(selector, *window_ms, is_wanted, |series| {
                    promql::changes(series, *window_ms, self.times_ms, self.version)
                })
                .map(without_names),
            Query::Last(selector, window_ms) => self.each(selector, *window_ms, is_wanted, |series| {
                promql::last_over_time(series, *window_ms, self.times_ms, self.version)
            }),
            Query::Quantile { q, by, buckets, window_ms } => self.quantile(*q, by, buckets, *window_ms),
            Query::Sum { by, selector, window_ms } => self.sum(by, selector, *window_ms),
            Query::Or(left, right) => {
                Ok(or(self.evaluate_among(left, is_wanted)?, self.evaluate_among(right, is_wanted)?))
            }
            Query::AndOn(left, on, right) => {
                let right = self.evaluate(right)?;
                let matched: BTreeSet<Vec<&str>> = right.iter().map(|element| element.on(on)).collect();
                let is_matched = |labels: &[Label]| is_wanted(labels) && matched.contains(&values_of(labels, on));
                Ok(and_on(self.evaluate_among(left, &is_matched)?, on, &right))
            }
        }
    }

    fn rate(&self, series: &Series<'_>, window_ms: i64) -> Column {
        promql::rate(series, window_ms, self.times_ms, self.version)
    }

    fn selected(&self, selector: &Selector) -> Vec<&S::Series> {
        let all = self.series.get(&selector.name).into_iter().flatten();
        all.filter(|series| selector.matches(self.store.labels(series))).collect()
    }

    /// Computes a function of each selected series with labels that are wanted, in parallel.
    fn each(
        &self,
        selector: &Selector,
        reach_ms: i64,
        is_wanted: Wanted<'_>,
        function: impl Fn(&Series<'_>) -> Column + Sync,
    ) -> Result<Vec<Element>, EvaluationError<S::Error>> {
        let element = |series: &&S::Series| {
            let values = self.of_series(series, reach_ms, &function)?;
            Ok(Element { labels: self.store.labels(series).to_vec(), values })
        };
        let mut selected = self.selected(selector);
        selected.retain(|series| is_wanted(self.store.labels(series)));
        let elements: Vec<Element> = selected.par_iter().map(element).collect::<Result<_, _>>()?;
        Ok(elements.into_iter().filter(has_value).collect())
    }

    /// Computes a function of one series from the samples that it needs.
    fn of_series(
        &self,
        series: &S::Series,
        reach_ms: i64,
        function: &impl Fn(&Series<'_>) -> Column,
    ) -> Result<Column, EvaluationError<S::Error>> {
        let samples = self.store.samples(series, &range_of(self.times_ms, reach_ms)).map_err(EvaluationError::Store)?;
        let read = Series::new(&samples.times_ms, &samples.values);
        let name = || in_promql(self.store.labels(series));
        Ok(function(&read.map_err(|cause| EvaluationError::Order { series: name(), cause })?))
    }

    /// `histogram_quantile(q, sum by (…, le) (rate(…)))`, the histograms in parallel.
    fn quantile(
        &self,
        q: f64,
        by: &[String],
        buckets: &Selector,
        window_ms: i64,
    ) -> Result<Vec<Element>, EvaluationError<S::Error>> {
        self.each_group(by, buckets, |series| self.quantile_of(q, series, window_ms))
    }

    /// `sum by (…) (rate(…))`, the groups in parallel.
    fn sum(
        &self,
        by: &[String],
        selector: &Selector,
        window_ms: i64,
    ) -> Result<Vec<Element>, EvaluationError<S::Error>> {
        self.each_group(by, selector, |series| {
            let rate =
                |one: &&S::Series| self.of_series(one, window_ms, &|series: &Series<'_>| self.rate(series, window_ms));
            let rates: Vec<Column> = series.iter().map(rate).collect::<Result<_, _>>()?;
            Ok(promql::sum(&rates, self.version))
        })
    }

    /// Computes a function of the series that agree in these labels, group by group in parallel.
    fn each_group(
        &self,
        by: &[String],
        selector: &Selector,
        function: impl Fn(&[&S::Series]) -> Result<Column, EvaluationError<S::Error>> + Sync,
    ) -> Result<Vec<Element>, EvaluationError<S::Error>> {
        let mut groups: BTreeMap<Vec<&str>, Vec<&S::Series>> = BTreeMap::new();
        for series in self.selected(selector) {
            let labels = self.store.labels(series);
            let key = by.iter().map(|name| label_of(labels, name).unwrap_or_default()).collect();
            groups.entry(key).or_default().push(series);
        }
        let groups: Vec<(Vec<&str>, Vec<&S::Series>)> = groups.into_iter().collect();
        let element = |(key, series): &(Vec<&str>, Vec<&S::Series>)| {
            let named = by.iter().zip(key).filter(|(_, value)| !value.is_empty());
            let labels = named.map(|(name, value)| (name.as_str().into(), (*value).into())).collect();
            Ok(Element { labels, values: function(series)? })
        };
        let elements: Vec<Element> = groups.par_iter().map(element).collect::<Result<_, _>>()?;
        Ok(elements.into_iter().filter(has_value).collect())
    }

    /// The quantile of one histogram, which may have several series per bucket.
    fn quantile_of(&self, q: f64, series: &[&S::Series], window_ms: i64) -> Result<Column, EvaluationError<S::Error>> {
        let mut by_bound: Vec<(&str, Vec<Column>)> = Vec::new();
        for one in series {
            let Some(le) = label_of(self.store.labels(one), "le") else { continue };
            let rate = self.of_series(one, window_ms, &|series: &Series<'_>| self.rate(series, window_ms))?;
            match by_bound.iter_mut().find(|(bound, _)| *bound == le) {
                Some((_, rates)) => rates.push(rate),
                None => by_bound.push((le, vec![rate])),
            }
        }
        let sums: Vec<(f64, Column)> = by_bound
            .into_iter()
            .filter_map(|(le, rates)| Some((parse_le(le)?, promql::sum(&rates, self.version))))
            .collect();
        let columns: Vec<BucketColumn<'_>> =
            sums.iter().map(|(upper_bound, counts)| BucketColumn { upper_bound: *upper_bound, counts }).collect();
        let mut quantile = histogram_quantile(q, &columns, self.version);
        quantile.resize(self.times_ms.len(), None);
        Ok(quantile)
    }
}

/// The samples that evaluations need if they look back this far: a half-open range.
fn range_of(times_ms: &[i64], reach_ms: i64) -> Range<i64> {
    match (times_ms.first(), times_ms.last()) {
        (Some(first), Some(last)) => first.saturating_sub(reach_ms)..last.saturating_add(1),
        _ => 0..0,
    }
}

fn has_value(element: &Element) -> bool {
    element.values.iter().any(Option::is_some)
}

/// Functions drop the name of the metric.
fn without_names(mut elements: Vec<Element>) -> Vec<Element> {
    for element in &mut elements {
        element.labels.retain(|(name, _)| name.as_ref() != METRIC_NAME);
    }
    elements
}

/// `left or right`: at each time, the elements on the right whose labels, except the name, are not on the left.
fn or(left: Vec<Element>, right: Vec<Element>) -> Vec<Element> {
    let mut by_labels: BTreeMap<Vec<&Label>, Vec<&Element>> = BTreeMap::new();
    for element in &left {
        by_labels.entry(element.unnamed()).or_default().push(element);
    }
    let hidden = |element: &Element, time: usize| {
        by_labels.get(&element.unnamed()).is_some_and(|same| same.iter().any(|one| one.values[time].is_some()))
    };
    let rest: Vec<Element> = right
        .into_iter()
        .map(|element| {
            let visible = |time: usize| element.values[time].filter(|_| !hidden(&element, time));
            let values = (0..element.values.len()).map(visible).collect();
            Element { values, labels: element.labels }
        })
        .filter(has_value)
        .collect();
    [left, rest].concat()
}

/// `left and on (…) right`: at each time, the elements on the left with a match on the right.
fn and_on(left: Vec<Element>, on: &[String], right: &[Element]) -> Vec<Element> {
    let mut present: BTreeMap<Vec<&str>, Vec<&Column>> = BTreeMap::new();
    for element in right {
        present.entry(element.on(on)).or_default().push(&element.values);
    }
    let kept = left.into_iter().map(|element| {
        let matching = present.get(&element.on(on)).map(Vec::as_slice).unwrap_or_default();
        let values = promql::and(&element.values, matching);
        Element { values, labels: element.labels }
    });
    kept.filter(has_value).collect()
}
