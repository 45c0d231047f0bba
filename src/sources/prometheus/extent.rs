//! Finds the first and last day of a range on which the server has any series that a pull reads.
//!
//! Each of the two days is bisected with the series API, because a longer range never has fewer series: among the
//! 46,000 days since 1900, that takes about 16 lookups each. Such a lookup reads only the server's index, no
//! samples. Some servers answer it from recent data only, so queries check a sample of the days that it excludes.

use std::ops::ControlFlow;

use tracing::info;

use super::query::Base;
use super::question::Question;
use super::slices::ask_in_slices;
use super::{Client, PromError, QuerySet};
use crate::spec::Column;
use crate::time::{DAY_MS, Grid, HOUR_MS, Step, TimeRange, UtcDay};

/// Maximum number of days, before the first and after the last day with series, that are checked with queries
/// because the series API reports no series on them.
const CHECKED: usize = 12;
/// If the series API finds nothing, each day is queried, in ranges of up to this many days.
const MOST_DAYS_QUERIED: usize = 400;

/// The series that a pull reads, of all its columns.
pub(super) struct Reach<'a> {
    client: &'a Client,
    queries: &'a QuerySet,
    bases: Vec<Base>,
}

impl<'a> Reach<'a> {
    /// The series of these forms; `None` if a query from `--queries` does not name its series.
    pub(super) fn of(
        client: &'a Client,
        queries: &'a QuerySet,
        forms: impl Iterator<Item = (Column, &'static str)>,
    ) -> Option<Self> {
        let bases: Option<Vec<Base>> = forms.map(|(column, form)| queries.base(column, form)).collect();
        // Every process has some of the series, such as `process_open_fds`. Use the series in `beside`
        // instead: only etcd has them.
        let etcds = |base: Base| match base.beside.is_empty() {
            true => base,
            false => Base { series: base.beside, beside: Vec::new() },
        };
        let mut bases: Vec<Base> = bases?.into_iter().map(etcds).collect();
        bases.dedup();
        (!bases.is_empty()).then_some(Self { client, queries, bases })
    }

    /// The part of the range from its first day with series to the day after its last one, as whole days of the range;
    /// `None` if there is no day with series.
    pub(super) async fn within(&self, range: TimeRange) -> Result<Option<TimeRange>, PromError> {
        let days: Vec<TimeRange> = range.day_parts().map(|(_, part)| part).collect();
        let [first, .., last] = &days[..] else { return Ok(Some(range)) };
        let early = (first.start_ms + HOUR_MS).min(first.end_ms) / 1000;
        let late = (last.end_ms - 1000) / 1000;
        if self.is_there(late).await? && self.is_there(early).await? {
            return Ok(Some(range));
        }
        let found = match self.bisected(&days).await {
            Ok(found) => found,
            Err(error) => {
                info!(cause = %error, "no series API: querying each day");
                return self.queried(&days).await;
            }
        };
        let (from, to) = match found {
            Some(found) => found,
            None if days.len() <= MOST_DAYS_QUERIED => return self.queried(&days).await,
            None => (days.len(), days.len()),
        };
        // Check some of the days that would be left out, and always the two next to the part that is kept.
        let mut checked: Vec<usize> = spread(0..from).chain(spread(to + 1..days.len())).collect();
        checked.extend([from.checked_sub(1), Some(to + 1)].into_iter().flatten().filter(|&day| day < days.len()));
        for day in checked {
            if self.has_series(days[day]).await? {
                info!(day = %UtcDay::of(days[day].start_ms), "the series API omits this day: keeping the whole range");
                return Ok(Some(range));
            }
        }
        Ok(Self::from_to(&days, from, to))
    }

    /// The part from day `from` to the day after day `to`: the query of leader changes looks back a day, and every
    /// other query some minutes, so they have values after the last sample.
    fn from_to(days: &[TimeRange], from: usize, to: usize) -> Option<TimeRange> {
        let last = days.get(to + 1).or(days.get(to));
        days.get(from).zip(last).map(|(first, last)| first.hull(*last))
    }

    /// The indices of the first and last day with series, by the series API.
    async fn bisected(&self, days: &[TimeRange]) -> Result<Option<(usize, usize)>, PromError> {
        let (start, end) = (days[0], days[days.len() - 1]);
        if !self.is_any_in(start.hull(end)).await? {
            return Ok(None);
        }
        let (mut low, mut high) = (0, days.len() - 1);
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.is_any_in(start.hull(days[middle])).await? {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        let first = low;
        high = days.len() - 1;
        while low < high {
            let middle = usize::midpoint(low, high) + 1;
            match self.is_any_in(days[middle].hull(end)).await? {
                true => low = middle,
                false => high = middle - 1,
            }
        }
        Ok(Some((first, low)))
    }

    async fn is_any_in(&self, range: TimeRange) -> Result<bool, PromError> {
        let start_ms = range.start_ms.max(0);
        if range.end_ms <= start_ms {
            return Ok(false); // before 1970
        }
        let selectors: Vec<String> = self.bases.iter().flat_map(|base| self.queries.selectors(base)).collect();
        let answer = self.client.any_series(&selectors, TimeRange { start_ms, ..range }).await?;
        answer.ok_or_else(|| PromError::NotFound { url: self.client.shown_url().to_owned() })
    }

    /// Same as [`Self::within`], but queries day by day from both ends instead of using the series API.
    async fn queried(&self, days: &[TimeRange]) -> Result<Option<TimeRange>, PromError> {
        let mut last = days.len();
        loop {
            let Some(day) = last.checked_sub(1) else { return Ok(None) };
            if self.has_series(days[day]).await? {
                break;
            }
            last = day;
        }
        let mut first = 0;
        while first + 1 < last && !self.has_series(days[first]).await? {
            first += 1;
        }
        Ok(Self::from_to(days, first, last - 1))
    }

    /// Whether there are series in the hour before this second.
    async fn is_there(&self, second: i64) -> Result<bool, PromError> {
        self.any(&[Grid::second(second)]).await
    }

    /// Whether there are series on this part of a day.
    async fn has_series(&self, part: TimeRange) -> Result<bool, PromError> {
        self.any(&hours(part)).await
    }

    async fn any(&self, grids: &[Grid]) -> Result<bool, PromError> {
        let some_column = Column::all().next().expect("there are columns");
        let question = Question::about(self.queries, some_column, super::query::RAW, |matchers| {
            let present = self.bases.iter().map(|base| self.queries.present(base, "1h", matchers));
            format!("count({})", present.collect::<Vec<_>>().join(" or "))
        });
        // There are no samples before 1970, and some servers refuse such times.
        for grid in grids.iter().filter(|grid| grid.last_ms() >= 0) {
            let mut is_any = false;
            let ask = async |promql: String, part, _| self.client.any_sample(&promql, part).await;
            ask_in_slices(self.client, &question, *grid, ask, |any| {
                is_any = any;
                if any { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .await?;
            if is_any {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Instants such that the hours before them cover a part of a day. Only for a part of an hour or less do they
/// also cover time before it.
fn hours(part: TimeRange) -> Vec<Grid> {
    let hour = Step::from_millis(HOUR_MS).expect("an hour is the longest step");
    let full = Grid::within(TimeRange { start_ms: part.start_ms + HOUR_MS, ..part }, hour);
    let end = Grid::second((part.end_ms - 1).div_euclid(1000));
    [full, end].into_iter().filter(|grid| !grid.is_empty()).collect()
}

/// At most [`CHECKED`] indices, spread evenly over a range.
fn spread(days: std::ops::Range<usize>) -> impl Iterator<Item = usize> {
    let every = days.len().div_ceil(CHECKED).max(1);
    days.step_by(every)
}

/// The number of days of `range` before and after the part of it that is kept.
pub(crate) fn days_left_out(range: TimeRange, kept: TimeRange) -> (u64, u64) {
    let days = |from: i64, to: i64| (to.div_euclid(DAY_MS) - from.div_euclid(DAY_MS)).unsigned_abs();
    (days(range.start_ms, kept.start_ms), days(kept.end_ms - 1, range.end_ms - 1))
}
