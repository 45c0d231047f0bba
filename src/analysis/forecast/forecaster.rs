//! Puts a forecast together: metrics of members, courses of clusters, calibrated probabilities, limits, anomalies and trust.

use rayon::prelude::*;

use super::breach::{Breaches, ClusterPast, HORIZONS, calibrated};
use super::courses::{ClusterCourses, Course, HOURS, MetricCourses, thresholds};
use super::elections::Elections;
use super::member_metric::{SeriesForecast, Trained, forecast};
use super::model::Model;
use super::models::ModelChoice;
use super::order::{quantile, sorted};
use super::panel::Panel;
use super::quantiles::LEVELS;
use super::quota::{Resource, Usage, outlook};
use super::result::{
    Anomaly, Blame, ClusterForecast, FanPoint, FirstHour, Forecast, HORIZON_HOURS, Limit, LimitForecast,
    MetricForecast, Outlook, ScoreHour,
};
use super::series::{Scale, Series};
use super::trust::{MetricTrust, trust};
use crate::score::Rollup;
use crate::spec::{Companion, Metric, Profile};
use crate::text::palette::RED_BELOW;
use crate::time::{DAY_MS, Zone};

/// What a forecast is made of besides the panel.
pub struct Plan<'a> {
    /// The profile that decides what red is.
    pub profile: &'a Profile,
    /// How members make the score of a cluster.
    pub rollup: Rollup,
    /// The zone of days and weeks.
    pub zone: Zone,
    /// Which model forecasts.
    pub choice: &'a ModelChoice,
    /// Models that are fitted again and again for each series, besides the light ones.
    pub heavy: &'a [&'a dyn Model],
    /// Metrics to forecast besides those that cost points.
    pub also: &'a [Metric],
    /// The end of the history, milliseconds since 1970.
    pub history_end_ms: i64,
    /// Whether to stop: what is left is then not forecast, and the result is useless.
    pub stopped: &'a (dyn Fn() -> bool + Sync),
    /// The longest lead of the fans, in milliseconds.
    pub horizon_ms: i64,
}

/// A metric of a member, as an index of the panel's members.
type Key = (usize, Metric);

/// A forecast, and what a backtest shows besides it.
pub struct Forecasted {
    /// The forecast.
    pub forecast: Forecast,
    /// The forecast of each series, or why there is none.
    pub series: Vec<(Key, Result<SeriesForecast, String>)>,
    /// What is known of each cluster at each origin.
    pub clusters: Vec<ClusterPast>,
    /// The probabilities of each cluster at each origin.
    pub breaches: Breaches,
}

/// How many times [`run`] calls `done`.
pub fn works(panel: &Panel, plan: &Plan<'_>) -> usize {
    panel.members.len() * forecast_metrics(plan).count() + panel.clusters.len()
}

/// Forecasts a trimmed panel. `trained` gives the models that were fitted for a metric beforehand. `done` is called after each
/// series and each cluster.
pub fn run<'t>(
    panel: &Panel,
    plan: &Plan<'_>,
    trained: impl Fn(Metric) -> Vec<Trained<'t>> + Sync,
    done: impl Fn() + Sync,
) -> Forecasted {
    let origins = origins(panel);
    let keys: Vec<Key> = (0..panel.members.len())
        .flat_map(|member| forecast_metrics(plan).map(move |metric| (member, metric)))
        .collect();
    let mut series: Vec<(Key, Result<SeriesForecast, String>)> = keys
        .into_par_iter()
        .map(|(member, metric)| {
            if (plan.stopped)() {
                return ((member, metric), Err("stopped".to_owned()));
            }
            let readings = panel.members[member].readings(metric);
            let scale = Scale::of_metric(metric);
            let values = readings.iter().map(|reading| scale.value(*reading)).collect();
            let own = Series { start_ms: panel.start_ms, step_ms: panel.slot_ms, values, zone: plan.zone };
            let found = forecast(own, scale, &origins, plan.choice, plan.heavy, &trained(metric));
            done();
            ((member, metric), found)
        })
        .collect();
    let courses: Vec<ClusterCourses> =
        (0..panel.clusters.len()).map(|c| cluster_courses(panel, plan, c, &mut series, &origins)).collect();
    let clusters: Vec<ClusterPast> = courses
        .par_iter()
        .zip(&panel.clusters)
        .map(|(courses, scores)| {
            let past = ClusterPast::of(courses, scores, 0);
            done();
            past
        })
        .collect();
    let breaches = calibrated(&clusters, panel.hour());
    let forecast = assemble(panel, plan, &origins, &series, &courses, &clusters, &breaches);
    Forecasted { forecast, series, clusters, breaches }
}

