//! Whether clusters become red: what simulated courses said at each origin, what came of it, and the calibrated probability
//! that would have been given from outcomes known by then.

use super::calibrate::{Calibration, Example, INPUTS, log_odds};
use super::courses::ClusterCourses;
use super::panel::ClusterScores;
use super::result::HORIZON_HOURS;
use crate::text::palette::RED_BELOW;

/// The number of horizons.
pub const HORIZONS: usize = HORIZON_HOURS.len();
/// How many origins pass between two fits of the calibration: a day of hourly ones.
const REFIT: usize = 24;
/// By how many origins the base rate of one cluster is pulled toward that of all.
const SHRINK: f64 = 24.0;
/// The least share of steps with a score for an hour without red to count as not red.
const COVERED: f64 = 0.5;
/// The days whose same hours are looked at.
const DAYS: usize = 14;

/// What is known of one cluster at each origin.
pub struct ClusterPast {
    /// The share of simulated courses that become red, for each horizon; `None` without courses.
    pub raw: Vec<Option<[f64; HORIZONS]>>,
    /// Whether the last hour was red; `None` without a score.
    pub now: Vec<Option<bool>>,
    /// Whether the cluster became red within each horizon; `None` if that is not known.
    pub outcomes: Vec<[Option<bool>; HORIZONS]>,
    /// The share of earlier days whose same hours were red, for each horizon.
    pub same_hours: Vec<[f64; HORIZONS]>,
    /// The origins, as numbers of known slots.
    pub origins: Vec<usize>,
}

impl ClusterPast {
    /// Simulates a cluster at every origin from `first` on, and looks at what came.
    pub fn of(courses: &ClusterCourses, scores: &ClusterScores, first: usize) -> Self {
        let red = Hours { scores, hour: courses.hour };
        let raw = (0..courses.origins.len()).map(|origin| {
            if origin < first {
                return None;
            }
            let simulated = courses.simulate(origin);
            let share = |hours: i64| {
                let red =
                    simulated.iter().filter(|course| course.first_red.is_some_and(|first| (first as i64) < hours));
                // Between the extremes: no finite number of courses can rule something out.
                (red.count() as f64 + 0.5) / (simulated.len() as f64 + 1.0)
            };
            (!simulated.is_empty()).then(|| HORIZON_HOURS.map(share))
        });
        Self {
            raw: raw.collect(),
            now: courses.origins.iter().map(|end| red.last(*end)).collect(),
            outcomes: courses.origins.iter().map(|end| HORIZON_HOURS.map(|hours| red.within(*end, hours))).collect(),
            same_hours: courses
                .origins
                .iter()
                .map(|end| HORIZON_HOURS.map(|hours| red.same_hours(*end, hours)))
                .collect(),
            origins: courses.origins.clone(),
        }
    }
}

/// The hours of a cluster that follow any slot.
struct Hours<'a> {
    scores: &'a ClusterScores,
    hour: usize,
}

impl Hours<'_> {
    /// Whether an hour is red; `None` if too little of it has a score to say so.
    fn is_red(&self, start: usize) -> Option<bool> {
        let slots = start..start + self.hour;
        match self.scores.mean(slots.clone()) {
            Some(mean) if mean < RED_BELOW => Some(true),
            Some(_) if self.scores.coverage(slots) >= COVERED => Some(false),
            _ => None,
        }
    }

    fn last(&self, end: usize) -> Option<bool> {
        self.is_red(end.checked_sub(self.hour)?)
    }

    /// Whether any of the hours after a slot is red; `None` if none is, and one is unknown or lies after the history.
    fn within(&self, end: usize, hours: i64) -> Option<bool> {
        let mut known = Some(false);
        for hour in 0..hours as usize {
            let start = end + hour * self.hour;
            let red = if start + self.hour > self.scores.len() { None } else { self.is_red(start) };
            match red {
                Some(true) => return Some(true),
                None => known = None,
                Some(false) => {}
            }
        }
        known
    }

    /// The share of earlier days of which the same hours had a red one.
    fn same_hours(&self, end: usize, hours: i64) -> f64 {
        let day = 24 * self.hour;
        let known = (1..=DAYS).filter_map(|back| self.within(end.checked_sub(back * day)?, hours));
        let (days, red) = known.fold((0.0, 0.0), |(days, red), is_red| (days + 1.0, red + f64::from(u8::from(is_red))));
        if days > 0.0 { red / days } else { 0.0 }
    }
}

/// The probabilities of all clusters at all origins, each from what was known then.
pub struct Breaches {
    /// For each cluster and origin, the calibrated probability for each horizon; `None` without courses.
    pub probabilities: Vec<Vec<Option<[f64; HORIZONS]>>>,
    /// For each cluster and origin, the rate of earlier outcomes after hours like the last one (red or not): the conditional
    /// base rate, the yardstick of the probabilities.
    pub conditional: Vec<Vec<[f64; HORIZONS]>>,
    /// For each cluster and origin, the rate of all earlier outcomes.
    pub usual: Vec<Vec<[f64; HORIZONS]>>,
}

