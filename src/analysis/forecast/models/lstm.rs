//! An LSTM: one network for all members of a metric, with the quantiles of all leads as its output.
//!
//! It sees two days of a series as hourly medians, then the last hour in detail, each with its local time of day and week
//! and with a mask for gaps, and what was at the target times on earlier days. It learns corrections of the median of the last
//! hour: before training, that is its forecast. Training is the same, to the byte, for the same seed and history.

mod cell;
mod inputs;
mod network;
mod saved;
mod training;

pub use saved::LoadError;

use super::super::leads::Leads;
use super::super::model::{Fitted, Model, Refit, Shape, Unfit};
use super::super::order::{quantile, sorted};
use super::super::series::Past;
use crate::time::{DAY_MS, HOUR_MS};
use inputs::Window;
use network::{Batch, Weights};
use training::Sample;

/// The most windows that the network is trained on, of all members together.
const MOST_WINDOWS: usize = 4096;
/// The most windows that decide when training ends.
const MOST_VALIDATION: usize = 1024;
/// The share of the history after which validation begins.
const TRAINING_SHARE: f64 = 0.8;
/// The shortest part with origins for training, and for validation: with less than a day, no hour of the day occurs in both.
const SHORTEST_PART_MS: i64 = DAY_MS;
/// The smallest scale of a window, as a share of the usual one: a calm day must not make everything after it an outlier.
const FLOOR_SHARE: f64 = 0.1;
/// Outcomes further from the level than this many scales count as this far.
const FARTHEST_OUTCOME: f64 = 1e3;

/// The untrained network of a metric.
#[derive(Clone, Debug)]
pub struct Lstm {
    /// The name of the metric, which a saved network keeps.
    pub metric: String,
    /// The leads that it forecasts.
    pub leads: Leads,
    /// Decides the first weights and the order of the windows.
    pub seed: u64,
}

/// A trained network.
#[derive(Clone, Debug)]
pub struct Trained {
    metric: String,
    leads: Leads,
    /// The smallest scale of a window, on the scale of the values.
    floor: f64,
    /// The instants of the first and the last value that it was trained on.
    trained_ms: (i64, i64),
    weights: Weights<Vec<f32>>,
}

