//! One window of readings: members × steps × six metrics and their companions, in columns.

mod reading_source;
mod source;

pub(crate) use reading_source::{Progress, ReadingSource, Work};
pub use source::{Origin, QuerySource, Source};

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::spec::{COLUMNS, Column, Companion, Metric};
use crate::time::{Grid, TimeRange, stretches, union};

/// One etcd member of one cluster; sorted by cluster, then by member, in byte order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// The cluster's name, the value of the cluster label.
    pub cluster: Arc<str>,
    /// The member's name, the value of the member label.
    pub member: Arc<str>,
}

impl Member {
    /// A member by its two names.
    pub fn new(cluster: &str, member: &str) -> Self {
        Self { cluster: cluster.into(), member: member.into() }
    }
}

/// From the first to the last step at which one of a member's readings other than
/// `leader_changes` is known; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// First step with a sign of life.
    pub first_ms: i64,
    /// Last step with a sign of life.
    pub last_ms: i64,
}

/// The lives of the members of a window, a day or a whole history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lives(BTreeMap<Member, Life>);

impl Lives {
    /// Adds what another day knows: a member lives from its first sign of life to its last.
    pub fn merge(&mut self, other: &Self) {
        for (member, life) in &other.0 {
            self.add(member.clone(), *life);
        }
    }

    /// Adds one stretch of one member's life.
    pub fn add(&mut self, member: Member, life: Life) {
        self.0
            .entry(member)
            .and_modify(|known| {
                known.first_ms = known.first_ms.min(life.first_ms);
                known.last_ms = known.last_ms.max(life.last_ms);
            })
            .or_insert(life);
    }

    /// Members with their lives, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Member, &Life)> {
        self.0.iter()
    }

    /// Whether nobody has lived.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The readings of one column: for each member `grid.len()` values, NaN where unknown.
#[derive(Debug, Default)]
pub struct ColumnReadings {
    rows: BTreeMap<Member, Vec<f64>>,
    partial: Vec<Range<usize>>,
}

impl ColumnReadings {
    /// Takes in one series, whose values stand on the steps from `offset` of a grid of `len` on.
    ///
    /// Where two series name the same member at the same step the higher value counts: all six
    /// metrics are worse when higher, the latest start is the one that matters, and the answer does not
    /// depend on the order of the series.
    pub fn merge_series(&mut self, member: Member, len: usize, offset: usize, values: &[f64]) {
        let row = self.rows.entry(member).or_insert_with(|| vec![f64::NAN; len]);
        for (known, &value) in row[offset..offset + values.len()].iter_mut().zip(values) {
            // `f64::max` ignores a NaN on either side.
            *known = known.max(value);
        }
    }

    /// Takes in the rest of the same metric.
    pub fn merge(&mut self, other: Self, len: usize) {
        self.partial = union(self.partial.iter().chain(&other.partial));
        for (member, values) in other.rows {
            self.merge_series(member, len, 0, &values);
        }
    }

    /// The server said that it left something out at these steps.
    pub fn mark_partial(&mut self, steps: Range<usize>) {
        self.partial = union(self.partial.iter().chain([&steps]));
    }

    /// How many members there are, with a known reading or without.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The members that have a known reading.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.rows.iter().filter(|(_, values)| values.iter().any(|v| !v.is_nan())).map(|(member, _)| member)
    }

    /// The known readings: member and index of the step.
    pub fn known(&self) -> impl Iterator<Item = (&Member, usize)> {
        self.rows.iter().flat_map(|(member, values)| {
            values.iter().enumerate().filter(|(_, v)| !v.is_nan()).map(move |(i, _)| (member, i))
        })
    }
}

/// The readings of one window (a UTC day, or what of it was asked for).
///
/// Columns are member-major: the values of member `m` stand at `m * grid.len() ..`.
#[derive(Clone, Debug)]
pub struct Window {
    grid: Grid,
    members: Vec<Member>,
    companions: Vec<Companion>,
    partial: Vec<Range<usize>>,
    /// Steps that the source was never asked for, as ascending stretches.
    unasked: Vec<Range<usize>>,
    /// Empty for a companion that the window does not hold.
    columns: [Vec<f64>; COLUMNS],
}

impl Window {
    /// A window in which nothing is known of these members, which must be sorted and distinct. Beside
    /// the six metrics it holds these companions.
    pub fn unknown(grid: Grid, members: Vec<Member>, companions: &[Companion]) -> Self {
        debug_assert!(members.is_sorted());
        let cells = members.len() * grid.len();
        let mut columns = [const { Vec::new() }; COLUMNS];
        for column in Metric::ALL.map(Column::from).into_iter().chain(companions.iter().map(|&c| c.into())) {
            columns[column.index()] = vec![f64::NAN; cells];
        }
        Self { grid, members, companions: companions.to_vec(), partial: Vec::new(), unasked: Vec::new(), columns }
    }

