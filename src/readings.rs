//! Readings in memory: members, when they were first and last seen, and a window of members × steps × columns.
//!
//! A `ReadingSource` fills a [`Window`]; the history stores it and reads it back; `score` computes scores from
//! it. A missing or stale reading is NaN here, and so is an idle one, with other bits ([`IDLE`]). Bands, points and
//! scores do not belong here.

pub(crate) mod identity;
mod idle;
mod memory;
mod origin;
mod reading_source;
mod source;

pub use idle::{IDLE, is_idle, is_missing};
pub(crate) use memory::days_at_once;
pub use origin::Origin;
pub(crate) use reading_source::{Progress, ReadingSource, Work};
pub use source::{QuerySource, Source};

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::spec::{COLUMNS, Column, Companion, Metric};
use crate::time::{Grid, TimeRange, stretches, union};

/// One member of one etcd cluster. Members are sorted by cluster, then by member, in byte order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// The name of the cluster: the value of the cluster label.
    pub cluster: Arc<str>,
    /// The name of the member: the value of the member label.
    pub member: Arc<str>,
}

impl Member {
    /// The member `member` of the cluster `cluster`.
    pub fn new(cluster: &str, member: &str) -> Self {
        Self { cluster: cluster.into(), member: member.into() }
    }
}

/// When a member was first and last seen: its first and last step with a value of any metric except `leader_changes`. An
/// idle reading does not count: a histogram has a rate, of zero, for minutes after the last scrape. The query of `leader_changes` looks back one day, so it still returns a value for a day after
/// the last scrape. Every requested step from the first to the last is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The step at which the member was first seen.
    pub first_ms: i64,
    /// The step at which the member was last seen.
    pub last_ms: i64,
}

/// When each member of a window, a day or a whole history was first and last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lives(BTreeMap<Member, Life>);

impl Lives {
    /// Merges in the members of another day. A member seen on both days keeps the earlier of its first steps and the
    /// later of its last steps.
    pub fn merge(&mut self, other: &Self) {
        for (member, life) in &other.0 {
            self.add(member.clone(), *life);
        }
    }

    /// Adds a member. For a member that is already present, extends its first and last seen to cover `life`.
    pub fn add(&mut self, member: Member, life: Life) {
        self.0
            .entry(member)
            .and_modify(|known| {
                known.first_ms = known.first_ms.min(life.first_ms);
                known.last_ms = known.last_ms.max(life.last_ms);
            })
            .or_insert(life);
    }

    /// The members with their first and last seen, sorted by cluster and member.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Member, &Life)> {
        self.0.iter()
    }

    /// Whether no member was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The readings of one column: `grid.len()` values for each member, NaN where missing, [`IDLE`] where idle.
#[derive(Debug)]
pub struct ColumnReadings {
    column: Column,
    rows: BTreeMap<Member, Vec<f64>>,
    partial: Vec<Range<usize>>,
}

impl ColumnReadings {
    /// An empty set of readings for this column.
    pub fn of(column: impl Into<Column>) -> Self {
        Self { column: column.into(), rows: BTreeMap::new(), partial: Vec::new() }
    }

