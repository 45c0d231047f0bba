//! One window of readings: members × steps × six metrics and their companions, in columns.

mod memory;
mod reading_source;
mod source;

pub(crate) use memory::days_at_once;
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
#[derive(Debug)]
pub struct ColumnReadings {
    column: Column,
    rows: BTreeMap<Member, Vec<f64>>,
    partial: Vec<Range<usize>>,
}

impl ColumnReadings {
    /// No readings yet of this column.
    pub fn of(column: impl Into<Column>) -> Self {
        Self { column: column.into(), rows: BTreeMap::new(), partial: Vec::new() }
    }

    /// Takes in one series, whose values stand on the steps from `offset` of a grid of `len` on.
    ///
    /// Where two series name the same member at the same step the worse value counts, whatever the order
    /// of the series: the higher one of the six metrics, the later start, the smaller limit.
    pub fn merge_series(&mut self, member: Member, len: usize, offset: usize, values: &[f64]) {
        let row = self.rows.entry(member).or_insert_with(|| vec![f64::NAN; len]);
        let steps = row[offset..offset + values.len()].iter_mut().zip(values);
        match self.column {
            Column::Companion(Companion::Quota | Companion::MaxFds) => {
                steps.for_each(|(known, &value)| *known = smaller_limit(*known, value));
            }
            // `f64::max` ignores a NaN on either side.
            Column::Metric(_) | Column::Companion(Companion::StartTime) => {
                steps.for_each(|(known, &value)| *known = known.max(value));
            }
        }
    }

