//! A window of members × steps × columns.

use std::ops::Range;

use super::{ColumnReadings, Life, Lives, Member, PartialSteps, SourceName, is_idle, is_missing};
use crate::spec::{COLUMNS, Column, Companion, Metric};
use crate::time::{Grid, TimeRange, stretches};

/// The readings of one window: a UTC day, or the requested part of one.
///
/// Columns are member-major: the values of member `m` start at `m * grid.len()`. Missing readings are NaN, and idle ones
/// are [`IDLE`](super::IDLE).
#[derive(Clone, Debug)]
pub struct Window {
    grid: Grid,
    members: Vec<Member>,
    companions: Vec<Companion>,
    partial: PartialSteps,
    /// Steps that were never requested, as ascending ranges.
    unasked: Vec<Range<usize>>,
    /// Values by column index. The entry of a companion is empty if the window does not contain it.
    columns: [Vec<f64>; COLUMNS],
}

impl Window {
    /// A window with the six metrics and these companions, in which every reading is missing.
    /// `members` must be sorted and distinct.
    pub fn unknown(grid: Grid, members: Vec<Member>, companions: &[Companion]) -> Self {
        debug_assert!(members.is_sorted());
        let cells = members.len() * grid.len();
        let mut columns = [const { Vec::new() }; COLUMNS];
        for column in Metric::ALL.map(Column::from).into_iter().chain(companions.iter().map(|&c| c.into())) {
            columns[column.index()] = vec![f64::NAN; cells];
        }
        Self {
            grid,
            members,
            companions: companions.to_vec(),
            partial: PartialSteps::default(),
            unasked: Vec::new(),
            columns,
        }
    }

    /// Builds a window from columns. Its members are those with a reading, which may be idle, of at least one metric.
    /// Companion readings of other members are dropped.
    pub fn join(grid: Grid, columns: impl IntoIterator<Item = (Column, ColumnReadings)>) -> Self {
        let columns: Vec<(Column, ColumnReadings)> = columns.into_iter().collect();
        let is_metric = |column: &Column| matches!(column, Column::Metric(_));
        let mut members: Vec<Member> =
            columns.iter().filter(|(c, _)| is_metric(c)).flat_map(|(_, r)| r.members()).cloned().collect();
        members.sort_unstable();
        members.dedup();
        let companions: Vec<Companion> = columns.iter().filter_map(|(column, _)| column.companion()).collect();
        let cells = members.len() * grid.len();
        let mut window = Self::unknown(grid, Vec::new(), &companions);
        window.members = members;
        // Allocates one column at a time, after freeing the readings of the previous one, to halve peak memory.
        for (column, readings) in columns {
            window.mark_partial(&readings.partial);
            window.columns[column.index()] = vec![f64::NAN; cells];
            for (member, values) in readings.rows {
                if let Ok(index) = window.members.binary_search(&member) {
                    window.row_mut(column, index).copy_from_slice(&values);
                }
            }
        }
        for metric in Metric::ALL {
            window.columns[metric.index()].resize(cells, f64::NAN);
        }
        window
    }

    /// The steps of the window.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The members, sorted by cluster and name.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The companions (limits and start times) in the window.
    pub fn companions(&self) -> &[Companion] {
        &self.companions
    }

    /// The steps with partial responses.
    pub fn partial(&self) -> &PartialSteps {
        &self.partial
    }

    /// Adds steps with partial responses.
    pub fn mark_partial(&mut self, steps: &[Range<usize>]) {
        self.partial.add(steps);
    }

    /// Adds steps with partial responses of one of several sources.
    pub(crate) fn mark_partial_of(&mut self, source: &SourceName, steps: &[Range<usize>]) {
        self.partial.add_of(source, steps);
    }

    /// The window as the part of one among several sources: steps with partial responses are those of its clusters only.
    #[must_use]
    pub(crate) fn of_source(self, source: &SourceName) -> Self {
        Self { partial: self.partial.only_of(source), ..self }
    }

    /// The steps that were never requested, as ascending ranges: they are neither expected nor missing.
    pub fn unasked(&self) -> &[Range<usize>] {
        &self.unasked
    }

    /// Marks all steps outside these ranges as never requested.
    pub fn limit_to(&mut self, asked: &[TimeRange]) {
        let grid = self.grid;
        let is_asked = |step: &usize| asked.iter().any(|r| (r.start_ms..r.end_ms).contains(&grid.at(*step)));
        self.unasked = stretches((0..grid.len()).filter(|step| !is_asked(step)));
    }

    /// The readings of one column and member, one per step, NaN where missing, [`IDLE`](super::IDLE) where idle. Panics for a
    /// companion that the window does not contain.
    pub fn row(&self, column: impl Into<Column>, member: usize) -> &[f64] {
        let len = self.grid.len();
        &self.columns[column.into().index()][member * len..(member + 1) * len]
    }

    /// The readings of one column and member, for writing.
    pub fn row_mut(&mut self, column: impl Into<Column>, member: usize) -> &mut [f64] {
        let len = self.grid.len();
        &mut self.columns[column.into().index()][member * len..(member + 1) * len]
    }

    /// Whether the member has a reading, which may be idle, of any metric at the step.
    pub fn known_at(&self, member: usize, step: usize) -> bool {
        Metric::ALL.into_iter().any(|metric| !is_missing(self.row(metric, member)[step]))
    }

    /// The number of readings of the column with a value: neither missing nor idle.
    pub fn known_readings(&self, column: impl Into<Column>) -> u64 {
        self.columns[column.into().index()].iter().filter(|v| !v.is_nan()).count() as u64
    }

