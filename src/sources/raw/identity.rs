//! Verifies that the series of each member come from one process, as the source of a server does with queries: looks
//! at instants spread over the range, and compares the start times, counters and gauges of members with several series
//! of a metric.

use std::collections::{BTreeMap, BTreeSet};

use super::error::RawError;
use super::evaluate::{Element, Evaluation};
use super::matcher::Matcher;
use super::queries::Queries;
use super::query::Query;
use super::selector::Selector;
use super::source::Rules;
use super::store::{Label, METRIC_NAME, SampleStore, Sighted, label_of};
use crate::readings::Member;
use crate::readings::identity::{
    Clue, Doubles, Evidence, Identity, Labels, Look, MixedMembers, Moments, Naming, Started, Verdict, ends_and_middle,
    shares_start, to_study,
};
use crate::sources::promql::DEFAULT_LOOKBACK_MS;
use crate::spec::{Column, Companion};
use crate::time::{Grid, TimeRange};

/// Verifies the members in a range, from the series of these queries.
pub(super) fn verify<S: SampleStore>(
    store: &S,
    queries: &Queries,
    rules: &Rules,
    range: TimeRange,
) -> Result<Identity, RawError<S::Error>> {
    // Evidence has several series a member, such as one for each of its peers.
    let identifying = queries.0.iter().filter(|(column, _)| !column.is_evidence());
    let bases = identifying.map(|(column, query)| Base::of(*column, query)).collect();
    Investigation { store, rules, bases, range }.run()
}

/// The series behind a column: one per target, so only the bucket `+Inf` of a histogram.
struct Base {
    column: Column,
    clue: Clue,
    query: Query,
}

impl Base {
    fn of(column: Column, query: &Query) -> Self {
        let clue = match (column, query) {
            (Column::Companion(Companion::StartTime), _) => Clue::StartTime,
            (_, Query::Rate(..) | Query::Changes(..) | Query::Quantile { .. }) => Clue::Counter,
            _ => Clue::Gauge,
        };
        let query = match query {
            Query::Rate(selector, _) | Query::Changes(selector, _) | Query::Last(selector, _) => {
                Query::Select(selector.clone())
            }
            Query::Quantile { buckets, .. } => {
                let all = Matcher::new("le", "=", "+Inf").into_iter();
                let matchers = buckets.matchers.iter().cloned().chain(all).collect();
                Query::Select(Selector { name: buckets.name.clone(), matchers })
            }
            other => other.clone(),
        };
        Self { column, clue, query }
    }
}

/// A series at an instant or around it: its member, its labels without name and `le`, and its samples.
struct Found {
    member: Member,
    labels: Labels,
    samples: Vec<(i64, f64)>,
}

struct Investigation<'a, S: SampleStore> {
    store: &'a S,
    rules: &'a Rules,
    bases: Vec<Base>,
    range: TimeRange,
}

