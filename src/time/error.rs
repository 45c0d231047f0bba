//! Errors of times, steps, time zones, cell widths and ranges.

use super::Step;

/// An unusable time, step, time zone, cell width or range. Each message includes a remedy.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TimeError {
    /// The text is not a time in any accepted format.
    #[error(
        "'{0}' is not a time: write RFC 3339 (2026-10-01T00:00:00Z), a date (2026-10-01), month or year, seconds since 1970, now, now-30d, or now-1d/d for midnight"
    )]
    NotATime(String),
    /// A number so large that it must be in milliseconds.
    #[error("'{0}' looks like milliseconds: write the time in seconds since 1970")]
    Milliseconds(String),
    /// The text is not a duration such as `1m`.
    #[error("'{0}' is not a step: write a duration such as 15s, 1m or 5m")]
    NotAStep(String),
    /// A duration that is zero, longer than an hour, or not in whole seconds.
    #[error("a step of {0} cannot be used: give whole seconds, from 1s to 1h")]
    StepOutOfRange(String),
    /// The IANA database has no time zone of this name.
    #[error("'{0}' is not a time zone: write an IANA name such as Europe/Berlin, America/New_York or UTC")]
    NotAZone(String),
    /// A local time that is skipped when clocks go forward.
    #[error("{text} does not exist in {zone}, where clocks skip it: give an earlier or later time")]
    NoSuchLocalTime {
        /// The local time as the user wrote it.
        text: String,
        /// The name of the time zone.
        zone: String,
    },
    /// A cell width other than 15m, 30m, 1h and 2h.
    #[error("'{0}' is not the width of a cell: write 15m, 30m, 1h or 2h")]
    NotACellWidth(String),
    /// A start that is not before the end.
    #[error("the range is empty: its start {start} is not before its end {end}; give a --start before --end")]
    EmptyRange {
        /// The start of the requested range.
        start: String,
        /// The end of the requested range.
        end: String,
    },
    /// A range without any multiple of the step.
    #[error(
        "the range {start} to {end} contains no multiple of the step {step}: widen the range or give a shorter --step"
    )]
    NoStep {
        /// The start of the requested range.
        start: String,
        /// The end of the requested range.
        end: String,
        /// The step that the user requested.
        step: Step,
    },
    /// Samples that are later than now by far.
    #[error("the samples begin at {first}, in the future: check that their timestamps are in seconds")]
    FutureSamples {
        /// The time of the first sample.
        first: String,
    },
    /// A range that starts after the current time.
    #[error("the range starts in the future: its start {start} is after now, {now}; give an earlier --start")]
    FutureRange {
        /// The start of the requested range.
        start: String,
        /// The current time of this machine.
        now: String,
    },
}
