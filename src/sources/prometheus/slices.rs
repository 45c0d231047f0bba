//! Cuts the series of a query into as many parts as the server wants: by cluster, then by member.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::{Instrument, warn};

use super::failure::Failure;
use super::question::Question;
use super::windows::{Asked, SHORT_WINDOW, ask_in_windows};
use super::{Client, PromError};
use crate::time::{DAY_MS, Grid, TimeRange};

/// Series that are asked for at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Slice {
    /// What finds them beside the selector; nothing finds all.
    matchers: String,
    /// Which of the question's labels is cut by next.
    depth: usize,
    /// Values of that label in the slice; `None` until they are looked up. Others may be there too.
    values: Option<Vec<String>>,
}

impl Slice {
    /// Two slices that have all of its series between them, whatever values these have: what one's
    /// matcher finds is what the other's does not. `None` with fewer than two values known.
    fn halves(&self, label: &str, values: &[String]) -> Option<[Self; 2]> {
        let (some, others) = values.split_at(values.len() / 2);
        let any_of = some.iter().map(|value| literal(value)).collect::<Vec<_>>().join("|");
        let pattern = serde_json::Value::from(any_of);
        let half = |operator, values: &[String]| Self {
            matchers: joined(&self.matchers, &format!("{label}{operator}{pattern}")),
            depth: self.depth,
            values: Some(values.to_vec()),
        };
        (!some.is_empty()).then(|| [half("=~", some), half("!~", others)])
    }
}

/// Matchers one after the other.
pub(super) fn joined(matchers: &str, more: &str) -> String {
    match (matchers.trim_end().trim_end_matches(','), more) {
        ("", only) | (only, "") => only.to_owned(),
        (matchers, more) => format!("{matchers}, {more}"),
    }
}

/// A regular expression of RE2 that matches this text and no other.
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

/// The slices in which each query is asked, as far as the run has learnt.
#[derive(Debug, Default)]
pub(super) struct Slices(Mutex<BTreeMap<String, Vec<Slice>>>);

impl Slices {
    fn of(&self, promql: &str) -> Vec<Slice> {
        self.known().get(promql).cloned().unwrap_or_else(|| vec![Slice::default()])
    }

    /// From now on these two are asked for instead of this one.
    fn cut(&self, promql: &str, slice: &Slice, halves: &[Slice; 2]) {
        let mut known = self.known();
        let slices = known.entry(promql.to_owned()).or_insert_with(|| vec![Slice::default()]);
        // Another day in flight may have cut it already.
        if let Some(at) = slices.iter().position(|known| known.matchers == slice.matchers) {
            slices.splice(at..=at, halves.iter().cloned());
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Slice>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for a grid in as many slices and windows as the server wants, until `take` has enough. `ask`
/// gets the query, the window, and the index of its first step.
pub(super) async fn ask_in_slices<T>(
    client: &Client,
    question: &Question<'_>,
    grid: Grid,
    ask: impl AsyncFn(String, Grid, usize) -> Result<T, Failure>,
    mut take: impl FnMut(T) -> ControlFlow<()>,
) -> Result<(), PromError> {
    // Each with the first step that is still to be asked for, and the shortest window worth trying.
    let mut open: Vec<(Slice, usize, usize)> =
        client.slices().of(&question.promql).into_iter().map(|slice| (slice, 0, SHORT_WINDOW)).collect();
    while let Some((slice, from, shortest)) = open.pop() {
        let promql = question.narrowed(&slice.matchers);
        let span = question.span(&slice.matchers);
        let asking = ask_in_windows(client, &promql, grid, from, shortest, &ask, &mut take);
        let (done, failure) = match asking.instrument(span.clone()).await? {
            Asked::All => continue,
            Asked::Enough => return Ok(()),
            Asked::TooMuch(done, failure) => (done, failure),
        };
        match cut(client, question, &slice, grid).instrument(span.clone()).await {
            Cut::Halves(halves) => {
                let [one, other] = halves.each_ref().map(|half| &half.matchers);
                warn!(parent: &span, cause = %failure.error, one, other, "too many series for the server: split");
                client.traffic().count_split();
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

/// What can be made of a slice.
enum Cut {
    Halves([Slice; 2]),
    /// It cannot be cut, with the reason unless it is of a single member.
    Whole(Option<String>),
}

/// Two halves of a slice. Where the values to cut by cannot be had, shorter windows may still be
/// answered, so that is no error yet.
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
                None => missing = values.is_empty().then(|| format!("its series have no label {label}")),
            },
            Err(reason) => failed = failed.or(Some(reason)),
        }
        slice.depth += 1;
    }
    Cut::Whole(failed.or(missing).or_else(|| question.why_whole()))
}

/// The values of a label, or why there are none to be had.
async fn look_up_values(client: &Client, label: &str, selector: &str, grid: Grid) -> Result<Vec<String>, String> {
    // The longest look back of a query is a day.
    let range = TimeRange { start_ms: grid.first_ms() - DAY_MS, end_ms: grid.last_ms() };
    match client.label_values(label, selector, range).await {
        Ok(values) => values.ok_or_else(|| "the server does not offer the values of labels".to_owned()),
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
    fn what_one_half_finds_the_other_does_not() {
        let whole = Slice::default();
        let [a, rest] = whole.halves("cluster", &values(&["a", "b", "c"])).unwrap();
        assert_eq!((&*a.matchers, &*rest.matchers), (r#"cluster=~"a""#, r#"cluster!~"a""#));
        let [b, c] = rest.halves("cluster", rest.values.as_ref().unwrap()).unwrap();
        assert_eq!(b.matchers, r#"cluster!~"a", cluster=~"b""#);
        assert_eq!(c.matchers, r#"cluster!~"a", cluster!~"b""#);
        assert!(c.halves("cluster", c.values.as_ref().unwrap()).is_none());
    }

    #[test]
    fn a_value_is_matched_as_it_is_whatever_it_holds() {
        let [odd, _] = Slice::default().halves("instance", &values(&["10.0.0.1:2379\"\\\n|x", "b"])).unwrap();
        // RE2 reads `\.` as a dot; the string around it doubles every backslash.
        assert_eq!(odd.matchers, r#"instance=~"10\\.0\\.0\\.1:2379\"\\\\\n\\|x""#);
    }

    #[test]
    fn matchers_follow_a_selector_or_stand_alone() {
        for (selector, more, expected) in
            [("", "", ""), ("", "b", "b"), ("a", "", "a"), ("a", "b", "a, b"), ("a, ", "b", "a, b"), ("a,", "", "a")]
        {
            assert_eq!(joined(selector, more), expected, "{selector}");
        }
    }

    #[test]
    fn a_slice_is_cut_once_for_all_that_are_in_flight() {
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
