//! Simulated courses of a cluster's health: the forecast medians of all readings of all members, plus what really followed at
//! an earlier origin beyond the medians of then. All readings of a course come from the same earlier origin, so what moves
//! together in reality moves together in the simulation.

use std::sync::Arc;

use super::disk_elections::{DiskElections, LEVELS, level};
use super::elections::{ElectionOutlook, Elections};
use super::random::Random;
use super::series::{Scale, Series};
use crate::score::Rollup;
use crate::spec::{FULL_POINTS, Metric, POINT, Profile};
use crate::text::palette::RED_BELOW;

/// The hours of a course.
pub const HOURS: usize = 24;
/// Fewest earlier origins of which courses are made, and the most.
const FEWEST: usize = 24;
const MOST: usize = 168;

/// The forecasts of one metric of one member at all origins.
pub struct MetricCourses {
    /// The metric.
    pub metric: Metric,
    /// The values, on the scale of the models.
    pub series: Series,
    /// The scale.
    pub scale: Scale,
    /// For each origin, the forecast median of each slot ahead; `None` without a forecast.
    pub medians: Vec<Option<Vec<f32>>>,
    /// For each origin, each slot ahead if the slope of the last hours goes on; `None` without a clear trend.
    pub trends: Vec<Option<Vec<f32>>>,
    /// The thresholds on the scale of the models, ascending, with the points that the score loses above them.
    pub thresholds: Vec<(f64, f64)>,
}

/// The points of score that a metric costs above each of its thresholds, ascending. `limit` is what thresholds in percent
/// are shares of; without one, or with one that is not positive (unlimited), the metric costs nothing.
pub fn thresholds(profile: &Profile, metric: Metric, scale: Scale, limit: Option<f64>) -> Vec<(f64, f64)> {
    let rule = profile.rule(metric);
    let unit = match (rule.bands.of_limit, limit) {
        (false, _) => 1.0,
        (true, Some(limit)) if limit > 0.0 => limit,
        (true, _) => return Vec::new(),
    };
    let share = profile.share(metric);
    let lost = |points: u64| share * (FULL_POINTS - points) as f64 / POINT as f64;
    rule.bands.list.iter().map(|band| (scale.value(band.above * unit), lost(band.points))).collect()
}

/// The members of a cluster with all that is needed to simulate it.
pub struct ClusterCourses {
    /// For each member, its metrics with thresholds.
    pub members: Vec<Vec<MetricCourses>>,
    /// The leader changes of the cluster.
    pub elections: Elections,
    /// The elections of slow disks, of all clusters.
    pub disk_elections: Arc<DiskElections>,
    /// The points that leader changes cost above each of their thresholds, ascending.
    pub election_thresholds: Vec<(f64, f64)>,
    /// How members make the score of the cluster.
    pub rollup: Rollup,
    /// The origins, as numbers of known slots; the same for all series.
    pub origins: Vec<usize>,
    /// The number of slots in an hour.
    pub hour: usize,
}

/// One simulated course.
#[derive(Clone, Debug)]
pub struct Course {
    /// The mean score of each hour ahead; NaN without a score.
    pub hours: [f32; HOURS],
    /// The first hour whose mean is red.
    pub first_red: Option<usize>,
    /// The member and metric that cost most points in that hour.
    pub blame: Option<(usize, Metric)>,
}

impl ClusterCourses {
    /// The courses from an origin; empty if a member that was there in the last hour has no forecast, or if there are too few
    /// earlier origins.
    pub fn simulate(&self, origin: usize) -> Vec<Course> {
        let ahead = HOURS * self.hour;
        let present: Vec<usize> = (0..self.members.len()).filter(|member| self.is_present(*member, origin)).collect();
        let all_forecast = |member: &usize| self.members[*member].iter().all(|metric| metric.medians[origin].is_some());
        let Some(elections) = self.elections.outlook(self.origins[origin], ahead) else { return Vec::new() };
        let elections = (elections, self.disk_elections.rates(origin));
        let donors = self.donors(origin, ahead);
        if present.is_empty() || !present.iter().all(all_forecast) || donors.len() < FEWEST {
            return Vec::new();
        }
        let mut random = Random::new(self.origins[origin] as u64);
        let mut scratch = Scratch::new(present.len(), ahead);
        donors
            .into_iter()
            .enumerate()
            .map(|(index, donor)| Draw { origin, donor, slopes_go_on: index % 2 == 1 })
            .map(|draw| self.course(draw, &present, &elections, &mut random, &mut scratch))
            .collect()
    }

