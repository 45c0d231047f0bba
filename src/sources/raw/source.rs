//! Reads windows from raw samples: implements `ReadingSource` for every store.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::oneshot;

use super::error::RawError;
use super::identity::verify;
use super::queries::Queries;
use super::store::{SampleStore, while_changing};
use crate::readings::identity::Identity;
use crate::readings::{NamingLabels, Progress, ReadingSource, Source, Window, Work, days_at_once};
use crate::sources::promql::Version;
use crate::time::{DAY_MS, Step, TimeRange, UtcDay};

/// How samples become readings: the rules that do not depend on the store.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) naming: NamingLabels,
    /// The matchers of `--selector`, for advice about them.
    pub(crate) selector: String,
    /// The Prometheus whose results are computed.
    pub(crate) version: Version,
    /// Whether the user chose the version.
    pub(crate) is_version_chosen: bool,
    pub(crate) step: Step,
}

/// A store with its chosen queries, as a source of readings.
#[derive(Debug)]
pub(crate) struct RawSource<S>(Arc<Inner<S>>);

#[derive(Debug)]
struct Inner<S> {
    store: S,
    rules: Rules,
    queries: Queries,
    description: Source,
    /// Days outside it are left out, because the store has no series there.
    kept: TimeRange,
    /// The largest number of members in any window so far.
    members: AtomicUsize,
    days: AtomicU64,
    readings: AtomicU64,
}

impl<S: SampleStore> RawSource<S> {
    /// A source that computes the queries in `description`, which [`choose`](super::choose) has parsed, on the days of
    /// `kept`.
    pub(super) fn new(store: S, rules: Rules, queries: Queries, description: Source, kept: TimeRange) -> Self {
        let [days, readings] = [const { AtomicU64::new(0) }; 2];
        let members = AtomicUsize::new(0);
        Self(Arc::new(Inner { store, rules, queries, description, kept, members, days, readings }))
    }
}

impl<S: SampleStore> ReadingSource for RawSource<S> {
    type Error = RawError<S::Error>;

    fn describe(&self) -> &Source {
        &self.0.description
    }

    fn parts(&self, range: TimeRange) -> Vec<(UtcDay, TimeRange)> {
        range.day_parts().filter(|(_, part)| self.0.kept.intersect(*part).is_some()).collect()
    }

    async fn identity(&self, range: TimeRange) -> Identity {
        let inner = Arc::clone(&self.0);
        let range = inner.kept.intersect(range).unwrap_or(range);
        let verified = on_threads(move || {
            while_changing(&inner.store, || verify(&inner.store, &inner.queries, &inner.rules, range))
        })
        .await;
        match verified {
            Some(Ok(identity)) => identity,
            failed => {
                let cause = failed.and_then(Result::err).map(|error| format!(": {error}")).unwrap_or_default();
                let notes = vec![format!("could not verify that each member is a single process{cause}")];
                Identity { notes, ..Identity::default() }
            }
        }
    }

    fn work(&self, parts: &[(UtcDay, TimeRange)]) -> Work {
        Work { unit: "days", total: parts.len() as u64 }
    }

    /// A day for each thread, so that one computes while another day is written; fewer if they do not fit into memory.
    fn in_flight(&self) -> usize {
        let columns = self.0.queries.columns().count();
        let steps = usize::try_from(DAY_MS / self.0.rules.step.millis()).unwrap_or(usize::MAX);
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let members = self.0.members.load(Ordering::Relaxed);
        threads.min(4).min(days_at_once(members, steps, columns)).max(1)
    }

    async fn read(&self, part: TimeRange) -> Result<Window, RawError<S::Error>> {
        let inner = Arc::clone(&self.0);
        on_threads(move || inner.window(part)).await.unwrap_or(Err(RawError::Interrupted))
    }

    fn progress(&self) -> Progress {
        Progress {
            done: self.0.days.load(Ordering::Relaxed),
            samples: self.0.readings.load(Ordering::Relaxed),
            bytes: self.0.store.bytes_read(),
        }
    }

    fn notes(&self) -> Vec<String> {
        self.0.store.notes()
    }
}

/// Runs work on the threads that compute, so that those of the runtime stay free. `None` if the work panicked.
pub(crate) async fn on_threads<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    // The receiver is gone if the pull was stopped; the result is of no use then.
    rayon::spawn(move || drop(sender.send(work())));
    receiver.await.ok()
}

impl<S: SampleStore> Inner<S> {
    fn window(&self, part: TimeRange) -> Result<Window, RawError<S::Error>> {
        let window = while_changing(&self.store, || self.queries.window(&self.store, &self.rules, part))?;
        self.count(&window);
        Ok(window)
    }

    fn count(&self, window: &Window) {
        self.members.fetch_max(window.members().len(), Ordering::Relaxed);
        self.days.fetch_add(1, Ordering::Relaxed);
        let known: u64 = self.queries.columns().map(|column| window.known_readings(column)).sum();
        self.readings.fetch_add(known, Ordering::Relaxed);
    }
}