/// The metrics that are forecast: those that cost points, but leader changes, which have courses of their own.
pub fn forecast_metrics<'a>(plan: &'a Plan<'_>) -> impl Iterator<Item = Metric> + 'a {
    let costs = |metric: Metric| plan.profile.counts(metric) && !plan.profile.rule(metric).bands.list.is_empty();
    Metric::ALL
        .into_iter()
        .filter(move |metric| *metric != Metric::LeaderChanges && (costs(*metric) || plan.also.contains(metric)))
}

/// Every hour after the first day, and the end of the panel.
fn origins(panel: &Panel) -> Vec<usize> {
    let hour = panel.hour();
    let mut origins: Vec<usize> = (24 * hour..=panel.len).step_by(hour).collect();
    if origins.last() != Some(&panel.len) {
        origins.push(panel.len);
    }
    origins
}

/// Moves what the courses of a cluster need out of the forecasts of its members' metrics.
fn cluster_courses(
    panel: &Panel,
    plan: &Plan<'_>,
    cluster: usize,
    series: &mut [(Key, Result<SeriesForecast, String>)],
    origins: &[usize],
) -> ClusterCourses {
    let members = panel.clusters[cluster].members.clone();
    let mut of_members: Vec<Vec<MetricCourses>> = members.clone().map(|_| Vec::new()).collect();
    for ((member, metric), found) in series.iter_mut().filter(|((member, _), _)| members.contains(member)) {
        let limit = plan.profile.limit(*metric).and_then(|limit| latest(panel.members[*member].readings(limit)));
        let scale = Scale::of_metric(*metric);
        let thresholds = thresholds(plan.profile, *metric, scale, limit);
        if thresholds.is_empty() {
            continue;
        }
        let (values, medians) = match found {
            Ok(found) => (found.series.values.clone(), std::mem::take(&mut found.medians)),
            Err(_) => (vec![f64::NAN; panel.len], vec![None; origins.len()]),
        };
        let own = Series { start_ms: panel.start_ms, step_ms: panel.slot_ms, values, zone: plan.zone };
        of_members[*member - members.start].push(MetricCourses {
            metric: *metric,
            series: own,
            scale,
            medians,
            thresholds,
        });
    }
    let counts = members.map(|member| panel.members[member].readings(Metric::LeaderChanges));
    ClusterCourses {
        members: of_members,
        elections: Elections::of(counts, panel.slot_ms),
        election_thresholds: match plan.profile.counts(Metric::LeaderChanges) {
            true => thresholds(plan.profile, Metric::LeaderChanges, Scale::Same, None),
            false => Vec::new(),
        },
        rollup: plan.rollup,
        origins: origins.to_vec(),
        hour: panel.hour(),
    }
}

/// The last value that is present.
fn latest(readings: &[f64]) -> Option<f64> {
    readings.iter().rev().copied().find(|reading| !reading.is_nan())
}

