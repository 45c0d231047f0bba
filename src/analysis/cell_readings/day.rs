//! Reduces a UTC day to the median and the maximum of each cell.

use std::ops::Range;
use std::sync::Arc;

use super::{Spread, columns};
use crate::analysis::findings::median;
use crate::heatmap::Folding;
use crate::readings::Window;
use crate::score::{ABSENT, DayScores};
use crate::spec::{Column, Companion};

/// The readings of one UTC day, cell by cell.
#[derive(Clone, Debug)]
pub(crate) struct DayReadings {
    pub(super) clusters: Vec<ClusterDay>,
}

/// One cluster's part of a day.
#[derive(Clone, Debug)]
pub(super) struct ClusterDay {
    pub(super) cluster: Arc<str>,
    /// The members of the day, sorted; [`Part::member`] is an index into this list.
    pub(super) members: Vec<Arc<str>>,
    /// The cells with a reading.
    pub(super) cells: Vec<DayCell>,
}

/// A cell, or the part of it that lies within the day.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DayCell {
    pub(super) start_ms: i64,
    /// Whether the cell continues on the next UTC day.
    pub(super) continues: bool,
    /// The metrics, then the evidence.
    pub(super) columns: Vec<Option<Part>>,
}

/// The readings of a column in a cell or in a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    p50: f64,
    max: f64,
    member: u16,
    /// All readings, if UTC midnight cuts the cell: medians of two parts do not give the median of both.
    values: Vec<f64>,
}

impl DayReadings {
    /// Reduces a day; `scores` must be those of `window`. A reading counts while its member is expected: the gauge of
    /// leader changes outlives its member by a day. `evidence` is what [`super::ReadingCells::new`] got.
    pub(crate) fn new(folding: Folding, window: &Window, scores: &DayScores, evidence: &[Companion]) -> Self {
        let grid = &scores.grid;
        let places = folding.zone.cells(grid, folding.width);
        let tomorrow = folding.zone.cell_at(grid.at(grid.len()), folding.width);
        let all = columns(evidence);
        let mut values = Vec::new();
        let clusters = scores.clusters().map(|members| {
            let cells = places.iter().filter_map(|(place, steps)| {
                let continues = *place == tomorrow;
                let is_cut = continues || place.start_ms < grid.first_ms();
                let part = |column: &Column| {
                    Part::of(window, scores, *column, members.clone(), steps, &mut values).map(|mut part| {
                        if is_cut {
                            part.values.clone_from(&values);
                        }
                        part
                    })
                };
                let columns: Vec<Option<Part>> = all.iter().map(part).collect();
                let is_known = columns.iter().any(Option::is_some);
                is_known.then_some(DayCell { start_ms: place.start_ms, continues, columns })
            });
            let cells = cells.collect();
            let of = &scores.members[members];
            let members = of.iter().map(|member| member.member.clone()).collect();
            ClusterDay { cluster: of[0].cluster.clone(), members, cells }
        });
        Self { clusters: clusters.collect() }
    }
}

impl DayCell {
    /// Replaces the indices of members by those of the whole cluster.
    pub(super) fn rename(&mut self, indices: &[u16]) {
        for part in self.columns.iter_mut().flatten() {
            part.member = indices[usize::from(part.member)];
        }
    }

    /// Adds the second part of the cell.
    pub(super) fn merge(&mut self, second: Self) {
        for (part, second) in self.columns.iter_mut().zip(second.columns) {
            *part = match (part.take(), second) {
                (Some(first), Some(second)) => Some(first.and(second)),
                (first, second) => first.or(second),
            };
        }
    }
}

impl Part {
    /// The readings of these members and steps; `None` without any. `values` is space for them.
    fn of(
        window: &Window,
        scores: &DayScores,
        column: Column,
        members: Range<usize>,
        steps: &Range<usize>,
        values: &mut Vec<f64>,
    ) -> Option<Self> {
        values.clear();
        let mut highest: Option<(f64, usize)> = None;
        for (place, index) in members.enumerate() {
            let readings = window.row(column, index)[steps.clone()].iter().zip(&scores.codes(index)[steps.clone()]);
            for (&reading, _) in readings.filter(|(reading, code)| !reading.is_nan() && **code != ABSENT) {
                let reading = if column.companion() == Some(Companion::HasLeader) { 1.0 - reading } else { reading };
                values.push(reading);
                if highest.is_none_or(|(max, _)| reading > max) {
                    highest = Some((reading, place));
                }
            }
        }
        let (max, place) = highest?;
        Some(Self { p50: median(values)?, max, member: u16::try_from(place).unwrap_or(u16::MAX), values: Vec::new() })
    }

    fn and(mut self, second: Self) -> Self {
        self.values.extend(second.values);
        let is_higher = second.max > self.max || (second.max == self.max && second.member < self.member);
        let (max, member) = if is_higher { (second.max, second.member) } else { (self.max, self.member) };
        Self { p50: median(&mut self.values).unwrap_or(self.p50), max, member, values: Vec::new() }
    }

    pub(super) fn spread(self) -> Spread {
        Spread { p50: self.p50 as f32, max: self.max as f32, member: self.member }
    }
}
