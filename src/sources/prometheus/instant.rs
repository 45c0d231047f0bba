//! Reads all columns at one instant, with concurrent instant queries.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use futures_util::future::{try_join, try_join_all};
use tracing::debug;

use super::probe::SeriesForm;
use super::query::{NATIVE, RAW, RECORDED, WIDE};
use super::question::Question;
use super::slices::ask_in_slices;
use super::{Client, PromError, QuerySet};
use crate::readings::{ColumnReadings, Window};
use crate::spec::Column;
use crate::time::Grid;

/// Reads these columns at a whole second, as a window of one step.
///
/// With [`SeriesForm::Auto`], uses the recorded form if it has a value for every member that the raw form has.
/// Returns an error if no metric has a series. If only some metrics have none, their readings are missing.
pub(crate) async fn read_instant(
    client: &Client,
    queries: &QuerySet,
    form: SeriesForm,
    columns: &[Column],
    at_seconds: i64,
) -> Result<Window, PromError> {
    let at = Grid::second(at_seconds);
    let read = columns
        .iter()
        .map(async |&column| Ok::<_, PromError>((column, read_column(client, queries, form, column, at).await?)));
    let window = Window::join(at, try_join_all(read).await?);
    if window.members().is_empty() {
        let (url, selector) = (client.shown_url().to_owned(), queries.selector_in_words());
        return Err(PromError::NothingAt { url, at_ms: at.first_ms(), selector });
    }
    Ok(window)
}

async fn read_column(
    client: &Client,
    queries: &QuerySet,
    form: SeriesForm,
    column: Column,
    at: Grid,
) -> Result<ColumnReadings, PromError> {
    let ask = |form| read_form(client, queries, column, form, at);
    // At one instant, these forms cost hardly more than the raw one. They return the same values,
    // and values for further members.
    let own = [WIDE, NATIVE].into_iter().find(|form| queries.has(column, form)).unwrap_or(RAW);
    // Recording rules do not cover companions.
    let form = if column.companion().is_some() { SeriesForm::Raw } else { form };
    match (form, queries.recorded(column)) {
        (SeriesForm::Auto, Some(_)) => {
            let (raw, recorded) = try_join(ask(own), ask(RECORDED)).await?;
            let is_covered = covers(&recorded, &raw);
            debug!(metric = %column, form = if is_covered { RECORDED } else { own }, "chose the form to use");
            Ok(if is_covered { recorded } else { raw })
        }
        (SeriesForm::Recorded, Some(_)) => ask(RECORDED).await,
        (SeriesForm::Recorded, None) => Ok(ColumnReadings::of(column)),
        (SeriesForm::Raw, _) | (SeriesForm::Auto, None) => ask(own).await,
    }
}

/// Whether the recorded form can replace the raw one: it has values, and one for each member of the raw form.
fn covers(recorded: &ColumnReadings, raw: &ColumnReadings) -> bool {
    let known: BTreeSet<_> = recorded.members().collect();
    !known.is_empty() && raw.members().all(|member| known.contains(member))
}

async fn read_form(
    client: &Client,
    queries: &QuerySet,
    column: Column,
    form: &str,
    at: Grid,
) -> Result<ColumnReadings, PromError> {
    let mut readings = ColumnReadings::of(column);
    let ask = async |promql: String, part, _| client.query_instant(column, &promql, part).await;
    ask_in_slices(client, &Question::of(queries, column, form), at, ask, |answer| {
        readings.merge(answer, at.len(), 0);
        ControlFlow::Continue(())
    })
    .await?;
    Ok(readings)
}
