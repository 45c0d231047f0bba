//! The network: one LSTM over the time steps, and a head that gives the quantiles of all leads at once.

use candle_core::{D, DType, Device, Result, Tensor};

use super::cell::Cell;
use super::inputs::{FEATURES, SEASONAL, STEPS, Window};
use crate::analysis::forecast::random::Random;

/// The size of the state of the cell.
pub(super) const HIDDEN: usize = 32;
/// The numbers that the head gives for each lead: the median, its distances to the 10 % and 90 % quantiles before
/// they are made positive, and the weights of what was at the same time of earlier days.
pub(super) const HEAD: usize = 3 + SEASONAL;
/// The levels of the quantiles.
const LEVELS: [f64; 3] = [0.1, 0.5, 0.9];
/// The smallest distance of two quantiles in scales, so that residuals can be divided by it.
const CLOSEST: f64 = 1e-3;

/// The numbers that are learned.
#[derive(Clone, Debug)]
pub(super) struct Weights<T> {
    /// `[FEATURES + HIDDEN, 4 × HIDDEN]`: the gates input, forget, candidate, output from the inputs and the last output.
    pub gates: T,
    /// `[1, 4 × HIDDEN]`.
    pub gates_bias: T,
    /// `[HIDDEN, HEAD × leads]`: [`HEAD`] blocks with a column for each lead.
    pub head: T,
    /// `[1, HEAD × leads]`.
    pub head_bias: T,
}

impl<T> Weights<T> {
    /// The names in a saved file, in the order of [`Self::all`].
    pub(super) const NAMES: [&'static str; 4] = ["gates", "gates_bias", "head", "head_bias"];

    pub(super) fn all(&self) -> [&T; 4] {
        [&self.gates, &self.gates_bias, &self.head, &self.head_bias]
    }

    pub(super) fn map<U>(&self, of: impl Fn(&T) -> Result<U>) -> Result<Weights<U>> {
        let [gates, gates_bias, head, head_bias] = self.all().map(of);
        Ok(Weights { gates: gates?, gates_bias: gates_bias?, head: head?, head_bias: head_bias? })
    }
}

/// The shapes of the weights for so many leads, in the order of [`Weights::all`].
pub(super) fn shapes(leads: usize) -> [(usize, usize); 4] {
    [(FEATURES + HIDDEN, 4 * HIDDEN), (1, 4 * HIDDEN), (HIDDEN, HEAD * leads), (1, HEAD * leads)]
}

/// Weights to start from: uniform within 1 / √[`HIDDEN`], forget gates open (Jozefowicz et al., 2015), and a head that is
/// almost zero, so that the first forecast is the level.
pub(super) fn initial(leads: usize, random: &mut Random) -> Weights<Vec<f32>> {
    let bound = 1.0 / (HIDDEN as f64).sqrt();
    let mut draw = |(rows, columns): (usize, usize), bound: f64| -> Vec<f32> {
        (0..rows * columns).map(|_| ((2.0 * random.unit() - 1.0) * bound) as f32).collect()
    };
    let [gates, gates_bias, head, head_bias] = shapes(leads);
    let mut weights = Weights {
        gates: draw(gates, bound),
        gates_bias: draw(gates_bias, 0.0),
        head: draw(head, bound / 100.0),
        head_bias: draw(head_bias, 0.0),
    };
    weights.gates_bias[HIDDEN..2 * HIDDEN].fill(1.0);
    weights
}

/// Windows side by side.
pub(super) struct Batch {
    /// For each time step `[batch, FEATURES]`.
    steps: Vec<Tensor>,
    /// For each row of [`Window::seasonal`] `[batch, leads]`.
    seasonal: Vec<Tensor>,
}

impl Batch {
    /// Lays windows side by side. There must be one at least.
    pub(super) fn of(windows: &[&Window], dtype: DType) -> Result<Self> {
        let rows = |width: usize, count: usize, row: usize, of: fn(&Window) -> &[f32]| -> Result<Tensor> {
            debug_assert!(windows.iter().all(|window| of(window).len() == width * count));
            let numbers: Vec<f32> =
                windows.iter().flat_map(|window| &of(window)[row * width..(row + 1) * width]).copied().collect();
            Tensor::from_vec(numbers, (windows.len(), width), &Device::Cpu)?.to_dtype(dtype)
        };
        let leads = windows[0].seasonal.len() / SEASONAL;
        Ok(Self {
            steps: (0..STEPS).map(|step| rows(FEATURES, STEPS, step, |w| &w.steps)).collect::<Result<_>>()?,
            seasonal: (0..SEASONAL).map(|row| rows(leads, SEASONAL, row, |w| &w.seasonal)).collect::<Result<_>>()?,
        })
    }
}

/// The quantiles in units of the scale from the level, each `[batch, leads]`: the median, and its distances to the 10 % and 90 % quantiles.
pub(super) struct Output {
    pub median: Tensor,
    pub below: Tensor,
    pub above: Tensor,
}

/// Runs the network.
pub(super) fn run(weights: &Weights<Tensor>, batch: &Batch) -> Result<Output> {
    let (size, leads) = batch.seasonal[0].dims2()?;
    let mut output = Tensor::zeros((size, HIDDEN), weights.gates.dtype(), &Device::Cpu)?;
    let mut state = output.clone();
    for step in &batch.steps {
        let sums = Tensor::cat(&[step, &output], 1)?.matmul(&weights.gates)?.broadcast_add(&weights.gates_bias)?;
        let both = sums.apply_op2(&state, Cell)?;
        (output, state) = (both.get(0)?, both.get(1)?);
    }
    let head = output.matmul(&weights.head)?.broadcast_add(&weights.head_bias)?;
    let block = |index: usize| head.narrow(1, index * leads, leads);
    let mut median = block(0)?;
    for (row, seasonal) in batch.seasonal.iter().enumerate() {
        median = (median + (block(3 + row)? * seasonal)?)?;
    }
    Ok(Output { median, below: softplus(&block(1)?)?, above: softplus(&block(2)?)? })
}

/// ln(1 + eˣ) without overflow, at least [`CLOSEST`].
fn softplus(x: &Tensor) -> Result<Tensor> {
    (x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?)? + CLOSEST
}

/// Twice the mean pinball loss over quantiles and outcomes: for the median, the absolute error. `mask` is 1 where there is
/// an outcome, and 0 where it is missing; both are `[batch, leads]`.
pub(super) fn loss(output: &Output, outcomes: &Tensor, mask: &Tensor) -> Result<Tensor> {
    let low = (&output.median - &output.below)?;
    let high = (&output.median + &output.above)?;
    let mut sum = Tensor::zeros((), mask.dtype(), &Device::Cpu)?;
    for (quantile, level) in [&low, &output.median, &high].into_iter().zip(LEVELS) {
        let off = ((outcomes - quantile)? * mask)?;
        // Twice max(level × off, (level - 1) × off).
        sum = (sum + (off.abs()? + (off * (2.0 * level - 1.0))?)?.sum_all()?)?;
    }
    let count = (mask.sum_all()? * LEVELS.len() as f64)?.maximum(1.0)?;
    sum / count
}

/// The numbers of a tensor, in the order of its rows.
pub(super) fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.flatten(0, D::Minus1)?.to_vec1()
}
