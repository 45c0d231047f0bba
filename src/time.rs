//! Instants, steps, ranges, UTC days, local cells and grids of steps, with the texts that users write for them.
//!
//! Every instant is an `i64` in milliseconds since the Unix epoch, UTC. Only `local.rs` uses time zones. This
//! module neither reads a clock (callers pass the current time in) nor writes durations for messages.

mod day;
mod error;
mod grid;
mod instant;
mod local;
mod range;
mod step;
mod stretches;

pub use day::UtcDay;
pub use error::TimeError;
pub use grid::Grid;
pub use instant::{format_instant, parse_instant};
pub use local::{CellWidth, LocalCell, Zone};
pub use range::TimeRange;
pub use step::Step;
pub use stretches::{count_within, stretches, union, union_of_ranges};

/// Milliseconds in an hour, the default width of a cell.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a UTC day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

#[cfg(test)]
mod of_tests {
    //! An instant and a step for tests of this room.

    use super::Step;

    /// 2026-09-21T14:13:20Z, according to `date -u -d @1790000000`.
    pub(super) const NOW: i64 = 1_790_000_000_000;

    pub(super) fn minute() -> Step {
        Step::from_millis(60_000).expect("a step")
    }
}
