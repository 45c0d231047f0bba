//! Tests of the rules on synthetic days: healthy members at a step of five minutes, with changes made by each test.

use std::time::Duration;

use super::*;
use crate::analysis::membership::ExpectedMembers;
use crate::heatmap::Folding;
use crate::readings::{IDLE, Life, Lives, Member, Origin, Window};
use crate::score::{Rollup, ScoreTable, alive_on, score_window};
use crate::spec::{Companion, METRICS, Profile};
use crate::time::{Grid, HOUR_MS, Step, TimeRange, UtcDay};

const STEP_MS: i64 = 300_000;
pub(super) const HEALTHY: [f64; METRICS] = [0.001, 0.002, 100.0, 0.0, 1e6, 1e9];
/// Monday, 2026-01-05 00:00 UTC, in milliseconds since 1970.
pub(super) const FIRST: i64 = 20_458 * 24 * HOUR_MS;

/// Readings of a member, by its index and the hours since the first day; NaN is a missing reading.
pub(super) type Readings<'a> = &'a dyn Fn(usize, f64) -> [f64; METRICS];

/// Readings of a companion, by the member's index and the hours since the first day.
pub(super) type Evident<'a> = (Companion, &'a dyn Fn(usize, f64) -> f64);

/// A synthetic history of one cluster.
pub(super) struct Made<'a> {
    pub(super) days: i64,
    pub(super) members: usize,
    pub(super) rollup: Rollup,
    pub(super) readings: Readings<'a>,
    /// Start time of a member's process, in hours since the first day, by the member's index and the current hour.
    pub(super) started: &'a dyn Fn(usize, f64) -> f64,
    /// When a member was first and last seen, in hours since the first day, by its index.
    pub(super) life: &'a dyn Fn(usize) -> (f64, f64),
    pub(super) profile: Profile,
    pub(super) min_duration: Duration,
    pub(super) step_ms: i64,
    /// Whether a member leads and knows a leader, by its index and the hours since the first day; NaN if unknown. `None` for
    /// a history without this evidence.
    pub(super) leaders: Option<&'a dyn Fn(usize, f64) -> [f64; 2]>,
    /// Further evidence.
    pub(super) evidence: &'a [Evident<'a>],
    /// Texts of `--expect-members`.
    pub(super) expected: &'a [&'a str],
}

impl<'a> Made<'a> {
    pub(super) fn of(days: i64, readings: Readings<'a>) -> Self {
        Self {
            days,
            members: 3,
            rollup: Rollup::Worst,
            readings,
            started: &|_, _| -99.0,
            life: &|_| (0.0, 1e6),
            profile: Profile::seed(),
            min_duration: Duration::from_secs(15 * 60),
            step_ms: STEP_MS,
            leaders: None,
            evidence: &[],
            expected: &[],
        }
    }

    pub(super) fn find(&self) -> Findings {
        let step = Step::from_millis(self.step_ms).unwrap_or_else(|e| panic!("{e}"));
        let range = TimeRange { start_ms: FIRST, end_ms: FIRST + self.days * 24 * HOUR_MS };
        let mut lives = Lives::default();
        let at = |hours: f64| (FIRST + (hours * HOUR_MS as f64) as i64).min(range.end_ms - self.step_ms);
        for index in 0..self.members {
            let (first, last) = (self.life)(index);
            let life = Life { first_ms: at(first), last_ms: at(last) };
            lives.add(Member::new("c", &format!("m{index}")), life);
        }
        let (profile, folding) = (&self.profile, Folding { rollup: self.rollup, ..Folding::default() });
        let table = ScoreTable::new(profile);
        let expected = &ExpectedMembers::parse(self.expected.iter().copied()).unwrap_or_else(|e| panic!("{e}"));
        let of = Collector {
            table: &table,
            profile,
            folding,
            step,
            lives: &lives,
            range,
            expected,
            min_duration: self.min_duration,
            lacking: &SourceTimes::default(),
            origin: &Origin::default(),
            rate_window_ms: 300_000,
        };
        let mut tracks = of.tracks();
        range.days().for_each(|day| tracks.add(self.digest(&of, day)));
        of.find(tracks)
    }