fn assemble(
    panel: &Panel,
    plan: &Plan<'_>,
    origins: &[usize],
    series: &[(Key, Result<SeriesForecast, String>)],
    courses: &[ClusterCourses],
    clusters: &[ClusterPast],
    breaches: &Breaches,
) -> Forecast {
    let last = origins.len() - 1;
    let outlooks =
        (0..panel.clusters.len()).map(|c| cluster_forecast(panel, c, courses[c].simulate(last), breaches, last));
    let mut all = MetricTrust::default();
    series.iter().filter_map(|(_, found)| found.as_ref().ok()).for_each(|found| all.add(&found.trust));
    let names: Vec<&str> = panel.clusters.iter().map(|cluster| &*cluster.cluster).collect();
    let mut anomalies: Vec<Anomaly> = series.iter().flat_map(|(key, found)| anomalies(panel, *key, found)).collect();
    anomalies.sort_by(|a, b| {
        (&a.cluster, a.start_ms, &a.member, a.metric).cmp(&(&b.cluster, b.start_ms, &b.member, b.metric))
    });
    Forecast {
        origin_ms: panel.at_ms(panel.len),
        step_ms: panel.slot_ms,
        history_end_ms: plan.history_end_ms,
        from_ms: panel.start_ms,
        profile: plan.profile.name.clone(),
        model: plan.choice.to_string(),
        clusters: outlooks.collect(),
        metrics: series.iter().map(|(key, found)| metric_forecast(panel, plan, *key, found)).collect(),
        limits: limits(panel),
        anomalies,
        trust: trust(&all, clusters, breaches, &names, panel.hour(), |slot| panel.at_ms(slot)),
    }
}

fn cluster_forecast(
    panel: &Panel,
    cluster: usize,
    courses: Vec<Course>,
    breaches: &Breaches,
    last: usize,
) -> ClusterForecast {
    let own = &panel.clusters[cluster];
    let hour = panel.hour();
    let now = panel.len.checked_sub(hour).and_then(|start| own.mean(start..panel.len));
    let probabilities = breaches.probabilities[cluster][last];
    let outlooks = match probabilities {
        Some(probabilities) => {
            Ok(outlooks(panel, own.members.start, &courses, probabilities, breaches.usual[cluster][last]))
        }
        None => Err(why_none(panel, cluster)),
    };
    let hours =
        if outlooks.is_ok() { (0..HOURS).map(|h| score_hour(panel, &courses, h)).collect() } else { Vec::new() };
    ClusterForecast { cluster: own.cluster.to_string(), now, outlooks, hours }
}

/// Why a cluster has no outlook, as a sentence.
fn why_none(panel: &Panel, cluster: usize) -> String {
    let hour = panel.hour();
    let recent = panel.len.saturating_sub(hour)..panel.len;
    let has = |member: usize, metric: Metric| {
        panel.members[member].readings(metric)[recent.clone()].iter().any(|r| !r.is_nan())
    };
    let members = panel.clusters[cluster].members.clone();
    let days = (panel.len as i64 * panel.slot_ms) as f64 / DAY_MS as f64;
    match () {
        () if !members.clone().any(|m| Metric::ALL.into_iter().any(|metric| metric.shows_life() && has(m, metric))) => {
            "no member sent metrics in the last hour".to_owned()
        }
        () if days < 4.0 => format!("{days:.1} days of history; an outlook needs 4 days"),
        () => "too few readings of the metrics that cost points in the last days".to_owned(),
    }
}

fn outlooks(
    panel: &Panel,
    first_member: usize,
    courses: &[Course],
    probabilities: [f64; HORIZONS],
    usual: [f64; HORIZONS],
) -> [Outlook; HORIZONS] {
    let mut least = 0.0;
    std::array::from_fn(|horizon| {
        let hours = HORIZON_HOURS[horizon];
        // A longer horizon contains the shorter ones.
        least = probabilities[horizon].max(least);
        let red = || courses.iter().filter(|course| course.first_red.is_some_and(|first| (first as i64) < hours));
        let firsts = sorted(red().filter_map(|course| course.first_red).map(|first| first as f64));
        let at = |level: f64| panel.at_ms(panel.len) + quantile(&firsts, level).round() as i64 * crate::time::HOUR_MS;
        Outlook {
            hours,
            probability: least,
            usual: usual[horizon],
            first: (!firsts.is_empty()).then(|| FirstHour {
                earliest_ms: at(0.1),
                median_ms: at(0.5),
                latest_ms: at(0.9),
            }),
            blame: most_blamed(red().filter_map(|course| course.blame)).map(|(member, metric)| Blame {
                member: panel.members[first_member + member].member.member.to_string(),
                metric,
            }),
        }
    })
}