impl<S: SampleStore> Investigation<'_, S> {
    fn run(&self) -> Result<Identity, RawError<S::Error>> {
        let moments = Moments::Within(self.range);
        let at_once = self.crowded_ever()?;
        let mut looks = self.look(&moments.instants(), &at_once)?;
        if let Some(closer) = moments.closer(&looks) {
            looks.extend(self.look(&closer, &at_once)?);
            looks.sort_by_key(|look| look.at_seconds);
        }
        let naming = Naming {
            cluster: self.rules.naming.cluster().to_vec(),
            member: self.rules.naming.member().to_vec(),
            selector: self.rules.selector.clone(),
        };
        let mut identity = Identity::default();
        let crowded: BTreeSet<&Member> = looks.iter().flat_map(|look| &look.crowded).collect();
        if !crowded.is_empty() {
            let verdict = self.evidence(&to_study(&looks), moments, Some(&crowded))?.verdict();
            identity.is_open = verdict.same.is_empty() && verdict.different.is_empty();
            identity.notes = verdict.notes(str::to_owned);
            let everyone = self.everyone(&verdict, &looks)?;
            identity.mixed = MixedMembers::of(&verdict, &everyone, &naming, str::to_owned);
        }
        identity.notes.extend(self.doubles(&looks, moments, &naming)?);
        Ok(identity)
    }

    /// Looks for members with several series of one metric at these instants, in seconds since 1970.
    fn look(&self, at: &[i64], at_once: &BTreeSet<Member>) -> Result<Vec<Look>, RawError<S::Error>> {
        // Without crowded members, only the start times matter: processes that are counted twice share them.
        let start_times = self.start_time().map(std::slice::from_ref).unwrap_or_default();
        let bases = if at_once.is_empty() { start_times } else { &self.bases };
        at.iter()
            .map(|&at_seconds| {
                let (mut crowded, mut has_samples) = (BTreeSet::new(), false);
                for found in self.around(Grid::second(at_seconds), bases)? {
                    has_samples |= !found.is_empty();
                    // Without two series of one metric in the whole range there cannot be two at an instant.
                    let mut seen: BTreeMap<&Member, usize> = BTreeMap::new();
                    for one in found.iter().filter(|one| at_once.contains(&one.member)) {
                        *seen.entry(&one.member).or_default() += 1;
                    }
                    crowded
                        .extend(seen.into_iter().filter(|(_, series)| *series > 1).map(|(member, _)| member.clone()));
                }
                Ok(Look { at_seconds, has_samples, crowded })
            })
            .collect()
    }

    /// The members with several series of one metric anywhere in the range, found without reading samples.
    fn crowded_ever(&self) -> Result<BTreeSet<Member>, RawError<S::Error>> {
        let names: BTreeSet<&str> =
            self.bases.iter().flat_map(|base| base.query.read()).map(|selector| selector.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let span_ms = self.range.start_ms - DEFAULT_LOOKBACK_MS..self.range.end_ms;
        let sighted = self.store.survey(&names, &span_ms).map_err(RawError::Store)?;
        let mut crowded = BTreeSet::new();
        for base in &self.bases {
            let mut targets: BTreeMap<Member, BTreeSet<Vec<&Label>>> = BTreeMap::new();
            let read = base.query.read();
            for one in sighted.iter().filter(|one| read.iter().any(|selector| selector.matches(&one.labels))) {
                if let Some(member) = self.member(&one.labels) {
                    targets.entry(member).or_default().insert(target(one));
                }
            }
            crowded.extend(targets.into_iter().filter(|(_, targets)| targets.len() > 1).map(|(member, _)| member));
        }
        Ok(crowded)
    }

    fn member(&self, labels: &[Label]) -> Option<Member> {
        self.rules.naming.name(|name| label_of(labels, name)).ok()
    }

    /// The series of each base on a grid.
    fn around(&self, grid: Grid, bases: &[Base]) -> Result<Vec<Vec<Found>>, RawError<S::Error>> {
        let times_ms: Vec<i64> = (0..grid.len()).map(|step| grid.at(step)).collect();
        let queries = bases.iter().map(|base| &base.query);
        let evaluation = Evaluation::prepare(self.store, queries, &times_ms, self.rules.version);
        let evaluation = evaluation.map_err(RawError::Store)?;
        let found = |element: Element| {
            let member = self.member(&element.labels)?;
            let is_of_target = |(name, value): &&Label| ![METRIC_NAME, "le"].contains(&&**name) && !value.is_empty();
            let labels = element.labels.iter().filter(is_of_target);
            let labels = labels.map(|(name, value)| (name.to_string(), value.to_string())).collect();
            let samples = times_ms.iter().zip(&element.values).filter_map(|(at, value)| Some((*at, (*value)?)));
            Some(Found { member, labels, samples: samples.collect() })
        };
        let of_base = |base: &Base| -> Result<Vec<Found>, RawError<S::Error>> {
            Ok(evaluation.evaluate(&base.query)?.into_iter().filter_map(found).collect())
        };
        bases.iter().map(of_base).collect()
    }

    fn start_time(&self) -> Option<&Base> {
        self.bases.iter().find(|base| base.clue == Clue::StartTime)
    }

    /// Reads the clues around these instants, of some members or of all.
    fn evidence(
        &self,
        at: &[i64],
        moments: Moments,
        of: Option<&BTreeSet<&Member>>,
    ) -> Result<Evidence, RawError<S::Error>> {
        let mut evidence = Evidence::new(DEFAULT_LOOKBACK_MS);
        for at in at {
            for (base, found) in self.bases.iter().zip(self.around(moments.around(*at), &self.bases)?) {
                for one in found.into_iter().filter(|one| of.is_none_or(|of| of.contains(&one.member))) {
                    evidence.add(&one.member, one.labels, (base.column.name(), base.clue), one.samples);
                }
            }
        }
        Ok(evidence)
    }

    /// The targets of all members at an instant at which different processes were found.
    fn everyone(&self, verdict: &Verdict, looks: &[Look]) -> Result<Vec<(Member, Labels)>, RawError<S::Error>> {
        let Some(pair) = verdict.different.first() else { return Ok(Vec::new()) };
        let look = looks.iter().rfind(|look| look.crowded.contains(&pair.member));
        let Some(look) = look else { return Ok(Vec::new()) };
        let found =
            self.around(Grid::second(look.at_seconds), &self.bases)?.into_iter().find(|found| !found.is_empty());
        Ok(found.into_iter().flatten().map(|one| (one.member, one.labels)).collect())
    }

    /// A note about processes that are counted as several members.
    fn doubles(&self, looks: &[Look], moments: Moments, naming: &Naming) -> Result<Option<String>, RawError<S::Error>> {
        let Some(start_time) = self.start_time() else { return Ok(None) };
        let with_samples: Vec<i64> = looks.iter().filter(|look| look.has_samples).map(|look| look.at_seconds).collect();
        for at in ends_and_middle(&with_samples) {
            let found = self.around(Grid::second(at), std::slice::from_ref(start_time))?.into_iter().flatten();
            let started: Vec<Started> =
                found.filter_map(|one| Some((one.member, one.labels, one.samples.first()?.1))).collect();
            let pairs = shares_start(&started);
            if pairs.is_empty() {
                continue;
            }
            let evidence = self.evidence(&[at], moments, None)?;
            if let Some(doubles) = Doubles::of(&pairs, &started, &evidence) {
                return Ok(Some(doubles.note(&started, naming, str::to_owned)));
            }
        }
        Ok(None)
    }
}

/// The labels that identify a target: all but the name and the bucket.
fn target(one: &Sighted) -> Vec<&Label> {
    one.labels.iter().filter(|(name, _)| name.as_ref() != METRIC_NAME && name.as_ref() != "le").collect()
}
