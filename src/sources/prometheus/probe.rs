//! Chooses for each metric the form of its query: the raw query, which reads etcd's own metrics, the recorded query,
//! which reads the results of recording rules, or a form for servers on which the raw one finds nothing.
//!
//! A probe never sends one query over the whole range: it samples a few stretches of it, and searches further, day by
//! day, only for what it did not find there.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use futures_util::future::join_all;
use tracing::{Instrument, info, warn_span};

use super::extent::Reach;
use super::places::places;
use super::query::{NATIVE, QuerySet, RAW, RECORDED, WIDE};
use super::question::Question;
use super::slices::ask_in_slices;
use super::survey::Seen;
use super::windows::find_limit;
use super::{Client, PromError};
use crate::readings::QuerySource;
use crate::spec::{Column, Companion, Metric};
use crate::text::named::named;
use crate::time::{Grid, Step, TimeRange};

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

/// Which metrics and companions to pull.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) left_out: Vec<Metric>,
    /// Limits that the profile needs, each with the metric whose thresholds are shares of it.
    pub(crate) limits: Vec<(Metric, Companion)>,
    /// The evidence and limits to pull too where they exist, unless there is a history without them.
    pub(crate) evidence: Vec<Companion>,
    /// Companions of the existing history, which new days must have as well. `None` without a history:
    /// then the companion `start_time` is pulled if it has series.
    pub(crate) held: Option<Vec<Companion>>,
    /// The queries of the existing history. Of the forms that read etcd's own metrics, new days
    /// keep the one used there.
    pub(crate) held_queries: BTreeMap<String, QuerySource>,
}

/// How thoroughly to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thoroughness {
    /// The recorded form must cover the raw form at the sampled steps.
    Sampled,
    /// The recorded form must cover the raw form at every step, as a pull requires.
    EveryStep,
}

/// The chosen queries.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) queries: BTreeMap<String, QuerySource>,
    /// The part of the range from the first day with series to the day after the last one.
    pub(crate) kept: TimeRange,
    /// Why there is no query for some metrics, or for a limit that the profile needs.
    pub(crate) problems: Vec<PromError>,
}

impl Choice {
    /// The choice, or the first problem.
    pub(crate) fn complete(self) -> Result<Self, PromError> {
        match self.problems.first() {
            Some(problem) => Err(problem.clone()),
            None => Ok(self),
        }
    }
}

/// Chooses the query of each wanted column.
///
/// A metric, or a limit that the profile needs, without any value in the range is added to [`Choice::problems`].
/// Fails if the server does not answer, or has no series at all.
pub(crate) async fn choose_queries(
    client: &Client,
    queries: &QuerySet,
    form: SeriesForm,
    wanted: &Wanted,
    (range, step): (TimeRange, Step),
    thoroughness: Thoroughness,
) -> Result<Choice, PromError> {
    let days = range.days().take(2).filter_map(|day| range.intersect(day.range()));
    if let Some(longest) = days.map(|day| Grid::within(day, step)).max_by_key(Grid::len) {
        find_limit(client, longest).await;
    }
    let nothing = || {
        let (url, selector) = (client.shown_url().to_owned(), queries.selector_in_words());
        PromError::Nothing { url, range, selector }
    };
    let metrics: Vec<Metric> = Metric::ALL.into_iter().filter(|m| !wanted.left_out.contains(m)).collect();
    // In the log, the span `look` separates these searches for series from the queries of the pull.
    let kept = kept(client, queries, form, &metrics, range).instrument(warn_span!("look")).await?;
    let kept = kept.ok_or_else(nothing)?;
    let probe = Probe::new(client, queries, kept, step);
    let choosing =
        metrics.iter().map(|&metric| probe.choose(form, metric, wanted, thoroughness).instrument(warn_span!("look")));
    let (mut by_name, mut problems) = (BTreeMap::new(), Vec::new());
    for (metric, chosen) in metrics.iter().zip(join_all(choosing).await) {
        match chosen {
            Ok(source) => drop(by_name.insert(metric.name().to_owned(), source)),
            Err(error) if error.is_about_a_column() => problems.push(error),
            Err(error) => return Err(error),
        }
    }
    if by_name.is_empty() && problems.iter().all(|problem| matches!(problem, PromError::NoSeries { .. })) {
        return Err(nothing());
    }
    let companions = probe.choose_companions(wanted, &mut problems).instrument(warn_span!("look")).await?;
    by_name.extend(companions);
    for (name, source) in &by_name {
        info!(metric = name, form = source.form, "will be pulled");
    }
    Ok(Choice { queries: by_name, kept, problems })
}

