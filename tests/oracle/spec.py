"""The score as the original script computed it: points from thresholds, weights as decimal strings."""

from decimal import Decimal
from fractions import Fraction

# metric -> (column of the history, weight, bands from the worst on: above the threshold, so many points).
# A reading above no threshold gets 10.
METRICS = {
    "wal_fsync": ("wal_fsync_seconds", "0.30", [(0.01, 0)]),
    "backend_commit": ("backend_commit_seconds", "0.20", [(0.04, 0), (0.025, 5)]),
    "open_fds": ("open_fds", "0.10", [(1024, 0)]),
    "leader_changes": ("leader_changes", "0.30", [(5, 0)]),
    "client_traffic_in": ("client_traffic_in_bytes_per_second", "0.05", []),
    "db_size": ("db_size_bytes", "0.05", []),
}
NAMES = list(METRICS)
COLUMNS = [column for column, _, _ in METRICS.values()]
# A changes(…[1d]) outlives its member by a day, so this reading keeps nobody alive.
LINGERS = NAMES.index("leader_changes")


def points(name, reading):
    if reading is None:
        return None
    for threshold, worth in METRICS[name][2]:
        if reading > threshold:
            return worth
    return 10


def weights(without):
    """The weight of every metric; those of `without` count nothing and the rest share their part."""
    kept = {name: Decimal(METRICS[name][1]) for name in NAMES if name not in without}
    total = sum(kept.values())
    return {name: Fraction(kept.get(name, Decimal(0))) / Fraction(total) for name in NAMES}


def score(row, without):
    """The score of one step as the nearest float of the exact number, None when a reading is unknown."""
    if any(p is None for name, p in zip(NAMES, row) if name not in without):
        return None
    if not without:  # the original's own arithmetic, word for word
        return float(sum(Decimal(METRICS[name][1]) * p for name, p in zip(NAMES, row)))
    share = weights(without)
    return float(sum(share[name] * p for name, p in zip(NAMES, row) if name not in without))