    /// Whether a member has a reading of any metric in the hour before an origin.
    fn is_present(&self, member: usize, origin: usize) -> bool {
        let end = self.origins[origin];
        let recent =
            |metric: &MetricCourses| metric.series.until(end).last(self.hour).iter().any(|value| !value.is_nan());
        self.members[member].iter().any(recent)
    }

    /// The earlier origins whose 24 hours had passed, and that have forecasts of their own; the latest two weeks.
    fn donors(&self, origin: usize, ahead: usize) -> Vec<usize> {
        let passed = |donor: &usize| self.origins[*donor] + ahead <= self.origins[origin];
        let forecast = |donor: &usize| self.members.iter().flatten().any(|metric| metric.medians[*donor].is_some());
        let all: Vec<usize> = (0..origin).rev().filter(passed).filter(forecast).take(2 * MOST).collect();
        let every = all.len().div_ceil(MOST).max(1);
        all.into_iter().step_by(every).collect()
    }

    fn course(
        &self,
        draw: Draw,
        present: &[usize],
        (elections, by_disk): &(ElectionOutlook, [f64; LEVELS]),
        random: &mut Random,
        scratch: &mut Scratch,
    ) -> Course {
        self.find_levels(draw, present, scratch);
        let counts = elections.course(random, &scratch.levels, by_disk);
        for (row, member) in scratch.lost.iter_mut().zip(present) {
            for (lost, count) in row.iter_mut().zip(&counts) {
                *lost = cost(&self.election_thresholds, *count);
            }
            for metric in &self.members[*member] {
                metric.add_costs(draw, &self.origins, row);
            }
        }
        self.roll_up(scratch);
        let hour = |hour: usize| mean(&scratch.scores[hour * self.hour..(hour + 1) * self.hour]);
        let hours: [f32; HOURS] = std::array::from_fn(hour);
        let first_red = hours.iter().position(|mean| f64::from(*mean) < RED_BELOW);
        let blame = first_red.and_then(|hour| self.blame(draw, present, &counts, hour, scratch));
        Course { hours, first_red, blame }
    }

    /// The level of the slowest disk of a course in each slot; the lowest where nothing is known.
    fn find_levels(&self, draw: Draw, present: &[usize], scratch: &mut Scratch) {
        scratch.levels.fill(0);
        let metrics = present.iter().flat_map(|member| &self.members[*member]);
        for disk in metrics.filter(|of| of.metric == Metric::WalFsync) {
            for (slowest, value) in scratch.levels.iter_mut().zip(disk.course(draw, &self.origins)) {
                *slowest = level(disk.scale.reading(value)).map_or(*slowest, |own| own.max(*slowest));
            }
        }
    }

    /// The scores of the cluster from the lost points of its members; NaN where unscored.
    fn roll_up(&self, scratch: &mut Scratch) {
        let Scratch { lost, scores, sorted, .. } = scratch;
        for (slot, score) in scores.iter_mut().enumerate() {
            let members = || lost.iter().map(|row| 10.0 - row[slot]);
            *score = match self.rollup {
                Rollup::Worst => {
                    members().fold(10.0, |worst, own| if own.is_nan() || own < worst { own } else { worst })
                }
                Rollup::Mean => members().sum::<f64>() / lost.len() as f64,
                Rollup::Quorum => {
                    sorted.clear();
                    sorted.extend(members());
                    // Unscored members come last: they count as below any score.
                    sorted.sort_by(|a, b| a.is_nan().cmp(&b.is_nan()).then(b.total_cmp(a)));
                    sorted[sorted.len() / 2]
                }
            };
        }
    }