    /// Adds a series. Its values start at step `offset` of a grid of `len` steps.
    ///
    /// If two series have a value for the same member and step, the worse one is kept, regardless of their order: the
    /// higher value of a metric, the later start time, the smaller limit. Any value replaces an idle reading, because
    /// one of the two processes was not idle. An idle reading replaces a missing one; in a column that cannot be idle,
    /// it is missing.
    pub fn merge_series(&mut self, member: Member, len: usize, offset: usize, values: &[f64]) {
        let row = self.rows.entry(member).or_insert_with(|| vec![f64::NAN; len]);
        let steps = row[offset..offset + values.len()].iter_mut().zip(values);
        let can_be_idle = self.column.can_be_idle();
        let worse = match self.column {
            Column::Companion(Companion::Quota | Companion::MaxFds) => smaller_limit,
            Column::Metric(_) | Column::Companion(Companion::StartTime) => f64::max,
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

/// The readings of one window: a UTC day, or the requested part of one.
///
/// Columns are member-major: the values of member `m` start at `m * grid.len()`. Missing readings are NaN, and idle ones
/// are [`IDLE`].
#[derive(Clone, Debug)]
pub struct Window {
    grid: Grid,
    members: Vec<Member>,
    companions: Vec<Companion>,
    partial: Vec<Range<usize>>,
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
        Self { grid, members, companions: companions.to_vec(), partial: Vec::new(), unasked: Vec::new(), columns }
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

    /// The steps with partial responses, as ascending ranges.
    pub fn partial(&self) -> &[Range<usize>] {
        &self.partial
    }

    /// Adds steps with partial responses.
    pub fn mark_partial(&mut self, steps: &[Range<usize>]) {
        self.partial = union(self.partial.iter().chain(steps));
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

    /// The readings of one column and member, one per step, NaN where missing, [`IDLE`] where idle. Panics for a
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
    fn of_two_series_of_one_member_the_higher_reading_is_kept() {
        let member = Member::new("c1", "a");
        for (first, second) in [([1.0, f64::NAN], [f64::NAN, 3.0]), ([f64::NAN, 3.0], [1.0, f64::NAN])] {
            let mut readings = one(Metric::WalFsync, &member, 1, &first);
            readings.merge_series(member.clone(), 4, 1, &second);
            readings.merge_series(member.clone(), 4, 1, &[0.5, 2.0]);
            let window = Window::join(grid(4), [(Metric::WalFsync.into(), readings)]);
            assert_eq!(window.row(Metric::WalFsync, 0)[1..3], [1.0, 3.0]);
        }
    }

    /// If two series have a value for the same step, the worse one is kept: the higher value of a metric, the
    /// later start time, or the smaller limit. A limit of zero or less means unlimited: etcd reports a negative
    /// quota if the quota is disabled.
    #[test]
    fn of_two_series_of_one_member_the_worse_value_is_kept_in_either_order() {
        const NAN: f64 = f64::NAN;
        const INF: f64 = f64::INFINITY;
        let higher = [(1.0, 2.0, 2.0), (0.0, -1.0, 0.0), (3.0, NAN, 3.0), (INF, 4.0, INF), (NAN, NAN, NAN)];
        let limit = [
            (1.0, 2.0, 1.0),
            (3.0, NAN, 3.0),
            (INF, 4.0, 4.0),
            // Zero or a negative value means unlimited.
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

    /// A value replaces an idle reading, and an idle reading replaces a missing one, in any order. In columns that are
    /// no percentiles, a NaN is missing.
    #[test]
    fn of_two_series_of_one_member_a_value_beats_idle_and_idle_beats_missing() {
        const NAN: f64 = f64::NAN;
        let kind = |v: f64| if is_idle(v) { "idle".to_owned() } else { format!("{v}") };
        for column in Column::all() {
            let idle = if ["wal_fsync", "backend_commit"].contains(&column.name()) { "idle" } else { "NaN" };
            for (one_value, other_value, expected) in [
                (IDLE, 0.5, "0.5"),
                (IDLE, 0.0, "0"),
                (IDLE, f64::INFINITY, "inf"),
                (IDLE, NAN, idle),
                (IDLE, IDLE, idle),
            ] {
                for [first, second] in [[one_value, other_value], [other_value, one_value]] {
                    let member = Member::new("c", "a");
                    let mut merged = one(column, &member, 1, &[first]);
                    merged.merge_series(member.clone(), 4, 1, &[second]);
                    merged.merge_series(member.clone(), 4, 1, &[NAN]);
                    let mut in_two = ColumnReadings::of(column);
                    in_two.merge(one(column, &member, 1, &[first]), 4, 0);
                    in_two.merge(one(column, &member, 1, &[second]), 4, 0);
                    for readings in [merged, in_two] {
                        assert_eq!(kind(readings.rows[&member][1]), expected, "{column}: {first} and {second}");
                        assert!(is_missing(readings.rows[&member][0]));
                        let counted = (readings.known().count(), readings.idle().count());
                        let (value, idle) = (expected != "NaN" && expected != "idle", expected == "idle");
                        assert_eq!(counted, (usize::from(value), usize::from(idle)), "{column}");
                        assert_eq!(readings.members().count(), usize::from(value || idle), "{column}");
                    }
                }
            }
        }
    }

    #[test]
    fn idle_readings_are_kept_and_do_not_extend_the_life_of_a_member() {
        let member = Member::new("c", "a");
        let wal = one(Metric::WalFsync, &member, 0, &[IDLE, f64::NAN, IDLE, IDLE]);
        let size = one(Metric::DbSize, &member, 1, &[1.0, 1.0]);
        let window = Window::join(grid(4), [(Metric::WalFsync.into(), wal), (Metric::DbSize.into(), size)]);
        let life = Life { first_ms: 60_000, last_ms: 120_000 };
        assert_eq!(window.lives().iter().collect::<Vec<_>>(), [(&member, &life)]);
        assert_eq!((window.known_readings(Metric::WalFsync), window.idle_readings(Metric::WalFsync)), (0, 3));
        assert_eq!(window.idle_readings(Metric::BackendCommit), 0);
        let only_idle = one(Metric::BackendCommit, &member, 0, &[f64::NAN, IDLE]);
        let window = Window::join(grid(4), [(Metric::BackendCommit.into(), only_idle)]);
        assert_eq!((window.members(), window.known_at(0, 0), window.known_at(0, 1)), (&[member][..], false, true));
    }

    #[test]
    fn an_idle_reading_of_an_earlier_pull_is_restored_like_a_value() {
        let member = Member::new("c", "a");
        let join = |values: &[f64]| {
            Window::join(grid(4), [(Metric::WalFsync.into(), one(Metric::WalFsync, &member, 0, values))])
        };
        let kinds = |window: &Window| {
            let kind = |v: &f64| if is_idle(*v) { "idle".to_owned() } else { v.to_string() };
            window.row(Metric::WalFsync, 0).iter().map(kind).collect::<Vec<_>>().join(" ")
        };
        // The server dropped the first two samples, so the earlier ones are restored.
        let later = join(&[f64::NAN, f64::NAN, IDLE, 4.0]);
        assert_eq!(kinds(&later.with_lost_readings(&join(&[1.0, IDLE, 3.0, f64::NAN]))), "1 idle 3 4");
        // The later pull lacks nothing: its idle readings win, also where the earlier pull had none (as in 0.1.0).
        let later = join(&[1.0, IDLE, IDLE, 4.0]);
        assert_eq!(kinds(&later.with_lost_readings(&join(&[1.0, f64::NAN, 3.0, f64::NAN]))), "1 idle idle 4");
    }

    #[test]
    fn leader_changes_do_not_extend_the_life_of_a_member() {
        let member = Member::new("c1", "a");
        let wal = one(Metric::WalFsync, &member, 1, &[0.1, 0.1]);
        let leaders = one(Metric::LeaderChanges, &member, 0, &[0.0; 4]);
        let window = Window::join(grid(4), [(Metric::WalFsync.into(), wal), (Metric::LeaderChanges.into(), leaders)]);
        let lives = window.lives();
        let expected = Life { first_ms: 60_000, last_ms: 120_000 };
        assert_eq!(lives.iter().collect::<Vec<_>>(), [(&member, &expected)]);
    }

    #[test]
    fn a_member_without_readings_is_dropped() {
        let unknown = one(Metric::WalFsync, &Member::new("c", "a"), 0, &[f64::NAN; 4]);
        let window = Window::join(grid(4), [(Metric::WalFsync.into(), unknown)]);
        assert!(window.members().is_empty());
    }

    #[test]
    fn consecutive_parts_are_merged_at_their_steps() {
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
        assert!(
            window.row(Metric::DbSize, 1).iter().all(|value| value.is_nan()),
            "a column that was not pulled is missing"
        );
    }

    #[test]
    fn earlier_readings_of_a_member_stay_if_a_later_pull_lacks_any_of_them() {
        const NAN: f64 = f64::NAN;
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| Member::new("c", name));
        let join = |rows: [(&Member, [f64; 4]); 3]| {
            let mut wal = ColumnReadings::of(Metric::WalFsync);
            let mut started = ColumnReadings::of(Companion::StartTime);
            for (member, values) in rows {
                wal.merge_series(member.clone(), 4, 0, &values);
                started.merge_series(member.clone(), 4, 0, &values);
            }
            Window::join(grid(4), [(Metric::WalFsync.into(), wal), (Companion::StartTime.into(), started)])
        };
        let earlier = join([(&a, [1.0, 2.0, NAN, NAN]), (&b, [3.0, NAN, NAN, NAN]), (&d, [1.0, 2.0, NAN, NAN])]);
        let later = join([(&a, [NAN, 9.0, 4.0, NAN]), (&c, [NAN, NAN, 5.0, 6.0]), (&d, [1.0, 9.0, 3.0, 4.0])]);
        let kept = later.with_lost_readings(&earlier);
        assert_eq!(kept.members(), [a, b, c, d]);
        let expected = [[1.0, 2.0, 4.0, NAN], [3.0, NAN, NAN, NAN], [NAN, NAN, 5.0, 6.0], [1.0, 9.0, 3.0, 4.0]];
        for column in [Column::from(Metric::WalFsync), Companion::StartTime.into()] {
            for (member, row) in expected.iter().enumerate() {
                assert_eq!(format!("{:?}", kept.row(column, member)), format!("{row:?}"), "{column}");
            }
        }
        assert!(kept.row(Metric::DbSize, 1).iter().all(|value| value.is_nan()));
    }

    #[test]
    fn a_companion_does_not_add_members() {
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
        // Steps are one minute apart, and the end of a range is exclusive, so each range contains one step: 1 and 4.
        window.limit_to(&[range(60_000, 120_000), range(240_000, 250_000)]);
        assert_eq!(window.unasked(), [0..1, 2..4, 5..6]);
    }
}
