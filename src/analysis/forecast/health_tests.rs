//! Tests of the way from readings to probabilities of red: panel, courses, calibration over time, warnings.

use std::sync::Arc;

use super::breach::{ClusterPast, calibrated};
use super::courses::{ClusterCourses, MetricCourses, thresholds};
use super::disk_elections::{DiskElections, level};
use super::elections::Elections;
use super::panel::Panel;
use super::rates::{Since, since};
use super::series::{Scale, Series};
use super::trust::{MetricTrust, skill, trust};
use crate::readings::{Life, Lives, Member, Window};
use crate::score::{Rollup, ScoreTable, score_window};
use crate::spec::{Companion, Metric, Profile};
use crate::time::{Grid, HOUR_MS, Step, TimeRange, Zone};

/// Hourly slots, so that a course has a slot for each hour.
const HOUR: usize = 1;
const DAYS: usize = 6;

/// The courses of a cluster whose members have these WAL fsync and backend commit p99 in each hour, in seconds. Forecast
/// medians are those of the reading at each origin.
fn courses(members: &[Box<dyn Fn(usize) -> f64>], elections: impl Fn(usize) -> f64, rollup: Rollup) -> ClusterCourses {
    let profile = Profile::seed();
    let len = DAYS * 24;
    let origins: Vec<usize> = (24..=len).collect();
    let metric = |metric: Metric, seconds: &dyn Fn(usize) -> f64| {
        let scale = Scale::of_metric(metric);
        let values: Vec<f64> = (0..len).map(|hour| scale.value(seconds(hour))).collect();
        let medians = origins.iter().map(|end| Some(vec![values[end - 1] as f32; 24])).collect();
        let series = Series { start_ms: 0, step_ms: HOUR_MS, values, zone: Zone::default() };
        let trends = vec![None; origins.len()];
        MetricCourses { metric, series, scale, medians, trends, thresholds: thresholds(&profile, metric, scale, None) }
    };
    let counts: Vec<f64> = (0..len).map(&elections).collect();
    let elections = Elections::of([counts.as_slice()].into_iter(), HOUR_MS);
    let slowest = |hour| members.iter().map(|seconds| seconds(hour)).fold(f64::NAN, f64::max);
    let disks = DiskElections::of(&[(&elections, (0..len).map(slowest).collect())], &origins, HOUR_MS);
    ClusterCourses {
        members: members
            .iter()
            .map(|seconds| vec![metric(Metric::WalFsync, seconds), metric(Metric::BackendCommit, seconds)])
            .collect(),
        elections,
        disk_elections: Arc::new(disks),
        election_thresholds: thresholds(&profile, Metric::LeaderChanges, Scale::Same, None),
        rollup,
        origins,
        hour: HOUR,
    }
}

fn last(courses: &ClusterCourses) -> usize {
    courses.origins.len() - 1
}

#[test]
fn thresholds_cost_the_points_of_the_profile_and_shares_need_a_limit() {
    let scale = Scale::of_metric(Metric::BackendCommit);
    let seed = thresholds(&Profile::seed(), Metric::BackendCommit, scale, None);
    // 0.2 × (10 - 5) above 25 ms, 0.2 × 10 above 40 ms.
    assert_eq!(seed.iter().map(|(_, lost)| *lost).collect::<Vec<_>>(), [1.0, 2.0]);
    assert!((scale.reading(seed[0].0) - 0.025).abs() < 1e-12);
    let mixin = Profile::named("mixin").unwrap();
    let of = |limit| thresholds(&mixin, Metric::OpenFds, Scale::Same, limit);
    assert_eq!(of(Some(1000.0))[0].0, 800.0);
    assert!(of(None).is_empty() && of(Some(-1.0)).is_empty(), "an unknown or disabled limit costs nothing");
}

