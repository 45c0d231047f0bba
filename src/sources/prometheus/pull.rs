//! Reads windows from a server: implements `ReadingSource` for Prometheus.

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::{join_all, try_join_all};
use tracing::debug;

use super::answer::is_too_much;
use super::direct::form_to_send;
use super::identity::{forms_of, verify_members};
use super::question::Question;
use super::slices::ask_in_slices;
use super::{Client, PromError, QuerySet, Received, RemoteReader};
use crate::readings::identity::{Identity, Moments};
use crate::readings::{ColumnReadings, Progress, ReadingSource, Source, Window, Work, days_at_once};
use crate::spec::Column;
use crate::time::{DAY_MS, Grid, Step, TimeRange, UtcDay};

/// A server with its chosen queries, as a source of readings.
#[derive(Debug)]
pub(crate) struct PrometheusSource {
    client: Client,
    /// The queries of all columns, raw and recorded; `description` names the one that was chosen for each column.
    queries: QuerySet,
    description: Source,
    step: Step,
    /// The range to pull: days outside it are left out. `None` pulls all requested days.
    kept: Option<TimeRange>,
    /// Reads raw samples instead of sending queries.
    remote: Option<RemoteReader>,
    /// Traffic spent on choosing the queries and verifying the members, which does not count as part of the pull.
    before: Mutex<Received>,
}

impl PrometheusSource {
    /// Creates a source that pulls the queries in `description`, which were chosen from `queries`.
    pub(crate) fn new(client: Client, queries: QuerySet, description: Source, step: Step) -> Self {
        let before = Mutex::new(client.traffic().received());
        Self { client, queries, description, step, kept: None, remote: None, before }
    }

    /// The same source without the days outside `kept`, on which the server has no series.
    #[must_use]
    pub(crate) fn within(self, kept: TimeRange) -> Self {
        Self { kept: Some(kept), ..self }
    }

    /// The same source, which computes the queries from raw samples if there is a reader.
    #[must_use]
    pub(crate) fn computed_by(self, remote: Option<RemoteReader>) -> Self {
        Self { remote, ..self }
    }

    fn before(&self) -> MutexGuard<'_, Received> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadingSource for PrometheusSource {
    type Error = PromError;

    fn describe(&self) -> &Source {
        &self.description
    }

    fn parts(&self, range: TimeRange) -> Vec<(UtcDay, TimeRange)> {
        let is_kept = |part: &TimeRange| self.kept.is_none_or(|kept| kept.intersect(*part).is_some());
        range.day_parts().filter(|(_, part)| is_kept(part)).collect()
    }

    async fn identity(&self, range: TimeRange) -> Identity {
        let forms = forms_of(&self.description.queries);
        let kept = self.kept.and_then(|kept| kept.intersect(range)).unwrap_or(range);
        let identity = verify_members(&self.client, &self.queries, &forms, Moments::Within(kept)).await;
        *self.before() = self.client.traffic().received();
        identity
    }

    /// Estimates the number of range queries from the maximum window size learned so far.
    fn work(&self, parts: &[(UtcDay, TimeRange)]) -> Work {
        debug!(members = self.client.most_members(), "members seen so far");
        let most = self.client.window_sizes().limit();
        if let Some(remote) = &self.remote {
            let requests: usize = parts.iter().map(|(_, part)| remote.requests(*part)).sum();
            return Work { unit: "remote reads", total: requests as u64 };
        }
        let windows: usize = parts.iter().map(|(_, part)| Grid::within(*part, self.step).len().div_ceil(most)).sum();
        Work { unit: "queries", total: (windows * self.description.queries.len()) as u64 }
    }

    /// Number of days to pull at once: enough to keep the connection busy while a finished day is written, but no more
    /// than fit into memory with the number of members seen so far.
    fn in_flight(&self) -> usize {
        let columns = self.description.queries.len();
        let steps = usize::try_from(DAY_MS / self.step.millis()).unwrap_or(usize::MAX);
        let wanted = self.client.terms().concurrency.div_ceil(columns.max(1)) + 1;
        wanted.min(days_at_once(self.client.most_members(), steps, columns))
    }

    /// Reads one part of a day as a window; the queries of its columns run concurrently.
    async fn read(&self, part: TimeRange) -> Result<Window, PromError> {
        let (client, queries) = (&self.client, &self.queries);
        if let Some(remote) = &self.remote {
            return remote.read(client, part).await;
        }
        let grid = Grid::within(part, self.step);
        let asked = Column::all().filter_map(|column| Some((column, self.description.queries.get(column.name())?)));
        // Choose between the raw form and the cheaper direct form for all columns before sending any of their queries;
        // otherwise queries of the next day would be sent before some of this day's.
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
        let received = self.client.traffic().received().since(*self.before());
        Progress { done: received.queries, samples: received.samples, bytes: received.bytes }
    }

    fn notes(&self) -> Vec<String> {
        notes(&self.client)
    }
}

/// Notes for the user: how often queries were retried or split and windows halved, and the server's own warnings.
pub(crate) fn notes(client: &Client) -> Vec<String> {
    let times = |count| if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let received = client.traffic().received();
    let mut notes = Vec::new();
    if received.again > 0 {
        notes.push(format!("queries were retried {}", times(received.again)));
    }
    if received.split > 0 {
        let split = times(received.split);
        notes.push(format!(
            "queries were split by cluster or member {split}, because larger ones were refused or timed out"
        ));
    }
    if received.halved > 0 {
        let halved = times(received.halved);
        notes.push(format!("query windows were halved {halved}, because larger ones were refused or timed out"));
    }
    notes.extend(client.notes());
    notes
}

/// Evaluates a query on a grid of any length, with as many queries as the server's limits require.
pub(super) async fn query_grid(
    client: &Client,
    column: Column,
    question: &Question<'_>,
    grid: Grid,
) -> Result<ColumnReadings, PromError> {
    let mut readings = ColumnReadings::of(column);
    let ask = async |promql: String, part, offset| Ok((offset, client.query_range(column, &promql, part).await?));
    ask_in_slices(client, question, grid, ask, |(offset, answer)| {
        readings.merge(answer, grid.len(), offset);
        // Each slice may fit into memory while all of them together do not.
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
    use crate::readings::{Origin, QuerySource};
    use crate::sources::prometheus::{HttpConfig, Terms};

    #[test]
    fn concurrent_days_are_limited_by_memory() {
        let client = Client::new("http://h", &HttpConfig::default(), Terms::default(), None, "instance").unwrap();
        let query = QuerySource { form: "raw".to_owned(), promql: "x".to_owned() };
        let description = Source {
            origin: Origin::server("http://h", BTreeMap::new()),
            step_seconds: 60,
            cluster_label: None,
            member_label: "instance".to_owned(),
            queries: Column::all().take(9).map(|column| (column.name().to_owned(), query.clone())).collect(),
        };
        let queries = QuerySet::load(None, "", None, "instance").unwrap();
        let step = Step::from_millis(60_000).unwrap();
        let source = PrometheusSource::new(client.clone(), queries, description, step);
        // By default, four queries run at once. A day has nine queries, so one day is enough to keep four running; one
        // more day is pulled while a finished one is written.
        assert_eq!(source.in_flight(), 2);
        // 256 MiB hold two days of 1,294 members, but not of 1,295: 1,294 members × 1,440 steps × 9 columns × 8 bytes
        // × 2 days = 268,323,840 bytes.
        for (members, expected) in [(1_294, 2), (1_295, 1), (3_000, 1), (10, 1)] {
            client.learn_members(members);
            assert_eq!(source.in_flight(), expected, "{members}");
        }
    }
}
