//! Chooses the form of each query by the series that a store has, and describes what it has for `check`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::error::RawError;
use super::evaluate::Evaluation;
use super::parse::parse;
use super::queries::{Queries, blank, uncertain};
use super::query::Query;
use super::reach::{metric_names, targets};
use super::selector::Selector;
use super::source::{RawSource, Rules};
use super::store::{SampleStore, Sighted, while_changing};
use crate::readings::{Member, QuerySource, Source};
use crate::sources::prometheus::{QuerySet, ScrapeDistance, SeriesForm, Wanted, places};
use crate::spec::{Column, Companion, Metric};
use crate::time::{DAY_MS, Grid, HOUR_MS, TimeRange, UtcDay};

/// What to choose, and from which range.
#[derive(Clone, Debug)]
pub(crate) struct RawWanted {
    pub(crate) wanted: Wanted,
    pub(crate) form: SeriesForm,
    pub(crate) range: TimeRange,
    /// The path of the store, for errors.
    pub(crate) name: String,
    /// Whether metrics without series are left out instead of being an error: the store is known to have only some.
    pub(crate) leaves_out_absent: bool,
}

/// What a store has of one column.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) column: Column,
    /// The form of the query: `raw`, `wide` or `recorded`.
    pub(crate) form: &'static str,
    pub(crate) members: BTreeSet<Member>,
    /// The times of the first and the last sample, in milliseconds; `None` without series.
    pub(crate) span_ms: Option<(i64, i64)>,
    /// Estimated size of the samples in the store.
    pub(crate) bytes: u64,
    /// The usual distance between two samples of a series, if it could be measured.
    pub(crate) distance: Option<ScrapeDistance>,
    /// Whether the query has a value at any step. NaN is one.
    pub(crate) has_values: bool,
}

/// The chosen queries.
#[derive(Debug)]
pub(crate) struct Choice<E: std::error::Error> {
    /// The queries as they are stored in the history.
    pub(crate) queries: BTreeMap<String, QuerySource>,
    parsed: Queries,
    /// The part of the range from the first day with series to the day after the last one.
    pub(crate) kept: TimeRange,
    /// Why there is no query for some metrics, or for a limit that the profile needs.
    pub(crate) problems: Vec<RawError<E>>,
    pub(crate) seen: Vec<Seen>,
    /// Metrics that were left out because the store does not have them.
    pub(crate) absent: Vec<Metric>,
}

impl<E: std::error::Error> Choice<E> {
    /// The choice, or the first problem.
    pub(crate) fn complete(mut self) -> Result<Self, RawError<E>> {
        match self.problems.is_empty() {
            true => Ok(self),
            false => Err(self.problems.swap_remove(0)),
        }
    }

    /// The source that reads the chosen queries from the store.
    pub(crate) fn into_source<S: SampleStore<Error = E>>(
        self,
        store: S,
        rules: Rules,
        description: impl FnOnce(BTreeMap<String, QuerySource>) -> Source,
    ) -> RawSource<S> {
        RawSource::new(store, rules, self.parsed, description(self.queries), self.kept)
    }
}

/// Chooses the query of each wanted column. Fails if the store has no series at all, or cannot be read.
pub(crate) fn choose<S: SampleStore>(
    store: &S,
    queries: &QuerySet,
    rules: &Rules,
    wanted: &RawWanted,
) -> Result<Choice<S::Error>, RawError<S::Error>> {
    while_changing(store, || Chooser::new(store, queries, rules, wanted)?.run())
}

/// A query that could be chosen, and the series that it reads.
struct Candidate<'a> {
    form: &'static str,
    promql: String,
    query: Query,
    sighted: Vec<&'a Sighted>,
}

struct Chooser<'a, S: SampleStore> {
    store: &'a S,
    queries: &'a QuerySet,
    rules: &'a Rules,
    wanted: &'a RawWanted,
    sighted: Vec<Sighted>,
}