#[test]
fn a_calm_cluster_has_no_red_course_and_a_slow_disk_with_elections_stays_red() {
    let calm = courses(&[Box::new(|_| 0.003)], |_| 0.0, Rollup::Worst);
    let of_calm = calm.simulate(last(&calm));
    assert!(
        of_calm.len() >= 24 && of_calm.iter().all(|course| course.first_red.is_none() && course.hours == [10.0; 24])
    );
    // The disk alone costs 3 + 2 points; with more than five elections a day, 3 more: 2 is left.
    let slow = courses(&[Box::new(|_| 0.1)], |_| 50.0, Rollup::Worst);
    for course in slow.simulate(last(&slow)) {
        assert_eq!((course.first_red, course.hours[0]), (Some(0), 2.0));
        assert_eq!(course.blame.map(|(member, _)| member), Some(0));
    }
    let disk_alone = courses(&[Box::new(|_| 0.1)], |_| 0.0, Rollup::Worst);
    let hours: Vec<f32> = disk_alone.simulate(last(&disk_alone)).iter().map(|course| course.hours[0]).collect();
    assert!(hours.iter().all(|mean| *mean == 5.0), "5 is not below 5: {hours:?}");
}

#[test]
fn a_disk_slower_than_heartbeats_brings_elections_that_make_a_cluster_red() {
    // Without any election so far: on a disk of 90 ms none are expected, on one of 900 ms those of a guess.
    let red = |seconds: f64| {
        let of = courses(
            &[Box::new(move |hour| if hour < DAYS * 24 - 3 { 0.003 } else { seconds })],
            |_| 0.0,
            Rollup::Worst,
        );
        let simulated = of.simulate(last(&of));
        simulated.iter().filter(|course| course.first_red.is_some()).count() as f64 / simulated.len() as f64
    };
    assert!(red(0.09) < 0.05 && red(0.9) > 0.9, "{} {}", red(0.09), red(0.9));
}

#[test]
fn elections_of_slow_disks_are_learned_from_what_was_known_and_never_fall_with_the_disk() {
    assert_eq!([0.0, 0.1, 0.11, 0.3, 0.8, 5.0].map(level), [0, 0, 1, 2, 3, 4].map(Some));
    assert_eq!(level(f64::NAN), None);
    // Two elections an hour on a disk of 150 ms from hour 50 to 90; the count only grows.
    let new = |hour: usize| if (50..90).contains(&hour) { 2.0 } else { 0.0 };
    let counts: Vec<f64> = (0..100).map(|hour| (0..=hour).map(new).sum()).collect();
    let elections = Elections::of([counts.as_slice()].into_iter(), HOUR_MS);
    let slowest = (0..100).map(|hour| if (50..90).contains(&hour) { 0.15 } else { 0.003 }).collect();
    let disks = DiskElections::of(&[(&elections, slowest)], &[50, 100], HOUR_MS);
    assert_eq!(disks.rates(0), [0.0, 0.25, 0.5, 1.0, 2.0], "guesses, because nothing was slow before hour 50");
    let learned = disks.rates(1);
    // 80 elections in 41 hours (the hour after the last still counts as slow), and 1 in 4 hours as a guess.
    assert!((learned[1] - 81.0 / 45.0).abs() < 1e-9, "{learned:?}");
    assert!(learned[0] == 0.0 && learned.is_sorted(), "{learned:?}");
}

#[test]
fn the_rollup_of_the_cluster_decides_which_member_counts() {
    let slow_one: [Box<dyn Fn(usize) -> f64>; 3] = [Box::new(|_| 0.1), Box::new(|_| 0.003), Box::new(|_| 0.003)];
    let first_hour = |rollup| {
        let of = courses(&slow_one, |_| 0.0, rollup);
        of.simulate(last(&of))[0].hours[0]
    };
    assert_eq!((first_hour(Rollup::Worst), first_hour(Rollup::Quorum)), (5.0, 10.0));
    assert!((first_hour(Rollup::Mean) - 25.0 / 3.0).abs() < 1e-6);
}

#[test]
fn what_followed_at_earlier_times_happens_again_in_courses() {
    // The disk is slow in hours 10 to 12 of each day, with elections all the time.
    let of =
        courses(&[Box::new(|hour| if (10..13).contains(&(hour % 24)) { 0.1 } else { 0.003 })], |_| 50.0, Rollup::Worst);
    let simulated = of.simulate(last(&of));
    // Medians are flat, and donors start at every hour: three of 24 start in a slow hour, after which nothing is slower.
    let red = simulated.iter().filter(|course| course.first_red.is_some()).count();
    assert!(red * 24 >= simulated.len() * 20, "{red} of {}", simulated.len());
}

