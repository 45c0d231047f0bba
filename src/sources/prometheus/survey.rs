//! Estimates, from a few steps of a range, what a query returns: its members, first and last sample, and coverage.
//! Where it returns no value, finds out why.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;

use super::presence::Search;
use super::probe::Probe;
use super::pull::query_grid;
use super::query::{Base, NATIVE, RAW};
use super::question::Question;
use super::scrapes::{ScrapeDistance, measure};
use super::{Client, PromError, QuerySet};
use crate::readings::{ColumnReadings, Member};
use crate::spec::{Column, Metric};
use crate::time::{Grid, HOUR_MS, Step, TimeRange};

/// Number of instants at which the distance between scrapes is measured.
const MEASURED: usize = 3;

/// What a query returns in a range, estimated from a few steps.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    /// For each member, the evaluated steps with a value, in milliseconds.
    pub(crate) known: BTreeMap<Member, BTreeSet<i64>>,
    /// First evaluated step with a value, in milliseconds; the true start may be up to an hour or a step earlier.
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    /// Share of the evaluated steps at which any member has a value.
    pub(crate) coverage: f64,
    /// Estimated number of samples that a pull of the range returns.
    pub(crate) samples: u64,
}

impl Sighting {
    /// Members with a value at any evaluated step.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.known.keys()
    }

    /// A few of the evaluated steps with a value, spread evenly, in milliseconds; the latest first.
    fn some_instants(&self) -> Vec<i64> {
        let all: BTreeSet<i64> = self.known.values().flatten().copied().collect();
        let every = (all.len() / MEASURED).max(1);
        all.into_iter().rev().step_by(every).take(MEASURED).collect()
    }
}

/// What a probe found for one form of a column's query.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Values(Sighting),
    /// The query has values, and all of them are NaN: nothing happened.
    Idle,
    /// There are series, but never enough samples for a value. Contains the distance between the samples, if known.
    TooFew(Option<ScrapeDistance>),
    /// Only native histograms exist, and the form reads classic buckets.
    Native,
    /// Every process has series of this metric, and no target with them also has a series of etcd.
    NotEtcd,
    /// No series in the range. For a query from `--queries` that does not name its series: no value.
    Absent,
    /// No value at the sampled steps. The search ended there, because a pull does not need this query.
    NotSampled,
    /// The server refused the search.
    Refused(PromError),
}

impl Seen {
    /// A few words for a table, on what was found instead of values; empty for values.
    pub(crate) fn words(&self, column: Column) -> String {
        match self {
            Self::Values(_) => String::new(),
            Self::Idle => format!("known, but {}: idle", nothing_happened(column)),
            Self::TooFew(Some(distance)) => format!("has series, but too few samples: scraped every {distance}"),
            Self::TooFew(None) => "has series, but too few samples for a value".to_owned(),
            Self::Native => "native histograms only".to_owned(),
            Self::NotEtcd => "only on targets without etcd's own series".to_owned(),
            Self::Absent => "no series in this range".to_owned(),
            Self::NotSampled => "no value at the sampled times".to_owned(),
            Self::Refused(_) => "refused by the server".to_owned(),
        }
    }
}

/// For a column whose values are all NaN: what did not happen, in words.
pub(crate) fn nothing_happened(column: Column) -> &'static str {
    match column {
        Column::Metric(Metric::WalFsync) => "no fsync in any window (p99 is NaN)",
        Column::Metric(Metric::BackendCommit) => "no commit in any window (p99 is NaN)",
        _ => "NaN at every sampled step",
    }
}

/// Surveys the series of one column in one form of its query. A refusal by the server is also a result. If
/// the column has no value at the sampled steps, searches the whole range only if it `is_needed` or the
/// series API finds its series.
pub(crate) async fn sight(
    client: &Client,
    queries: &QuerySet,
    (column, form): (Column, &str),
    (range, step): (TimeRange, Step),
    is_needed: bool,
) -> Seen {
    let probe = Probe::new(client, queries, range, step);
    match probe.sight(column, form, is_needed).await {
        Ok(seen) => seen,
        Err(error) => Seen::Refused(error),
    }
}

