//! What the queries reach in a store: the names of metrics, the series of a query, and when they have samples.

use std::collections::BTreeSet;

use super::error::RawError;
use super::parse::parse;
use super::query::Query;
use super::selector::Selector;
use super::store::{SampleStore, Sighted};
use crate::sources::prometheus::QuerySet;
use crate::spec::Column;

/// The forms of all queries that can be computed from raw samples.
fn computable(queries: &QuerySet) -> impl Iterator<Item = Query> {
    Column::all().flat_map(move |column| {
        let forms = ["raw", "wide", "recorded"].into_iter().filter(move |form| queries.has(column, form));
        forms.filter_map(move |form| parse(&queries.text(column, form, "")).ok())
    })
}

/// The selectors of all series that the queries read in any form.
pub(crate) fn selectors(queries: &QuerySet) -> Vec<Selector> {
    let mut selectors: Vec<Selector> = Vec::new();
    for query in computable(queries) {
        for one in query.selectors() {
            if !selectors.contains(one) {
                selectors.push(one.clone());
            }
        }
    }
    selectors
}

/// The metrics that the queries read in any form, and the native histograms that may be there instead of buckets.
pub(crate) fn metric_names(queries: &QuerySet) -> Vec<String> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for query in computable(queries) {
        for Selector { name, .. } in query.selectors() {
            names.extend(name.strip_suffix("_bucket").map(str::to_owned));
            names.insert(name.clone());
        }
    }
    names.into_iter().collect()
}

/// The names without those of native histograms, for stores that fail at their samples: they may lie beside the classic
/// buckets, and need not be read.
pub(crate) fn classic_names(names: &[String]) -> Vec<&str> {
    let is_native = |name: &str| names.iter().any(|other| other.strip_suffix("_bucket") == Some(name));
    names.iter().map(String::as_str).filter(|name| !is_native(name)).collect()
}

/// Fails if the matchers of `--selector` cannot be used, with the reason.
pub(crate) fn require_selector<E: std::error::Error>(queries: &QuerySet) -> Result<(), RawError<E>> {
    let selector = queries.selector();
    let parsed = parse(&format!("up{{{selector}}}"));
    parsed.map(drop).map_err(|reason| RawError::Selector { selector: selector.to_owned(), reason })
}

/// The times of the first and the last sample of the series that the queries read, in milliseconds. Fails if there is
/// none.
pub(crate) fn extent<S: SampleStore>(
    store: &S,
    queries: &QuerySet,
    name: &str,
) -> Result<(i64, i64), RawError<S::Error>> {
    let names = metric_names(queries);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let sighted = store.survey(&names, &(i64::MIN..i64::MAX)).map_err(RawError::Store)?;
    let of_etcd = || computable(queries).flat_map(|query| targets(&query, &sighted));
    let first_ms = of_etcd().map(|one| one.first_ms).min();
    let last_ms = of_etcd().map(|one| one.last_ms).max();
    first_ms
        .zip(last_ms)
        .ok_or_else(|| RawError::NothingAtAll { name: name.to_owned(), selector: queries.selector_in_words() })
}

/// The series whose values a query returns, among those that a store has. For `and on (…)`, only those with a match at
/// any time.
pub(super) fn targets<'a>(query: &Query, sighted: &'a [Sighted]) -> Vec<&'a Sighted> {
    match query {
        Query::Or(left, right) => [targets(left, sighted), targets(right, sighted)].concat(),
        Query::AndOn(left, on, right) => {
            let key = |one: &'a Sighted| -> Vec<&'a str> {
                on.iter().map(|name| one.label(name).unwrap_or_default()).collect()
            };
            let present: BTreeSet<Vec<&str>> = targets(right, sighted).into_iter().map(key).collect();
            targets(left, sighted).into_iter().filter(|one| present.contains(&key(one))).collect()
        }
        Query::Select(selector)
        | Query::Rate(selector, _)
        | Query::Changes(selector, _)
        | Query::Last(selector, _)
        | Query::Sum { selector, .. }
        | Query::Quantile { buckets: selector, .. } => {
            sighted.iter().filter(|one| selector.matches(&one.labels)).collect()
        }
    }
}
