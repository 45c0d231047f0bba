//! Slopes against SciPy, each state, and input of any kind. Expected values of slopes and quantiles are printed by
//! `tests/oracle/quota_reference.py` (SciPy 1.17.1); those of dates follow from the line that a history was made with.

use super::simulated::Random;
use super::trend::{Slope, Z, student, theil_sen};
use super::{Outlook, Resource, Usage, When, outlook};
use crate::time::{DAY_MS, HOUR_MS};

const GIB: f64 = 1_073_741_824.0;
const START: i64 = 1_700_000_000_000;

const NOISE: [f64; 20] = [
    53.304, 51.715, 49.78, 48.319, 47.116, 53.556, 51.768, 52.284, 54.934, 56.144, 50.17, 60.475, 52.319, 64.679,
    61.572, 59.084, 65.229, 61.962, 64.673, 63.622,
];

fn evenly(y: &[f64]) -> Vec<(f64, f64)> {
    y.iter().enumerate().map(|(x, y)| (x as f64, *y)).collect()
}

fn is_near(slope: Option<Slope>, expected: [f64; 3]) {
    let slope = slope.map(|slope| [slope.estimate, slope.low, slope.high]);
    let off = slope.map(|slope| slope.iter().zip(expected).map(|(own, other)| (own - other).abs()).fold(0.0, f64::max));
    assert!(off.is_some_and(|off| off < 1e-9), "{slope:?} is not {expected:?}");
}

#[test]
fn slopes_and_intervals_match_scipy() {
    let stairs = evenly(&[10.0, 10.0, 10.0, 14.0, 14.0, 18.5, 18.5, 18.5, 18.5, 22.0, 22.0, 27.0]);
    is_near(theil_sen(&[stairs], Z), [1.416_666_666_666_666_7, 1.166_666_666_666_666_7, 1.7]);
    let x = [0.0, 1.0, 2.5, 4.0, 7.0, 8.0, 11.0, 13.0];
    let uneven = x.into_iter().zip([5.0, 4.0, 6.0, 7.5, 8.0, 30.0, 9.0, 11.0]).collect();
    is_near(theil_sen(&[uneven], Z), [0.488_095_238_095_238_1, 0.352_941_176_470_588_26, 1.166_666_666_666_666_7]);
    is_near(theil_sen(&[evenly(&NOISE)], Z), [0.857_076_923_076_923, 0.590_571_428_571_428_6, 1.090_266_666_666_666_7]);
    assert_eq!(theil_sen(&[vec![(0.0, 1.0)], Vec::new()], Z), None);
}

#[test]
fn slopes_of_several_groups_match_the_reference() {
    let groups = [&NOISE[..6], &[3.0, 4.5, 4.5, 6.0], &[90.0, 91.0, 89.5, 92.5, 94.0, 95.0, 94.5]];
    is_near(theil_sen(&groups.map(evenly), Z), [0.75, 0.0, 1.0]);
}

#[test]
fn quantiles_of_student_match_scipy() {
    let expected = [(1.0, 6.313_752), (2.0, 2.919_986), (3.0, 2.353_363), (5.0, 2.015_048), (11.0, 1.795_885)];
    for (freedom, quantile) in expected {
        assert!((student(freedom) / quantile - 1.0).abs() < 0.015, "{freedom}: {}", student(freedom));
    }
}

/// An answer about readings every five minutes, against one limit.
fn about(resource: Resource, used: &[f64], limit: &[f64], started: &[f64]) -> Outlook {
    outlook(resource, &Usage { start_ms: START, step_ms: HOUR_MS / 12, used, limit, started })
}

fn database(used: &[f64]) -> When {
    about(Resource::Database, used, &[8.0 * GIB], &[]).when
}

/// Sizes of this many days, in GiB: `size` gives the one of a day since the start.
fn sizes(days: f64, size: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..(days * 288.0) as usize).map(|step| size(step as f64 / 288.0) * GIB).collect()
}

/// The dates in days after the last of this many readings; `None` for any other state.
fn days_ahead(when: When, readings: usize) -> Option<[f64; 3]> {
    let When::Dates { earliest, median, latest } = when else { return None };
    let days = |at: i64| (at - START - (readings as i64 - 1) * HOUR_MS / 12) as f64 / DAY_MS as f64;
    Some([days(earliest), days(median?), days(latest?)])
}

#[test]
fn even_growth_gives_the_date_of_the_line() {
    let used = sizes(14.0, |day| 5.0 + 0.1 * day);
    let [earliest, median, latest] = days_ahead(database(&used), used.len()).unwrap();
    // 8 GiB are reached on day 30, 16 days after the last reading.
    assert!((median - 16.0).abs() < 0.1, "{median}");
    assert!(earliest < median && earliest > 14.5 && latest > median && latest < 17.5, "{earliest} {latest}");
}