    fn digest(&self, of: &Collector<'_>, day: UtcDay) -> DayDigest {
        let grid = Grid::within(day.range(), of.step);
        let alive = alive_on(&grid, of.lives);
        let members: Vec<Member> = alive.iter().map(|(member, _)| member.clone()).collect();
        let mut companions = vec![Companion::StartTime];
        companions.extend(self.leaders.iter().flat_map(|_| [Companion::IsLeader, Companion::HasLeader]));
        companions.extend(self.evidence.iter().map(|(companion, _)| *companion));
        let mut window = Window::unknown(grid, members.clone(), &companions);
        for (index, member) in members.iter().enumerate() {
            let number: usize = member.member[1..].parse().unwrap_or_default();
            for step in 0..grid.len() {
                let hours = (grid.at(step) - FIRST) as f64 / HOUR_MS as f64;
                let readings = (self.readings)(number, hours);
                for (metric, value) in Metric::ALL.into_iter().zip(readings) {
                    window.row_mut(metric, index)[step] = value;
                }
                // A member that is down exports nothing.
                if readings[Metric::OpenFds.index()].is_nan() && readings[Metric::DbSize.index()].is_nan() {
                    continue;
                }
                let started = FIRST as f64 / 1000.0 + (self.started)(number, hours) * 3600.0;
                window.row_mut(Companion::StartTime, index)[step] = started;
                for (companion, reading) in self.evidence {
                    window.row_mut(*companion, index)[step] = reading(number, hours);
                }
                if let Some([leads, knows]) = self.leaders.map(|leaders| leaders(number, hours)) {
                    window.row_mut(Companion::IsLeader, index)[step] = leads;
                    window.row_mut(Companion::HasLeader, index)[step] = knows;
                }
            }
        }
        let scores = score_window(of.table, &window, &alive);
        of.day(&window, &scores)
    }
}

/// Start and end, in hours since the first day, of each finding of this kind, with its metric.
pub(super) fn found_hours(findings: &Findings, kind: Kind) -> Vec<(f64, f64, Option<Metric>)> {
    let hours = |ms: i64| (ms - FIRST) as f64 / HOUR_MS as f64;
    let those = findings.iter().filter(|f| f.kind == kind);
    those.map(|f| (hours(f.start_ms), hours(f.end_ms), f.metric)).collect()
}

pub(super) fn slow(is_slow: bool) -> [f64; METRICS] {
    [if is_slow { 0.02 } else { 0.001 }, 0.002, 100.0, 0.0, 1e6, 1e9]
}

pub(super) const NOTHING: [(f64, f64, Option<Metric>); 0] = [];
pub(super) const DISK: Option<Metric> = Some(Metric::WalFsync);

#[test]
fn a_slow_disk_across_midnight_is_one_incident_and_a_short_blip_is_not_reported() {
    let readings = |member, at: f64| slow(member == 1 && ((23.0..25.0).contains(&at) || (10.0..10.1).contains(&at)));
    let found = Made::of(2, &readings).find();
    assert_eq!(found_hours(&found, Kind::Incident), [(23.0, 25.0, DISK)]);
    let incident = found.incidents()[0];
    // WAL fsync loses 3 of 10 points for 2 hours: 6 point hours.
    assert_eq!((incident.lowest, incident.lost, incident.first), (Some(7.0), Some(6.0), DISK));
    assert_eq!(incident.members, ["m1"]);
}

#[test]
fn a_permanent_problem_is_usual_and_only_a_further_drop_is_an_incident() {
    let readings = |member, at: f64| {
        let fds = if member == 2 { 2000.0 } else { 100.0 };
        let [_, commit, _, leader, traffic, size] = HEALTHY;
        [slow(member == 0 && (5.0..6.0).contains(&at))[0], commit, fds, leader, traffic, size]
    };
    assert_eq!(found_hours(&Made::of(1, &readings).find(), Kind::Incident), [(5.0, 6.0, DISK)]);
}

#[test]
fn a_cluster_that_is_always_red_has_one_incident_for_each_group_of_metrics() {
    let readings = |_, _: f64| [0.02, 0.05, 2000.0, 0.0, 1e6, 1e9];
    let expected = [(0.0, 24.0, DISK), (0.0, 24.0, Some(Metric::OpenFds))];
    assert_eq!(found_hours(&Made::of(1, &readings).find(), Kind::Incident), expected);
}

