#!/usr/bin/env python3
"""Prints src/analysis/forecast/reference.json: what src/analysis/forecast computes, by NumPy and SciPy.

Split conformal quantiles of signed residuals, adaptive levels (Gibbs and Candès, 2021), CRPS of quantiles, and the
penalized logistic regression, each written out from its definition. Needs tests/oracle/requirements.txt.
"""

import json
import math

import numpy as np
from scipy import optimize, stats

LEVELS = [0.005, 0.025] + [round(0.05 * i, 2) for i in range(1, 20)] + [0.975, 0.995]


def conformal_quantile(residuals, level):
    """The ceil((n + 1) level)-th smallest residual above the median, the floor-th at and below it."""
    rank = (len(residuals) + 1) * level
    rank = math.ceil(round(rank, 9)) if level > 0.5 else math.floor(round(rank, 9))
    return sorted(residuals)[min(max(rank, 1), len(residuals)) - 1]


def adaptive(wanted, misses, rate=0.01):
    """The share outside after each share of misses, kept within a twentieth and twice of what is wanted."""
    states, state = [], wanted
    for missed in misses:
        state = min(max(state + rate * (wanted - missed), wanted / 20), wanted * 2)
        states.append(state)
    return states


def stretch(outside80, outside95, level):
    """The factor of a residual: by normal quantiles at both intervals, linear in the tail in between."""
    tail = min(level, 1 - level)
    factors = [stats.norm.ppf(1 - o / 2) / stats.norm.ppf(1 - w / 2) for o, w in ((outside80, 0.2), (outside95, 0.05))]
    share = min(max((0.1 - tail) / (0.1 - 0.025), 0), 1)
    return factors[0] * (1 - share) + factors[1] * share


def crps(quantiles, outcome):
    """Twice the pinball loss, integrated over levels: each stands for the levels nearer to it than to another."""
    edges = [0.0] + [(a + b) / 2 for a, b in zip(LEVELS, LEVELS[1:])] + [1.0]
    loss = [max(level * (outcome - q), (level - 1) * (outcome - q)) for level, q in zip(LEVELS, quantiles)]
    return 2 * float(np.dot(loss, np.diff(edges)))


def logistic(inputs, happened, weights, prior, ridge, largest):
    """Maximizes the penalized likelihood with bounds, by L-BFGS-B."""
    x = np.column_stack([np.ones(len(inputs)), inputs])

    def loss(c):
        z = x @ c
        value = np.sum(weights * (np.logaddexp(0, z) - happened * z)) + ridge / 2 * np.sum((c - prior) ** 2)
        return value, x.T @ (weights * (1 / (1 + np.exp(-z)) - happened)) + ridge * (c - prior)

    bounds = [(None, None)] + [(0, largest)] * (len(prior) - 1)
    found = optimize.minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-10})
    return found.x


def isotonic(said, happened, weights, asked):
    """Isotonic regression with 20 places of weight 5 that say what they are, and its values in between."""
    places = (np.arange(20) + 0.5) / 20
    x, y = np.concatenate([places, said]), np.concatenate([places, happened])
    w = np.concatenate([np.full(20, 5.0), weights])
    distinct, place = np.unique(x, return_inverse=True)
    weight = np.bincount(place, w)
    fitted = optimize.isotonic_regression(np.bincount(place, w * y) / weight, weights=weight).x
    return np.interp(asked, distinct, fitted)


def main():
    random = np.random.default_rng(20261129)
    pools = []
    for size in (20, 39, 200, 777):
        residuals = random.standard_t(3, size).round(6)
        pools.append({"residuals": residuals.tolist(), "quantiles": [conformal_quantile(residuals, level) for level in LEVELS]})
    misses = random.choice([0.0, 0.1, 0.5, 1.0], size=400, p=[0.6, 0.2, 0.15, 0.05])
    states = [adaptive(wanted, misses) for wanted in (0.2, 0.05)]
    factors = [[stretch(states[0][at], states[1][at], level) for level in LEVELS] for at in (0, 99, 399)]
    scores = []
    for _ in range(20):
        quantiles = np.sort(random.normal(size=len(LEVELS))).round(6)
        outcome = round(float(random.normal(scale=2)), 6)
        scores.append({"quantiles": quantiles.tolist(), "outcome": outcome, "crps": crps(quantiles, outcome)})
    inputs = random.normal(-2, 2, size=(600, 5)).round(6)
    happened = (random.random(600) < 1 / (1 + np.exp(1 - 0.8 * inputs[:, 0] - 0.5 * inputs[:, 1] + 0.3 * inputs[:, 2]))).astype(float)
    weights = np.where(np.arange(600) % 2 == 0, 1.0, 1 / 6)
    prior = np.array([0.0, 0.6, 1.0, 0.5, 0.15, 0.1])
    fitted = logistic(inputs, happened, weights, prior, 10.0, 2.0)
    # Probabilities in whole percent, so that some are the same, that come true less often the higher they are.
    said = random.random(500).round(2)
    came = (random.random(500) < said**2).astype(float)
    shares = np.where(np.arange(500) % 2 == 0, 1.0, 0.25)
    asked = np.linspace(0, 1, 41)
    document = {
        "pools": pools,
        "misses": misses.tolist(),
        "outside": states,
        "stretch": factors,
        "scores": scores,
        "logistic": {
            "inputs": inputs.tolist(),
            "happened": happened.tolist(),
            "weights": weights.round(12).tolist(),
            "coefficients": fitted.tolist(),
        },
        "isotonic": {
            "said": said.tolist(),
            "happened": came.tolist(),
            "weights": shares.tolist(),
            "asked": [[p, moved] for p, moved in zip(asked.tolist(), isotonic(said, came, shares, asked).tolist())],
        },
        "normal": [[p, float(stats.norm.ppf(p))] for p in (0.0001, 0.01, 0.1, 0.3, 0.5, 0.9, 0.975, 0.9975, 0.99999)],
    }
    print(json.dumps(document))


main()
