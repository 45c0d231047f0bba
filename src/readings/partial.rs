//! Steps for which a source lacks data: a partial response of a server, or damaged files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use super::SourceName;
use crate::time::union;

/// Steps with partial responses, as ascending ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialSteps {
    /// Those of all clusters.
    of_all: Vec<Range<usize>>,
    /// In a history of several sources, those of the clusters of each.
    of_sources: BTreeMap<SourceName, Vec<Range<usize>>>,
}

impl PartialSteps {
    /// Adds steps of all clusters.
    pub(super) fn add(&mut self, steps: &[Range<usize>]) {
        self.of_all = union(self.of_all.iter().chain(steps));
    }

    /// Adds steps of the clusters of one source.
    pub(super) fn add_of(&mut self, source: &SourceName, steps: &[Range<usize>]) {
        if !steps.is_empty() {
            let there = self.of_sources.entry(source.clone()).or_default();
            *there = union(there.iter().chain(steps));
        }
    }

    /// Adds those of another window of the same steps.
    pub(super) fn merge(&mut self, other: &Self) {
        self.add(&other.of_all);
        other.of_sources.iter().for_each(|(source, steps)| self.add_of(source, steps));
    }

    /// These steps, of the clusters of one source only.
    #[must_use]
    pub(super) fn only_of(self, source: &SourceName) -> Self {
        let mut only = Self::default();
        only.add_of(source, &self.of_all);
        only
    }

    /// The same steps, of sources with other names.
    #[must_use]
    pub(super) fn renamed(self, name: impl Fn(&SourceName) -> SourceName) -> Self {
        let of_sources = self.of_sources.into_iter().map(|(source, steps)| (name(&source), steps)).collect();
        Self { of_sources, ..self }
    }

    /// The steps of any cluster.
    pub fn steps(&self) -> Vec<Range<usize>> {
        union(self.of_all.iter().chain(self.of_sources.values().flatten()))
    }

    /// The steps of one cluster.
    pub fn of_cluster(&self, cluster: &str) -> Cow<'_, [Range<usize>]> {
        match self.of_sources.iter().find(|(source, _)| source.has(cluster)) {
            Some((_, own)) => Cow::Owned(union(self.of_all.iter().chain(own))),
            None => Cow::Borrowed(&self.of_all),
        }
    }

    /// The steps by source; empty in a history of a single source.
    pub(crate) fn of_sources(&self) -> &BTreeMap<SourceName, Vec<Range<usize>>> {
        &self.of_sources
    }

    /// Whether no step has a partial response.
    pub fn is_empty(&self) -> bool {
        self.of_all.is_empty() && self.of_sources.is_empty()
    }
}