#[test]
fn with_rollup_quorum_one_slow_member_of_three_is_not_an_incident() {
    let one = |member, at: f64| slow(member == 1 && (5.0..8.0).contains(&at));
    assert_eq!(found_hours(&Made { rollup: Rollup::Quorum, ..Made::of(1, &one) }.find(), Kind::Incident), NOTHING);
    let two = |member, at: f64| slow(member > 0 && (5.0..8.0).contains(&at));
    let found = Made { rollup: Rollup::Quorum, ..Made::of(1, &two) }.find();
    assert_eq!(found_hours(&found, Kind::Incident), [(5.0, 8.0, DISK)]);
    assert_eq!(found.incidents()[0].members, ["m1", "m2"]);
}

/// The gauge of elections within the last 24 hours, at the hour `at`.
fn gauge(elections: &[f64], at: f64) -> f64 {
    elections.iter().filter(|election| (at - 24.0..=at).contains(*election)).count() as f64
}

#[test]
fn an_election_storm_lasts_as_long_as_its_elections_and_not_for_the_day_they_are_counted() {
    let storm: Vec<f64> = (0..8).map(|n| 10.0 + f64::from(n) / 6.0).collect();
    let readings = |_, at: f64| [0.001, 0.002, 100.0, gauge(&storm, at), 1e6, 1e9];
    let found = Made::of(3, &readings).find();
    let [(start, end, metric)] = found_hours(&found, Kind::Incident).try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert!((9.9..=10.0).contains(&start) && (11.1..11.4).contains(&end), "{start} {end}");
    assert_eq!(metric, Some(Metric::LeaderChanges));
    let changes: Vec<&Finding> = found.iter().filter(|f| f.kind == Kind::LeaderChange).collect();
    assert_eq!((changes.len(), changes[0].cause), (1, Some(Cause::Unexplained)));
    assert!(changes[0].says.contains("8 leader changes"), "{}", changes[0].says);
}

#[test]
fn leader_changes_are_attributed_to_a_restart_a_slow_disk_or_neither() {
    let elections = [5.0, 12.0, 20.0];
    let readings = |member, at: f64| {
        let slow = if member == 1 && (11.5..12.5).contains(&at) { 0.02 } else { 0.001 };
        // Member 2 restarts: its gauge counts the restart at 5.1 instead of the election at 5.0.
        let seen = if member == 2 { gauge(&[5.1, 12.0, 20.0], at) } else { gauge(&elections, at) };
        [slow, 0.002, 100.0, seen, 1e6, 1e9]
    };
    let started = |member, at: f64| if member == 2 && at >= 5.1 { 5.05 } else { -99.0 };
    let found = Made { started: &started, ..Made::of(2, &readings) }.find();
    let causes: Vec<(Option<Cause>, String)> =
        found.iter().filter(|f| f.kind == Kind::LeaderChange).map(|f| (f.cause, f.members.join(" "))).collect();
    let expected = [(Cause::Restart, "m2"), (Cause::SlowDisk, "m1"), (Cause::Unexplained, "")];
    assert_eq!(causes, expected.map(|(cause, member)| (Some(cause), member.to_owned())));
}

#[test]
fn a_shrinking_database_is_a_defragmentation_unless_the_process_restarted() {
    let readings = |member, at: f64| {
        let shrank = (member == 0 && at >= 7.0) || (member == 1 && at >= 30.0);
        [0.001, 0.002, 100.0, 0.0, 1e6, if shrank { 9e8 } else { 1e9 }]
    };
    let started = |member, at: f64| if member == 1 && at >= 30.0 { 29.98 } else { -99.0 };
    let found = Made { started: &started, ..Made::of(2, &readings) }.find();
    let defragmented = found_hours(&found, Kind::Defragmentation);
    assert_eq!((defragmented.len(), defragmented[0].1 - 7.0 < 0.1), (1, true), "{defragmented:?}");
}

#[test]
fn growth_is_reported_if_it_reaches_the_quota_within_a_year() {
    let growing = |a_day: f64| move |_, at: f64| [0.001, 0.002, 100.0, 0.0, 1e6, 1e9 + a_day * (at / 24.0).floor()];
    let found = |a_day: f64| {
        let readings = growing(a_day);
        Made::of(10, &readings).find().iter().filter(|f| f.kind == Kind::Growth).cloned().collect::<Vec<_>>()
    };
    // At 10 MB a day, 1.09 GB at noon of January 14 reaches etcd's default quota of 2147483648 bytes in 105.7 days.
    let fast = found(1e7);
    assert_eq!(fast.len(), 1);
    assert!(fast[0].says.contains("on 2026-04-30") && fast[0].says.contains("2.00 GiB"), "{}", fast[0].says);
    assert!(found(1e6).is_empty(), "three years");
    assert!(found(0.0).is_empty() && found(-1e6).is_empty());
}

