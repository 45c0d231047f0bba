//! Pulls days of readings: a window a UTC day, its queries in flight together.

use std::ops::ControlFlow;

use futures_util::future::{join_all, try_join_all};
use futures_util::{Stream, StreamExt, stream};

use super::direct::form_to_send;
use super::question::Question;
use super::slices::ask_in_slices;
use super::{Client, PromError, QuerySet};
use crate::readings::Source;
use crate::readings::{ColumnReadings, Window};
use crate::spec::Column;
use crate::time::{Grid, Step, TimeRange, UtcDay};

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
    let mut readings = ColumnReadings::of(column);
    let ask = async |promql: String, part, offset| client.query_range(column, &promql, part, offset, grid.len()).await;
    ask_in_slices(client, question, grid, ask, |answer| {
        readings.merge(answer, grid.len());
        ControlFlow::Continue(())
    })
    .await?;
    Ok(readings)
}
