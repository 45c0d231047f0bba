//! The parsed queries of a pull, and the readings that they give.

use std::collections::BTreeMap;
use std::ops::Range;

use super::error::RawError;
use super::evaluate::{Element, Evaluation};
use super::parse::parse;
use super::query::Query;
use super::selector::Selector;
use super::source::Rules;
use super::store::{LostSpan, SampleStore, label_of};
use crate::readings::{ColumnReadings, IDLE, MissingLabel, QuerySource, Window};
use crate::sources::promql::DEFAULT_LOOKBACK_MS;
use crate::sources::tsdb::block::in_promql;
use crate::spec::Column;
use crate::text::terminal::terminal_label;
use crate::time::{Grid, Step, TimeRange};

/// The query of each column.
#[derive(Clone, Debug)]
pub(crate) struct Queries(pub(super) Vec<(Column, Query)>);

/// Series whose samples a part of a day needs, and from when to when.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selection<'a> {
    pub(crate) selector: &'a Selector,
    /// Half-open, in milliseconds.
    pub(crate) range_ms: Range<i64>,
}

impl Queries {
    /// Parses queries as the history stores them. Fails for one that cannot be computed from raw samples: with its column,
    /// and with the reason in a few words.
    pub(crate) fn parse(queries: &BTreeMap<String, QuerySource>) -> Result<Self, (Column, String)> {
        let asked = Column::all().filter_map(|column| Some((column, queries.get(column.name())?)));
        let parsed = asked.map(|(column, query)| match parse(&query.promql) {
            Ok(query) => Ok((column, query)),
            Err(reason) => Err((column, reason)),
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// The samples that the part of a day needs. Selectors that are equal in several queries come once, with the longest
    /// range.
    pub(crate) fn selections(&self, part: TimeRange, step: Step) -> Vec<Selection<'_>> {
        let grid = Grid::within(part, step);
        let mut selections: Vec<Selection<'_>> = Vec::new();
        for (_, query) in &self.0 {
            let start_ms = grid.first_ms() - query.reach_ms(DEFAULT_LOOKBACK_MS);
            for selector in query.selectors() {
                match selections.iter_mut().find(|known| known.selector == selector) {
                    Some(known) => known.range_ms.start = known.range_ms.start.min(start_ms),
                    None => selections.push(Selection { selector, range_ms: start_ms..grid.last_ms() + 1 }),
                }
            }
        }
        selections
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = Column> {
        self.0.iter().map(|(column, _)| *column)
    }

    /// Computes the readings of a part of a day from the samples of a store.
    pub(crate) fn window<S: SampleStore>(
        &self,
        store: &S,
        rules: &Rules,
        part: TimeRange,
    ) -> Result<Window, RawError<S::Error>> {
        let grid = Grid::within(part, rules.step);
        let times_ms: Vec<i64> = (0..grid.len()).map(|step| grid.at(step)).collect();
        let queries = self.0.iter().map(|(_, query)| query);
        let evaluation = Evaluation::prepare(store, queries, &times_ms, rules.version).map_err(RawError::Store)?;
        let (mut columns, mut unsure) = (Vec::with_capacity(self.0.len()), Vec::new());
        for (column, query) in &self.0 {
            let mut elements = evaluation.evaluate(query)?;
            let steps = uncertain(query, store.lost(), &times_ms);
            blank(&mut elements, &steps);
            unsure.extend(steps);
            columns.push((*column, readings(*column, &elements, &grid, rules)?));
        }
        let mut window = Window::join(grid, columns);
        // A later pull reads such a day again: the file may have been repaired by then.
        window.mark_partial(&unsure);
        Ok(window)
    }
}

/// The readings of the members to which the elements of a vector belong.
fn readings<E: std::error::Error>(
    column: Column,
    elements: &[Element],
    grid: &Grid,
    rules: &Rules,
) -> Result<ColumnReadings, RawError<E>> {
    let mut readings = ColumnReadings::of(column);
    for element in elements {
        let member = rules.naming.name(|name| label_of(&element.labels, name));
        let member = member.map_err(|MissingLabel { label, remedy }| RawError::NoLabel {
            column,
            series: terminal_label(&in_promql(&element.labels)),
            label,
            remedy,
        })?;
        let values: Vec<f64> = element.values.iter().map(|value| reading(*value)).collect();
        readings.merge_labeled(member, grid.len(), |name| label_of(&element.labels, name), &values);
    }
    Ok(readings)
}

/// The value of a step: missing without a sample, and idle if the sample is NaN.
fn reading(value: Option<f64>) -> f64 {
    match value {
        None => f64::NAN,
        Some(value) if value.is_nan() => IDLE,
        Some(value) => value,
    }
}

/// The steps at which a query depends on samples that may be missing.
pub(super) fn uncertain(query: &Query, lost: &[LostSpan], times_ms: &[i64]) -> Vec<Range<usize>> {
    let reach_ms = query.reach_ms(DEFAULT_LOOKBACK_MS);
    let steps = |span: &LostSpan| {
        let from = times_ms.partition_point(|time| *time < span.first_ms);
        from..times_ms.partition_point(|time| time.saturating_sub(reach_ms) <= span.last_ms).max(from)
    };
    lost.iter().filter(|span| query.lacks(span)).map(steps).filter(|steps| !steps.is_empty()).collect()
}

/// Removes the values at some steps.
pub(super) fn blank(elements: &mut [Element], steps: &[Range<usize>]) {
    for element in elements.iter_mut() {
        steps.iter().for_each(|steps| element.values[steps.clone()].fill(None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_whose_samples_may_be_missing_have_no_value() {
        let times: Vec<i64> = (0..10).map(|step| step * 10).collect();
        let element = || Element { labels: Vec::new(), values: vec![Some(1.0); 10] };
        let left = |lost: &[LostSpan], reach_ms| {
            let mut elements = [element()];
            let query = parse(&format!("changes(m[{reach_ms}ms])")).expect("it is a query");
            blank(&mut elements, &uncertain(&query, lost, &times));
            elements[0].values.iter().map(|value| if value.is_some() { 'x' } else { '-' }).collect::<String>()
        };
        let span = |first_ms, last_ms| LostSpan { first_ms, last_ms, from_metric: String::new() };
        let of = |name: &str| LostSpan { from_metric: name.to_owned(), ..span(15, 25) };
        assert_eq!(left(&[of("n")], 5), "xxxxxxxxxx");
        assert_eq!(left(&[of("m")], 5), left(&[span(15, 25)], 5));
        assert_eq!(left(&[], 5), "xxxxxxxxxx");
        assert_eq!(left(&[span(15, 25)], 1), "xx-xxxxxxx");
        assert_eq!(left(&[span(15, 25)], 20), "xx---xxxxx");
        assert_eq!(left(&[span(20, 20), span(90, 500)], 5), "xx-xxxxxx-");
        assert_eq!(left(&[span(i64::MIN, i64::MAX)], 5), "----------");
        assert_eq!(left(&[span(-50, -40)], 15), "xxxxxxxxxx");
    }
}
