//! Tests of merged series, windows, and when members were first and last seen.

use std::ops::Range;

use super::*;
use crate::spec::{Column, Companion, Metric};
use crate::time::{Grid, Step, TimeRange};

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
    let lower = [(1.0, 0.0, 0.0), (3.0, NAN, 3.0), (NAN, NAN, NAN)];
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
            "has_leader" | "is_learner" => &lower[..],
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

/// A value replaces an idle reading, and an idle reading replaces a missing one, in any order. In columns other
/// than percentiles, NaN means missing.
#[test]
fn of_two_series_of_one_member_a_value_beats_idle_and_idle_beats_missing() {
    const NAN: f64 = f64::NAN;
    let kind = |v: f64| if is_idle(v) { "idle".to_owned() } else { format!("{v}") };
    for column in Column::all() {
        let idle = if ["wal_fsync", "backend_commit"].contains(&column.name()) { "idle" } else { "NaN" };
        for (one_value, other_value, expected) in
            [(IDLE, 0.5, "0.5"), (IDLE, 0.0, "0"), (IDLE, f64::INFINITY, "inf"), (IDLE, NAN, idle), (IDLE, IDLE, idle)]
        {
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
    let join =
        |values: &[f64]| Window::join(grid(4), [(Metric::WalFsync.into(), one(Metric::WalFsync, &member, 0, values))]);
    let kinds = |window: &Window| {
        let kind = |v: &f64| if is_idle(*v) { "idle".to_owned() } else { v.to_string() };
        window.row(Metric::WalFsync, 0).iter().map(kind).collect::<Vec<_>>().join(" ")
    };
    // The later pull lacks the first two samples, so the readings of the earlier pull are restored there.
    let later = join(&[f64::NAN, f64::NAN, IDLE, 4.0]);
    assert_eq!(kinds(&later.with_lost_readings(&join(&[1.0, IDLE, 3.0, f64::NAN]))), "1 idle 3 4");
    // The later pull lacks nothing, so its idle readings stay, even where the earlier pull has a value or none (0.1.0
    // stored idle readings as missing).
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
    assert_eq!(window.partial().steps(), [0..1, 3..4]);
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

#[test]
fn windows_of_some_members_joined_again_are_the_window_of_all() {
    let members = ["a", "b", "c", "d"].map(|name| Member::new(name, "m")).to_vec();
    let mut all = Window::unknown(grid(3), members, &[Companion::Quota]);
    for member in 0..4 {
        for step in 0..3 {
            all.row_mut(Metric::OpenFds, member)[step] = (10 * member + step) as f64;
            all.row_mut(Companion::Quota, member)[step] = (100 * member + step) as f64;
        }
    }
    all.row_mut(Metric::WalFsync, 2)[1] = IDLE;
    let only = |names: &'static [&str]| all.clone().only(move |member| names.contains(&&*member.cluster));
    assert_eq!(only(&["b", "d"]).row(Metric::OpenFds, 1), [30.0, 31.0, 32.0]);
    assert_eq!(only(&[]).members(), []);
    let mut partial = only(&["c"]);
    let marked = 1..2;
    partial.mark_partial(std::slice::from_ref(&marked));
    let joined =
        Window::joined(grid(3), &[Companion::Quota], vec![only(&["b", "d"]), only(&[]), partial, only(&["a"])]);
    assert_eq!((joined.members(), joined.partial().steps()), (all.members(), vec![marked.clone()]));
    for column in Metric::ALL.map(Column::from).into_iter().chain([Companion::Quota.into()]) {
        for member in 0..4 {
            let bits = |window: &Window| window.row(column, member).iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&joined), bits(&all), "{column:?}");
        }
    }
}
