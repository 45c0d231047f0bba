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

/// What a first look at some instants found.
#[derive(Default)]
struct FirstLook {
    seen: Vec<Companion>,
    unseen: Vec<Companion>,
    /// The refusal, if the server does not answer such a query. What is unseen may be there then.
    refused: Option<PromError>,
}

impl Probe<'_> {
    /// Those of the companions with series in the range. A server that refuses a part of the search has told all that a score
    /// needs by then, so the rest is pulled, with a warning that names what is left out. A server that cannot be reached
    /// any more is an error: what it has is unknown, and a history keeps the columns that it begins with.
    pub(super) async fn evidence(&self, wanted: &[Companion]) -> Result<Vec<Companion>, PromError> {
        let FirstLook { seen: mut found, unseen, refused } = self.first_look(wanted).await?;
        let (mut lost, mut cause) = (Vec::new(), None);
        for companion in unseen {
            match self.is_there(companion, refused.as_ref()).await {
                Ok(true) => found.push(companion),
                Ok(false) => {}
                Err(error) if is_lost(&error) => return Err(error),
                Err(error) => {
                    lost.push(companion.name());
                    cause.get_or_insert(error);
                }
            }
        }
        if let Some(cause) = cause {
            let said = format!(
                "{} left out, because the search for evidence of causes failed: {cause}; --overwrite looks again",
                lost.join(", ")
            );
            self.client.learnt_notes().add("warning", &[said]);
        }
        found.sort_unstable();
        Ok(found)
    }

    /// One query at a sampled instant finds the names of all companions: most servers have all or none.
    async fn first_look(&self, wanted: &[Companion]) -> Result<FirstLook, PromError> {
        let mut look = FirstLook::default();
        let mut by_name = Vec::new();
        for companion in wanted.iter().copied() {
            match self.name_of(companion) {
                Some(name) => by_name.push((companion, name)),
                None => look.unseen.push(companion),
            }
        }
        for place in self.places.iter().rev() {
            if by_name.is_empty() {
                break;
            }
            let names: Vec<&str> = by_name.iter().map(|(_, name)| name.as_str()).collect();
            let seen = match self.names_at(&names, Grid::second(place.last_ms().div_euclid(1000))).await {
                Err(error) if !is_lost(&error) => {
                    look.refused = Some(error);
                    break;
                }
                seen => seen?,
            };
            by_name.retain(|(companion, name)| {
                let is_seen = seen.contains(name);
                look.seen.extend(is_seen.then_some(*companion));
                !is_seen
            });
        }
        look.unseen.extend(by_name.into_iter().map(|(companion, _)| companion));
        Ok(look)
    }

    /// Whether a companion that the first look did not see has series: other programs have those of its query too, or a query
    /// from --queries does not name them, or they are at no sampled instant, such as those of a cluster of an hour.
    async fn is_there(&self, companion: Companion, refused: Option<&PromError>) -> Result<bool, PromError> {
        let was_looked_at = self.name_of(companion).is_some() && refused.is_none();
        if !was_looked_at && self.is_seen(companion.into(), RAW).await? {
            return Ok(true);
        }
        match (self.looked_up(companion.into(), RAW).await?, refused) {
            (Seen::Values(_), _) => Ok(true),
            (Seen::Refused(error), _) => Err(error),
            (Seen::NotSampled, Some(refused)) => Err(refused.clone()),
            _ => Ok(false),
        }
    }

    /// The metric that the query of a companion reads, if only etcd has it.
    fn name_of(&self, companion: Companion) -> Option<String> {
        let base = self.queries.base(companion.into(), RAW).filter(|base| base.beside.is_empty())?;
        Some(base.series.first()?.split('{').next()?.to_owned())
    }

    /// Those of the names that have a series at an instant.
    async fn names_at(&self, names: &[&str], at: Grid) -> Result<BTreeSet<String>, PromError> {
        let column = Column::from(Companion::HasLeader);
        let of_names = format!("__name__=~\"{}\"", names.join("|"));
        let question = Question::about(self.queries, column, RAW, |matchers| {
            let selector = joined(&joined(&of_names, self.queries.selector()), matchers);
            format!("count by (__name__) ({{{selector}}})")
        });
        let mut seen = BTreeSet::new();
        let ask = async |promql: String, part: Grid, _| self.client.query_labeled(&promql, part, Kind::Instant).await;
        ask_in_slices(self.client, &question, at, ask, |series| {
            seen.extend(series.into_iter().filter_map(|mut one| one.labels.remove("__name__")));
            ControlFlow::Continue(())
        })
        .await?;
        Ok(seen)
    }
}

/// Whether the server is gone, so that nothing more can be asked of it.
fn is_lost(error: &PromError) -> bool {
    matches!(error, PromError::Unreachable { .. } | PromError::Unforwarded { .. } | PromError::LongWait { .. })
}
