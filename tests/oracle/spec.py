"""Computes the score as the original script did: points from thresholds, weights as decimal strings.

The table of the original (profile seed) is written out here; the other profiles are read from their files."""

import math
import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

# metric -> (column of the history, weight, bands as (threshold, points above it), the worst first).
# A reading that exceeds no threshold gets 10 points.
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
# Column of a percentile -> the column that is true where the percentile is idle: its histogram did not increase.
IDLE = {"wal_fsync_seconds": "wal_fsync_idle", "backend_commit_seconds": "backend_commit_idle"}
# Columns that a history may have besides the metrics.
COMPANIONS = ["quota_bytes", "max_fds", "start_time_seconds"]
# Evidence that caps look at: 1 or 0.
HAS_LEADER, IS_LEADER = "has_leader", "is_leader"
# 1 for a learner, which the score of its cluster leaves out.
IS_LEARNER = "is_learner"
# Everything that a score may depend on besides the metrics.
BESIDE = [HAS_LEADER, IS_LEADER, IS_LEARNER, *COMPANIONS]
# The limit of which a profile may judge a share of a metric.
LIMITS = {"open_fds": "max_fds", "db_size": "quota_bytes"}
# changes(…[1d]) has values for a day after the last scrape, so it does not count for when a member was last seen.
LINGERS = NAMES.index("leader_changes")
PROFILES = Path(__file__).parents[2] / "src" / "spec" / "profiles"


def points(name, reading):
    if reading is None:
        return None
    return of_bands(reading, METRICS[name][2])


def of_bands(value, bands):
    for threshold, worth in bands:
        if value > threshold:
            return worth
    return 10


def weights(without):
    """The weight of every metric. Metrics of `without` get 0, and the others share their weight."""
    kept = {name: Decimal(METRICS[name][1]) for name in NAMES if name not in without}
    total = sum(kept.values())
    return {name: Fraction(kept.get(name, Decimal(0))) / Fraction(total) for name in NAMES}


def score(row, without):
    """The score of a step: the float nearest to the exact number, or None if a reading is missing."""
    if any(p is None for name, p in zip(NAMES, row) if name not in without):
        return None
    if not without:  # the original's code, unchanged
        return float(sum(Decimal(METRICS[name][1]) * p for name, p in zip(NAMES, row)))
    share = weights(without)
    return float(sum(share[name] * p for name, p in zip(NAMES, row) if name not in without))


@dataclass(frozen=True)
class Profile:
    """Weights, bands and caps: metric -> integer weight, metric -> (whether thresholds are shares of the limit, bands),
    metric -> list of Cap."""

    weights: dict
    bands: dict
    caps: dict = field(default_factory=dict)

    @staticmethod
    def named(name="seed"):
        table = tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8"), parse_float=Decimal)
        weights = {metric: int(table["weights"][metric] * 1_000_000) for metric in NAMES}
        assert sum(weights.values()) == 1_000_000, name
        caps = {metric: read_caps(text) for metric, text in table.get("caps", {}).items()}
        return Profile(weights, {metric: read_bands(table["bands"][metric]) for metric in NAMES}, caps)

    @staticmethod
    def add_flags(parser):
        parser.add_argument("--profile", default="seed")
        parser.add_argument("--weight", action="append", default=[])
        parser.add_argument("--band", action="append", default=[])
        parser.add_argument("--without", action="append", default=[])

    @staticmethod
    def of(asked):
        profile = Profile.named(asked.profile)
        weights = dict(profile.weights)
        if asked.weight:
            weights = rescaled(weights, dict(text.split("=") for text in asked.weight))
        bands = {metric: read_bands(text) for metric, text in (text.split("=") for text in asked.band)}
        return Profile(weights | dict.fromkeys(asked.without, 0), profile.bands | bands, profile.caps)

    def points(self, name, reading, companions):
        """The points of a reading; `companions` are the values of BESIDE at that step. NaN is an idle reading."""
        of_limit, bands = self.bands[name]
        if reading is None or math.isnan(reading):
            return None
        if not of_limit:
            return of_bands(reading, bands)
        share = share_of(name, reading, companions)
        return None if share is None else of_bands(share, bands)

    def row(self, readings, companions):
        return [self.points(name, reading, companions) for name, reading in zip(NAMES, readings)]

    def cap(self, readings, companions):
        """The metric and the highest score of the cap that applies: the lowest, of equal ones the first; else None."""
        caps = [(name, cap) for name in NAMES if self.weights[name] for cap in self.caps.get(name, [])]
        applying = [(name, cap.most) for name, cap in caps if cap.applies(name, readings, companions)]
        return min(applying, key=lambda found: found[1], default=None)

    def has_cap_of_zero(self):
        return any(cap.most == 0 for name in NAMES if self.weights[name] for cap in self.caps.get(name, []))

    def score(self, row, cap=None):
        """The float nearest to the exact score; None if a reading with a weight is missing and no cap of 0 applies."""
        counting = [(self.weights[name], p) for name, p in zip(NAMES, row) if self.weights[name]]
        if any(p is None for _, p in counting):
            return 0.0 if cap and cap[1] == 0 else None
        # Points have at most three decimals, so the shortest text of the float is the original decimal.
        total = sum(weight * Fraction(str(p)) for weight, p in counting)
        score = total / sum(weight for weight, _ in counting)
        return float(min(score, Fraction(cap[1])) if cap else score)

    def is_idle(self, readings, companions):
        """Whether idle readings (NaN) are the only reason that a step has no score."""
        cap = self.cap(readings, companions)
        if cap and cap[1] == 0:
            return False
        counting = [(name, r) for name, r in zip(NAMES, readings) if self.weights[name]]
        idle = [name for name, r in counting if r is not None and math.isnan(r)]
        others = [self.points(name, r, companions) for name, r in counting if name not in idle]
        return bool(idle) and None not in others