/// The part of the range from the first day with series of any of these metrics to the day after the last one;
/// `None` if there are no series. The whole range if a query from `--queries` does not name its series.
async fn kept(
    client: &Client,
    queries: &QuerySet,
    form: SeriesForm,
    metrics: &[Metric],
    range: TimeRange,
) -> Result<Option<TimeRange>, PromError> {
    let raw = metrics.iter().filter(|_| form != SeriesForm::Recorded).map(|&metric| (metric.into(), RAW));
    let recorded = metrics.iter().filter(|&&metric| queries.recorded(metric).is_some());
    let recorded = recorded.filter(|_| form != SeriesForm::Raw).map(|&metric| (metric.into(), RECORDED));
    // No search for native histograms: etcd exposes its other metrics on the same days.
    match Reach::of(client, queries, raw.chain(recorded)) {
        Some(reach) => reach.within(range).await,
        None => Ok(Some(range)),
    }
}

/// Checks which queries return series in the range.
pub(super) struct Probe<'a> {
    pub(super) client: &'a Client,
    pub(super) queries: &'a QuerySet,
    pub(super) range: TimeRange,
    pub(super) step: Step,
    /// The sampled stretches, the oldest first.
    pub(super) places: Vec<Grid>,
}

impl<'a> Probe<'a> {
    pub(super) fn new(client: &'a Client, queries: &'a QuerySet, range: TimeRange, step: Step) -> Self {
        Self { client, queries, range, step, places: places(range, step) }
    }

    /// The query of one metric. `SeriesForm::Auto` chooses between the forms by the series that the server has.
    async fn choose(
        &self,
        form: SeriesForm,
        metric: Metric,
        wanted: &Wanted,
        thoroughness: Thoroughness,
    ) -> Result<QuerySource, PromError> {
        let column = Column::from(metric);
        match (form, self.queries.recorded(metric)) {
            (SeriesForm::Auto, Some(_)) if self.covers(column, thoroughness).await? => {
                Ok(self.source(column, RECORDED))
            }
            (SeriesForm::Recorded, Some(_)) => self.require(metric, RECORDED).await,
            (SeriesForm::Recorded, None) => Err(PromError::of_nothing(metric, Seen::Absent, self)),
            _ => {
                let form = self.own_form(column, wanted).await?;
                self.require(metric, form).await
            }
        }
    }

    fn source(&self, column: Column, form: &str) -> QuerySource {
        QuerySource { form: form.to_owned(), promql: self.queries.text(column, form, "") }
    }

    /// The query of a metric in this form, if it has values. NaN is enough, because it shows that nothing happened.
    async fn require(&self, metric: Metric, form: &'static str) -> Result<QuerySource, PromError> {
        let column = Column::from(metric);
        let seen = match self.is_seen(column, form).await {
            Ok(true) => return Ok(self.source(column, form)),
            Ok(false) => self.without_values(column, form).await?,
            Err(error) if form == NATIVE && error.is_about_the_path() => {
                return Err(PromError::NativeRefused { metric, cause: error.to_string() });
            }
            Err(error) => return Err(error),
        };
        match seen {
            Seen::Values(_) | Seen::Idle => Ok(self.source(column, form)),
            Seen::Native => Box::pin(self.require(metric, NATIVE)).await,
            Seen::TooFew(_) if form == NATIVE => {
                let cause = "histogram_quantile returns no value".to_owned();
                Err(PromError::NativeRefused { metric, cause })
            }
            other => Err(PromError::of_nothing(metric, other, self)),
        }
    }

