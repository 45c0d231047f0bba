//! Counts what goes over the wire.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what comes over the wire, and what had to be asked again.
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
    /// What has come so far.
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

    pub(super) fn count_again(&self) {
        self.again.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_halved(&self) {
        self.halved.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_split(&self) {
        self.split.fetch_add(1, Ordering::Relaxed);
    }
}

/// What has come over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Range queries answered.
    pub(crate) queries: u64,
    /// Samples in their answers.
    pub(crate) samples: u64,
    /// Bytes of the answers, unpacked.
    pub(crate) bytes: u64,
    /// How often a query was tried again.
    pub(crate) again: u64,
    /// How often the server refused a window as too large.
    pub(crate) halved: u64,
    /// How often it refused a query of too many series.
    pub(crate) split: u64,
}

impl Received {
    /// What has come since then.
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
