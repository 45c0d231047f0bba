"""Expected values for the LSTM of the forecast: its output by NumPy, written out, and its gradients by JAX.

Prints JSON. The weights and inputs are drawn as in `src/analysis/forecast/models/lstm/tests.rs`, by SplitMix64. Run it after
a change of the network:

    python3 -m venv venv && venv/bin/pip install jax==0.10.2 numpy==2.4.6
    venv/bin/python tests/oracle/lstm_reference.py > src/analysis/forecast/models/lstm/reference.json
"""

import importlib.metadata
import json

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

FEATURES, HIDDEN, STEPS, SEASONAL = 7, 32, 60, 4
WINDOWS, LEADS = 4, 3
HEAD = 3 + SEASONAL
NAMES = ["gates", "gates_bias", "head", "head_bias"]


def units(seed):
    """SplitMix64 (Steele, Lea and Flood, 2014), as numbers from 0 to 1."""
    mask = (1 << 64) - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield ((z ^ (z >> 31)) >> 11) / (1 << 53)


def drawn():
    """The weights, and for each window the steps, the seasonal rows and the outcomes."""
    numbers = units(17)

    def draw(*shape, reach):
        return np.array([(2 * next(numbers) - 1) * reach for _ in range(int(np.prod(shape)))]).reshape(shape)

    shapes = [(FEATURES + HIDDEN, 4 * HIDDEN), (1, 4 * HIDDEN), (HIDDEN, HEAD * LEADS), (1, HEAD * LEADS)]
    weights = dict(zip(NAMES, [draw(*shape, reach=0.3) for shape in shapes]))
    windows = []
    for _ in range(WINDOWS):
        steps, seasonal = draw(STEPS, FEATURES, reach=1.0), draw(SEASONAL, LEADS, reach=1.0)
        windows.append((steps, seasonal, draw(LEADS, reach=2.0)))
    # The program keeps inputs and outcomes with 32 bits.
    steps, seasonal, outcomes = [np.float64(np.float32(np.stack(part))) for part in zip(*windows)]
    places = np.arange(WINDOWS)[:, None] + np.arange(LEADS)
    mask = np.where(places % 4 == 0, 0.0, 1.0)
    return weights, steps, seasonal, np.where(mask == 0, 0.0, outcomes), mask


def by_numpy(weights, steps, seasonal):
    """The quantiles: median, and distances to the 10 % and 90 % quantiles, each [window, lead]."""
    sigmoid = lambda x: 1 / (1 + np.exp(-x))
    median, below, above = [np.zeros((WINDOWS, LEADS)) for _ in range(3)]
    for window in range(WINDOWS):
        output, state = np.zeros(HIDDEN), np.zeros(HIDDEN)
        for step in steps[window]:
            sums = np.concatenate([step, output]) @ weights["gates"] + weights["gates_bias"][0]
            into, forget, candidate, out = sums.reshape(4, HIDDEN)
            state = sigmoid(forget) * state + sigmoid(into) * np.tanh(candidate)
            output = sigmoid(out) * np.tanh(state)
        head = (output @ weights["head"] + weights["head_bias"][0]).reshape(HEAD, LEADS)
        median[window] = head[0] + (head[3:] * seasonal[window]).sum(axis=0)
        below[window], above[window] = np.log1p(np.exp(head[1:3])) + 1e-3
    return median, below, above


def loss(weights, steps, seasonal, outcomes, mask):
    """Twice the mean pinball loss, by JAX."""

    def cell(carry, step):
        output, state = carry
        sums = jnp.concatenate([step, output], axis=1) @ weights["gates"] + weights["gates_bias"]
        into, forget, candidate, out = jnp.split(sums, 4, axis=1)
        state = jax.nn.sigmoid(forget) * state + jax.nn.sigmoid(into) * jnp.tanh(candidate)
        return (jax.nn.sigmoid(out) * jnp.tanh(state), state), None

    zeros = jnp.zeros((steps.shape[0], HIDDEN), steps.dtype)
    (output, _), _ = jax.lax.scan(cell, (zeros, zeros), jnp.swapaxes(steps, 0, 1))
    head = (output @ weights["head"] + weights["head_bias"]).reshape(-1, HEAD, outcomes.shape[1])
    median = head[:, 0] + (head[:, 3:] * seasonal).sum(axis=1)
    below, above = jax.nn.softplus(head[:, 1]) + 1e-3, jax.nn.softplus(head[:, 2]) + 1e-3
    total = 0.0
    for quantile, level in [(median - below, 0.1), (median, 0.5), (median + above, 0.9)]:
        off = (outcomes - quantile) * mask
        total += 2 * jnp.where(off > 0, level * off, (level - 1) * off).sum()
    return total / (3 * mask.sum())


def main():
    weights, steps, seasonal, outcomes, mask = drawn()
    value, gradients = jax.value_and_grad(loss)(weights, steps, seasonal, outcomes, mask)
    print(
        json.dumps(
            {
                "versions": {name: importlib.metadata.version(name) for name in ["jax", "numpy"]},
                "quantiles": [part.ravel().tolist() for part in by_numpy(weights, steps, seasonal)],
                "loss": float(value),
                # Every 97th number of each gradient, and its norm, which has all of them.
                "gradients": [np.asarray(gradients[name]).ravel()[::97].tolist() for name in NAMES],
                "norms": [float(np.linalg.norm(gradients[name])) for name in NAMES],
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