/// The most frequent member and metric; among equals the first.
fn most_blamed(blamed: impl Iterator<Item = (usize, Metric)>) -> Option<(usize, Metric)> {
    let mut all: Vec<(usize, Metric)> = blamed.collect();
    all.sort_unstable();
    all.chunk_by(|a, b| a == b).rev().max_by_key(|equal| equal.len()).map(|equal| equal[0])
}

fn score_hour(panel: &Panel, courses: &[Course], hour: usize) -> ScoreHour {
    let means = sorted(courses.iter().map(|course| f64::from(course.hours[hour])));
    let red = means.iter().filter(|mean| **mean < RED_BELOW).count();
    ScoreHour {
        start_ms: panel.at_ms(panel.len) + hour as i64 * crate::time::HOUR_MS,
        // Without any score, nothing is claimed: the whole range.
        quantiles: LEVELS.map(|level| if means.is_empty() { 10.0 * level } else { quantile(&means, level) }),
        red: red as f64 / means.len().max(1) as f64,
    }
}

fn metric_forecast(
    panel: &Panel,
    plan: &Plan<'_>,
    (member, metric): Key,
    found: &Result<SeriesForecast, String>,
) -> MetricForecast {
    let own = &panel.members[member];
    let recent = panel.len.saturating_sub(panel.hour())..panel.len;
    let fan = match found {
        Err(reason) => Err(reason.clone()),
        Ok(SeriesForecast { last: None, .. }) => Err("too few readings lately to forecast".to_owned()),
        Ok(SeriesForecast { last: Some(quantiles), scale, leads, .. }) => {
            let points = quantiles.0.iter().enumerate().filter(|(lead, _)| leads.ms(*lead) <= plan.horizon_ms);
            Ok(points
                .map(|(lead, row)| FanPoint {
                    // The lead counts from the last known slot.
                    at_ms: panel.at_ms(panel.len - 1) + leads.ms(lead),
                    quantiles: row.map(|value| scale.reading(value)),
                })
                .collect())
        }
    };
    let found = found.as_ref().ok();
    MetricForecast {
        cluster: own.member.cluster.to_string(),
        member: own.member.member.to_string(),
        metric,
        models: found.map(|found| found.models.clone()).unwrap_or_default(),
        now: latest(&own.readings(metric)[recent]),
        fan,
        skill: found.map_or([None; super::walk::BUCKETS], |found| found.trust.judged(found.judged)),
    }
}

fn anomalies(panel: &Panel, (member, metric): Key, found: &Result<SeriesForecast, String>) -> Vec<Anomaly> {
    let own = &panel.members[member];
    let Ok(found) = found else { return Vec::new() };
    let anomaly = |&(start, end, worst, interval): &(usize, usize, usize, [f64; 2])| Anomaly {
        cluster: own.member.cluster.to_string(),
        member: own.member.member.to_string(),
        metric,
        start_ms: panel.at_ms(start),
        end_ms: panel.at_ms(end),
        reading: own.readings(metric)[worst],
        expected: interval.map(|value| found.scale.reading(value)),
    };
    found.anomalies.iter().map(anomaly).collect()
}

fn limits(panel: &Panel) -> Vec<LimitForecast> {
    let of = [
        (Limit::Quota, Resource::Database, Metric::DbSize, Companion::Quota),
        (Limit::MaxFds, Resource::Descriptors, Metric::OpenFds, Companion::MaxFds),
    ];
    let all = panel.members.iter().flat_map(|own| {
        of.map(|(limit, resource, metric, companion)| {
            let usage = Usage {
                start_ms: panel.start_ms,
                step_ms: panel.slot_ms,
                used: own.readings(metric),
                limit: own.readings(companion),
                started: own.readings(Companion::StartTime),
            };
            let found = outlook(resource, &usage);
            LimitForecast {
                cluster: own.member.cluster.to_string(),
                member: own.member.member.to_string(),
                limit,
                now: found.now,
                of: found.limit,
                when: found.when,
            }
        })
    });
    all.collect()
}
