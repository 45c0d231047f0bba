//! Run-length encoding of a state over time.

use crate::time::{Grid, TimeRange};

/// A stretch of steps with the same state; the end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run<T> {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) state: T,
}

impl<T> Run<T> {
    pub(super) fn span(&self) -> TimeRange {
        TimeRange { start_ms: self.start_ms, end_ms: self.end_ms }
    }
}

impl<T: PartialEq> Run<T> {
    /// Extends the run by one that continues it; `false` if that one does not.
    pub(super) fn extends_by(&mut self, next: &Self) -> bool {
        let continues = self.state == next.state && self.end_ms == next.start_ms;
        if continues {
            self.end_ms = next.end_ms;
        }
        continues
    }
}

/// The runs that overlap a range; `runs` must be sorted.
pub(super) fn within<T>(runs: &[Run<T>], range: TimeRange) -> &[Run<T>] {
    let from = runs.partition_point(|run| run.end_ms <= range.start_ms);
    let to = runs.partition_point(|run| run.start_ms < range.end_ms);
    &runs[from.min(to)..to]
}

/// Encodes one state per step; `None` is a missing state. A gap of at most `bridged_ms` between equal states is closed.
pub(super) fn runs<T: PartialEq + Copy>(
    grid: &Grid,
    states: impl Iterator<Item = Option<T>>,
    bridged_ms: i64,
) -> Vec<Run<T>> {
    let mut runs: Vec<Run<T>> = Vec::new();
    for (step, state) in states.enumerate() {
        let Some(state) = state else { continue };
        let (start_ms, end_ms) = (grid.at(step), grid.at(step + 1));
        match runs.last_mut() {
            Some(last) if last.state == state && start_ms - last.end_ms <= bridged_ms => last.end_ms = end_ms,
            _ => runs.push(Run { start_ms, end_ms, state }),
        }
    }
    runs
}

/// Appends the runs of the next day; a run that continues across midnight is joined.
pub(super) fn append<T: PartialEq + Copy>(track: &mut Vec<Run<T>>, day: Vec<Run<T>>) {
    for run in day {
        if !track.last_mut().is_some_and(|last| last.extends_by(&run)) {
            track.push(run);
        }
    }
}
