//! Which evidence of causes a server has: series that are pulled, but not scored.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::PromError;
use super::probe::Probe;
use super::query::RAW;
use super::question::Question;
use super::slices::{ask_in_slices, joined};
use super::survey::Seen;
use super::transport::Kind;
use crate::spec::{Column, Companion};
use crate::text::named::named;
use crate::time::Grid;

named! {
    /// Which evidence of causes to pull.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) enum EvidenceMode {
        /// What findings need, as far as it exists.
        #[default]
        Auto = "auto",
        /// All that there is.
        All = "all",
        /// None.
        None = "none",
    }
    parsed "unknown evidence"
}

impl EvidenceMode {
    /// The series to look for.
    pub(crate) fn companions(self) -> Vec<Companion> {
        match self {
            Self::Auto => Companion::OF_FINDINGS.to_vec(),
            Self::All => Companion::ALL.into_iter().filter(|companion| *companion != Companion::StartTime).collect(),
            Self::None => Vec::new(),
        }
    }
}

impl Probe<'_> {
    /// Those of the companions with series at any sampled instant. A server that refuses the search has told all that a score
    /// needs by then, so the rest is pulled, with a warning. A server that cannot be reached any more is an error: what it has
    /// is unknown, and a history keeps the columns that it begins with.
    pub(super) async fn evidence(&self, wanted: &[Companion]) -> Result<Vec<Companion>, PromError> {
        match self.seen_evidence(wanted).await {
            Err(error) if !matches!(error, PromError::Unreachable { .. } | PromError::LongWait { .. }) => {
                let said = format!("evidence of causes is left out, because the search for it failed: {error}");
                self.client.learnt_notes().add("warning", &[said]);
                Ok(Vec::new())
            }
            seen => seen,
        }
    }

    /// Those of the companions with series in the range. One query at a sampled instant finds the names of all of them: most
    /// servers have all or none. What is at no such instant, such as that of a cluster of an hour, is looked up as start times
    /// are.
    async fn seen_evidence(&self, wanted: &[Companion]) -> Result<Vec<Companion>, PromError> {
        let (mut by_name, mut found, mut unseen) = (Vec::new(), Vec::new(), Vec::new());
        for companion in wanted.iter().copied() {
            match self.name_of(companion) {
                Some(name) => by_name.push((companion, name)),
                // Other programs have these series too, or a query from --queries does not name them.
                None if self.is_seen(companion.into(), RAW).await? => found.push(companion),
                None => unseen.push(companion),
            }
        }
        for place in self.places.iter().rev() {
            if by_name.is_empty() {
                break;
            }
            let names: Vec<&str> = by_name.iter().map(|(_, name)| name.as_str()).collect();
            let seen = self.names_at(&names, Grid::second(place.last_ms().div_euclid(1000))).await?;
            by_name.retain(|(companion, name)| {
                let is_seen = seen.contains(name);
                found.extend(is_seen.then_some(*companion));
                !is_seen
            });
        }
        unseen.extend(by_name.into_iter().map(|(companion, _)| companion));
        for companion in unseen {
            let is_there = matches!(self.looked_up(companion.into(), RAW).await?, Seen::Values(_));
            found.extend(is_there.then_some(companion));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The metric that the query of a companion reads, if only etcd has it.
    fn name_of(&self, companion: Companion) -> Option<String> {
        let base = self.queries.base(companion.into(), RAW).filter(|base| base.beside.is_empty())?;
        Some(base.series.first()?.split('{').next()?.to_owned())
    }

    /// Those of the names that have a series at an instant. A range query of one step, because a pull needs no other kind.
    async fn names_at(&self, names: &[&str], at: Grid) -> Result<BTreeSet<String>, PromError> {
        let column = Column::from(Companion::HasLeader);
        let of_names = format!("__name__=~\"{}\"", names.join("|"));
        let question = Question::about(self.queries, column, RAW, |matchers| {
            let selector = joined(&joined(&of_names, self.queries.selector()), matchers);
            format!("count by (__name__) ({{{selector}}})")
        });
        let mut seen = BTreeSet::new();
        let ask = async |promql: String, part: Grid, _| self.client.query_labeled(&promql, part, Kind::Range).await;
        ask_in_slices(self.client, &question, at, ask, |series| {
            seen.extend(series.into_iter().filter_map(|mut one| one.labels.remove("__name__")));
            ControlFlow::Continue(())
        })
        .await?;
        Ok(seen)
    }
}
