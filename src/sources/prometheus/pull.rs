//! Pulls days of readings: a window a UTC day, its queries in flight together.

use std::ops::ControlFlow;

use futures_util::future::{join_all, try_join_all};
use futures_util::{Stream, StreamExt, stream};

use super::answer::is_too_much;
use super::direct::form_to_send;
use super::question::Question;
use super::slices::ask_in_slices;
use super::{Client, PromError, QuerySet};
use crate::readings::Source;
use crate::readings::{ColumnReadings, Window, days_at_once};
use crate::spec::Column;
use crate::time::{DAY_MS, Grid, Step, TimeRange, UtcDay};

/// How to pull.
#[derive(Clone, Debug)]
pub(crate) struct PullPlan {
    /// Where from, with which queries.
    pub(crate) source: Source,
    /// What the queries of the source were made from.
    pub(crate) queries: QuerySet,
    /// The distance between two steps.
    pub(crate) step: Step,
}

impl PullPlan {
    /// How many range queries these parts of days take, as far as the client knows its server.
    pub(crate) fn count_queries(&self, client: &Client, days: &[(UtcDay, TimeRange)]) -> u64 {
        let most = client.window_sizes().limit();
        let windows: usize = days.iter().map(|(_, part)| Grid::within(*part, self.step).len().div_ceil(most)).sum();
        (windows * self.source.queries.len()) as u64
    }

    /// How many days to pull at once: enough that the queries of one fill the wire while another is written, and no
    /// more than fit into memory, as far as it is known how many members there are.
    pub(crate) fn days_in_flight(&self, client: &Client) -> usize {
        let columns = self.source.queries.len();
        let steps = usize::try_from(DAY_MS / self.step.millis()).unwrap_or(usize::MAX);
        let wanted = client.terms().concurrency.div_ceil(columns.max(1)) + 1;
        wanted.min(days_at_once(client.most_members(), steps, columns))
    }
}

/// A day with its window, or with why it has none.
#[derive(Debug)]
pub(crate) struct PulledDay {
    /// The day.
    pub(crate) day: UtcDay,
    /// The part of it that was asked for.
    pub(crate) part: TimeRange,
    /// Its readings.
    pub(crate) window: Result<Window, PromError>,
}

/// Pulls parts of days, `in_flight` days at once. A day that fails does not stop the others.
pub(crate) fn pull_days<'a>(
    client: &'a Client,
    plan: &'a PullPlan,
    days: Vec<(UtcDay, TimeRange)>,
    in_flight: usize,
) -> impl Stream<Item = PulledDay> + 'a {
    stream::iter(days)
        .map(move |(day, part)| async move { PulledDay { day, part, window: pull_window(client, plan, part).await } })
        .buffer_unordered(in_flight)
}

async fn pull_window(client: &Client, plan: &PullPlan, part: TimeRange) -> Result<Window, PromError> {
    let grid = Grid::within(part, plan.step);
    let asked = Column::all().filter_map(|column| Some((column, plan.source.queries.get(column.name())?)));
    // All forms before the first query, or those of the next day would be ahead of some of this one's.
    let forms = join_all(asked.map(async |(column, query)| {
        let form = form_to_send(client, &plan.queries, column, &query.form, grid).await;
        (column, Question::of(&plan.queries, column, form))
    }));
    let pulled = forms.await.into_iter().map(async |(column, question)| {
        Ok::<_, PromError>((column, query_grid(client, column, &question, grid).await?))
    });
    Ok(Window::join(grid, try_join_all(pulled).await?))
}

/// Evaluates a query on a grid of any length, in as many queries as the server's limits ask for.
pub(super) async fn query_grid(
    client: &Client,
    column: Column,
    question: &Question<'_>,
    grid: Grid,
) -> Result<ColumnReadings, PromError> {
    let mut readings = ColumnReadings::default();
    let ask = async |promql: String, part, offset| Ok((offset, client.query_range(column, &promql, part).await?));
    ask_in_slices(client, question, grid, ask, |(offset, answer)| {
        readings.merge(answer, grid.len(), offset);
        // Each slice of a query may fit, and all of them not.
        if is_too_much(readings.len(), &grid) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .await?;
    let members = readings.len();
    client.learn_members(members);
    if is_too_much(members, &grid) { Err(PromError::TooManyMembers { column, members }) } else { Ok(readings) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::readings::QuerySource;
    use crate::sources::prometheus::{HttpConfig, Terms};

    #[test]
    fn no_more_days_are_pulled_at_once_than_fit_into_memory() {
        let client = Client::new("http://h", &HttpConfig::default(), Terms::default(), None, "instance").unwrap();
        let query = QuerySource { form: "raw".to_owned(), promql: "x".to_owned() };
        let source = Source {
            url: "http://h".to_owned(),
            headers: BTreeMap::new(),
            step_seconds: 60,
            cluster_label: None,
            member_label: "instance".to_owned(),
            queries: Column::all().map(|column| (column.name().to_owned(), query.clone())).collect(),
        };
        let queries = QuerySet::load(None, "", None, "instance").unwrap();
        let plan = PullPlan { source, queries, step: Step::from_millis(60_000).unwrap() };
        // Four queries at once are less than one day's nine; a day more is on its way meanwhile.
        assert_eq!(plan.days_in_flight(&client), 2);
        // 256 MiB hold two days of 1,294 members: 1,294 × 1440 × 9 × 8 × 2 = 268,323,840 bytes; of one more they do not.
        for (members, expected) in [(1_294, 2), (1_295, 1), (3_000, 1), (10, 1)] {
            client.learn_members(members);
            assert_eq!(plan.days_in_flight(&client), expected, "{members}");
        }
    }
}
