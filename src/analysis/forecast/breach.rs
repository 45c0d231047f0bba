//! Whether clusters become red: what simulated courses said at each origin, what came of it, and the calibrated probability
//! that would have been given from outcomes known by then.

use super::calibrate::{Answer, INPUTS, Learner, log_odds, ridge};
use super::courses::ClusterCourses;
use super::panel::ClusterScores;
use super::rates::{Rates, Since, since};
use super::result::HORIZON_HOURS;
use crate::text::palette::RED_BELOW;

/// The number of horizons.
pub const HORIZONS: usize = HORIZON_HOURS.len();
/// How many origins pass between two fits of the calibration: a day of hourly ones.
const REFIT: usize = 24;
/// The least share of steps with a score for an hour without red to count as not red.
const COVERED: f64 = 0.5;
/// The days whose same hours are looked at.
const DAYS: usize = 14;
/// No rate is taken for rarer: from a few weeks, one cannot tell.
const RAREST: f64 = 0.01;

/// What is known of one cluster at each origin.
pub struct ClusterPast {
    /// The share of simulated courses that become red, for each horizon; `None` without courses.
    pub raw: Vec<Option<[f64; HORIZONS]>>,
    /// Whether the last hour was red; `None` without a score.
    pub now: Vec<Option<bool>>,
    /// How long ago the last red hour was.
    pub since: Vec<Since>,
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
        let now: Vec<Option<bool>> = courses.origins.iter().map(|end| red.last(*end)).collect();
        Self {
            raw: raw.collect(),
            since: since(&now, &courses.origins, courses.hour),
            now,
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
        let (mut rates, mut learner, mut arrived) = (Rates::new(clusters.len()), Learner::default(), 0);
        let mut answers: Vec<Vec<Option<Answer>>> = vec![Vec::with_capacity(origins); clusters.len()];
        for origin in 0..origins {
            let known =
                |earlier: usize| clusters[0].origins[earlier] + hours as usize * hour <= clusters[0].origins[origin];
            while arrived < origin && known(arrived) {
                for (index, cluster) in clusters.iter().enumerate() {
                    let Some(happened) = cluster.outcomes[arrived][horizon] else { continue };
                    rates.add(index, cluster.since[arrived], happened);
                    if let Some(answer) = &answers[index][arrived] {
                        // The outcomes of successive hours overlap: those of a whole horizon count as one.
                        learner.add(answer, happened, 1.0 / hours as f64);
                    }
                }
                arrived += 1;
            }
            if origin.is_multiple_of(REFIT) || origin + 1 == origins {
                learner.refit(ridge(hours));
            }
            for (index, cluster) in clusters.iter().enumerate() {
                breaches.conditional[index][origin][horizon] = rates.conditional(index, cluster.since[origin]);
                breaches.usual[index][origin][horizon] = rates.usual(index);
                let inputs = inputs(&rates, cluster, index, origin, horizon);
                let answer = inputs.map(|inputs| learner.answer(inputs));
                if let Some(answer) = &answer {
                    breaches.probabilities[index][origin].get_or_insert([0.0; HORIZONS])[horizon] = answer.probability;
                }
                answers[index].push(answer);
            }
        }
    }
    breaches
}

/// The inputs of the calibration; `None` without simulated courses.
fn inputs(rates: &Rates, cluster: &ClusterPast, index: usize, origin: usize, horizon: usize) -> Option<[f64; INPUTS]> {
    let since = cluster.since[origin];
    let same = cluster.same_hours[origin][horizon];
    // Fourteen days and twice the base rate: a rhythm must show more than once.
    let same = (same * DAYS as f64 + 2.0 * rates.conditional(index, since)) / (DAYS as f64 + 2.0);
    let (rate, courses) = (rates.recent(index, since).max(RAREST), cluster.raw[origin]?[horizon]);
    let [rate, calm, lately, red] = match since {
        Since::Longer => [0.0, log_odds(courses.max(rate)), 0.0, 0.0],
        Since::Hours3 | Since::Hours12 | Since::Day => [log_odds(rate), 0.0, log_odds(courses), 0.0],
        Since::Now => [log_odds(rate), 0.0, 0.0, log_odds(courses)],
    };
    Some([rate, calm, lately, red, log_odds(same.max(RAREST))])
}