    /// The number of idle readings of the column.
    pub fn idle_readings(&self, column: impl Into<Column>) -> u64 {
        self.columns[column.into().index()].iter().filter(|v| is_idle(**v)).count() as u64
    }

    /// Restores readings that an earlier pull of the same steps has and this one lacks, including their members.
    ///
    /// A server drops samples older than its retention. What is left of a member near that limit may be wrong as well,
    /// because rates and changes are then computed from fewer samples. So if this pull lacks any reading of a member
    /// that the earlier one has, all of the member's earlier readings are restored. Otherwise this pull wins, because
    /// it may include samples that arrived late.
    #[must_use]
    pub(crate) fn with_lost_readings(mut self, earlier: &Self) -> Self {
        debug_assert_eq!(self.grid, earlier.grid);
        self.add_members(&earlier.members);
        let shared: Vec<Column> = Column::all().filter(|&column| self.holds(column) && earlier.holds(column)).collect();
        for (from, member) in earlier.members.iter().enumerate() {
            let Ok(to) = self.members.binary_search(member) else { continue };
            let pairs = |column: Column| self.row(column, to).iter().zip(earlier.row(column, from));
            if !shared.iter().any(|&column| pairs(column).any(|(new, old)| is_missing(*new) && !is_missing(*old))) {
                continue;
            }
            for &column in &shared {
                let steps = self.row_mut(column, to).iter_mut().zip(earlier.row(column, from));
                steps.filter(|(_, old)| !is_missing(**old)).for_each(|(new, &old)| *new = old);
            }
        }
        self
    }

    /// Adds those of `others` that the window lacks, as members whose readings are all missing.
    fn add_members(&mut self, others: &[Member]) {
        let mut members: Vec<Member> = self.members.iter().chain(others).cloned().collect();
        members.sort_unstable();
        members.dedup();
        if members.len() == self.members.len() {
            return;
        }
        let mut wider = Self { members, ..Self::unknown(self.grid, Vec::new(), &self.companions) };
        let cells = wider.members.len() * self.grid.len();
        for column in Column::all().filter(|&column| self.holds(column)) {
            wider.columns[column.index()] = vec![f64::NAN; cells];
            for (from, member) in self.members.iter().enumerate() {
                if let Ok(to) = wider.members.binary_search(member) {
                    wider.row_mut(column, to).copy_from_slice(self.row(column, from));
                }
            }
        }
        (self.members, self.columns) = (wider.members, wider.columns);
    }

    /// The window with only the members that `keeps` accepts.
    #[must_use]
    pub(crate) fn only(mut self, keeps: impl Fn(&Member) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.members.len()).filter(|index| keeps(&self.members[*index])).collect();
        if kept.len() == self.members.len() {
            return self;
        }
        let len = self.grid.len();
        for readings in self.columns.iter_mut().filter(|readings| !readings.is_empty()) {
            *readings = kept.iter().flat_map(|index| &readings[index * len..(index + 1) * len]).copied().collect();
        }
        self.members = kept.into_iter().map(|index| self.members[index].clone()).collect();
        self
    }

    /// The window with other names for its members, all different.
    #[must_use]
    pub(crate) fn renamed(self, name: impl Fn(&Member) -> Member) -> Self {
        let mut order: Vec<(Member, usize)> = self.members.iter().map(name).zip(0..).collect();
        order.sort_unstable();
        let len = self.grid.len();
        let in_order = |readings: Vec<f64>| match readings.is_empty() {
            true => readings,
            false => order.iter().flat_map(|(_, from)| &readings[from * len..(from + 1) * len]).copied().collect(),
        };
        let columns = self.columns.map(in_order);
        Self { members: order.into_iter().map(|(member, _)| member).collect(), columns, ..self }
    }

    /// The window with other names for the sources to whose clusters partial responses belong.
    #[must_use]
    pub(crate) fn with_sources_renamed(self, name: impl Fn(&SourceName) -> SourceName) -> Self {
        Self { partial: self.partial.renamed(name), ..self }
    }

    /// One window of the members of several, which have the same steps and columns and no member in common. Steps with
    /// partial responses are those of any of them.
    pub(crate) fn joined(grid: Grid, companions: &[Companion], parts: Vec<Self>) -> Self {
        let mut members: Vec<Member> = parts.iter().flat_map(|part| &part.members).cloned().collect();
        members.sort_unstable();
        let mut all = Self::unknown(grid, members, companions);
        let columns: Vec<Column> = Column::all().filter(|&column| all.holds(column)).collect();
        for part in parts {
            all.partial.merge(&part.partial);
            for (from, member) in part.members.iter().enumerate() {
                let Ok(to) = all.members.binary_search(member) else { continue };
                for &column in &columns {
                    all.row_mut(column, to).copy_from_slice(part.row(column, from));
                }
            }
        }
        all
    }

    fn holds(&self, column: Column) -> bool {
        column.companion().is_none_or(|companion| self.companions.contains(&companion))
    }

    /// When each member was first and last seen within this window.
    pub fn lives(&self) -> Lives {
        let mut lives = Lives::default();
        for (index, member) in self.members.iter().enumerate() {
            for metric in Metric::ALL.into_iter().filter(|m| m.shows_life()) {
                let row = self.row(metric, index);
                let first = row.iter().position(|v| !v.is_nan());
                let last = row.iter().rposition(|v| !v.is_nan());
                if let (Some(first), Some(last)) = (first, last) {
                    let life = Life { first_ms: self.grid.at(first), last_ms: self.grid.at(last) };
                    lives.add(member.clone(), life);
                }
            }
        }
        lives
    }
}