#[test]
fn growth_whose_slope_may_be_nearly_flat_has_no_latest_date() {
    // The sizes have two levels and grow by a byte a day. SciPy's theilslopes gives 40,000,000.2 bytes a day, with an
    // interval of 1 to 66,666,667. From 1,200,000,002 bytes at noon of January 11, the quota is 23.7 days away
    // (interval: 14.2 to 947 million days).
    let sizes = [0.0, 1.0, 2.0, 3.0, 2e8, 2e8 + 1.0, 2e8 + 2.0];
    let readings = |_, at: f64| [0.001, 0.002, 100.0, 0.0, 1e6, 1e9 + sizes[(at / 24.0) as usize]];
    let found = Made::of(7, &readings).find();
    let growth: Vec<&Finding> = found.iter().filter(|f| f.kind == Kind::Growth).collect();
    let expected = "on 2026-02-04 (2026-01-25 at the earliest, perhaps not within 5 years)";
    assert!(growth.len() == 1 && growth[0].says.ends_with(expected), "{growth:?}");
    let interval = &growth[0].evidence.iter().find(|(name, _)| name == "reached_interval").map(|(_, value)| value);
    assert_eq!(*interval, Some(&"2026-01-25 at the earliest, perhaps not within 5 years".into()));
}

#[test]
fn if_two_metrics_lose_the_same_points_the_first_one_is_named() {
    // Each disk metric has a weight of 0.5 and loses 5 points.
    let profile = Profile::seed().with_weight_shares(&[(Metric::WalFsync, 500_000), (Metric::BackendCommit, 500_000)]);
    let profile = profile.unwrap_or_else(|e| panic!("{e}"));
    let readings = |member, at: f64| {
        let bad = member == 1 && (5.0..7.0).contains(&at);
        [if bad { 0.02 } else { 0.001 }, if bad { 0.05 } else { 0.002 }, 100.0, 0.0, 1e6, 1e9]
    };
    let found = Made { profile, ..Made::of(3, &readings) }.find();
    assert_eq!(found_hours(&found, Kind::Incident), [(5.0, 7.0, DISK)]);
    assert_eq!(found.incidents()[0].first, DISK);
}

#[test]
fn daily_and_weekly_recurrences_are_reported_with_their_hours() {
    let daily = |member, at: f64| slow(member == 0 && (2.0..4.0).contains(&(at % 24.0)));
    let found = Made::of(8, &daily).find();
    let recurrences: Vec<&Finding> = found.iter().filter(|f| f.kind == Kind::Recurrence).collect();
    assert_eq!(recurrences.len(), 1);
    let says =
        "c: slow disk daily 02:00 to 04:00 UTC since 2026-01-05, in 16 of 16 such hours and in 0 of 176 other hours";
    assert_eq!(recurrences[0].says, says);
    let told = |name: &str| recurrences[0].evidence.iter().find(|(n, _)| n == name).map(|(_, value)| value.to_string());
    assert_eq!(
        ["hours_with_incidents", "other_hours_with_incidents", "first_date", "last_date"]
            .map(told)
            .each_ref()
            .map(|text| text.as_deref()),
        [Some("16 of 16"), Some("0 of 176"), Some("2026-01-05"), Some("2026-01-12")]
    );
    assert!(recurrences[0].confidence.is_some_and(|sure| sure > 0.99));

    let mondays = |member, at: f64| slow(member == 0 && (2.0..3.0).contains(&(at % 168.0)));
    let found = Made::of(42, &mondays).find();
    let recurrences: Vec<&Finding> = found.iter().filter(|f| f.kind == Kind::Recurrence).collect();
    assert_eq!(recurrences.len(), 1);
    assert!(recurrences[0].says.contains("slow disk Monday 02:00 to 03:00 UTC since"), "{}", recurrences[0].says);

    // Two days of the week with the same hours are one finding.
    let days = |at: f64| at % 168.0 / 24.0;
    let some = |member, at: f64| {
        slow(member == 0 && (2.0..3.0).contains(&(at % 24.0)) && [0, 3].contains(&(days(at) as usize)))
    };
    let found = Made::of(42, &some).find();
    let says: Vec<&str> = found.iter().filter(|f| f.kind == Kind::Recurrence).map(|f| f.says.as_str()).collect();
    assert_eq!(says.len(), 1, "{says:?}");
    assert!(says[0].contains("slow disk Monday and Thursday 02:00 to 03:00 UTC since 2026-01-05"), "{says:?}");

    let twice = |member, at: f64| slow(member == 0 && ((2.0..3.0).contains(&at) || (50.0..51.0).contains(&at)));
    assert!(Made::of(14, &twice).find().iter().all(|f| f.kind != Kind::Recurrence));
}

