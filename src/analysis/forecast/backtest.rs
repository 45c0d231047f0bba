//! How every model did on a series, day by day, for the tables of a backtest.

use super::leads::Leads;
use super::member_metric::SeriesForecast;
use super::quantiles::{INTERVALS, LEVELS};
use super::walk::{BUCKETS, Track};
use crate::time::DAY_MS;

/// What one model did in one bucket of leads, from the origins of one UTC day.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelDay {
    /// The name of the model; `auto` for what was forecast in the end.
    pub model: String,
    /// The index of the bucket: 0 to 1 h, 1 to 6 h, 6 to 24 h.
    pub bucket: usize,
    /// An instant of the day, milliseconds since 1970.
    pub day_ms: i64,
    /// How many origins were judged.
    pub origins: usize,
    /// Their mean CRPS, in the unit of the scale: doublings for logarithms.
    pub crps: f64,
    /// How many outcomes there were.
    pub outcomes: usize,
    /// How many of them lay within the 80 % interval.
    pub within_80: usize,
    /// How many of them lay within the 95 % interval.
    pub within_95: usize,
}

/// All models, buckets and days of a series.
pub fn model_days(found: &SeriesForecast) -> Vec<ModelDay> {
    found.tracks.iter().flat_map(|track| (0..BUCKETS).flat_map(move |bucket| days(found, track, bucket))).collect()
}

fn days(found: &SeriesForecast, track: &Track, bucket: usize) -> Vec<ModelDay> {
    let mut days: Vec<ModelDay> = Vec::new();
    for (origin, scores) in track.scores.iter().enumerate().filter(|(_, scores)| !scores[bucket].is_nan()) {
        let day_ms = found.series.at_ms(found.origins[origin]);
        if days.last().is_none_or(|last| last.day_ms.div_euclid(DAY_MS) != day_ms.div_euclid(DAY_MS)) {
            let model = track.name.clone();
            days.push(ModelDay { model, bucket, day_ms, origins: 0, crps: 0.0, outcomes: 0, within_80: 0, within_95: 0 });
        }
        let Some(day) = days.last_mut() else { continue };
        // A sum until all origins are in.
        (day.origins, day.crps) = (day.origins + 1, day.crps + scores[bucket]);
        for (lead, row) in track.quantiles[origin].iter().flat_map(|q| q.0.iter().enumerate()) {
            if found.leads.bucket(lead) == bucket {
                day.count(row, outcome(found, &found.leads, origin, lead));
            }
        }
    }
    days.iter_mut().for_each(|day| day.crps /= day.origins as f64);
    days
}

fn outcome(found: &SeriesForecast, leads: &Leads, origin: usize, lead: usize) -> f64 {
    found.series.values.get(found.origins[origin] + leads.steps()[lead] - 1).copied().unwrap_or(f64::NAN)
}

impl ModelDay {
    fn count(&mut self, row: &[f64; LEVELS.len()], outcome: f64) {
        if outcome.is_nan() {
            return;
        }
        let within = |[low, high]: [usize; 2]| usize::from((row[low]..=row[high]).contains(&outcome));
        self.outcomes += 1;
        self.within_80 += within(INTERVALS[0]);
        self.within_95 += within(INTERVALS[1]);
    }
}
