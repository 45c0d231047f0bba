//! Counts the traffic of a run.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of answers, retries and splits, shared by all queries.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    queries: AtomicU64,
    samples: AtomicU64,
    bytes: AtomicU64,
    again: AtomicU64,
    halved: AtomicU64,
    split: AtomicU64,
}

impl Traffic {
    /// The totals of all queries so far.
    pub(crate) fn received(&self) -> Received {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Received {
            queries: count(&self.queries),
            samples: count(&self.samples),
            bytes: count(&self.bytes),
            again: count(&self.again),
            halved: count(&self.halved),
            split: count(&self.split),
        }
    }

    pub(super) fn add(&self, samples: u64, bytes: u64) {
        self.queries.fetch_add(1, Ordering::Relaxed);
        self.samples.fetch_add(samples, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts samples of answers whose bytes were counted before.
    pub(super) fn add_samples(&self, samples: u64) {
        self.samples.fetch_add(samples, Ordering::Relaxed);
    }

    pub(super) fn count_again(&self) {
        self.again.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts refused queries whose parts the server then answered: by halving the window, or by splitting the series.
    pub(super) fn count_smaller(&self, halved: u64, split: u64) {
        self.halved.fetch_add(halved, Ordering::Relaxed);
        self.split.fetch_add(split, Ordering::Relaxed);
    }
}

/// Totals of the traffic at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Range and instant queries that were answered.
    pub(crate) queries: u64,
    /// Samples in all answers together.
    pub(crate) samples: u64,
    /// Bytes of the answers, uncompressed.
    pub(crate) bytes: u64,
    /// Number of times a query was retried.
    pub(crate) again: u64,
    /// Number of windows that the server refused as too large.
    pub(crate) halved: u64,
    /// Number of queries that the server refused for too many series.
    pub(crate) split: u64,
}

impl Received {
    /// The traffic between the earlier totals `before` and these totals.
    #[must_use]
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            queries: self.queries - before.queries,
            samples: self.samples - before.samples,
            bytes: self.bytes - before.bytes,
            again: self.again - before.again,
            halved: self.halved - before.halved,
            split: self.split - before.split,
        }
    }
}
