//! A forecast with every kind of value, for tests of outputs. Its numbers are made up.

use super::*;
use crate::analysis::forecast::quota::When;
use crate::time::{DAY_MS, HOUR_MS};

/// 2026-10-07 at 12:00 UTC.
pub(crate) const ORIGIN_MS: i64 = 1_791_374_400_000;

/// 5 minutes.
const STEP_MS: i64 = 300_000;

/// Five clusters: one that probably becomes red, two quiet ones, one without a score, and one that is red.
pub(crate) fn sample() -> Forecast {
    Forecast {
        origin_ms: ORIGIN_MS,
        step_ms: STEP_MS,
        history_end_ms: ORIGIN_MS,
        from_ms: ORIGIN_MS - 28 * DAY_MS,
        profile: "seed".to_owned(),
        model: "auto".to_owned(),
        clusters: vec![
            of_cluster("c01", 9.5, [(0.03, 0.04), (0.61, 0.09), (0.7, 0.2)]),
            of_cluster("c02", 10.0, [(0.0, 0.0), (0.004, 0.01), (0.02, 0.03)]),
            of_cluster("c03", 9.9, [(0.001, 0.0), (0.01, 0.01), (0.049, 0.04)]),
            ClusterForecast {
                cluster: "c04".to_owned(),
                now: None,
                outlooks: Err("it has had no score for an hour".to_owned()),
                hours: Vec::new(),
            },
            of_cluster("c05", 3.214, [(0.997, 0.1), (0.999, 0.2), (1.0, 0.3)]),
        ],
        metrics: metrics(),
        limits: limits(),
        anomalies: Vec::new(),
        trust: trust(),
    }
}

/// A number with few enough digits that JSON keeps it exactly.
fn short(value: f64) -> f64 {
    let parts = if value < 1e6 { 1e6 } else { 1.0 };
    (value * parts).round() / parts
}

/// Probabilities and usual rates within 1, 6 and 24 h.
fn of_cluster(cluster: &str, now: f64, within: [(f64, f64); 3]) -> ClusterForecast {
    let outlook = |place: usize| {
        let (probability, usual) = within[place];
        let first = FirstHour {
            earliest_ms: ORIGIN_MS,
            median_ms: ORIGIN_MS + 2 * HOUR_MS,
            latest_ms: ORIGIN_MS + 5 * HOUR_MS,
        };
        Outlook {
            hours: HORIZON_HOURS[place],
            probability,
            usual,
            first: (probability > 0.02).then_some(first),
            blame: (probability > 0.02).then(|| Blame { member: "10.0.1.3".to_owned(), metric: Metric::WalFsync }),
        }
    };
    let hour = |ahead: i64| ScoreHour {
        start_ms: ORIGIN_MS + ahead * HOUR_MS,
        quantiles: LEVELS.map(|level| short((now - 2.0 + 4.0 * level - ahead as f64 / 10.0).clamp(0.0, 10.0))),
        red: within[0].0,
    };
    ClusterForecast {
        cluster: cluster.to_owned(),
        now: Some(now),
        outlooks: Ok([outlook(0), outlook(1), outlook(2)]),
        hours: (0..24).map(hour).collect(),
    }
}

