//! Splits the series of a query into slices, by cluster and then by member, until the server accepts them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::{Instrument, debug, warn};

use super::failure::Failure;
use super::labels::in_promql;
use super::question::Question;
use super::windows::{Asked, SHORT_WINDOW, ask_in_windows};
use super::{Client, PromError, QuerySet};
use crate::time::{DAY_MS, Grid, TimeRange};

/// A part of a query's series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Slice {
    /// Matchers in addition to the selector; empty matches all series.
    matchers: String,
    /// The part of `matchers` for labels before the one at `depth`.
    outer: String,
    /// Index of the label to split by next.
    depth: usize,
    /// Known values of the label at `depth` in the slice, possibly incomplete; `None` before the lookup.
    values: Option<Vec<String>>,
    /// Whether the slice has exactly the label values in `values`. Otherwise it has all values except `excluded`.
    is_listed: bool,
    excluded: Vec<String>,
}

impl Slice {
    /// Splits the slice into two that together cover all its series, even those with unknown label values: one matcher
    /// is the negation of the other, unless the slice lists its values. `None` with fewer than two known values.
    fn halves(&self, label: &str, values: &[String]) -> Option<[Self; 2]> {
        let (some, others) = values.split_at(values.len() / 2);
        let half = |operator: &str, matched: &[String], values: &[String]| {
            let any_of = matched.iter().map(|value| literal(value)).collect::<Vec<_>>().join("|");
            let pattern = serde_json::Value::from(any_of);
            // Replaces the slice's previous matcher of this label, so that slices of fewer members have shorter queries.
            Self {
                matchers: joined(&self.outer, &format!("{}{operator}{pattern}", in_promql(label))),
                outer: self.outer.clone(),
                depth: self.depth,
                values: Some(values.to_vec()),
                is_listed: operator == "=~",
                excluded: if operator == "=~" { Vec::new() } else { matched.to_vec() },
            }
        };
        let rest = match self.is_listed {
            true => half("=~", others, others),
            false => half("!~", &[&self.excluded, some].concat(), others),
        };
        (!some.is_empty()).then(|| [half("=~", some, some), rest])
    }

    /// All series but those with an `excluded` value of the label; `None` if no value is excluded. `values` are the other
    /// known ones.
    fn without(label: &str, values: Vec<String>, mut excluded: Vec<String>) -> Option<Self> {
        // An empty value would stand for series without the label.
        excluded.retain(|value| !value.is_empty());
        let pattern = excluded.iter().map(|value| literal(value)).collect::<Vec<_>>().join("|");
        (!pattern.is_empty()).then(|| Self {
            matchers: format!("{}!~{}", in_promql(label), serde_json::Value::from(pattern)),
            values: Some(values),
            excluded,
            ..Self::default()
        })
    }

    /// Whether splitting the slice makes its query shorter: its matcher lists several values,
    /// and each half lists fewer.
    fn shortens(&self) -> bool {
        self.is_listed && self.values.as_ref().is_some_and(|values| values.len() > 1)
    }

    /// Goes on to the next label to split by.
    fn descend(&mut self) {
        self.depth += 1;
        self.outer.clone_from(&self.matchers);
        self.is_listed = false;
        self.excluded.clear();
    }
}

/// Joins two lists of matchers.
pub(super) fn joined(matchers: &str, more: &str) -> String {
    match (matchers.trim_end().trim_end_matches(','), more) {
        ("", only) | (only, "") => only.to_owned(),
        (matchers, more) => format!("{matchers}, {more}"),
    }
}

/// Escapes a text for an RE2 regular expression.
fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The slices into which each query was split so far in the run.
#[derive(Debug, Default)]
pub(super) struct Slices {
    known: Mutex<BTreeMap<String, Vec<Slice>>>,
    /// The series of a query that was not split: all, unless clusters are left out.
    first: OnceLock<Slice>,
}

impl Slices {
    fn of(&self, promql: &str) -> Vec<Slice> {
        self.known().get(promql).cloned().unwrap_or_else(|| vec![self.first()])
    }

    fn first(&self) -> Slice {
        self.first.get().cloned().unwrap_or_default()
    }