#[test]
fn the_maintenance_window_is_the_first_with_no_lost_points_no_gaps_and_the_least_traffic() {
    let traffic = |member, at: f64| {
        let hour = at % 24.0;
        let bytes = if (5.0..7.0).contains(&hour) || (12.0..14.0).contains(&hour) { 1e3 } else { 1e6 };
        let [wal, commit, fds, leader, _, size] = slow(member == 0 && (5.0..6.0).contains(&at));
        // Leave a gap at 12:00 on one day.
        let wal = if (36.0..36.5).contains(&at) { f64::NAN } else { wal };
        [wal, commit, fds, leader, bytes, size]
    };
    let found = Made::of(3, &traffic).find();
    let quiet: Vec<&Finding> = found.iter().filter(|f| f.kind == Kind::MaintenanceWindow).collect();
    // 05:00 lost points and 12:00 has a gap. The windows from 06:00 and 13:00 are equally quiet, so the first wins.
    assert_eq!(quiet[0].evidence[0], ("hours".into(), Evidence::from("06:00 to 08:00 UTC")));
}

/// WAL fsync is idle from midnight to 05:00 every day.
#[test]
fn idle_hours_are_neither_an_absence_nor_an_incident_and_the_maintenance_window_mentions_them() {
    let idle = |member, at: f64| {
        let [_, commit, fds, leader, traffic, size] = HEALTHY;
        let wal = if at % 24.0 < 5.0 { IDLE } else { 0.001 };
        // In the third hour, one member has only an idle reading, which shows that it was scraped.
        match member == 0 && (2.0..3.0).contains(&(at % 24.0)) {
            true => [wal, f64::NAN, f64::NAN, f64::NAN, f64::NAN, f64::NAN],
            false => [wal, commit, fds, leader, traffic, size],
        }
    };
    let found = Made::of(3, &idle).find();
    assert_eq!(found_hours(&found, Kind::Incident), NOTHING);
    let quiet: Vec<&Finding> = found.iter().filter(|f| f.kind == Kind::MaintenanceWindow).collect();
    assert_eq!(quiet[0].evidence[0], ("hours".into(), Evidence::from("05:00 to 07:00 UTC")));
    assert!(quiet[0].says.ends_with("; hours without writes have no score and are not compared"), "{}", quiet[0].says);
    let healthy = |_, _: f64| HEALTHY;
    assert!(Made::of(3, &healthy).find().iter().all(|finding| !finding.says.contains("without writes")));
}

/// A slow disk before and after an idle hour is one incident, as it is across an hour without data.
#[test]
fn an_idle_hour_does_not_end_an_incident() {
    let readings = |_, at: f64| {
        let mut readings = slow((5.0..8.0).contains(&at));
        if (6.0..7.0).contains(&at) {
            readings[0] = IDLE;
        }
        readings
    };
    assert_eq!(found_hours(&Made::of(1, &readings).find(), Kind::Incident), [(5.0, 8.0, DISK)]);
}

#[test]
fn a_member_that_keeps_restarting_is_an_incident_without_leader_changes() {
    let restarts: Vec<f64> = (0..8).map(|n| 10.0 + f64::from(n) / 3.0).collect();
    let readings = |member, at: f64| {
        let seen = if member == 0 { gauge(&restarts, at) } else { 0.0 };
        [0.001, 0.002, 100.0, seen, 1e6, 1e9]
    };
    let started = |member, at: f64| {
        let last = restarts.iter().rfind(|restart| **restart <= at).filter(|_| member == 0);
        last.map_or(-99.0, |restart| restart - 0.01)
    };
    let found = Made { started: &started, ..Made::of(3, &readings) }.find();
    assert_eq!(found_hours(&found, Kind::LeaderChange), NOTHING);
    let restarted = |finding: &&&Finding| finding.rule == away::RESTARTED;
    assert_eq!(found.incidents().iter().filter(restarted).count(), 8);
    assert_eq!(found.incidents().iter().filter(|finding| !restarted(finding)).count(), 1);
}
