//! Learns the weights from windows of the past: Adam, with early stopping on the last part of the windows.

use candle_core::{DType, Device, Result, Tensor, Var};
use rayon::prelude::*;

use super::inputs::Window;
use super::network::{self, Batch, Weights};
use crate::analysis::forecast::random::Random;

/// Windows of a step of the optimizer.
const BATCH: usize = 256;
/// Parts of a batch whose gradients are computed at the same time. Their number is fixed, so that sums do not depend on that of
/// threads.
const SHARDS: usize = 2;
/// The most passes over the windows.
const MOST_EPOCHS: usize = 30;
/// Passes without a better validation loss before training ends.
const PATIENCE: usize = 5;
/// The first size of steps.
const RATE: f64 = 4e-3;
/// Decays of the first and second moment, and the smallest divisor (Kingma and Ba, 2015).
const ADAM: (f64, f64, f64) = (0.9, 0.999, 1e-8);

/// A window with what came after it.
pub(super) struct Sample {
    /// What was seen.
    pub window: Window,
    /// The outcome of each lead in scales from the level; NaN is missing.
    pub outcomes: Vec<f32>,
}

/// What was learned.
pub(super) struct Learned {
    pub weights: Weights<Vec<f32>>,
    /// The validation loss of each pass; the first is before training.
    pub losses: Vec<f32>,
}

/// Batches with outcomes.
struct Task {
    batch: Batch,
    outcomes: Tensor,
    mask: Tensor,
}

impl Task {
    fn of(samples: &[&Sample]) -> Result<Self> {
        let windows: Vec<&Window> = samples.iter().map(|sample| &sample.window).collect();
        let shape = (samples.len(), samples[0].outcomes.len());
        let outcomes = || samples.iter().flat_map(|sample| &sample.outcomes).copied();
        let present: Vec<f32> = outcomes().map(|outcome| if outcome.is_nan() { 0.0 } else { outcome }).collect();
        let mask: Vec<f32> = outcomes().map(|outcome| f32::from(u8::from(!outcome.is_nan()))).collect();
        Ok(Self {
            batch: Batch::of(&windows, DType::F32)?,
            outcomes: Tensor::from_vec(present, shape, &Device::Cpu)?,
            mask: Tensor::from_vec(mask, shape, &Device::Cpu)?,
        })
    }

    fn loss(&self, weights: &Weights<Tensor>) -> Result<Tensor> {
        network::loss(&network::run(weights, &self.batch)?, &self.outcomes, &self.mask)
    }
}

/// Trains from the seed. The same samples and seed give the same weights, whatever the number of threads.
pub(super) fn train(samples: &[Sample], validation: &[Sample], leads: usize, seed: u64) -> Result<Learned> {
    // A second thread doubles the processor time of products this small, and makes them no faster; batches have shards instead.
    gemm::set_threading_threshold(usize::MAX);
    let mut random = Random::new(seed);
    let start = network::initial(leads, &mut random);
    let mut optimizer = Adam::new(&start, leads)?;
    let tasks =
        validation.chunks(BATCH).map(|part| Task::of(&part.iter().collect::<Vec<_>>())).collect::<Result<Vec<_>>>()?;
    let judge = |weights: &Weights<Tensor>| -> Result<f32> {
        let fixed = weights.map(|weight| Ok(weight.detach()))?;
        let losses = tasks.iter().map(|task| task.loss(&fixed)?.to_scalar::<f32>()).collect::<Result<Vec<_>>>()?;
        Ok(losses.iter().sum::<f32>() / losses.len() as f32)
    };
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let mut learned = Learned { weights: start, losses: vec![judge(&optimizer.weights()?)?] };
    let (mut best, mut waited) = (learned.losses[0], 0);
    while learned.losses.len() <= MOST_EPOCHS && waited < PATIENCE {
        shuffle(&mut order, &mut random);
        for part in order.chunks(BATCH) {
            let part: Vec<&Sample> = part.iter().map(|index| &samples[*index]).collect();
            let gradient = optimizer.gradient(&part)?;
            optimizer.step(&gradient)?;
        }
        let weights = optimizer.weights()?;
        let loss = judge(&weights)?;
        learned.losses.push(loss);
        if loss < best {
            (best, waited) = (loss, 0);
            learned.weights = weights.map(network::numbers)?;
        } else {
            waited += 1;
            if waited % 2 == 0 {
                optimizer.rate /= 2.0;
            }
        }
    }
    Ok(learned)
}

