"""Prints the expected values of the unit tests in src/analysis/forecast/quota/tests.rs.

usage: quota_reference.py

Theil-Sen slopes and Sen's intervals come from scipy.stats.theilslopes; SciPy has none for several groups, so those are
written out here after Hirsch, Slack and Smith (1982), and checked against SciPy for a single group. Quantiles of Student's
distribution come from scipy.stats.t."""

import itertools
import math

import numpy as np
import scipy
from scipy import stats

STAIRS = [10.0, 10.0, 10.0, 14.0, 14.0, 18.5, 18.5, 18.5, 18.5, 22.0, 22.0, 27.0]
UNEVEN = ([0.0, 1.0, 2.5, 4.0, 7.0, 8.0, 11.0, 13.0], [5.0, 4.0, 6.0, 7.5, 8.0, 30.0, 9.0, 11.0])
NOISE = [round(float(v), 3) for v in 50 + 0.7 * np.arange(20) + np.random.default_rng(17).normal(0, 3, 20)]
GROUPS = [NOISE[:6], [3.0, 4.5, 4.5, 6.0], [90.0, 91.0, 89.5, 92.5, 94.0, 95.0, 94.5]]


def pooled(groups, level):
    """Median of the slopes within groups of (x, y), and the interval from the sum of Kendall's variances."""
    slopes, variance = [], 0.0
    for x, y in groups:
        slopes += [(y[j] - y[i]) / (x[j] - x[i]) for i, j in itertools.combinations(range(len(x)), 2)]
        ties = [count for _, count in zip(*np.unique(y, return_counts=True))]
        variance += (len(y) * (len(y) - 1) * (2 * len(y) + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    slopes.sort()
    spread = stats.norm.ppf(0.5 + level / 2) * math.sqrt(variance)
    upper = min(round((len(slopes) + spread) / 2), len(slopes) - 1)
    lower = max(round((len(slopes) - spread) / 2) - 1, 0)
    return float(np.median(slopes)), float(slopes[lower]), float(slopes[upper])


def evenly(y):
    return [float(x) for x in range(len(y))], y


def main():
    print("SciPy", scipy.__version__)
    for name, (x, y) in {"stairs": evenly(STAIRS), "uneven": UNEVEN, "noise": evenly(NOISE)}.items():
        for level in (0.9, 0.95):
            slope, _, low, high = stats.theilslopes(y, x, alpha=level)
            assert np.allclose(pooled([(x, y)], level), (slope, low, high), rtol=1e-12), name
            print(name, level, repr((float(slope), float(low), float(high))))
    print("noise =", NOISE)
    print("groups 0.9", pooled([evenly(y) for y in GROUPS], 0.9))
    print("student", [(df, round(float(stats.t.ppf(0.95, df)), 6)) for df in (1, 2, 3, 5, 11, 27)])


if __name__ == "__main__":
    main()
