"""Compares the time of a training epoch of the LSTM with JAX's, on the same shapes with the same optimizer.

    python3 -m venv venv && venv/bin/pip install jax==0.10.2 numpy==2.4.6
    venv/bin/python benches/forecast/lstm_speed.py

An epoch is 4096 windows in batches of 256, in a new order, and the loss of 256 more windows for validation, with the leads of
24 h at 5 minutes. JAX compiles the whole step (`jit` of the gradient of a `scan`, and Adam) before it is timed. A program with
the sources of `src/analysis/forecast/models/lstm` is built in the target folder. It and JAX take turns, `RUNS` times (5), on
the same cores; to use one core, put `taskset -c 0` in front. Prints the seconds an epoch, medians of all runs, and exits with
code 1 if ours is slower. Run it on an idle machine.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/analysis/forecast"
WORK = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "bench" / "lstm"
RUNS = int(os.environ.get("RUNS", "5"))

INPUTS = (SOURCE / "models/lstm/inputs.rs").read_text()
FEATURES, SEASONAL, HOURS, SHORT = [
    int(re.search(rf"const {name}: usize = (\d+);", INPUTS)[1]) for name in ["FEATURES", "SEASONAL", "HOURS", "SHORT"]
]
NETWORK = (SOURCE / "models/lstm/network.rs").read_text()
HIDDEN = int(re.search(r"const HIDDEN: usize = (\d+);", NETWORK)[1])
STEPS, HEAD, LEADS = HOURS + SHORT, 3 + SEASONAL, 50
WINDOWS, VALIDATION, BATCH, EPOCHS = 4096, 256, 256, 4

MANIFEST = """[package]
name = "lstm-speed"
version = "0.0.0"
edition = "2024"
[workspace]
[dependencies]
candle-core = { version = "0.11", default-features = false }
gemm = { version = "0.19", default-features = false }
rayon = "1"
"""

# Trains on random windows, and prints the seconds an epoch.
PROGRAM = """#![allow(dead_code)]
mod analysis {
    pub(crate) mod forecast {
        #[path = "SRC/random.rs"]
        pub(crate) mod random;
        pub(crate) mod lstm {
            #[path = "SRC/models/lstm/cell.rs"]
            mod cell;
            #[path = "SRC/models/lstm/network.rs"]
            mod network;
            #[path = "SRC/models/lstm/training.rs"]
            mod training;
            mod inputs {
                pub(super) const FEATURES: usize = FEATURES_;
                pub(super) const STEPS: usize = STEPS_;
                pub(super) const SEASONAL: usize = SEASONAL_;
                pub(super) struct Window {
                    pub steps: Vec<f32>,
                    pub seasonal: Vec<f32>,
                }
            }
            use super::random::Random;
            use inputs::{FEATURES, SEASONAL, STEPS, Window};

            fn samples(count: usize, random: &mut Random) -> Vec<training::Sample> {
                let mut draw = |count: usize| (0..count).map(|_| random.unit() as f32 * 2.0 - 1.0).collect::<Vec<f32>>();
                let mut sample = |_| training::Sample {
                    window: Window { steps: draw(STEPS * FEATURES), seasonal: draw(SEASONAL * LEADS_) },
                    outcomes: draw(LEADS_),
                };
                (0..count).map(&mut sample).collect()
            }

            pub(crate) fn seconds() -> f64 {
                let mut random = Random::new(1);
                let (training, validation) = (samples(WINDOWS_, &mut random), samples(VALIDATION_, &mut random));
                let started = std::time::Instant::now();
                let learned = training::train(&training, &validation, LEADS_, 1).unwrap();
                started.elapsed().as_secs_f64() / (learned.losses.len() - 1) as f64
            }
        }
    }
}

