//! Tests of intervals, scores and calibration against `tests/oracle/conformal_reference.py`, and of the walk over the past.

use serde::Deserialize;

use super::breaks::starts;
use super::calibrate::{Calibration, Example, INPUTS};
use super::conformal::{Adaptation, Residuals, normal_quantile};
use super::elections::Elections;
use super::isotonic::{Isotonic, Judged};
use super::leads::{HORIZON_MS, Leads};
use super::member_metric::forecast;
use super::model::{Fitted, Model};
use super::models::{ModelChoice, SeasonalNaive, light_models, named, one_liners};
use super::order::{median, quantile};
use super::quantiles::{LEVELS, MEDIAN, crps};
use super::random::Random;
use super::series::{Scale, Series};
use crate::time::{DAY_MS, HOUR_MS, Zone, parse_instant};

const FIVE_MINUTES: i64 = 300_000;

#[derive(Deserialize)]
struct Reference {
    pools: Vec<Pool>,
    misses: Vec<f64>,
    outside: [Vec<f64>; 2],
    stretch: Vec<Vec<f64>>,
    scores: Vec<Score>,
    logistic: Logistic,
    isotonic: IsotonicReference,
    normal: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
struct Pool {
    residuals: Vec<f64>,
    quantiles: Vec<f64>,
}

#[derive(Deserialize)]
struct Score {
    quantiles: Vec<f64>,
    outcome: f64,
    crps: f64,
}

#[derive(Deserialize)]
struct IsotonicReference {
    said: Vec<f64>,
    happened: Vec<f64>,
    weights: Vec<f64>,
    asked: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
struct Logistic {
    inputs: Vec<[f64; INPUTS]>,
    happened: Vec<f64>,
    weights: Vec<f64>,
    coefficients: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("reference.json")).unwrap()
}

#[test]
fn conformal_quantiles_are_exactly_those_of_the_reference() {
    for pool in reference().pools {
        let mut residuals = Residuals::new(usize::MAX);
        pool.residuals.iter().for_each(|residual| residuals.add(3, *residual));
        let own: Vec<f64> = LEVELS.iter().map(|level| residuals.quantile(3, *level)).collect();
        assert_eq!(own, pool.quantiles);
    }
}

#[test]
fn the_oldest_residuals_leave_a_full_pool() {
    let mut residuals = Residuals::new(100);
    (0..250).for_each(|i| residuals.add(0, f64::from(i % 50)));
    // The last hundred are 0 to 49 twice: the ⌈101 × 0.9⌉ = 91st is 45.
    assert_eq!((residuals.count(0), residuals.quantile(0, 0.9), residuals.count(1)), (100, 45.0, 0));
}

#[test]
fn adaptive_levels_and_the_stretch_they_give_are_those_of_the_reference() {
    let reference = reference();
    let mut adaptation = Adaptation::default();
    for (at, missed) in reference.misses.iter().enumerate() {
        adaptation.learn(1, [*missed, *missed]);
        let outside = [reference.outside[0][at], reference.outside[1][at]];
        adaptation.outside(1).iter().zip(outside).for_each(|(own, other)| assert!((own - other).abs() < 1e-12));
        let expected = [0, 99, 399].iter().position(|known| *known == at).map(|place| &reference.stretch[place]);
        for (level, factor) in LEVELS.iter().zip(expected.into_iter().flatten()) {
            assert!((adaptation.stretch(1, *level) - factor).abs() < 1e-7, "{level} after {at}");
        }
    }
    assert_eq!(adaptation.stretch(0, 0.05), 1.0, "other buckets have not learned");
}

#[test]
fn normal_quantiles_are_those_of_scipy() {
    for [p, expected] in reference().normal {
        assert!((normal_quantile(p) - expected).abs() < 1e-7, "{p}: {} instead of {expected}", normal_quantile(p));
    }
}

#[test]
fn the_crps_is_that_of_the_reference() {
    for score in reference().scores {
        let quantiles = score.quantiles.try_into().unwrap();
        assert!((crps(&quantiles, score.outcome) - score.crps).abs() < 1e-12);
    }
    // For a point, it is the absolute error.
    assert!((crps(&[2.0; LEVELS.len()], 5.0) - 3.0).abs() < 1e-12);
}

#[test]
fn a_calibration_has_the_coefficients_that_scipy_finds() {
    let Logistic { inputs, happened, weights, coefficients } = reference().logistic;
    let examples = inputs.iter().zip(&happened).zip(&weights);
    let examples: Vec<Example> = examples
        .map(|((inputs, happened), weight)| Example { inputs: *inputs, happened: *happened > 0.5, weight: *weight })
        .collect();
    let own = Calibration::fit(&examples, 10.0).coefficients;
    for (own, other) in own.iter().zip(&coefficients) {
        assert!((own - other).abs() < 2e-4, "{own} instead of {other}");
    }
    // The third input speaks against what it should speak for, and is ignored instead of turned around.
    assert_eq!(own[3], 0.0);
}

#[test]
fn an_isotonic_regression_is_that_of_scipy() {
    let IsotonicReference { said, happened, weights, asked } = reference().isotonic;
    let judged: Vec<Judged> = said
        .iter()
        .zip(happened.iter().zip(weights))
        .map(|(probability, (happened, weight))| Judged {
            probability: *probability,
            happened: *happened > 0.5,
            weight,
        })
        .collect();
    let fitted = Isotonic::fit(&judged);
    for [probability, moved] in asked {
        let own = fitted.moved(probability);
        assert!((own - moved).abs() < 1e-9, "{probability}: {own} instead of {moved}");
    }
    // Without outcomes, a probability stays what it is, but for the ends, which nothing is known of.
    let unknown = Isotonic::fit(&[]);
    for probability in [0.025, 0.1, 0.5, 0.975] {
        assert!((unknown.moved(probability) - probability).abs() < 1e-12);
    }
    assert_eq!((unknown.moved(0.0), unknown.moved(1.0)), (0.025, 0.975));
}

fn series(values: Vec<f64>, step_ms: i64) -> Series {
    Series { start_ms: parse_instant("2026-10-01", 0).unwrap(), step_ms, values, zone: Zone::default() }
}

fn shape_of(model: &dyn Model, series: &Series) -> Option<Vec<f64>> {
    let leads = Leads::up_to(HORIZON_MS, series.step_ms);
    model.fit(&[]).unwrap().forecast(series.until(series.values.len()), &leads).map(|shape| shape.center)
}

#[test]
fn leads_are_every_value_for_an_hour_then_quarters_then_hours() {
    let leads = Leads::up_to(HORIZON_MS, FIVE_MINUTES);
    assert_eq!(leads.len(), 12 + 20 + 18);
    assert_eq!((leads.ms(11), leads.ms(12), leads.ms(32)), (HOUR_MS, HOUR_MS + 900_000, 7 * HOUR_MS));
    assert_eq!([0, 11, 12, 31, 32, 49].map(|lead| leads.bucket(lead)), [0, 0, 1, 1, 2, 2]);
    assert_eq!(Leads::up_to(HORIZON_MS, HOUR_MS).steps(), (1..=24).collect::<Vec<_>>());
}

#[test]
fn the_same_time_yesterday_is_that_of_the_clock_on_the_wall() {
    let zone: Zone = "Europe/Berlin".parse().unwrap();
    // The clocks go back at 01:00 UTC on 25 October 2026. The value of each hour is the hour on the wall.
    let start_ms = parse_instant("2026-10-24T00:00:00Z", 0).unwrap();
    let wall = |ms: i64| (ms + zone.offset_ms(ms)).rem_euclid(DAY_MS) as f64 / HOUR_MS as f64;
    let values: Vec<f64> = (0..30).map(|hour| wall(start_ms + hour * HOUR_MS)).collect();
    let own = Series { start_ms, step_ms: HOUR_MS, values, zone };
    let leads = Leads::up_to(HORIZON_MS, HOUR_MS);
    let shape = SeasonalNaive::DAY.forecast(own.until(30), &leads).unwrap();
    // From 06:00 UTC on Sunday, every lead has the wall's hour; in UTC, it would be an hour off.
    let expected: Vec<f64> = (30..54).map(|hour| wall(start_ms + hour * HOUR_MS)).collect();
    assert_eq!(shape.center, expected);
}

#[test]
fn one_liners_have_the_values_that_their_names_say() {
    // Two weeks in which each hour has its number of the week, and a last day that is 1000 higher.
    let hours = 15 * 24;
    let values = (0..hours * 12).map(|i| f64::from(i / 12 % 168) + if i / 12 >= 14 * 24 { 1000.0 } else { 0.0 });
    let own = series(values.collect(), FIVE_MINUTES);
    let all: Vec<Vec<f64>> = one_liners().iter().map(|model| shape_of(&**model, &own).unwrap()).collect();
    let names: Vec<&str> = one_liners().iter().map(|model| model.name()).collect();
    let at = |name: &str, lead: usize| all[names.iter().position(|known| *known == name).unwrap()][lead];
    // Lead 49 is 24 h ahead: the last value of the day after, in hour 47 of the week.
    assert_eq!((at("last-hour", 49), at("last-value", 49)), (1023.0, 1023.0));
    assert_eq!((at("same-time-yesterday", 49), at("same-time-last-week", 49)), (1023.0, 47.0));
    assert_eq!((at("last-day", 49), at("hour-of-week", 49)), (1011.5, 47.0));
}

#[test]
fn a_trend_is_followed_and_noise_is_not() {
    let trend = &light_models()[1];
    // Rises by one an hour.
    let rising = series((0..600).map(|i| f64::from(i) / 12.0).collect(), FIVE_MINUTES);
    let ahead = shape_of(&**trend, &rising).unwrap();
    // One hour ahead, a slope that halves in 6 h has done (1 - 2^(-1/6)) × 6 / ln 2 = 0.9445 h of its full hours.
    let level = 599.0 / 12.0 + 1.0 / 24.0;
    assert!((ahead[11] - level - 0.9445).abs() < 0.1, "{} after {level}", ahead[11]);
    let mut random = Random::new(1);
    let noise = series((0..600).map(|_| random.unit()).collect(), FIVE_MINUTES);
    let flat = shape_of(&**trend, &noise).unwrap();
    assert!(flat.iter().all(|value| *value == flat[0]));
}

#[test]
fn a_new_level_is_a_break_and_the_return_to_the_old_one_ends_it() {
    let level = |hour: usize| if (100..120).contains(&hour) { 5.0 } else { 1.0 + (hour % 24) as f64 / 24.0 };
    let own = series((0..200 * 12).map(|i| level(i / 12)).collect(), FIVE_MINUTES);
    let origins: Vec<usize> = (24..=200).map(|hour| hour * 12).collect();
    let found = starts(&own, &origins);
    let at = |hour: usize| found[hour - 24] / 12;
    // Visible once the level has lasted for three hours.
    assert_eq!([99, 102, 103, 119, 122, 123, 200].map(at), [0, 0, 100, 100, 100, 0, 0]);
}

#[test]
fn elections_are_counted_for_a_day_and_new_ones_come_at_the_rate_of_late() {
    // Hourly slots. Two elections at hour 30, one at hour 40.
    let count = |hour: usize| if (30..54).contains(&hour) { 2.0 } else { 0.0 } + if (40..64).contains(&hour) { 1.0 } else { 0.0 };
    let counts: Vec<f64> = (0..50).map(count).collect();
    let elections = Elections::of([counts.as_slice(), &[]].into_iter(), HOUR_MS);
    let outlook = elections.outlook(50, 24).unwrap();
    let mut random = Random::new(7);
    let courses: Vec<Vec<f64>> = (0..4000).map(|_| outlook.course(&mut random, &[0; 24], &[0.0; 5])).collect();
    let mean = |lead: usize| courses.iter().map(|course| course[lead]).sum::<f64>() / 4000.0;
    // Hour 53 is the last that counts all three, 54 only the one of hour 40, and 64 none.
    let new = |lead: usize| mean(lead) - [3.0, 1.0, 0.0][usize::from(lead >= 4) + usize::from(lead >= 14)];
    assert!(courses.iter().all(|course| course[0] >= 3.0 && course[23] >= 0.0));
    assert!(new(0) > 0.0 && new(3) > new(0) && new(23) > new(13), "{} {} {}", new(0), new(3), new(23));
    // The usual rate is 3.5 in 50 hours, the rate of late is less than one an hour.
    assert!((1.0..8.0).contains(&new(23)), "{}", new(23));
}

/// A series of so many days with a daily rhythm and noise.
fn rhythm(days: usize, step_ms: i64) -> Series {
    let mut random = Random::new(days as u64);
    let per_day = (DAY_MS / step_ms) as usize;
    let values = (0..days * per_day).map(|i| {
        let noise: f64 = (0..4).map(|_| random.unit() - 0.5).sum();
        3.0 + (std::f64::consts::TAU * i as f64 / per_day as f64).sin() + 0.2 * noise
    });
    series(values.collect(), step_ms)
}

fn hourly_origins(series: &Series) -> Vec<usize> {
    let hour = series.steps_in(HOUR_MS);
    (24 * hour..=series.values.len()).step_by(hour).collect()
}

#[test]
fn forecasts_do_not_depend_on_what_comes_after_their_origin() {
    let whole = rhythm(9, FIVE_MINUTES);
    let mut other = whole.clone();
    let known = 7 * 288;
    other.values[known..].iter_mut().enumerate().for_each(|(i, value)| *value = i as f64 * 17.0);
    let run = |series: Series| {
        let origins = hourly_origins(&series);
        forecast(series, Scale::Same, &origins, &ModelChoice::Auto, &[], &[]).unwrap()
    };
    let (a, b) = (run(whole), run(other));
    for (own, changed) in a.tracks.iter().zip(&b.tracks) {
        for (origin, end) in a.origins.iter().enumerate().filter(|(_, end)| **end <= known) {
            assert_eq!(own.quantiles[origin], changed.quantiles[origin], "{} at {end}", own.name);
        }
    }
}

#[test]
fn intervals_cover_as_often_as_they_say_and_auto_is_not_worse_than_the_best_one_liner() {
    let own = rhythm(21, FIVE_MINUTES);
    let origins = hourly_origins(&own);
    let found = forecast(own, Scale::Same, &origins, &ModelChoice::Auto, &[], &[]).unwrap();
    for judged in found.trust.judged(found.judged) {
        let judged = judged.unwrap();
        assert!((0.76..=0.84).contains(&judged.within_80) && (0.92..=0.97).contains(&judged.within_95), "{judged:?}");
        assert!(judged.crps <= 1.02 * judged.yardstick, "{judged:?}");
    }
    let shares: Vec<f64> = found.models.iter().map(|models| models.iter().map(|(_, share)| share).sum()).collect();
    assert!(shares.iter().all(|sum| (sum - 1.0).abs() < 1e-9), "{shares:?}");
}

/// The names of the best one-liners at the end of a series, for each bucket.
fn yardsticks(own: &Series) -> Vec<String> {
    let origins = hourly_origins(own);
    let found = forecast(own.clone(), Scale::Same, &origins, &ModelChoice::BestNaive, &[], &[]).unwrap();
    found.models.iter().map(|models| models[0].0.clone()).collect()
}

#[test]
fn the_yardstick_is_the_one_liner_that_was_best_so_far() {
    let seasonal = yardsticks(&rhythm(14, FIVE_MINUTES));
    assert!(["hour-of-week", "same-time-yesterday"].contains(&&*seasonal[2]), "{seasonal:?}");
    // Of a random walk, only the level of now says anything.
    let (mut random, mut level) = (Random::new(11), 0.0);
    let walk = series(
        (0..14 * 288)
            .map(|_| {
                level += random.unit() - 0.5;
                level
            })
            .collect(),
        FIVE_MINUTES,
    );
    let names = yardsticks(&walk);
    assert!(names.iter().all(|name| ["last-value", "last-hour"].contains(&&**name)), "{names:?}");
}

#[test]
fn the_first_change_after_days_without_any_does_not_blow_up_later_intervals() {
    // The quantiles of a day are all equal until the value changes once a day.
    let values = (0..12 * 288).map(|i| if i > 6 * 288 && i % 288 < 40 { 2.0 } else { 1.0 });
    let own = series(values.collect(), FIVE_MINUTES);
    let origins = hourly_origins(&own);
    let found = forecast(own, Scale::Same, &origins, &ModelChoice::Auto, &[], &[]).unwrap();
    for track in &found.tracks {
        for row in track.quantiles.iter().flatten().flat_map(|quantiles| &quantiles.0) {
            assert!(row[0] >= 0.0 && row[LEVELS.len() - 1] <= 3.0, "{}: {row:?}", track.name);
        }
    }
}

#[test]
fn hostile_series_give_a_sentence_or_a_finite_forecast() {
    let days = 6;
    let slots = days * 288;
    let mut random = Random::new(3);
    let mut some = |f: &mut dyn FnMut(usize, f64) -> f64| (0..slots).map(|i| f(i, random.unit())).collect::<Vec<f64>>();
    let cases: Vec<(&str, Vec<f64>)> = vec![
        ("constant", some(&mut |_, _| 7.0)),
        ("zeros", some(&mut |_, _| 0.0)),
        ("all missing", some(&mut |_, _| f64::NAN)),
        ("mostly missing", some(&mut |i, _| if i % 97 == 0 { 1.0 } else { f64::NAN })),
        ("negative", some(&mut |_, r| r - 0.5)),
        ("infinite", some(&mut |i, r| if i % 50 == 0 { f64::INFINITY } else { r })),
        ("huge", some(&mut |_, r| r * 1e300)),
        ("two values", some(&mut |_, r| if r < 0.5 { 1.0 } else { 1e9 })),
        ("ends in a gap", some(&mut |i, r| if i > 4 * 288 { f64::NAN } else { r })),
        ("gap in the middle", some(&mut |i, r| if (400..1100).contains(&i) { f64::NAN } else { r })),
        ("short", (0..200).map(f64::from).collect()),
        ("empty", Vec::new()),
    ];
    for (name, readings) in cases {
        let scale = Scale::of(&readings);
        let own = series(readings.iter().map(|reading| scale.value(*reading)).collect(), FIVE_MINUTES);
        let origins = hourly_origins(&own);
        for choice in [ModelChoice::Auto, ModelChoice::BestNaive, named("rhythm").unwrap()] {
            match forecast(own.clone(), scale, &origins, &choice, &[], &[]) {
                Err(reason) => assert!(!reason.is_empty() && !reason.ends_with('.'), "{name}: {reason}"),
                Ok(found) => {
                    for row in found.last.iter().flat_map(|quantiles| &quantiles.0) {
                        let readings = row.map(|value| scale.reading(value));
                        assert!(readings.iter().all(|r| r.is_finite()) && readings.is_sorted(), "{name}: {readings:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_names_of_models_are_parsed_and_a_typo_gets_a_suggestion() {
    assert_eq!((named("auto"), named("best-naive")), (Ok(ModelChoice::Auto), Ok(ModelChoice::BestNaive)));
    assert_eq!(named("arima"), Ok(ModelChoice::Named("arima".to_owned())));
    let error = named("last-hours").unwrap_err();
    assert!(error.contains("did you mean 'last-hour'") && error.contains("best-naive"), "{error}");
}

#[test]
fn medians_and_quantiles_are_those_of_numpy() {
    // numpy.quantile([1, 2, 4, 8], [0, 0.1, 0.5, 0.9, 1]) is [1, 1.3, 3, 6.8, 8].
    let values = [1.0, 2.0, 4.0, 8.0];
    let own = [0.0, 0.1, 0.5, 0.9, 1.0].map(|level| quantile(&values, level));
    assert!(own.iter().zip([1.0, 1.3, 3.0, 6.8, 8.0]).all(|(own, other)| (own - other).abs() < 1e-12), "{own:?}");
    assert_eq!((median([f64::NAN, 3.0, 1.0]), median([f64::NAN])), (Some(2.0), None));
    assert_eq!(LEVELS[MEDIAN], 0.5);
}
