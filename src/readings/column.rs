//! The readings of one column, merged from the series of a source.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{IDLE, Member, is_idle, is_missing};
use crate::spec::{Column, Companion, version_number};
use crate::time::union;

/// The readings of one column: `grid.len()` values for each member, NaN where missing, [`IDLE`] where idle.
#[derive(Debug)]
pub struct ColumnReadings {
    pub(super) column: Column,
    pub(super) rows: BTreeMap<Member, Vec<f64>>,
    pub(super) partial: Vec<Range<usize>>,
}

impl ColumnReadings {
    /// An empty set of readings for this column.
    pub fn of(column: impl Into<Column>) -> Self {
        Self { column: column.into(), rows: BTreeMap::new(), partial: Vec::new() }
    }

    /// Adds a series. Its values start at step `offset` of a grid of `len` steps.
    ///
    /// If two series have a value for the same member and step, the worse one is kept, regardless of their order: the
    /// higher value of a metric, the later start time, the smaller limit. A value replaces an idle reading, because the
    /// process behind the value was not idle. An idle reading replaces a missing one. In a column that cannot be idle,
    /// an idle reading counts as missing.
    pub fn merge_series(&mut self, member: Member, len: usize, offset: usize, values: &[f64]) {
        let row = self.rows.entry(member).or_insert_with(|| vec![f64::NAN; len]);
        let steps = row[offset..offset + values.len()].iter_mut().zip(values);
        let can_be_idle = self.column.can_be_idle();
        let worse = match self.column {
            Column::Companion(Companion::Quota | Companion::MaxFds) => smaller_limit,
            // A member that knows no leader, in the view of any scrape; or that votes: of a learner that was promoted and has
            // other labels since, the series under the old ones goes on for a day.
            Column::Companion(Companion::HasLeader | Companion::IsLearner) => f64::min,
            Column::Metric(_) | Column::Companion(_) => f64::max,
        };
        for (known, &value) in steps {
            // No arithmetic with NaN: it would not keep the bits that tell idle from missing.
            match (known.is_nan(), value.is_nan()) {
                (true, false) => *known = value,
                (false, false) => *known = worse(*known, value),
                (true, true) if can_be_idle && is_idle(value) => *known = IDLE,
                (_, true) => {}
            }
        }
    }

    /// Adds a series that starts with the grid. `label` returns the value of one of its labels: of a column whose
    /// readings are in a label, the number that this stands for is the reading wherever the series has a value. Other texts
    /// than versions are no readings.
    pub(crate) fn merge_labeled<'a>(
        &mut self,
        member: Member,
        len: usize,
        label: impl Fn(&str) -> Option<&'a str>,
        values: &[f64],
    ) {
        let Some(name) = self.column.label() else { return self.merge_series(member, len, 0, values) };
        let reading = label(name).and_then(version_number).unwrap_or(f64::NAN);
        let read: Vec<f64> = values.iter().map(|value| if value.is_nan() { f64::NAN } else { reading }).collect();
        self.merge_series(member, len, 0, &read);
    }

    /// Adds readings of the same column from a part of the grid: `other` starts at step `offset`, and the
    /// whole grid has `len` steps.
    pub fn merge(&mut self, other: Self, len: usize, offset: usize) {
        let partial = other.partial.iter().map(|steps| steps.start + offset..steps.end + offset);
        self.partial = union(self.partial.iter().chain(&partial.collect::<Vec<_>>()));
        for (member, values) in other.rows {
            self.merge_series(member, len, offset, &values);
        }
    }

    /// Marks steps at which the server reported a partial response.
    pub fn mark_partial(&mut self, steps: Range<usize>) {
        self.partial = union(self.partial.iter().chain([&steps]));
    }

    /// The number of members, including those without a reading.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The members with at least one reading, which may be idle.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.rows.iter().filter(|(_, values)| !values.iter().all(|&v| is_missing(v))).map(|(member, _)| member)
    }

    /// Member and step index of every reading with a value: neither missing nor idle.
    pub fn known(&self) -> impl Iterator<Item = (&Member, usize)> {
        self.steps_where(|v| !v.is_nan())
    }

    /// Member and step index of every idle reading.
    pub fn idle(&self) -> impl Iterator<Item = (&Member, usize)> {
        self.steps_where(is_idle)
    }

    fn steps_where(&self, is_one: fn(f64) -> bool) -> impl Iterator<Item = (&Member, usize)> {
        self.rows.iter().flat_map(move |(member, values)| {
            values.iter().enumerate().filter(move |(_, v)| is_one(**v)).map(move |(i, _)| (member, i))
        })
    }
}

/// The stricter of two limits. Zero or less means unlimited, so a positive limit wins.
fn smaller_limit(one: f64, other: f64) -> f64 {
    match (one > 0.0, other > 0.0) {
        (true, true) => one.min(other),
        (true, false) => one,
        (false, true) => other,
        (false, false) => one.max(other),
    }
}