fn main() {
    println!("{}", analysis::forecast::lstm::seconds());
}
"""


def build():
    (WORK / "src").mkdir(parents=True, exist_ok=True)
    (WORK / "Cargo.toml").write_text(MANIFEST)
    (WORK / "Cargo.lock").write_bytes((ROOT / "Cargo.lock").read_bytes())
    program = PROGRAM.replace("SRC", str(SOURCE))
    for name in ["FEATURES", "STEPS", "SEASONAL", "LEADS", "WINDOWS", "VALIDATION"]:
        program = program.replace(f"{name}_", str(globals()[name]))
    (WORK / "src/main.rs").write_text(program)
    environment = {**os.environ, "CARGO_TARGET_DIR": str(WORK / "target")}
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=WORK, env=environment, check=True)
    return WORK / "target/release/lstm-speed"


def loss(weights, steps, seasonal, outcomes):
    """Twice the mean pinball loss; `steps` is [step, window, feature]."""
    gates, gates_bias, head, head_bias = weights
    into_gates, from_output = gates[:FEATURES], gates[FEATURES:]

    def cell(carry, sums):
        output, state = carry
        into, forget, candidate, out = jnp.split(sums + output @ from_output, 4, axis=1)
        state = jax.nn.sigmoid(forget) * state + jax.nn.sigmoid(into) * jnp.tanh(candidate)
        return (jax.nn.sigmoid(out) * jnp.tanh(state), state), None

    zeros = jnp.zeros((steps.shape[1], HIDDEN), jnp.float32)
    (output, _), _ = jax.lax.scan(cell, (zeros, zeros), steps @ into_gates + gates_bias)
    blocks = (output @ head + head_bias).reshape(-1, HEAD, LEADS)
    median = blocks[:, 0] + (blocks[:, 3:] * seasonal).sum(axis=1)
    below, above = jax.nn.softplus(blocks[:, 1]) + 1e-3, jax.nn.softplus(blocks[:, 2]) + 1e-3
    total = 0.0
    for quantile, level in [(median - below, 0.1), (median, 0.5), (median + above, 0.9)]:
        off = outcomes - quantile
        total += (jnp.abs(off) + (2 * level - 1) * off).mean()
    return total / 3


@jax.jit
def step(weights, first, second, count, inputs):
    gradient = jax.grad(loss)(weights, *inputs)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
    whole = 1 - 0.9**count, 1 - 0.999**count
    moved = lambda w, m, v: w - 4e-3 * (m / whole[0]) / (jnp.sqrt(v / whole[1]) + 1e-8)
    return jax.tree.map(moved, weights, first, second), first, second


class Theirs:
    def __init__(self):
        self.random = np.random.default_rng(1)
        draw = lambda *shape: self.random.uniform(-1, 1, shape).astype(np.float32)
        inputs = lambda count: (draw(STEPS, count, FEATURES), draw(count, SEASONAL, LEADS), draw(count, LEADS))
        self.inputs, self.validation = inputs(WINDOWS), inputs(VALIDATION)
        shapes = [(FEATURES + HIDDEN, 4 * HIDDEN), (1, 4 * HIDDEN), (HIDDEN, HEAD * LEADS), (1, HEAD * LEADS)]
        weights = [draw(*shape) / HIDDEN**0.5 for shape in shapes]
        zeros = [np.zeros_like(weight) for weight in weights]
        self.state, self.count, self.judge = (weights, zeros, zeros), 0, jax.jit(loss)
        self.epoch()  # compiles

    def epoch(self):
        started = time.perf_counter()
        for part in self.random.permutation(WINDOWS).reshape(-1, BATCH):
            steps, seasonal, outcomes = self.inputs
            self.count += 1
            self.state = step(*self.state, float(self.count), (steps[:, part], seasonal[part], outcomes[part]))
        jax.block_until_ready(self.judge(self.state[0], *self.validation))
        return time.perf_counter() - started


def main():
    program, jax_side = build(), Theirs()
    ours, theirs = [], []
    for _ in range(RUNS):
        ours.append(float(subprocess.run([program], capture_output=True, text=True, check=True).stdout))
        theirs.append(statistics.median(jax_side.epoch() for _ in range(EPOCHS)))
    one, other = statistics.median(ours), statistics.median(theirs)
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    print("seconds an epoch: ours", *(f"{value:.3f}" for value in ours), "jax", *(f"{value:.3f}" for value in theirs))
    print(f"medians: ours {one:.3f} s, jax {other:.3f} s, ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    sys.exit(1 if statistics.median(ratios) > 1 else 0)


if __name__ == "__main__":
    main()