    /// The form that reads etcd's own metrics: the raw form, unless another form also finds members
    /// that the raw one misses.
    async fn own_form(&self, column: Column, wanted: &Wanted) -> Result<&'static str, PromError> {
        let others = [WIDE, NATIVE].into_iter().filter(|form| self.queries.has(column, form));
        let held = wanted.held_queries.get(column.name()).map(|query| query.promql.as_str());
        for form in others {
            // A history keeps the form that it has: its days must be comparable.
            let is_of = |form: &str| held == Some(&self.queries.text(column, form, ""));
            if is_of(form) || (!is_of(RAW) && self.finds_more(column, form).await?) {
                info!(metric = %column, form, "finds members that the raw form does not");
                return Ok(form);
            }
        }
        Ok(RAW)
    }

    /// Whether this form finds members that the raw form misses, in any sampled stretch.
    async fn finds_more(&self, column: Column, form: &str) -> Result<bool, PromError> {
        let labels = self.queries.labels();
        let question = Question::about(self.queries, column, form, |matchers| {
            // The native form differs from the raw one only for members without classic buckets,
            // so compare which series exist.
            let of = |form| match self.queries.base(column, form).filter(|_| self.queries.has(column, NATIVE)) {
                Some(base) => self.queries.present(&base, "10m", matchers),
                None => self.queries.text(column, form, matchers),
            };
            format!("count(({}) unless on ({labels}) ({}))", of(form), of(RAW))
        });
        for place in self.places.iter().rev() {
            if self.any(&question, place.part(place.len() / 2, 1)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The queries of the wanted companions. No recording rules exist for them.
    async fn choose_companions(
        &self,
        wanted: &Wanted,
        problems: &mut Vec<PromError>,
    ) -> Result<BTreeMap<String, QuerySource>, PromError> {
        let mut chosen: BTreeMap<String, QuerySource> = BTreeMap::new();
        for companion in wanted.held.iter().flatten().copied() {
            let form = self.own_form(companion.into(), wanted).await?;
            chosen.insert(companion.name().to_owned(), self.source(companion.into(), form));
        }
        for &(metric, limit) in wanted.limits.iter().filter(|(_, limit)| !chosen_has(wanted, *limit)) {
            let form = self.own_form(limit.into(), wanted).await?;
            if self.answers(limit.into(), form).await? {
                chosen.insert(limit.name().to_owned(), self.source(limit.into(), form));
            } else {
                problems.push(PromError::NoLimit { limit, metric, range: self.range });
            }
        }
        let start_time = Companion::StartTime;
        if wanted.held.is_none() {
            let form = self.own_form(start_time.into(), wanted).await?;
            let is_there = self.is_seen(start_time.into(), form).await?
                || matches!(self.looked_up(start_time.into(), form).await?, Seen::Values(_));
            if is_there {
                chosen.insert(start_time.name().to_owned(), self.source(start_time.into(), form));
            }
        }
        if !wanted.evidence.is_empty() && wanted.held.is_none() {
            for companion in self.evidence(&wanted.evidence).await? {
                let source = || self.source(companion.into(), RAW);
                chosen.entry(companion.name().to_owned()).or_insert_with(source);
            }
        }
        Ok(chosen)
    }

    /// Whether the query has a value anywhere in the range.
    async fn answers(&self, column: Column, form: &str) -> Result<bool, PromError> {
        Ok(self.is_seen(column, form).await? || matches!(self.without_values(column, form).await?, Seen::Values(_)))
    }

    /// Whether the recorded form has a value for every member and step of the raw form.
    async fn covers(&self, column: Column, thoroughness: Thoroughness) -> Result<bool, PromError> {
        // `> -Inf` drops NaN, so that a NaN in the recorded form counts as a gap, and a NaN in the
        // raw form needs no recorded value.
        let known = |form, matchers: &str| format!("(({}) > -Inf)", self.queries.text(column, form, matchers));
        let labels = self.queries.labels();
        // This query may be split into slices: a gap in any slice is a gap overall.
        let uncovered = Question::about(self.queries, column, RAW, |matchers| {
            format!("count({} unless on ({labels}) {})", known(RAW, matchers), known(RECORDED, matchers))
        });
        for &grid in self.places.iter().rev() {
            if self.any(&uncovered, grid).await? {
                info!(metric = %column, "not recorded at a sampled step of the raw form: choosing the raw form");
                return Ok(false);
            }
        }
        if !self.is_seen(column, RECORDED).await? {
            info!(metric = %column, "no recorded series: choosing the raw form");
            return Ok(false);
        }
        if thoroughness == Thoroughness::EveryStep {
            for (_, part) in self.range.day_parts() {
                let grid = Grid::within(part, self.step);
                if !grid.is_empty() && self.any(&uncovered, grid).await? {
                    info!(metric = %column, "not recorded at every step of the raw form: choosing the raw form");
                    return Ok(false);
                }
            }
        }
        info!(metric = %column, "the recorded form covers the raw form: choosing the recorded form");
        Ok(true)
    }

    /// Whether the query has a value at any sampled step, the latest first.
    pub(super) async fn is_seen(&self, column: Column, form: &str) -> Result<bool, PromError> {
        for &grid in self.places.iter().rev() {
            if self.has_values(column, form, grid).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the query has a value other than NaN on a grid.
    pub(super) async fn has_values(&self, column: Column, form: &str, grid: Grid) -> Result<bool, PromError> {
        let question = Question::about(self.queries, column, form, |matchers| {
            format!("count(({}) > -Inf)", self.queries.text(column, form, matchers))
        });
        self.any(&question, grid).await
    }

    /// Whether the query has a value on a grid, including NaN.
    pub(super) async fn has_samples(&self, column: Column, form: &str, grid: Grid) -> Result<bool, PromError> {
        let question = Question::about(self.queries, column, form, |matchers| {
            format!("count({})", self.queries.text(column, form, matchers))
        });
        self.any(&question, grid).await
    }

    /// Whether the query returns any sample on a grid. Stops at the first answer that contains a sample.
    async fn any(&self, question: &Question<'_>, grid: Grid) -> Result<bool, PromError> {
        let mut found = false;
        let ask = async |promql: String, part, _| self.client.any_sample(&promql, part).await;
        ask_in_slices(self.client, question, grid, ask, |any| {
            found = any;
            if any { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .await?;
        Ok(found)
    }
}

/// Whether the existing history has this companion.
fn chosen_has(wanted: &Wanted, companion: Companion) -> bool {
    wanted.held.as_ref().is_some_and(|held| held.contains(&companion))
}

impl PromError {
    /// The error for a metric without any value.
    fn of_nothing(metric: Metric, seen: Seen, probe: &Probe<'_>) -> Self {
        let (range, column) = (probe.range, Column::from(metric));
        match seen {
            Seen::TooFew(distance) => {
                let rate = probe.queries.is_rate(column).then(|| probe.queries.rate_window());
                let advice = distance.and_then(|distance| distance.advice(rate));
                let advice = advice.unwrap_or_else(|| "too few samples for a value; scrape more often".to_owned());
                Self::TooFewSamples { metric, advice }
            }
            Seen::NotEtcd => Self::NotEtcd { metric },
            Seen::Refused(error) => error,
            _ => Self::NoSeries { metric, range },
        }
    }
}