impl<'a, S: SampleStore> Chooser<'a, S> {
    fn new(
        store: &'a S,
        queries: &'a QuerySet,
        rules: &'a Rules,
        wanted: &'a RawWanted,
    ) -> Result<Self, RawError<S::Error>> {
        let names = metric_names(queries);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let sighted = store.survey(&names, &span_of(wanted.range)).map_err(RawError::Store)?;
        Ok(Self { store, queries, rules, wanted, sighted })
    }

    fn run(&self) -> Result<Choice<S::Error>, RawError<S::Error>> {
        let wanted = &self.wanted.wanted;
        let metrics = Metric::ALL.into_iter().filter(|metric| !wanted.left_out.contains(metric));
        let (mut chosen, mut problems, mut absent) = (Vec::new(), Vec::new(), Vec::new());
        for metric in metrics {
            match self.choose(metric.into(), self.wanted.form) {
                Ok(candidate) if !candidate.sighted.is_empty() => chosen.push((Column::from(metric), candidate)),
                Ok(_) if self.wanted.leaves_out_absent => absent.push(metric),
                Ok(candidate) => problems.push(self.nothing_of(metric, &candidate)),
                Err(error) if error.is_about_a_column() => problems.push(error),
                Err(error) => return Err(error),
            }
        }
        let Some(kept) = self.kept(&chosen) else { return Err(self.nothing(problems)) };
        for column in self.companions() {
            let candidate = self.choose(column, SeriesForm::Raw)?;
            chosen.push((column, candidate));
        }
        self.with_values(chosen, kept, problems, absent)
    }

    /// The error if no metric has series. A query that cannot be computed explains more.
    fn nothing(&self, problems: Vec<RawError<S::Error>>) -> RawError<S::Error> {
        let explains = |problem: &RawError<S::Error>| !matches!(problem, RawError::NoSeries { .. });
        problems.into_iter().find(explains).unwrap_or_else(|| RawError::Nothing {
            name: self.wanted.name.clone(),
            range: self.wanted.range,
            selector: self.queries.selector_in_words(),
        })
    }

    /// The companions to look for: those of the existing history, or the limits that the profile needs and the start time.
    fn companions(&self) -> Vec<Column> {
        let wanted = &self.wanted.wanted;
        let limits = wanted.limits.iter().map(|(_, limit)| *limit);
        let mut all: Vec<Companion> = match &wanted.held {
            Some(held) => held.iter().copied().chain(limits).collect(),
            None => {
                let evidence = wanted.evidence.iter().copied();
                limits.chain([Companion::StartTime]).chain(evidence).collect()
            }
        };
        all.sort_unstable();
        all.dedup();
        all.into_iter().map(Column::from).collect()
    }

    fn candidate(&self, column: Column, form: &'static str) -> Result<Candidate<'_>, RawError<S::Error>> {
        let promql = self.queries.text(column, form, "");
        match parse(&promql) {
            Ok(query) => {
                let sighted = targets(&query, &self.sighted);
                Ok(Candidate { form, promql, query, sighted })
            }
            Err(reason) => Err(RawError::Query { column, promql, reason }),
        }
    }

    /// The form that the existing history has; otherwise the raw form if it has series, the wide form if that finds more
    /// members, and the recorded form if it is asked for or has series where the raw one has none.
    fn choose(&self, column: Column, form: SeriesForm) -> Result<Candidate<'_>, RawError<S::Error>> {
        let has = |form: &str| self.queries.has(column, form);
        let held = self.wanted.wanted.held_queries.get(column.name()).map(|query| query.promql.as_str());
        let is_held = |form: &str| has(form) && held == Some(&self.queries.text(column, form, ""));
        if form == SeriesForm::Recorded || (form == SeriesForm::Auto && is_held("recorded")) {
            return match has("recorded") {
                true => self.candidate(column, "recorded"),
                false => self.candidate(column, "raw").map(|raw| Candidate { sighted: Vec::new(), ..raw }),
            };
        }
        let raw = self.candidate(column, "raw")?;
        if has("wide") && !is_held("raw") {
            let wide = self.candidate(column, "wide")?;
            if is_held("wide") || wide.sighted.len() > raw.sighted.len() {
                return Ok(wide);
            }
        }
        if raw.sighted.is_empty() && form == SeriesForm::Auto && has("recorded") {
            let recorded = self.candidate(column, "recorded")?;
            if !recorded.sighted.is_empty() {
                return Ok(recorded);
            }
        }
        Ok(raw)
    }