    /// Takes in more of the same metric, whose steps begin at `offset` of a grid of `len`.
    pub fn merge(&mut self, other: Self, len: usize, offset: usize) {
        let partial = other.partial.iter().map(|steps| steps.start + offset..steps.end + offset);
        self.partial = union(self.partial.iter().chain(&partial.collect::<Vec<_>>()));
        for (member, values) in other.rows {
            self.merge_series(member, len, offset, &values);
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

/// The limit that binds first. One that is not positive is no limit, and any other binds before it.
fn smaller_limit(one: f64, other: f64) -> f64 {
    match (one > 0.0, other > 0.0) {
        (true, true) => one.min(other),
        (true, false) => one,
        (false, true) => other,
        (false, false) => one.max(other),
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
        let cells = members.len() * grid.len();
        let mut window = Self::unknown(grid, Vec::new(), &companions);
        window.members = members;
        // Memory for one column after the other, as the readings that it is made from go.
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

    fn one(column: impl Into<Column>, member: &Member, offset: usize, values: &[f64]) -> ColumnReadings {
        let mut readings = ColumnReadings::of(column);
        readings.merge_series(member.clone(), 4, offset, values);
        readings
    }

    #[test]
    fn two_series_of_one_member_give_the_higher_reading_in_either_order() {
        let member = Member::new("c1", "a");
        for (first, second) in [([1.0, f64::NAN], [f64::NAN, 3.0]), ([f64::NAN, 3.0], [1.0, f64::NAN])] {
            let mut readings = one(Metric::WalFsync, &member, 1, &first);
            readings.merge_series(member.clone(), 4, 1, &second);
            readings.merge_series(member.clone(), 4, 1, &[0.5, 2.0]);
            let window = Window::join(grid(4), [(Metric::WalFsync.into(), readings)]);
            assert_eq!(window.row(Metric::WalFsync, 0)[1..3], [1.0, 3.0]);
        }
    }

    /// Which of two readings is the worse one follows from what they mean: a higher metric, a later start, a
    /// smaller limit, and etcd's quota, which is negative when it is disabled.
    #[test]
    fn of_two_series_of_one_member_the_worse_one_counts_in_either_order() {
        const NAN: f64 = f64::NAN;
        const INF: f64 = f64::INFINITY;
        let higher = [(1.0, 2.0, 2.0), (0.0, -1.0, 0.0), (3.0, NAN, 3.0), (INF, 4.0, INF), (NAN, NAN, NAN)];
        let limit = [
            (1.0, 2.0, 1.0),
            (3.0, NAN, 3.0),
            (INF, 4.0, 4.0),
            // What is not positive is no limit.
            (-1.0, 2.0, 2.0),
            (0.0, 2.0, 2.0),
            (-1.0, INF, INF),
            (-1.0, 0.0, 0.0),
            (-1.0, NAN, -1.0),
            (NAN, NAN, NAN),
        ];
        for column in Column::all() {
            let cases = match column.name() {
                "quota" | "max_fds" => &limit[..],
                _ => &higher,
            };
            for &(one_value, other_value, expected) in cases {
                for [first, second] in [[one_value, other_value], [other_value, one_value]] {
                    let member = Member::new("c", "a");
                    let mut in_one_answer = one(column, &member, 1, &[first]);
                    in_one_answer.merge_series(member.clone(), 4, 1, &[second]);
                    let mut in_two = one(column, &member, 1, &[first]);
                    in_two.merge(one(column, &member, 1, &[second]), 4, 0);
                    for merged in [in_one_answer, in_two] {
                        let found = merged.rows[&member][1];
                        let is_expected = found == expected || (found.is_nan() && expected.is_nan());
                        assert!(is_expected, "{column}: {found} of {first} and {second}");
                    }
                }
            }
        }
    }

    #[test]
    fn leader_changes_keep_nobody_alive() {
        let member = Member::new("c1", "a");
        let wal = one(Metric::WalFsync, &member, 1, &[0.1, 0.1]);
        let leaders = one(Metric::LeaderChanges, &member, 0, &[0.0; 4]);
        let window = Window::join(grid(4), [(Metric::WalFsync.into(), wal), (Metric::LeaderChanges.into(), leaders)]);
        let lives = window.lives();
        let expected = Life { first_ms: 60_000, last_ms: 120_000 };
        assert_eq!(lives.iter().collect::<Vec<_>>(), [(&member, &expected)]);
    }

    #[test]
    fn a_member_without_any_known_reading_is_dropped() {
        let unknown = one(Metric::WalFsync, &Member::new("c", "a"), 0, &[f64::NAN; 4]);
        let window = Window::join(grid(4), [(Metric::WalFsync.into(), unknown)]);
        assert!(window.members().is_empty());
    }

    #[test]
    fn parts_that_follow_each_other_stand_at_their_steps() {
        let (a, b) = (Member::new("c", "a"), Member::new("c", "b"));
        let part = |member: &Member, values: &[f64], partial: Range<usize>| {
            let mut part = ColumnReadings::of(Metric::WalFsync);
            part.merge_series(member.clone(), 2, 0, values);
            part.mark_partial(partial);
            part
        };
        let mut all = ColumnReadings::of(Metric::WalFsync);
        all.merge(part(&a, &[1.0, 2.0], 0..1), 4, 0);
        all.merge(part(&a, &[3.0, 4.0], 1..2), 4, 2);
        all.merge(part(&b, &[5.0, f64::NAN], 0..0), 4, 2);
        let window = Window::join(grid(4), [(Metric::WalFsync.into(), all)]);
        assert_eq!(window.row(Metric::WalFsync, 0), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(window.row(Metric::WalFsync, 1)[2], 5.0);
        assert_eq!(window.partial(), [0..1, 3..4]);
        assert!(window.row(Metric::DbSize, 1).iter().all(|value| value.is_nan()), "it was not asked for");
    }

    #[test]
    fn a_companion_brings_no_member_of_its_own() {
        let (member, other) = (Member::new("c", "a"), Member::new("c", "no-etcd"));
        let mut started = one(Companion::StartTime, &member, 0, &[7.0; 4]);
        started.merge(one(Companion::StartTime, &other, 0, &[8.0; 4]), 4, 0);
        let wal = one(Metric::WalFsync, &member, 1, &[0.1]);
        let columns = [(Metric::WalFsync.into(), wal), (Companion::StartTime.into(), started)];
        let window = Window::join(grid(4), columns);
        assert_eq!(window.members(), [member]);
        assert_eq!(window.row(Companion::StartTime, 0), [7.0; 4]);
        assert_eq!(window.companions(), [Companion::StartTime]);
    }

    #[test]
    fn merged_lives_reach_from_the_first_sign_of_life_to_the_last() {
        let life = |first_ms, last_ms| Life { first_ms, last_ms };
        let (a, b) = (Member::new("c", "a"), Member::new("c", "b"));
        let mut lives = Lives::default();
        assert!(lives.is_empty());
        lives.add(a.clone(), life(2000, 3000));
        let mut other = Lives::default();
        other.add(a.clone(), life(5000, 6000));
        other.add(b.clone(), life(1000, 4000));
        lives.merge(&other);
        assert!(!lives.is_empty());
        assert_eq!(lives.iter().collect::<Vec<_>>(), [(&a, &life(2000, 6000)), (&b, &life(1000, 4000))]);
    }

    #[test]
    fn a_column_counts_all_its_members_and_lists_its_readings_that_are_not_nan() {
        let mut readings = ColumnReadings::of(Metric::WalFsync);
        assert_eq!((readings.len(), readings.is_empty()), (0, true));
        let (a, b) = (Member::new("c", "a"), Member::new("c", "b"));
        readings.merge_series(a.clone(), 4, 1, &[0.1, f64::NAN, 0.3]);
        readings.merge_series(b, 4, 0, &[f64::NAN; 4]);
        assert_eq!((readings.len(), readings.is_empty()), (2, false));
        assert_eq!(readings.known().collect::<Vec<_>>(), [(&a, 1), (&a, 3)]);
    }

    #[test]
    fn steps_outside_all_requested_ranges_are_unasked() {
        let range = |start_ms, end_ms| TimeRange { start_ms, end_ms };
        let mut window = Window::unknown(grid(6), Vec::new(), &[]);
        assert!(window.unasked().is_empty());
        // Steps of a minute; the end of a range does not belong to it.
        window.limit_to(&[range(60_000, 120_000), range(240_000, 250_000)]);
        assert_eq!(window.unasked(), [0..1, 2..4, 5..6]);
    }
}
