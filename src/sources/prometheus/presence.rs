//! A complete search for series, whether or not a query over them has a value.
//!
//! The query looks back an hour and is evaluated once an hour, so no sample is missed. The search goes day by day,
//! newest first: a query never spans more than a day, however long the range is.

use std::ops::ControlFlow;

use futures_util::{StreamExt, stream};

use super::query::Base;
use super::question::Question;
use super::slices::ask_in_slices;
use super::{Client, PromError, QuerySet};
use crate::spec::Column;
use crate::time::{Grid, HOUR_MS, Step, TimeRange};

/// Series to search for: those that one form of a column's query reads.
pub(super) struct Search<'a> {
    pub(super) client: &'a Client,
    pub(super) queries: &'a QuerySet,
    pub(super) column: Column,
    pub(super) form: &'a str,
    pub(super) base: &'a Base,
}

impl Search<'_> {
    /// The end of the last hour of the range in which one of the series has a sample, in milliseconds; `None` if
    /// none has a sample in the range.
    pub(super) async fn last_hour(&self, range: TimeRange) -> Result<Option<i64>, PromError> {
        let mut parts: Vec<TimeRange> = range.day_parts().map(|(_, part)| part).collect();
        parts.reverse();
        let searches = stream::iter(parts).map(|part| self.last_hour_of_a_day(part));
        let mut found = Box::pin(searches.buffered(self.client.terms().concurrency.max(1)));
        while let Some(hour) = found.next().await {
            match hour? {
                // Part of the hour that ends here lies before the range: look back only to the start of the range.
                Some(end) if end - HOUR_MS < range.start_ms => return self.since_the_start(range, end).await,
                Some(end) => return Ok(Some(end)),
                None => {}
            }
        }
        Ok(None)
    }

    async fn since_the_start(&self, range: TimeRange, end_ms: i64) -> Result<Option<i64>, PromError> {
        let look_back = format!("{}s", ((end_ms - range.start_ms) / 1000).max(1));
        let at = Grid::second(end_ms.div_euclid(1000));
        let found = self.steps_with_series(at, &look_back).await?;
        Ok(found.into_iter().next())
    }

    /// The end of the first hour of a part of a day in which one of the series has a sample, in milliseconds.
    pub(super) async fn first_hour_of_a_day(&self, part: TimeRange) -> Result<Option<i64>, PromError> {
        let mut first: Option<i64> = None;
        for grid in hours(part) {
            for end in self.steps_with_series(grid, "1h").await? {
                first = Some(first.map_or(end, |first| first.min(end)));
            }
        }
        Ok(first)
    }

    async fn last_hour_of_a_day(&self, part: TimeRange) -> Result<Option<i64>, PromError> {
        let mut last = None;
        for grid in hours(part) {
            last = last.max(self.steps_with_series(grid, "1h").await?.into_iter().max());
        }
        Ok(last)
    }

    /// The steps of a grid, in milliseconds, at which one of the series has a sample in the last `look_back`.
    async fn steps_with_series(&self, grid: Grid, look_back: &str) -> Result<Vec<i64>, PromError> {
        let question = Question::about(self.queries, self.column, self.form, |matchers| {
            self.queries.presence(self.base, look_back, matchers)
        });
        let mut steps = Vec::new();
        let ask = async |promql: String, part, _| self.client.steps_with_a_sample(&promql, part).await;
        ask_in_slices(self.client, &question, grid, ask, |found| {
            steps.extend(found);
            ControlFlow::Continue(())
        })
        .await?;
        Ok(steps)
    }
}

/// Instants such that the hours before them cover a part of a day: each full hour of the part, and its end.
pub(super) fn hours(part: TimeRange) -> Vec<Grid> {
    let hour = Step::from_millis(HOUR_MS).expect("an hour is the longest step");
    // A sample exactly at the part's start is in the hour that ends there.
    let full = Grid::within(TimeRange { start_ms: part.start_ms, end_ms: part.end_ms }, hour);
    let end = Grid::second((part.end_ms - 1).div_euclid(1000));
    [full, end].into_iter().filter(|grid| !grid.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DAY_MS;

    #[test]
    fn the_hours_before_the_searched_instants_cover_every_second_of_a_part() {
        for (start_ms, end_ms) in
            [(0, DAY_MS), (0, 60_000), (1_800_000, 5_400_000), (HOUR_MS, HOUR_MS + 1000), (59_000, DAY_MS)]
        {
            let grids = hours(TimeRange { start_ms, end_ms });
            let mut ends: Vec<i64> =
                grids.iter().flat_map(|grid| (0..grid.len()).map(|index| grid.at(index))).collect();
            ends.sort_unstable();
            for second in (start_ms..end_ms).step_by(1000) {
                let is_seen = ends.iter().any(|&end| end - HOUR_MS <= second && second <= end);
                assert!(is_seen, "{second} in {start_ms}..{end_ms}");
            }
            assert!(ends.iter().all(|&end| end < end_ms), "{ends:?}");
        }
    }
}