    /// The error for a metric without series.
    fn nothing_of(&self, metric: Metric, candidate: &Candidate<'_>) -> RawError<S::Error> {
        let read = candidate.query.read();
        let has = |selector: &Selector| self.sighted.iter().any(|one| selector.matches(&one.labels));
        let is_native = |selector: &&Selector| {
            selector.name.strip_suffix("_bucket").is_some_and(|name| has(&selector.renamed(name)))
        };
        match () {
            () if read.iter().any(is_native) => RawError::Native { metric },
            () if read.iter().any(|selector| has(selector)) => RawError::NotEtcd { metric },
            () => {
                let (range, name) = (self.wanted.range, self.wanted.name.clone());
                RawError::NoSeries { metric, range, name }
            }
        }
    }

    /// From the first day with series of any metric to the day after the last one, because queries look back up to a day;
    /// `None` without series.
    fn kept(&self, chosen: &[(Column, Candidate<'_>)]) -> Option<TimeRange> {
        let sighted = || chosen.iter().flat_map(|(_, candidate)| &candidate.sighted);
        let first_ms = sighted().map(|one| one.first_ms).min()?;
        let last_ms = sighted().map(|one| one.last_ms).max()?;
        let days = UtcDay::of(first_ms).range().hull(UtcDay::of(last_ms.saturating_add(DAY_MS)).range());
        self.wanted.range.intersect(days)
    }

    /// Looks for values of the candidates, and adds a problem for each metric or limit without any.
    fn with_values(
        &self,
        candidates: Vec<(Column, Candidate<'_>)>,
        kept: TimeRange,
        mut problems: Vec<RawError<S::Error>>,
        absent: Vec<Metric>,
    ) -> Result<Choice<S::Error>, RawError<S::Error>> {
        let has_values = self.columns_with_values(&candidates, kept)?;
        let (mut queries, mut parsed, mut seen) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (column, candidate) in candidates {
            let has_values = has_values.contains(&column);
            let one = self.seen(column, &candidate, has_values)?;
            match column {
                Column::Metric(metric) if !has_values && self.lacks(&candidate) => {
                    problems.push(RawError::Incomplete { metric, name: self.wanted.name.clone() });
                }
                Column::Metric(metric) if !has_values => {
                    let window = candidate.query.is_rate().then(|| self.queries.rate_window());
                    let advice = one.distance.and_then(|distance| distance.advice(window));
                    let advice = advice.unwrap_or_else(|| "too few samples for a value; scrape more often".to_owned());
                    problems.push(RawError::TooFewSamples { metric, advice });
                }
                Column::Companion(limit) if !has_values && !self.is_held(limit) => {
                    let (limits, range) = (&self.wanted.wanted.limits, self.wanted.range);
                    let needed = limits.iter().find(|(_, needed)| *needed == limit);
                    problems.extend(needed.map(|&(metric, limit)| RawError::NoLimit { limit, metric, range }));
                }
                _ => {
                    let source = QuerySource { form: candidate.form.to_owned(), promql: candidate.promql };
                    queries.insert(column.name().to_owned(), source);
                    parsed.push((column, candidate.query));
                }
            }
            seen.push(one);
        }
        Ok(Choice { queries, parsed: Queries(parsed), kept, problems, seen, absent })
    }

    /// Whether samples of a candidate may be missing in a part of the range.
    fn lacks(&self, candidate: &Candidate<'_>) -> bool {
        self.store.lost().iter().any(|span| candidate.query.lacks(span))
    }

    fn is_held(&self, companion: Companion) -> bool {
        self.wanted.wanted.held.as_ref().is_some_and(|held| held.contains(&companion))
    }

    /// The columns that have a value at any step. Looks at a few stretches first, and at every day only for columns that
    /// have none there.
    fn columns_with_values(
        &self,
        candidates: &[(Column, Candidate<'_>)],
        kept: TimeRange,
    ) -> Result<BTreeSet<Column>, RawError<S::Error>> {
        let mut open: Vec<&(Column, Candidate<'_>)> =
            candidates.iter().filter(|(_, candidate)| !candidate.sighted.is_empty()).collect();
        let mut found = BTreeSet::new();
        let stretches = places(kept, self.rules.step).into_iter().rev();
        let days = kept.day_parts().map(|(_, part)| Grid::within(part, self.rules.step));
        for grid in stretches.chain(days).filter(|grid| !grid.is_empty()) {
            if open.is_empty() {
                break;
            }
            let times_ms: Vec<i64> = (0..grid.len()).map(|step| grid.at(step)).collect();
            let queries = open.iter().map(|(_, candidate)| &candidate.query);
            let evaluation = Evaluation::prepare(self.store, queries, &times_ms, self.rules.version);
            let evaluation = evaluation.map_err(RawError::Store)?;
            let mut still_open = Vec::new();
            for one in open {
                let mut elements = evaluation.evaluate(&one.1.query)?;
                blank(&mut elements, &uncertain(&one.1.query, self.store.lost(), &times_ms));
                match elements.iter().any(|element| element.values.iter().any(Option::is_some)) {
                    true => drop(found.insert(one.0)),
                    false => still_open.push(one),
                }
            }
            open = still_open;
        }
        Ok(found)
    }

    fn seen(&self, column: Column, candidate: &Candidate<'_>, has_values: bool) -> Result<Seen, RawError<S::Error>> {
        let sighted = &candidate.sighted;
        let members = sighted.iter().filter_map(|one| self.rules.naming.name(|name| one.label(name)).ok()).collect();
        let first = sighted.iter().map(|one| one.first_ms).min();
        let last = sighted.iter().map(|one| one.last_ms).max();
        Ok(Seen {
            column,
            form: candidate.form,
            members,
            span_ms: first.zip(last),
            bytes: sighted.iter().map(|one| one.bytes).sum(),
            distance: self.distance(sighted)?,
            has_values,
        })
    }

    /// The median distance between the last samples of the series that ends last.
    fn distance(&self, sighted: &[&Sighted]) -> Result<Option<ScrapeDistance>, RawError<S::Error>> {
        let Some(latest) = sighted.iter().max_by_key(|one| one.last_ms) else { return Ok(None) };
        for hours in [2, 24] {
            let range_ms = latest.last_ms - hours * HOUR_MS..latest.last_ms + 1;
            let named = self.store.series(&[latest.metric()], &range_ms).map_err(RawError::Store)?;
            let Some(series) = named.iter().find(|one| self.store.labels(one) == latest.labels) else { continue };
            let samples = self.store.samples(series, &range_ms).map_err(RawError::Store)?;
            let mut gaps: Vec<i64> = samples.times_ms.windows(2).map(|pair| pair[1] - pair[0]).collect();
            gaps.sort_unstable();
            if let Some(median) = gaps.get(gaps.len() / 2).filter(|_| gaps.len() > 1) {
                return Ok(Some(ScrapeDistance::of_millis(*median)));
            }
        }
        Ok(None)
    }
}

/// The times at which samples can matter for a range: from a day before it on.
fn span_of(range: TimeRange) -> Range<i64> {
    range.start_ms.saturating_sub(DAY_MS)..range.end_ms
}