    /// Joins columns over the union of the members of the metrics among them; members with no known
    /// reading of a metric are dropped. The window holds the companions that are there.
    pub fn join(grid: Grid, columns: impl IntoIterator<Item = (Column, ColumnReadings)>) -> Self {
        let columns: Vec<(Column, ColumnReadings)> = columns.into_iter().collect();
        let is_metric = |column: &Column| matches!(column, Column::Metric(_));
        let mut members: Vec<Member> =
            columns.iter().filter(|(c, _)| is_metric(c)).flat_map(|(_, r)| r.members()).cloned().collect();
        members.sort_unstable();
        members.dedup();
        let companions: Vec<Companion> = columns.iter().filter_map(|(column, _)| column.companion()).collect();
        let mut window = Self::unknown(grid, members, &companions);
        for (column, readings) in columns {
            window.mark_partial(&readings.partial);
            for (member, values) in readings.rows {
                if let Ok(index) = window.members.binary_search(&member) {
                    window.row_mut(column, index).copy_from_slice(&values);
                }
            }
        }
        window
    }

    /// The steps of the window.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Its members, sorted.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The companions that it holds.
    pub fn companions(&self) -> &[Companion] {
        &self.companions
    }

    /// The steps at which the server said that it left something out, in ascending stretches.
    pub fn partial(&self) -> &[Range<usize>] {
        &self.partial
    }

    /// Adds steps at which it did.
    pub fn mark_partial(&mut self, steps: &[Range<usize>]) {
        self.partial = union(self.partial.iter().chain(steps));
    }

    /// The steps that the source was never asked for, in ascending stretches: they are neither expected nor missing.
    pub fn unasked(&self) -> &[Range<usize>] {
        &self.unasked
    }

    /// Marks all steps outside these ranges as never asked for.
    pub fn limit_to(&mut self, asked: &[TimeRange]) {
        let grid = self.grid;
        let is_asked = |step: &usize| asked.iter().any(|r| (r.start_ms..r.end_ms).contains(&grid.at(*step)));
        self.unasked = stretches((0..grid.len()).filter(|step| !is_asked(step)));
    }

    /// One column of one member, a value a step, NaN where unknown; a metric or a companion that the
    /// window holds.
    pub fn row(&self, column: impl Into<Column>, member: usize) -> &[f64] {
        let len = self.grid.len();
        &self.columns[column.into().index()][member * len..(member + 1) * len]
    }

    /// The same, to be filled.
    pub fn row_mut(&mut self, column: impl Into<Column>, member: usize) -> &mut [f64] {
        let len = self.grid.len();
        &mut self.columns[column.into().index()][member * len..(member + 1) * len]
    }

    /// Whether any of the member's six readings is known at the step.
    pub fn known_at(&self, member: usize, step: usize) -> bool {
        Metric::ALL.into_iter().any(|metric| !self.row(metric, member)[step].is_nan())
    }

    /// How many values of the column are known.
    pub fn known_readings(&self, column: impl Into<Column>) -> u64 {
        self.columns[column.into().index()].iter().filter(|v| !v.is_nan()).count() as u64
    }

    /// The lives of its members as far as this window knows them.
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::time::Step;

    fn grid(len: i64) -> Grid {
        Grid::within(TimeRange { start_ms: 0, end_ms: len * 60_000 }, Step::from_millis(60_000).unwrap())
    }

    fn one(member: &Member, offset: usize, values: &[f64]) -> ColumnReadings {
        let mut readings = ColumnReadings::default();
        readings.merge_series(member.clone(), 4, offset, values);
        readings
    }

    #[test]
    fn two_series_of_one_member_give_the_higher_reading_in_either_order() {
        let member = Member::new("c1", "a");
        for (first, second) in [([1.0, f64::NAN], [f64::NAN, 3.0]), ([f64::NAN, 3.0], [1.0, f64::NAN])] {
            let mut readings = one(&member, 1, &first);
            readings.merge_series(member.clone(), 4, 1, &second);
            readings.merge_series(member.clone(), 4, 1, &[0.5, 2.0]);
            let window = Window::join(grid(4), [(Metric::WalFsync.into(), readings)]);
            assert_eq!(window.row(Metric::WalFsync, 0)[1..3], [1.0, 3.0]);
        }
    }

    #[test]
    fn leader_changes_keep_nobody_alive() {
        let member = Member::new("c1", "a");
        let wal = one(&member, 1, &[0.1, 0.1]);
        let leaders = one(&member, 0, &[0.0; 4]);
        let window = Window::join(grid(4), [(Metric::WalFsync.into(), wal), (Metric::LeaderChanges.into(), leaders)]);
        let lives = window.lives();
        let expected = Life { first_ms: 60_000, last_ms: 120_000 };
        assert_eq!(lives.iter().collect::<Vec<_>>(), [(&member, &expected)]);
    }

    #[test]
    fn a_member_without_any_known_reading_is_dropped() {
        let unknown = one(&Member::new("c", "a"), 0, &[f64::NAN; 4]);
        let window = Window::join(grid(4), [(Metric::WalFsync.into(), unknown)]);
        assert!(window.members().is_empty());
    }

    #[test]
    fn a_companion_brings_no_member_of_its_own() {
        let (member, other) = (Member::new("c", "a"), Member::new("c", "no-etcd"));
        let mut started = one(&member, 0, &[7.0; 4]);
        started.merge(one(&other, 0, &[8.0; 4]), 4);
        let columns = [(Metric::WalFsync.into(), one(&member, 1, &[0.1])), (Companion::StartTime.into(), started)];
        let window = Window::join(grid(4), columns);
        assert_eq!(window.members(), [member]);
        assert_eq!(window.row(Companion::StartTime, 0), [7.0; 4]);
        assert_eq!(window.companions(), [Companion::StartTime]);
    }
}