/// What is wrong with the scrapes of a column that has values at some steps only, and the remedy; `None` if the
/// scrapes are frequent enough or cannot be measured.
pub(crate) async fn scrape_advice(
    client: &Client,
    queries: &QuerySet,
    column: Column,
    sighting: &Sighting,
) -> Option<String> {
    let base = queries.base(column, RAW)?;
    let distance = measure(client, queries, &base, &sighting.some_instants()).await.ok()??;
    distance.advice(queries.is_rate(column).then(|| queries.rate_window()))
}

impl Probe<'_> {
    async fn sight(&self, column: Column, form: &str, is_needed: bool) -> Result<Seen, PromError> {
        let question = Question::of(self.queries, column, form);
        let grids = &self.places;
        let answers = try_join_all(grids.iter().map(|&grid| query_grid(self.client, column, &question, grid))).await?;
        let sampled: Vec<(Grid, ColumnReadings)> = grids.iter().copied().zip(answers).collect();
        let seen = match self.sighting(&sampled) {
            Some(sighting) => Seen::Values(self.with_ends(column, form, sighting).await?),
            None if is_needed => self.without_values(column, form).await?,
            None => self.looked_up(column, form).await?,
        };
        Ok(seen)
    }

    /// Why a query that a pull does not need has no value at any sampled step. Searches the whole range only if the
    /// series API finds its series.
    pub(super) async fn looked_up(&self, column: Column, form: &str) -> Result<Seen, PromError> {
        let Some(base) = self.queries.base(column, form) else { return Ok(Seen::NotSampled) };
        match self.client.any_series(&self.queries.selectors(&base), self.range).await {
            Ok(Some(true)) => self.without_values(column, form).await,
            Ok(Some(false)) => Ok(Seen::Absent),
            Ok(None) | Err(_) => Ok(Seen::NotSampled),
        }
    }

    /// Why the query has no value at any sampled step. Searches the whole range for its series.
    pub(super) async fn without_values(&self, column: Column, form: &str) -> Result<Seen, PromError> {
        for &grid in &self.places {
            if self.has_samples(column, form, grid).await? {
                return Ok(Seen::Idle);
            }
        }
        let Some(base) = self.queries.base(column, form) else { return self.searched(column, form).await };
        if let Some(end) = self.search(column, form, &base).last_hour(self.range).await? {
            return self.of_an_hour(column, form, &base, end).await;
        }
        if !base.beside.is_empty() {
            let alone = Base { beside: Vec::new(), ..base };
            let found = self.search(column, form, &alone).last_hour(self.range).await?;
            return Ok(if found.is_some() { Seen::NotEtcd } else { Seen::Absent });
        }
        let native = self.queries.base(column, NATIVE).filter(|_| form == RAW && self.queries.has(column, NATIVE));
        if let Some(native) = native {
            let found = self.search(column, form, &native).last_hour(self.range).await?;
            return Ok(if found.is_some() { Seen::Native } else { Seen::Absent });
        }
        Ok(Seen::Absent)
    }

    fn search<'a>(&'a self, column: Column, form: &'a str, base: &'a Base) -> Search<'a> {
        Search { client: self.client, queries: self.queries, column, form, base }
    }

    /// What the query returns in an hour in which it has series.
    async fn of_an_hour(&self, column: Column, form: &str, base: &Base, end_ms: i64) -> Result<Seen, PromError> {
        let hour = TimeRange { start_ms: end_ms - HOUR_MS, end_ms: end_ms + self.step.millis() };
        let mut is_nan = false;
        for (_, part) in self.range.intersect(hour).into_iter().flat_map(TimeRange::day_parts) {
            let grid = Grid::within(part, self.step);
            let readings = query_grid(self.client, column, &Question::of(self.queries, column, form), grid).await?;
            if let Some(sighting) = self.sighting(&[(grid, readings)]) {
                let share = grid.len() as f64 / Grid::within(self.range, self.step).len() as f64;
                return Ok(Seen::Values(Sighting { coverage: sighting.coverage * share, ..sighting }));
            }
            is_nan |= self.has_samples(column, form, grid).await?;
        }
        if is_nan {
            return Ok(Seen::Idle);
        }
        // Without a measurement, the answer is only less precise.
        let distance = measure(self.client, self.queries, base, &[end_ms]).await.unwrap_or_default();
        Ok(Seen::TooFew(distance))
    }

    /// Searches the whole range for a value of a query whose series are unknown: first one step
    /// per hour, then every step.
    async fn searched(&self, column: Column, form: &str) -> Result<Seen, PromError> {
        let question = Question::of(self.queries, column, form);
        let hour = Step::from_millis(HOUR_MS / self.step.millis() * self.step.millis()).unwrap_or(self.step);
        for step in if hour == self.step { vec![hour] } else { vec![hour, self.step] } {
            let mut parts: Vec<TimeRange> = self.range.day_parts().map(|(_, part)| part).collect();
            parts.reverse();
            for grid in parts.into_iter().map(|part| Grid::within(part, step)).filter(|grid| !grid.is_empty()) {
                let readings = query_grid(self.client, column, &question, grid).await?;
                if let Some(sighting) = self.sighting(&[(grid, readings)]) {
                    let share = grid.len() as f64 / Grid::within(self.range, step).len() as f64;
                    return Ok(Seen::Values(Sighting { coverage: sighting.coverage * share, ..sighting }));
                }
            }
        }
        Ok(Seen::Absent)
    }

    /// Summarizes the readings at the sampled steps; `None` if no step has a value.
    fn sighting(&self, sampled: &[(Grid, ColumnReadings)]) -> Option<Sighting> {
        let (mut known, mut steps, mut values) = (BTreeMap::<Member, BTreeSet<i64>>::new(), BTreeSet::new(), 0_u64);
        for (grid, readings) in sampled {
            for (member, step) in readings.known() {
                known.entry(member.clone()).or_default().insert(grid.at(step));
                steps.insert(grid.at(step));
                values += 1;
            }
        }
        let (&first_ms, &last_ms) = steps.first().zip(steps.last())?;
        let evaluated: usize = sampled.iter().map(|(grid, _)| grid.len()).sum();
        let all = Grid::within(self.range, self.step).len() as f64;
        Some(Sighting {
            known,
            first_ms,
            last_ms,
            coverage: steps.len() as f64 / evaluated as f64,
            samples: (values as f64 * all / evaluated as f64) as u64,
        })
    }

    /// Refines the first and last step with a value by bisection between the sampled stretches, to within an hour
    /// (or a step, if longer).
    async fn with_ends(&self, column: Column, form: &str, mut sighting: Sighting) -> Result<Sighting, PromError> {
        let is_before = |grid: &&Grid| grid.last_ms() < sighting.first_ms;
        let is_after = |grid: &&Grid| grid.first_ms() > sighting.last_ms;
        let absent_before = self.places.iter().rev().find(is_before).map(Grid::last_ms);
        let absent_after = self.places.iter().find(is_after).map(Grid::first_ms);
        if let Some(absent) = absent_before {
            sighting.first_ms = self.bisect(column, form, sighting.first_ms, absent).await?;
        }
        if let Some(absent) = absent_after {
            sighting.last_ms = self.bisect(column, form, sighting.last_ms, absent).await?;
        }
        Ok(sighting)
    }

    /// Bisects between a step with a value (`present`) and one without (`absent`) until they are at most an hour, or
    /// one step if longer, apart. Returns the step with a value.
    async fn bisect(&self, column: Column, form: &str, mut present: i64, mut absent: i64) -> Result<i64, PromError> {
        let step = self.step.millis();
        while (present - absent).abs() > HOUR_MS.max(step) {
            let middle = i64::midpoint(present, absent).div_euclid(step) * step;
            match self.has_values(column, form, Grid::second(middle / 1000)).await? {
                true => present = middle,
                false => absent = middle,
            }
        }
        Ok(present)
    }
}
