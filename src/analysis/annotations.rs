//! Annotations: planned moves, defragmentations and deploys that people noted, each with a time, a cluster and a text.
//!
//! They come from a CSV file and stand beside findings; no score, loss or rank depends on them.

mod reader;
mod records;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;

pub use reader::{AnnotationsError, Fault, MOST_BYTES, read};

use crate::text::named::named;
use crate::time::TimeRange;

/// An annotation without an end counts from this long before its time until this long after it: people note when they
/// began or when they were done, and a percentile over five minutes shows work up to five minutes later.
pub const INSTANT_SLACK_MS: i64 = 10 * 60_000;
/// An annotation with an end counts this much longer at both ends: readings look back five minutes.
pub const RANGE_SLACK_MS: i64 = 5 * 60_000;

named! {
    /// What was done.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum AnnotationKind {
        /// The leadership of a cluster was handed to another member.
        PlannedMove = "planned_move",
        /// A database was defragmented.
        Defragmentation = "defragmentation",
        /// A new version or configuration was rolled out.
        Deploy = "deploy",
        /// Anything else.
        Other = "other",
    }
    parsed "unknown kind"
}

/// One note of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// The line of the file at which it begins, from 1.
    pub line: usize,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// After `at_ms`; `None` for an instant.
    pub end_ms: Option<i64>,
    /// `None` for every cluster.
    pub cluster: Option<String>,
    pub kind: AnnotationKind,
    /// At most 500 characters on one line, as the user wrote them: sanitize before showing them.
    pub text: String,
}

impl Annotation {
    /// The time for which it counts, with the slack at both ends.
    pub fn reach(&self) -> TimeRange {
        let slack_ms = if self.end_ms.is_some() { RANGE_SLACK_MS } else { INSTANT_SLACK_MS };
        TimeRange { start_ms: self.at_ms - slack_ms, end_ms: self.end_ms.unwrap_or(self.at_ms) + slack_ms }
    }

    /// Whether it is about this cluster.
    pub fn is_of(&self, cluster: &str) -> bool {
        self.cluster.as_deref().is_none_or(|own| own == cluster)
    }
}

/// The annotations of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// By time, then by line.
    all: Vec<Annotation>,
    /// The length of the longest reach: no annotation that begins earlier before a range can overlap it.
    longest_ms: i64,
}

impl Annotations {
    /// Sorts the annotations by time, then by line.
    pub fn new(mut all: Vec<Annotation>) -> Self {
        all.sort_by_key(|annotation| (annotation.at_ms, annotation.line));
        let lengths = all.iter().map(|one| one.reach().end_ms - one.reach().start_ms);
        let longest_ms = lengths.max().unwrap_or(0);
        Self { all, longest_ms }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Annotation> {
        self.all.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those of a cluster (or of every cluster) whose [`Annotation::reach`] overlaps a range, in order of time.
    pub fn near(&self, cluster: &str, range: TimeRange) -> impl Iterator<Item = &Annotation> {
        // A reach holds its annotation's time, so the time is less than a reach away from what the reach overlaps.
        let first = self.all.partition_point(|one| one.at_ms < range.start_ms.saturating_sub(self.longest_ms));
        let end = self.all.partition_point(|one| one.at_ms <= range.end_ms.saturating_add(self.longest_ms));
        let close = self.all.get(first..end).unwrap_or_default();
        close.iter().filter(move |one| one.is_of(cluster) && one.reach().intersect(range).is_some())
    }

    /// The clusters that are not among the `known` ones, each with the first line that names it.
    pub fn unknown_clusters(&self, known: &[&str]) -> Vec<(&str, usize)> {
        let mut unknown: Vec<(&str, usize)> = Vec::new();
        for annotation in &self.all {
            let Some(cluster) = annotation.cluster.as_deref().filter(|name| !known.contains(name)) else { continue };
            match unknown.iter_mut().find(|(name, _)| *name == cluster) {
                Some((_, line)) => *line = annotation.line.min(*line),
                None => unknown.push((cluster, annotation.line)),
            }
        }
        unknown.sort_by_key(|(_, line)| *line);
        unknown
    }
}