    /// Replaces a slice by its halves for all following days.
    fn cut(&self, promql: &str, slice: &Slice, halves: &[Slice; 2]) {
        let mut known = self.known();
        let slices = known.entry(promql.to_owned()).or_insert_with(|| vec![self.first()]);
        // A day that is pulled concurrently may have split the slice already.
        if let Some(at) = slices.iter().position(|known| known.matchers == slice.matchers) {
            slices.splice(at..=at, halves.iter().cloned());
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Slice>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves clusters out of all following queries, as far as the label of the cluster shows them: series without the label,
/// and clusters that the look-up does not list, are still queried. Does nothing if several labels name a cluster, or if
/// the server does not list the label's values.
pub(crate) async fn leave_out_clusters(
    client: &Client,
    queries: &QuerySet,
    range: TimeRange,
    keeps: impl Fn(&str) -> bool,
) {
    let Some(label) = queries.only_cluster_label() else { return };
    let range = TimeRange { start_ms: range.start_ms - DAY_MS, ..range };
    let Ok(Some(values)) = client.label_values(label, queries.selector(), range).await else { return };
    let (kept, excluded): (Vec<String>, Vec<String>) = values.into_iter().partition(|value| keeps(value));
    if let Some(first) = Slice::without(label, kept, excluded) {
        debug!(matchers = first.matchers, "clusters left out");
        // Set once: a run pulls one shard.
        let _ = client.slices().first.set(first);
        // Slices that the search for days and queries has looked up still hold the clusters that are left out now.
        client.slices().known().clear();
    }
}

/// Queries a grid in as many parts as the server requires: slices (by series) and windows (by time). Stops when `take`
/// returns `Break`. `ask` receives the query of a slice, the steps of a window, and the index of its first step.
pub(super) async fn ask_in_slices<T>(
    client: &Client,
    question: &Question<'_>,
    grid: Grid,
    ask: impl AsyncFn(String, Grid, usize) -> Result<T, Failure>,
    mut take: impl FnMut(T) -> ControlFlow<()>,
) -> Result<(), PromError> {
    // Counts refusals only once a smaller query succeeds: if none does, the size of the query was not the reason.
    let (halved, split) = (Cell::new(0), Cell::new(0));
    let counted = async |promql: String, part: Grid, first: usize, shortest: usize| {
        let answer = ask(promql, part, first).await;
        match &answer {
            Ok(_) => client.traffic().count_smaller(halved.take(), split.take()),
            Err(failure) if failure.wants_less() && part.len() > shortest => halved.set(halved.get() + 1),
            Err(_) => {}
        }
        answer
    };
    // The slices still to query, each with the index of its next step and the minimum length of its windows.
    let mut open: Vec<(Slice, usize, usize)> =
        client.slices().of(&question.promql).into_iter().map(|slice| (slice, 0, SHORT_WINDOW)).collect();
    while let Some((slice, from, shortest)) = open.pop() {
        let promql = question.narrowed(&slice.matchers);
        let span = question.span(&slice.matchers);
        let ask = async |promql, part, first| counted(promql, part, first, shortest).await;
        let asking = ask_in_windows(client, &promql, grid, from, shortest, ask, &mut take);
        let (done, failure) = match asking.instrument(span.clone()).await? {
            Asked::All => continue,
            Asked::Enough => return Ok(()),
            Asked::TooMuch(_, failure) if failure.wants_shorter() && !slice.shortens() => return Err(failure.error),
            Asked::TooMuch(done, failure) => (done, failure),
        };
        match cut(client, question, &slice, grid).instrument(span.clone()).await {
            Cut::Halves(halves) => {
                let [one, other] = halves.each_ref().map(|half| &half.matchers);
                warn!(parent: &span, cause = %failure.error, one, other, "too many series for the server: split");
                split.set(split.get() + 1);
                client.slices().cut(&question.promql, &slice, &halves);
                for half in halves {
                    client.window_sizes().inherit(&question.narrowed(&half.matchers), &promql);
                    open.push((half, done, shortest));
                }
            }
            Cut::Whole(_) if shortest > 1 && !failure.wants_fewer() => open.push((slice, done, 1)),
            Cut::Whole(reason) => return Err(failure.of_the_least(reason)),
        }
    }
    Ok(())
}

/// The result of splitting a slice.
enum Cut {
    Halves([Slice; 2]),
    /// The slice cannot be split, with the reason; `None` if it is a single member, which needs no reason.
    Whole(Option<String>),
}

/// Splits a slice. A failed lookup of label values is not an error yet, because a query with
/// shorter windows may still succeed.
async fn cut(client: &Client, question: &Question<'_>, slice: &Slice, grid: Grid) -> Cut {
    let mut slice = slice.clone();
    let (mut failed, mut missing) = (None, None);
    while let Some(label) = question.labels.get(slice.depth) {
        let values = match slice.values.take() {
            Some(values) => Ok(values),
            None => look_up_values(client, label, &joined(question.selector, &slice.matchers), grid).await,
        };
        match values {
            Ok(values) => match slice.halves(label, &values) {
                Some(halves) => return Cut::Halves(halves),
                None => missing = values.is_empty().then(|| format!("the series have no label {label}")),
            },
            Err(reason) => failed = failed.or(Some(reason)),
        }
        slice.descend();
    }
    Cut::Whole(failed.or(missing).or_else(|| question.why_whole()))
}

/// The values of a label, or why they are not available.
async fn look_up_values(client: &Client, label: &str, selector: &str, grid: Grid) -> Result<Vec<String>, String> {
    // Queries look back at most a day, so include the series of the day before.
    let range = TimeRange { start_ms: grid.first_ms() - DAY_MS, end_ms: grid.last_ms() };
    match client.label_values(label, selector, range).await {
        Ok(values) => values.ok_or_else(|| "the server does not offer label values".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    fn values(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_halves_of_a_slice_match_disjoint_series() {
        let whole = Slice::default();
        let [a, rest] = whole.halves("cluster", &values(&["a", "b", "c"])).unwrap();
        assert_eq!((&*a.matchers, &*rest.matchers), (r#"cluster=~"a""#, r#"cluster!~"a""#));
        let [b, c] = rest.halves("cluster", rest.values.as_ref().unwrap()).unwrap();
        // A half that lists its values needs only that matcher. The other half excludes all values listed so far.
        assert_eq!(b.matchers, r#"cluster=~"b""#);
        assert_eq!(c.matchers, r#"cluster!~"a|b""#);
        assert!(c.halves("cluster", c.values.as_ref().unwrap()).is_none());

        let [listed, _] = whole.halves("cluster", &values(&["a", "b", "c", "d", "e"])).unwrap();
        let mut inner = listed.halves("cluster", listed.values.as_ref().unwrap()).unwrap()[1].clone();
        assert_eq!(inner.matchers, r#"cluster=~"b""#);
        assert!(listed.shortens() && !inner.shortens() && !rest.shortens());
        inner.descend();
        let [one, other] = inner.halves("instance", &values(&["x", "y"])).unwrap();
        assert_eq!(one.matchers, r#"cluster=~"b", instance=~"x""#);
        assert_eq!(other.matchers, r#"cluster=~"b", instance!~"x""#);
    }

    #[test]
    fn a_query_without_some_clusters_keeps_series_without_the_label_and_clusters_that_are_not_listed() {
        let slice = Slice::without("cluster", values(&["a", "x"]), values(&["b", "c.d", ""])).unwrap();
        assert_eq!(slice.matchers, r#"cluster!~"b|c\\.d""#);
        let [a, rest] = slice.halves("cluster", slice.values.as_ref().unwrap()).unwrap();
        assert_eq!((&*a.matchers, &*rest.matchers), (r#"cluster=~"a""#, r#"cluster!~"b|c\\.d|a""#));
        assert_eq!(Slice::without("cluster", values(&["a"]), values(&[""])), None);
        let slices = Slices::default();
        slices.first.set(slice.clone()).unwrap();
        assert_eq!(slices.of("up"), std::slice::from_ref(&slice));
        let halves = slice.halves("cluster", slice.values.as_ref().unwrap()).unwrap();
        slices.cut("up", &slice, &halves);
        assert_eq!(slices.of("up"), halves);
    }

    #[test]
    fn special_characters_in_label_values_are_escaped() {
        let [odd, _] = Slice::default().halves("instance", &values(&["10.0.0.1:2379\"\\\n|x", "b"])).unwrap();
        // RE2 reads `\.` as a literal dot; the PromQL string that holds the pattern doubles every backslash.
        assert_eq!(odd.matchers, r#"instance=~"10\\.0\\.0\\.1:2379\"\\\\\n\\|x""#);
        let [utf8, _] = Slice::default().halves("k8s.node.name", &values(&["a", "b"])).unwrap();
        assert_eq!(utf8.matchers, r#""k8s.node.name"=~"a""#);
    }

    #[test]
    fn matchers_are_appended_to_a_selector_or_used_alone() {
        for (selector, more, expected) in
            [("", "", ""), ("", "b", "b"), ("a", "", "a"), ("a", "b", "a, b"), ("a, ", "b", "a, b"), ("a,", "", "a")]
        {
            assert_eq!(joined(selector, more), expected, "{selector}");
        }
    }

    #[test]
    fn concurrent_days_split_a_slice_only_once() {
        let slices = Slices::default();
        let whole = Slice::default();
        let halves = whole.halves("cluster", &values(&["a", "b", "c", "d"])).unwrap();
        let others = whole.halves("cluster", &values(&["a", "b"])).unwrap();
        slices.cut("up", &whole, &halves);
        slices.cut("up", &whole, &others);
        assert_eq!(slices.of("up"), halves);
        assert_eq!(slices.of("down"), [whole]);
    }
}
