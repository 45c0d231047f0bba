//! The network for one window, without tensors: in a backtest, most of the time of tensors this small goes into making them.

use super::cell::Real;
use super::inputs::{FEATURES, SEASONAL, Window};
use super::network::{CLOSEST, HEAD, HIDDEN, Weights};

/// The median of each lead in scales from the level, and its distances to the 10 % and 90 % quantiles: what
/// [`super::network::run`] gives for a batch of one.
pub(super) fn run(weights: &Weights<Vec<f32>>, window: &Window) -> [Vec<f32>; 3] {
    let (mut output, mut state) = ([0.0_f32; HIDDEN], [0.0_f32; HIDDEN]);
    for step in window.steps.chunks_exact(FEATURES) {
        let mut sums = [0.0_f32; 4 * HIDDEN];
        sums.copy_from_slice(&weights.gates_bias);
        add_product(&mut sums, step.iter().chain(&output), &weights.gates);
        let [input, forget, candidate, out] = std::array::from_fn(|gate| &sums[gate * HIDDEN..(gate + 1) * HIDDEN]);
        for unit in 0..HIDDEN {
            state[unit] = forget[unit].open() * state[unit] + input[unit].open() * candidate[unit].bend();
            output[unit] = out[unit].open() * state[unit].bend();
        }
    }
    let mut head = weights.head_bias.clone();
    add_product(&mut head, output.iter(), &weights.head);
    let leads = head.len() / HEAD;
    let mut median = head[..leads].to_vec();
    for row in 0..SEASONAL {
        let (weights, values) = (&head[(3 + row) * leads..][..leads], &window.seasonal[row * leads..][..leads]);
        median
            .iter_mut()
            .zip(weights.iter().zip(values))
            .for_each(|(median, (weight, value))| *median += weight * value);
    }
    let distances = |block: usize| head[block * leads..][..leads].iter().map(|x| softplus(*x)).collect();
    [median, distances(1), distances(2)]
}

/// Adds the product of a row and a matrix, of which each row is as long as `sums`.
fn add_product<'a>(sums: &mut [f32], row: impl Iterator<Item = &'a f32>, matrix: &[f32]) {
    for (factor, weights) in row.zip(matrix.chunks_exact(sums.len())) {
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += factor * weight);
    }
}

fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p() + CLOSEST as f32
}
