//! How far forecasts can be trusted: skill beside a yardstick with an interval, coverage, and what became of warnings.

use super::breach::{Breaches, ClusterPast, HORIZONS};
use super::random::Random;
use super::result::{HORIZON_HOURS, Judged, Skill, Trust, Warning};
use super::walk::BUCKETS;

/// The probability from which a forecast within 6 hours counts as a warning, also in the alert. It announced 90 % of simulated
/// ramps of slow disks an hour or more before the first red one, with a false warning in two cluster-weeks; from 0.5 on it
/// announced 80 %, with one in three (`benches/forecast`, set `ramps`).
pub const WARNS_FROM: f64 = 0.3;
/// The horizon of warnings, as an index of [`HORIZON_HOURS`]: 6 hours.
const WARNED: usize = 1;
/// The most warnings that are listed.
const LISTED: usize = 30;
/// Resamples of a bootstrap.
const RESAMPLES: usize = 1000;
/// Fewest blocks and events for a skill.
const FEWEST_BLOCKS: usize = 5;
const FEWEST_EVENTS: usize = 5;

/// Sums of losses over one block, such as a day of a member: of the forecasts, and of the yardstick.
pub type Block = [f64; 2];

/// The skill over blocks, with the 95 % interval of a bootstrap that draws whole blocks, because neighboring forecasts err
/// together; `None` for too few blocks or a yardstick without loss.
pub fn skill(blocks: &[Block]) -> Option<Skill> {
    let of = |[own, yardstick]: Block| (yardstick > 0.0).then(|| 1.0 - own / yardstick);
    let sum = |blocks: &mut dyn Iterator<Item = Block>| blocks.fold([0.0; 2], |sum, b| [sum[0] + b[0], sum[1] + b[1]]);
    let value = of(sum(&mut blocks.iter().copied())).filter(|_| blocks.len() >= FEWEST_BLOCKS)?;
    let mut random = Random::new(blocks.len() as u64);
    let mut drawn: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| of(sum(&mut (0..blocks.len()).map(|_| blocks[random.below(blocks.len())]))))
        .collect();
    drawn.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| drawn.get((share * drawn.len() as f64) as usize).copied();
    Some(Skill { value, low: at(0.025)?, high: at(0.975)? })
}

/// What the forecasts of all metrics contribute.
#[derive(Clone, Debug, Default)]
pub struct MetricTrust {
    /// For each bucket, one block a series and day.
    pub blocks: [Vec<Block>; BUCKETS],
    /// For each bucket: outcomes, and those within the 80 % and 95 % intervals.
    pub covered: [[f64; 3]; BUCKETS],
}

impl MetricTrust {
    /// Adds those of another series.
    pub fn add(&mut self, other: &Self) {
        for bucket in 0..BUCKETS {
            self.blocks[bucket].extend(&other.blocks[bucket]);
            self.covered[bucket].iter_mut().zip(other.covered[bucket]).for_each(|(sum, own)| *sum += own);
        }
    }

    /// The result for one series.
    pub fn judged(&self, origins: [usize; BUCKETS]) -> [Option<Judged>; BUCKETS] {
        std::array::from_fn(|bucket| {
            let [all, within_80, within_95] = self.covered[bucket];
            let [own, yardstick] = self.blocks[bucket].iter().fold([0.0; 2], |s, b| [s[0] + b[0], s[1] + b[1]]);
            let count = origins[bucket] as f64;
            (all > 0.0 && count > 0.0).then(|| Judged {
                origins: origins[bucket],
                crps: own / count,
                yardstick: yardstick / count,
                within_80: within_80 / all,
                within_95: within_95 / all,
            })
        })
    }
}

/// Puts together what is known of metrics and of probabilities. `names` are those of the clusters, `at_ms` the instant of a
/// slot.
pub fn trust(
    metrics: &MetricTrust,
    clusters: &[ClusterPast],
    breaches: &Breaches,
    names: &[&str],
    hour: usize,
    at_ms: impl Fn(usize) -> i64,
) -> Trust {
    let judged: Vec<usize> = (0..clusters.first().map_or(0, |c| c.origins.len()))
        .filter(|origin| {
            let is_judged = |(c, p): (&ClusterPast, &Vec<Option<[f64; HORIZONS]>>)| {
                p[*origin].is_some() && c.outcomes[*origin][WARNED].is_some()
            };
            clusters.iter().zip(&breaches.probabilities).any(is_judged)
        })
        .collect();
    let span = judged
        .first()
        .zip(judged.last())
        .map_or(0, |(first, last)| at_ms(clusters[0].origins[*last]) - at_ms(clusters[0].origins[*first]));
    let mut warned = warnings(clusters, breaches, names, hour, &at_ms);
    let coverage = metrics.covered.map(|[all, w80, w95]| (all > 0.0).then(|| [w80 / all, w95 / all]));
    Trust {
        origins: judged.len(),
        days: span as f64 / crate::time::DAY_MS as f64,
        skill: std::array::from_fn(|bucket| skill(&metrics.blocks[bucket])),
        coverage,
        breach: std::array::from_fn(|horizon| brier_skill(clusters, breaches, horizon, hour)),
        warns_from: WARNS_FROM,
        warnings_in_all: warned.given.len(),
        warnings_true: warned.given.iter().filter(|warning| warning.red_ms.is_some()).count(),
        missed: warned.missed,
        warnings: warned.given.split_off(warned.given.len().saturating_sub(LISTED)),
    }
}

