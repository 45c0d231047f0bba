//! The interface between a pull and the sources of readings.

use super::identity::Identity;
use super::{Source, Window};
use crate::time::{TimeRange, UtcDay};

/// A source of readings: a server or the embedded sample. A pull uses only this interface.
pub(crate) trait ReadingSource {
    /// Why a part of a day cannot be read.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The description of this source, stored in each day of the history and in the manifest. All days in a
    /// folder have the same description.
    fn describe(&self) -> &Source;

    /// The parts of the range that the source can provide, in order, at most one per UTC day.
    fn parts(&self, range: TimeRange) -> Vec<(UtcDay, TimeRange)>;

    /// Verifies that the series of each member in the range come from one process. By default, verifies nothing.
    fn identity(&self, _range: TimeRange) -> impl Future<Output = Identity> {
        std::future::ready(Identity::default())
    }

    /// An estimate of the work to read these parts, for the progress bar.
    fn work(&self, parts: &[(UtcDay, TimeRange)]) -> Work;

    /// How many parts to read concurrently.
    fn in_flight(&self) -> usize;

    /// Reads a part of a day, at the multiples of the step. Other parts can still be read after one fails.
    fn read(&self, part: TimeRange) -> impl Future<Output = Result<Window, Self::Error>>;

    /// How much has been read so far.
    fn progress(&self) -> Progress;

    /// Notes for the user after reading: retries, warnings of a server.
    fn notes(&self) -> Vec<String>;
}

/// Total amount of work of a pull, in units that the source chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// The name of the unit in the plural, such as `queries`.
    pub(crate) unit: &'static str,
    /// The number of units in the whole pull.
    pub(crate) total: u64,
}

/// How much a source has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The units of work done so far.
    pub(crate) done: u64,
    /// The number of samples read.
    pub(crate) samples: u64,
    /// The bytes read, after decompression.
    pub(crate) bytes: u64,
}
