//! A server as a source of readings.

use std::ops::ControlFlow;

use futures_util::future::{join_all, try_join_all};

use super::direct::form_to_send;
use super::question::Question;
use super::slices::ask_in_slices;
use super::{Client, PromError, QuerySet, Received};
use crate::readings::{ColumnReadings, Progress, ReadingSource, Source, Window, Work};
use crate::spec::Column;
use crate::time::{Grid, Step, TimeRange, UtcDay};

/// A server with its chosen queries, as a source of readings.
#[derive(Debug)]
pub(crate) struct PrometheusSource {
    client: Client,
    /// What the queries of the description were made from.
    queries: QuerySet,
    description: Source,
    step: Step,
    /// What choosing the queries took, which is no part of the pull.
    before: Received,
}

impl PrometheusSource {
    /// A source that sends the queries of the description, which were made from `queries`.
    pub(crate) fn new(client: Client, queries: QuerySet, description: Source, step: Step) -> Self {
        let before = client.traffic().received();
        Self { client, queries, description, step, before }
    }
}

impl ReadingSource for PrometheusSource {
    type Error = PromError;

    fn describe(&self) -> &Source {
        &self.description
    }

    fn parts(&self, range: TimeRange) -> Vec<(UtcDay, TimeRange)> {
        range.day_parts().collect()
    }

    /// The range queries, as far as the client has learnt the limits of its server.
    fn work(&self, parts: &[(UtcDay, TimeRange)]) -> Work {
        let most = self.client.window_sizes().limit();
        let windows: usize = parts.iter().map(|(_, part)| Grid::within(*part, self.step).len().div_ceil(most)).sum();
        Work { unit: "queries", total: (windows * self.description.queries.len()) as u64 }
    }

    /// Enough that the queries of one day fill the wire while another is written.
    fn in_flight(&self) -> usize {
        self.client.terms().concurrency.div_ceil(self.description.queries.len().max(1)) + 1
    }

    /// One window a part, its queries in flight together.
    async fn read(&self, part: TimeRange) -> Result<Window, PromError> {
        let (client, queries) = (&self.client, &self.queries);
        let grid = Grid::within(part, self.step);
        let asked = Column::all().filter_map(|column| Some((column, self.description.queries.get(column.name())?)));
        // All forms before the first query, or those of the next day would be ahead of some of this one's.
        let forms = join_all(asked.map(async |(column, query)| {
            let form = form_to_send(client, queries, column, &query.form, grid).await;
            (column, Question::of(queries, column, form))
        }));
        let pulled = forms.await.into_iter().map(async |(column, question)| {
            Ok::<_, PromError>((column, query_grid(client, column, &question, grid).await?))
        });
        Ok(Window::join(grid, try_join_all(pulled).await?))
    }

    fn progress(&self) -> Progress {
        let received = self.client.traffic().received().since(self.before);
        Progress { done: received.queries, samples: received.samples, bytes: received.bytes }
    }

    fn notes(&self) -> Vec<String> {
        notes(&self.client)
    }
}

/// What the server could not do at once, and its own warnings.
pub(crate) fn notes(client: &Client) -> Vec<String> {
    let queries = |count| if count == 1 { "1 query was".to_owned() } else { format!("{count} queries were") };
    let received = client.traffic().received();
    let mut notes = Vec::new();
    if received.again > 0 {
        notes.push(format!("{} tried again", queries(received.again)));
    }
    if received.split > 0 {
        let queries = queries(received.split);
        notes.push(format!("{queries} of too many series for the server, and split by cluster or member"));
    }
    if received.halved > 0 {
        notes.push(format!("{} too large for the server, and halved", queries(received.halved)));
    }
    notes.extend(client.notes());
    notes
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