fn metrics() -> Vec<MetricForecast> {
    let alone = |name: &str| vec![(name.to_owned(), 1.0)];
    let judged = Judged { origins: 300, crps: 0.2, yardstick: 0.25, within_80: 0.81, within_95: 0.94 };
    let of = |member: &str, metric, models, now, fan| MetricForecast {
        cluster: "c01".to_owned(),
        member: member.to_owned(),
        metric,
        models,
        now,
        fan,
        skill: [Some(judged), Some(judged), None],
    };
    let models =
        [vec![("arima".to_owned(), 0.75), ("last-hour".to_owned(), 0.25)], alone("last-hour"), alone("hour-of-week")];
    // In 5 min, 1 h, 6 h and 24 h: 2, 3, 6 and 6000 ms, and half to twice as much.
    let fan = |medians: [f64; 4]| -> Vec<FanPoint> {
        let leads = [300_000, HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS];
        let point = |(lead, median): (i64, f64)| FanPoint {
            at_ms: ORIGIN_MS - STEP_MS + lead,
            quantiles: LEVELS.map(|level| short(median * 2_f64.powf(2.0 * level - 1.0))),
        };
        leads.into_iter().zip(medians).map(point).collect()
    };
    const MIB: f64 = 1_048_576.0;
    vec![
        of(
            "10.0.1.1",
            Metric::OpenFds,
            [vec![], vec![], vec![]],
            None,
            Err("too short: 2 h of history, 1 d is needed".to_owned()),
        ),
        of("10.0.1.3", Metric::WalFsync, models.clone(), Some(0.002), Ok(fan([0.002, 0.003, 0.006, 6.0]))),
        of(
            "10.0.1.3",
            Metric::DbSize,
            models,
            Some(1900.0 * MIB),
            Ok(fan([1900.0, 1901.0, 1905.0, 1920.0].map(|m| m * MIB))),
        ),
    ]
}

fn limits() -> Vec<LimitForecast> {
    const GIB: f64 = 1_073_741_824.0;
    let of = |cluster: &str, member: &str, limit, when| {
        let of = if limit == Limit::Quota { 2.0 * GIB } else { 65_536.0 };
        let now = (when != When::NoReadings).then_some(of * 0.75);
        let of = (!matches!(when, When::NoLimit | When::Unlimited)).then_some(of);
        LimitForecast { cluster: cluster.to_owned(), member: member.to_owned(), limit, now, of, when }
    };
    let dates = |earliest: i64, median: Option<i64>, latest: Option<i64>| {
        let at = |hours: i64| ORIGIN_MS + hours * HOUR_MS;
        When::Dates { earliest: at(earliest), median: median.map(at), latest: latest.map(at) }
    };
    vec![
        of("c01", "10.0.1.1", Limit::Quota, When::NoLimit),
        of("c01", "10.0.1.1", Limit::MaxFds, dates(1, Some(2), Some(30))),
        of("c01", "10.0.1.2", Limit::Quota, dates(10 * 24, Some(20 * 24), None)),
        of("c01", "10.0.1.2", Limit::MaxFds, dates(50 * 24, None, None)),
        // From November 2 to 20, most likely on the 9th.
        of("c01", "10.0.1.3", Limit::Quota, dates(26 * 24, Some(33 * 24), Some(44 * 24))),
        of("c01", "10.0.1.3", Limit::MaxFds, When::NotNear),
        of("c02", "10.0.2.1", Limit::Quota, When::Reached),
        of("c02", "10.0.2.1", Limit::MaxFds, When::NotNear),
        of("c02", "10.0.2.2", Limit::Quota, When::NotWithin),
        of("c02", "10.0.2.2", Limit::MaxFds, When::Unlimited),
        of("c02", "10.0.2.3", Limit::Quota, When::NoReadings),
        of("c02", "10.0.2.3", Limit::MaxFds, When::TooShort),
    ]
}

fn trust() -> Trust {
    let skill = |value, low, high| Some(Skill { value, low, high });
    let warning = |number: i64| Warning {
        cluster: "c01".to_owned(),
        at_ms: ORIGIN_MS - (40 - number) * 12 * HOUR_MS,
        probability: 0.7,
        red_ms: (number >= 6).then_some(ORIGIN_MS - (40 - number) * 12 * HOUR_MS + HOUR_MS),
    };
    Trust {
        origins: 372,
        days: 27.5,
        skill: [skill(0.21, 0.15, 0.27), skill(0.08, -0.01, 0.16), None],
        coverage: [Some([0.793, 0.946]), Some([0.81, 0.95]), None],
        breach: [skill(0.31, 0.2, 0.42), skill(0.22, 0.08, 0.34), None],
        warns_from: 0.5,
        warnings: (0..30).map(warning).collect(),
        warnings_in_all: 41,
        warnings_true: 33,
        missed: 3,
    }
}