#[test]
fn gaps_do_not_change_the_date() {
    let mut used = sizes(14.0, |day| 5.0 + 0.1 * day);
    for gap in [100..400, 1200..2300, 4000..4020] {
        used[gap].fill(f64::NAN);
    }
    let [earliest, median, latest] = days_ahead(database(&used), used.len()).unwrap();
    assert!((median - 16.0).abs() < 0.2 && earliest <= 16.0 && latest >= 16.0, "{earliest} {median} {latest}");
}

#[test]
fn allocations_that_last_two_days_give_a_date() {
    let used = sizes(20.0, |day| 5.0 + 0.2 * (day / 2.0).floor());
    let [earliest, median, latest] = days_ahead(database(&used), used.len()).unwrap();
    // The file of the 15th allocation has 8 GiB: on day 30, ten days after the last reading.
    assert!(earliest <= 10.0 && latest >= 10.0 && (median - 10.0).abs() < 3.0, "{earliest} {median} {latest}");
}

#[test]
fn the_states_without_a_date_are_distinct() {
    let near = sizes(14.0, |day| 5.0 + 0.1 * day);
    let of = |limit: &[f64]| about(Resource::Database, &near, limit, &[]).when;
    assert_eq!(of(&[f64::NAN, f64::NAN]), When::NoLimit);
    assert_eq!(of(&[]), When::NoLimit);
    assert_eq!(of(&[0.0]), When::Unlimited);
    assert_eq!(of(&[-1.0]), When::Unlimited);
    assert_eq!(of(&[f64::INFINITY]), When::Unlimited);
    assert_eq!(of(&[16.0 * GIB]), When::NotNear);
    assert_eq!(of(&[6.0 * GIB]), When::Reached);
    assert_eq!(database(&[]), When::NoReadings);
    assert_eq!(database(&[f64::NAN; 5000]), When::NoReadings);
    assert_eq!(database(&[near.clone(), vec![f64::NAN; 300]].concat()), When::NoReadings);
    assert_eq!(database(&near[near.len() - 800..]), When::TooShort);
    assert_ne!(database(&near[near.len() - 870..]), When::TooShort);
    // Three days with hardly any reading.
    let sparse: Vec<f64> = (0..900).map(|step| if step % 100 == 99 { 5.0 * GIB } else { f64::NAN }).collect();
    assert_eq!(database(&sparse), When::TooShort);
}

#[test]
fn the_latest_limit_counts() {
    let used = sizes(14.0, |day| 5.0 + 0.1 * day);
    let mut limit = vec![8.0 * GIB; used.len()];
    limit[2000..3000].fill(16.0 * GIB);
    limit[3000..].fill(f64::NAN);
    assert_eq!(about(Resource::Database, &used, &limit, &[]).when, When::NotNear);
    limit[3500] = 7.0 * GIB;
    let when = about(Resource::Database, &used, &limit, &[]).when;
    assert!((days_ahead(when, used.len()).unwrap()[1] - 6.0).abs() < 0.1);
}

#[test]
fn sizes_that_do_not_grow_give_no_date() {
    assert_eq!(database(&sizes(20.0, |_| 7.0)), When::NotWithin);
    assert_eq!(database(&sizes(20.0, |day| 7.5 - 0.02 * day)), When::NotWithin);
    // One load of 2 GiB, within a step, an hour and a day.
    for (from, length) in [(10.0, 0.001), (4.0, 1.0 / 24.0), (16.0, 1.0), (19.9, 0.04)] {
        let load = |day: f64| 5.0 + 2.0 * ((day - from) / length).clamp(0.0, 1.0);
        assert_eq!(database(&sizes(20.0, load)), When::NotWithin, "on day {from}");
    }
    let mut random = Random(1);
    let noise: Vec<f64> = (0..5000).map(|_| 6.0 * GIB * (1.0 + 0.01 * random.normal())).collect();
    assert_eq!(database(&noise), When::NotWithin);
}

#[test]
fn growth_after_a_defragmentation_is_not_measured_across_it() {
    // 0.1 GiB a day, and 2 GiB less after day 10.5.
    let used = sizes(12.0, |day| 6.0 + 0.1 * day - if day < 10.5 { 0.0 } else { 2.0 });
    let [_, median, _] = days_ahead(database(&used), used.len()).unwrap();
    assert!((median - 28.0).abs() < 0.5, "{median}");
}

