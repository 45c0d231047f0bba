"""The warnings that people write as alerts on WAL fsync today, for comparison with those of a forecast.

Both look at the member of a cluster with the highest WAL fsync p99, once an hour:

    watermark        max by (cluster) (wal_fsync) > T
    predict_linear   max by (cluster) (predict_linear(wal_fsync[W], 6 * 3600)) > T

`predict_linear` is Prometheus's: a line through the samples of the window by least squares, at the instant plus 6 hours.
T and W are swept, so each rule is judged by the best of its kind on these data, which no one could have known beforehand.
"""

import collections
from pathlib import Path

import numpy as np
import polars as pl

AHEAD = 6 * 3600
THRESHOLDS = (0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.2)
WINDOWS = (1, 2, 4)


def histories(folder):
    """Instants in seconds and WAL fsync of each member, by cluster."""
    rows = pl.read_parquet(str(Path(folder, "history/*/*.parquet")), columns=["ts", "cluster", "member", "wal_fsync_seconds"])
    rows = rows.drop_nulls().sort("cluster", "member", "ts")
    clusters = collections.defaultdict(list)
    for (cluster, _), of in rows.group_by(["cluster", "member"], maintain_order=True):
        clusters[cluster].append((of["ts"].dt.epoch("ms").to_numpy() / 1000, of["wal_fsync_seconds"].to_numpy()))
    return clusters


def latest(at, values, instants):
    """The last value at most five minutes old, as Prometheus looks back."""
    place = np.searchsorted(at, instants, side="right") - 1
    known = (place >= 0) & (instants - at[place] <= 300)
    return np.where(known, values[place], np.nan)


def predicted(at, values, instants, window):
    """`predict_linear` at each instant; NaN with fewer than two samples."""
    found = np.full(len(instants), np.nan)
    for index, now in enumerate(instants):
        first, last = np.searchsorted(at, [now - window, now], side="right")
        if last - first >= 2:
            x = at[first:last] - now
            slope, intercept = np.polyfit(x, values[first:last], 1)
            found[index] = intercept + slope * AHEAD
    return found


def highest(members, of, instants):
    """The highest of all members at each instant, minus infinity where there is none."""
    values = np.array([of(at, values, instants) for at, values in members])
    return np.where(np.isnan(values), -np.inf, values).max(axis=0)


def rules(folder, instants):
    """Yields the name of each rule with whether it fires at the instants of each cluster: `{cluster: [bool, ...]}`."""
    clusters = histories(folder)
    kinds = {"watermark": latest}
    for hours in WINDOWS:
        kinds[f"predict_linear[{hours}h]"] = lambda *given, hours=hours: predicted(*given, hours * 3600)
    for name, of in kinds.items():
        values = {cluster: highest(clusters[cluster], of, np.array(at)) for cluster, at in instants.items()}
        for threshold in THRESHOLDS:
            yield f"{name} > {threshold * 1000:g} ms", {cluster: of > threshold for cluster, of in values.items()}
