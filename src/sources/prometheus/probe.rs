//! Chooses for each metric between its raw query, which reads etcd's own metrics, and its recorded query, which
//! reads the results of recording rules, and checks that the chosen query returns series.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use futures_util::future::try_join_all;
use tracing::{Instrument, info, warn_span};

use super::pull::query_grid;
use super::query::{QuerySet, RAW, RECORDED};
use super::question::Question;
use super::slices::ask_in_slices;
use super::windows::find_limit;
use super::{Client, PromError};
use crate::readings::QuerySource;
use crate::spec::{Column, Companion, Metric};
use crate::text::named::named;
use crate::time::{DAY_MS, Grid, HOUR_MS, Step, TimeRange};

/// Number of steps in the coarse search for series. A range of over two days needs more, because
/// a step of the search is at most an hour.
const QUICK_LOOKS: i64 = 48;

named! {
    /// Whether to query etcd's own metrics or recorded series.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) enum SeriesForm {
        /// The recorded form if it has a value for every member and step of the raw form, otherwise the raw form.
        #[default]
        Auto = "auto",
        /// Always the raw form, which reads etcd's own metrics.
        Raw = "raw",
        /// Always the recorded form, which reads the results of recording rules.
        Recorded = "recorded",
    }
    parsed "unknown series form"
}

/// Which metrics and companions (limits and start times) to pull.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) left_out: Vec<Metric>,
    /// Limits that the profile needs, each with the metric whose thresholds are shares of it.
    pub(crate) limits: Vec<(Metric, Companion)>,
    /// Companions of the existing history, which new days must have as well. `None` without a history:
    /// then the companion `start_time` is pulled if it has series.
    pub(crate) held: Option<Vec<Companion>>,
}

/// Chooses the query of each wanted column.
///
/// Fails if a metric, or a limit that the profile needs, has no series in the range.
pub(crate) async fn choose_queries(
    client: &Client,
    queries: &QuerySet,
    form: SeriesForm,
    wanted: &Wanted,
    range: TimeRange,
    step: Step,
) -> Result<BTreeMap<String, QuerySource>, PromError> {
    let probe = Probe { client, queries, range, step };
    let days = range.days().filter_map(|day| range.intersect(day.range()));
    if let Some(longest) = days.map(|day| Grid::within(day, step)).max_by_key(Grid::len) {
        find_limit(client, longest).await;
    }
    let metrics: Vec<Metric> = Metric::ALL.into_iter().filter(|m| !wanted.left_out.contains(m)).collect();
    // In the log, the span `look` separates these searches for series from the queries of the pull.
    let choosing = metrics.iter().map(|&metric| probe.choose(form, metric).instrument(warn_span!("look")));
    let chosen = try_join_all(choosing).await?;
    if chosen.iter().all(Option::is_none) {
        let (url, selector) = (client.shown_url().to_owned(), queries.selector_in_words());
        return Err(PromError::Nothing { url, range, selector });
    }
    let mut by_name = BTreeMap::new();
    for (metric, source) in metrics.into_iter().zip(chosen) {
        let source = source.ok_or(PromError::NoSeries { metric, range })?;
        by_name.insert(metric.name().to_owned(), source);
    }
    by_name.extend(probe.choose_companions(wanted).instrument(warn_span!("look")).await?);
    for (name, source) in &by_name {
        info!(metric = name, form = source.form, "will be pulled");
    }
    Ok(by_name)
}

/// Checks which queries return series in the range.
pub(super) struct Probe<'a> {
    pub(super) client: &'a Client,
    pub(super) queries: &'a QuerySet,
    pub(super) range: TimeRange,
    pub(super) step: Step,
}