    /// The member with the lowest score in an hour, and the metric that costs it most.
    fn blame(
        &self,
        draw: Draw,
        present: &[usize],
        counts: &[f64],
        hour: usize,
        scratch: &Scratch,
    ) -> Option<(usize, Metric)> {
        let slots = hour * self.hour..(hour + 1) * self.hour;
        let lost = |row: &&Vec<f64>| row[slots.clone()].iter().filter(|lost| !lost.is_nan()).sum::<f64>();
        let worst = (0..present.len()).max_by(|a, b| lost(&&scratch.lost[*a]).total_cmp(&lost(&&scratch.lost[*b])))?;
        let elections: f64 = counts[slots.clone()].iter().map(|count| cost(&self.election_thresholds, *count)).sum();
        let mut most = (Metric::LeaderChanges, elections);
        for metric in &self.members[present[worst]] {
            let mut row = vec![0.0; slots.end];
            metric.add_costs(draw, &self.origins, &mut row);
            let own = row[slots.clone()].iter().filter(|lost| !lost.is_nan()).sum::<f64>();
            if own > most.1 {
                most = (metric.metric, own);
            }
        }
        Some((present[worst], most.0))
    }
}

/// What one course is made of.
#[derive(Clone, Copy, Debug)]
struct Draw {
    /// The origin of the medians that it follows.
    origin: usize,
    /// The earlier origin after which its residuals came.
    donor: usize,
    /// Whether clear slopes of the last hours go on, instead of the medians: in half of the courses.
    slopes_go_on: bool,
}

/// Buffers of one origin.
struct Scratch {
    /// For each present member, the points lost in each slot.
    lost: Vec<Vec<f64>>,
    scores: Vec<f64>,
    sorted: Vec<f64>,
    /// The level of the slowest disk in each slot.
    levels: Vec<usize>,
}

impl Scratch {
    fn new(members: usize, ahead: usize) -> Self {
        Self {
            lost: vec![vec![0.0; ahead]; members],
            scores: vec![0.0; ahead],
            sorted: Vec::with_capacity(members),
            levels: vec![0; ahead],
        }
    }
}

impl MetricCourses {
    /// The values of a course in each slot: the forecast median, and what followed beyond the median at the donor; empty if either
    /// has no forecast of this metric. Medians do not follow the slope of the last hours, because most slopes end soon; with
    /// [`Draw::slopes_go_on`], a clear one goes on.
    fn course<'a>(&'a self, draw: Draw, origins: &[usize]) -> impl Iterator<Item = f64> + 'a {
        let Draw { origin, donor, slopes_go_on } = draw;
        let trend = self.trends[origin].as_deref().filter(|_| slopes_go_on);
        let now = trend.or(self.medians[origin].as_deref());
        let medians = now.zip(self.medians[donor].as_deref()).unwrap_or((&[], &[]));
        let followed = &self.series.values[origins[donor]..];
        medians
            .0
            .iter()
            .zip(medians.1)
            .zip(followed)
            .map(|((now, then), value)| f64::from(*now) + (value - f64::from(*then)))
    }

    /// Adds the points that the metric costs in each slot of a course; NaN where the donor has no value.
    fn add_costs(&self, draw: Draw, origins: &[usize], lost: &mut [f64]) {
        if self.medians[draw.origin].is_none() || self.medians[draw.donor].is_none() {
            // A donor without a forecast of this metric says nothing about it.
            lost.fill(f64::NAN);
            return;
        }
        for (lost, value) in lost.iter_mut().zip(self.course(draw, origins)) {
            *lost += cost(&self.thresholds, value);
        }
    }
}

/// The points that a value costs; NaN for a missing one.
fn cost(thresholds: &[(f64, f64)], value: f64) -> f64 {
    if value.is_nan() {
        return f64::NAN;
    }
    thresholds.iter().rev().find(|(above, _)| value > *above).map_or(0.0, |(_, lost)| *lost)
}

/// The mean of the scored slots; NaN without one.
fn mean(scores: &[f64]) -> f32 {
    let scored = || scores.iter().filter(|score| !score.is_nan());
    (scored().sum::<f64>() / scored().count() as f64) as f32
}