/// Fisher and Yates.
fn shuffle(order: &mut [usize], random: &mut Random) {
    for last in (1..order.len()).rev() {
        order.swap(last, random.below(last + 1));
    }
}

/// The optimizer, with the weights that it changes.
struct Adam {
    vars: Vec<Var>,
    /// First and second moment of each number of each weight.
    moments: Vec<Vec<(f64, f64)>>,
    steps: i32,
    rate: f64,
}

impl Adam {
    fn new(start: &Weights<Vec<f32>>, leads: usize) -> Result<Self> {
        let vars = start.all().into_iter().zip(network::shapes(leads));
        let vars = vars.map(|(numbers, shape)| Var::from_tensor(&Tensor::from_slice(numbers, shape, &Device::Cpu)?));
        let moments = start.all().into_iter().map(|numbers| vec![(0.0, 0.0); numbers.len()]).collect();
        Ok(Self { vars: vars.collect::<Result<_>>()?, moments, steps: 0, rate: RATE })
    }

    fn weights(&self) -> Result<Weights<Tensor>> {
        let of = |index: usize| self.vars[index].as_tensor().clone();
        Ok(Weights { gates: of(0), gates_bias: of(1), head: of(2), head_bias: of(3) })
    }

    /// The gradient of the loss of some samples: for each weight, a number for each of its numbers.
    fn gradient(&self, samples: &[&Sample]) -> Result<Vec<Vec<f64>>> {
        let weights = self.weights()?;
        let of_shard = |shard: &[&Sample]| -> Result<(f64, Vec<Vec<f32>>)> {
            let known = shard.iter().flat_map(|sample| &sample.outcomes).filter(|outcome| !outcome.is_nan()).count();
            let gradients = Task::of(shard)?.loss(&weights)?.backward()?;
            let of_var = |var: &Var| match gradients.get(var) {
                Some(gradient) => network::numbers(gradient),
                None => Ok(vec![0.0; var.elem_count()]),
            };
            Ok((known as f64, self.vars.iter().map(of_var).collect::<Result<_>>()?))
        };
        let shards: Vec<_> = samples.par_chunks(samples.len().div_ceil(SHARDS)).map(of_shard).collect::<Result<_>>()?;
        // The loss is a mean over outcomes, so each shard counts as much as it has of them.
        let all = shards.iter().map(|(known, _)| known).sum::<f64>().max(1.0);
        let mut sums: Vec<Vec<f64>> = self.vars.iter().map(|var| vec![0.0; var.elem_count()]).collect();
        for (known, gradients) in shards {
            for (sums, gradient) in sums.iter_mut().zip(gradients) {
                sums.iter_mut().zip(gradient).for_each(|(sum, by)| *sum += known / all * f64::from(by));
            }
        }
        Ok(sums)
    }

    fn step(&mut self, gradient: &[Vec<f64>]) -> Result<()> {
        self.steps += 1;
        let (first, second, least) = ADAM;
        let (whole_first, whole_second) = (1.0 - first.powi(self.steps), 1.0 - second.powi(self.steps));
        for ((var, moments), gradient) in self.vars.iter().zip(&mut self.moments).zip(gradient) {
            let mut numbers = network::numbers(var)?;
            for ((number, moment), by) in numbers.iter_mut().zip(moments).zip(gradient) {
                moment.0 = first * moment.0 + (1.0 - first) * by;
                moment.1 = second * moment.1 + (1.0 - second) * by * by;
                *number -= (self.rate * (moment.0 / whole_first) / ((moment.1 / whole_second).sqrt() + least)) as f32;
            }
            var.set(&Tensor::from_vec(numbers, var.dims(), &Device::Cpu)?)?;
        }
        Ok(())
    }
}