#[test]
fn a_member_without_readings_lately_does_not_count_and_a_cluster_without_any_has_no_courses() {
    let gone = |hour: usize| if hour >= DAYS * 24 - 2 { f64::NAN } else { 0.003 };
    let one_left = courses(&[Box::new(gone), Box::new(|_| 0.003)], |_| 0.0, Rollup::Worst);
    assert!(one_left.simulate(last(&one_left)).iter().all(|course| course.hours[0] == 10.0));
    let none_left = courses(&[Box::new(gone)], |_| 0.0, Rollup::Worst);
    assert!(none_left.simulate(last(&none_left)).is_empty());
}

/// A cluster that was red at these hours, with a share of red courses at each origin.
fn past(red: impl Fn(usize) -> bool, raw: impl Fn(usize) -> f64, origins: usize) -> ClusterPast {
    let within = |origin: usize, hours: usize| {
        let known = origin + hours <= origins;
        let any = (origin..(origin + hours).min(origins)).any(&red);
        if any { Some(true) } else { known.then_some(false) }
    };
    let now: Vec<Option<bool>> = (0..origins).map(|origin| Some(origin > 0 && red(origin - 1))).collect();
    let places: Vec<usize> = (0..origins).map(|origin| 24 + origin).collect();
    ClusterPast {
        since: since(&now, &places, 1),
        now,
        raw: (0..origins).map(|origin| Some([raw(origin); 3])).collect(),
        outcomes: (0..origins).map(|origin| [1, 6, 24].map(|hours| within(origin, hours))).collect(),
        same_hours: vec![[0.0; 3]; origins],
        origins: places,
    }
}

#[test]
fn a_cluster_counts_as_red_now_only_if_its_last_hour_is_red() {
    // Slots of half an hour; the history ends half an hour after an origin whose last hour was red.
    assert_eq!(since(&[Some(true), Some(false)], &[48, 49], 2), [Since::Now, Since::Hours3]);
    assert_eq!(since(&[None, Some(true), None], &[46, 48, 50], 2), [Since::Longer, Since::Now, Since::Hours3]);
    let hours: Vec<usize> = (0..26).collect();
    let after: Vec<Since> = since(&hours.iter().map(|hour| Some(*hour == 0)).collect::<Vec<_>>(), &hours, 1);
    assert_eq!([3, 4, 12, 13, 24, 25].map(|hour| after[hour]), {
        use Since::{Day, Hours3, Hours12, Longer};
        [Hours3, Hours12, Hours12, Day, Day, Longer]
    });
}

#[test]
fn probabilities_are_learned_from_outcomes_that_were_known_and_from_no_later_ones() {
    let red = |hour: usize| hour % 40 > 35;
    let foretold = |origin: usize| if (origin..origin + 6).any(red) { 0.9 } else { 0.1 };
    let known = past(red, foretold, 400);
    // The same until hour 300, and always red after it.
    let other = past(|hour| red(hour) || hour >= 300, |origin| if origin >= 300 { 0.1 } else { foretold(origin) }, 400);
    let (a, b) = (calibrated(&[known], HOUR), calibrated(&[other], HOUR));
    assert_eq!(a.probabilities[0][..276], b.probabilities[0][..276]);
    let at = |origin: usize, horizon: usize| a.probabilities[0][origin].unwrap()[horizon];
    // Courses that are right are believed more and more: hour 396 is red, hour 370 is calm for six hours.
    assert!(at(391, 1) > 0.7 && at(362, 1) < 0.1, "{} {}", at(391, 1), at(362, 1));
    // Four of forty hours are red, and ten of forty origins have one within six hours... of which the rate is the share.
    let usual = a.usual[0][399][1];
    assert!((usual - 9.0 / 40.0).abs() < 0.03, "{usual}");
}

