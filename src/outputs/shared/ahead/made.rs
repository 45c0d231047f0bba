//! A made-up forecast for tests of outputs: `c01` becomes red tomorrow afternoon, `c02` is quiet, `c03` is unknown.

use crate::analysis::forecast::quantiles::{LEVELS, MEDIAN};
use crate::analysis::forecast::quota::When;
use crate::analysis::forecast::result::{
    Anomaly, Blame, ClusterForecast, FanPoint, FirstHour, Forecast, Limit, LimitForecast, MetricForecast, Outlook,
    ScoreHour, Skill, Trust, Warning,
};
use crate::spec::Metric;
use crate::time::{DAY_MS, HOUR_MS};

/// 2026-10-14T23:55:00Z: the last step of the sample.
pub(in crate::outputs) const ORIGIN: i64 = 1_792_022_100_000;
const GIB: f64 = 1_073_741_824.0;

/// Quantiles around a median; `spread` is the factor (or, of a score, the distance) between the median and the last.
fn around(median: f64, at: impl Fn(f64, f64) -> f64) -> [f64; LEVELS.len()] {
    std::array::from_fn(|place| at(median, (place as f64 - MEDIAN as f64) / MEDIAN as f64))
}

pub(in crate::outputs) fn outlook(hours: i64, probability: f64, usual: f64) -> Outlook {
    let blame = Blame { member: "10.0.1.1:2379".to_owned(), metric: Metric::WalFsync };
    let from = ORIGIN + HOUR_MS / 12;
    let first =
        FirstHour { earliest_ms: from + 13 * HOUR_MS, median_ms: from + 14 * HOUR_MS, latest_ms: from + 25 * HOUR_MS };
    let is_likely = probability >= 0.1;
    Outlook { hours, probability, usual, first: is_likely.then_some(first), blame: is_likely.then_some(blame) }
}

pub(in crate::outputs) fn cluster(name: &str, probabilities: [f64; 3], afternoon: f64) -> ClusterForecast {
    let outlooks = [(1, 0.03), (6, 0.11), (24, 0.41)];
    let hour = |hour: i64| {
        let median = if (14..17).contains(&hour) { afternoon } else { 9.7 };
        let quantiles = around(median, |score, place| (score + place).clamp(0.0, 10.0));
        ScoreHour {
            start_ms: ORIGIN + HOUR_MS / 12 + hour * HOUR_MS,
            quantiles,
            red: f64::from(u8::from(median < 5.0)),
        }
    };
    ClusterForecast {
        cluster: name.to_owned(),
        now: Some(9.8),
        outlooks: Ok(std::array::from_fn(|i| outlook(outlooks[i].0, probabilities[i], outlooks[i].1))),
        hours: (0..24).map(hour).collect(),
    }
}

/// A cluster without an outlook.
pub(in crate::outputs) fn unknown(name: &str) -> ClusterForecast {
    let reason = "10.0.3.1:2379 has less than 2 days of readings <so far>.".to_owned();
    ClusterForecast { cluster: name.to_owned(), now: None, outlooks: Err(reason), hours: Vec::new() }
}

fn metric(cluster: &str, member: &str, metric: Metric, now: f64, later: f64) -> MetricForecast {
    let point = |hour: i64| {
        let median = if (14..17).contains(&hour) { later } else { now };
        FanPoint { at_ms: ORIGIN + hour * HOUR_MS, quantiles: around(median, |value, place| value * 4_f64.powf(place)) }
    };
    MetricForecast {
        cluster: cluster.to_owned(),
        member: member.to_owned(),
        metric,
        models: std::array::from_fn(|_| vec![("last_hour".to_owned(), 0.6), ("rhythm".to_owned(), 0.4)]),
        now: Some(now),
        fan: Ok((1..=24).map(point).collect()),
        skill: [None; 3],
    }
}

pub(in crate::outputs) fn limit(member: &str, limit: Limit, when: When) -> LimitForecast {
    let (now, of) = if limit == Limit::Quota { (1.61 * GIB, 2.0 * GIB) } else { (900.0, 1024.0) };
    LimitForecast { cluster: "c01".to_owned(), member: member.to_owned(), limit, now: Some(now), of: Some(of), when }
}

pub(in crate::outputs) fn trust() -> Trust {
    let skill = |value: f64| Some(Skill { value, low: value - 0.1, high: value + 0.1 });
    let warning = |day: i64| Warning {
        cluster: "c01".to_owned(),
        at_ms: ORIGIN - day * DAY_MS,
        probability: 0.5,
        red_ms: (day != 2).then_some(ORIGIN - day * DAY_MS + 3 * HOUR_MS),
    };
    Trust {
        origins: 412,
        days: 11.6,
        skill: [skill(0.22), skill(0.05), None],
        coverage: [Some([0.79, 0.94]), Some([0.81, 0.95]), None],
        breach: [None, skill(0.34), skill(-0.004)],
        warns_from: 0.3,
        warnings: vec![warning(3), warning(2), warning(1)],
        warnings_in_all: 17,
        warnings_true: 14,
        missed: 2,
    }
}

/// The whole forecast.
pub(in crate::outputs) fn forecast() -> Forecast {
    let day = |days: i64| ORIGIN + days * DAY_MS;
    Forecast {
        origin_ms: ORIGIN,
        step_ms: 300_000,
        history_end_ms: ORIGIN + 300_000,
        from_ms: ORIGIN - 14 * DAY_MS,
        profile: "seed".to_owned(),
        model: "auto".to_owned(),
        clusters: vec![
            cluster("c01", [0.004, 0.12, 0.86], 4.2),
            cluster("c02", [0.0, 0.002, 0.03], 9.7),
            unknown("c03"),
        ],
        metrics: vec![
            metric("c01", "10.0.1.1:2379", Metric::WalFsync, 0.0033, 0.0104),
            metric("c02", "10.0.2.1:2379", Metric::OpenFds, 310.0, 310.0),
        ],
        limits: vec![
            limit("10.0.1.1:2379", Limit::Quota, When::Dates { earliest: day(4), median: Some(day(9)), latest: None }),
            limit(
                "10.0.1.2:2379",
                Limit::MaxFds,
                When::Dates { earliest: day(1), median: Some(day(2)), latest: Some(day(5)) },
            ),
            limit("10.0.1.4:2379", Limit::Quota, When::NotWithin),
            limit("10.0.1.5:2379", Limit::Quota, When::NoReadings),
        ],
        anomalies: vec![Anomaly {
            cluster: "c01".to_owned(),
            member: "10.0.1.3:2379".to_owned(),
            metric: Metric::WalFsync,
            start_ms: ORIGIN - 50 * HOUR_MS,
            end_ms: ORIGIN - 49 * HOUR_MS,
            reading: 0.031,
            expected: [0.002, 0.005],
        }],
        trust: trust(),
    }
}