impl Lstm {
    /// Trains the network on the pasts of all members. Fails if no member has enough history, or if none of them ever changes.
    ///
    /// The last fifth decides when training ends; a gap of the longest lead lies between it and the windows that are trained
    /// on, so that they share no outcomes.
    pub fn train(&self, panel: &[Past<'_>]) -> Result<Trained, Unfit> {
        let step_ms = saved::step_ms(&self.leads);
        let long: Vec<Past<'_>> = panel.iter().copied().filter(|past| past.step_ms() == step_ms && self.parts(*past).is_some()).collect();
        if long.is_empty() {
            let longest = panel.iter().map(|past| past.values().len()).max().unwrap_or(0);
            let [has, needs] = [longest as i64 * step_ms, self.shortest_ms()].map(in_words);
            return Err(Unfit(format!("{has} of history; it needs {needs}")));
        }
        let floor = self.floor(&long)?;
        let (mut training, mut validation) = (Vec::new(), Vec::new());
        for past in &long {
            let Some([first, second]) = self.parts(*past) else { continue };
            training.extend(self.samples(*past, first, MOST_WINDOWS / long.len(), floor));
            validation.extend(self.samples(*past, second, MOST_VALIDATION / long.len(), floor));
        }
        if training.is_empty() || validation.is_empty() {
            return Err(Unfit("too many gaps in its history".to_owned()));
        }
        let learned = training::train(&training, &validation, self.leads.len(), self.seed)
            .map_err(|error| Unfit(format!("training failed: {error}")))?;
        let from = long.iter().map(|past| past.origin_ms() - (past.values().len() as i64 - 1) * step_ms).min();
        let until = long.iter().map(|past| past.origin_ms()).max();
        Ok(Trained {
            metric: self.metric.clone(),
            leads: self.leads.clone(),
            floor,
            trained_ms: (from.unwrap_or(0), until.unwrap_or(0)),
            weights: learned.weights,
        })
    }

    /// The shortest history: a day to look back, a day of training windows, the gap, a day of validation windows, and the
    /// outcomes of the last of them.
    fn shortest_ms(&self) -> i64 {
        DAY_MS + 2 * SHORTEST_PART_MS + 2 * self.leads.ms(self.leads.len() - 1)
    }

    /// The numbers of known values at the origins for training and for validation; `None` if the history is too short.
    fn parts(&self, past: Past<'_>) -> Option<[std::ops::Range<usize>; 2]> {
        let len = past.values().len();
        if (len as i64 * past.step_ms()) < self.shortest_ms() {
            return None;
        }
        let (longest, part) = (self.leads.longest(), past.steps_in(SHORTEST_PART_MS));
        let end = len - longest;
        let wanted = (len as f64 * TRAINING_SHARE) as usize;
        let begins = wanted.min(end.checked_sub(part)?);
        let first = past.steps_in(DAY_MS)..begins.checked_sub(longest)?;
        (!first.is_empty()).then_some([first, begins..end + 1])
    }

    /// A share of the usual scale; fails if the values never change.
    fn floor(&self, panel: &[Past<'_>]) -> Result<f64, Unfit> {
        let days = panel.iter().flat_map(|past| {
            let day = past.steps_in(DAY_MS);
            (0..past.values().len() / day).filter_map(move |back| inputs::spread(past.without_last(back * day)))
        });
        let spreads = sorted(days.filter(|spread| *spread > 0.0 && spread.is_finite()));
        if spreads.is_empty() {
            return Err(Unfit("its history never changes".to_owned()));
        }
        Ok(FLOOR_SHARE * quantile(&spreads, 0.5))
    }

    /// At most `most` windows of a past, evenly spaced, each with what came after it.
    fn samples(&self, past: Past<'_>, origins: std::ops::Range<usize>, most: usize, floor: f64) -> Vec<Sample> {
        let values = past.values();
        let stride = origins.len().div_ceil(most.max(1)).max(1);
        // From the end, because what happened last is the most like what will.
        let origins = origins.rev().step_by(stride);
        let sample = |origin: usize| {
            let window = Window::new(past.without_last(values.len() - origin), &self.leads, floor)?;
            let outcomes = self.leads.steps().iter().map(|steps| {
                let outcome = values.get(origin + steps - 1).copied().unwrap_or(f64::NAN);
                ((outcome - window.level) / window.scale).clamp(-FARTHEST_OUTCOME, FARTHEST_OUTCOME) as f32
            });
            let outcomes: Vec<f32> = outcomes.collect();
            outcomes.iter().any(|outcome| !outcome.is_nan()).then_some(Sample { window, outcomes })
        };
        origins.filter_map(sample).collect()
    }
}

impl Model for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn refit(&self) -> Refit {
        Refit::Never
    }

    fn fit(&self, panel: &[Past<'_>]) -> Result<Box<dyn Fitted>, Unfit> {
        Ok(Box::new(self.train(panel)?))
    }
}

/// A network that has been loaded is a model that is not trained again.
impl Model for Trained {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn refit(&self) -> Refit {
        Refit::Never
    }

    fn fit(&self, _panel: &[Past<'_>]) -> Result<Box<dyn Fitted>, Unfit> {
        Ok(Box::new(self.clone()))
    }
}

impl Fitted for Trained {
    fn forecast(&self, past: Past<'_>, leads: &Leads) -> Option<Shape> {
        if *leads != self.leads || past.step_ms() != saved::step_ms(leads) {
            return None;
        }
        let window = Window::new(past, leads, self.floor)?;
        let [median, below, above] = self.quantiles(&window).ok()?;
        let center: Vec<f64> = median.iter().map(|off| window.level + window.scale * f64::from(*off)).collect();
        let spread: Vec<[f64; 2]> =
            below.iter().zip(&above).map(|(b, a)| [b, a].map(|off| window.scale * f64::from(*off))).collect();
        let usable = center.iter().all(|c| c.is_finite()) && spread.iter().flatten().all(|s| s.is_finite() && *s > 0.0);
        usable.then_some(Shape { center, spread: Some(spread) })
    }
}

impl Trained {
    /// The instants of the first and the last value that it was trained on, milliseconds since 1970.
    pub fn trained_ms(&self) -> (i64, i64) {
        self.trained_ms
    }

    /// The median of each lead, and its distances to the 10 % and 90 % quantiles, in scales from the level.
    fn quantiles(&self, window: &Window) -> candle_core::Result<[Vec<f32>; 3]> {
        let shapes = network::shapes(self.leads.len());
        let tensor = |index: usize| candle_core::Tensor::from_slice(self.weights.all()[index], shapes[index], &candle_core::Device::Cpu);
        let weights = Weights { gates: tensor(0)?, gates_bias: tensor(1)?, head: tensor(2)?, head_bias: tensor(3)? };
        let output = network::run(&weights, &Batch::of(&[window], candle_core::DType::F32)?)?;
        Ok([network::numbers(&output.median)?, network::numbers(&output.below)?, network::numbers(&output.above)?])
    }
}

fn in_words(ms: i64) -> String {
    match ms / DAY_MS {
        0 => format!("{} h", ms / HOUR_MS),
        days => format!("{days} d"),
    }
}
