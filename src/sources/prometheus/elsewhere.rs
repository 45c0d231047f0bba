//! Where a server has etcd's series if it has none in the range: at other times, or under other jobs.

use super::extent::Reach;
use super::presence::Search;
use super::query::{QuerySet, RAW};
use super::{Client, PromError};
use crate::spec::{Column, Metric};
use crate::time::{DAY_MS, HOUR_MS, TimeRange};

/// How far back to search for series outside the range, in milliseconds.
const FAR_BACK_MS: i64 = 400 * DAY_MS;

/// Metrics whose `job` labels are looked up: several, because an allow list may drop any of them.
const OF_ETCD: &str = "etcd_server_has_leader|etcd_server_leader_changes_seen_total|\
                       etcd_mvcc_db_total_size_in_bytes|etcd_debugging_mvcc_db_total_size_in_bytes|\
                       etcd_network_client_grpc_received_bytes_total|etcd_disk_wal_fsync_duration_seconds_bucket|\
                       etcd_disk_backend_commit_duration_seconds_bucket";

/// Jobs with etcd's series in the range, regardless of the selector.
pub(crate) async fn jobs(client: &Client, range: TimeRange) -> Result<Vec<String>, PromError> {
    let selector = format!("{{__name__=~\"{OF_ETCD}\"}}");
    let jobs = client.values_among("job", &[selector], range).await?;
    jobs.ok_or_else(|| PromError::NotFound { url: client.shown_url().to_owned() })
}

/// The start of the first hour and the end of the last hour, in milliseconds, of the last 400 days in which the
/// server has series of `metric` (if `None`: of any metric). `None` if it has no such series.
pub(crate) async fn elsewhere(
    client: &Client,
    queries: &QuerySet,
    metric: Option<Metric>,
    now_ms: i64,
) -> Result<Option<(i64, i64)>, PromError> {
    let range = TimeRange { start_ms: now_ms - FAR_BACK_MS, end_ms: now_ms + 1000 };
    let named = |metric: &Metric| queries.base((*metric).into(), RAW).is_some_and(|base| base.beside.is_empty());
    let metrics: Vec<Metric> = match metric {
        Some(metric) => vec![metric],
        None => Metric::ALL.into_iter().filter(named).collect(),
    };
    let forms = metrics.iter().map(|&metric| (Column::from(metric), RAW));
    let Some(reach) = Reach::of(client, queries, forms) else { return Ok(None) };
    let Some(days) = reach.within(range).await? else { return Ok(None) };
    let (mut first, mut last) = (None::<i64>, None::<i64>);
    for metric in metrics {
        let column = Column::from(metric);
        let Some(base) = queries.base(column, RAW) else { continue };
        let search = Search { client, queries, column, form: RAW, base: &base };
        let ends: Vec<TimeRange> = days.day_parts().map(|(_, part)| part).collect();
        let Some((first_day, last_day)) = ends.first().zip(ends.last()) else { continue };
        if let Some(hour) = search.first_hour_of_a_day(*first_day).await? {
            first = Some(first.map_or(hour, |first| first.min(hour)));
        }
        // `within` keeps one day more, so the last day with series may be the day before.
        let before = TimeRange { start_ms: last_day.start_ms - DAY_MS, ..*last_day };
        last = last.max(search.last_hour(range.intersect(before).unwrap_or(*last_day)).await?);
    }
    // A step with series covers the hour before it.
    Ok(first.zip(last).map(|(first, last)| (first - HOUR_MS, last)))
}
