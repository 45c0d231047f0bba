//! Stretches in which a cluster has an even number of members.

use super::margin::even_tolerance;
use super::{LEAST_MS, Membership};
use crate::time::{DAY_MS, HOUR_MS, TimeRange};

/// A cluster that grows from three members to five has four of them for a while, and one whose member is replaced may have one
/// more until the old one has gone.
const LASTS_MS: i64 = DAY_MS;
/// At the end of the history, nothing says for how long it goes on.
const OPEN_LASTS_MS: i64 = HOUR_MS;

/// A stretch of time in which a cluster has an even number of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EvenSize {
    pub(crate) range: TimeRange,
    pub(crate) members: usize,
    /// Whether it lasts until the end of the history.
    pub(crate) is_open: bool,
}

impl EvenSize {
    /// `4 members tolerate 1 failure, like 3`
    pub(crate) fn tolerance(&self) -> String {
        even_tolerance(self.members)
    }
}

impl Membership {
    /// The stretches with an even number of members that last. While members are missing, the cluster has the size that is
    /// expected of it, which is told with the missing ones.
    pub(crate) fn even_sizes(&self) -> Vec<EvenSize> {
        let end_ms = self.range.end_ms;
        let is_even = |(range, members): &(TimeRange, usize)| {
            *members > 0 && members.is_multiple_of(2) && *members >= self.expected_at(range.start_ms)
        };
        let stretches = self.timeline.stretches(end_ms).into_iter().filter(is_even);
        let sizes = stretches.map(|(range, members)| {
            let is_open = end_ms - range.end_ms < LEAST_MS;
            EvenSize { range, members, is_open }
        });
        let lasts = |size: &EvenSize| {
            let ms = size.range.end_ms - size.range.start_ms;
            let is_all = size.range.start_ms == self.range.start_ms;
            ms >= LASTS_MS || (size.is_open && (ms >= OPEN_LASTS_MS || is_all))
        };
        sizes.filter(lasts).collect()
    }
}
