//! Puts a forecast together: metrics of members, courses of clusters, calibrated probabilities, limits, anomalies and trust.

use std::sync::Arc;

use rayon::prelude::*;

use super::assembled::{Found, assemble};
use super::breach::{Breaches, ClusterPast, calibrated};
use super::courses::{ClusterCourses, MetricCourses, thresholds};
use super::disk_elections::DiskElections;
use super::elections::Elections;
use super::member_metric::{SeriesForecast, Trained, forecast};
use super::model::Model;
use super::models::ModelChoice;
use super::panel::Panel;
use super::result::Forecast;
use super::series::{Scale, Series};
use crate::score::Rollup;
use crate::spec::{Metric, Profile};
use crate::time::Zone;

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
pub type Key = (usize, Metric);

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
    let elections: Vec<Elections> = (0..panel.clusters.len()).map(|c| elections(panel, c)).collect();
    let disks: Vec<(&Elections, Vec<f64>)> =
        elections.iter().enumerate().map(|(c, own)| (own, slowest_disk(panel, c))).collect();
    let disk_elections = Arc::new(DiskElections::of(&disks, &origins, panel.slot_ms));
    let courses: Vec<ClusterCourses> = elections
        .into_iter()
        .enumerate()
        .map(|(c, own)| cluster_courses(panel, plan, c, (own, &disk_elections), &mut series, &origins))
        .collect();
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
    let found =
        Found { series: &series, courses: &courses, clusters: &clusters, breaches: &breaches, origins: origins.len() };
    let forecast = assemble(panel, plan, &found);
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

/// The leader changes of a cluster.
fn elections(panel: &Panel, cluster: usize) -> Elections {
    let members = panel.clusters[cluster].members.clone();
    Elections::of(members.map(|member| panel.members[member].readings(Metric::LeaderChanges)), panel.slot_ms)
}

/// The highest WAL fsync p99 of a cluster's members in each slot, in seconds; NaN without one.
fn slowest_disk(panel: &Panel, cluster: usize) -> Vec<f64> {
    let mut slowest = vec![f64::NAN; panel.len];
    for member in panel.clusters[cluster].members.clone() {
        let own = panel.members[member].readings(Metric::WalFsync);
        slowest.iter_mut().zip(own).for_each(|(slowest, own)| *slowest = slowest.max(*own));
    }
    slowest
}

/// Moves what the courses of a cluster need out of the forecasts of its members' metrics.
fn cluster_courses(
    panel: &Panel,
    plan: &Plan<'_>,
    cluster: usize,
    (elections, disk_elections): (Elections, &Arc<DiskElections>),
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
        let (values, medians, trends) = match found {
            Ok(found) => {
                let (medians, trends) = (std::mem::take(&mut found.medians), std::mem::take(&mut found.trends));
                (found.series.values.clone(), medians, trends)
            }
            Err(_) => (vec![f64::NAN; panel.len], vec![None; origins.len()], vec![None; origins.len()]),
        };
        let own = Series { start_ms: panel.start_ms, step_ms: panel.slot_ms, values, zone: plan.zone };
        of_members[*member - members.start].push(MetricCourses {
            metric: *metric,
            series: own,
            scale,
            medians,
            trends,
            thresholds,
        });
    }
    ClusterCourses {
        members: of_members,
        elections,
        disk_elections: Arc::clone(disk_elections),
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
pub(super) fn latest(readings: &[f64]) -> Option<f64> {
    readings.iter().rev().copied().find(|reading| !reading.is_nan())
}