#[test]
fn warnings_are_runs_of_high_probabilities_and_true_if_red_follows() {
    let red = |hour: usize| (200..203).contains(&hour) || (320..322).contains(&hour);
    let foretold =
        |origin: usize| if (195..200).contains(&origin) || (260..263).contains(&origin) { 0.999 } else { 0.001 };
    let of = past(red, foretold, 360);
    let mut breaches = calibrated(std::slice::from_ref(&of), HOUR);
    // The probabilities themselves are not what this test is about.
    for (origin, probability) in breaches.probabilities[0].iter_mut().enumerate() {
        *probability = Some([foretold(origin); 3]);
    }
    let found = trust(&MetricTrust::default(), &[of], &breaches, &["c"], HOUR, |slot| slot as i64 * HOUR_MS);
    // One came true, one did not, and the red hour at 320 came without one.
    assert_eq!((found.warnings_in_all, found.warnings_true, found.missed), (2, 1, 1));
    let [first, second] = found.warnings.as_slice() else { panic!("{:?}", found.warnings) };
    // Origin 195 knows 24 + 195 slots; the red hour 200 is slot 224.
    assert_eq!((first.at_ms, first.red_ms), (219 * HOUR_MS, Some(224 * HOUR_MS)));
    assert_eq!((second.at_ms, second.red_ms), (284 * HOUR_MS, None));
}

#[test]
fn a_skill_has_the_interval_of_its_blocks() {
    let even = skill(&[[1.0, 2.0]; 10]).unwrap();
    assert_eq!((even.value, even.low, even.high), (0.5, 0.5, 0.5));
    let mixed = skill(&[[0.0, 1.0], [2.0, 1.0], [0.0, 1.0], [2.0, 1.0], [0.0, 1.0], [2.0, 1.0]]).unwrap();
    assert!(mixed.value == 0.0 && mixed.low < -0.5 && mixed.high > 0.5, "{mixed:?}");
    assert_eq!((skill(&[[1.0, 2.0]; 4]), skill(&[[1.0, 0.0]; 10])), (None, None));
}

#[test]
fn a_panel_keeps_the_last_reading_of_each_slot_and_the_scores_of_all_steps() {
    let step = Step::from_millis(60_000).unwrap();
    let range = TimeRange { start_ms: HOUR_MS / 2, end_ms: 2 * HOUR_MS };
    let member = Member::new("c", "m");
    let life = Life { first_ms: range.start_ms, last_ms: range.end_ms };
    let mut lives = Lives::default();
    lives.add(member.clone(), life);
    let grid = Grid::within(range, step);
    let mut window = Window::unknown(grid, vec![member.clone()], &[Companion::Quota]);
    for minute in 0..grid.len() {
        for metric in Metric::ALL {
            window.row_mut(metric, 0)[minute] = 0.0;
        }
        // Slow in the first half of each five minutes; no reading in the very last minute.
        window.row_mut(Metric::WalFsync, 0)[minute] =
            if minute % 5 < 2 { 0.1 } else { 0.001 * (minute + 1) as f64 / 100.0 };
        window.row_mut(Companion::Quota, 0)[minute] = 7.0;
    }
    window.row_mut(Metric::WalFsync, 0)[grid.len() - 1] = f64::NAN;
    let table = ScoreTable::new(&Profile::seed());
    let scores = score_window(&table, &window, &[(member, life)]);
    let mut panel = Panel::new(range, step, &lives);
    panel.add(&window, &scores, &table, Rollup::Worst);
    panel.trim();
    // It starts at the whole hour: six slots before the range are missing.
    assert_eq!((panel.start_ms, panel.slot_ms, panel.len, panel.hour()), (0, 300_000, 24, 12));
    let wal = panel.members[0].readings(Metric::WalFsync);
    assert!(wal[..6].iter().all(|reading| reading.is_nan()) && wal[6] == 0.001 * 5.0 / 100.0);
    assert_eq!(wal[23], 0.001 * 89.0 / 100.0, "the last minute is missing, so the one before it counts");
    assert_eq!(panel.members[0].readings(Companion::Quota)[6], 7.0);
    // Two of five minutes cost 3 points: 10 - 1.2. The last slot has four scored minutes.
    let own = &panel.clusters[0];
    assert!((own.mean(6..7).unwrap() - 8.8).abs() < 1e-12 && (own.mean(23..24).unwrap() - 8.5).abs() < 1e-12);
    assert_eq!((own.coverage(23..24), own.mean(0..6), own.coverage(0..6)), (0.8, None, 0.0));
}
