"""What the rules at their limits need of a cluster: scores, and the stretches in which something was so."""

import math
from zoneinfo import ZoneInfo
from datetime import datetime

import numpy as np

from edges_history import SHOWS_LIFE, START
from spec import METRICS, NAMES

UNKNOWN = -1
POINT = 1000 * 1_000_000


class Scored:
    """The score of a cluster and its members at each step, in millionths of a thousandth of a point."""

    def __init__(self, cluster, profile):
        self.cluster, self.history = cluster, cluster.history
        self.step_ms = self.history.step * 1000
        self.names = sorted(cluster.members)
        self.alive, self.seen, self.losses, self.scores = {}, {}, {}, {}
        for member in self.names:
            readings = cluster.members[member]
            first, last = cluster.life(member)
            self.alive[member] = np.arange(self.history.steps)
            self.alive[member] = (first <= self.alive[member]) & (self.alive[member] <= last)
            self.seen[member] = np.any([~np.isnan(readings[column]) for column in SHOWS_LIFE], axis=0)
            self.losses[member] = {name: loss(profile, name, readings[METRICS[name][0]]) for name in NAMES}
            known = np.all([of != UNKNOWN for of in self.losses[member].values()], axis=0)
            score = 10 * POINT - sum(self.losses[member].values())
            self.scores[member] = np.where(known, score, UNKNOWN)
        alive = np.array([self.alive[member] for member in self.names])
        scores = np.array([self.scores[member] for member in self.names])
        self.exists = alive.any(axis=0)
        known = (~alive | (scores != UNKNOWN)).all(axis=0) & self.exists
        # The cluster's score is that of its worst member, and unknown while one of them is.
        self.line = np.where(known, np.where(alive, scores, 11 * POINT).min(axis=0), UNKNOWN)
        self.unscored = self.exists & ~known

    def lost(self, member, metrics):
        """What these metrics cost a member at each step; UNKNOWN where it has no score."""
        known = self.scores[member] != UNKNOWN
        return np.where(known, sum(self.losses[member][metric] for metric in metrics), UNKNOWN)

    def at(self, step):
        return self.history.millis(step)

    def restarts(self, member):
        """The start times of a member's process but the first, in milliseconds."""
        started = self.cluster.members[member]["start_time_seconds"]
        started = started[~np.isnan(started)]
        return [round(float(second) * 1000) for before, second in zip(started, started[1:]) if before != second]

    def lowest(self, start_ms, end_ms):
        """The lowest score in a stretch, in points: that of its members if the cluster has none."""
        steps = slice(*((ms - self.at(0)) // self.step_ms for ms in (max(start_ms, self.at(0)), end_ms)))
        for scores in [self.line[steps]], [self.scores[member][steps] for member in self.names]:
            known = [int(of.min()) for of in (line[line != UNKNOWN] for line in scores) if len(of)]
            if known:
                return min(known) / POINT
        return None


def loss(profile, name, readings):
    """Weight times the points below 10, exactly; UNKNOWN for a missing reading."""
    of_limit, bands = profile.bands[name]
    assert not of_limit, "these histories have no thresholds in %"
    points = np.full(len(readings), 10_000, dtype=np.int64)
    for threshold, worth in reversed(bands):
        points[readings > threshold] = round(worth * 1000)
    return np.where(np.isnan(readings), UNKNOWN, (10_000 - points) * profile.weights[name])


def reached(values, share):
    """The highest value that is reached for at least this share of the steps."""
    ordered = np.sort(values)[::-1]
    return int(ordered[math.ceil(len(ordered) * share) - 1]) if len(ordered) else None


def stretches(is_so):
    """[first step, step after the last] of each stretch of steps that are so."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_so, [False]]).astype(int)))
    return [list(map(int, pair)) for pair in edges.reshape(-1, 2)]


def hours(scored, zone):
    """(date, hour) in local time -> the steps in that hour while the cluster exists, in order of time."""
    found = {}
    for step in np.flatnonzero(scored.exists):
        local = datetime.fromtimestamp(START + int(step) * scored.history.step, ZoneInfo(zone))
        found.setdefault((local.date(), local.hour), []).append(int(step))
    return {place: np.array(steps) for place, steps in found.items()}