/// The Brier skill of the probabilities above the conditional base rate.
fn brier_skill(clusters: &[ClusterPast], breaches: &Breaches, horizon: usize, hour: usize) -> Option<Skill> {
    let day = 24 * hour;
    let mut blocks: Vec<(usize, usize, Block)> = Vec::new();
    let mut events = [0; 2];
    for (index, cluster) in clusters.iter().enumerate() {
        for (origin, probabilities) in breaches.probabilities[index].iter().enumerate() {
            let (Some(probabilities), Some(happened)) = (probabilities, cluster.outcomes[origin][horizon]) else {
                continue;
            };
            events[usize::from(happened)] += 1;
            let loss = |p: f64| (p - f64::from(u8::from(happened))).powi(2);
            let (own, yardstick) = (loss(probabilities[horizon]), loss(breaches.conditional[index][origin][horizon]));
            let of = cluster.origins[origin] / day;
            match blocks.last_mut().filter(|(c, d, _)| (*c, *d) == (index, of)) {
                Some((.., sum)) => *sum = [sum[0] + own, sum[1] + yardstick],
                None => blocks.push((index, of, [own, yardstick])),
            }
        }
    }
    let blocks: Vec<Block> = blocks.into_iter().map(|(.., block)| block).collect();
    if events[0] < FEWEST_EVENTS || events[1] < FEWEST_EVENTS { None } else { skill(&blocks) }
}

struct Warned {
    given: Vec<Warning>,
    missed: usize,
}

/// The warnings that would have been given: one for each run of origins at or above [`WARNS_FROM`] while the cluster was not
/// red. It came true if a red hour began within the horizon of its last origin.
fn warnings(
    clusters: &[ClusterPast],
    breaches: &Breaches,
    names: &[&str],
    hour: usize,
    at_ms: &impl Fn(usize) -> i64,
) -> Warned {
    let mut warned = Warned { given: Vec::new(), missed: 0 };
    for (index, cluster) in clusters.iter().enumerate() {
        let warns = |origin: usize| {
            breaches.probabilities[index][origin].is_some_and(|p| p[WARNED] >= WARNS_FROM)
                && cluster.now[origin] != Some(true)
        };
        let mut origin = 0;
        while origin < cluster.origins.len() {
            if !warns(origin) {
                origin += 1;
                continue;
            }
            let first = origin;
            while origin < cluster.origins.len() && warns(origin) {
                origin += 1;
            }
            let came = (first..origin).any(|at| cluster.outcomes[at][WARNED] == Some(true));
            let unknown = !came && (first..origin).any(|at| cluster.outcomes[at][WARNED].is_none());
            if unknown {
                continue;
            }
            warned.given.push(Warning {
                cluster: names[index].to_owned(),
                at_ms: at_ms(cluster.origins[first]),
                probability: breaches.probabilities[index][first].map_or(0.0, |p| p[WARNED]),
                red_ms: came.then(|| next_red(cluster, first, hour).map(at_ms)).flatten(),
            });
        }
        warned.missed += missed(cluster, &breaches.probabilities[index], warns);
    }
    warned.given.sort_by(|a, b| (a.at_ms, &a.cluster).cmp(&(b.at_ms, &b.cluster)));
    warned
}

/// The start of the first red hour after an origin: the hour before the first origin whose last hour was red.
fn next_red(cluster: &ClusterPast, origin: usize, hour: usize) -> Option<usize> {
    let later = (origin + 1..cluster.origins.len()).find(|at| cluster.now[*at] == Some(true))?;
    Some(cluster.origins[later].saturating_sub(hour))
}

/// How many times the cluster became red without a warning in the hours of the horizon before, among those that could be warned
/// of.
fn missed(cluster: &ClusterPast, probabilities: &[Option<[f64; HORIZONS]>], warns: impl Fn(usize) -> bool) -> usize {
    let reach = HORIZON_HOURS[WARNED] as usize;
    let begins = |at: &usize| *at > 0 && cluster.now[*at] == Some(true) && cluster.now[at - 1] == Some(false);
    // The red hour before `at` began at the origin before; warnings may stand up to it.
    let starts = (0..cluster.origins.len()).filter(begins).map(|at| at - 1);
    starts
        .filter(|start| {
            let before = start.saturating_sub(reach - 1)..start + 1;
            before.clone().any(|at| probabilities[at].is_some()) && !before.into_iter().any(&warns)
        })
        .count()
}