/// Calibrates all clusters together.
pub fn calibrated(clusters: &[ClusterPast], hour: usize) -> Breaches {
    let origins = clusters.first().map_or(0, |cluster| cluster.origins.len());
    let mut breaches = Breaches {
        probabilities: clusters.iter().map(|_| vec![None; origins]).collect(),
        conditional: clusters.iter().map(|_| vec![[0.0; HORIZONS]; origins]).collect(),
        usual: clusters.iter().map(|_| vec![[0.0; HORIZONS]; origins]).collect(),
    };
    for (horizon, hours) in HORIZON_HOURS.into_iter().enumerate() {
        let mut rates = Rates::new(clusters.len());
        let (mut calibration, mut examples, mut arrived) = (Calibration::default(), Vec::new(), 0);
        for origin in 0..origins {
            let known =
                |earlier: usize| clusters[0].origins[earlier] + hours as usize * hour <= clusters[0].origins[origin];
            while arrived < origin && known(arrived) {
                for (index, cluster) in clusters.iter().enumerate() {
                    let Some(happened) = cluster.outcomes[arrived][horizon] else { continue };
                    rates.add(index, cluster.now[arrived], happened);
                    let inputs = inputs(&breaches, cluster, index, arrived, horizon);
                    // The outcomes of successive hours overlap: those of a whole horizon count as one.
                    examples.extend(inputs.map(|inputs| Example { inputs, happened, weight: 1.0 / hours as f64 }));
                }
                arrived += 1;
            }
            if origin.is_multiple_of(REFIT) || origin + 1 == origins {
                calibration = Calibration::fit(&examples);
            }
            for (index, cluster) in clusters.iter().enumerate() {
                breaches.conditional[index][origin][horizon] = rates.conditional(index, cluster.now[origin]);
                breaches.usual[index][origin][horizon] = rates.usual(index);
                if let Some(inputs) = inputs(&breaches, cluster, index, origin, horizon) {
                    breaches.probabilities[index][origin].get_or_insert([0.0; HORIZONS])[horizon] =
                        calibration.probability(&inputs);
                }
            }
        }
    }
    breaches
}

/// The inputs of the calibration; `None` without simulated courses.
fn inputs(
    breaches: &Breaches,
    cluster: &ClusterPast,
    index: usize,
    origin: usize,
    horizon: usize,
) -> Option<[f64; INPUTS]> {
    let conditional = breaches.conditional[index][origin][horizon];
    let same = cluster.same_hours[origin][horizon];
    // Fourteen days and twice the base rate: a rhythm must show more than once.
    let same = (same * DAYS as f64 + 2.0 * conditional) / (DAYS as f64 + 2.0);
    let simulated = log_odds(cluster.raw[origin]?[horizon]);
    let [calm, red] = if cluster.now[origin] == Some(true) { [0.0, simulated] } else { [simulated, 0.0] };
    Some([log_odds(conditional), calm, red, log_odds(same)])
}

/// Counts of earlier outcomes.
struct Rates {
    /// For each cluster: outcomes and those that happened, after an hour that was not red, and after a red one.
    clusters: Vec<[[f64; 2]; 2]>,
    all: [[f64; 2]; 2],
}

impl Rates {
    fn new(clusters: usize) -> Self {
        Self { clusters: vec![[[0.0; 2]; 2]; clusters], all: [[0.0; 2]; 2] }
    }

    fn add(&mut self, cluster: usize, was_red: Option<bool>, happened: bool) {
        let state = usize::from(was_red == Some(true));
        for counts in [&mut self.clusters[cluster][state], &mut self.all[state]] {
            counts[0] += 1.0;
            counts[1] += f64::from(u8::from(happened));
        }
    }

    /// The rate after hours like the last one, of this cluster, pulled toward that of all clusters.
    fn conditional(&self, cluster: usize, is_red: Option<bool>) -> f64 {
        let state = usize::from(is_red == Some(true));
        let [all, happened] = self.all[state];
        // Before there is any outcome: rarely red, and as likely as not to stay red.
        let prior = [0.02, 0.5][state];
        let pooled = (happened + 2.0 * prior) / (all + 2.0);
        let [own, own_happened] = self.clusters[cluster][state];
        (own_happened + SHRINK * pooled) / (own + SHRINK)
    }

    /// The rate of all outcomes of this cluster; 0 before there is one.
    fn usual(&self, cluster: usize) -> f64 {
        let [[calm, calm_happened], [red, red_happened]] = self.clusters[cluster];
        if calm + red > 0.0 { (calm_happened + red_happened) / (calm + red) } else { 0.0 }
    }
}
