//! The plain values of a forecast, from its parts.

use super::breach::{Breaches, ClusterPast, HORIZONS};
use super::courses::{ClusterCourses, Course, HOURS};
use super::forecaster::{Key, Plan, latest};
use super::member_metric::SeriesForecast;
use super::order::{quantile, sorted};
use super::panel::Panel;
use super::quantiles::LEVELS;
use super::quota::{Resource, Usage, outlook};
use super::result::{
    Anomaly, Blame, ClusterForecast, FanPoint, FirstHour, Forecast, HORIZON_HOURS, Limit, LimitForecast,
    MetricForecast, Outlook, ScoreHour,
};
use super::trust::{MetricTrust, trust};
use crate::analysis::explain::LAST_BUCKET_SECONDS;
use crate::spec::{Column, Companion, Metric, Unit};
use crate::text::palette::RED_BELOW;
use crate::time::{DAY_MS, HOUR_MS};

/// What was found, from which the values are made.
pub struct Found<'a> {
    /// The forecast of each series, or why there is none.
    pub series: &'a [(Key, Result<SeriesForecast, String>)],
    /// The courses of each cluster.
    pub courses: &'a [ClusterCourses],
    /// What is known of each cluster at each origin.
    pub clusters: &'a [ClusterPast],
    /// The probabilities of each cluster at each origin.
    pub breaches: &'a Breaches,
    /// The number of origins.
    pub origins: usize,
}

/// The forecast from the last origin.
pub fn assemble(panel: &Panel, plan: &Plan<'_>, found: &Found<'_>) -> Forecast {
    let Found { series, courses, clusters, breaches, origins } = *found;
    let last = origins - 1;
    let outlooks =
        (0..panel.clusters.len()).map(|c| cluster_forecast(panel, c, &courses[c].simulate(last), breaches, last));
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
    courses: &[Course],
    breaches: &Breaches,
    last: usize,
) -> ClusterForecast {
    let own = &panel.clusters[cluster];
    let hour = panel.hour();
    let now = panel.len.checked_sub(hour).and_then(|start| own.mean(start..panel.len));
    let probabilities = breaches.probabilities[cluster][last];
    let outlooks = match probabilities {
        Some(probabilities) => {
            Ok(outlooks(panel, own.members.start, courses, probabilities, breaches.usual[cluster][last]))
        }
        None => Err(why_none(panel, cluster)),
    };
    let hours = if outlooks.is_ok() { (0..HOURS).map(|h| score_hour(panel, courses, h)).collect() } else { Vec::new() };
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
        let at = |level: f64| panel.at_ms(panel.len) + quantile(&firsts, level).round() as i64 * HOUR_MS;
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
        start_ms: panel.at_ms(panel.len) + hour as i64 * HOUR_MS,
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
            let highest = highest(own.readings(metric), metric);
            let points = quantiles.0.iter().enumerate().filter(|(lead, _)| leads.ms(*lead) <= plan.horizon_ms);
            Ok(points
                .map(|(lead, row)| FanPoint {
                    // The lead counts from the last known slot.
                    at_ms: panel.at_ms(panel.len - 1) + leads.ms(lead),
                    quantiles: row.map(|value| scale.reading(value).min(highest)),
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

/// The highest reading that a forecast may claim: a percentile is never above the last finite bucket of etcd's histograms,
/// 8.192 s, unless a reading was.
fn highest(readings: &[f64], metric: Metric) -> f64 {
    match Column::from(metric).unit() {
        Unit::Seconds => readings.iter().copied().fold(LAST_BUCKET_SECONDS, f64::max),
        _ => f64::INFINITY,
    }
}