@dataclass(frozen=True)
class Cap:
    """A score of at most `most` without a leader (`above` is None), or above a threshold."""

    most: Decimal
    above: float | None = None
    of_limit: bool = False
    on_leader: bool = False

    def applies(self, name, readings, companions):
        """Whether the condition holds; a missing or idle reading that it needs makes it not hold."""
        beside = dict(zip(BESIDE, companions))
        if self.above is None:
            return beside[HAS_LEADER] == 0
        value = readings[NAMES.index(name)]
        if value is None or math.isnan(value):
            return False
        value = share_of(name, value, companions) if self.of_limit else value
        is_above = value is not None and value > self.above
        return is_above and (not self.on_leader or beside[IS_LEADER] == 1)


def share_of(name, reading, companions):
    """The share of the metric's limit; 0 if the limit is 0 or less, which is none; None if there is no share."""
    limit = dict(zip(BESIDE, companions))[LIMITS[name]]
    if limit is None or math.isnan(limit):
        return None
    share = 0.0 if limit <= 0 else reading / limit
    return None if math.isnan(share) else share


def rescaled(weights, given):
    """Integer weights, in about millionths: metrics in `given` keep their weight, and the others share the rest."""
    given = {metric: Fraction(share) for metric, share in given.items()}
    others = sum(weight for metric, weight in weights.items() if metric not in given)
    rest = 1 - sum(given.values())
    exact = {m: given[m] if m in given else Fraction(weight, others) * rest for m, weight in weights.items()}
    common = math.lcm(*(weight.denominator for weight in exact.values()))
    whole = {metric: int(weight * common) for metric, weight in exact.items()}
    divisor = math.gcd(*whole.values())
    unit = max(1, 1_000_000 // (sum(whole.values()) // divisor))
    return {metric: weight // divisor * unit for metric, weight in whole.items()}


def read_bands(text):
    """Parses `0.025:5, 0.04:0`, shares of a limit such as `80%:5`, or `none`; returns the worst band first."""
    if text == "none":
        return False, []
    bands = []
    for threshold, percent, worth in re.findall(r"([^:,%\s]+)\s*(%?)\s*:\s*([^:,\s]+)", text):
        # Divides the decimal by 100, not the float, so that 66.6 % is the double nearest to 0.666.
        threshold = Decimal(threshold).scaleb(-2) if percent else Decimal(threshold)
        worth = Decimal(worth)
        bands.append((float(threshold), int(worth) if worth == int(worth) else float(worth)))
    return "%" in text, bands[::-1]


def read_caps(text):
    """Parses `no_leader:0`, `99.9%:0`, `1:4`, `0.1@leader:4`, several of them, or `none`."""
    caps = []
    for part in [] if text == "none" else text.split(","):
        condition, most = part.strip().split(":")
        threshold, *leader = condition.split("@")
        above = None
        if threshold != "no_leader":
            share = Decimal(threshold.rstrip("%"))
            above = float(share.scaleb(-2) if "%" in threshold else share)
        caps.append(Cap(Decimal(most), above, "%" in threshold, leader == ["leader"]))
    return caps


def restarted(ts_ms, start_time_seconds, step):
    """Whether a member's process started so recently that its rates and changes cover little time."""
    return start_time_seconds is not None and ts_ms / 1000 - start_time_seconds < max(300, step)
