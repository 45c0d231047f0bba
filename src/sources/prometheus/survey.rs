//! Estimates, from a few steps of a range, what a query returns: its members, first and last sample, and coverage.
//! Also searches for etcd's jobs, and for series outside the range.

use std::collections::BTreeSet;

use super::probe::Probe;
use super::pull::query_grid;
use super::question::Question;
use super::{Client, PromError, QuerySet};
use crate::readings::Member;
use crate::spec::Column;
use crate::time::{Grid, HOUR_MS, Step, TimeRange};

/// How far back to search for series outside the range, in milliseconds.
const FAR_BACK_MS: i64 = 400 * 24 * HOUR_MS;

const QUERY: &str = "/api/v1/query";
const QUERY_RANGE: &str = "/api/v1/query_range";

/// What a query returns in a range, estimated from a few steps.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    /// Members with a sample at any evaluated step.
    pub(crate) members: BTreeSet<Member>,
    /// First evaluated step with a sample, in milliseconds; the true start may be up to one survey step earlier.
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    /// Share of the evaluated steps at which any member has a sample.
    pub(crate) coverage: f64,
    /// Estimated number of samples that a pull of the range returns.
    pub(crate) samples: u64,
}

/// Surveys the series of one column in one form of its query; `None` if there are none.
pub(crate) async fn sight(
    client: &Client,
    queries: &QuerySet,
    (column, form): (Column, &str),
    range: TimeRange,
    step: Step,
) -> Result<Option<Sighting>, PromError> {
    let coarse = Probe { client, queries, range, step }.coarse();
    let grid = Grid::within(range, coarse);
    let readings = query_grid(client, column, &Question::of(queries, column, form), grid).await?;
    let (mut members, mut steps, mut known) = (BTreeSet::new(), BTreeSet::new(), 0_u64);
    for (member, step) in readings.known() {
        members.insert(member.clone());
        steps.insert(step);
        known += 1;
    }
    let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else { return Ok(None) };
    Ok(Some(Sighting {
        members,
        first_ms: grid.at(first),
        last_ms: grid.at(last),
        coverage: steps.len() as f64 / grid.len() as f64,
        samples: known * (coarse.millis() / step.millis()).unsigned_abs(),
    }))
}

/// Jobs with etcd_server_has_leader in the range, regardless of the selector.
pub(crate) async fn jobs(client: &Client, range: TimeRange) -> Result<Vec<String>, PromError> {
    let seconds = (range.end_ms - range.start_ms) / 1000;
    let query = format!("count by (job) (count_over_time(etcd_server_has_leader[{seconds}s]))");
    let time = ("time", (range.end_ms / 1000).to_string());
    let data = client.api(QUERY, &[("query", query), time]).await?.ok_or_else(|| not_offered(client))?;
    let series = data["result"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(series.iter().filter_map(|one| one["metric"]["job"].as_str()).map(str::to_owned).collect())
}

/// The start of the first hour and the end of the last hour, within the last 400 days, in which the selector
/// matches series of etcd_server_has_leader; `None` if it matches none.
pub(crate) async fn elsewhere(
    client: &Client,
    queries: &QuerySet,
    now_ms: i64,
) -> Result<Option<(i64, i64)>, PromError> {
    let query = format!("count(count_over_time(etcd_server_has_leader{{{}}}[1h]))", queries.selector());
    let end = now_ms / HOUR_MS * HOUR_MS;
    let form = [
        ("query", query),
        ("start", ((end - FAR_BACK_MS) / 1000).to_string()),
        ("end", (end / 1000).to_string()),
        ("step", (HOUR_MS / 1000).to_string()),
    ];
    let data = client.api(QUERY_RANGE, &form).await?.ok_or_else(|| not_offered(client))?;
    let values = data["result"][0]["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    let at = |value: &serde_json::Value| value[0].as_f64().map(|seconds| seconds as i64 * 1000);
    // A value at a step covers the hour before it.
    Ok(values.first().and_then(at).zip(values.last().and_then(at)).map(|(first, last)| (first - HOUR_MS, last)))
}

/// The error for a server that does not offer instant or range queries.
fn not_offered(client: &Client) -> PromError {
    PromError::NotFound { url: client.shown_url().to_owned() }
}
