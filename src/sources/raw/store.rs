//! The interface to stores of raw samples.

use std::ops::Range;
use std::sync::Arc;

use crate::sources::tsdb::block::Samples;

/// Name and value of a label.
pub(crate) type Label = (Arc<str>, Arc<str>);

pub(crate) use crate::sources::tsdb::block::{METRIC_NAME, label_of};

/// Whether the series with these labels is of one of these metrics.
pub(crate) fn is_named(labels: &[Label], names: &[&str]) -> bool {
    label_of(labels, METRIC_NAME).is_some_and(|name| names.contains(&name))
}

/// Raw samples of many series, read when they are needed. Several threads can read at once.
pub(crate) trait SampleStore: Send + Sync + 'static {
    /// Why samples cannot be read.
    type Error: std::error::Error + Send + Sync + 'static;
    /// A series of the store.
    type Series: Send + Sync;

    /// The series of these metrics that may have samples in the half-open range of milliseconds, sorted by their labels.
    fn series(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<Self::Series>, Self::Error>;

    /// The labels of a series, sorted by name, with the metric's name.
    fn labels<'a>(&'a self, series: &'a Self::Series) -> &'a [Label];

    /// Announces which samples are read next, each a series and a half-open range of milliseconds. A store where each read is a
    /// request fetches them together.
    fn fetch<'a>(&'a self, _wanted: &dyn Fn() -> Vec<(&'a Self::Series, Range<i64>)>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// After a failure: whether the store has changed since it was opened, so that the same may succeed now.
    fn has_changed(&self) -> bool {
        false
    }

    /// The samples of a series in a half-open range of milliseconds.
    fn samples(&self, series: &Self::Series, range_ms: &Range<i64>) -> Result<Samples, Self::Error>;

    /// When the series of these metrics have samples, without reading the samples. Sorted by labels.
    fn survey(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<Sighted>, Self::Error>;

    /// The times of which samples may be missing, because a part of the store is damaged.
    fn lost(&self) -> &[LostSpan];

    /// How many bytes have been read so far.
    fn bytes_read(&self) -> u64;

    /// Notes for the user about what was read.
    fn notes(&self) -> Vec<String>;
}

/// How often something is read at most, while its store changes.
const ATTEMPTS: usize = 3;

/// Reads again after a failure if the store has changed meanwhile, such as a bucket whose compactor replaced blocks.
pub(super) fn while_changing<S: SampleStore, T, E>(store: &S, read: impl Fn() -> Result<T, E>) -> Result<T, E> {
    for _ in 1..ATTEMPTS {
        match read() {
            Err(_) if store.has_changed() => {}
            done => return done,
        }
    }
    read()
}

/// A series and when it has samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighted {
    pub(crate) labels: Vec<Label>,
    /// Time of the first sample in the range, or of the chunk that holds it.
    pub(crate) first_ms: i64,
    /// Time of the last sample in the range, or of the chunk that holds it.
    pub(crate) last_ms: i64,
    /// Estimated size of its samples in the store.
    pub(crate) bytes: u64,
}

impl Sighted {
    /// The value of a label.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        label_of(&self.labels, name)
    }

    /// The name of the metric.
    pub(crate) fn metric(&self) -> &str {
        self.label(METRIC_NAME).unwrap_or_default()
    }
}

/// A span of time of which samples may be missing, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LostSpan {
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    /// The metrics that may lack samples: this one and all later ones in the order of names. Empty means all metrics.
    pub(crate) from_metric: String,
}