#[test]
fn growth_that_becomes_far_faster_counts_while_it_goes_on() {
    let faster = |stop: f64| sizes(20.0, move |day| 5.0 + 0.001 * day + 1.5 * (day.min(stop) - 18.9).max(0.0));
    let used = faster(20.0);
    let [_, median, _] = days_ahead(database(&used), used.len()).unwrap();
    // 1.33 GiB are left, at 1.5 GiB a day.
    assert!((median - 0.887).abs() < 0.1, "{median}");
    assert_eq!(database(&faster(19.8)), When::NotWithin);
}

/// Descriptors that rise and fall with the day, and leak.
fn descriptors(days: f64, leak: f64) -> Vec<f64> {
    let wave = |day: f64| 100.0 * (day * std::f64::consts::TAU).sin();
    (0..(days * 288.0) as usize).map(|step| step as f64 / 288.0).map(|day| 600.0 + leak * day + wave(day)).collect()
}

#[test]
fn a_leak_of_descriptors_is_measured_since_the_process_started() {
    let leaking = descriptors(6.0, 20.0);
    let used = [vec![900.0; 2000], leaking.clone()].concat();
    let started_s = (START + 2000 * HOUR_MS / 12) as f64 / 1000.0;
    let started = [vec![started_s - 1e6; 2000], vec![started_s; leaking.len()]].concat();
    // The highest of a day, a quarter into it, is 700 + 20 × day: 1024 on day 16.2, so on day 16.25.
    for started in [started, Vec::new()] {
        let low = [vec![if started.is_empty() { 1900.0 } else { 900.0 }; 2000], leaking.clone()].concat();
        let when =
            about(Resource::Descriptors, if started.is_empty() { &low } else { &used }, &[1024.0], &started).when;
        let [earliest, median, latest] = days_ahead(when, used.len()).unwrap();
        assert!((median - 10.25).abs() < 0.7 && earliest <= 10.25 && latest >= 10.25, "{earliest} {median} {latest}");
    }
    let short = [vec![900.0; 2000], descriptors(2.0, 20.0)].concat();
    let started = vec![started_s; short.len()];
    assert_eq!(about(Resource::Descriptors, &short, &[1024.0], &started).when, When::TooShort);
}

#[test]
fn descriptors_that_follow_the_load_give_no_date() {
    assert_eq!(about(Resource::Descriptors, &descriptors(10.3, 0.0), &[1024.0], &[]).when, When::NotWithin);
    assert_eq!(about(Resource::Descriptors, &descriptors(10.3, 0.0), &[65536.0], &[]).when, When::NotNear);
}

/// A reading of any kind.
fn wild(random: &mut Random, usual: f64) -> f64 {
    match (random.unit() * 24.0) as usize {
        0 => f64::INFINITY,
        1 => f64::NEG_INFINITY,
        2 => f64::NAN,
        3 => -usual,
        4 => 1e308,
        5 => 0.0,
        6 => 5e-324,
        7 => 9e18 * random.unit(),
        _ => usual * random.between(0.4, 1.1),
    }
}

#[test]
fn any_input_gives_finite_numbers_and_ordered_dates() {
    let mut random = Random(2024);
    for case in 0..600 {
        let is_wild = case % 2 == 0;
        let length = (random.unit().powi(2) * 2500.0) as usize;
        let usual = random.between(-5.0, 30.0).exp();
        let column = |random: &mut Random| -> Vec<f64> {
            let rate = random.between(-0.5, 1.0);
            let value = |step: usize| usual * (1.0 + rate * step as f64 / length as f64);
            (0..length).map(|step| if is_wild { wild(random, usual) } else { value(step) }).collect()
        };
        let (used, limit, started) = (column(&mut random), column(&mut random), column(&mut random));
        let (start_ms, step_ms) = match case % 7 {
            0 => (i64::MAX, 300_000),
            1 => (i64::MIN, 3_600_000),
            2 => (0, i64::MAX),
            3 => (0, [0, -5, i64::MIN][case % 3]),
            4 => (START, 1),
            _ => (START, [15_000, 300_000, 3_600_000][case % 3]),
        };
        let limit = if case % 3 == 0 { vec![usual * 1.9] } else { limit };
        for resource in [Resource::Database, Resource::Descriptors] {
            let answer = outlook(resource, &Usage { start_ms, step_ms, used: &used, limit: &limit, started: &started });
            for number in [answer.now, answer.limit, answer.per_day].into_iter().flatten() {
                assert!(number.is_finite(), "case {case}: {answer:?}");
            }
            if let When::Dates { earliest, median, latest } = answer.when {
                let rest = [median.unwrap_or(i64::MAX), latest.unwrap_or(i64::MAX)];
                assert!(earliest <= rest[0] && rest[0] <= rest[1], "case {case}: {answer:?}");
            }
        }
    }
}
