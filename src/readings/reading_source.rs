//! The seam between the program and the places that readings come from.

use super::{Source, Window};
use crate::time::{TimeRange, UtcDay};

/// A place that readings are pulled from: a server, files, the sample. A pull knows nothing else about it.
pub(crate) trait ReadingSource {
    /// Why a part of a day cannot be read.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The description that each day of the history and the manifest keep. It is equal for all days, and two pulls go
    /// into one history only if theirs are equal.
    fn describe(&self) -> &Source;

    /// The parts of days that it can give of a range, in order; at most one part a day.
    fn parts(&self, range: TimeRange) -> Vec<(UtcDay, TimeRange)>;

    /// How much work it is to read these parts, as far as can be foreseen.
    fn work(&self, parts: &[(UtcDay, TimeRange)]) -> Work;

    /// How many parts to read at once.
    fn in_flight(&self) -> usize;

    /// Reads a part of a day on the multiples of the step. A part that fails does not affect the others.
    fn read(&self, part: TimeRange) -> impl Future<Output = Result<Window, Self::Error>>;

    /// What has been read so far.
    fn progress(&self) -> Progress;

    /// What the user should know about how reading went: retries, warnings of a server.
    fn notes(&self) -> Vec<String>;
}

/// An amount of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// What is counted, in the plural, such as `queries`.
    pub(crate) unit: &'static str,
    /// How many of them there are.
    pub(crate) total: u64,
}

/// What a source has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Units of work done.
    pub(crate) done: u64,
    /// Samples read.
    pub(crate) samples: u64,
    /// Bytes they were read from, unpacked where the transport packs them.
    pub(crate) bytes: u64,
}