impl Probe<'_> {
    /// The query of one metric, or `None` if it has no series. `SeriesForm::Auto` chooses between the raw and the
    /// recorded form by the series that the server has.
    async fn choose(&self, form: SeriesForm, metric: Metric) -> Result<Option<QuerySource>, PromError> {
        let raw = QuerySource { form: RAW.to_owned(), promql: self.queries.raw(metric) };
        let recorded = self.queries.recorded(metric).map(|promql| QuerySource { form: RECORDED.to_owned(), promql });
        Ok(match (form, recorded) {
            (SeriesForm::Auto, Some(recorded)) if self.covers(metric.into()).await? => Some(recorded),
            (SeriesForm::Recorded, Some(recorded)) => self.answers(metric.into(), &recorded).await?.then_some(recorded),
            (SeriesForm::Recorded, None) => None,
            _ => self.answers(metric.into(), &raw).await?.then_some(raw),
        })
    }

    /// The queries of the wanted companions, always in the raw form: no recording rules exist for companions.
    async fn choose_companions(&self, wanted: &Wanted) -> Result<BTreeMap<String, QuerySource>, PromError> {
        let raw = |companion: Companion| QuerySource { form: RAW.to_owned(), promql: self.queries.raw(companion) };
        let mut chosen = wanted.held.clone().unwrap_or_default();
        for &(metric, limit) in &wanted.limits {
            if !chosen.contains(&limit) && !self.answers(limit.into(), &raw(limit)).await? {
                return Err(PromError::NoLimit { limit, metric, range: self.range });
            }
            chosen.push(limit);
        }
        let start_time = Companion::StartTime;
        if wanted.held.is_none() && self.answers(start_time.into(), &raw(start_time)).await? {
            chosen.push(start_time);
        }
        Ok(chosen.into_iter().map(|companion| (companion.name().to_owned(), raw(companion))).collect())
    }

    /// Whether the recorded form has a value for every member and step of the raw form.
    async fn covers(&self, column: Column) -> Result<bool, PromError> {
        // `> -Inf` drops NaN, so that a NaN in the recorded form counts as a gap, and a NaN in the
        // raw form needs no recorded value.
        let known = |form, matchers: &str| format!("(({}) > -Inf)", self.queries.text(column, form, matchers));
        let exists =
            Question::about(self.queries, column, RECORDED, |matchers| format!("count{}", known(RECORDED, matchers)));
        if !self.any(&exists, self.coarse()).await? && !self.any(&exists, self.fine()).await? {
            info!(metric = %column, "no recorded series: choosing the raw form");
            return Ok(false);
        }
        let labels = self.queries.labels();
        // This query may be split into slices: a gap in any slice is a gap overall.
        let uncovered = Question::about(self.queries, column, RAW, |matchers| {
            format!("count({} unless on ({labels}) {})", known(RAW, matchers), known(RECORDED, matchers))
        });
        let covers = !self.any(&uncovered, self.step).await?;
        if covers {
            info!(metric = %column, "recorded at every step of the raw form: choosing the recorded form");
        } else {
            info!(metric = %column, "not recorded at every step of the raw form: choosing the raw form");
        }
        Ok(covers)
    }

    /// Whether the query returns any series. Searches the last day at coarse steps, then the whole range at ever finer
    /// ones; a finer search only runs if the coarser ones found nothing.
    async fn answers(&self, column: Column, query: &QuerySource) -> Result<bool, PromError> {
        let question = Question::of(self.queries, column, &query.form);
        let last_day = TimeRange { start_ms: self.range.start_ms.max(self.range.end_ms - DAY_MS), ..self.range };
        let mut grids = vec![Grid::within(last_day, self.coarse())];
        grids.extend([self.coarse(), self.fine(), self.step].map(|step| Grid::within(self.range, step)));
        grids.dedup();
        for grid in grids {
            if query_grid(self.client, column, &question, grid).await?.known().next().is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the query, evaluated at every `step` of the range, returns any sample. Stops at the first
    /// answer that contains a sample.
    async fn any(&self, question: &Question<'_>, step: Step) -> Result<bool, PromError> {
        let mut found = false;
        let ask = async |promql: String, part, _| self.client.any_sample(&promql, part).await;
        ask_in_slices(self.client, question, Grid::within(self.range, step), ask, |any| {
            found = any;
            if any { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .await?;
        Ok(found)
    }

    /// Step of the coarse search for series, at most an hour.
    pub(super) fn coarse(&self) -> Step {
        self.at_least((self.range.end_ms - self.range.start_ms) / QUICK_LOOKS)
    }

    fn fine(&self) -> Step {
        let within_a_day = self.range.end_ms - self.range.start_ms <= DAY_MS;
        if within_a_day { self.step } else { self.at_least(HOUR_MS) }
    }

    /// Rounds `millis` up to a multiple of the pull's step, at most an hour, so that a search only evaluates steps
    /// that the pull evaluates too.
    fn at_least(&self, millis: i64) -> Step {
        let step = self.step.millis();
        let multiple = (millis.max(1) + step - 1) / step * step;
        let within_an_hour = multiple.min(HOUR_MS / step * step);
        Step::from_millis(within_an_hour).unwrap_or(self.step)
    }
}
