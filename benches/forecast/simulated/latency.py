"""The p99 of a disk histogram as Prometheus computes it: observations in etcd's buckets, interpolated."""

import numpy as np
from scipy.special import ndtr

# Upper bounds of the buckets but the last, +Inf, in seconds: 1 ms, 2 ms … 8.192 s.
BOUNDS = 2.0 ** np.arange(14) / 1_000
# The 0.99 quantile of the normal distribution.
Z99 = 2.3263478740408408


def shares(median, deviation):
    """The share of observations in each bucket. Latencies are lognormal; `median` is a logarithm of base 2 of
    milliseconds, one for each row, and bucket k ends at k."""
    reached = ndtr((np.arange(14) - median[:, None]) / deviation)
    return np.diff(reached, axis=1, prepend=0.0, append=1.0)


def p99(rng, median, deviation, expected, window, hung=None, slower=None):
    """`histogram_quantile(0.99, rate(…[5m]))` in seconds, NaN without an observation.

    `expected` is the mean number of observations since the step before, and a p99 covers `window` steps. For the share
    `hung` of a step, the disk is slower by `slower` (a logarithm of base 2)."""
    share = shares(median, deviation)
    if hung is not None:
        rows = np.flatnonzero(hung)
        slow = shares(median[rows] + slower[rows], deviation)
        share[rows] += hung[rows, None] * (slow - share[rows])
    counts = rng.poisson(expected[:, None] * share).astype(np.float64)
    if window > 1:
        summed = np.cumsum(counts, axis=0)
        counts = summed.copy()
        counts[window:] -= summed[:-window]
    return quantile(counts, 0.99)


def quantile(counts, q):
    """`histogram_quantile` of each row of bucket counts (not cumulative)."""
    reached = np.cumsum(counts, axis=1)
    rank = q * reached[:, -1]
    bucket = np.minimum((reached < rank[:, None]).sum(axis=1), counts.shape[1] - 1)
    rows = np.arange(len(counts))
    below = np.where(bucket > 0, reached[rows, bucket - 1], 0.0)
    finite = np.minimum(bucket, len(BOUNDS) - 1)
    high = BOUNDS[finite]
    low = np.where(bucket > 0, BOUNDS[np.maximum(finite - 1, 0)], 0.0)
    inside = np.maximum(counts[rows, bucket], 1.0)
    value = np.where(bucket == len(BOUNDS), BOUNDS[-1], low + (high - low) * (rank - below) / inside)
    return np.where(reached[:, -1] > 0, value, np.nan)
